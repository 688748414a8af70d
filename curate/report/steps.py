"""The steps of a run as its report shows them: in which order, in which words, what each removed and measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from curate.recipe.step import bounds
from curate.report.words import fields, plural
from curate.run.examples import NEAR
from curate.run.ledger import BEFORE_BUDGET, OVERRIDES, REPEATED, leading, verdicts

SAMPLE = "sample"  # the label under which the budget's choice stands in the ledger
_OMITTED = {"seed"}  # the same for the whole run and shown at its top
_CLOSE = 0.1  # what counts as near: a tenth of the threshold


class Line(NamedTuple):
    """One step of a source: what it is, and how many rows it was asked about, refuses, removed and left.

    The counts are None for steps that remove nothing by their nature (edits and scores).
    """

    label: str
    verb: str
    name: str
    words: str
    asked: int | None
    fails: int | None
    first: int | None
    alone: int | None
    left: int


def lines(manifest: dict[str, Any], source: str) -> list[Line]:
    """List a source's steps in the order they were taken, with their counts."""
    counts = {row["step"]: row for row in manifest["funnel"] if row["source"] == source}
    left = manifest["counts"][source]["read"]
    result = []
    for step in _order(manifest, source, counts):
        count = counts.get(step["label"], {})
        left -= count.get("first", 0)
        numbers = {name: count.get(name) for name in ("asked", "fails", "first", "alone")}
        result.append(Line(step["label"], step["verb"], step["filter"], words(step["params"]), left=left, **numbers))
    return result


