from __future__ import annotations

from collections import Counter
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.evaluate.vote.make import draw

COLUMNS = ["model", "id", "prompt", "sample", "response"]


def said(models="xy", prompts=4, samples=1, response="{m}{i}{s}"):
    rows = [
        (m, f"p{i}", f"{i}?", s, response.format(m=m, i=i, s=s))
        for m in models
        for i in range(prompts)
        for s in range(samples)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def pairs(items):
    return Counter(zip(items["a"], items["b"], strict=True))


@given(st.integers(2, 4), st.integers(1, 9), st.integers(1, 60), st.integers(0, 5))
def test_comparisons_are_spread_evenly(models, prompts, n, seed):
    names = "wxyz"[:models]
    items, left_out = draw(said(names, prompts), n, seed)
    kinds = list(combinations(names, 2))
    assert items.height == min(n, prompts * len(kinds))
    assert left_out == {}
    per_prompt = Counter(items["id"])
    assert max(per_prompt.values()) - min(per_prompt.get(f"p{i}", 0) for i in range(prompts)) <= 1
    assert items.select("id", "a", "b").n_unique() == items.height
    if n >= prompts * len(kinds):
        assert set(pairs(items).values()) == {prompts}


@given(st.integers(1, 20), st.integers(0, 50))
def test_each_model_of_a_pair_stands_first_in_half_of_them(prompts, seed):
    items, _ = draw(said("xyz", prompts), 1000, seed)
    for a, b in combinations("xyz", 2):
        of_pair = items.filter((pl.col("a") == a) & (pl.col("b") == b))
        assert abs(2 * (of_pair["left"] == a).sum() - of_pair.height) <= 1


@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_the_rows_does_not_matter(random, seed):
    answers = said("xy", 6, samples=2)
    order = list(range(answers.height))
    random.shuffle(order)
    shuffled = pl.concat([answers[order].filter(pl.col("model") == m) for m in "xy"])
    assert draw(shuffled, 4, seed)[0].equals(draw(answers, 4, seed)[0])


def test_a_seed_draws_prompts_order_sides_and_samples():
    drawn = [draw(said("xy", 40, samples=3), 20, seed)[0] for seed in range(2)]
    for column in ("id", "left", "sample"):
        assert drawn[0][column].to_list() != drawn[1][column].to_list()
    assert set(drawn[0]["sample"]) == {0, 1, 2}


def test_texts_stand_where_the_models_do():
    for row in draw(said("xyz", 8, samples=2), 99, 1)[0].iter_rows(named=True):
        assert row["left_text"] == f"{row['left']}{row['id'][1:]}{row['sample']}"
        assert row["right_text"] == f"{row['right']}{row['id'][1:]}{row['sample']}"
        assert {row["left"], row["right"]} == {row["a"], row["b"]}


@pytest.mark.parametrize(
    ("answers", "height", "left_out"),
    [
        pytest.param(said(response="same"), 0, {"equal answers": 4}, id="equal answers leave nothing to choose"),
        pytest.param(said(response="{s}", samples=2), 0, {"equal answers": 4}, id="a prompt is counted once"),
        pytest.param(pl.concat([said("x", 4), said("y", 2)]), 2, {}, id="only prompts that both answered"),
        pytest.param(
            pl.concat([said("x"), said("y").with_columns(sample=pl.col("sample") + 1)]), 0, {}, id="only equal samples"
        ),
    ],
)
def test_what_cannot_be_compared(answers, height, left_out):
    items, lost = draw(answers, 50)
    assert (items.height, lost) == (height, left_out)
