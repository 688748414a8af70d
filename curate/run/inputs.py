"""The rows behind a ledger, those that fell too: their texts are read again from the inputs, and known by their ids.

A ledger has no texts and no places: an id is the hash of a row's content, so a row that is found under it is that very
row, wherever it stands now, and one that is not found is in the inputs no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import UserError, did_you_mean
from curate.own import unrun
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.plan import Recipe, Source
from curate.report.steps import near_misses
from curate.rows import beside, standardise
from curate.run import ledger as ledgers
from curate.run.folder import COLUMNS, OutputError, as_written, open_out
from curate.run.prediction import asks_models
from curate.run.state import MANIFEST
from curate.run.turns import edit

_ROWS = 10_000  # that are read at a time
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_TEXTS = ("system", "prompt", "response", "chosen", "rejected")


class Rows(NamedTuple):
    """Rows to be read, and in sentences why texts are missing or not as a step saw them."""

    rows: list[dict[str, Any]]
    notes: list[str]


def look(
    out: Path,
    n: int,
    *,
    dropped: str | None = None,
    near: int | None = None,
    search: str | None = None,
    row: str | None = None,
) -> Rows:
    """Read rows of a finished folder with their texts, whether they are in its set or not.

    Args:
        out: the folder; its inputs must still be where its recipe says.
        n: at most so many rows, those with the lowest ids: these are hashes, so they are as good as drawn.
        dropped: of the rows that this step dropped, by its label.
        near: the rows that failed one step alone, and that by the least; so many of them in place of `n`.
        search: rows whose texts, as they stand in the inputs, hold all of these words.
        row: the one with this id, or the beginning of it.

    A row has what the ledger says of it (`kept`, `dropped_by`, `detail`, `spans`: the texts that a verdict rests on),
    its texts as the step that dropped it saw them (none where they are not found), and as `twin` the row that it was
    dropped in favour of.

    Raise OutputError for a folder that is none, and for a step or row that is not there.
    """
    manifest, ledger = open_out(out)
    with as_written(out):
        if dropped is not None:
            labels = [*ledgers.verdicts(ledger), ledgers.REPEATED]
            if dropped not in labels:
                raise OutputError(f"{out}: no step is called '{dropped}'; {did_you_mean(dropped, labels)}")
            ledger = ledger.filter(pl.col("dropped_by") == dropped)
        inputs = _Inputs(manifest, _recipe(out, manifest), [])
        with beside(inputs.recipe.folder):
            wanted = _wanted(inputs, ledger, n, near=near, search=search, row=row)
            lines = wanted.join(_lines(ledger, wanted), on=["source", "id"], maintain_order="left")
            twins = _lines(open_out(out)[1], pl.DataFrame({"id": _twins(lines)}, schema={"id": pl.String}))
            found = inputs.texts(pl.concat([lines, twins], how="diagonal_relaxed"))
            others = {line["id"]: {**line, **found.get((line["source"], line["id"]), {})} for line in _said(twins)}
            rows = []
            for line in _said(lines):
                twin = next((others[i] for i in line["twins"] if i in others), None)
                rows.append({**line, **found.get((line["source"], line["id"]), {}), "twin": twin})
    return Rows(rows, inputs.notes)


def texts(out: Path, lines: pl.DataFrame) -> Rows:
    """Read the texts of rows of a finished folder's ledger, as the step that dropped each of them saw them.

    Args:
        out: the folder; its inputs must still be where its recipe says.
        lines: `id`, `source` and `dropped_by` of the rows.

    Rows whose texts are not found are not among those returned.
    """
    manifest, _ = open_out(out)
    with as_written(out):
        inputs = _Inputs(manifest, _recipe(out, manifest), [])
        with beside(inputs.recipe.folder):
            rows = [{"source": source, **row} for (source, _), row in inputs.texts(lines).items()]
    return Rows(rows, inputs.notes)


def _recipe(out: Path, manifest: dict[str, Any]) -> Recipe:
    places, folder = Places(str(out / MANIFEST)), Path(manifest["recipe_file"]).parent
    return parse(manifest["recipe"], places, dict(manifest["texts"]), folder=folder, trusted=False)


def _wanted(
    inputs: _Inputs, ledger: pl.LazyFrame, n: int, *, near: int | None, search: str | None, row: str | None
) -> pl.DataFrame:
    """Choose rows by source and id, and of near misses how near they are."""
    key = ["source", "id"]
    if row is not None:
        try:
            return pl.DataFrame([{name: ledgers.find(ledger, row)[name] for name in key}])
        except LookupError as error:
            raise OutputError(f"{error}") from None
    if search is not None:
        return inputs.search(search.lower().split(), ledger, n)
    if near is not None:
        misses = near_misses(ledger, inputs.manifest, near)
        if not misses.height:
            return pl.DataFrame(schema=dict.fromkeys(key, pl.String))
        off = pl.col("distance") / pl.col("threshold").abs().replace(0.0, 1.0)
        return misses.sort(off, "id").head(near).select(*key, "measured", "bound", "threshold")
    return ledger.select(key).unique().bottom_k(n, by="id").sort("id", "source").collect()


def _lines(ledger: pl.LazyFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Take what the ledger says of rows; one that stands there twice has one line, that of the row kept if one is."""
    names = ["id", "source", "domain", "kept", "dropped_by", "detail"]
    lines = ledger.filter(pl.col("id").is_in(rows["id"].implode())).select(names).collect()
    return lines.sort("kept", "dropped_by", descending=[True, False]).unique(["source", "id"], keep="first")


