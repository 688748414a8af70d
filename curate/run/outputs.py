"""What a run leaves: set, ledger, quarantine, manifest, card and report, each appearing whole, the manifest last."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import versions
from curate.errors import UserError, dump
from curate.folders import claim, clear, put, written
from curate.pairs.shortcuts import shortcuts
from curate.recipe.plan import Read, Recipe
from curate.report import report
from curate.report.card import card
from curate.report.diversity.folder import of_folder
from curate.report.formats import to_jsonl
from curate.rows import STANDARD, hash01, stack, standardise
from curate.run import ledger as ledgers
from curate.run.budget import Result
from curate.run.examples import merge
from curate.run.quarantine import reasons, together
from curate.run.state import Run, RunError


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
        "quarantine": reasons(together(state.quarantine).split("\n")[:-1]),
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


BY, MANIFEST, PAGES = "run", "manifest.json", ("report.html", "README.md")
_FRONT = ["id", "source", *STANDARD]


def names(recipe: Recipe) -> list[str]:
    """Name the files that a run of a recipe writes, the manifest last."""
    training = ["train.jsonl", *(f"train.{format_}.jsonl" for format_ in recipe.formats[1:])]
    prompts = [f"{name}.{kind}" for name in recipe.extra for kind in ("parquet", "jsonl")]
    data = ["train.parquet", "ledger.parquet", *training, *prompts, "quarantine.jsonl", "examples.parquet"]
    return [*data, *PAGES, MANIFEST]


def write(result: Result, state: Run, out: Path) -> dict[str, Any]:
    """Write a run's outputs into a folder that is ours, and return the manifest; what stands there is replaced.

    The manifest is removed first and written last, once: a folder without one is unfinished. It has the hashes of the
    data; report and card are drawn from these, and may be drawn again. What an earlier run wrote and this one does not
    is removed.
    """
    recipe = state.recipe
    rows = arrange(result.rows, recipe.seed)
    ledger = ledgers.order(result.ledger)
    texts = {format_: _training(rows, format_) for format_ in _formats(recipe, rows)}
    claim(out, BY)
    clear(out, BY, [MANIFEST])
    hashes = {"train.parquet": _parquet(out, "train.parquet", rows)}
    hashes["ledger.parquet"] = _parquet(out, "ledger.parquet", ledger)
    for i, format_ in enumerate(texts):
        name = "train.jsonl" if i == 0 else f"train.{format_}.jsonl"
        hashes[name] = _text(out, name, texts[format_])
    for name, read in recipe.extra.items():
        hashes |= _prompts(out, name, read)
    hashes["quarantine.jsonl"] = _text(out, "quarantine.jsonl", together(state.quarantine))
    examples = merge([pl.read_parquet(file) for file in state.examples])
    hashes["examples.parquet"] = _parquet(out, "examples.parquet", examples)
    manifest = manifest_of(result, state, rows, ledger)
    missing: dict[str, str] = {}  # what the report lacks, and why
    if {"chosen", "rejected"} <= set(rows.columns) and rows.drop_nulls(["chosen", "rejected"]).height:
        _shortcuts(manifest, rows, recipe.seed, missing)
    if rows.height and (diversity := _diversity(state, out, manifest)):
        manifest["diversity"] = diversity
    page = _text(out, "report.html", report(rows, ledger, manifest, examples, missing))
    if missing:
        manifest["missing"] = missing
    readme = _text(out, "README.md", card(rows, manifest))
    manifest["outputs"], manifest["pages"] = hashes, {"report.html": page, "README.md": readme}
    clear(out, BY, written(out, BY) - {*hashes, *PAGES, MANIFEST})
    _text(out, MANIFEST, dump(manifest) + "\n")
    return manifest


def _shortcuts(manifest: dict[str, Any], rows: pl.DataFrame, seed: int, missing: dict[str, str]) -> None:
    try:
        manifest["shortcuts"] = shortcuts(rows, seed=seed)
    except Exception as error:  # the set is worth more than what is said of it
        missing["Shortcuts"] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def arrange(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Bring a set into its one order: standard columns first, rows shuffled by the hash of (seed, id)."""
    # A set has answers or pairs; and `misfits` (values of ragged files that fit no column) only where there are any.
    unused = [c for c in ("response", "chosen", "rejected", "misfits") if c in rows.columns and rows[c].is_null().all()]
    rows = rows.drop([c for c in unused if rows.height or c != "response"])
    extra = sorted(set(rows.columns) - set(_FRONT))
    front = [c for c in _FRONT if c in rows.columns]
    return rows[[*front, *extra]].sort(hash01("id", seed, "order"), "id")


def _formats(recipe: Recipe, rows: pl.DataFrame) -> tuple[str, ...]:
    """Choose the formats: what the recipe says, except that a set of pairs is a preference set."""
    pairs = "chosen" in rows.columns
    return ("preference",) if pairs and recipe.formats == ("prompt_completion",) else recipe.formats


def _training(rows: pl.DataFrame, format_: str) -> str:
    try:
        return to_jsonl(rows, format_)
    except ValueError as error:
        hint = "fill it with an edit, or drop such rows, as in `keep: {length: {column: prompt, min: 1}}`"
        raise RunError(f"the set cannot be written: {error}: {hint}") from None


def _parquet(out: Path, name: str, frame: pl.DataFrame) -> str:
    # One fixed row-group size: the bytes must not depend on how many threads wrote them.
    whole = frame.rechunk()
    return put(out, BY, name, lambda to: whole.write_parquet(to, compression="zstd", row_group_size=100_000))


def _text(out: Path, name: str, text: str) -> str:
    return put(out, BY, name, lambda to: to.write_text(text, encoding="utf-8", newline="\n"))


def _prompts(out: Path, name: str, read: Read) -> dict[str, str]:
    """Write dev or test prompts as they are read, and return the hashes of the files."""
    batches = [batch.rows for part in read.parts() for batch in read.batches(part, 10_000)]
    rows = standardise(stack(batches), read.name).sort("id")
    rows = rows[[column.name for column in rows.get_columns() if column.null_count() < rows.height]]
    lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows.iter_rows(named=True))
    data, text = f"{name}.parquet", f"{name}.jsonl"
    return {data: _parquet(out, data, rows), text: _text(out, text, lines)}


def rewrite_report(out: Path) -> Path:
    """Write a finished folder's report again from its set, ledger and manifest."""
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    rows, ledger = pl.read_parquet(out / "train.parquet"), ledgers.read(out / "ledger.parquet")
    examples = pl.read_parquet(out / "examples.parquet")
    _text(out, "report.html", report(rows, ledger, manifest, examples))
    return out / "report.html"


def _diversity(state: Run, out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Measure how diverse the set in the folder is, by what the recipe's own steps embed; {} where they do not."""
    params = _with_vectors(state.recipe)
    if params is None:
        return {}
    how = {"column": params["column"], "model": params["model"], "seed": state.recipe.seed}
    try:
        result = of_folder(out, **how, manifest=manifest, tell=state.progress)
    except UserError as error:  # the set is whole all the same
        manifest["unmeasured"] = str(error)
        return {}
    return {name: result[name] for name in ("column", "model", "metrics", "map")}


def _with_vectors(recipe: Recipe) -> dict[str, Any] | None:
    """Find the parameters of the first selector or filter that embeds a text, if there is one."""
    samples = [source.sample.params for source in recipe.sources if source.sample]
    steps = [step.params for source in recipe.sources for step in source.steps] + [s.params for s in recipe.steps]
    return next((p for p in [*samples, *steps] if "model" in p and isinstance(p.get("column"), str)), None)
