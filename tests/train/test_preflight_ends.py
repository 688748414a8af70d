from __future__ import annotations

import pytest

from curate.train.preflight import template, tokens
from tests.train import plain, tiny
from tests.train.test_end_of_turn import MARKED, MISTRAL, NO_END

ROWS = tiny.answers(8)
LEFT_OUT = MARKED.replace("m['content'] + '<|im_end|>' }}{%- endgeneration -%}", "m['content'] }}{%- endgeneration -%}{{ '<|im_end|>' }}")  # fmt: skip


def found(trainer, rows, base, stage="sft"):
    return list(tokens.unended(plain.seen(trainer, stage, rows, base)))


def test_trl_trains_answers_without_an_end_and_says_nothing(tmp_path):
    base = tiny.save_model(tmp_path / "model", template=NO_END)
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, learning_rate=1e-2)
    trainer.train()  # without a word, and with a fine loss
    assert trainer.state.log_history[0]["loss"] > 0
    (finding,) = found(trainer, ROWS, base)
    assert finding.level == "stop"
    assert finding.message.startswith("8 of 8 completion answers end in '.', and generation stops at '<|im_end|>'")
    assert "row0 (line 1), row1 (line 2)" in finding.message
    assert finding.detail["ids"] == [row["id"] for row in ROWS]


def test_an_end_at_which_generation_does_not_stop_is_found(tmp_path):
    base = tiny.save_model(tmp_path / "model")
    model, words = plain.loaded(base)
    words.eos_token, model.generation_config.eos_token_id = "<|endoftext|>", None  # as base models come
    (finding,) = found(plain.sft(tmp_path, model, words, ROWS), ROWS, base)
    assert "end in '<|im_end|>', and generation stops at '<|endoftext|>'" in finding.message


def test_an_end_of_the_generation_config_counts(tmp_path):
    base = tiny.save_model(tmp_path / "model")
    model, words = plain.loaded(base)
    words.eos_token, model.generation_config.eos_token_id = "<|endoftext|>", [0, 2]
    assert found(plain.sft(tmp_path, model, words, ROWS), ROWS, base) == []


def test_an_end_outside_the_generation_marks_is_found(tmp_path):
    base = tiny.save_model(tmp_path / "model", template=LEFT_OUT)
    rows = [{"id": row["id"], "messages": row["prompt"] + row["completion"]} for row in ROWS]
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, assistant_only_loss=True)
    (finding,) = found(trainer, rows, base)
    assert finding.message.startswith("8 completion answers end in a token that is not in the loss")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(tiny.CHATML, id="an end with a line break after it"),
        pytest.param(MISTRAL, id="an end without"),
        pytest.param(tiny.CHATML.replace("'\n' }}{% endfor", "'\n\n  ' }}{% endfor"), id="an end with more space"),
    ],
)
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_answers_with_their_end_are_not_found(text, stage, tmp_path):
    base = tiny.save_model(tmp_path / "model", template=text)
    rows = tiny.answers(4) if stage == "sft" else tiny.pairs(4)
    trainer = getattr(plain, stage)(tmp_path, *plain.loaded(base), rows)
    assert found(trainer, rows, base, stage) == []


def test_plain_texts_get_their_end_from_trl(base, tmp_path):
    rows = [{"id": str(i), "prompt": f"### Question:\n{i}?\n\n### Answer:\n", "completion": f"{i}."} for i in range(4)]
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows)
    assert found(trainer, rows, base) == []


def test_one_side_of_a_pair_without_an_end_is_found(tmp_path):
    no_end_for_long = tiny.CHATML.replace("message['content'] + '<|im_end|>'", "message['content'] + ('' if 'Oh' in message['content'] else '<|im_end|>')")  # fmt: skip
    base = tiny.save_model(tmp_path / "model", template=no_end_for_long)
    rows = tiny.pairs(4)
    (finding,) = found(plain.dpo(tmp_path, *plain.loaded(base), rows), rows, base, "dpo")
    assert finding.message.startswith("4 of 4 chosen answers end in '!'")


def test_packed_rows_are_looked_at_one_by_one(tmp_path):
    base = tiny.save_model(tmp_path / "model", template=NO_END)
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, packing=True, max_length=128)
    (finding,) = found(trainer, ROWS, base)
    assert finding.detail["ids"] == [row["id"] for row in ROWS]


def test_trl_trains_on_the_turns_of_the_user_and_says_nothing(base, tmp_path):
    rows = [{"id": row["id"], "messages": row["prompt"] + row["completion"]} for row in ROWS]
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows)
    trainer.train()  # without a word
    (finding,) = tokens.prompts_in_loss(plain.seen(trainer, "sft", rows, base))
    assert finding.level == "stop"
    assert "the prompts of 8 rows are trained on like answers: row0 (line 1)" in finding.message


def test_a_loss_on_completions_off_is_found(base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, completion_only_loss=False)
    assert next(tokens.prompts_in_loss(plain.seen(trainer, "sft", ROWS, base))).level == "stop"


def test_a_part_of_the_prompt_in_the_loss_is_found(base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS)

    def more(row):
        return {"labels": [-100] * 3 + row["input_ids"][3:]}

    trainer.train_dataset = trainer.train_dataset.map(more)
    (finding,) = template.prefix(plain.seen(trainer, "sft", ROWS, base))
    assert finding.message.startswith("a part of the prompt is trained on in 8 rows: row0 (line 1)")


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_prompts_out_of_the_loss_are_not_found(stage, base, tmp_path):
    rows = tiny.answers(4) if stage == "sft" else tiny.pairs(4)
    seen = plain.seen(getattr(plain, stage)(tmp_path, *plain.loaded(base), rows), stage, rows, base)
    assert list(tokens.prompts_in_loss(seen)) == []