def _twins(lines: pl.DataFrame) -> list[str]:
    return sorted({twin for line in _said(lines) for twin in line["twins"]})


def _said(lines: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Put what the ledger says of rows as data; `twins` are the rows that the step which dropped one names."""
    texts = lines.select(ledgers.evidence_text()).to_series()
    for line, text in zip(lines.iter_rows(named=True), texts, strict=True):
        evidence = line["detail"] or []
        reasons = [piece["reason"] or "" for piece in evidence if piece["step"] == line["dropped_by"]]
        spans = [piece["span"] for piece in evidence if piece["span"]]
        twins = [twin for reason in reasons for twin in _ID.findall(reason)]
        yield {**line, "detail": text, "spans": spans, "twins": twins}


class _Inputs(NamedTuple):
    """A run's inputs; what cannot be read of them is noted."""

    manifest: dict[str, Any]
    recipe: Recipe
    notes: list[str]

    def batches(self, source: Source) -> Iterator[pl.DataFrame]:
        """Read a source again, without its steps."""
        name = source.name
        if source.read.function is unrun or asks_models(source.read.objects):
            self.notes.append(f"{name}: its reader asks a model, or is code of the recipe's own, so it is not run")
            return
        try:
            for part in source.read.parts():
                for batch in source.read.batches(part, _ROWS):
                    if batch.rows.height:
                        yield standardise(batch.rows, name)
        except UserError as error:
            self.notes.append(f"{name}: its texts cannot be read again: {error}")

    def search(self, words: list[str], ledger: pl.LazyFrame, n: int) -> pl.DataFrame:
        """Find the rows of a ledger whose texts hold all of these words."""
        key = ["source", "id"]
        among = ledger.select(key).unique().collect()
        result = among.clear()
        for source in self.recipe.sources:
            if source.name not in set(among["source"]):
                continue
            for rows in self.batches(source):
                text = pl.concat_str(
                    [name for name in _TEXTS if name in rows.columns], separator="\n", ignore_nulls=True
                )
                holds = [text.str.to_lowercase().str.contains(word, literal=True) for word in words]
                hits = rows.filter(holds).select(key).join(among, on=key, how="semi")
                result = pl.concat([result, hits]).unique().bottom_k(n, by="id")
        return result.sort("id", "source")

    def texts(self, lines: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
        """Find the texts of rows, as the step that dropped each of them saw them."""
        result: dict[tuple[str, str], dict[str, Any]] = {}
        for source in self.recipe.sources:
            own = dict(lines.filter(pl.col("source") == source.name).select("id", "dropped_by").iter_rows())
            left, noted = set(own), len(self.notes)
            for rows in self.batches(source) if left else ():
                hits = rows.filter(pl.col("id").is_in(list(left))).unique("id")
                for label in {own[id_] for id_ in hits["id"]}:
                    some = hits.filter(pl.col("id").is_in([id_ for id_ in left if own[id_] == label]))
                    edited = self._edited(some, source, label)
                    texts = edited.select("id", *(name for name in (*COLUMNS, "title") if name in edited.columns))
                    result |= {(source.name, row["id"]): row for row in texts.iter_rows(named=True)}
                left -= set(hits["id"])
                if not left:
                    break
            if left and len(self.notes) == noted:
                count = f"{len(left):,} of {len(own):,} rows"
                self.notes.append(f"{source.name}: its input has changed since the run: {count} are not there any more")
        return result

    def _edited(self, rows: pl.DataFrame, source: Source, label: str | None) -> pl.DataFrame:
        """Apply the edits that came before a step."""
        for step in (*source.steps, *self.recipe.steps):
            if step.label == label:
                break
            if step.function is unrun or step.verb in {"answer", "pair"}:
                note = f"{source.name}: texts are as before step '{step.label}', which is not done again"
                self.notes.extend([] if note in self.notes else [note])
                break
            if step.verb == "edit":
                rows = edit(rows, step)
        return rows
