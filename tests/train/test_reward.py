from __future__ import annotations

import json
from statistics import fmean

import pytest

import curate.train
from curate.models.generators.generator import close_all
from curate.models.judges import reward_model
from curate.models.judges.judge import Case
from curate.recipe.places import RecipeError
from curate.train import run
from curate.train.config import read, resolve
from curate.train.data import hold_out, load
from curate.train.findings import TrainError
from curate.train.models import load_model
from curate.train.pairwise import Scored, figures, longer, sentences
from tests.train import planted, tiny
from tests.train.conftest import LORA

SHARE = 0.3


@pytest.fixture(scope="module")
def config(base, tmp_path_factory):
    """A reward model of 120 pairs whose chosen answer has a mark, some of them held out."""
    rows = tiny.write(tmp_path_factory.mktemp("marked") / "pairs.jsonl", planted.marked(120))
    trainer = {"num_train_epochs": 5, "learning_rate": 5e-3, "save_strategy": "no", "disable_tqdm": True}
    return {"model": str(base), "data": str(rows), "held_out": SHARE, "trainer": trainer}


@pytest.fixture(scope="module")
def record(config, tmp_path_factory):
    return curate.train.reward(config, tmp_path_factory.mktemp("reward"))


def margins(record, config):
    """Grade both answers of the held-out pairs by the saved model, as a judge; give the differences."""
    pairs = hold_out(load(config["data"], "preference"), SHARE)[1].rows
    judge = reward_model(model=record["model_out"]["path"])
    try:
        chosen, rejected = (
            judge.grade([Case(pair.id, pair.record["prompt"], pair.record[name][0]["content"]) for pair in pairs])
            for name in ("chosen", "rejected")
        )
        return [c.score - r.score for c, r in zip(chosen, rejected, strict=True)]
    finally:
        close_all()


def test_a_planted_preference_is_learned_and_measured_on_pairs_that_were_held_out(record):
    result = record["held_out"]
    assert 0.6 < result["low"] < result["accuracy"] <= result["high"]
    assert result["pairs"] == result["prompts"] == 120 - record["data"]["rows_in"]
    assert result["margin"] > 0.5
    assert sum(part["pairs"] for part in result["by_length"].values() if part) == result["pairs"]
    assert result["length_alone"]["accuracy"] < result["low"]
    assert record["said"][0].startswith(f"held out: {100 * result['accuracy']:.1f} %")
    assert not [note for note in record["said"] if "what length alone" in note]


def test_the_saved_model_is_a_judge_that_gives_the_same_rewards(record, config):
    by_judge = margins(record, config)
    assert fmean(by_judge) == pytest.approx(record["held_out"]["margin"], abs=1e-3)
    assert fmean(margin > 0 for margin in by_judge) == pytest.approx(record["held_out"]["accuracy"], abs=1e-4)


def test_an_adapter_trains_the_head_too_and_is_merged_with_it(config, tmp_path):
    from safetensors.torch import load_file

    record = curate.train.reward({**config, "lora": LORA}, tmp_path / "out")
    assert record["held_out"]["low"] > 0.6
    adapter = load_file(tmp_path / "out" / "adapter" / "adapter_model.safetensors")
    merged = load_file(tmp_path / "out" / "merged" / "model.safetensors")
    head = next(weights for name, weights in adapter.items() if name.endswith("score.weight"))
    assert head.equal(merged["score.weight"])
    assert fmean(margins(record, config)) == pytest.approx(record["held_out"]["margin"], abs=1e-2)


def test_the_same_seed_begins_with_the_same_head(config):
    jobs = [run.prepare(resolve("reward", *read({**config, "seed": seed}))) for seed in (3, 3, 4)]
    one, same, other = (load_model(job).score.weight for job in jobs)
    assert one.equal(same)
    assert not one.equal(other)


def test_a_model_that_has_learned_nothing_but_length_is_told_so(config, tmp_path):
    rows = tiny.write(tmp_path / "longer.jsonl", planted.longer(60))
    record = curate.train.reward({**config, "data": str(rows)}, tmp_path / "out")
    by_length = record["held_out"]["length_alone"]
    assert (by_length["rule"], by_length["accuracy"], by_length["high"]) == ("the longer answer", 1.0, 1.0)
    assert by_length["pairs"] == record["held_out"]["pairs"]
    assert [note for note in record["said"] if note.startswith("the interval reaches down to what length alone")]


@pytest.fixture
def one_step(config):
    return {**config, "held_out": None, "trainer": {**config["trainer"], "max_steps": 1}}


