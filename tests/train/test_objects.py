from __future__ import annotations

import json

import pytest

import curate.train
from curate.train.findings import TrainError
from tests.train import plain, tiny
from tests.train.conftest import LORA

STEPS = {"max_steps": 2}


def short(config, **more):
    return {**config, **more, "trainer": {**config["trainer"], **STEPS}}


def callback(steps):
    from transformers import TrainerCallback

    class Count(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            steps.append(state.global_step)

        def on_evaluate(self, args, state, control, **kwargs):
            steps.append("evaluated")

    return Count()


def test_a_callback_hears_of_the_training_and_not_of_the_checks_before(config, tmp_path):
    steps: list[object] = []
    record = curate.train.sft(short(config), tmp_path / "out", callbacks=[callback(steps)])
    assert steps == [1, 2]
    assert record["objects"] == {"callbacks": [f"{__name__}.callback.<locals>.Count"]}
    assert "the key knows their classes only" in record["said"][0]
    assert curate.train.sft(short(config), tmp_path / "out", callbacks=[callback(steps)])["reused"]
    assert "reused" not in curate.train.sft(short(config), tmp_path / "out"), "without it, another run"


def test_dpo_of_a_model_by_object_starts_from_it_and_so_does_its_reference(pairs, base, tmp_path):
    import torch

    model, words = plain.load(base)
    with torch.no_grad():
        model.model.norm.weight.mul_(1.5)
    objects = {"model": model, "processing_class": words}
    record = curate.train.dpo(short(pairs), tmp_path / "out", **objects)
    assert record["metrics"]["first_loss"] == pytest.approx(0.693147, abs=1e-6)
    assert record["objects"]["model"].endswith("LlamaForCausalLM")


def test_an_optimizer_and_a_peft_config_are_those_that_train(config, base, tmp_path):
    import torch
    from peft import LoraConfig

    model, _ = plain.load(base)
    frozen = torch.optim.SGD(model.parameters(), lr=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(frozen, lambda step: 1.0)
    curate.train.sft(short(config), tmp_path / "still", model=model, optimizers=(frozen, schedule))
    _, merged = plain.load(base), plain.load(tmp_path / "still" / "merged")[0]
    before = plain.load(base)[0].state_dict()
    assert all(torch.equal(value, before[name]) for name, value in merged.state_dict().items())
    curate.train.sft(short(config), tmp_path / "lora", peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA))
    assert (tmp_path / "lora" / "adapter" / "adapter_config.json").is_file()


def test_a_set_by_object_is_trained_on_without_a_look(config, tmp_path):
    from datasets import Dataset

    rows = Dataset.from_list(tiny.answers(8))
    keys = {key: value for key, value in short(config).items() if key != "data"}
    record = curate.train.sft(keys, tmp_path / "out", train_dataset=rows, eval_dataset=rows.select(range(2)))
    assert (record["data"]["file"], record["data"]["rows_in_file"], record["data"]["rows_trained"]) == (
        "train_dataset",
        8,
        8,
    )
    assert "rows_cut" not in record["data"]
    assert record["said"][-1] == "train_dataset is not looked at before training"
    assert "eval_loss" in record["metrics"]
    assert json.loads((tmp_path / "out" / "preflight.json").read_text()) == []


@pytest.mark.parametrize(
    ("more", "objects", "message"),
    [
        pytest.param({}, {"modle": 1}, "trl's SFTTrainer takes no 'modle'; did you mean 'model'", id="no argument"),
        pytest.param({}, {"args": 1}, "settings stand under 'trainer' in the config", id="args"),
        pytest.param({}, {"train_dataset": 1}, "train_dataset is .* the config has data: leave one", id="two sets"),
        pytest.param(
            {"lora": LORA}, {"peft_config": 1}, "the config has lora: leave one of them out", id="two adapters"
        ),
        pytest.param(
            {"model_args": {"dtype": "auto"}}, {"model": 1}, "the config has model_args", id="how it is loaded"
        ),
        pytest.param({"end_of_turn": "<e>"}, {"processing_class": 1}, "the config has end_of_turn", id="a new token"),
        pytest.param({"held_out": 0.5}, {"eval_dataset": 1}, "the config has held_out", id="two sets held out"),
    ],
)
def test_what_contradicts_the_config_is_refused_in_a_sentence(more, objects, message, config, tmp_path):
    with pytest.raises(TrainError, match=message):
        curate.train.sft({**config, **more}, tmp_path / "out", **objects)


def test_rewards_stand_in_the_config(config, tmp_path):
    with pytest.raises(TrainError, match="reward_funcs is not given by object: rewards stand under 'reward'"):
        curate.train.grpo({**config, "reward": "rules"}, tmp_path / "out", reward_funcs=[len])


def test_a_model_with_an_adapter_in_it_is_refused(config, base, tmp_path):
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(plain.load(base)[0], LoraConfig(task_type="CAUSAL_LM", **LORA))
    with pytest.raises(TrainError, match="give the base, with lora or peft_config, or the merged model"):
        curate.train.sft(config, tmp_path / "out", model=model)
