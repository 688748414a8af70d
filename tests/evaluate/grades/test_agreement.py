"""How far graders agree; a gold set judged by one who knows, who knows it wrongly, throws coins, looks at the place."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import polars as pl
import pytest

from curate.cache import Cache
from curate.evaluate.grades import GradesError, agree, pairwise, read_gold
from curate.evaluate.grades.agreement import as_comparisons, sides
from curate.evaluate.grades.summary import beside
from curate.models.judges import Comparison, Judge
from tests.evaluate.grades.made import answers
from tests.train import tiny

TURNED = {"first": "second", "second": "first", "tie": "tie"}
ROW = {"prompt": "Hi?", "first": "Yes.", "second": "No.", "label": "first"}


@pytest.fixture(scope="module")
def llmbar() -> pl.DataFrame:
    folder = Path(os.environ.get("CURATE_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
    file = folder / "llmbar_natural.json"
    if not file.is_file():
        pytest.skip(f"no real gold set: set CURATE_DATA to a folder with llmbar_natural.json (looked in {folder.name})")
    return read_gold(file)


def judge_of(gold: pl.DataFrame, says) -> Judge:
    """Judge by a function of the gold label in terms of what stands first, and the pairing."""
    side = {"a": "first", "b": "second", "tie": "tie"}
    known = {
        (row["id"], row[one]): side[row["label"]] if one == "first" else TURNED[side[row["label"]]]
        for row in gold.iter_rows(named=True)
        for one in ("first", "second")
    }
    return Judge(
        lambda cases: [], {"judge": "stub", "code": None}, "stub",
        compare=lambda pairings: [Comparison(says(known[one.id, one.first], one)) for one in pairings],
    )  # fmt: skip


def measured(gold: pl.DataFrame, judge: Judge, folder: Path):
    result = pairwise(*sides(gold), judge, Cache(folder), names=("first", "second"))
    return agree(result, as_comparisons(gold)), beside(result)


def coin(label, pairing) -> str:
    """Throw a coin for the pair, the same whatever stands first."""
    heads = hashlib.sha256(min(pairing.first, pairing.second).encode()).digest()[0] % 2
    return "first" if (pairing.first < pairing.second) == bool(heads) else "second"


def test_the_real_set_is_read_whole(llmbar):
    assert llmbar.height == 100
    assert llmbar["label"].value_counts().sort("label").rows() == [("a", 42), ("b", 58)]


def test_a_judge_who_knows_agrees_and_one_who_turns_it_never(llmbar, tmp_path):
    right, seen = measured(llmbar, judge_of(llmbar, lambda label, _: label), tmp_path / "1")
    assert (right.agreement.mean, right.kappa, right.n, right.without) == (1.0, 1.0, 100, 0)
    assert seen["flips"].mean == 0
    wrong, _ = measured(llmbar, judge_of(llmbar, lambda label, _: TURNED[label]), tmp_path / "2")
    assert wrong.agreement.mean == 0.0
    assert wrong.kappa < 0


def test_coins_agree_half_the_time(llmbar, tmp_path):
    result, seen = measured(llmbar, judge_of(llmbar, coin), tmp_path)
    assert result.agreement.low < 0.5 < result.agreement.high
    assert seen["flips"].mean == 0


def test_who_looks_at_the_place_is_caught(llmbar, tmp_path):
    result, seen = measured(llmbar, judge_of(llmbar, lambda label, _: "first"), tmp_path)
    assert seen["flips"].mean == 1
    assert seen["first"].mean == 1
    assert result.agreement.mean == 0.5, "ties alone: half of each"


def test_the_same_pairs_turned_round_are_judged_the_same(llmbar, tmp_path):
    turned = llmbar.rename({"first": "second", "second": "first"}).with_columns(
        label=pl.col("label").replace({"a": "b", "b": "a"})
    )
    assert measured(turned, judge_of(turned, lambda label, _: label), tmp_path)[0].agreement.mean == 1


@pytest.mark.parametrize(
    ("row", "label"),
    [
        pytest.param(ROW, "a", id="our own form"),
        pytest.param(ROW | {"label": "tie"}, "tie", id="a tie"),
        pytest.param({"input": "Hi?", "output_1": "Yes.", "output_2": "No.", "label": 2}, "b", id="LLMBar's form"),
        pytest.param(ROW | {"prompt": [{"role": "user", "content": "Hi?"}]}, "a", id="turns"),
    ],
)
def test_both_forms_are_read(tmp_path, row, label):
    for text in (json.dumps(row), json.dumps([row])):
        (tmp_path / "gold.json").write_text(text)
        (result,) = read_gold(tmp_path / "gold.json").to_dicts()
        assert (result["prompt"], result["first"], result["second"], result["label"]) == ("Hi?", "Yes.", "No.", label)
        assert len(result["id"]) == 32


def test_every_pair_is_judged_whatever_its_id(tmp_path):
    others = [ROW | {"prompt": "How?"}, ROW | {"label": "second"}, ROW | {"first": "No!"}]
    gold = read_gold(tiny.write(tmp_path / "gold.jsonl", [row | {"id": 7} for row in (ROW, *others, ROW)]))
    assert gold["id"].n_unique() == gold.height == 4  # one is there twice
    assert gold["id"][0] == "7"
    assert measured(gold, judge_of(gold, lambda label, _: label), tmp_path)[0].n == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"first": "a", "second": "b", "label": 1}, "row 1 has no prompt", id="no prompt"),
        pytest.param({"prompt": "Hi?", "first": "a", "label": 1}, "row 1 has no `second`", id="one answer"),
        pytest.param(ROW | {"label": 3}, "label is first, second or tie, not 3", id="no such label"),
        pytest.param(ROW | {"label": True}, "label is first, second or tie, not True", id="a truth is no label"),
        pytest.param(ROW | {"label": [1]}, "label is first, second or tie, not [1]", id="a list is no label"),
    ],
)
def test_what_is_no_gold_is_named(tmp_path, row, message):
    with pytest.raises(GradesError) as error:
        read_gold(tiny.write(tmp_path / "gold.jsonl", [row]))
    assert message in str(error.value)


PAIRS = pl.DataFrame({"id": list("pqrs"), "sample": 0, "a": "x", "b": "y", "verdict": ["a", "b", "tie", None]})


def graded(*scores: float | None) -> pl.DataFrame:
    return answers(*("a" for _ in scores)).with_columns(arm=pl.lit("x"), score=pl.Series(scores, dtype=pl.Float64))


@pytest.mark.parametrize(
    ("verdicts", "agreement", "n"),
    [
        pytest.param(["a", "b", "tie", "a"], 1.0, 3, id="the same; where one has none it does not count"),
        pytest.param(["b", "a", "tie", None], 1 / 3, 3, id="turned"),
        pytest.param(["tie", "b", "a", "a"], 2 / 3, 3, id="exactly one tie is half"),
        pytest.param([None, "b", None, None], 1.0, 1, id="one in both"),
    ],
)
def test_comparisons_agree_as_lima_counts(verdicts, agreement, n):
    result = agree(PAIRS, PAIRS.with_columns(verdict=pl.Series(verdicts)))
    assert result.agreement.mean == pytest.approx(agreement)
    assert (result.n, result.n + result.without) == (n, 4)


def test_the_sides_may_be_called_the_other_way_round():
    turned = PAIRS.with_columns(a=pl.lit("y"), b=pl.lit("x"), verdict=pl.Series(["b", "a", "tie", "a"]))
    assert agree(PAIRS, turned).agreement.mean == 1
    assert agree(PAIRS, PAIRS.with_columns(verdict=pl.Series(["b", "a", "tie", "a"]))).agreement.mean < 1


def test_grades_agree_to_the_whole_number():
    result = agree(graded(1, 2, 3.4, None), graded(1.4, 3, 3, 4))
    assert result.agreement.mean == pytest.approx(2 / 3)
    assert (result.n, result.without) == (3, 1)


def test_another_text_under_the_same_name_is_another_answer():
    one, other = graded(1, 2), graded(1, 2).with_columns(response=pl.Series(["a", "another"]))
    assert agree(one, other).n == 1


def test_what_cannot_be_compared_is_told():
    with pytest.raises(GradesError, match="one of each"):
        agree(PAIRS, graded(1))
    with pytest.raises(GradesError, match="share no answers"):
        agree(PAIRS, PAIRS.with_columns(id=pl.lit("z")))
    with pytest.raises(GradesError, match=r"share no answers that both have a verdict on \(1 are in both"):
        agree(graded(None), graded(1))
