from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import exact_duplicates


def kept(prompts: list[str | None], **parameters: Any) -> list[bool]:
    pool = pl.DataFrame({"id": [f"{i}" for i in range(len(prompts))], "prompt": prompts})
    return exact_duplicates(pool, **parameters).kept.to_list()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("Why?", "Why?", id="the same"),
        pytest.param("Why?", "WHY?", id="other capitals"),
        pytest.param("Why is\tit?", "  Why is\n it? ", id="other blanks"),
        pytest.param("caf\u00e9", "cafe\u0301", id="an accent composed or not"),
        pytest.param("\u00c9t\u00e9", "e\u0301te\u0301", id="a capital with an accent"),
        pytest.param("", "  ", id="two empty texts"),
    ],
)
def test_same_text(first, second):
    assert kept([first, second]) == [True, False]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("Why?", "Why", id="punctuation"),
        pytest.param("resume", "résumé", id="an accent"),
        pytest.param("x1", "x\u00b9", id="a raised figure"),
        pytest.param("ab", "a b", id="a blank or none"),
        pytest.param(None, None, id="two nulls"),
        pytest.param(None, "", id="null and empty"),
    ],
)
def test_another_text(first, second):
    assert kept([first, second]) == [True, True]


POOL = pl.DataFrame(
    {
        "id": ["c", "a", "b", "d", "e"],
        "prompt": ["Q", "q", "q ", "other", None],
        "response": ["1", "2", "1", "1", None],
        "score": [5.0, 5.0, None, 1.0, 9.0],
        "votes": [1, 2, 3, 4, 5],
    }
)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        pytest.param({}, ["duplicate of a", None, "duplicate of a", None, None], id="score, then smallest id"),
        pytest.param({"prefer": "votes"}, ["duplicate of b"] * 2 + [None] * 3, id="another column"),
        pytest.param({"prefer": None}, ["duplicate of a", None, "duplicate of a", None, None], id="the id alone"),
        pytest.param({"column": ["prompt", "response"]}, [None, None, "duplicate of c", None, None], id="two columns"),
        pytest.param({"column": "votes"}, [None] * 5, id="a number"),
    ],
)
def test_which_row_stays(parameters, why):
    choice = exact_duplicates(POOL, **parameters)
    assert choice.why.to_list() == why
    assert choice.kept.to_list() == [w is None for w in why]


def test_nulls_agree_beside_a_text_but_not_alone():
    pool = pl.DataFrame({"id": ["a", "b", "c", "d"], "prompt": ["p", "p", None, None], "system": [None] * 4})
    assert exact_duplicates(pool, column=["prompt", "system"]).kept.to_list() == [True, False, True, True]


def test_nested_columns_are_compared_by_value():
    turns = [
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "No"}],
    ]
    pool = pl.DataFrame({"id": ["a", "b", "c"], "history": turns})
    assert exact_duplicates(pool, column="history").kept.to_list() == [True, False, True]


@pytest.mark.parametrize(
    ("score", "stays"),
    [
        pytest.param([None, 1.0], 1, id="null goes last"),
        pytest.param([float("nan"), 1.0], 1, id="NaN goes last"),
        pytest.param([-1.0, None], 0, id="a negative score beats none"),
    ],
)
def test_missing_scores_go_last(score, stays):
    pool = pl.DataFrame({"id": ["a", "b"], "prompt": ["p", "p"], "score": score})
    assert exact_duplicates(pool).kept.arg_max() == stays


def test_one_of_the_rows_with_one_id_stays():
    pool = pl.DataFrame({"id": ["a", "a", "a"], "prompt": ["p", "p", "p"]})
    choice = exact_duplicates(pool)
    assert choice.kept.to_list() == [True, False, False]
    assert choice.why.to_list() == [None, "duplicate of a", "duplicate of a"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"column": "promt"}, "exact_duplicates: the rows have no column 'promt', only id, prompt", id="column"),
        pytest.param({"prefer": "stars"}, "no column 'stars'", id="a preference that is named must be there"),
        pytest.param({"column": []}, "needs a column", id="no column"),
    ],
)  # fmt: skip
def test_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        exact_duplicates(POOL, **parameters)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "A ", "b", None]), st.sampled_from([None, 1.0, 2.0])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter(rows, random):
    pool = pl.DataFrame(
        [(f"{i:02}", *row) for i, row in enumerate(rows)],
        schema={"id": pl.String, "prompt": pl.String, "score": pl.Float64},
        orient="row",
    )
    order = list(range(len(rows)))
    random.shuffle(order)
    straight, shuffled = exact_duplicates(pool), exact_duplicates(pool[order])
    assert straight.kept[order].to_list() == shuffled.kept.to_list()
    assert straight.why[order].to_list() == shuffled.why.to_list()
    texts = {row[0].strip().lower() for row in rows if row[0] is not None}
    assert straight.kept.sum() == len(texts) + sum(row[0] is None for row in rows)


texts = st.lists(st.tuples(st.sampled_from(["Why", "why ", "", None, "How"]), st.sampled_from(["a", " A", None])))


@pytest.mark.parametrize("column", ["prompt", ["prompt", "response"], "turns"])
@settings(deadline=None)
@given(texts=texts, score=st.randoms(), count=st.integers(1, 5))
def test_groups_that_are_seen_apart_are_judged_as_those_that_are_seen_together(column, texts, score, count):
    pool = pl.DataFrame(texts, schema={"prompt": pl.String, "response": pl.String}, orient="row").with_columns(
        id=pl.Series(map(str, range(len(texts))), dtype=pl.String),
        score=pl.Series([score.choice([1, 2, None]) for _ in texts], dtype=pl.Float64),
    )
    number = exact_duplicates.group(pool, column=column, seed=0) % count  # type: ignore[attr-defined]
    parts = [pool.filter(number == i) for i in range(count)]
    choices = [pl.DataFrame([part["id"], *exact_duplicates(part, column=column)[:2]]) for part in parts]
    whole = pl.DataFrame([pool["id"], *exact_duplicates(pool, column=column)[:2]])
    assert pl.concat(choices).sort("id").equals(whole.sort("id"))
