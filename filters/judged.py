"""Grades of rows that are there, by a judge of the recipe."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from curate.filter import Scores, costly
from curate.filters.pool import require
from curate.models.judges.judge import Case, Grade, Judge, answer_of
from curate.turns import question, without_thoughts

_READ = ("id", "prompt", "prompt_name", "system", "history", "tools")


@costly
def judged(pool: pl.DataFrame, *, judge: Judge, column: str = "response") -> Scores:
    """Score rows by what a judge says of their answers: of the recipe's `judges:` the one that is named.

    AlpaGasus (Chen et al. 2023, arXiv 2307.08701) has every answer of a set graded from 0 to 5 on accuracy, and keeps
    those from 4.5 on; DEITA (Liu et al. 2023, arXiv 2312.15685) grades quality and complexity from 1 to 6, and goes by
    their product. The scales `accuracy`, `quality` and `complexity` of the judges `label` and `verdict` are these, in
    our own words. A judge sees the whole conversation before the answer, no thoughts, and answers as data.

    A row without a grade has no score, never the lowest one, and stays: the ledger says why (`judged.why`), the screen
    how many and for which reasons. Where a server was not there the run says so and ends with exit code 2; the next one
    asks about those rows and no others, for what a judge's generator said is kept.

    A judge has a taste of its own: longer answers, and those of its own model, get higher grades (Zheng et al. 2023,
    arXiv 2306.05685, section 3.3). Grade a few by hand first (`curate judge --gold`).

    Args:
        pool: the rows.
        judge: who grades; one that only compares gives no row a score, and says so.
        column: the answer, `response`, `chosen` or `rejected`.

    Raises ValueError if the column is not there or is no answer's (`prompt`), or the judge gives another number of
    grades than it was asked for.

    >>> from curate.models.judges import rules
    >>> rows = pl.DataFrame({"id": ["1", "2"], "prompt": ["Why?"] * 2, "response": ["Because warm air rises.", None]})
    >>> scores = judged(rows, judge=rules(min_words=4, checks=["length", "ended"]))
    >>> scores.value.to_list(), scores.why.to_list()
    ([1.0, None], [None, 'no grade: there is no answer'])
    """
    require(pool, column, "judged")
    if column in _READ:
        raise ValueError(f"judged: '{column}' is no answer; name the column of one, such as response or chosen")
    cases = _cases(pool, column)
    asked = [case for case in cases if isinstance(case, Case)]
    grades = judge.grade(asked) if asked else []
    if len(grades) != len(asked):
        raise ValueError(f"the judge gave {len(grades):,} grades for {len(asked):,} answers")
    by_row = iter(grades)
    lines = [_line(next(by_row) if isinstance(case, Case) else Grade(None, why=case)) for case in cases]
    table = pl.DataFrame(lines, schema={"value": pl.Float64, "why": pl.String, "again": pl.Boolean}, orient="row")
    figures = {"graded": float(table["value"].count()), "without a grade": float(table["value"].null_count())}
    return Scores(table["value"], table["why"], table["again"], figures)


def _cases(pool: pl.DataFrame, column: str) -> list[Case | str]:
    """List what a judge is asked of each row, or why it is asked nothing."""
    names = [name for name in (*_READ, column, f"{column}_turns") if name in pool.columns]
    return [_case(row, column) for row in pool.select(names).iter_rows(named=True)]


def _case(row: dict[str, Any], column: str) -> Case | str:
    turns, text = answer_of(row, column)
    if not (row.get("prompt") or "").strip():
        return "there is no prompt"
    if not (text or "").strip():
        return "there is no answer"
    return Case(row["id"], without_thoughts(question(row)), str(text), turns, row.get("tools"))


def _line(grade: Grade) -> tuple[float | None, str | None, bool]:
    """Read a grade; a score that is no number, or infinite, is none."""
    if grade.score is not None and math.isfinite(grade.score):
        return float(grade.score), None, False
    why = grade.why or ("the score is no number" if grade.score is not None else "the judge did not say why")
    return None, f"no grade: {why}", grade.again
