"""What `datasets.load_dataset` gives of a finished folder: the records that trainers read, exactly, and all else by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from curate.evaluate.prompts import read_prompts
from curate.recipe.load import load
from curate.report.formats import FORMATS, fields, needs, to_jsonl
from curate.report.tables import JSON, features, tables
from curate.run.folder import export
from curate.run.run import run_recipe
from tests.conftest import ROOT
from tests.report.test_readers import model as model
from tests.report.test_round_trip import Row, answers, dialogues, few, pairs, table, write

pytestmark = pytest.mark.filterwarnings("ignore")  # of datasets
TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
DIALOGUE = [{"role": "system", "content": "Be brief."}, *TURNS, {"role": "user", "content": "And?"}, TURNS[1]]
PAIR = {"prompt": TURNS[:1], "chosen": TURNS[1:], "rejected": [{"role": "assistant", "content": "No."}]}


def tool(name: str, *params: str) -> Row:
    properties = {param: {"type": "string"} for param in params}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


def talk(name: str, arguments: Row, **last: Any) -> Row:
    """A call of a tool, its answer, and what is said then."""
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    turns = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "5", "tool_call_id": "1"}]
    messages = [TURNS[0], *turns, {"role": "assistant", "content": "Five.", **last}]
    return {"messages": messages, "tools": [tool(name, *arguments)]}


TALKS = [
    talk("weather", {"city": "Bergen"}),
    talk("days", {"days": [1, "2", None], "of": {}}, reasoning_content="Hm."),
    {"messages": DIALOGUE},
]
CALLING = {**PAIR, "chosen": TALKS[0]["messages"][1:], "tools": TALKS[0]["tools"]}


def run(folder: Path, rows: list[Row], **output: Any) -> Path:
    """Run a recipe over rows, none of which is like another; give the output folder."""
    lines = [json.dumps({**row, "number": i}) for i, row in enumerate(rows)]
    (folder / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    recipe = {"name": "set", "sources": {"one": {"read": {"jsonl": {"path": str(folder / "in.jsonl")}}}}}
    (folder / "set.yaml").write_text(yaml.safe_dump({**recipe, "output": output}), encoding="utf-8")
    run_recipe(load(folder / "set.yaml"), folder / "out")
    return folder / "out"


def loaded(out: Path, *name: str) -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(str(out), *name, cache_dir=str(out.parent / "cache"))


def records(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def lean(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize(
    ("rows", "formats"),
    [
        pytest.param([{"messages": TURNS}] * 3, ["prompt_completion"], id="single turns"),
        pytest.param([{"messages": DIALOGUE}, {"messages": TURNS}], ["messages", "prompt_completion", "alpaca", "sharegpt"], id="dialogues"),
        pytest.param(TALKS, ["prompt_completion", "messages"], id="tools"),
        pytest.param(TALKS[::2], ["openai", "sharegpt"], id="tools in other formats"),
        pytest.param([PAIR] * 3, ["preference", "implicit", "unpaired", "openai", "sharegpt", "hh"], id="pairs"),
        pytest.param([PAIR, CALLING], ["unpaired", "preference", "implicit"], id="pairs with tools"),
        pytest.param([{"prompt": "Why?", "completion": "So.", "label": False}] * 2, ["unpaired"], id="labels"),
        pytest.param([{"messages": TURNS}] * 2, ["prompts"], id="prompts"),
    ],
)  # fmt: skip
def test_every_format_is_a_config_and_the_first_is_the_default(rows, formats, tmp_path):
    out = run(tmp_path, rows, formats=formats)
    files = ["train.jsonl", *(f"train.{name}.jsonl" for name in formats[1:])]
    for name, file in zip(formats, files, strict=True):
        assert [lean(row) for row in loaded(out, name)["train"]] == records(out / file)
    assert list(loaded(out)["train"]) == list(loaded(out, formats[0])["train"])
    columns = list(loaded(out)["train"].features)
    assert columns == [name for name in columns if any(name in record for record in records(out / "train.jsonl"))]


def test_tables_and_prompts_are_configs_too(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "Who?"}\n{"prompt": "Where?"}\n', encoding="utf-8")
    read = {"jsonl": {"path": str(prompts)}}
    out = run(tmp_path, [{"messages": TURNS}] * 3, dev=read, test_prompts=read)
    assert set(loaded(out)) == {"train"}
    assert loaded(out, "rows")["train"]["response"] == ["Because."] * 3
    assert loaded(out, "ledger")["train"]["kept"] == [True] * 3
    assert sorted(loaded(out, "dev")["dev"]["prompt"]) == ["Where?", "Who?"]
    assert len(loaded(out, "test_prompts")["test"]) == 2


@pytest.mark.parametrize(
    "more", [pytest.param(TALKS[:0], id="texts"), pytest.param(TALKS[:2], id="tools in some rows")]
)
def test_rows_held_out_are_a_split_of_every_format(more, tmp_path):
    asked = [
        "Why is rain wet?",
        "How do bees fly?",
        "Who made steel?",
        "When does ice melt?",
        "Where do eels go?",
        "What sings?",
    ]
    rows = [row | {"messages": [{"role": "user", "content": text}, *row["messages"][1:]]}
            for text, row in zip(asked, [*more, *[{"messages": TURNS}] * 6], strict=False)]  # fmt: skip
    out = run(tmp_path, rows, formats=["messages", "prompt_completion"], dev=2)
    for name, between in (("messages", "."), ("prompt_completion", ".prompt_completion.")):
        for split in ("train", "dev"):
            assert [lean(row) for row in loaded(out, name)[split]] == records(out / f"{split}{between}jsonl")
    assert {name: len(part) for name, part in loaded(out).items()} == {"train": 4, "dev": 2}
    assert set(loaded(out, "rows")) == {"train", "dev"}
    assert read_prompts(out).height == 2


def test_a_field_that_comes_late_is_there(tmp_path):
    """`datasets` takes the types of JSON lines from their first 10 MB."""
    long = {"messages": [TURNS[0], {"role": "assistant", "content": "so " * 2_000_000}]}
    out = run(tmp_path, [long, long, *TALKS], formats=["messages"])
    assert [lean(row) for row in loaded(out)["train"]] == records(out / "train.jsonl")


def test_a_saved_dataset_has_the_same_form(tmp_path):
    datasets = pytest.importorskip("datasets")
    out = run(tmp_path, TALKS)
    saved = datasets.load_from_disk(str(export(out, "dataset", None)))
    assert list(saved) == list(loaded(out)["train"]) and saved.features == loaded(out)["train"].features


def test_it_opens_without_a_network(tmp_path):
    pytest.importorskip("datasets")
    out = run(tmp_path, TALKS)
    code = (
        f"import datasets; print(len(datasets.load_dataset({str(out)!r}, cache_dir={str(tmp_path / 'c')!r})['train']))"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(records(out / "train.jsonl")))]


@few
@given(st.lists(answers(dialogues()), min_size=1, max_size=4) | st.lists(pairs(dialogues()), min_size=1, max_size=4))
def test_a_table_holds_all_that_the_lines_hold(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("lines")
    for name in FORMATS:
        if not set(needs(name, pairs="chosen" in rows[0])) <= rows[0].keys():
            continue
        held = [table(row) for row in rows if write(row, name)]
        if not held:
            continue
        set_ = pl.concat(held)
        (folder / name).write_text(to_jsonl(set_, name), encoding="utf-8", newline="\n")
        kinds = fields(name, set_.lazy())
        [read] = tables(folder / name, kinds)
        assert [lean(_parsed(row, kinds)) for row in read.to_dicts()] == records(folder / name)


def _parsed(value: Any, kind: Any) -> Any:
    if value is None or kind == JSON:
        return None if value is None else json.loads(value)
    if isinstance(kind, pl.List):
        return [_parsed(item, kind.inner) for item in value]
    inner = kind if isinstance(kind, dict) else kind.to_schema() if isinstance(kind, pl.Struct) else None
    return {name: _parsed(value[name], inner[name]) for name in inner} if inner else value


@pytest.mark.parametrize("format_", FORMATS)
def test_the_card_names_types_as_datasets_does(format_):
    datasets = pytest.importorskip("datasets")
    form = FORMATS[format_]
    for kinds in (form.fields, form.pair_fields or {}):
        listed = features(kinds)
        assert datasets.Features._from_yaml_list(listed)._to_yaml_list() == listed


ASKED = "<|user|>Why?<|end|><|assistant|>"
CALLED = ASKED + '<call>weather{"city": "Bergen"}</call><|end|>'
ANSWERED = CALLED + "<|tool|>5<|end|><|assistant|>Five.<|end|>"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "formats", "name", "columns", "texts"),
    [
        pytest.param(TALKS, ["prompt_completion"], "SFT", ["input_ids"], [CALLED, ANSWERED], id="SFT: prompt and completion"),
        pytest.param(TALKS, ["messages"], "SFT", ["input_ids"], [ANSWERED], id="SFT: messages"),
        pytest.param([{"messages": DIALOGUE}], ["prompt_completion"], "SFT", ["input_ids"], ["<|system|>Be brief.<|end|>" + ASKED + "Because.<|end|>"], id="SFT: dialogues"),
        pytest.param([PAIR] * 2, ["prompt_completion"], "DPO", ["prompt_ids", "chosen_ids"], [ASKED + "Because.<|end|>"], id="DPO"),
        pytest.param([PAIR, CALLING], ["preference"], "DPO", ["prompt_ids", "chosen_ids"], [ANSWERED], id="DPO: tools"),
        pytest.param([PAIR, CALLING], ["implicit"], "DPO", ["prompt_ids", "chosen_ids"], [ANSWERED], id="DPO: whole conversations"),
        pytest.param([PAIR, CALLING], ["unpaired"], "KTO", ["prompt_ids", "completion_ids"], [ANSWERED, ASKED + "No.<|end|>"], id="KTO: pairs"),
        pytest.param([{"prompt": "Why?", "completion": c, "label": c == "So."} for c in ("So.", "No.")], ["unpaired"], "KTO", ["prompt_ids", "completion_ids"], [ASKED + "So.<|end|>"], id="KTO: labels"),
    ],
)  # fmt: skip
def test_trl_prepares_what_a_folder_gives(rows, formats, name, columns, texts, model, tmp_path):
    trl, transformers = pytest.importorskip("trl"), pytest.importorskip("transformers")
    data = loaded(run(tmp_path, rows, formats=formats))["train"]
    config = getattr(trl, f"{name}Config")(
        output_dir=str(tmp_path / "model"), use_cpu=True, bf16=False, report_to=[], max_length=None, disable_tqdm=True
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    trainer = getattr(trl, f"{name}Trainer")(str(model), args=config, train_dataset=data, processing_class=tokenizer)
    assert len(trainer.train_dataset) == len(data)
    examples = [tokenizer.decode([i for c in columns for i in row[c]]) for row in trainer.train_dataset]
    for text in texts:
        assert [one for one in examples if one.endswith(text)], (text, examples)
    described = [one for one in examples if one.startswith("<|tools|>")]
    assert len(described) == sum(1 for row in data if row.get("tools"))
