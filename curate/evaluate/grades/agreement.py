"""How far two graders agree about the same answers; and gold sets, whose pairs people graded, to measure a judge on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.evaluate import statistics
from curate.evaluate.grades.files import COMPARISONS, PROMPT, GradesError, read_rows, row_prompt, shaped
from curate.evaluate.prompts import identified
from curate.evaluate.statistics import Mean
from curate.turns import TURNS


class Agreement(NamedTuple):
    """How far two graders agree.

    `agreement` is LIMA's tie-discounted accuracy with its interval, `kappa` Cohen's (None where chance alone agrees
    always), `n` the answers or pairs that both have a verdict on, and `without` those in both where one has none.
    """

    agreement: Mean
    kappa: float | None
    n: int
    without: int


def agree(one: pl.DataFrame, other: pl.DataFrame) -> Agreement:
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
    both = _joined(*(map(_winners if kinds[0] else _rounded, (one, other))))
    verdicts = both.drop_nulls(["verdict", "verdict_right"])
    if verdicts.is_empty():
        raise GradesError(
            f"the two share no answers that both have a verdict on ({both.height} are in both, by id, sample, turn, "
            "the names of those that answered, and the texts)"
        )
    a, b = verdicts["verdict"].to_list(), verdicts["verdict_right"].to_list()
    return Agreement(statistics.agreement(a, b), statistics.kappa(a, b), verdicts.height, both.height - verdicts.height)


def _winners(comparisons: pl.DataFrame) -> pl.DataFrame:
    """Name the winner of each pair, and the pair itself by both names and both texts in one order."""
    verdict = pl.col("verdict")
    winner = pl.when(verdict == "a").then("a").when(verdict == "b").then("b").otherwise(verdict)
    table = _with(comparisons, "sample", "turn", "response_a", "response_b")
    return table.with_columns(verdict=winner, who=_sorted("a", "b"), text=_sorted("response_a", "response_b"))


def _sorted(a: str, b: str) -> pl.Expr:
    ordered = pl.when(pl.col(a) > pl.col(b)).then(pl.concat_list(b, a)).otherwise(pl.concat_list(a, b))
    return ordered.list.join("\x1f", ignore_nulls=False)


def _rounded(grades: pl.DataFrame) -> pl.DataFrame:
    table = _with(grades, "sample", "turn", "arm", "seed", "checkpoint", "response")
    who = pl.concat_str(pl.col("arm", "seed", "checkpoint").cast(pl.String).fill_null(""), separator="\x1f")
    score = pl.col("score").round().cast(pl.Int64).cast(pl.String)
    return table.with_columns(verdict=score, who=who, text=pl.col("response"))


def _with(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Add the columns that are missing, empty."""
    return table.with_columns(pl.lit(None, pl.String).alias(name) for name in names if name not in table.columns)


def _joined(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Find what both judged: the same texts too, where both tables hold them."""
    keys = ["id", "sample", "turn", "who"]
    if not one["text"].null_count() and not other["text"].null_count():
        keys.append("text")
    tables = (table.with_columns(pl.col("sample", "turn").cast(pl.Int64)) for table in (one, other))
    first, second = (table.select(*keys, "verdict") for table in tables)
    return first.join(second, on=keys, nulls_equal=True)


NAMES = ("first", "second")
_GOLD = {
    "own": pl.String(),
    "prompt": pl.String(),
    "system": pl.String(),
    "history": TURNS,
    "prompt_name": pl.String(),
    "tools": pl.String(),
    "first": pl.String(),
    "second": pl.String(),
    "label": pl.String(),
}
# LLMBar's names for the same (arXiv 2310.07641).
_OTHER = {"input": "prompt", "output_1": "first", "output_2": "second"}
_LABELS: Mapping[Any, str] = {"first": "a", "second": "b", "tie": "tie", 1: "a", 2: "b", "1": "a", "2": "b"}


def read_gold(file: Path) -> pl.DataFrame:
    """Read a gold set: `id`, `prompt`, `system`, `history`, `first`, `second` and `label` (`a`, `b` or `tie`).

    A row holds `prompt` (a text, or turns), `first` and `second` (the answers), and `label`: first, second or tie.
    LLMBar's own form (`input`, `output_1`, `output_2`, `label` 1 or 2) is read too. Whatever `id` a row has, it is
    judged; one that is there twice, once. Raise GradesError naming the row that is none.
    """
    rows = [_row(file, number, row) for number, row in enumerate(read_rows(file), 1)]
    return identified(pl.DataFrame(rows, schema=_GOLD))


def sides(gold: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a gold set into the answers of its two sides, for `pairwise`."""
    first, second = (
        gold.select("id", *PROMPT, pl.col(name).alias("response")).with_columns(sample=pl.lit(0)) for name in NAMES
    )
    return first, second


def as_comparisons(gold: pl.DataFrame) -> pl.DataFrame:
    """Write a gold set as comparisons, whose judge is `gold`: for `agree`."""
    renamed = gold.rename({"first": "response_a", "second": "response_b", "label": "verdict"})
    constant = {"sample": 0, "a": NAMES[0], "b": NAMES[1], "judge": "gold"}
    return shaped(renamed.with_columns(pl.lit(value).alias(name) for name, value in constant.items()), COMPARISONS)


def _row(file: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    row = {_OTHER.get(name, name): value for name, value in row.items()}
    prompt = row_prompt(file, number, row)
    for name in NAMES:
        if not isinstance(row.get(name), str):
            raise GradesError(f"{file}: row {number} has no `{name}`: a gold row holds prompt, first, second and label")
    label = row.get("label")
    if isinstance(label, bool) or not isinstance(label, str | int) or label not in _LABELS:
        raise GradesError(f"{file}: row {number}: label is first, second or tie, not {label!r}")
    return {**prompt, **{name: row[name] for name in NAMES}, "label": _LABELS[label]}
