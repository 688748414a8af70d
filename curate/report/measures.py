"""What steps measured: the ledger's columns of numbers, their thresholds, and the rows near to those."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from curate.report.steps import bounds
from curate.run.ledger import verdicts

_NEAR = 5  # rows shown for each source and step
_CLOSE = 0.1  # what counts as near: a tenth of the threshold


@dataclass(frozen=True)
class Measure:
    """Numbers of one kind in the ledger: their column, the filter behind them, of what, for which sources."""

    column: str
    filter: str
    label: str
    of: str
    params: dict[str, Any]
    sources: list[str] = field(default_factory=list)
    thresholds: set[tuple[str, float]] = field(default_factory=set)

    @property
    def is_response_length(self) -> bool:
        """Tell whether these are lengths of responses in characters."""
        plain = self.filter == "length" and self.params.get("unit", "chars") == "chars"
        return plain and self.of in {"response", "chosen"}

    def numbers(self, ledger: pl.DataFrame) -> pl.Series:
        """Take the numbers out of a ledger."""
        mine = ledger if set(self.sources) >= set(ledger["source"].unique()) else _of(ledger, self.sources)
        return mine[self.column]


def measures(ledger: pl.DataFrame, manifest: dict[str, Any]) -> list[Measure]:
    """List what the steps measured, in the order of the steps.

    Two sources may use the same step with other bounds: their numbers are of one kind as long as all else is
    equal (a length in characters does not compare with one in words).
    """
    found: dict[tuple[str, str], Measure] = {}
    for source, step in _steps(manifest):
        for column in _columns(ledger, step):
            kind = {k: v for k, v in step["params"].items() if k not in bounds(step["params"]) and v is not None}
            made = Measure(column, step["filter"], step["label"], column.partition(".")[2], step["params"])
            measure = found.setdefault((column, repr(sorted(kind.items()))), made)
            measure.sources.append(source)
            if step["verb"] in {"keep", "drop"}:
                measure.thresholds.update(bounds(step["params"]).items())
    return list(found.values())


def _steps(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """List every step once for every source that takes it."""
    own = [(source, step) for source in manifest["counts"] for step in manifest["steps"].get(source, [])]
    return own + [(source, step) for step in manifest["steps"].get("all", []) for source in manifest["counts"]]


def _columns(ledger: pl.DataFrame, step: dict[str, Any]) -> list[str]:
    label = step["label"]
    return [c for c, dtype in ledger.schema.items() if dtype.is_float() and (c == label or c.startswith(f"{label}."))]


def _of(ledger: pl.DataFrame, sources: list[str]) -> pl.DataFrame:
    return ledger.filter(pl.col("source").is_in(sources))


def near_misses(ledger: pl.DataFrame, manifest: dict[str, Any]) -> pl.DataFrame:
    """Find the rows that failed one step only, and that by the least: at most five for each source and step.

    A row's distance is that of its number to the nearest of the step's. Columns: source, step, id, domain,
    measured, bound (its name), threshold, distance; `alone` says how many rows failed this step only, `close`
    how many of those lie within a tenth of the threshold.
    """
    failing = pl.sum_horizontal([pl.lit(0), *((~pl.col(n)).fill_null(False).cast(pl.Int32) for n in verdicts(ledger))])
    single = ledger.filter(failing == 1)
    frames = [
        _near(single, source, step, ledger) for source, step in _steps(manifest) if step["verb"] in {"keep", "drop"}
    ]
    there = [frame for frame in frames if frame is not None and frame.height]
    return pl.concat(there) if there else pl.DataFrame()


def _near(single: pl.DataFrame, source: str, step: dict[str, Any], ledger: pl.DataFrame) -> pl.DataFrame | None:
    columns, limits = _columns(ledger, step), bounds(step["params"])
    # Over several texts it is not known which of them failed; a step without numbers has no nearness.
    if len(columns) != 1 or not limits:
        return None
    measured = pl.col(columns[0])
    gaps = pl.concat_list([(measured - limit).abs() for limit in limits.values()])
    failed = single.filter((pl.col("source") == source) & ~pl.col(step["label"]) & measured.is_not_null())
    nearest = failed.select(
        "source",
        "id",
        "domain",
        step=pl.lit(step["label"]),
        measured=measured,
        distance=gaps.list.min(),
        which=gaps.list.arg_min(),
    ).with_columns(
        bound=pl.col("which").replace_strict(dict(enumerate(limits)), return_dtype=pl.String),
        threshold=pl.col("which").replace_strict(dict(enumerate(limits.values())), return_dtype=pl.Float64),
    )
    close = nearest.filter(pl.col("distance") <= _CLOSE * pl.col("threshold").abs()).height
    first = nearest.filter(pl.col("distance") <= _fifth(nearest)).sort("distance", "id").head(_NEAR)
    return first.drop("which").with_columns(alone=pl.lit(failed.height), close=pl.lit(close))


def _fifth(nearest: pl.DataFrame) -> float:
    """Give the distance of the fifth nearest row, so that only ties up to it need sorting by id."""
    distances = nearest["distance"].bottom_k(_NEAR)
    return float(distances.max() or 0)  # type: ignore[arg-type]
