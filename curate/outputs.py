"""What a run leaves: set, ledger, quarantine, manifest, card and report, each appearing whole, the manifest last."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from curate import ledger as ledgers
from curate.card import card
from curate.examples import merge
from curate.fill import Result
from curate.formats import to_jsonl
from curate.manifest import as_json, manifest_of, quarantined
from curate.passes import standardise
from curate.plan import Read, Recipe
from curate.report import report
from curate.rows import STANDARD, hash01, hash_file
from curate.shortcuts import shortcuts
from curate.state import Run, RunError

MANIFEST = "manifest.json"
_FRONT = ["id", "source", *STANDARD]


def write(result: Result, state: Run, out: Path) -> dict[str, Any]:
    """Write a run's outputs into a folder and return the manifest; what stands there is replaced file by file.

    The manifest is removed first and written last: a folder without one is unfinished.
    """
    recipe = state.recipe
    rows = arrange(result.rows, recipe.seed)
    ledger = ledgers.order(result.ledger)
    texts = {format_: _training(rows, format_) for format_ in _formats(recipe, rows)}
    out.mkdir(parents=True, exist_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)
    written = [_parquet(out / "train.parquet", rows), _parquet(out / "ledger.parquet", ledger)]
    for i, format_ in enumerate(texts):
        name = "train.jsonl" if i == 0 else f"train.{format_}.jsonl"
        written.append(_text(out / name, texts[format_]))
    for name, read in recipe.extra.items():
        written += _prompts(out, name, read)
    written.append(_text(out / "quarantine.jsonl", quarantined(state)))
    examples = merge([pl.read_parquet(file) for file in state.examples])
    written.append(_parquet(out / "examples.parquet", examples))
    manifest = manifest_of(result, state, rows, ledger)
    missing: dict[str, str] = {}  # what the report lacks, and why
    if {"chosen", "rejected"} <= set(rows.columns) and rows.drop_nulls(["chosen", "rejected"]).height:
        _shortcuts(manifest, rows, recipe.seed, missing)
    written.append(_text(out / "report.html", report(rows, ledger, manifest, examples, missing)))
    if missing:
        manifest["missing"] = missing
    written.append(_text(out / "README.md", card(rows, manifest)))
    manifest["outputs"] = {file.name: hash_file(file) for file in written}
    _text(out / MANIFEST, _as_text(manifest))
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
    return rows.select(*front, *extra).sort(hash01("id", seed, "order"), "id")


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


def _whole(file: Path, write_to: Callable[[Path], Any]) -> Path:
    for left in file.parent.glob(f".{file.name}.*"):  # by a run that was killed while it wrote
        left.unlink(missing_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write_to(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return file


def _parquet(file: Path, frame: pl.DataFrame) -> Path:
    # One fixed row-group size: the bytes must not depend on how many threads wrote them.
    return _whole(file, lambda to: frame.rechunk().write_parquet(to, compression="zstd", row_group_size=100_000))


def _text(file: Path, text: str) -> Path:
    return _whole(file, lambda to: to.write_text(text, encoding="utf-8", newline="\n"))


def _prompts(out: Path, name: str, read: Read) -> list[Path]:
    """Write dev or test prompts as they are read."""
    batches = [batch.rows for part in read.parts() for batch in part.read(10_000)]
    rows = standardise(pl.concat(batches, how="diagonal_relaxed"), read.name).sort("id")
    rows = rows.select(c for c in rows.columns if rows[c].null_count() < rows.height)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.iter_rows(named=True))
    return [_parquet(out / f"{name}.parquet", rows), _text(out / f"{name}.jsonl", lines)]


def add_diversity(out: Path, diversity: dict[str, Any]) -> dict[str, Any]:
    """Write what was measured of a finished set's diversity into its manifest and report."""
    manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    manifest["diversity"] = diversity
    _text(out / MANIFEST, _as_text(manifest))
    manifest["outputs"]["report.html"] = hash_file(rewrite_report(out))
    _text(out / MANIFEST, _as_text(manifest))
    return manifest


def _as_text(manifest: dict[str, Any]) -> str:
    return as_json(manifest, ensure_ascii=False) + "\n"


def rewrite_report(out: Path) -> Path:
    """Write a finished folder's report again from its set, ledger and manifest."""
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    rows, ledger = pl.read_parquet(out / "train.parquet"), pl.read_parquet(out / "ledger.parquet")
    examples = pl.read_parquet(out / "examples.parquet")
    return _text(out / "report.html", report(rows, ledger, manifest, examples))
