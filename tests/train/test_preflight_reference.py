from __future__ import annotations

import pytest

from curate.train.preflight import model as reference
from tests.train import plain, tiny

ROWS = tiny.pairs(8)


def moved(model):
    """Make a model other than the one on the disk, as SFT in memory does."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model


def test_trl_takes_its_reference_from_the_disk_and_says_nothing(base, tmp_path):
    model, words = plain.loaded(base)
    trainer = plain.dpo(tmp_path, moved(model), words, ROWS)
    (found,) = reference.rewards(plain.seen(trainer, "dpo", ROWS, base))
    assert found.level == "stop"
    assert "the rewards before the first step are not 0 (rewards/chosen" in found.message
    trainer.train()  # without a word
    assert trainer.state.log_history[0]["rewards/margins"] != 0


def test_a_reference_that_is_the_model_is_not_found(base, tmp_path):
    (model, words), (same, _) = plain.loaded(base), plain.loaded(base)
    trainer = plain.dpo(tmp_path, moved(model), words, ROWS, ref_model=moved(same))
    assert list(reference.rewards(plain.seen(trainer, "dpo", ROWS, base))) == []


@pytest.mark.parametrize(
    ("lora", "settings"),
    [
        pytest.param(None, {}, id="all weights, from the path"),
        pytest.param({}, {}, id="LoRA"),
        pytest.param({"lora_dropout": 0.5}, {"disable_dropout": False}, id="LoRA with dropout"),
        pytest.param(None, {"precompute_ref_log_probs": True}, id="a reference computed before"),
        pytest.param({}, {"precompute_ref_log_probs": True}, id="a reference computed before, with LoRA"),
        pytest.param(None, {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]}, id="two losses"),
        pytest.param(None, {"loss_type": "ipo"}, id="a loss that does not begin at ln 2"),
        pytest.param(None, {"label_smoothing": 0.1, "loss_type": "robust"}, id="smoothed labels"),
    ],
)
def test_rewards_of_zero_are_not_found(lora, settings, base, tmp_path):
    trainer = plain.dpo(tmp_path, *plain.loaded(base), ROWS, lora, **settings)
    assert list(reference.rewards(plain.seen(trainer, "dpo", ROWS, base))) == []


def test_rows_that_trl_dropped_are_not_asked_for(base, tmp_path):
    rows = tiny.pairs(3)
    rows[0]["prompt"][0]["content"] = "?" * 600
    trainer = plain.dpo(tmp_path, *plain.loaded(base), rows, max_length=64)
    assert list(reference.rewards(plain.seen(trainer, "dpo", rows, base))) == []


def test_other_stages_have_no_reference(base, tmp_path):
    rows = tiny.answers(4)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows)
    assert list(reference.rewards(plain.seen(trainer, "sft", rows, base))) == []


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_kto_has_a_reference_too(wrong, base, tmp_path):
    from datasets import Dataset
    from trl.trainer.kto_config import KTOConfig
    from trl.trainer.kto_trainer import KTOTrainer

    rows = [{**row, "label": i % 2 == 0} for i, row in enumerate(tiny.answers(8))]
    model, words = plain.loaded(base)
    args = KTOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", disable_tqdm=True)
    model = moved(model) if wrong else model
    trainer = KTOTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=words)
    found = list(reference.rewards(plain.seen(trainer, "kto", rows, base)))
    assert [finding.check for finding in found] == ["reference"] * wrong