def _order(manifest: dict[str, Any], source: str, counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Put the steps that no recipe lists where they happen: repeats before selects, and the rest last."""
    own = list(manifest["steps"].get(source, []))
    pool = leading(own)
    repeats = [_unlisted("drop", name) for name in (OVERRIDES, REPEATED) if name in counts]
    last = [_unlisted("drop", name) for name in BEFORE_BUDGET if name in counts]
    last += [{**_unlisted("select", SAMPLE), "params": _sampling(manifest, source)}] if SAMPLE in counts else []
    order = [*own[:pool], *repeats, *own[pool:], *manifest["steps"].get("all", []), *last]
    listed = {step["label"] for step in order}
    return [*order, *(_unlisted("drop", label) for label in counts if label not in listed)]


def _unlisted(verb: str, label: str) -> dict[str, Any]:
    return {"verb": verb, "filter": label, "label": label, "params": {}}


def _sampling(manifest: dict[str, Any], source: str) -> dict[str, Any]:
    share = next((row for row in manifest["table"] if row["source"] == source), None)
    how = (manifest["recipe"].get("sources") or {}).get(source) or {}
    params = how.get("sample") if isinstance(how, dict) else None
    rows = {"taken": f"{share['taken']:,} of {share['available']:,}"} if share else {}
    return {**rows, **(params if isinstance(params, dict) else {"by": "chance"})}


def words(params: dict[str, Any]) -> str:
    """Put a step's parameters into words; those left open are omitted.

    >>> words({"column": "response", "min": 1200, "max": None, "seed": 7})
    'column response · min 1,200'
    """
    stated = {k: v for k, v in params.items() if v is not None and v != [] and k not in _OMITTED}
    return " · ".join(f"{k.replace('_', ' ')} {fields(v)}" for k, v in stated.items())


def decisions(manifest: dict[str, Any]) -> list[str]:
    """Say what people decided about rows by hand.

    >>> decisions({"overrides": {"accepted": 2, "accepted_out": 0, "rejected": 1, "not_there": 1}})
    ['2 rows are in by hand', '1 row is out by hand', '1 decision is about a row that no source has']
    """
    counts = manifest.get("overrides", {})
    words = {
        "accepted": ("is in by hand", "are in by hand", "row"),
        "accepted_out": ("that was accepted is out all the same", "that were accepted are out all the same", "row"),
        "rejected": ("is out by hand", "are out by hand", "row"),
        "not_there": ("is about a row that no source has", "are about rows that no source has", "decision"),
    }
    return [
        f"{plural(counts[name], noun)} {one if counts[name] == 1 else many}"
        for name, (one, many, noun) in words.items()
        if counts.get(name)
    ]


def held_out(dev: dict[str, Any]) -> str:
    """Say how many rows are held out of a set, and how many are not in it for being near one of them.

    >>> held_out({"rows": 50, "near": 1})
    'dev: 50 rows held out of the set; 1 row more is near one of them, and in neither.'
    """
    is_near = (
        f"{plural(dev['near'], 'row')} more {'is' if dev['near'] == 1 else 'are'} near one of them, and in neither"
    )
    return f"dev: {plural(dev['rows'], 'row')} held out of the set; {is_near}."


def unseen_turns(manifest: dict[str, Any]) -> list[str]:
    """Say in one sentence, if at all, which steps looked at one turn alone of rows that have more like it.

    >>> unseen_turns({"unseen": {"first_person": 126, "length": 1}})
    ['other turns of dialogues, by first_person (126 rows), length (1 row); `column: assistant_turns`, `user_turns` or \
`turns` looks at all of them.']
    """
    steps = [f"{label} ({plural(count, 'row')})" for label, count in manifest.get("unseen", {}).items()]
    how = "`column: assistant_turns`, `user_turns` or `turns` looks at all of them."
    return [f"other turns of dialogues, by {', '.join(steps)}; {how}"] if steps else []


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

    def numbers(self, ledger: pl.DataFrame | pl.LazyFrame) -> pl.Series:
        """Take the numbers out of a ledger."""
        return ledger.lazy().filter(pl.col("source").is_in(self.sources)).select(self.column).collect().to_series()


def measures(ledger: pl.DataFrame | pl.LazyFrame, manifest: dict[str, Any]) -> list[Measure]:
    """List what the steps measured, in the order of the steps.

    Two sources may use the same step with other bounds: their numbers are of one kind as long as all else is
    equal (a length in characters does not compare with one in words).
    """
    result: dict[tuple[str, str], Measure] = {}
    for source, step in _steps(manifest):
        for column in _columns(ledger.lazy(), step) if manifest["counts"][source]["read"] else ():
            kind = {k: v for k, v in step["params"].items() if k not in bounds(step) and v is not None}
            of = column.removeprefix(step["label"]).removeprefix(".")
            new = Measure(column, step["filter"], step["label"], of, step["params"])
            measure = result.setdefault((column, repr(sorted(kind.items()))), new)
            measure.sources.append(source)
            if step["verb"] in {"keep", "drop"}:
                measure.thresholds.update(bounds(step).items())
    return list(result.values())


def _steps(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """List every step once for every source that takes it."""
    own = [(source, step) for source in manifest["counts"] for step in manifest["steps"].get(source, [])]
    return own + [(source, step) for step in manifest["steps"].get("all", []) for source in manifest["counts"]]


def _columns(ledger: pl.LazyFrame, step: dict[str, Any]) -> list[str]:
    label = step["label"]
    return [
        c
        for c, dtype in ledger.collect_schema().items()
        if dtype.is_float() and (c == label or c.startswith(f"{label}."))
    ]


def near_misses(ledger: pl.DataFrame | pl.LazyFrame, manifest: dict[str, Any], most: int = NEAR) -> pl.DataFrame:
    """Find the rows that failed one step only, and that by the least: at most so many for each source and step.

    A row's distance is that of its number to the nearest of the step's. Columns: source, step, id, domain,
    measured, bound (its name), threshold, distance; `alone` says how many rows failed this step only, `close`
    how many of those lie within a tenth of the threshold.
    """
    ledger = ledger.lazy()
    failing = pl.sum_horizontal([pl.lit(0), *((~pl.col(n)).fill_null(False).cast(pl.Int32) for n in verdicts(ledger))])
    single = ledger.filter(failing == 1)
    frames = [
        _near(single, source, step, ledger, most)
        for source, step in _steps(manifest)
        if step["verb"] in {"keep", "drop"}
    ]
    full = [frame for frame in frames if frame is not None and frame.height]
    return pl.concat(full) if full else pl.DataFrame()


def _near(
    single: pl.LazyFrame, source: str, step: dict[str, Any], ledger: pl.LazyFrame, most: int
) -> pl.DataFrame | None:
    columns, limits = _columns(ledger, step), bounds(step)
    # Over several columns it is not known which of them failed; a step without numbers has no nearness.
    ends = [column for column in columns if column.endswith((".least", ".greatest"))]
    if not limits or (len(columns) != 1 and (len(columns) != 2 or ends != columns)):
        return None
    measured = pl.col(columns[0])
    if ends:  # of several turns, the number that is beyond a bound, and by more than the other
        low, high = measured, pl.col(columns[1])
        measured = pl.when(min(limits.values()) - low > high - max(limits.values())).then(low).otherwise(high)
    failed = single.filter((pl.col("source") == source) & ~pl.col(step["label"]) & measured.is_not_null())
    gaps = {name: (pl.col("measured") - limit).abs() for name, limit in limits.items()}
    least = pl.min_horizontal(gaps.values())
    bound = pl.coalesce(pl.when(gap == least).then(pl.lit(name)) for name, gap in gaps.items())
    threshold = pl.coalesce(pl.when(gap == least).then(pl.lit(limits[name])) for name, gap in gaps.items())
    rows = failed.select("source", "id", "domain", step=pl.lit(step["label"]), measured=measured)
    close = (least <= _CLOSE * threshold.abs()).sum()
    counts = rows.select(alone=pl.len(), close=close).collect(engine="streaming").row(0, named=True)
    nearest = rows.with_columns(distance=least).bottom_k(most, by=["distance", "id"]).collect(engine="streaming")
    # NaN is near nothing, where there is another.
    nearest = nearest.filter(pl.col("distance") <= pl.col("distance").max()).sort("distance", "id")
    return nearest.with_columns(
        bound=bound, threshold=threshold, **{name: pl.lit(count) for name, count in counts.items()}
    )
