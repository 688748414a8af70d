"""What stands on the page of a set, section by section: plain values, which the templates in templates/set lay out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import yaml

from curate.report.charts import Scale, figure
from curate.report.headline import mean, present
from curate.report.steps import Measure, lines, measures
from curate.report.words import DASH, fields, number, percent, plural
from curate.run.examples import EACH, examples, excerpt, marks, merge
from curate.run.examples import texts as texts_of

if TYPE_CHECKING:
    from curate.run.what_if import Bound

_DOMAINS, _CHARTS, _INPUTS, _REASONS = 15, 12, 500, 50  # at most so many of each are on the page
_SIDES = {(False, True): "at least", (False, False): "at most", (True, True): "above", (True, False): "below"}
Data = dict[str, Any]


def table_one(manifest: Data) -> Data:
    """Give a line a source: rows asked, available and taken, mean lengths."""
    table, absent = manifest["table"], manifest["absent"]
    counts, means = ("asked", "available", "taken"), ("prompt_words", "response_words")
    lines = [row for row in table if row["source"] not in absent]
    if absent:
        gone = {name: sum(r[name] for r in table if r["source"] in absent) for name in counts}
        lines.append({"source": f"not there: {', '.join(absent)}", **gone, **dict.fromkeys(means)})
    body = [
        [
            *(r["source"], r["asked"], r["available"], {"taken": r["taken"], "change": r["taken"] - r["asked"]}),
            *(r[name] for name in means),
        ]
        for r in lines
    ]
    totals = [sum(r[name] for r in table) for name in counts]
    return {"rows": body, "totals": ["all", *totals, *(mean(table, name) for name in means)]}


def funnel(manifest: Data) -> Data:
    """Give for each source what every step left, removed first and alone would remove."""
    sources = []
    for source in present(manifest):
        count = manifest["counts"][source]
        rows: list[list[Any]] = [["read", _level(count["read"]), "", "", ""]]
        for step in lines(manifest, source):
            numbers = ["", "", ""] if step.first is None else [step.first, step.fails, step.alone]
            rows.append([step._asdict(), step._asdict(), *numbers])
        total = ["kept", _level(count["kept"]), "", "", ""]
        share = f"{count['read']:,} read, {count['kept']:,} kept ({percent(count['kept'], count['read'])})"
        sources.append({"name": source, "share": share, "read": count["read"], "rows": rows, "total": total})
    return {"sources": sources, "unread": [name for name in manifest["counts"] if name not in present(manifest)]}


def _level(left: int) -> Data:
    return {"left": left, "first": 0}


class _Domain(NamedTuple):
    name: str
    source: str
    read: int
    left: int
    asked: int | None  # its quota, where its source is sampled by domain
    kept: int


def domains(manifest: Data) -> Data | None:
    """Give the domains with most rows in the set, and the rest summed."""
    every = sorted(_domains(manifest), key=lambda d: (-d.kept, -d.read, d.source, d.name))
    if not every:
        return None
    first, rest = every[:_DOMAINS], every[_DOMAINS:]
    unlisted = [d for d in manifest["domains"] if "more" in d]  # the sums of those that the manifest does not list
    more = sum(d["more"] for d in unlisted)
    rest += [_Domain("", d["source"], d["read"], d["left"], None, d["kept"]) for d in unlisted]
    if rest:
        first.append(_sum(f"{len(every) - _DOMAINS + more:,} more", rest))
    whole = _sum("all", first)
    shares = [(d.read / (whole.read or 1), d.kept / (whole.kept or 1)) for d in first]
    # The largest share fills its bar: against the whole, most of many domains could not be seen.
    most = max(map(max, shares)) or 1
    bars = [
        {
            "read": read / most,
            "kept": kept / most,
            "label": f"{percent(d.read, whole.read)} of the rows read, {percent(d.kept, whole.kept)} of the rows kept",
        }
        for d, (read, kept) in zip(first, shares, strict=True)
    ]
    kept = sum(1 for d in every if d.kept) + sum(d["more_kept"] for d in unlisted)
    caption = f"{len(every) + more:,} domains read, {kept:,} of them in the set."
    return {"caption": caption, "rows": [[*d, bar] for d, bar in zip(first, bars, strict=True)]}


def _domains(manifest: Data) -> list[_Domain]:
    asked = {(q["source"], q["domain"]): q["asked"] for q in manifest["quotas"]}
    return [
        _Domain(d["domain"] or "(none)", d["source"], d["read"], d.get("left", 0), asked.get(key), d["kept"])
        for d in manifest["domains"]
        for key in [(d["source"], d["domain"])]
        if "more" not in d
    ]


def _sum(name: str, of: list[_Domain]) -> _Domain:
    asked = [d.asked for d in of if d.asked is not None]
    read, left, kept = (sum(counts) for counts in zip(*((d.read, d.left, d.kept) for d in of), strict=True))
    return _Domain(name, "", read, left, sum(asked) if asked else None, kept)


def diversity(manifest: Data) -> Data | None:
    """Give the metrics of a run that has vectors, as `curate diversity` prints them, and a map of pool and set."""
    if unmeasured := manifest.get("unmeasured"):
        return {"unmeasured": unmeasured}
    result = manifest.get("diversity")
    if not result:
        return None
    rows = [
        [m["metric"].replace("_", " "), *(_metric(m.get(k)) for k in ("value", "low", "high")), m.get("band") or DASH]
        for m in result["metrics"]
    ]
    named = {"of": result["column"], "model": result["model"], "unmeasured": None}
    kinds = {kind: [p for p in result["map"] if p[2] == number] for kind, number in (("pool", 0), ("kept", 1))}
    regions = result.get("regions", [])  # an earlier version has none
    most = max((region[kind] for region in regions for kind in ("pool", "set")), default=1) or 1
    table = [
        [f"{i}. {region['name']}", {**region, "most": most}, percent(region["pool"], 1), percent(region["set"], 1)]
        for i, region in enumerate(regions, 1)
    ]
    return {**named, "rows": rows, "points": kinds, "regions": regions, "lines": table}


def _metric(value: float | None) -> str:
    return DASH if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def lengths(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data, bounds: Iterable[Bound]) -> Data:
    """Give how long the responses are in characters: in the set, and in the pool where a step measured it."""
    measure = next((m for m in measures(ledger, manifest) if m.is_response_length), None)
    answers = [c for c in ("response", "chosen") if c in rows.collect_schema()]
    nothing = pl.Series([], dtype=pl.Int64)
    kept = rows.select(pl.coalesce(answers).str.len_chars()).collect().to_series() if answers else nothing
    groups = [("kept", "The set", kept)]
    if measure:
        groups.insert(0, ("pool", "The pool", measure.numbers(ledger)))
    chart = figure("Length of responses", groups, measure.thresholds if measure else (), "characters")
    if chart and measure:
        chart |= _sliders(measure, chart["on"], bounds)
    return {"measured": measure is not None, "figure": chart}


def scores(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data, bounds: Iterable[Bound]) -> Data | None:
    """Give everything else that was measured, and the rows' own score if no step looked at it."""
    others = [m for m in measures(ledger, manifest) if not m.is_response_length]
    kept = ledger.filter("kept")
    figures = [_measured(measure, ledger, kept, bounds) for measure in others[:_CHARTS]]
    if "score" in rows.collect_schema() and not any(m.of == "score" for m in others):
        own = rows.select("score").collect().to_series()
        figures.append(figure("score", [("kept", "The set", own)], (), "score"))
    figures = [chart for chart in figures if chart]
    more = f"{plural(len(others) - _CHARTS, 'more measure')} in ledger.parquet." if len(others) > _CHARTS else None
    return {"figures": figures, "more": more} if figures else None


