"""How far two graders agree about the same answers."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.evaluate import statistics
from curate.evaluate.grades.files import GradesError
from curate.evaluate.statistics import Mean


class Agreed(NamedTuple):
    """How far two graders agree.

    `agreement` is LIMA's tie-discounted accuracy with its interval, `kappa` Cohen's (None where chance alone agrees
    always), `n` the answers or pairs that both have a verdict on, and `without` those in both where one has none.
    """

    agreement: Mean
    kappa: float | None
    n: int
    without: int


def agree(one: pl.DataFrame, other: pl.DataFrame) -> Agreed:
    """Say how far two graders agree: two tables of grades, or two of comparisons, about the same answers.

    Comparisons agree where the same answer is better, whichever stood as `a`. Grades agree where they are the same to
    the whole number, which is what a scale of labels has. Raises GradesError where the two are not of one kind, or
    share nothing that both have a verdict on.

    >>> pairs = pl.DataFrame({"id": ["1", "2"], "a": "x", "b": "y", "verdict": ["a", "tie"]})
    >>> turned = pairs.with_columns(a=pl.lit("y"), b=pl.lit("x"), verdict=pl.Series(["b", "b"]))
    >>> agree(pairs, turned).agreement.mean
    0.75
    """
    kinds = ["verdict" in table.columns for table in (one, other)]
    if kinds[0] != kinds[1]:
        raise GradesError("grades agree with grades, and comparisons with comparisons: these are one of each")
    both = _joined(*(map(_winners if kinds[0] else _whole, (one, other))))
    there = both.drop_nulls(["said", "said_right"])
    if there.is_empty():
        raise GradesError(
            f"the two share no answers that both have a verdict on ({both.height} are in both, by id, sample, turn, "
            "the names of those that answered, and the texts)"
        )
    a, b = there["said"].to_list(), there["said_right"].to_list()
    return Agreed(statistics.agreement(a, b), statistics.kappa(a, b), there.height, both.height - there.height)


def _winners(comparisons: pl.DataFrame) -> pl.DataFrame:
    """Name the winner of each pair, and the pair itself by both names and both texts in one order."""
    verdict = pl.col("verdict")
    winner = pl.when(verdict == "a").then("a").when(verdict == "b").then("b").otherwise(verdict)
    table = _with(comparisons, "sample", "turn", "response_a", "response_b")
    return table.with_columns(said=winner, who=_sorted("a", "b"), text=_sorted("response_a", "response_b"))


def _sorted(a: str, b: str) -> pl.Expr:
    ordered = pl.when(pl.col(a) > pl.col(b)).then(pl.concat_list(b, a)).otherwise(pl.concat_list(a, b))
    return ordered.list.join("\x1f", ignore_nulls=False)


def _whole(grades: pl.DataFrame) -> pl.DataFrame:
    table = _with(grades, "sample", "turn", "arm", "seed", "checkpoint", "response")
    who = pl.concat_str(pl.col("arm", "seed", "checkpoint").cast(pl.String).fill_null(""), separator="\x1f")
    score = pl.col("score").round().cast(pl.Int64).cast(pl.String)
    return table.with_columns(said=score, who=who, text=pl.col("response"))


def _with(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Add the columns that are not there, empty."""
    return table.with_columns(pl.lit(None, pl.String).alias(name) for name in names if name not in table.columns)


def _joined(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Find what both judged: the same texts too, where both tables hold them."""
    keys = ["id", "sample", "turn", "who"]
    if not one["text"].null_count() and not other["text"].null_count():
        keys.append("text")
    tables = (table.with_columns(pl.col("sample", "turn").cast(pl.Int64)) for table in (one, other))
    left, right = (table.select(*keys, "said") for table in tables)
    return left.join(right, on=keys, nulls_equal=True)
