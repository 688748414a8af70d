"""Arms times seeds, as nodes that are named by what they depend on: what arms have in common is one node."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.ablate.arms import lay
from curate.ablate.plan import Plan, plan, steps_of
from curate.ablate.reading import load
from curate.run.run import run_recipe


@pytest.fixture
def planned(given, write):
    def of(change=None, **more) -> Plan:
        return plan(load(write(lay(given, change or {})), **more))

    return of


def kinds(made: Plan) -> list[str]:
    return sorted(node.kind for node in made.nodes.values())


def test_arms_times_seeds(planned):
    made = planned({"seeds": [0, 1, 2]})
    assert [(job.arm.name, job.seed) for job in made.jobs] == [
        (arm, seed) for arm in ("plain", "short") for seed in (0, 1, 2)
    ]
    assert kinds(made) == ["answers"] * 6 + ["set"] * 6 + ["train"] * 6
    assert {(job.rows, job.steps["sft"], job.count) for job in made.jobs} == {(8, 2, 2)}


@pytest.mark.parametrize(
    ("arm", "shared"),
    [
        pytest.param({}, {"set", "train", "answers"}, id="an arm that changes nothing shares all"),
        pytest.param({"answer": {"samples": 2}}, {"set", "train"}, id="other answers: set and training are shared"),
        pytest.param({"train": {"sft": {"set": {"trainer.max_steps": 1}}}}, {"set"}, id="another training: the set is"),
        pytest.param({"sets": {"data": {"skip": ["length"]}}}, set(), id="another set: nothing is"),
        pytest.param({"sets": {"data": {"recipe": {"name": "other"}}}}, {"set", "train", "answers"}, id="names don't count"),
    ],
)  # fmt: skip
def test_what_arms_share(planned, arm, shared):
    made = planned({"arms": {"short": None, "plain": {}, "other": arm}})
    one, other = made.jobs
    assert {made.nodes[key].kind for key in set(one.nodes) & set(other.nodes)} == shared


TEN = {"drop": {"length": {"column": "prompt", "max": 26}}}  # the rows from ten on have one character more


@pytest.mark.parametrize(
    ("change", "labels", "rows"),
    [
        pytest.param({}, ["length"], 20, id="as it is"),
        pytest.param({"add": {"ten": {**TEN, "before": "length"}}}, ["ten", "length"], 10, id="a step added"),
        pytest.param({"replace": {"length": {"keep": {"at_most": {"column": "score", "value": 4}}}}}, ["at_most"], 5, id="a step replaced"),
        pytest.param({"skip": ["length"]}, [], 20, id="a step left out"),
    ],
)  # fmt: skip
def test_sets_differ_as_their_steps_do(planned, tmp_path, recipe, change, labels, rows):
    lines = [{"prompt": f"What comes after number {i}?", "response": "The next one.", "score": i} for i in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = planned(
        {"sets": {"data": {"set": {"size": None}}}, "arms": {"short": None, "plain": {"sets": {"data": change}}}}
    )
    [arm] = made.ablation.arms
    assert [step.label for source in arm.recipes["data"].sources for step in source.steps] == labels
    run_recipe(arm.recipes["data"], tmp_path / "set")
    ledger = pl.read_parquet(tmp_path / "set" / "ledger.parquet")
    assert set(labels) <= set(ledger.columns)
    assert ledger["kept"].sum() == rows


def test_every_seed_is_its_own_all_the_way(planned):
    made = planned({"seeds": [0, 1], "arms": {"short": None}})
    for job in made.jobs:
        given = [made.nodes[key].params for key in job.nodes]
        assert (given[0]["data"]["seed"], given[1]["config"]["seed"], given[2]["seed"]) == (job.seed,) * 3


def test_another_draw_is_another_seed_of_the_recipe_alone(planned):
    made = planned()
    plain, short = ([made.nodes[key].params for key in job.nodes] for job in made.jobs)
    assert plain[0]["data"]["seed"] != short[0]["data"]["seed"]
    assert plain[1]["config"] == short[1]["config"]


def test_stages_follow_each_other_and_share_what_comes_before(planned, recipe):
    dpo = {"config": {"stage": "dpo", "trainer": {"max_steps": 3}}, "data": "pairs"}
    change = {
        "sets": {"pairs": {"recipe": {**recipe, "size": 4}}},
        "train": {"sft": {"data": "data"}, "dpo": dpo},
        "arms": {"short": None, "plain": {"train": {"dpo": None}}, "both": {}},
    }
    made = planned(change)
    plain, both = made.jobs
    assert (plain.steps, both.steps) == ({"sft": 2}, {"sft": 2, "dpo": 3})
    assert both.train["sft"] == plain.train["sft"]
    assert made.nodes[both.train["dpo"]].params["before"] == both.train["sft"]
    assert set(made.nodes[both.train["dpo"]].needs) == {both.train["sft"], both.sets["pairs"]}
    assert (list(plain.sets), list(both.sets)) == (["data"], ["data", "pairs"])


def test_one_config_may_hold_several_stages(planned):
    chain = {"sft": {"model": "org/a", "trainer": {"max_steps": 5}}, "dpo": {"trainer": {"max_steps": 3}}}
    stages = {"sft": {"config": None}, "dpo": {"config": chain}}
    given = {
        "train": {"sft": {"config": chain | {"stage": None, "model": None, "trainer": None}}, "dpo": stages["dpo"]}
    }
    made = planned(given)
    assert made.jobs[0].steps == {"sft": 5, "dpo": 3}


def test_the_checkpoint_is_chosen_before_the_answers(planned):
    made = planned({"choose": {"prompts": "prompts.jsonl", "epochs": "1-2"}})
    job = made.jobs[0]
    assert job.choice is not None
    assert made.nodes[job.choice].needs == (job.train["sft"],)
    assert made.nodes[job.answers].needs == (job.train["sft"], job.choice)
    assert made.nodes[job.answers].params["choice"] == job.choice


def test_the_base_model_is_asked_as_it_is(planned):
    made = planned({"seeds": [0, 1], "arms": {"short": None, "base": {"train": None, "model": "org/base"}}})
    base = [job for job in made.jobs if job.arm.name == "base"]
    assert all(job.nodes == [job.answers] and job.rows is None for job in base)
    assert made.nodes[base[0].answers].params["model"] == "org/base"


def test_dialogues_are_asked_too(planned, tmp_path):
    (tmp_path / "talks.jsonl").write_text('{"turns": ["Hi!", "And now?"]}\n')
    made = planned({"answer": {"dialogues": "talks.jsonl", "samples": 3}})
    assert made.jobs[0].count == 3 * (2 + 2)
    assert made.nodes[made.jobs[0].answers].params["dialogues"][0]["turns"] == ["Hi!", "And now?"]


def test_prompts_count_by_what_they_say(planned, tmp_path):
    before = planned().jobs[0].answers
    file = tmp_path / "prompts.jsonl"
    text = file.read_text()
    file.write_text(text + "\n")
    assert planned().jobs[0].answers == before
    file.write_text(text.replace("sun", "moon"))
    assert planned().jobs[0].answers != before


@pytest.mark.parametrize(
    ("trainer", "rows", "steps"),
    [
        ({"max_steps": 7}, None, 7),
        ({"per_device_train_batch_size": 4, "num_train_epochs": 1}, 9, 3),
        ({"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "num_train_epochs": 2}, 9, 4),
        ({"per_device_train_batch_size": 4, "num_train_epochs": 0.5}, 16, 2),
        ({"num_train_epochs": 0.5, "per_device_train_batch_size": 1}, 3, 2),
        ({}, None, None),
    ],
)
def test_steps(trainer, rows, steps):
    assert steps_of(trainer, rows) == steps
