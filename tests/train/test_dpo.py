from __future__ import annotations

import json

import pytest

import curate.train
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from curate.train.stages.dpo import rewards_at_start
from tests.train.conftest import LORA

ZERO = {
    "rewards/chosen": 0.0,
    "rewards/rejected": 0.0,
    "rewards/margins": 0.0,
    "loss": pytest.approx(0.693147, abs=1e-6),
}


def prepared(config, out):
    checked = resolve("dpo", *read(config))
    stage, rows, held_out = run._rows(checked)
    return rows, *run.build(checked, stage, rows, held_out, out)


MORE = [
    pytest.param({}, id="all weights"),
    pytest.param({"lora": LORA}, id="LoRA"),
    pytest.param({"lora": {**LORA, "lora_dropout": 0.3}}, id="LoRA with dropout"),
    pytest.param({"end_of_turn": "<|eot|>"}, id="all weights and a token the reference has to have too"),
    pytest.param({"lora": LORA, "end_of_turn": "<|eot|>"}, id="LoRA and a new token"),
    pytest.param({"model_args": {"dtype": "bfloat16"}}, id="bfloat16"),
]


@pytest.mark.parametrize("more", MORE)
def test_rewards_are_exactly_zero_before_the_first_step(more, pairs, tmp_path):
    """The guard against item 1 of what trl does: a reference that is not the model training starts from."""
    rows, _, trainer = prepared({**pairs, **more}, tmp_path)
    with run.undisturbed(trainer):
        assert rewards_at_start(trainer, rows.rows) == ZERO


def test_a_wrong_reference_shows_in_the_rewards(pairs, tmp_path):
    rows, _, trainer = prepared(pairs, tmp_path)
    next(trainer.ref_model.parameters()).data.add_(0.1)
    with run.undisturbed(trainer):
        assert rewards_at_start(trainer, rows.rows)["rewards/chosen"] != 0


def test_looking_at_the_rewards_changes_nothing_of_the_training(pairs, tmp_path, monkeypatch):
    asked = {**pairs, "lora": {**LORA, "lora_dropout": 0.2}}
    plain = curate.train.dpo(asked, tmp_path / "plain")
    seen = []

    def look(trainer, job, rows, tell):
        with run.undisturbed(trainer):
            seen.append(rewards_at_start(trainer, rows.rows))
        return []

    monkeypatch.setattr(run, "preflight", look)
    looked = curate.train.dpo(asked, tmp_path / "looked")
    assert seen == [ZERO]
    assert looked["model_out"]["weights"] == plain["model_out"]["weights"]
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("plain", "looked")]
    times = ("train_runtime", "train_samples_per_second", "train_steps_per_second")
    plain_log, looked_log = ([{k: v for k, v in json.loads(e).items() if k not in times} for e in log] for log in logs)
    assert plain_log == looked_log


def test_margins_rise_from_zero_and_answers_are_counted(pairs, tmp_path):
    record = curate.train.dpo(pairs, tmp_path / "out")
    first = json.loads((tmp_path / "out" / "log.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["rewards/margins"] == 0
    assert record["metrics"]["rewards/margins"] > 0.1
    assert record["data"]["rows_trained"] == 16
    assert 0 < record["data"]["tokens_trained"] < record["data"]["tokens"]


def dropouts(model):
    return sorted({m.p for name, m in model.named_modules() if type(m).__name__ == "Dropout" and "lora" in name})


def test_the_dropout_of_lora_is_kept_and_said(pairs, tmp_path):
    """The guard against item 2 of what trl does: its disable_dropout sets lora_dropout to 0."""
    _, job, trainer = prepared({**pairs, "lora": {**LORA, "lora_dropout": 0.05}}, tmp_path)
    assert dropouts(trainer.model) == [0.05]
    assert trainer.args.disable_dropout is False
    assert job.said == ["disable_dropout: false, for lora_dropout 0.05 to count; the model's own dropout is off"]


def test_the_dropout_of_the_model_itself_is_off(pairs, tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.train import tiny

    words = tiny.tokenizer()
    GPT2LMHeadModel(GPT2Config(vocab_size=len(words), n_positions=128, n_embd=32, n_layer=2, n_head=2)).save_pretrained(
        tmp_path / "gpt2"
    )
    words.save_pretrained(tmp_path / "gpt2")
    lora = {"r": 4, "lora_dropout": 0.05, "target_modules": ["c_attn"], "fan_in_fan_out": True}
    _, _, trainer = prepared({**pairs, "model": str(tmp_path / "gpt2"), "lora": lora}, tmp_path)
    found = {m.p for name, m in trainer.model.named_modules() if type(m).__name__ == "Dropout" and "lora" not in name}
    assert found == {0.0}
    assert dropouts(trainer.model) == [0.05]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param(
            {"lora": {**LORA, "lora_dropout": 0.05}, "trainer": {"disable_dropout": True}},
            "lora_dropout: 0.05 and disable_dropout: true contradict each other",
            id="dropout asked for and switched off",
        ),
        pytest.param(
            {"data": "answers.jsonl"}, r"line 1: has no 'chosen' \(it has: completion, id, prompt\)", id="rows of SFT"
        ),
    ],
)
def test_a_contradiction_is_told_in_a_sentence(more, message, pairs, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainError, match=message):
        curate.train.dpo({**pairs, **more}, tmp_path / "out")
