from __future__ import annotations

import json
from statistics import fmean

import pytest

import curate.train
from curate.models.generators.generator import close_all
from curate.models.judges import reward_model
from curate.models.judges.judge import Case
from curate.recipe.places import RecipeError
from curate.train.data import hold_out, load
from curate.train.findings import TrainError
from curate.train.pairwise import Scored, figures, longer, told
from tests.train import planted, tiny
from tests.train.conftest import LORA

SHARE = 0.3


@pytest.fixture(scope="module")
def asked(base, tmp_path_factory):
    """A reward model of 120 pairs whose chosen answer has a mark, some of them held out."""
    rows = tiny.write(tmp_path_factory.mktemp("marked") / "pairs.jsonl", planted.marked(120))
    trainer = {"num_train_epochs": 5, "learning_rate": 5e-3, "save_strategy": "no", "disable_tqdm": True}
    return {"model": str(base), "data": str(rows), "held_out": SHARE, "trainer": trainer}


@pytest.fixture(scope="module")
def record(asked, tmp_path_factory):
    return curate.train.reward(asked, tmp_path_factory.mktemp("reward"))


def judged(record, asked):
    """Grade both answers of the held-out pairs by the saved model, as a judge."""
    pairs = hold_out(load(asked["data"], "preference"), SHARE)[1].rows
    judge = reward_model(model=record["model_out"]["path"])
    try:
        return [
            [
                grade.score
                for grade in judge.grade(
                    [Case(pair.id, pair.record["prompt"], pair.record[name][0]["content"]) for pair in pairs]
                )
            ]
            for name in ("chosen", "rejected")
        ]
    finally:
        close_all()


def test_a_planted_preference_is_found_on_pairs_that_were_held_out(record):
    found = record["held_out"]
    assert found["low"] > 0.6
    assert found["low"] < found["accuracy"] <= found["high"]
    assert found["pairs"] == found["prompts"] == 120 - record["data"]["rows_in"]
    assert found["margin"] > 0.5
    assert sum(part["pairs"] for part in found["by_length"].values() if part) == found["pairs"]
    assert found["length_alone"]["accuracy"] < found["low"]
    assert record["said"][0].startswith(f"held out: {100 * found['accuracy']:.1f} %")
    assert not [said for said in record["said"] if "what length alone" in said]


def test_the_saved_model_is_a_judge_that_gives_the_same_rewards(record, asked):
    chosen, rejected = judged(record, asked)
    assert fmean(c - r for c, r in zip(chosen, rejected, strict=True)) == pytest.approx(
        record["held_out"]["margin"], abs=1e-3
    )
    assert sum(c > r for c, r in zip(chosen, rejected, strict=True)) / len(chosen) == pytest.approx(
        record["held_out"]["accuracy"], abs=1e-4
    )


def test_an_adapter_trains_the_head_too_and_is_merged_with_it(asked, tmp_path):
    from safetensors.torch import load_file

    record = curate.train.reward({**asked, "lora": LORA}, tmp_path / "out")
    assert record["held_out"]["low"] > 0.6
    adapter = load_file(tmp_path / "out" / "adapter" / "adapter_model.safetensors")
    merged = load_file(tmp_path / "out" / "merged" / "model.safetensors")
    head = next(weights for name, weights in adapter.items() if name.endswith("score.weight"))
    assert head.equal(merged["score.weight"])
    chosen, rejected = judged(record, asked)
    assert fmean(c - r for c, r in zip(chosen, rejected, strict=True)) == pytest.approx(
        record["held_out"]["margin"], abs=1e-2
    )


def test_the_same_seed_begins_with_the_same_head(asked, tmp_path):
    one_step = {**asked, "trainer": {**asked["trainer"], "max_steps": 1}}
    made = [curate.train.reward({**one_step, "seed": s}, tmp_path / f"{i}") for i, s in enumerate((3, 3, 4))]
    weights = [one["model_out"]["weights"] for one in made]
    assert weights[0] == weights[1] != weights[2]


def test_a_model_that_knows_nothing_but_length_is_told_so(asked, tmp_path):
    rows = tiny.write(tmp_path / "longer.jsonl", planted.longer(60))
    record = curate.train.reward({**asked, "data": str(rows)}, tmp_path / "out")
    assert record["held_out"]["length_alone"] == {
        "rule": "the longer answer",
        "accuracy": 1.0,
        "low": record["held_out"]["length_alone"]["low"],
        "high": 1.0,
        "pairs": record["held_out"]["pairs"],
    }
    assert [said for said in record["said"] if said.startswith("the interval reaches down to what length alone")]


def test_without_rows_held_out_the_record_says_that_nothing_is_known(asked, tmp_path):
    few = {**asked, "held_out": None, "rows": 8, "trainer": {**asked["trainer"], "max_steps": 1}}
    record = curate.train.reward(few, tmp_path / "out")
    assert record["held_out"] is None
    assert "nothing was held out" in record["said"][0]