def _sliders(measure: Measure, on: Scale, bounds: Iterable[Bound]) -> Data:
    """Give for each bound of a measure the numbers at which it may stand, and how many rows more would pass there."""
    groups: dict[tuple[bool, bool, float], list[Bound]] = {}
    for bound in bounds:
        if bound.column == measure.column and bound.source in measure.sources:
            groups.setdefault((bound.below, bound.strict, bound.was), []).append(bound)
    ends = [float(f"{on.low + i * on.step:.12g}") for i in range(on.bins + 1)]
    sliders = []
    for (below, strict, was), same in groups.items():
        stops = sorted({*ends, was})
        sliders.append(
            {
                "name": _SIDES[strict, below],
                "was": fields(was),
                "sources": ", ".join(b.source for b in same) if len(same) < len(measure.sources) else "",
                "left": sum(b.left for b in same),
                "at": stops.index(was),
                "stops": f"[{','.join(f'[{v:.12g},{sum(b.change(v) for b in same)}]' for v in stops)}]",
            }
        )
    # What more passes is then the most that it can be, and what fewer, too.
    later = dict.fromkeys(label for same in groups.values() for bound in same for label in bound.open)
    return {"sliders": sliders, "later": list(later)}


def _measured(measure: Measure, ledger: pl.LazyFrame, kept: pl.LazyFrame, bounds: Iterable[Bound]) -> Data | None:
    name = f"{measure.of}, measured by {measure.label}" if measure.of else measure.label
    unit = str(measure.params.get("unit") or measure.of or measure.label)
    groups = [("pool", "The pool", measure.numbers(ledger)), ("kept", "The set", measure.numbers(kept))]
    chart = figure(name, groups, measure.thresholds, unit)
    return chart and chart | _sliders(measure, chart["on"], bounds)


