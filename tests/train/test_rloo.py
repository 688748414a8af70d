from __future__ import annotations

import pytest

import curate.train
from curate.recipe.places import RecipeError
from curate.train import record as records
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from curate.train.rewards import JudgeReward, content, is_judge, judge
from tests.train import planted, tiny
from tests.train.conftest import LORA, log_of

OWN = "tests.train.own_rewards"


@pytest.fixture
def config(config):
    """RLOO of the tiny model: 4 answers of 8 tokens to each of 8 prompts a step."""
    steps = {"per_device_train_batch_size": 32, "num_generations": 4, "max_completion_length": 8, "max_steps": 2}
    return {**config, "reward": f"{OWN}:vowels", "trainer": {**config["trainer"], **steps, "learning_rate": 3e-2}}


def test_a_reward_that_can_be_learned_rises(config, tmp_path):
    longer = {**config, "trainer": {**config["trainer"], "max_steps": 30, "beta": 0.0}}
    record = curate.train.rloo(longer, tmp_path / "out")
    rewards = [entry["reward"] for entry in log_of(tmp_path / "out") if "reward" in entry]
    assert len(rewards) == 30
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.1
    assert record["reward"] == {"name": f"{OWN}:vowels", "first": rewards[0], "last": rewards[-1]}
    assert "stands where PPO stood" in record["said"][0]
    assert (tmp_path / "out" / "merged" / "config.json").is_file()


@pytest.mark.parametrize("more", [pytest.param({}, id="all weights"), pytest.param({"lora": LORA}, id="LoRA")])
def test_the_reference_is_the_model_that_training_starts_from(more, config, tmp_path):
    curate.train.rloo({**config, **more}, tmp_path / "out")
    log = log_of(tmp_path / "out")
    assert log[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert log[1]["kl"] > 0
    assert "rewards/vowels/mean" in log[0]


def test_a_reward_model_of_the_stage_before_is_what_is_maximised(config, tmp_path):
    rows = str(tiny.write(tmp_path / "marked.jsonl", planted.marked(24)))
    trainer = {"num_train_epochs": 1, "save_strategy": "no", "disable_tqdm": True}
    curate.train.reward({"model": config["model"], "data": rows, "trainer": trainer}, tmp_path / "reward")
    model = str(tmp_path / "reward" / "merged")
    record = curate.train.rloo({**config, "data": rows, "reward": model}, tmp_path / "out")
    assert record["reward"]["name"] == model
    assert "rewards/merged/mean" in log_of(tmp_path / "out")[0]


def test_answers_without_a_reward_are_left_out_and_counted(config, tmp_path):
    record = curate.train.rloo({**config, "reward": f"{OWN}:sometimes"}, tmp_path / "out")
    reward = record["reward"]
    assert reward["asked"] == 64
    assert 0 < reward["without"] < 64
    assert reward["why"] == {"sometimes gave None, which is no number": reward["without"]}
    assert f"{reward['without']} of 64 answers got no reward from sometimes and were left out" in record["said"][-1]


def test_a_batch_without_any_reward_ends_the_run(config, tmp_path):
    message = "never gave none of 32 answers a reward: never raised RuntimeError: the server"
    with pytest.raises(TrainError, match=message):
        curate.train.rloo({**config, "reward": f"{OWN}:never"}, tmp_path / "out")


def test_a_language_model_is_no_reward(config, tmp_path):
    with pytest.raises(TrainError, match="is no reward model: that is a sequence classifier with one label"):
        curate.train.rloo({**config, "reward": config["model"]}, tmp_path / "out")


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        pytest.param("no_such_module:score", "there is no file no_such_module.py", id="no such module"),
        pytest.param(f"{OWN}:vowel", "has no function 'vowel'; did you mean 'vowels'", id="no such function"),
        pytest.param(f"{OWN}:of_length", "its parameter 'wanted' needs a default", id="a parameter nobody gives"),
        pytest.param(f"{OWN}:better", "compares two answers, and a reward is a number for one", id="one that compares"),
        pytest.param([f"{OWN}:vowels", f"{OWN}:vowel"], "has no function 'vowel'", id="the second of two"),
    ],
)
def test_a_reward_that_cannot_be_is_told_before_a_model_is_loaded(reward, message, config, tmp_path):
    with pytest.raises(TrainError, match=message):
        curate.train.rloo({**config, "model": "no/such-model", "reward": reward}, tmp_path / "out")


