"""The first screen of a set's page: what the set is, whether it is clean, what was lost, what is not as asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from curate.report.steps import SAMPLE, decisions, unseen_turns
from curate.report.words import number, percent, plural
from curate.run.ledger import REPEATED

_NAMED, _LARGEST = 6, 5  # sources of the sentence, and steps that lost most
_CUT = ("cut", "beginning")  # in the names of notes that count texts of which a part was read
Data = dict[str, Any]

# What a step may look for, by the filters that do. Repeats of a whole record are always looked for.
_LOOKS = {
    "Duplicates": {"exact_duplicates", "near_duplicates", "semantic_duplicates", REPEATED},
    "Contamination": {"contaminated", "semantically_contaminated"},
    "Refusals": {"refuses"},
    "Profanity, toxicity": {"profane", "toxic"},
    "Personal data": {"personal_data"},
    "Broken characters": {"unicode_broken"},
}


class Check(NamedTuple):
    """What was looked for, what was found, and how that is marked: `bad` is for the reader to mend, `open` unknown."""

    name: str
    found: str
    mark: str | None = None


def headline(rows: pl.LazyFrame, manifest: Data, near: pl.DataFrame) -> Data:
    """Give the set's name, in a sentence what it is made of, its figures, checks, losses, and what is not as asked."""
    table = manifest["table"]
    sources = sum(1 for row in table if row["taken"])
    domains = sum(d.get("more_kept", d["kept"] > 0) for d in manifest["domains"])
    words = {"a prompt": mean(table, "prompt_words"), "an answer": mean(table, "response_words")}
    facts = {
        "rows": number(taken(manifest)),
        **({"held out": number(manifest["dev"]["rows"])} if "dev" in manifest else {}),
        "source" if sources == 1 else "sources": number(sources),
        "domain" if domains == 1 else "domains": number(domains),
        **{f"words {of}, on average": number(count, 0) for of, count in words.items() if count is not None},
    }
    checks = [check for check in _checks(manifest) if check.found]
    looked = {check.name for check in checks}
    return {
        **{"name": manifest["name"], "sentence": _sentence(rows, manifest), "facts": facts, "checks": checks},
        "unchecked": [name.lower() for name in _LOOKS if name not in looked],
        "lost": _lost(manifest, near),
        "notices": list(_notices(manifest)),
    }


def present(manifest: Data) -> list[str]:
    """List the sources of which a row was read."""
    return [name for name, count in manifest["counts"].items() if count["read"]]


def taken(manifest: Data) -> int:
    """Count the rows of the set."""
    return sum(row["taken"] for row in manifest["table"])


def mean(table: list[Data], name: str) -> float | None:
    """Give the mean over all rows of what Table 1 has by source."""
    rows = [(r[name], r["taken"]) for r in table if r[name] is not None]
    return sum(mean * n for mean, n in rows) / sum(n for _, n in rows) if rows else None


def _sentence(rows: pl.LazyFrame, manifest: Data) -> str:
    parts = sorted((row for row in manifest["table"] if row["taken"]), key=lambda row: -row["taken"])
    if not parts:
        return "The set is empty."
    size = taken(manifest)
    paired = "chosen" in rows.collect_schema() and rows.select(pl.col("chosen").count()).collect().item() == size
    one, many = "prompt with its answer", "prompts with their answers"
    if paired:
        one, many = "pair of answers", "pairs of answers"
    names = [f"{row['taken']:,} from {row['source']}" for row in parts[:_NAMED]]
    if rest := sum(row["taken"] for row in parts[_NAMED:]):
        names.append(f"{rest:,} from {plural(len(parts) - _NAMED, 'more source')}")
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{plural(size, one, many)}: {listed}."


