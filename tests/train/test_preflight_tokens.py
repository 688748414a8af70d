from __future__ import annotations

from typing import Any

import pytest

from curate.train.preflight import tokens
from tests.train import plain, tiny

ROWS = tiny.answers(8)
EOT = "<|eot|>"
WHOLE = {"modules_to_save": ["embed_tokens", "lm_head"]}


def with_a_new_token(base) -> tuple[Any, Any]:
    """A new end of turn as one adds it by hand: token, template, resized embeddings."""
    model, words = plain.loaded(base)
    words.add_special_tokens({"eos_token": EOT})
    words.chat_template = tiny.CHATML.replace("<|im_end|>", EOT)
    model.resize_token_embeddings(len(words), mean_resizing=False)
    return model, words


def untrained(trainer, base, **config):
    return list(tokens.untrained(plain.seen(trainer, "sft", ROWS, base, **config)))


@pytest.mark.parametrize("tied", [True, False])
def test_plain_lora_never_trains_a_new_row_and_says_nothing(tied, tmp_path):
    base = tiny.save_model(tmp_path / "model", tied=tied)
    model, words = with_a_new_token(base)
    trainer = plain.sft(tmp_path, model, words, ROWS, {}, learning_rate=0.1)
    before = trainer.model.get_output_embeddings().weight[-1].clone()
    trainer.train()  # without a word
    assert (trainer.model.get_output_embeddings().weight[-1] == before).all()
    (found,) = untrained(trainer, base)
    assert found.level == "stop"
    assert f"{EOT} are new to the model and their input embeddings are not trained" in found.message


def test_one_side_trained_is_not_both(tmp_path):
    base = tiny.save_model(tmp_path / "model", tied=False)
    trainer = plain.sft(tmp_path, *with_a_new_token(base), ROWS, {"modules_to_save": ["embed_tokens"]})
    assert untrained(trainer, base)[0].detail == {"tokens": [EOT], "side": "output"}


def test_an_old_token_that_becomes_the_end_of_turn_is_new_too(base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, {})
    assert untrained(trainer, base, end_of_turn="<|im_start|>")[0].detail["tokens"] == ["<|im_start|>"]
    assert untrained(trainer, base, end_of_turn="<|im_end|>") == []  # it was the end before


@pytest.mark.parametrize(
    ("tied", "lora"),
    [
        pytest.param(True, None, id="all weights"),
        pytest.param(True, {**WHOLE, "ensure_weight_tying": True}, id="embeddings whole and tied"),
        pytest.param(False, WHOLE, id="embeddings whole"),
    ],
)
def test_rows_that_are_trained_are_not_found_and_change(tied, lora, tmp_path):
    base = tiny.save_model(tmp_path / "model", tied=tied)
    trainer = plain.sft(tmp_path, *with_a_new_token(base), ROWS, lora, learning_rate=0.1, max_steps=2)
    assert untrained(trainer, base) == []
    assert list(tokens.untied(plain.seen(trainer, "sft", ROWS, base))) == []
    before = tokens.used(trainer.model.get_output_embeddings())[-1].clone()
    trainer.train()
    assert (tokens.used(trainer.model.get_output_embeddings())[-1] != before).any()


def test_rows_named_one_by_one_are_trained(tmp_path):
    base = tiny.save_model(tmp_path / "model", tied=True)
    model, words = with_a_new_token(base)
    trainer = plain.sft(tmp_path, model, words, ROWS, {"trainable_token_indices": [words.eos_token_id]})
    assert untrained(trainer, base) == []
    model, words = with_a_new_token(base)
    trainer = plain.sft(tmp_path, model, words, ROWS, {"trainable_token_indices": [0]})
    assert untrained(trainer, base)[0].detail["tokens"] == [EOT]


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")  # peft's word, in a log of many
@pytest.mark.parametrize("modules", [["embed_tokens", "lm_head"], ["embed_tokens"]])
def test_tied_embeddings_that_lora_trains_as_two_are_found(modules, base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, {"modules_to_save": modules})
    (found,) = tokens.untied(plain.seen(trainer, "sft", ROWS, base))
    assert found.level == "stop"
    assert "set lora ensure_weight_tying: true" in found.message


@pytest.mark.parametrize(
    ("lora", "because"),
    [
        pytest.param({**WHOLE, "ensure_weight_tying": True}, ["modules_to_save"], id="embeddings"),
        pytest.param({"use_dora": True}, ["use_dora"], id="DoRA"),
        pytest.param({"trainable_token_indices": [1]}, ["trainable_token_indices"], id="rows of embeddings"),
    ],
)
def test_an_adapter_that_vllm_refuses_is_told(lora, because, base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, lora)
    (found,) = tokens.refused_by_vllm(plain.seen(trainer, "sft", ROWS, base))
    assert (found.level, found.detail["because"]) == ("warn", because)
    assert "OUT/merged" in found.message


@pytest.mark.parametrize("lora", [None, {}, {"use_rslora": True}])
def test_other_adapters_are_not_told(lora, base, tmp_path):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, lora)
    assert list(tokens.refused_by_vllm(plain.seen(trainer, "sft", ROWS, base))) == []
