from __future__ import annotations

from typing import Any

from curate.train import residual_dropout
from curate.train.preflight import model
from tests.train import plain, tiny


def test_trl_zeroes_the_dropout_of_lora_and_the_config_goes_on_showing_it(base, tmp_path):
    rows = tiny.pairs(4)
    trainer = plain.dpo(tmp_path, *plain.loaded(base), rows, {"lora_dropout": 0.05})
    assert trainer.model.peft_config["default"].lora_dropout == 0.05
    trainer.train()  # without a word
    (found,) = model.lora(plain.seen(trainer, "dpo", rows, base))
    assert found.level == "stop"
    assert found.message.startswith("lora_dropout is 0.05 in the config and 0.0 in the model")


def test_dropout_that_is_there_is_not_found(base, tmp_path):
    rows = tiny.pairs(4)
    trainer = plain.dpo(tmp_path, *plain.loaded(base), rows, {"lora_dropout": 0.05}, disable_dropout=False)
    assert list(model.lora(plain.seen(trainer, "dpo", rows, base, lora={"lora_dropout": 0.05}))) == []


def test_no_dropout_asked_for_is_not_found(base, tmp_path):
    rows = tiny.answers(4)
    adapters: list[dict[str, Any] | None] = [None, {}]
    for lora in adapters:
        seen = plain.seen(plain.sft(tmp_path, *plain.loaded(base), rows, lora), "sft", rows, base)
        assert [*model.lora(seen), *model.residual(seen)] == []


def test_residual_dropout_that_trl_zeroed_is_found(base, tmp_path):
    from trl.trainer.utils import disable_dropout_in_model

    rows = tiny.answers(4)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows)
    seen = plain.seen(trainer, "sft", rows, base, residual_dropout=0.3)
    with residual_dropout.add(trainer.model, 0.3):
        assert list(model.residual(seen)) == []
        disable_dropout_in_model(trainer.model)
        (found,) = model.residual(seen)
    assert found.message.startswith("residual_dropout is 0.3 in the config and 0.0 in the model")
    assert next(model.residual(seen)).level == "stop"  # not there at all
