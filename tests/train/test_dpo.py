from __future__ import annotations

import pytest

import curate.train
from curate.train import preflight, run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from curate.train.preflight.model import metrics_at_start
from tests.train import tiny
from tests.train.conftest import EOT, LORA, log_of

ZERO = {
    "rewards/chosen": 0.0,
    "rewards/rejected": 0.0,
    "rewards/margins": 0.0,
    "loss": pytest.approx(0.693147, abs=1e-6),
}


def ready(config, out):
    job = run.prepare(resolve("dpo", *read(config)))
    return job, run.build(job, out)


def rewards(job, trainer):
    with run.undisturbed(trainer):
        return metrics_at_start(trainer, job.rows.rows)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="all weights"),
        pytest.param({"lora": LORA}, id="LoRA"),
        pytest.param({"lora": {**LORA, "lora_dropout": 0.3}}, id="LoRA with dropout"),
        pytest.param({"end_of_turn": EOT}, id="all weights and a token the reference has to have too"),
        pytest.param({"lora": LORA, "end_of_turn": EOT}, id="LoRA and a new token"),
        pytest.param({"model_args": {"dtype": "bfloat16"}}, id="bfloat16"),
    ],
)
def test_rewards_are_exactly_zero_before_the_first_step(more, pairs, tmp_path):
    """The guard against item 1 of what trl does: a reference that is not the model training starts from."""
    assert rewards(*ready({**pairs, **more}, tmp_path)) == ZERO


def test_a_wrong_reference_shows_in_the_rewards(pairs, tmp_path):
    job, trainer = ready(pairs, tmp_path)
    next(trainer.ref_model.parameters()).data.add_(0.1)
    assert rewards(job, trainer)["rewards/chosen"] != 0


def test_the_preflight_changes_nothing_of_the_training(pairs, tmp_path, monkeypatch):
    with_dropout = {**pairs, "lora": {**LORA, "lora_dropout": 0.2}}
    results = []
    for checked in (True, False):
        if not checked:
            monkeypatch.setattr(preflight, "preflight", lambda context: [])
        record = curate.train.dpo(with_dropout, tmp_path / f"{checked}")
        log = [{k: v for k, v in e.items() if "runtime" not in k and "_per_" not in k} for e in log_of(tmp_path / f"{checked}")]  # fmt: skip
        results.append((record["model_out"]["weights"], log))
    assert results[0] == results[1]


def test_margins_rise_from_zero_and_answers_are_counted(pairs, tmp_path):
    record = curate.train.dpo(pairs, tmp_path / "out")
    assert log_of(tmp_path / "out")[0]["rewards/margins"] == 0
    assert record["metrics"]["rewards/margins"] > 0.1
    assert record["data"]["rows_trained"] == 16
    assert 0 < record["data"]["tokens_trained"] < record["data"]["tokens"]


def test_the_dropout_of_lora_is_kept_and_the_models_own_is_off(pairs, tmp_path):
    """The guard against item 2 of what trl does: its disable_dropout sets lora_dropout to 0."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tiny.tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=32, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    lora = {"r": 4, "lora_dropout": 0.05, "target_modules": ["c_attn"], "fan_in_fan_out": True}
    job, trainer = ready({**pairs, "model": str(tmp_path / "gpt2"), "lora": lora}, tmp_path)
    dropouts = {("lora" in name, m.p) for name, m in trainer.model.named_modules() if type(m).__name__ == "Dropout"}
    assert dropouts == {(True, 0.05), (False, 0.0)}
    assert trainer.args.disable_dropout is False
    assert job.notes == ["disable_dropout: false, for lora_dropout 0.05 to count; the model's own dropout is off"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param(
            {"lora": {**LORA, "lora_dropout": 0.05}, "trainer": {"disable_dropout": True}},
            "lora_dropout: 0.05 and disable_dropout: true contradict each other",
            id="dropout set and switched off",
        ),
        pytest.param(
            {"data": "answers.jsonl"},
            r"row0 \(line 1\): has no 'chosen' \(it has: completion, id, prompt\)",
            id="rows of SFT",
        ),
    ],
)
def test_a_contradiction_is_told_in_a_sentence(more, message, pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainError, match=message):
        curate.train.dpo({**pairs, **more}, tmp_path / "out")
