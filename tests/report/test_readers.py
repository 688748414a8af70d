"""What reads the formats reads them: Hugging Face's datasets, TRL's trainers; OpenAI's published rules hold."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from curate.report.formats import FORMATS, records, to_jsonl
from curate.turns import OPTIONAL, TURNS, cut, reply, turn
from tests.conversations import conversations
from tests.report.openai_rules import broken

pytestmark = pytest.mark.filterwarnings("ignore")  # of three other libraries

TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}])
CALL = [{"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}]
ASKS, RAIN = turn("assistant", tool_calls=CALL), turn("tool", "rain", tool_call_id="1", name="weather")
WEATHER = [turn("user", "Weather?"), ASKS, RAIN, turn("assistant", "It rains.")]
SPOKEN = [
    cut([turn("user", "Hi?"), turn("assistant", "Hello.")]),
    cut([turn("system", "Be brief."), turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")]),
    cut([turn("user", "Why?"), turn("assistant", "Because.")]),
]  # fmt: skip
MORE = [
    cut(WEATHER) | {"tools": TOOLS},
    cut([*WEATHER[:1], {**ASKS, "tool_calls": [{**CALL[0], "arguments": '{"days": [1, "2"]}'}]}]),
    cut([turn("user", "a"), turn("assistant", "bad", loss=False), turn("user", "c"), turn("assistant", "good")]),
    cut([turn("user", "2+2?"), turn("assistant", "4", thinking="2 and 2")]),
]
TEXTS = ("alpaca", "sharegpt", "hh", "openai")  # which have no place for all of `MORE`
SCHEMA = {name: pl.String() for name in ("id", "system", "prompt", "response", "chosen", "rejected")} | OPTIONAL


def table(rows: list[dict[str, Any]], *, pairs: bool = False) -> pl.DataFrame:
    """Make a set of rows of one answer, or of pairs with a worse answer beside it."""
    rows = [{"id": str(i), **row} for i, row in enumerate(rows)]
    if pairs:
        worse = reply([turn("assistant", "Hm.")], "rejected")
        rows = [_renamed(row, "response", "chosen") | worse for row in rows]
    names = {name for row in rows for name in row}
    return pl.DataFrame(rows, schema={k: v for k, v in {**SCHEMA, "history": TURNS}.items() if k in names})


def _renamed(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new + name.removeprefix(old) if name.startswith(old) else name: value for name, value in row.items()}


def set_of(format_: str) -> pl.DataFrame:
    """Give a set that a format holds, as rich as it may be."""
    pairs = "chosen" in FORMATS[format_].needs or format_ == "unpaired"
    rows = [{**row, "system": None} for row in SPOKEN] if format_ == "hh" else SPOKEN
    return table(rows if format_ in TEXTS else rows + MORE, pairs=pairs)


def load(file: Any, kind: str, cache: Any) -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(kind, data_files=str(file), split="train", cache_dir=str(cache))


@pytest.mark.parametrize("format_", FORMATS)
def test_datasets_loads_every_format_as_it_is(format_, tmp_path):
    rows = set_of(format_)
    (tmp_path / "train.jsonl").write_text(to_jsonl(rows, format_), encoding="utf-8")
    data = list(load(tmp_path / "train.jsonl", "json", tmp_path / "cache"))
    assert [_lean(row) for row in data] == [_lean(record) for record in records(rows, format_)]


def _lean(value: Any) -> Any:
    """Leave out what holds nothing: columns of a table are there for every row."""
    if isinstance(value, dict):
        return {key: _lean(v) for key, v in value.items() if v is not None}
    return [_lean(v) for v in value] if isinstance(value, list) else value


def test_datasets_loads_the_table(tmp_path):
    rows = table(SPOKEN + MORE)
    rows.write_parquet(tmp_path / "train.parquet")
    assert list(load(tmp_path / "train.parquet", "parquet", tmp_path / "cache")) == rows.to_dicts()


@settings(max_examples=60, deadline=None)
@given(conversations())
def test_openais_rules_hold(turns):
    for row in (cut(turns), cut(turns, "chosen") | reply([turn("assistant", "Hm.")], "rejected")):
        try:
            lines = list(records(table([row | {"tools": TOOLS}]), "openai"))
        except ValueError as error:
            assert "has no place for" in str(error)
            continue
        untrained = not any(t.get("loss", True) for t in turns if t["role"] == "assistant")
        expected = ["no message of the assistant is trained on"] if untrained and "messages" in lines[0] else []
        assert broken(lines[0]) == expected


U, A = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        pytest.param({"id": "1", "messages": [U, A]}, "the key 'id'", id="an id"),
        pytest.param({"messages": [U, {**A, "reasoning_content": "c"}]}, "the key 'reasoning_content'", id="thoughts"),
        pytest.param({"messages": [U, {**A, "weight": 0}]}, "no message of the assistant is trained on", id="no loss"),
        pytest.param({"messages": [U, {"role": "assistant"}]}, "a message of the assistant that says", id="nothing"),
        pytest.param({"input": {"messages": [U]}, "preferred_output": [A]}, "non_preferred_output is not", id="half"),
    ],
)
def test_the_rules_name_what_is_broken(record, problem):
    assert any(line.startswith(problem) for line in broken(record))


TEMPLATE = (
    "{% if tools %}<|tools|>{{ tools | tojson }}<|end|>{% endif %}"
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['reasoning_content'] %}<think>{{ message['reasoning_content'] }}</think>{% endif %}"
    "{{ message['content'] or '' }}"
    "{% for call in message['tool_calls'] or [] %}<call>{{ call['function']['name'] }}"
    "{{ call['function']['arguments'] | tojson }}</call>{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
BERGEN = '<|user|>Weather?<|end|><|assistant|><call>weather{"city": "Bergen"}</call><|end|>'
RAINS = BERGEN + "<|tool|>rain<|end|><|assistant|>It rains.<|end|>"
THINKS = "<|user|>2+2?<|end|><|assistant|><think>2 and 2</think>4<|end|>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a model of random weights and a tokenizer of bytes, whose template shows all of a turn."""
    tokenizers, transformers = pytest.importorskip("tokenizers"), pytest.importorskip("transformers")
    letters = tokenizers.Tokenizer(tokenizers.models.BPE())
    letters.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    letters.train_from_iterator([], tokenizers.trainers.BpeTrainer(special_tokens=["<pad>", "<|end|>"], initial_alphabet=alphabet))  # fmt: skip
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=letters, pad_token="<pad>", eos_token="<|end|>", chat_template=TEMPLATE
    )
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    folder = tmp_path_factory.mktemp("model")
    transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tokenizer), **small)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_", "name", "columns", "texts"),
    [
        pytest.param("prompt_completion", "SFT", ["input_ids"], [BERGEN, RAINS, THINKS], id="answers"),
        pytest.param("messages", "SFT", ["input_ids"], [RAINS, THINKS], id="conversations"),
        pytest.param("preference", "DPO", ["prompt_ids", "chosen_ids"], [RAINS, THINKS], id="pairs"),
        pytest.param("implicit", "DPO", ["prompt_ids", "chosen_ids"], [RAINS, THINKS], id="pairs of conversations"),
        pytest.param("unpaired", "KTO", ["prompt_ids", "completion_ids"], [RAINS, THINKS], id="answers with a label"),
    ],
)
def test_trl_prepares_what_is_written(format_, name, columns, texts, model, tmp_path):
    trl, transformers = pytest.importorskip("trl"), pytest.importorskip("transformers")
    rows = set_of(format_)
    (tmp_path / "train.jsonl").write_text(to_jsonl(rows, format_), encoding="utf-8")
    data = load(tmp_path / "train.jsonl", "json", tmp_path / "cache")
    config = getattr(trl, f"{name}Config")(
        output_dir=str(tmp_path / "out"), use_cpu=True, bf16=False, report_to=[], max_length=None, disable_tqdm=True
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    trainer = getattr(trl, f"{name}Trainer")(
        model=str(model), args=config, train_dataset=data, processing_class=tokenizer
    )
    assert len(trainer.train_dataset) == len(data)
    examples = [tokenizer.decode([i for c in columns for i in row[c]]) for row in trainer.train_dataset]
    for text in texts:
        assert [one for one in examples if one.endswith(text)], (text, examples)
    described = [one for one in examples if one.startswith("<|tools|>")]
    assert described and all('"name": "weather"' in one for one in described)
