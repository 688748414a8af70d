from __future__ import annotations

import pytest

from curate.train.config import TrainConfig
from curate.train.data import load
from curate.train.preflight import long_prompts, template
from tests.train import plain, tiny

ROWS = tiny.answers(6)
KINDS = {"sft": (tiny.answers, "prompt_completion"), "dpo": (tiny.pairs, "preference")}
# As of models that think: in use the answer begins after an empty thought, in training it does not.
THINKS = tiny.CHATML.replace(
    "'<|im_start|>assistant\n' }}{% endif", "'<|im_start|>assistant\n<think></think>' }}{% endif"
)
# The other way round: a thought is written into every answer, and not into what is asked.
THOUGHT = tiny.CHATML.replace("+ message['content'] +", "+ ('<think></think>' if message['role'] == 'assistant' else '') + message['content'] +")  # fmt: skip
UPPER = tiny.CHATML.replace("message['content'] +", "message['content'] | upper +")


def findings_of(ready):
    return [*template.prefix(ready), *template.between(ready), *template.double_bos(ready), *template.swapped(ready)]


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_prompt_that_is_no_prefix_is_named(stage, context):
    rows = KINDS[stage][0](4)
    ready = context(rows, stage, template=THINKS)
    ready.trainer.train()  # trl logs it once, among much else, and trains
    (finding,) = template.prefix(ready)
    assert finding.level == "stop"
    assert "(use has '<think></think>' where training has " in finding.message
    assert finding.detail["ids"] == [row["id"] for row in rows]


def test_a_plain_prompt_that_melts_into_its_answer_is_named(context):
    rows = [{"id": str(i), "prompt": "What is warm? The ai", "completion": "r."} for i in range(3)]
    rows.append({"id": "good", "prompt": "What is warm?\n", "completion": "The air."})
    assert [finding.detail["ids"] for finding in template.prefix(context(rows))] == [["0", "1", "2"]]


def test_a_part_of_the_prompt_in_the_loss_is_named(context):
    ready = context(ROWS)
    dataset = ready.trainer.train_dataset
    ready.trainer.train_dataset = dataset.map(lambda row: {"labels": [-100] * 3 + row["input_ids"][3:]})
    (finding,) = template.prefix(ready)
    assert finding.message.startswith("a part of the prompt is trained on in 6 rows: row0 (line 1)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(THOUGHT, "row0 (line 1) has '<think></think>It is 0, as you can count.", id="put before it"),
        pytest.param(UPPER, "IT IS 0", id="changed"),
    ],
)
def test_an_answer_that_the_template_changes_is_a_warning(text, message, context):
    (finding,) = template.between(context(ROWS, template=text))
    assert finding.level == "warn"
    assert message in finding.message


DIALOGUE = [
    {"role": "system", "content": "Be brief. "},
    {"role": "user", "content": " Ünd 你好 🙂? "},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "So?"},
]
LONG = [{"role": "assistant", "content": "It is so" + " and so on" * 30}]
TEXTS = [{"id": str(i), "prompt": f"### Question:\n{i}?\n### Answer:\n", "completion": f"It is {i}."} for i in range(4)]


@pytest.mark.parametrize(
    ("rows", "stage", "settings"),
    [
        pytest.param([{**ROWS[0], "prompt": DIALOGUE}, *ROWS[1:]], "sft", {}, id="a dialogue"),
        pytest.param([{**tiny.pairs(1)[0], "prompt": DIALOGUE}, *tiny.pairs(4)[1:]], "dpo", {}, id="pairs"),
        pytest.param(TEXTS, "sft", {}, id="plain texts of the same tokens"),
        pytest.param([{**ROWS[0], "completion": LONG}, *ROWS[1:]], "sft", {"max_length": 60}, id="rows that were cut"),
    ],
)
def test_training_and_use_of_the_same_text_pass(rows, stage, settings, context):
    assert findings_of(context(rows, stage, **settings)) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_beginning_written_twice_is_named(times, base, context):
    model, tokenizer = plain.load(base)
    tokenizer.bos_token = "<|endoftext|>"
    ready = context(ROWS, template="{{ bos_token }}" * times + tiny.CHATML, loaded=(model, tokenizer))
    ready.trainer.train()  # without a word
    messages = [finding.message for finding in template.double_bos(ready)]
    assert len(messages) == times - 1
    assert all(text.startswith("6 rows begin with '<|endoftext|>' twice: row0 (line 1)") for text in messages)