def test_rows_of_a_file_can_be_held_out_and_those_too_long_are_counted(asked, tmp_path):
    pairs = planted.marked(12, seed=1)
    pairs[3]["chosen"][0]["content"] = "long " * 200
    held = tiny.write(tmp_path / "dev.jsonl", pairs)
    given = {**asked, "held_out": None, "eval_data": str(held)}
    record = curate.train.reward(
        {**given, "trainer": {**asked["trainer"], "max_steps": 1, "max_length": 128}}, tmp_path / "out"
    )
    assert (record["held_out"]["pairs"], record["held_out"]["dropped"]) == (11, 1)
    assert [said for said in record["said"] if said.startswith("1 held-out pairs are longer than max_length")]


def test_a_prompt_is_on_one_side_and_stays_there(tmp_path):
    rows = planted.marked(40) + [{**row, "id": f"again{row['id']}"} for row in planted.marked(40, seed=2)]
    kept, apart = hold_out(load(str(tiny.write(tmp_path / "a.jsonl", rows)), "preference"), SHARE)
    prompts = [{json.dumps(row.record["prompt"]) for row in side.rows} for side in (kept, apart)]
    assert not prompts[0] & prompts[1]
    assert len(kept.rows) + len(apart.rows) == 80
    _, again = hold_out(load(str(tiny.write(tmp_path / "b.jsonl", rows[::-1][:60])), "preference"), SHARE)
    assert {row.id for row in again.rows} <= {row.id for row in apart.rows}


def test_a_share_that_leaves_a_side_empty_is_refused(tmp_path):
    data = load(str(tiny.write(tmp_path / "a.jsonl", planted.marked(2))), "preference")
    with pytest.raises(TrainError, match=r"held_out: 0\.01 of 2 rows of .* leaves 2 to train on and 0 held out"):
        hold_out(data, 0.01)


@pytest.mark.parametrize(
    ("stage", "more", "message"),
    [
        pytest.param("reward", {"end_of_turn": "<|eot|>"}, "belongs to sft", id="a token that SFT adds"),
        pytest.param("reward", {"reward": "a:b"}, "belongs to rloo", id="a reward to learn from"),
        pytest.param("reward", {"eval_data": "x"}, "leave one of them out", id="held out twice"),
        pytest.param("reward", {"held_out": 1.0}, "should be less than 1", id="all held out"),
    ],
)
def test_a_key_of_another_stage_is_told(stage, more, message, asked):
    with pytest.raises(RecipeError, match=message):
        getattr(curate.train, stage)({**asked, **more}, "out")


PAIRS = [
    pytest.param([(1, 0, 0.5), (2, 1, -0.5)], [0.5], 1.0, 0.5, "the longer answer", id="right, length half of it"),
    pytest.param([(0, 1, 0.5), (0, 1, 0.5)], [-0.5], 0.0, 0.0, "the shorter answer", id="wrong, and so is length"),
    pytest.param([(1, 1, 0.0), (1, 0, 0.0)], [], 0.5, 0.5, "the longer answer", id="equal rewards count as wrong"),
]


@pytest.mark.parametrize(("pairs", "trained_on", "accuracy", "by_length", "rule"), PAIRS)
def test_figures(pairs, trained_on, accuracy, by_length, rule):
    found = figures([Scored(*pair) for pair in pairs], trained_on)
    assert (found["accuracy"], found["length_alone"]["accuracy"], found["length_alone"]["rule"]) == (
        accuracy,
        by_length,
        rule,
    )
    assert found["low"] <= accuracy <= found["high"]


def test_accuracy_stands_by_length_with_a_tenth_as_alike():
    scored = [Scored(1, 0, 0.11), Scored(0, 1, 0.1), Scored(1, 0, -0.1), Scored(0, 1, -0.11), Scored(1, 0, -0.5)]
    found = figures(scored, [0.1])["by_length"]
    assert {name: (part["accuracy"], part["pairs"]) for name, part in found.items()} == {
        "chosen longer": (1.0, 1),
        "alike": (0.5, 2),
        "chosen shorter": (0.5, 2),
    }


def test_pairs_of_few_prompts_are_told():
    found = figures([Scored(1, 0, 0.0)] * 30, [0.1]) | {"prompts": 3, "dropped": 0}
    assert "30 pairs are of 3 prompts: the true interval is wider" in told(found)


def test_length_is_that_of_the_answer(tmp_path):
    rows = load(str(tiny.write(tmp_path / "a.jsonl", planted.longer(1))), "preference").rows
    answers = [len(rows[0].record[name][0]["content"]) for name in ("chosen", "rejected")]
    assert longer(rows[0]) == (answers[0] - answers[1]) / answers[0]
