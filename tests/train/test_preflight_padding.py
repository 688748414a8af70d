from __future__ import annotations

import pytest

from curate.train.preflight import tokens
from tests.train import plain, tiny


def same_token(base):
    model, words = plain.loaded(base)
    words.pad_token = words.eos_token
    return model, words


def test_a_collator_that_masks_by_token_takes_the_end_away_and_says_nothing(base, tmp_path):
    """As transformers' own collator for language models does, which many scripts pass to trl."""
    from transformers import DataCollatorForLanguageModeling

    rows = tiny.answers(4)
    model, words = same_token(base)
    collator = DataCollatorForLanguageModeling(words, mlm=False)
    trainer = plain.sft(tmp_path, model, words, rows, data_collator=collator)
    trainer.train()  # without a word
    (found,) = tokens.batch(plain.seen(trainer, "sft", rows, base))
    assert found.level == "stop"
    assert "the collator masks by token, and the pad token is '<|im_end|>'" in found.message


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_trls_own_collators_keep_the_end_and_it_is_told(stage, base, tmp_path):
    rows = tiny.answers(4) if stage == "sft" else tiny.pairs(4)
    trainer = getattr(plain, stage)(tmp_path, *same_token(base), rows)
    (found,) = tokens.batch(plain.seen(trainer, stage, rows, base))
    assert found.level == "warn"
    assert "the end stays in the loss" in found.message


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_pad_token_of_its_own_is_not_found(stage, base, tmp_path):
    rows = tiny.answers(4) if stage == "sft" else tiny.pairs(4)
    rows[1]["prompt"][0]["content"] += " and so on" * 5
    trainer = getattr(plain, stage)(tmp_path, *plain.loaded(base), rows, max_length=60)
    assert list(tokens.batch(plain.seen(trainer, stage, rows, base))) == []