@pytest.mark.parametrize(
    ("text", "config", "levels"),
    [
        pytest.param(None, {}, ["warn"], id="the model's own template may mean it"),
        pytest.param(None, {"end_of_turn": "<|eot|>"}, ["stop"], id="a template of ours may not"),
        pytest.param("{{ bos_token }}" + tiny.CHATML, {}, [], id="with the beginning"),
    ],
)
def test_a_beginning_that_is_missing_is_named(text, config, levels, base, context):
    ready = context(ROWS, template=text, loaded=plain.beginner(base), config=config)
    findings = list(template.no_bos(ready))
    assert [finding.level for finding in findings] == levels
    assert all("6 rows do not begin with '<|endoftext|>'" in finding.message for finding in findings)


def test_a_tokenizer_that_begins_no_text_needs_no_beginning(base, context):
    model, tokenizer = plain.load(base)
    tokenizer.bos_token = "<|endoftext|>"
    assert list(template.no_bos(context(ROWS, loaded=(model, tokenizer)))) == []
    assert (
        list(template.no_bos(context(TEXTS, loaded=plain.beginner(base)))) == []
    )  # plain text begins as the tokenizer has it


@pytest.mark.parametrize(
    ("own", "findings"),
    [
        pytest.param(tiny.CHATML.replace("{{ '<|im_start|>'", "{{ '' + '<|im_start|>'"), 0, id="the same text"),
        pytest.param(UPPER, 1, id="another text"),
    ],
)
def test_a_template_of_trls_own_that_writes_another_text_is_named(own, findings, context):
    ready = context(ROWS)
    ready.trainer.chat_template = own  # where trl keeps it
    swapped = list(template.swapped(ready))
    assert [finding.level for finding in swapped] == ["stop"] * findings
    for finding in swapped:
        assert finding.detail["training"] != finding.detail["saved"] == template.template_hash(tiny.CHATML)


def long(base, tmp_path, rows, stage="sft", **trainer):
    loaded = load(str(tiny.write(tmp_path / "rows.jsonl", rows)), KINDS[stage][1]).rows
    return long_prompts(TrainConfig(stage=stage, model=str(base), data="rows.jsonl", trainer=trainer), loaded)


def with_a_long_prompt(rows):
    rows[2]["prompt"][0]["content"] = "? " * 5_000
    return rows


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_prompt_of_ten_thousand_tokens_is_named_before_a_model_is_loaded(stage, base, tmp_path, monkeypatch):
    from transformers import AutoModelForCausalLM

    monkeypatch.delattr(AutoModelForCausalLM, "from_pretrained")
    rows = with_a_long_prompt(KINDS[stage][0](4))
    (finding,) = long(base, tmp_path, rows, stage)
    assert finding.level == "stop"
    assert f"fill max_length 1,024 by themselves, and trl would drop these rows without a word: {rows[2]['id']} (line 3) (10,0" in finding.message  # fmt: skip
    assert finding.detail["ids"] == [rows[2]["id"]]


def test_a_prompt_is_measured_as_it_is_asked(base, tmp_path):
    (finding,) = long(base, tmp_path, tiny.answers(1), max_length=10)
    (tokens,) = finding.detail["tokens"]
    assert long(base, tmp_path, tiny.answers(1), max_length=tokens)
    assert long(base, tmp_path, tiny.answers(1), max_length=tokens + 1) == []


def test_plain_texts_are_measured_too(base, tmp_path):
    rows = [{"id": "a", "prompt": "? " * 600, "completion": "b"}, {"id": "c", "prompt": "d", "completion": "e"}]
    assert long(base, tmp_path, rows)[0].detail["ids"] == ["a"]


@pytest.mark.parametrize("trainer", [{"max_length": None}, {"truncation_mode": "keep_end"}, {"max_length": 20_000}])
def test_where_no_row_is_dropped_no_prompt_is_too_long(trainer, base, tmp_path):
    assert long(base, tmp_path, with_a_long_prompt(tiny.answers(4)), **trainer) == []
