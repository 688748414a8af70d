from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filter import Property, Score, costly
from curate.filters import at_least, length, replace_opening
from curate.filters.voice import first_person
from curate.recipe.step import build
from curate.rows import standardise
from curate.run.ledger import evidence_text
from curate.run.rowpass import NO_VALUE, row_pass


@costly
def shouts(column: str = "response") -> Property:
    return pl.col(column).str.contains("!")


def steps(*wanted):
    return [build(verb, f.__name__, label, f, params, "r.yaml:1") for verb, f, label, params in wanted]


LENGTH = ("keep", length, "length", {"column": "response", "min": 5, "max": None, "unit": "chars"})
VOICE = ("drop", first_person, "first_person", {"column": "response", "words": ["I"], "ignore": ["code"]})
SHOUT = ("drop", shouts, "shouts", {"column": "response"})
SCORE = ("keep", at_least, "at_least", {"column": "score", "value": 3})


def frame(texts, scores=None):
    rows = {"response": texts, "score": scores or [5.0] * len(texts)}
    return standardise(pl.DataFrame(rows, schema={"response": pl.String, "score": pl.Float64}), "s")


def test_every_cheap_verdict_for_every_row_and_the_first_failure_named():
    passed = row_pass(frame(["fine as it is", "I", "Because I said so"]), steps(LENGTH, VOICE))
    kept, ledger = passed.kept, passed.ledger
    assert kept["response"].to_list() == ["fine as it is"]
    assert ledger["length"].to_list() == [True, False, True]
    assert ledger["first_person"].to_list() == [True, False, False]
    assert ledger["dropped_by"].to_list() == [None, "length", "first_person"]
    assert ledger["kept"].to_list() == [True, False, False]


def test_detail_names_the_evidence_of_each_failed_step():
    ledger = row_pass(frame(["I", "Because I said so"]), steps(LENGTH, VOICE)).ledger
    nowhere = {"turn": None, "span": None}
    assert ledger["detail"].to_list() == [
        [{"step": "length", "reason": "1.0", **nowhere}, {"step": "first_person", "reason": None, **nowhere}],
        [{"step": "first_person", "turn": None, "reason": None, "span": "Because I said so"}],
    ], "the text is shown where the step is the first to drop the row"
    text = ledger.select(evidence_text())["detail"].to_list()
    assert text == ["length: 1.0\nfirst_person", "first_person: Because I said so"]
    assert ledger["length.response"].to_list() == [1.0, 17.0]


def test_a_null_verdict_counts_as_dropped_with_its_own_reason():
    passed = row_pass(frame([None, "fine as it is"], [None, 4.0]), steps(LENGTH, SCORE))
    kept, ledger = passed.kept, passed.ledger
    assert kept.height == 1
    assert ledger.select(evidence_text())["detail"][0] == f"length: {NO_VALUE}\nat_least: {NO_VALUE}"


def test_a_dropped_null_is_dropped_too():
    passed = row_pass(frame([None]), steps(VOICE))
    kept, ledger = passed.kept, passed.ledger
    assert (kept.height, ledger["dropped_by"][0]) == (0, "first_person")


def test_a_costly_step_is_asked_only_about_rows_the_steps_before_it_left():
    ledger = row_pass(frame(["no!", "long enough!", "long enough"]), steps(LENGTH, SHOUT)).ledger
    assert ledger["shouts"].to_list() == [None, False, True]
    assert ledger["dropped_by"].to_list() == ["length", "shouts", None]


@costly
def loudness(column: str = "response") -> Score:
    return pl.col(column).map_batches(_length, pl.UInt32)


def _length(texts: pl.Series) -> pl.Series:
    asked.extend(texts)
    return texts.str.len_chars()


asked: list[str] = []


def test_a_costly_score_is_asked_only_about_rows_that_are_left_and_so_is_a_bound_on_it():
    asked.clear()
    loud = ("score", loudness, "loudness", {"column": "response"})
    bound = ("keep", at_least, "loud", {"column": "loudness", "value": 12})
    passed = row_pass(frame(["no!", "long enough!", "long enough"]), steps(LENGTH, loud, bound, VOICE))
    assert asked == ["long enough!", "long enough"]
    assert passed.rows["loudness"].to_list() == passed.ledger["loudness"].to_list() == [None, 12, 11]
    assert passed.ledger["loud"].to_list() == [None, True, False]
    assert passed.ledger["first_person"].to_list() == [True, True, True], "what is cheap is asked about every row"
    assert passed.ledger["dropped_by"].to_list() == ["length", None, "loud"]


def test_a_costly_score_of_no_rows_is_a_column_of_nulls():
    loud = ("score", loudness, "loudness", {"column": "response"})
    passed = row_pass(frame(["no!"]), steps(LENGTH, loud))
    assert passed.ledger["loudness"].to_list() == [None]
    assert passed.ledger["loudness"].dtype == pl.Float64


def test_later_steps_see_the_edited_text_and_earlier_verdicts_stay():
    edit = ("edit", replace_opening, "replace_opening", {"column": "response", "old": "I", "new": "We all"})
    passed = row_pass(frame(["I know this"]), steps(edit, VOICE))
    kept, ledger = passed.kept, passed.ledger
    assert kept["response"].to_list() == ["We all know this"]
    assert ledger["first_person"].to_list() == [True]


def test_a_score_becomes_a_column_of_the_row_and_of_the_ledger():
    def size(column: str = "response") -> pl.Expr:
        return pl.col(column).str.len_chars()

    passed = row_pass(frame(["four"]), steps(("score", size, "size", {"column": "response"})))
    kept, ledger = passed.kept, passed.ledger
    assert kept["size"].to_list() == ledger["size"].to_list() == [4.0]


@pytest.mark.parametrize("verb", ["keep", "drop"])
def test_over_several_columns_each_must_pass(verb):
    step = (verb, length, "length", {"column": ["prompt", "response"], "min": 3, "max": None, "unit": "chars"})
    rows = standardise(pl.DataFrame({"prompt": ["long", "long", "x"], "response": ["long", "x", "x"]}), "s")
    passed = row_pass(rows, steps(step))
    ledger = passed.ledger
    expected = [True, False, False] if verb == "keep" else [False, False, True]
    assert ledger["kept"].to_list() == expected
    assert ledger["length.prompt"].to_list() == [4, 4, 1]


def test_no_steps_and_no_rows():
    passed = row_pass(frame(["a"]), [])
    kept, ledger = passed.kept, passed.ledger
    assert (kept.height, ledger["kept"].to_list()) == (1, [True])
    passed = row_pass(frame([]), steps(LENGTH, SHOUT))
    kept, ledger = passed.kept, passed.ledger
    assert (kept.height, ledger.height) == (0, 0)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.text(alphabet="I my!\n`x", max_size=12)), max_size=12), st.integers(0, 12))
def test_a_batch_split_anywhere_gives_the_same_rows_and_the_same_ledger(texts, cut):
    wanted = steps(LENGTH, VOICE, SHOUT)
    rows = frame(texts)
    whole = row_pass(rows, wanted)
    halves = [row_pass(rows[:cut], wanted), row_pass(rows[cut:], wanted)]
    assert whole.kept.equals(pl.concat([h.kept for h in halves]))
    assert whole.ledger.equals(pl.concat([h.ledger for h in halves]))
    assert whole.ledger["kept"].sum() == whole.kept.height
