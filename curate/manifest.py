"""The manifest: everything about a run as data, from the recipe as it ran to the hash of every file."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from curate import ledger as ledgers
from curate.code import versions
from curate.fill import Result
from curate.quarantine import reasons
from curate.state import Run


def table(rows: pl.DataFrame, shares: dict[str, Any]) -> list[dict[str, Any]]:
    """Make the set's Table 1 (LIMA, section 2): a line a source, rows asked and taken, mean lengths in words."""
    answer = pl.col("response" if "response" in rows.columns else "chosen")
    means = rows.group_by("source").agg(
        prompt_words=pl.col("prompt").str.count_matches(r"\S+").mean().round(1),
        response_words=answer.str.count_matches(r"\S+").mean().round(1),
    )
    lengths = {row["source"]: row for row in means.iter_rows(named=True)}
    nothing = {"prompt_words": None, "response_words": None}
    return [
        {"source": name, **asdict(share), **{k: lengths.get(name, nothing)[k] for k in nothing}}
        for name, share in shares.items()
    ]


def manifest_of(result: Result, state: Run, rows: pl.DataFrame, ledger: pl.DataFrame) -> dict[str, Any]:
    """Put together what is known of a run, the hashes of its outputs excepted."""
    recipe = state.recipe
    counts = {
        name: {
            "read": count["read"],
            "kept": rows.filter(pl.col("source") == name).height,
            "dropped": ledger.filter((pl.col("source") == name) & ~pl.col("kept")).height,
            "quarantined": count["bad"],
        }
        for name, count in state.counts.items()
    }
    steps = {source.name: [step.described() for step in source.steps] for source in recipe.sources}
    steps["all"] = [step.described() for step in recipe.steps]
    domains = ledger.group_by("source", "domain").agg(read=pl.len(), kept=pl.col("kept").sum())
    return {
        "name": recipe.name,
        "curate": versions(),
        "python": platform.python_version(),
        "seed": recipe.seed,
        "size": recipe.size,
        "limit": state.limit,
        "recipe_file": Path(recipe.file).name,
        "recipe": recipe.raw,
        "generators": {name: generator.describe() for name, generator in recipe.generators.items()},
        "judges": {name: judge.describe() for name, judge in recipe.judges.items()},
        "texts": recipe.texts,
        "steps": steps,
        "inputs": state.inputs,
        "absent": state.absent,
        "counts": counts,
        "table": table(rows, result.shares),
        "quotas": result.quotas,
        "domains": domains.sort("source", "domain", nulls_last=True).to_dicts(),
        "funnel": _in_order(ledgers.funnel(ledger), steps),
        "quarantine": reasons(quarantined(state).split("\n")[:-1]),
        **({"open": state.open} if state.open else {}),
        **({"reasons": state.reasons} if any(state.reasons.values()) else {}),
        "notes": state.notes,
        "stages": {"built": state.built, "reused": state.reused, "pool": state.pool},
        "seconds": state.seconds,
    }


def _in_order(funnel: pl.DataFrame, steps: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Bring the funnel into the order of the recipe: sources as written, each with its own steps, then those of all."""
    sources = list(steps)
    labels = {name: [step["label"] for step in [*own, *steps["all"]]] + ["sample"] for name, own in steps.items()}

    def place(row: dict[str, Any]) -> tuple[int, int]:
        own = labels[row["source"]]
        return sources.index(row["source"]), own.index(row["step"]) if row["step"] in own else -1

    return sorted(funnel.to_dicts(), key=place)


def quarantined(state: Run) -> str:
    """Gather the records of all stages that could not be read, in one order."""
    # No splitlines: it cuts at marks that stand inside a record.
    lines = [line for file in state.quarantine for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    return "".join(f"{line}\n" for line in sorted(lines))
