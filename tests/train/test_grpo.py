from __future__ import annotations

import pytest

import curate.train
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import LORA, log_of

OWN = "tests.train.own_rewards"
TWO = [f"{OWN}:vowels", f"{OWN}:sometimes"]


@pytest.fixture
def config(config):
    """GRPO of the tiny model: 4 answers of 8 tokens to each of 4 prompts a step."""
    steps = {"per_device_train_batch_size": 16, "num_generations": 4, "max_completion_length": 8, "max_steps": 2}
    return {**config, "reward": f"{OWN}:vowels", "trainer": {**config["trainer"], **steps, "learning_rate": 3e-2}}


def test_a_reward_that_can_be_learned_rises(config, tmp_path):
    record = curate.train.grpo({**config, "trainer": {**config["trainer"], "max_steps": 25}}, tmp_path / "out")
    rewards = [entry["reward"] for entry in log_of(tmp_path / "out") if "reward" in entry]
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.1
    assert record["reward"] == {"name": f"{OWN}:vowels", "first": rewards[0], "last": rewards[-1]}
    assert not any("PPO" in note for note in record["said"])


def test_rewards_are_added_up_by_their_weights(config, tmp_path):
    trainer = {**config["trainer"], "reward_weights": [1.0, 0.0], "beta": 0.1}
    record = curate.train.grpo({**config, "reward": TWO, "lora": LORA, "trainer": trainer}, tmp_path / "out")
    log = log_of(tmp_path / "out")[0]
    assert log["reward"] == pytest.approx(log["rewards/vowels/mean"], abs=1e-6)
    assert log["kl"] == pytest.approx(0, abs=1e-6)
    vowels, sometimes = record["reward"]["parts"]
    assert vowels == {"name": TWO[0], "first": log["rewards/vowels/mean"], "last": vowels["last"]}
    assert sometimes["asked"] == 32 and sometimes["without"] == sum(sometimes["why"].values()) > 0
    assert "count 0 there where another reward has one" in record["said"][-1]


def test_weights_for_another_number_of_rewards_are_refused(config, tmp_path):
    trainer = {**config["trainer"], "reward_weights": [1.0]}
    with pytest.raises(TrainError, match=r"trl refuses this grpo config: .*must match number of reward"):
        curate.train.grpo({**config, "reward": TWO, "trainer": trainer}, tmp_path / "out")


def test_a_prompt_that_ends_with_the_assistant_is_named(config, tmp_path):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = tiny.write(tmp_path / "rows.jsonl", [{"id": "late", "prompt": turns}])
    with pytest.raises(TrainError, match=r"late \(line 1\): .*got one of the assistant"):
        curate.train.grpo({**config, "data": str(rows)}, tmp_path / "out")
