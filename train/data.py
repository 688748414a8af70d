"""Rows in: from an output folder or a file, in the form a stage takes; broken ones are named before a model loads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.rows import hash01, hash_file
from curate.train import forms
from curate.train.findings import Finding, TrainError, listing, stop
from curate.train.forms import Record
from curate.turns import check


class Row(NamedTuple):
    """One record to train on: its id, where it stands ("line 7"), and the columns that trl reads."""

    id: str
    where: str
    record: Record

    @property
    def name(self) -> str:
        """Name the row for a person."""
        return self.id if self.id == self.where else f"{self.id} ({self.where})"


@dataclass(frozen=True)
class Data:
    """The rows of one file to train on, how many there are in all, its hash, and the rows with no turn to train on.

    `sets` describes the sets of a mixture (`curate.train.mixture`).
    """

    file: Path
    sha256: str
    in_file: int
    rows: list[Row]
    no_turns: Sequence[Row] = ()
    sets: Sequence[dict[str, Any]] = ()


_SUFFIXES = (".jsonl", ".json", ".parquet")
_OTHER_NAMES = {"unpaired": ("kto",)}


def load(path: str, form: str, rows: int | None = None) -> Data:
    """Read a data file, or the training file of an output folder, in a form; take its first `rows` rows.

    A set is shuffled by the hash of its ids, so its first rows are a random sample, and the first 64 are part of the
    first 128. Raise TrainError naming the lines that cannot be read, or when there are too few rows.
    """
    file = _file_of(Path(path), form)
    good: list[Row] = []
    bad: list[str] = []
    no_turns: list[Row] = []
    for where, record in _raw(file):
        try:
            rows_of = _rows(where, record, form)
            good += rows_of
            no_turns += [] if rows_of else [_named(where, record)]
        except ValueError as error:
            bad.append(f"  {_named(where, record).name}: {error}")
    if bad:
        more = [f"  and {len(bad) - 8:,} more"] if len(bad) > 8 else []
        raise TrainError("\n".join([f"{file}: {len(bad):,} lines cannot be trained on:", *bad[:8], *more]))
    if not good:
        raise TrainError(f"{file} holds no rows" + (" with a turn to train on" if no_turns else ""))
    _one_form(file, good)
    if rows and rows > len(good):
        raise TrainError(f"rows: {rows:,} are asked for, and {file} holds {len(good):,}")
    return Data(file, hash_file(file), len(good), list(_numbered(good))[:rows], no_turns)


def _one_form(file: Path, rows: list[Row]) -> None:
    kinds: dict[tuple[str, ...], str] = {}
    for row in rows:
        turns = "turns" if isinstance(row.record["prompt"], list) else "text"
        kinds.setdefault((*(name for name in row.record if name != "tools"), turns), row.where)
    if len(kinds) > 1:
        examples = "; ".join(f"{where} has {', '.join(kind[:-1])} as {kind[-1]}" for kind, where in kinds.items())
        raise TrainError(f"{file} holds rows of more than one form, and a set has one: {examples}")


def broken(data: Data) -> list[Finding]:
    """Find the rows whose content cannot teach what is meant: empty, out of order, chosen like rejected."""
    by_problem: dict[str, list[Row]] = {}
    for row in data.rows:
        for problem in _problems(row.record):
            by_problem.setdefault(problem, []).append(row)
    findings = [
        stop(
            "rows",
            f"{problem} in {len(rows):,} of the rows of {data.file}: {listing(row.name for row in rows)}.",
            ids=[row.id for row in rows],
        )
        for problem, rows in by_problem.items()
    ]
    if data.no_turns:
        names = listing(row.name for row in data.no_turns)
        message = (
            f"{len(data.no_turns):,} rows of {data.file} have no turn to train on (no answer, or all masked): {names}."
        )
        findings.append(stop("rows", message, ids=[row.id for row in data.no_turns]))
    return findings


def dataset(rows: Sequence[Row]) -> Any:
    """Make trl's dataset: the columns it reads, and the id of each row beside them.

    Turns with other fields than their neighbours stay as they are: a field that is null is not one that is missing.
    """
    from datasets import Dataset

    columns = dict.fromkeys(name for row in rows for name in row.record)  # datasets goes by the first row's
    records = [{"id": row.id, **{name: row.record.get(name) for name in columns}} for row in rows]
    return Dataset.from_list(records, on_mixed_types="use_json")


def _file_of(path: Path, form: str) -> Path:
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            raise TrainError(f"{path} is neither {', '.join(_SUFFIXES[:-1])} nor {_SUFFIXES[-1]}")
        return path
    if not path.is_dir():
        raise TrainError(f"there is no data {path}: name a folder that `curate run` wrote, a .jsonl or a .parquet file")
    names = [f"train.{name}.jsonl" for name in (form, *_OTHER_NAMES.get(form, ()))]
    files = [f for name in (*names, "train.jsonl", "train.parquet") if (f := path / name).is_file()]
    if not files:
        raise TrainError(f"the folder {path} holds no train.jsonl: is its run finished?")
    return next((file for file in files if _fits(file, form)), files[0])


def _fits(file: Path, form: str) -> bool:
    try:
        ((where, record),) = islice(_raw(file), 1)
        return bool(_rows(where, record, form))
    except ValueError:
        return False


def _raw(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield every record with its place; a line that is no JSON comes as its text."""
    if file.suffix == ".parquet":
        try:
            table = pl.read_parquet(file)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise TrainError(f"{file} cannot be read: {str(error).splitlines()[0]}") from None
        yield from ((f"row {i}", row) for i, row in enumerate(table.iter_rows(named=True), 1))
        return
    if file.suffix == ".json":
        try:
            yield from ((f"row {i}", row) for i, row in enumerate(json.loads(file.read_bytes()), 1))
        except (ValueError, TypeError):
            raise TrainError(f"{file} is not a JSON list of rows") from None
        return
    with file.open("rb") as lines:
        for i, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield f"line {i}", json.loads(line)
                except ValueError:
                    yield f"line {i}", line[:80].decode(errors="replace").strip()


