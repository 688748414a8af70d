"""Noise in labels: contradictions, gaps, and noise that was planted in real text, found again beside chance."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from scipy.stats import binom, hypergeom

from curate.filters import both_sides, contradictions, mislabelled, mismatch, reward_gap
from curate.rows import data_folder

NAMES = ["prompt", "chosen", "rejected"]
LUCK = 0.01  # what is found must be more than chance finds once in a hundred times


def pairs(*rows: tuple[str | None, ...]) -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    return table.with_columns(id=pl.int_range(1, pl.len() + 1).cast(pl.String))


@pytest.mark.parametrize(
    ("rows", "opposite", "sides"),
    [
        pytest.param([("Tea?", "Yes.", "No."), ("tea?\n", "NO.", "yes.")], [1, 1], [2, 2], id="the other way round, however it is written"),
        pytest.param([("Tea?", "Yes.", "No."), ("Coffee?", "No.", "Yes.")], [0, 0], [2, 2], id="another prompt is another question"),
        pytest.param([("Tea?", "A", "B"), ("Tea?", "B", "C")], [0, 0], [1, 1], id="the middle of a ranking"),
        pytest.param([("Tea?", "A", "B"), ("Tea?", "A", "B")], [0, 0], [0, 0], id="the same pair twice"),
        pytest.param([("Tea?", "A", "B"), ("Tea?", "B", "A"), ("Tea?", "B", "A")], [2, 1, 1], [4, 2, 2], id="two against one"),
        pytest.param([("Tea?", "A", "A"), ("Tea?", "B", "A")], [0, 0], [1, 0], id="two equal answers say nothing"),
        pytest.param([(None, "A", "B"), ("Tea?", None, "A"), (None, "B", "A")], [None, None, None], [2, None, 2], id="a text is missing"),
    ],
)  # fmt: skip
def test_pairs_that_say_the_opposite(rows, opposite, sides):
    pool = pairs(*rows)
    for scores, expected in ((contradictions(pool), opposite), (both_sides(pool), sides)):
        assert scores.value.to_list() == expected
        assert scores.why.is_not_null().to_list() == [value != 0 for value in expected]
        assert scores.notes == {"rows": float(sum(bool(value) for value in expected))}


def test_a_reason_names_a_row():
    pool = pairs(("Tea?", "A", "B"), ("Tea?", "B", "A"), ("Tea?", "B", "C"))
    assert contradictions(pool).why.to_list() == ["the opposite stands in 2", "the opposite stands in 1", None]
    assert both_sides(pool).why[0] == "its chosen answer is rejected in 2; its rejected answer is chosen in 2"
    assert (
        contradictions(pool.drop("prompt").with_columns(prompt=pl.lit(None, pl.String))).why[0] == "a text is missing"
    )


def test_a_gap_is_of_two_numbers():
    table = pl.DataFrame({"chosen_score": [4.0, 1.0, None], "rejected_score": [1.0, 3.0, 2.0]})
    assert table.select(reward_gap()).to_series().to_list() == [3.0, -2.0, None]


def human_like(n: int) -> pl.DataFrame:
    lines = (data_folder() / "human_like_pairs_sample.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return pairs(*([row[name][:300] for name in NAMES] for row in rows))


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    if not (data_folder() / "human_like_pairs_sample.jsonl").is_file():
        pytest.skip("the sample of pairs is not there: set CURATE_DATA")
    return human_like(120)


@pytest.mark.slow
@pytest.mark.model
def test_flipped_labels_are_found_in_any_order(real):
    flipped = pl.Series([i % 20 == 7 for i in range(real.height)])  # 6 of 120
    sides = [
        pl.when(flipped).then(b).otherwise(a).alias(a) for a, b in (("chosen", "rejected"), ("rejected", "chosen"))
    ]
    pool = (
        real.with_columns(sides).vstack(pairs(("Why?", None, "So."))).with_columns(id=pl.int_range(121).cast(pl.String))
    )
    scores = mislabelled(pool)
    assert scores.value[:120].is_between(0, 1).all() and scores.value[120] is None
    assert scores.why[120] == "a text is missing"
    first = pool.with_columns(flipped=flipped.extend_constant(False, 1), value=scores.value).top_k(6, by="value")
    assert first["flipped"].sum() > hypergeom.isf(LUCK, 120, 6, 6)
    assert scores.notes["pairs"] == 120 and scores.notes["right"] > binom.isf(LUCK, 120, 0.5) / 120
    again = mislabelled(pool.reverse())
    assert again.value.reverse().equals(scores.value) and again.why.reverse().equals(scores.why)
    assert not mislabelled(pool, seed=1).value.equals(scores.value)


@pytest.mark.slow
@pytest.mark.model
def test_answers_of_other_prompts_are_found(real):
    slid = [7, 40, 77, 101]
    answers = real["chosen"].scatter(slid, real["chosen"].gather([*slid[1:], slid[0]]))
    pool = real.with_columns(response=answers, prompt=real["prompt"].scatter([2], real["prompt"][3].upper()))
    scores = mismatch(pool)
    first = scores.value.arg_sort(descending=True)[:8]
    assert len(set(first) & set(slid)) > hypergeom.isf(LUCK, 120, 4, 8)
    assert mismatch(pool.reverse()).value.reverse().equals(scores.value)
    blank = mismatch(pool.with_columns(response=pl.when(pl.col("id") == "1").then(pl.lit(" ")).otherwise("response")))
    assert blank.value[0] is None and blank.why[0] == "a text is missing"


@pytest.mark.parametrize(
    ("filter_", "who"), [(mislabelled, "mislabelled"), (mismatch, "mismatch"), (contradictions, "contradictions")]
)
def test_a_column_that_is_not_there_is_told(filter_, who):
    with pytest.raises(ValueError, match=f"{who}: the rows have no column"):
        filter_(pl.DataFrame({"id": ["1"], "prompt": ["Why?"]}))
