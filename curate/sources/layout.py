"""Layout: how the columns of one file become rows, settled on its first records, the same for all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import cut
from curate.rows import STANDARD, SourceError, free
from curate.sources.columns import FIXED, Record, Types, describe, frame, infer, unicode
from curate.sources.dialogue import Notes
from curate.sources.guess import guess
from curate.sources.shapes import TOUCHED, Shape, detect, normalise, renames

# So many records of a file settle its layout (or fewer, when they alone fill a batch).
HEAD = 1000
# The runner gives every row its own `id` and `source`; those of the file are kept beside them.
_RESERVED = {"id": "file_id", "source": "file_source"}


@dataclass(frozen=True)
class Options:
    """What the recipe says about a file: columns (name here -> name there), shape, what its rows lack.

    Raises:
        ValueError: when two columns are to come from one.
    """

    columns: dict[str, str]
    shape: Shape | None = None
    domain: str | None = None
    license: str | None = None

    def __post_init__(self) -> None:
        if twice := [name for name, times in Counter(self.columns.values()).items() if times > 1]:
            raise ValueError(f"columns: {twice[0]!r} is named twice; one column of the file makes one column here")

    @property
    def constants(self) -> dict[str, str]:
        """Give what fills the rows that have none."""
        return {n: v for n, v in (("domain", self.domain), ("license", self.license)) if v is not None}


@dataclass(frozen=True)
class Layout:
    """The settled way from the records of one file to rows."""

    names: dict[str, str]  # name there -> name here, where they differ
    shape: Shape
    types: Types
    misfits: str | None
    constants: dict[str, str]
    text: bool = False  # every value is text, as in CSV: a score has to be read
    paths: dict[str, str] = field(default_factory=dict)  # path there -> name here, of what stands inside a column
    utf8: bool = True  # so are most of the first records that are more than ASCII
    notes: Notes = field(default_factory=Counter, compare=False)  # what was left out so far

    def rows(self, records: list[Record]) -> tuple[pl.DataFrame, dict[int, str]]:
        """Put records into a frame; also give the bad ones, by position, with the reason of each."""
        wrong: dict[int, str] = {}
        good, places = records, list(range(len(records)))
        if self.names or self.text or self.paths or self.shape != "plain":
            good, places = [], []
            for i, record in enumerate(records):
                try:
                    good.append(self.row(record))
                    places.append(i)
                except ValueError as error:
                    wrong[i] = str(error)
        rows, unfit = frame(good, self.types, self.misfits)
        wrong |= {places[i]: reason for i, reason in unfit.items()}
        filled = [pl.col(name).fill_null(value) for name, value in self.constants.items()]
        return rows.with_columns(filled), wrong

    def row(self, record: Record) -> Record:
        """Rename the columns of one record and bring it from its shape.

        Raises:
            ValueError: says what is wrong with it.
        """
        named = {self.names.get(key, key): value for key, value in record.items()}
        if len(named) < len(record):
            twice = next(name for key, name in self.names.items() if key in record and name in record)
            raise ValueError(f"{twice}: there is a column of this name, and another one is mapped to it")
        named |= {name: inside(record, path) for path, name in self.paths.items()}
        if self.text and isinstance(score := named.get("score"), str):
            named["score"] = _number(score)
        return named if self.shape == "plain" else normalise(named, self.shape, self.notes)


def settle(file: Path, head: list[Record], options: Options, *, whole: bool, text: bool = False) -> Layout:
    """Settle the layout of a file on its first records.

    `whole` says that there are no others; `text` that every column is text (CSV).

    Raises:
        SourceError: when a column that was named is not there, or none holds a prompt; lists those that are.
    """
    keys = dict.fromkeys(key for record in head for key in record)
    paths = nested(keys, head, options)
    names = renamed(file, keys, options, paths)
    moved = [{name: inside(record, path) for path, name in paths.items()} for record in head]
    named = [{names.get(k, k): v for k, v in r.items()} | more for r, more in zip(head, moved, strict=True)]
    shape = options.shape or detect(named)
    if shape in ("plain", "rows"):
        more = renames({*(names.get(key, key) for key in keys), *paths.values()})
        names |= {key: more[name] for key in keys if (name := names.get(key, key)) in more}
    constants = options.constants
    whole = whole and all(map(unicode, keys))  # a name that is not Unicode is no column: its record is bad
    layout = Layout(names, shape, {}, None, constants, text, paths)
    rows, reason = _readable(layout, head)
    if not rows and not whole:
        raise SourceError(f"none of the first records of {file} can be read; the first: {reason}")
    types = infer(rows) | {name: FIXED[name] for name in TOUCHED[shape] if name in FIXED and not whole}
    if rows and "prompt" not in types and "response" not in options.columns:
        raise no_prompt(file, head)
    types = {name: dtype or (pl.String() if text else None) for name, dtype in types.items()}
    types |= {name: STANDARD[name] for name in constants}
    types = {name: types[name] for name in sorted(types, key=_rank)}
    misfits = None if whole or text else free("misfits", types)
    return replace(layout, types=types, misfits=misfits, notes=Counter())


def _rank(name: str) -> int:
    """Put the standard columns first; a stable sort leaves the others as they are."""
    return list(FIXED).index(name) if name in FIXED else len(FIXED)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"score: expected a number, got {describe(text)}") from None


def inside(record: Record, path: str) -> Any:
    """Take what stands inside a column, at names and numbers (from 0) joined by dots; nothing if it is not there.

    >>> inside({"info": {"turns": [{"text": "a"}]}}, "info.turns.0.text")
    'a'
    """
    value: Any = record
    for piece in path.split("."):
        if isinstance(value, list):
            value = value[int(piece)] if piece.isascii() and piece.isdigit() and int(piece) < len(value) else None
        else:
            value = value.get(piece) if isinstance(value, dict) else None
    return value


def nested(keys: Iterable[str], head: list[Record], options: Options) -> dict[str, str]:
    """Say which of the columns that are named stand inside another one: path there -> name here."""
    keys = set(keys)
    paths = {theirs: ours for ours, theirs in options.columns.items() if "." in theirs and theirs not in keys}
    return {path: name for path, name in paths.items() if any(inside(record, path) is not None for record in head)}


def renamed(file: Path, keys: Iterable[str], options: Options, paths: Iterable[str] = ()) -> dict[str, str]:
    """Turn `columns` round (there -> here), each name checked against the file, but for `paths` inside a column.

    Raises:
        SourceError: when a column is not there, or its new name is taken.
    """
    keys, paths = list(keys), set(paths)
    whole = {theirs: ours for ours, theirs in options.columns.items()}
    names = {theirs: ours for theirs, ours in whole.items() if theirs not in paths}
    for theirs, ours in whole.items():
        if keys and theirs not in keys and theirs not in paths:
            raise SourceError(f"{file} has no column {theirs!r}{_meant(theirs, keys)} has: {some(keys)}")
        if ours in keys and ours not in names:
            raise SourceError(
                f"{file} has a column {ours!r} of its own beside {theirs!r}: "
                f"say where it goes, as in columns: {{{ours}: {theirs}, file_{ours}: {ours}}}"
            )
    return {key: free(name, keys) for key, name in _RESERVED.items() if key in keys} | names


def _readable(layout: Layout, head: list[Record]) -> tuple[list[Record], str]:
    """Give the records that fit their shape, and why the first one that does not is wrong."""
    rows, reason = [], "it is not JSON"
    for record in reversed(head):
        try:
            rows.append(layout.row(record))
        except ValueError as error:  # reported where the record is read
            reason = str(error)
    return rows[::-1], reason


def _meant(name: str, keys: list[str]) -> str:
    close = get_close_matches(name, keys, n=1)
    return f". Did you mean {close[0]!r}? It" if close else "; it"


def some(keys: Iterable[str], most: int = 40) -> str:
    """List the first names of columns, each as far as a message holds it."""
    keys = list(keys)
    more = f" and {len(keys) - most:,} more" if len(keys) > most else ""
    return ", ".join(map(cut, keys[:most])) + more


class NoPrompt(SourceError):
    """No column holds a prompt; `columns` says which are likely to."""

    columns: dict[str, str]


def no_prompt(file: Path, records: Iterable[Record]) -> NoPrompt:
    """Say that no column holds a prompt, which ones there are, and how to map the likeliest."""
    records = list(records)
    keys = dict.fromkeys(key for record in records for key in record)
    columns = guess(records)
    listed = ", ".join(f"{name}: {cut(path)}" for name, path in columns.items())
    way = f". Map it: columns: {{{listed}}}" if listed else "; none of them holds text"
    what = f"it has: {some(keys)}{way}" if keys else "its records are empty"
    error = NoPrompt(f"{file} has no column 'prompt'; {what}")
    error.columns = columns  # beside its only argument, so that it can be sent from another process
    return error
