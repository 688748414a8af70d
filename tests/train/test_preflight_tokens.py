from __future__ import annotations

import pytest

from curate.train.preflight import tokens
from tests.train import plain, tiny
from tests.train.test_end_of_turn import MARKED, MISTRAL, NO_END

ROWS = tiny.answers(8)
KINDS = {"sft": tiny.answers(4), "dpo": tiny.pairs(4)}
DIALOGUES = [{"id": row["id"], "messages": row["prompt"] + row["completion"]} for row in ROWS]
LEFT_OUT = MARKED.replace("m['content'] + '<|im_end|>' }}{%- endgeneration -%}", "m['content'] }}{%- endgeneration -%}{{ '<|im_end|>' }}")  # fmt: skip
NO_END_FOR_SOME = tiny.CHATML.replace("message['content'] + '<|im_end|>'", "message['content'] + ('' if 'Oh' in message['content'] else '<|im_end|>')")  # fmt: skip


def test_trl_trains_answers_without_an_end_and_says_nothing(context):
    ready = context(ROWS, template=NO_END, learning_rate=1e-2)
    ready.trainer.train()  # without a word, and with a fine loss
    assert ready.trainer.state.log_history[0]["loss"] > 0
    (finding,) = tokens.no_end(ready)
    assert finding.level == "stop"
    assert finding.message.startswith("8 of 8 completion answers end in '.', and generation stops at '<|im_end|>'")
    assert "row0 (line 1), row1 (line 2)" in finding.message
    assert finding.detail["ids"] == [row["id"] for row in ROWS]


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        pytest.param(None, "end in '<|im_end|>', and generation stops at '<|endoftext|>'", id="of base models"),
        pytest.param([0, 2], None, id="an end of the generation config counts"),
    ],
)
def test_an_end_at_which_generation_does_not_stop_is_named(ends, message, base, context):
    model, tokenizer = plain.load(base)
    tokenizer.eos_token, model.generation_config.eos_token_id = "<|endoftext|>", ends
    findings = list(tokens.no_end(context(ROWS, loaded=(model, tokenizer))))
    assert len(findings) == (message is not None)
    assert all(message in finding.message for finding in findings)


@pytest.mark.parametrize(
    ("rows", "stage", "template", "settings", "message"),
    [
        pytest.param(
            DIALOGUES,
            "sft",
            LEFT_OUT,
            {"assistant_only_loss": True},
            "8 completion answers end in a token that is not in the loss",
            id="an end outside the generation marks",
        ),
        pytest.param(
            tiny.pairs(4), "dpo", NO_END_FOR_SOME, {}, "4 of 4 chosen answers end in '!'", id="one side of a pair"
        ),
        pytest.param(
            ROWS, "sft", NO_END, {"packing": True, "max_length": 128}, "8 of 8 completion answers", id="packed rows"
        ),
    ],
)
def test_an_answer_that_does_not_teach_to_stop_is_named(rows, stage, template, settings, message, context):
    (finding,) = tokens.no_end(context(rows, stage, template=template, **settings))
    assert finding.message.startswith(message)
    assert finding.detail["ids"] == [row["id"] for row in rows]


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(tiny.CHATML, id="an end with a line break after it"),
        pytest.param(MISTRAL, id="an end without"),
        pytest.param(tiny.CHATML.replace("'\n' }}{% endfor", "'\n\n  ' }}{% endfor"), id="an end with more space"),
    ],
)
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_answers_with_their_end_pass(template, stage, context):
    assert list(tokens.no_end(context(KINDS[stage], stage, template=template))) == []


def test_plain_texts_get_their_end_from_trl(context):
    rows = [{"id": str(i), "prompt": f"### Question:\n{i}?\n\n### Answer:\n", "completion": f"{i}."} for i in range(4)]
    assert list(tokens.no_end(context(rows))) == []


def test_trl_trains_on_the_turns_of_the_user_and_says_nothing(context):
    ready = context(DIALOGUES)
    ready.trainer.train()  # without a word
    (finding,) = tokens.prompts_in_loss(ready)
    assert finding.level == "stop"
    assert "the prompts of 8 rows are trained on like answers: row0 (line 1)" in finding.message


def test_a_loss_on_prompts_too_is_named(context):
    assert next(tokens.prompts_in_loss(context(ROWS, completion_only_loss=False))).level == "stop"


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_prompts_out_of_the_loss_and_a_pad_token_of_its_own_pass(stage, context):
    rows = [*KINDS[stage]]
    rows[1] = {**rows[1], "prompt": [{"role": "user", "content": "And so on" * 5}]}
    ready = context(rows, stage, max_length=60)
    assert [*tokens.prompts_in_loss(ready), *tokens.padding(ready)] == []


def same_token(base):
    model, tokenizer = plain.load(base)
    tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def test_a_collator_that_masks_by_token_takes_the_end_away_and_says_nothing(base, context):
    """As transformers' own collator for language models does, which many scripts pass to trl."""
    from transformers import DataCollatorForLanguageModeling

    model, tokenizer = same_token(base)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    ready = context(tiny.answers(4), loaded=(model, tokenizer), data_collator=collator)
    ready.trainer.train()  # without a word
    (finding,) = tokens.padding(ready)
    assert finding.level == "stop"
    assert "the collator masks by token, and the pad token is '<|im_end|>'" in finding.message


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_trls_own_collators_keep_the_end_and_that_is_a_warning(stage, base, context):
    (finding,) = tokens.padding(context(KINDS[stage], stage, loaded=same_token(base)))
    assert finding.level == "warn"
    assert "the end stays in the loss" in finding.message
