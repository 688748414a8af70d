from __future__ import annotations

import pytest

from curate.train.preflight import template
from tests.train import plain, tiny

ROWS = tiny.answers(6)
# As of models that think: in use the answer begins after an empty thought, in training it does not.
THINKS = tiny.CHATML.replace(
    "'<|im_start|>assistant\n' }}{% endif", "'<|im_start|>assistant\n<think></think>' }}{% endif"
)
# The other way round: a thought is written into every answer, and not into what is asked.
THOUGHT = tiny.CHATML.replace("+ message['content'] +", "+ ('<think></think>' if message['role'] == 'assistant' else '') + message['content'] +")  # fmt: skip
UPPER = tiny.CHATML.replace("message['content'] +", "message['content'] | upper +")


def seen(tmp_path, text=tiny.CHATML, stage="sft", rows=ROWS):
    base = tiny.save_model(tmp_path / "model", template=text)
    return plain.seen(getattr(plain, stage)(tmp_path, *plain.loaded(base), rows), stage, rows, base)


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_prompt_that_is_no_prefix_is_found(stage, tmp_path):
    rows = ROWS if stage == "sft" else tiny.pairs(4)
    looked = seen(tmp_path, THINKS, stage, rows)
    looked.trainer.train()  # trl logs it once, among much else, and trains
    (found,) = template.prefix(looked)
    assert found.level == "stop"
    assert "(use has '<think></think>' where training has " in found.message
    assert found.detail["ids"] == [row["id"] for row in rows]


def test_a_plain_prompt_that_melts_into_its_answer_is_found(tmp_path):
    rows = [{"id": str(i), "prompt": "What is warm? The ai", "completion": "r."} for i in range(3)]
    rows.append({"id": "good", "prompt": "What is warm?\n", "completion": "The air."})
    assert [found.detail["ids"] for found in template.prefix(seen(tmp_path, rows=rows))] == [["0", "1", "2"]]


def test_what_training_puts_before_the_answer_is_told(tmp_path):
    (found,) = template.between(seen(tmp_path, THOUGHT))
    assert found.level == "warn"
    assert "row0 (line 1) has '<think></think>It is 0, as you can count." in found.message


def test_an_answer_that_the_template_changes_is_told(tmp_path):
    assert "IT IS 0" in next(template.between(seen(tmp_path, UPPER))).message


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_training_and_use_of_the_same_text_are_not_found(stage, tmp_path):
    rows = ROWS if stage == "sft" else tiny.pairs(4)
    rows[0]["prompt"] = [
        {"role": "system", "content": "Be brief. "},
        {"role": "user", "content": " Ünd 你好 🙂? "},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "So?"},
    ]
    looked = seen(tmp_path, stage=stage, rows=rows)
    assert [*template.prefix(looked), *template.between(looked), *template.double_bos(looked)] == []


def test_plain_texts_of_the_same_tokens_are_not_found(tmp_path):
    rows = [
        {"id": str(i), "prompt": f"### Question:\n{i}?\n### Answer:\n", "completion": f"It is {i}."} for i in range(4)
    ]
    looked = seen(tmp_path, rows=rows)
    assert [*template.prefix(looked), *template.between(looked)] == []


def test_prompts_that_were_cut_are_not_called_another_text(tmp_path):
    base = tiny.save_model(tmp_path / "model")
    rows = tiny.answers(3)
    rows[1]["completion"][0]["content"] += " and so on" * 30
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, max_length=60)
    looked = plain.seen(trainer, "sft", rows, base)
    assert [*template.prefix(looked), *template.between(looked)] == []


def test_a_beginning_written_twice_is_found(tmp_path):
    twice = "{{ bos_token + bos_token }}" + tiny.CHATML
    base = tiny.save_model(tmp_path / "model", template=twice)
    model, words = plain.loaded(base)
    words.bos_token = "<|endoftext|>"
    trainer = plain.sft(tmp_path, model, words, ROWS)
    trainer.train()  # without a word
    (found,) = template.double_bos(plain.seen(trainer, "sft", ROWS, base))
    assert found.message.startswith("6 rows begin with '<|endoftext|>' twice: row0 (line 1)")


def test_a_beginning_written_once_is_not_found(tmp_path):
    base = tiny.save_model(tmp_path / "model", template="{{ bos_token }}" + tiny.CHATML)
    model, words = plain.loaded(base)
    words.bos_token = "<|endoftext|>"
    assert list(template.double_bos(plain.seen(plain.sft(tmp_path, model, words, ROWS), "sft", ROWS, base))) == []


def test_a_template_of_trls_own_that_writes_the_same_is_not_found(tmp_path):
    looked = seen(tmp_path)
    looked.trainer.chat_template = tiny.CHATML.replace("{{ '<|im_start|>'", "{{ '' + '<|im_start|>'")
    assert list(template.swapped(looked)) == []


def test_a_template_of_trls_own_that_writes_something_else_is_found(tmp_path):
    looked = seen(tmp_path)
    looked.trainer.chat_template = UPPER  # where trl keeps it
    (found,) = template.swapped(looked)
    assert found.level == "stop"
    assert found.detail["training"] != found.detail["saved"] == template.template_hash(tiny.CHATML)
