"""The packaged ablations: each plans, in full and small, says the paper's numbers, and has a control of the same size."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import curate.filters
from curate.ablate.checks import warnings
from curate.ablate.contrasts import contrasts, curves
from curate.ablate.plan import Plan, plan
from curate.ablate.reading import load
from curate.models.judges.judge import Case

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "recipes" / "ablations"
FULL = ("quality", "diversity", "quantity", "dialogue", "pairs")


@cache
def planned(name: str, *, small: bool = False) -> Plan:
    return plan(load(FOLDER / f"{name}.yaml", small=small))


def test_none_is_left_out():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*FULL, "planted", "baselines"}


@pytest.mark.parametrize("name", FULL)
def test_in_full_it_has_three_seeds_five_answers_and_a_random_arm(name):
    made = planned(name)
    keys = made.ablation.keys
    assert (len(keys.seeds), keys.random) == (3, "random")
    assert "random" in {factor.against for factor in made.ablation.factors}
    assert {arm.keys.answer.samples for arm in made.ablation.arms} == {5}
    sizes = {job.rows or 0 for job in made.jobs if "size" not in job.arm.levels}
    assert max(sizes or {2000}) in (1000, 1030, 2000)


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("small", [False, True])
def test_each_arm_is_compared_or_compared_with(name, small):
    ablation = planned(name, small=small).ablation
    made, uncompared = contrasts(ablation)
    assert uncompared == []
    assert {arm.name for arm in ablation.arms} == {name for one in made for name in (one.arm, one.against)}


@pytest.mark.parametrize("name", FULL)
def test_small_it_is_for_two_cores_and_needs_no_network(name):
    made = planned(name, small=True)
    assert not made.ablation.judge.generators
    models = {node.params["config"]["model"] for node in made.nodes.values() if node.kind == "train"}
    assert models <= {"SmolLM2-135M-Instruct", "what is made before it"}
    assert all(job.rows is not None and job.rows <= 64 for job in made.jobs)
    assert all(steps is not None and steps <= 64 for job in made.jobs for steps in job.steps.values())


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("quality", ["2,000", "1 to 6", "half a point"]),
        ("diversity", ["2,000", "wikiHow"]),
        ("quantity", ["2,000 to 32,000"]),
        ("dialogue", ["45.2 %", "76.1 %", "15 of 42", "1 of 46"]),
        ("pairs", ["10,884", "89.6 %", "89.5 %", "79.6 %"]),
    ],
)
def test_the_papers_numbers_stand_in_the_comments(name, numbers):
    comments = " ".join(
        line.lstrip("# ") for line in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines() if "#" in line
    )
    assert [number for number in numbers if number not in comments] == []


def test_the_arms_of_quality_differ_in_what_they_say():
    made = planned("quality")
    steps = {}
    for job in made.jobs[::3]:
        data = made.nodes[job.sets["data"]].params["data"]
        source = data["sources"]["stackexchange_stem"]
        steps[job.arm.name] = ([next(iter(step)) for step in source["steps"]], "sample" in source)
    assert steps == {
        "filtered": (["keep", "keep", "edit", "edit", "keep", "drop", "drop", "drop", "edit"], True),
        "unfiltered": (["edit", "edit", "edit"], True),
        "random": (["edit", "edit", "edit"], False),
    }


def test_quantity_is_a_line_from_2000_to_32000():
    ablation = planned("quantity").ablation
    points = curves(ablation)
    for name in ("filtered", "random"):
        assert [arm.rows for arm in ablation.arms if points[arm.name] == name] == [2000, 4000, 8000, 16000, 32000]


def test_pairs_share_the_sft_model():
    jobs = [job for job in planned("pairs").jobs if job.seed == 0]
    assert len({job.train["sft"] for job in jobs}) == 1
    assert [list(job.train) for job in jobs] == [["sft"], ["sft", "dpo"], ["sft", "dpo"]]


def test_planted_is_what_the_verification_needs():
    made = planned("planted")
    assert [arm.name for arm in made.ablation.arms] == ["habit", "plain", "null"]
    assert len(made.ablation.keys.seeds) == 2
    assert {job.rows for job in made.jobs} == {64}
    assert {job.count for job in made.jobs} == {48}
    assert [line.partition(":")[0] for line in warnings(made)] == ["2 seeds"]
    habit, plain, null = (made.nodes[job.sets["data"]].params["data"] for job in made.jobs[::2])
    assert habit["seed"] == plain["seed"] != null["seed"]
    assert habit["steps"][:-1] == plain["steps"] == null["steps"]


@pytest.mark.skipif("ifd" not in curate.filters.__all__, reason="there is no filter ifd")
def test_the_baselines_differ_in_how_they_choose_alone():
    made = planned("baselines")
    assert [arm.name for arm in made.ablation.arms] == ["random", "longest", "ifd", "quality_diversity"]
    assert {job.rows for job in made.jobs} == {32} and {job.count for job in made.jobs} == {48}
    assert {steps for job in made.jobs for steps in job.steps.values()} == {16}
    pools = [made.nodes[job.sets["data"]].params["data"]["sources"] for job in made.jobs]
    assert all(pool == pools[0] for pool in pools)
    assert [line.partition(":")[0] for line in warnings(made)] == ["2 seeds"]


@pytest.mark.parametrize(
    ("response", "share"),
    [("Yes! That is so.", 0.5), ("Use `np.mean()`! Now!", 1.0), ("", 0.0), ("no end", 0.0), ("Why? Because.", 0.5)],
)
def test_the_judge_of_the_habit(response, share):
    judge = load(FOLDER / "planted.yaml").judge
    assert judge.grade([Case("1", [{"role": "user", "content": "?"}], response)])[0].score == share