def test_without_rows_held_out_the_record_says_that_nothing_is_measured(one_step, tmp_path):
    record = curate.train.reward({**one_step, "rows": 8}, tmp_path / "out")
    assert record["held_out"] is None
    assert "nothing was held out" in record["said"][0]


def test_rows_of_a_file_can_be_held_out_and_those_too_long_are_counted(one_step, tmp_path):
    pairs = planted.marked(12, seed=1)
    pairs[3]["chosen"][0]["content"] = "long " * 200
    one_step |= {"eval_data": str(tiny.write(tmp_path / "dev.jsonl", pairs))}
    one_step["trainer"]["max_length"] = 128
    record = curate.train.reward(one_step, tmp_path / "out")
    assert (record["held_out"]["pairs"], record["held_out"]["dropped"]) == (11, 1)
    assert [note for note in record["said"] if note.startswith("1 held-out pairs are longer than max_length")]


def test_a_prompt_is_on_one_side_and_stays_there(tmp_path):
    rows = planted.marked(40) + [{**row, "id": f"again{row['id']}"} for row in planted.marked(40, seed=2)]
    rest, held_out = hold_out(load(str(tiny.write(tmp_path / "a.jsonl", rows)), "preference"), SHARE)
    prompts = [{json.dumps(row.record["prompt"]) for row in side.rows} for side in (rest, held_out)]
    assert not prompts[0] & prompts[1]
    assert len(rest.rows) + len(held_out.rows) == 80
    _, again = hold_out(load(str(tiny.write(tmp_path / "b.jsonl", rows[::-1][:60])), "preference"), SHARE)
    assert {row.id for row in again.rows} <= {row.id for row in held_out.rows}


def test_a_share_that_leaves_a_side_empty_is_refused(tmp_path):
    data = load(str(tiny.write(tmp_path / "a.jsonl", planted.marked(2))), "preference")
    with pytest.raises(TrainError, match=r"held_out: 0\.01 of 2 rows of .* leaves 2 to train on and 0 held out"):
        hold_out(data, 0.01)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"end_of_turn": "<|eot|>"}, "belongs to sft", id="a token that SFT adds"),
        pytest.param({"reward": "a:b"}, "belongs to rloo", id="a reward to learn from"),
        pytest.param({"eval_data": "x"}, "leave one of them out", id="held out twice"),
        pytest.param({"held_out": 1.0}, "should be less than 1", id="all held out"),
    ],
)
def test_a_key_of_another_stage_is_refused(more, message, config):
    with pytest.raises(RecipeError, match=message):
        curate.train.reward({**config, **more}, "out")


PAIRS = [
    pytest.param([(1, 0, 0.5), (2, 1, -0.5)], [0.5], 1.0, 0.5, "the longer answer", id="right, length half of it"),
    pytest.param([(0, 1, 0.5), (0, 1, 0.5)], [-0.5], 0.0, 0.0, "the shorter answer", id="wrong, and so is length"),
    pytest.param([(1, 1, 0.0), (1, 0, 0.0)], [], 0.5, 0.5, "the longer answer", id="equal rewards count as wrong"),
]


@pytest.mark.parametrize(("pairs", "trained_on", "accuracy", "by_length", "rule"), PAIRS)
def test_figures(pairs, trained_on, accuracy, by_length, rule):
    result = figures([Scored(*pair) for pair in pairs], trained_on)
    alone = result["length_alone"]
    assert (result["accuracy"], alone["accuracy"], alone["rule"]) == (accuracy, by_length, rule)
    assert result["low"] <= accuracy <= result["high"]


def test_accuracy_stands_by_length_with_a_tenth_as_alike():
    scored = [Scored(1, 0, 0.11), Scored(0, 1, 0.1), Scored(1, 0, -0.1), Scored(0, 1, -0.11), Scored(1, 0, -0.5)]
    by_length = figures(scored, [0.1])["by_length"]
    assert {name: (part["accuracy"], part["pairs"]) for name, part in by_length.items()} == {
        "chosen longer": (1.0, 1),
        "alike": (0.5, 2),
        "chosen shorter": (0.5, 2),
    }


def test_pairs_of_few_prompts_are_told():
    result = figures([Scored(1, 0, 0.0)] * 30, [0.1]) | {"prompts": 3, "dropped": 0}
    assert "30 pairs are of 3 prompts: the true interval is wider" in sentences(result)


def test_length_is_that_of_the_answer(tmp_path):
    rows = load(str(tiny.write(tmp_path / "a.jsonl", planted.longer(1))), "preference").rows
    answers = [len(rows[0].record[name][0]["content"]) for name in ("chosen", "rejected")]
    assert longer(rows[0]) == (answers[0] - answers[1]) / answers[0]
