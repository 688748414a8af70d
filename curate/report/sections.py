"""What stands on the page of a set, section by section: plain values, which the templates in templates/set lay out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl
import yaml

from curate.report.charts import figure
from curate.report.steps import Measure, decisions, lines, measures, near_misses, unseen_turns
from curate.report.words import DASH, number, percent, plural
from curate.run.examples import EACH, cut, examples, marks

_DOMAINS, _CHARTS, _INPUTS, _REASONS = 30, 12, 500, 50  # at most so many of each are on the page
Data = dict[str, Any]


def headline(rows: pl.LazyFrame, manifest: Data) -> Data:
    """Give the set's name, in one sentence what it is made of, its figures, and what is not as asked."""
    read = sum(count["read"] for count in manifest["counts"].values())
    sources = sum(1 for row in manifest["table"] if row["taken"])
    facts = {
        "rows": number(_taken(manifest)),
        "rows read": number(read),
        "kept": percent(_taken(manifest), read),
        **({"held out": number(manifest["dev"]["rows"])} if "dev" in manifest else {}),
        "source" if sources == 1 else "sources": number(sources),
        "seed": manifest["seed"],
    }
    return {
        "name": manifest["name"],
        "sentence": _sentence(rows, manifest),
        "facts": facts,
        "notices": list(_notices(manifest)),
    }


def _taken(manifest: Data) -> int:
    return sum(row["taken"] for row in manifest["table"])


def _sentence(rows: pl.LazyFrame, manifest: Data) -> str:
    parts = sorted((row for row in manifest["table"] if row["taken"]), key=lambda row: -row["taken"])
    if not parts:
        return "The set is empty."
    size = _taken(manifest)
    paired = "chosen" in rows.collect_schema() and rows.select(pl.col("chosen").count()).collect().item() == size
    one, many = "prompt with its answer", "prompts with their answers"
    if paired:
        one, many = "pair of answers", "pairs of answers"
    names = [f"{row['taken']:,} from {row['source']}" for row in parts[:6]]
    if rest := sum(row["taken"] for row in parts[6:]):
        names.append(f"{rest:,} from {plural(len(parts) - 6, 'more source')}")
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{plural(size, one, many)}: {listed}."


def _notices(manifest: Data) -> Iterator[tuple[str, str]]:
    for name, reason in manifest["absent"].items():
        yield "Not there:", f"{name}: {reason}"
    size, limit, table = manifest.get("size"), manifest.get("limit"), manifest["table"]
    if short := manifest.get("short"):
        yield "Not what was asked:", f"{short['says']}."
    if size is not None and _taken(manifest) != size:
        yield "Size:", f"{plural(_taken(manifest), 'row')} where the recipe asks for {size:,}."
    if less := [f"{r['source']} gave {r['taken']:,} of {r['asked']:,}" for r in table if r["taken"] < r["asked"]]:
        more = [f"{r['source']} (+{r['taken'] - r['asked']:,})" for r in table if r["taken"] > r["asked"]]
        end = f"what was missing came from {', '.join(more)}." if more else "the set is smaller for it."
        yield "Short:", f"{', '.join(less)}; {end}"
    bad = {name: count["quarantined"] for name, count in manifest["counts"].items() if count["quarantined"]}
    if bad:
        each = ", ".join(f"{n:,} of {name}" for name, n in bad.items())
        yield "Quarantined:", f"{plural(sum(bad.values()), 'record')} could not be read: {each}."
    if by_hand := decisions(manifest):
        yield "Decided:", ", ".join(by_hand)
    for unseen in unseen_turns(manifest):
        yield "Not looked at:", unseen
    if limit is not None:
        yield "A trial:", f"at most {plural(limit, 'row')} of each part of a source were read."


def table_one(manifest: Data) -> Data:
    """Give a line a source: rows asked, available and taken, mean lengths."""
    table = manifest["table"]
    body = [
        [
            *(r["source"], r["asked"], r["available"], {"taken": r["taken"], "change": r["taken"] - r["asked"]}),
            *(r["prompt_words"], r["response_words"]),
        ]
        for r in table
    ]
    totals = [sum(r[name] for r in table) for name in ("asked", "available", "taken")]
    means = [_mean(table, name) for name in ("prompt_words", "response_words")]
    return {"rows": body, "totals": ["all", *totals, *means]}


def _mean(table: list[Data], name: str) -> float | None:
    rows = [(r[name], r["taken"]) for r in table if r[name] is not None]
    return sum(mean * n for mean, n in rows) / sum(n for _, n in rows) if rows else None


def funnel(manifest: Data) -> Data:
    """Give for each source what every step left, removed first and alone would remove."""
    sources = []
    for source, count in manifest["counts"].items():
        rows: list[list[Any]] = [["read", _level(count["read"]), "", "", ""]]
        for step in lines(manifest, source):
            numbers = ["", "", ""] if step.first is None else [step.first, step.fails, step.alone]
            rows.append([step._asdict(), step._asdict(), *numbers])
        total = ["kept", _level(count["kept"]), "", "", ""]
        share = f"{count['read']:,} read, {count['kept']:,} kept ({percent(count['kept'], count['read'])})"
        sources.append({"name": source, "share": share, "read": count["read"], "rows": rows, "total": total})
    return {"sources": sources}


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
    return {**named, "rows": rows, "points": result["map"]}


