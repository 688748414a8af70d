"""Several sets as one: of each a share of its rows by its weight, spread evenly, whatever their order in the config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from curate import cache
from curate.rows import hash01
from curate.train import data
from curate.train.config import Set
from curate.train.data import Data, Row
from curate.train.findings import TrainError

_AGAIN = " \u00d7"  # before the number of a row's copy: its id would otherwise stand for two rows


def load(sets: str | Sequence[Set], form: str, rows: int | None = None, seed: int = 0) -> Data:
    """Read a set, or several as one; take the first `rows` rows.

    A set's weight is how often its rows are taken: 0.5 takes half of them, 2 all twice, 2.5 all twice and half of them
    a third time. The hash of a row's id, by the seed, decides which; the number is exact. Rows are ordered so that the
    first N hold the same shares as the whole, and the first 64 are part of the first 128. Raise TrainError in words.
    """
    if isinstance(sets, str):
        return data.load(sets, form, rows)
    parts = [(one, data.load(one.path, form)) for one in sets]
    shas = [part.sha256 for _, part in parts]
    if len(set(shas)) < len(shas):
        raise TrainError("data: two of its sets hold the same: name it once, with a weight")
    columns = {tuple(part.rows[0].record): one.path for one, part in parts}
    if len(columns) > 1:
        examples = "; ".join(f"{path} has {', '.join(names)}" for names, path in columns.items())
        raise TrainError(f"data: the sets are of more than one form: {examples}")
    mixed = [row for _, row in sorted(pair for one, part in parts for pair in _placed(one, part, seed))]
    if rows and rows > len(mixed):
        raise TrainError(f"rows: {rows:,} are asked for, and the sets give {len(mixed):,} by their weights")
    return replace(
        parts[0][1],
        file=Path(" + ".join(str(part.file) for _, part in parts)),
        sha256=cache.key_of(sorted([part.sha256, one.weight] for one, part in parts)),
        in_file=sum(part.in_file for _, part in parts),
        rows=mixed[:rows],
        no_turns=[row for _, part in parts for row in part.no_turns],
        sets=[_facts(one, part) for one, part in parts],
    )


def once(held_out: Data) -> Data:
    """Leave out the copies of rows: what measures a model counts each row once."""
    first = [row for row in held_out.rows if not row.id.rpartition(_AGAIN)[2].isdigit()] if held_out.sets else []
    return replace(held_out, rows=first) if held_out.sets else held_out


def facts(rows: Data) -> list[dict[str, Any]]:
    """Count the rows of each set for the record; nothing where there is one set."""
    return [{**one, "rows_in": sum(row.id.startswith(f"{one['path']}:") for row in rows.rows)} for one in rows.sets]


def _facts(one: Set, part: Data) -> dict[str, Any]:
    about = {"path": one.path, "file": str(part.file), "sha256": part.sha256}
    return {**about, "weight": one.weight, "rows_in_file": part.in_file}


def _placed(one: Set, part: Data, seed: int) -> list[tuple[tuple[Fraction, float, str], Row]]:
    """Take a set's rows by its weight, each with its place between 0 and 1 in the mixture."""
    ids = pl.DataFrame({"id": [row.id for row in part.rows]})
    hashes = ids.select(hash01("id", seed=seed, use="mixture")).to_series()
    order = sorted(zip(hashes, part.rows, strict=True), key=lambda pair: (pair[0], pair[1].id))
    count = round(Fraction(str(one.weight)) * len(order))
    if not count:
        raise TrainError(f"data: a weight of {one.weight:g} takes none of the {len(order):,} rows of {one.path}")
    placed = []
    for i in range(count):
        copy, at = divmod(i, len(order))
        number, row = order[at]
        again = f"{_AGAIN}{copy + 1}" if copy else ""
        name, where = f"{one.path}:{row.id}{again}", f"{one.path}, {row.where}"
        placed.append(((Fraction(2 * i + 1, 2 * count), number, part.sha256), row._replace(id=name, where=where)))
    return placed