def near(misses: pl.DataFrame, texts: pl.DataFrame | None) -> Data | None:
    """Give the rows that one step alone removed, and that by the least, with what they say."""
    if not misses.height:
        return None
    key = ["source", "step", "id"]
    shown = ("prompt", "response", "spans")
    have = merge([] if texts is None else [texts]).unique(key, keep="last")
    sources: dict[str, dict[str, Data]] = {}
    for row in misses.join(have.select(*key, *shown), on=key, how="left", maintain_order="left").to_dicts():
        fold = sources.setdefault(row["source"], {}).setdefault(row["step"], {**row, "rows": []})
        off = f"{number(row['measured'], 4)} where {row['bound']} is {number(row['threshold'], 4)}"
        fold["rows"].append({**_marked(row), "detail": off})
    return {"sources": sources}


def dropped(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data, texts: pl.DataFrame | None) -> Data:
    """Give for each source some rows kept and some that each step dropped first, with text if there is.

    A row that was dropped in favour of another has that one as `twin`.
    """
    every = examples(ledger, texts).filter(pl.col("distance").is_null())
    twins = {(row["source"], row["step"], row["beside"]): row for row in every.to_dicts() if row["beside"]}
    sources = {}
    for source in present(manifest):
        few = rows.filter(pl.col("source") == source).head(EACH).collect()
        shown = zip(few["id"], texts_of(few).iter_rows(), strict=True)
        kept = [{"id": id_, "prompt": excerpt(p), "response": excerpt(r)} for id_, (p, r) in shown]
        own = [row for row in every.to_dicts() if row["source"] == source and not row["beside"]]
        size = manifest["counts"][source]["kept"]
        folds = [(f"kept, {plural(size, 'row')}", kept)] if size else []
        folds += [
            (f"{s.verb} {s.label}, {plural(s.first, 'row')} dropped", [row for row in own if row["step"] == s.label])
            for s in lines(manifest, source)
            if s.first
        ]
        sources[source] = [
            (title, [_marked(row, twins.get((source, row.get("step"), row["id"]))) for row in some])
            for title, some in folds
        ]
    return {"sources": sources}


def _marked(row: Data, twin: Data | None = None) -> Data:
    """Part the texts of an example by what is evidence in them."""
    spans = (row.get("spans") or "").split("\n\n")
    parts = {name: row[name] and marks(row[name], spans) for name in ("prompt", "response")}
    return {"detail": None, "domain": None, "twin": twin and _marked(twin), **row, **parts}


def quarantine(manifest: Data) -> Data | None:
    """Sum up what could not be read, by source and by reason."""
    bad = {name: count["quarantined"] for name, count in manifest["counts"].items()}
    whole = {name: count["read"] + bad[name] for name, count in manifest["counts"].items()}
    sources = [[name, whole[name], bad[name], percent(bad[name], whole[name])] for name in bad]
    reasons = (manifest.get("quarantine") or [])[:_REASONS]
    if not reasons and not any(bad.values()):
        return None
    return {
        "sources": sources if any(bad.values()) else [],
        "reasons": [[r["source"], r["error"], r["records"], r["first"]] for r in reasons],
    }


def reproduce(manifest: Data) -> Data:
    """Give what it takes to make the set again: command, recipe, versions, inputs with their hashes."""
    limit = f" --limit {manifest['limit']}" if manifest.get("limit") is not None else ""
    inputs = manifest["inputs"]
    return {
        "command": f"curate run {manifest['recipe_file']} --seed {manifest['seed']}{limit}",
        "recipe": yaml.safe_dump(manifest["recipe"], sort_keys=False, allow_unicode=True, width=100),
        "versions": list({**manifest["curate"], "python": manifest["python"]}.items()),
        "files": plural(len(inputs), "file"),
        "inputs": [
            [i["file"], i["source"], i["part"], i["bytes"], {"sha": i.get("sha256") or i["mark"]}]
            for i in inputs[:_INPUTS]
        ],
        "more": max(len(inputs) - _INPUTS, 0),
    }