def test_a_config_without_a_reward_is_refused(config):
    with pytest.raises(
        RecipeError, match="'reward' is missing: a reward model's folder or name, module:function, a judge"
    ):
        curate.train.rloo({**config, "reward": None}, "out")


def test_another_reward_is_another_run(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = []
    for body in ("len(response)", "len(response)", "-len(response)"):
        (tmp_path / "rewards_of_mine.py").write_text(f"def score(response: str) -> float:\n    return {body}\n")
        job = run.prepare(resolve("rloo", *read({**config, "reward": "rewards_of_mine:score"})))
        keys.append(records.key_of(job.config, job.rows, None))
    assert keys[0] == keys[1] != keys[2]


PROMPTS = [
    pytest.param({"prompt": "Why?"}, [{"role": "user", "content": "Why?"}], id="text alone is a user's turn"),
    pytest.param({"prompt": "Once", "completion": " upon a time"}, "Once", id="text that text goes on from"),
    pytest.param({"prompt": "Why?", "response": "So."}, [{"role": "user", "content": "Why?"}], id="a curated row"),
    pytest.param(tiny.pairs(1)[0], tiny.pairs(1)[0]["prompt"], id="a pair"),
]


@pytest.mark.parametrize(("row", "prompt"), PROMPTS)
def test_prompts_are_taken_from_any_set(row, prompt, config, tmp_path):
    config = {**config, "data": str(tiny.write(tmp_path / "rows.jsonl", [row]))}
    assert run.prepare(resolve("rloo", *read(config))).rows.rows[0].record == {"prompt": prompt}


def test_a_prompt_that_ends_with_the_assistant_is_named(config, tmp_path):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = tiny.write(tmp_path / "rows.jsonl", [{"id": "late", "prompt": turns}])
    with pytest.raises(TrainError, match=r"late \(line 1\).*turn 3"):
        curate.train.rloo({**config, "data": str(rows)}, tmp_path / "out")


def test_a_reward_sees_prompt_and_response_as_a_judge_does():
    reward = JudgeReward(judge(f"{OWN}:sometimes"))
    turns = [[{"role": "user", "content": "Why?"}]] * 2
    answers = [[{"role": "assistant", "content": text}] for text in ("aaaa", "the")]
    assert reward(prompts=turns, completions=answers, id=["a", "b"]) == [2.0, None]
    assert reward(prompts=["Once", "So"], completions=["oo", "o"]) == [2.0, 2.0]
    assert (reward.answers, sum(reward.reasons.values()), reward.__name__) == (4, 1, "sometimes")


def test_a_reward_sees_answers_without_thoughts():
    reward = JudgeReward(judge(f"{OWN}:vowels"))
    texts = ["<think>tttt</think>aa", "tttt</think>aa", "<think>aa", "aa"]
    assert reward(prompts=["?"] * 4, completions=texts) == [1.0, 1.0, None, 1.0]
    assert dict(reward.reasons) == {"the model's thoughts were cut before an answer": 1}
    called = [
        {"role": "assistant", "content": ""},
        {"role": "tool", "content": "t"},
        {"role": "assistant", "content": "a"},
    ]
    assert reward(prompts=["?"], completions=[called]) == [1.0]


JUDGES = f"judges:\n  own: {{{OWN}:vowels: {{}}}}\n  most: {{{OWN}:of_length: {{wanted: 3}}}}\n"


def test_the_judges_of_a_file_are_rewards(tmp_path):
    file = tmp_path / "judges.yaml"
    file.write_text(JUDGES)
    reward = JudgeReward(judge(f"{file}#most"))
    assert reward(prompts=["Why?"], completions=["four"]) == [-1.0]
    assert reward.__name__ == "most"
    assert content(f"{file}#most") != content(f"{file}#own")
    with pytest.raises(RecipeError, match="say which judge"):
        judge(str(file))
    with pytest.raises(RecipeError, match="there is no judge 'mots' here; did you mean 'most'"):
        judge(f"{file}#mots")


def test_a_packaged_judge_is_a_reward_unless_a_model_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_judge("rules") and judge("rules").name == "rules"
    (tmp_path / "rules").mkdir()
    assert not is_judge("rules")


def test_a_reward_is_known_by_its_code():
    assert content(f"{OWN}:vowels")["code"]
    assert content("org/some-reward-model") == "org/some-reward-model"