def _named(where: str, source: Any) -> Row:
    """Name a record of a file; one without an id goes by its place."""
    return Row(str(source.get("id") or where) if isinstance(source, dict) else where, where, {})


def _rows(where: str, source: Any, form: str) -> list[Row]:
    """Read a record as the rows to train on; their places name the turn where there are several."""
    if not isinstance(source, dict):
        raise ValueError("is not a JSON object")
    records = forms.records(source, form)
    name = _named(where, source).id
    places = [f"{where}, turn {len(record['prompt']) + 1}" for record in records] if len(records) > 1 else [where]
    return [Row(name, place, record) for place, record in zip(places, records, strict=False)]


def _numbered(rows: list[Row]) -> Iterator[Row]:
    """Number the rows that share an id, as the answers of one dialogue do: a, a/2, a/3."""
    count: Counter[str] = Counter()
    for row in rows:
        count[row.id] += 1
        yield row._replace(id=f"{row.id}/{count[row.id]}") if count[row.id] > 1 else row


def _problems(record: Record) -> Iterator[str]:
    sides = {name: value for name, value in record.items() if name not in ("label", "tools")}
    yield from (f"the {name} is empty" for name, value in sides.items() if _is_empty(value))
    if "chosen" in record and not _is_empty(record["chosen"]) and _bare(record["chosen"]) == _bare(record["rejected"]):
        yield "chosen and rejected are equal"
    if not isinstance(record["prompt"], str):
        answers = [value for name, value in sides.items() if name != "prompt"] or [
            [{"role": "assistant", "content": "…"}]
        ]
        if any(wrong_order(record["prompt"], answer) for answer in answers if answer):
            yield "the roles are out of order (a system turn may come first, then user and assistant take turns)"


def _is_empty(value: Any) -> bool:
    """Tell whether a text, or one of the turns, says nothing and calls nothing."""
    turns = [{"content": value}] if isinstance(value, str) else value
    return not turns or any(not turn["content"].strip() and not turn.get("tool_calls") for turn in turns)


def _bare(value: Any) -> Any:
    """Give an answer without the white space around its texts."""
    return value.strip() if isinstance(value, str) else [{**turn, "content": turn["content"].strip()} for turn in value]


def wrong_order(prompt: list[Record], answer: list[Record]) -> bool:
    """Tell whether turns break the order of a conversation that ends with the assistant.

    >>> wrong_order([{"role": "assistant", "content": "Hi"}], [{"role": "assistant", "content": "Hi"}])
    True
    """
    try:
        check([{**turn, "content": turn["content"] or " "} for turn in [*prompt, *answer]])
    except ValueError:
        return True
    return bool(answer[-1]["role"] != "assistant")


def hold_out(data: Data, share: float) -> tuple[Data, Data]:
    """Hold out the rows of a share of the prompts; give the rows to train on, and those held out.

    A prompt is chosen by its own hash: other rows, order and seed do not move it, and no prompt is on both sides. A
    dialogue goes by its first question, so that all its answers are on one side.
    Raise TrainError when a side is left without rows.
    """
    texts = [json.dumps(_opening(row.record["prompt"]), ensure_ascii=False) for row in data.rows]
    hashes = pl.DataFrame({"prompt": texts}).select(hash01("prompt", seed=0, use="held_out")).to_series()
    held_out = [row for row, number in zip(data.rows, hashes, strict=True) if number < share]
    rest = [row for row, number in zip(data.rows, hashes, strict=True) if number >= share]
    if not held_out or not rest:
        raise TrainError(
            f"held_out: {share} of {len(data.rows):,} rows of {data.file} leaves {len(rest):,} to train on and "
            f"{len(held_out):,} held out: the hash of its prompt decides where a row stands, so take another share"
        )
    return replace(data, rows=rest), replace(data, rows=held_out, no_turns=())


def _opening(prompt: Any) -> Any:
    """Give the turns up to the first question."""
    if isinstance(prompt, str):
        return prompt
    return prompt[: next((i for i, turn in enumerate(prompt, 1) if turn["role"] == "user"), None)]
