"""What a run leaves: set, ledger, quarantine, manifest, card and report, each appearing whole, the manifest last."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from curate import ledger as ledgers
from curate.card import card
from curate.examples import merge
from curate.fill import Result
from curate.formats import to_jsonl
from curate.manifest import manifest_of, quarantined
from curate.ownership import claim, clear, put, written
from curate.passes import standardise
from curate.plan import Read, Recipe
from curate.report import report
from curate.rows import STANDARD, hash01, stack
from curate.shortcuts import shortcuts
from curate.state import Run, RunError
from curate.visible import dump

BY, MANIFEST, PAGES = "run", "manifest.json", ("report.html", "README.md")
Measure: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]  # from the manifest so far to the set's diversity
_FRONT = ["id", "source", *STANDARD]


def names(recipe: Recipe) -> list[str]:
    """Name the files that a run of a recipe writes, the manifest last."""
    training = ["train.jsonl", *(f"train.{format_}.jsonl" for format_ in recipe.formats[1:])]
    prompts = [f"{name}.{kind}" for name in recipe.extra for kind in ("parquet", "jsonl")]
    data = ["train.parquet", "ledger.parquet", *training, *prompts, "quarantine.jsonl", "examples.parquet"]
    return [*data, *PAGES, MANIFEST]


def write(result: Result, state: Run, out: Path, measure: Measure | None = None) -> dict[str, Any]:
    """Write a run's outputs into a folder that is ours, and return the manifest; what stands there is replaced.

    The manifest is removed first and written last, once: a folder without one is unfinished. It has the hashes of the
    data; report and card are drawn from these, and may be drawn again. What an earlier run wrote and this one does not
    is removed. `measure` tells of the diversity of the set, once that stands in the folder.
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
    hashes["quarantine.jsonl"] = _text(out, "quarantine.jsonl", quarantined(state))
    examples = merge([pl.read_parquet(file) for file in state.examples])
    hashes["examples.parquet"] = _parquet(out, "examples.parquet", examples)
    manifest = manifest_of(result, state, rows, ledger)
    missing: dict[str, str] = {}  # what the report lacks, and why
    if {"chosen", "rejected"} <= set(rows.columns) and rows.drop_nulls(["chosen", "rejected"]).height:
        _shortcuts(manifest, rows, recipe.seed, missing)
    if measure and rows.height:
        manifest["diversity"] = measure(manifest)
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
    rows, ledger = pl.read_parquet(out / "train.parquet"), pl.read_parquet(out / "ledger.parquet")
    examples = pl.read_parquet(out / "examples.parquet")
    _text(out, "report.html", report(rows, ledger, manifest, examples))
    return out / "report.html"