def _metric(value: float | None) -> str:
    return DASH if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def lengths(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data) -> Data:
    """Give how long the responses are in characters: in the set, and in the pool where a step measured it."""
    measure = next((m for m in measures(ledger, manifest) if m.is_response_length), None)
    answers = [c for c in ("response", "chosen") if c in rows.collect_schema()]
    nothing = pl.Series([], dtype=pl.Int64)
    kept = rows.select(pl.coalesce(answers).str.len_chars()).collect().to_series() if answers else nothing
    groups = [("kept", "The set", kept)]
    if measure:
        groups.insert(0, ("pool", "The pool", measure.numbers(ledger)))
    chart = figure("Length of responses", groups, measure.thresholds if measure else (), "characters")
    return {"measured": measure is not None, "figure": chart}


def scores(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data) -> Data | None:
    """Give everything else that was measured, and the rows' own score if no step looked at it."""
    others = [m for m in measures(ledger, manifest) if not m.is_response_length]
    kept = ledger.filter("kept")
    figures = [_measured(measure, ledger, kept) for measure in others[:_CHARTS]]
    if "score" in rows.collect_schema() and not any(m.of == "score" for m in others):
        own = rows.select("score").collect().to_series()
        figures.append(figure("score", [("kept", "The set", own)], (), "score"))
    figures = [chart for chart in figures if chart]
    more = f"{plural(len(others) - _CHARTS, 'more measure')} in ledger.parquet." if len(others) > _CHARTS else None
    return {"figures": figures, "more": more} if figures else None


def _measured(measure: Measure, ledger: pl.LazyFrame, kept: pl.LazyFrame) -> Data | None:
    name = f"{measure.of}, measured by {measure.label}" if measure.of else measure.label
    unit = str(measure.params.get("unit") or measure.of or measure.label)
    groups = [("pool", "The pool", measure.numbers(ledger)), ("kept", "The set", measure.numbers(kept))]
    return figure(name, groups, measure.thresholds, unit)


def near(ledger: pl.LazyFrame, manifest: Data) -> Data:
    """Give the rows that one step alone removed, and that by the least."""
    misses = near_misses(ledger, manifest)
    if not misses.height:
        return {"steps": [], "rows": []}
    steps = misses.select("source", "step", "alone", "close").unique(maintain_order=True).rows()
    rows = [
        [
            {"id": r["id"]},
            r["source"],
            r["step"],
            r["domain"] or DASH,
            number(r["measured"], 4),
            f"{r['bound']} {number(r['threshold'], 4)}",
            percent(r["distance"], abs(r["threshold"])) if r["threshold"] else number(r["distance"], 4),
        ]
        for r in misses.iter_rows(named=True)
    ]
    return {"steps": steps, "rows": rows}


def dropped(rows: pl.LazyFrame, ledger: pl.LazyFrame, manifest: Data, texts: pl.DataFrame | None) -> Data:
    """Give for each source some rows kept and some that each step dropped first, with text if there is."""
    every = examples(ledger, texts)
    answers = [c for c in ("response", "chosen") if c in rows.collect_schema()]
    answer = pl.coalesce(answers) if answers else pl.lit(None, dtype=pl.String)
    no_detail = pl.lit(None, dtype=pl.String).alias("detail")
    sources = {}
    for source in manifest["counts"]:
        kept = rows.filter(pl.col("source") == source)
        own = every.filter(pl.col("source") == source)
        few = kept.select("id", no_detail, prompt=cut(pl.col("prompt")), response=cut(answer)).head(EACH).collect()
        size = manifest["counts"][source]["kept"]
        folds = [(f"kept, {plural(size, 'row')}", few)] if size else []
        folds += [
            (f"{s.verb} {s.label}, {plural(s.first, 'row')} dropped", own.filter(pl.col("step") == s.label))
            for s in lines(manifest, source)
            if s.first
        ]
        sources[source] = [(title, [_marked(row) for row in frame.to_dicts()]) for title, frame in folds]
    return {"sources": sources}


def _marked(row: Data) -> Data:
    """Part the texts of an example by what is evidence in them."""
    spans = (row.get("spans") or "").split("\n\n")
    return row | {name: row[name] and marks(row[name], spans) for name in ("prompt", "response")}


def quarantine(manifest: Data) -> Data:
    """Sum up what could not be read, by source and by reason."""
    bad = {name: count["quarantined"] for name, count in manifest["counts"].items()}
    whole = {name: count["read"] + bad[name] for name, count in manifest["counts"].items()}
    sources = [[name, whole[name], bad[name], percent(bad[name], whole[name])] for name in bad]
    reasons = (manifest.get("quarantine") or [])[:_REASONS]
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