def _checks(manifest: Data) -> Iterator[Check]:
    counts = manifest["counts"]
    bad = {name: count["quarantined"] for name, count in counts.items() if count["quarantined"]}
    each = ", ".join(f"{n:,} of {name}" for name, n in bad.items())
    whole = sum(count["read"] + count["quarantined"] for count in counts.values())
    records = f"{plural(sum(bad.values()), 'record')} could not be read: {each}" if bad else f"all {whole:,} were read"
    yield Check("Records", records, "bad" if bad else None)
    for name, filters in _LOOKS.items():
        found, everywhere = _looked_for(manifest, filters)
        yield Check(name, found, None if everywhere else "open")
    unjudged = [f"{what} ({plural(n, 'row')})" for what, n in manifest.get("unjudged", {}).items()]
    what = f"a step cannot judge what it was given: {'; '.join(unjudged)}" if unjudged else ""
    yield Check("No verdict", what, "bad")
    yield Check("Not looked at", " ".join(unseen_turns(manifest)).removesuffix("."), "open")
    cut = [
        f"{label}: {number(value)} {name}"
        for label, notes in manifest.get("notes", {}).items()
        for name, value in notes.items()
        if value and any(word in name for word in _CUT)
    ]
    yield Check("Cut", ", ".join(cut), "open")
    waiting = [f"{plural(n, 'row')} of step {label}" for label, n in manifest.get("open", {}).items()]
    yield Check("No answer yet", ", ".join(waiting), "bad")


def _looked_for(manifest: Data, filters: set[str]) -> tuple[str, bool]:
    """Say how much the steps removed that look for something, nothing where none does; tell if all sources have one."""
    steps, repeats = manifest["steps"], {REPEATED} & filters
    labels = {name: _labels([*steps.get(name, []), *steps["all"]], filters) for name in present(manifest)}
    found = sum(f["fails"] for f in manifest["funnel"] if f["step"] in labels.get(f["source"], set()) | repeats)
    lacking = [name for name, own in labels.items() if not own]
    if len(lacking) == len(labels):
        repeated = f"{plural(found, 'row')} removed that repeat a whole record; no step looks further"
        return repeated if found else "", False
    removed = f"{plural(found, 'row')} removed" if found else "none found"
    return f"{removed}; not looked for in {', '.join(lacking)}" if lacking else removed, not lacking


def _labels(steps: list[Data], filters: set[str]) -> set[str]:
    return {step["label"] for step in steps if step["verb"] in {"drop", "select"} and step["filter"] in filters}


def _lost(manifest: Data, near: pl.DataFrame) -> Data:
    """Give the steps that removed most, each with the place of its source's funnel where it removed most."""
    read, kept = (sum(count[name] for count in manifest["counts"].values()) for name in ("read", "kept"))
    sums: Counter[str] = Counter()
    for row in manifest["funnel"]:
        sums[row["step"]] += row["first"]
    places = {name: i for i, name in enumerate(present(manifest))}
    lines = []
    for label, count in sums.most_common(_LARGEST):
        most = max((f for f in manifest["funnel"] if f["step"] == label), key=lambda f: f["first"])
        name = "passed, not drawn" if label == SAMPLE else label
        if count:
            lines.append({"name": name, "rows": count, "share": count / read, "at": places.get(most["source"])})
    rest = len([n for n in sums.values() if n]) - len(lines)
    says = f"{read - kept:,} of {plural(read, 'row')} that {'was' if read == 1 else 'were'} read"
    close = near.unique(["source", "step"])["close"].sum() if near.height else 0
    return {"says": f"{says}: {percent(read - kept, read)}.", "steps": lines, "rest": rest, "close": close}


def _notices(manifest: Data) -> Iterator[tuple[str, str]]:
    absent, size, limit = manifest["absent"], manifest.get("size"), manifest.get("limit")
    table = [row for row in manifest["table"] if row["source"] not in absent]
    if absent:
        yield "Not there:", "; ".join(f"{name}: {reason}" for name, reason in absent.items())
    if short := manifest.get("short"):
        yield "Not what was asked:", f"{short['says']}."
    if size is not None and taken(manifest) != size:
        yield "Size:", f"{plural(taken(manifest), 'row')} where the recipe asks for {size:,}."
    if less := [f"{r['source']} gave {r['taken']:,} of {r['asked']:,}" for r in table if r["taken"] < r["asked"]]:
        more = [f"{r['source']} (+{r['taken'] - r['asked']:,})" for r in table if r["taken"] > r["asked"]]
        end = f"what was missing came from {', '.join(more)}." if more else "the set is smaller for it."
        yield "Short:", f"{', '.join(less)}; {end}"
    if by_hand := decisions(manifest):
        yield "Decided:", ", ".join(by_hand)
    if limit is not None:
        yield "A trial:", f"at most {plural(limit, 'row')} of each part of a source were read."
