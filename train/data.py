"""Rows in: from an output folder or a file, in the form a stage takes; broken ones are named before a model loads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.report.formats import FORMATS
from curate.rows import hash01, hash_file
from curate.train.findings import Finding, TrainError

_TOLD = 8  # rows named at once
Record = dict[str, Any]


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
    """The rows of one file: `rows` are those taken, `in_file` how many there are, `sha256` is of the whole file."""

    file: Path
    sha256: str
    in_file: int
    rows: list[Row]


class _Unreadable(Exception):
    """Why a line is no row of the wanted form."""


def load(path: str, form: str, rows: int | None = None) -> Data:
    """Read a data file, or the training file of an output folder, in a form; take its first `rows` rows.

    A set is shuffled by the hash of its ids, so its first rows are a random sample, and the first 64 are part of the
    first 128. Raise TrainError naming the lines that cannot be read, or when there are too few rows.
    """
    file = _file_of(Path(path), form)
    good: list[Row] = []
    bad: list[str] = []
    for where, row in _raw(file):
        try:
            good.append(_row(where, row, form))
        except _Unreadable as error:
            bad.append(f"  {where}: {error}")
    if bad:
        more = [f"  and {len(bad) - _TOLD:,} more"] if len(bad) > _TOLD else []
        raise TrainError("\n".join([f"{file}: {len(bad):,} lines cannot be trained on:", *bad[:_TOLD], *more]))
    if not good:
        raise TrainError(f"{file} holds no rows")
    kinds = {tuple(row.record): row.where for row in good}
    if len(kinds) > 1:
        told = "; ".join(f"{where} has {', '.join(columns)}" for columns, where in kinds.items())
        raise TrainError(f"{file} holds rows of more than one form, and a set has one: {told}")
    if rows and rows > len(good):
        raise TrainError(f"rows: {rows:,} are asked for, and {file} holds {len(good):,}")
    return Data(file, hash_file(file), len(good), good[:rows])


def broken(data: Data) -> list[Finding]:
    """Find the rows whose content cannot teach what is meant: empty, out of order, chosen like rejected."""
    found: dict[str, list[Row]] = {}
    for row in data.rows:
        for problem in _problems(row.record):
            found.setdefault(problem, []).append(row)
    return [Finding("rows", "stop", _told(data.file, problem, rows), _ids(rows)) for problem, rows in found.items()]


def dataset(data: Data) -> Any:
    """Make trl's dataset: the columns it reads, and the id of each row beside them."""
    from datasets import Dataset

    return Dataset.from_list([{"id": row.id, **row.record} for row in data.rows])


def _told(file: Path, problem: str, rows: list[Row]) -> str:
    names = ", ".join(row.name for row in rows[:_TOLD])
    more = f" and {len(rows) - _TOLD:,} more" if len(rows) > _TOLD else ""
    return f"{problem} in {len(rows):,} of the rows of {file}: {names}{more}."


def _ids(rows: list[Row]) -> dict[str, Any]:
    return {"ids": [row.id for row in rows]}


def _file_of(path: Path, form: str) -> Path:
    if path.is_file():
        if path.suffix not in (".jsonl", ".parquet"):
            raise TrainError(f"{path} is neither .jsonl nor .parquet")
        return path
    if not path.is_dir():
        raise TrainError(f"there is no data {path}: name a folder that `curate run` wrote, a .jsonl or a .parquet file")
    there = [f for name in (f"train.{form}.jsonl", "train.jsonl", "train.parquet") if (f := path / name).is_file()]
    if not there:
        raise TrainError(f"the folder {path} holds no train.jsonl: is its run finished?")
    return next((file for file in there if _fits(file, form)), there[0])


def _fits(file: Path, form: str) -> bool:
    try:
        return all(_row(where, row, form) for where, row in islice(_raw(file), 1))
    except _Unreadable:
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
    with file.open("rb") as lines:
        for i, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield f"line {i}", json.loads(line)
                except ValueError:
                    yield f"line {i}", line[:80].decode(errors="replace").strip()


def _row(where: str, row: Any, form: str) -> Row:
    if not isinstance(row, dict):
        raise _Unreadable("is not a JSON object")
    return Row(str(row.get("id") or where), where, FORMS[form](row))


def prompt_completion(row: Record) -> Record:
    """Read a row as a prompt and its completion: turns or plain text; with `response`, or as in Alpaca, as turns."""
    if row.get("prompt") is None and row.get("instruction") is not None and row.get("output") is not None:
        row = {**row, "prompt": _instruction(row), "response": row["output"]}
    if row.get("completion") is None and row.get("response") is not None:
        _need(row, "prompt")
        row = list(FORMATS["prompt_completion"][0](row))[-1]
    _need(row, "prompt", "completion")
    return _same_kind({"prompt": row["prompt"], "completion": row["completion"]})


def preference(row: Record) -> Record:
    """Read a row as a prompt with a chosen and a rejected answer, as turns; plain texts become turns."""
    _need(row, "prompt", "chosen", "rejected")
    if isinstance(row["prompt"], str):
        row = {**next(FORMATS["preference"][0]({**row, "chosen": "", "rejected": ""})), **_answers(row)}
    return _same_kind({"prompt": row["prompt"], **_answers(row)})


def unpaired(row: Record) -> Record:
    """Read a row as a prompt and its completion with a label, good or not; a row of two answers stays as it is."""
    if row.get("label") is None and row.get("chosen") is not None:
        return preference(row)
    _need(row, "label")
    if row["label"] not in (True, False):  # 1 and 0 among them
        raise _Unreadable(f"'label' says whether the completion is good: true or false, not {row['label']!r}")
    return {**prompt_completion(row), "label": bool(row["label"])}


def prompts(row: Record) -> Record:
    """Read a row as a prompt alone; plain text becomes a user's turn, unless its completion is plain text too."""
    _need(row, "prompt")
    if isinstance(row["prompt"], str) and not isinstance(row.get("completion"), str):
        row = next(FORMATS["preference"][0]({**row, "chosen": "", "rejected": ""}))
    return _same_kind({"prompt": row["prompt"]})


def _instruction(row: Record) -> str:
    """Put an input where Alpaca's form has it: behind the instruction, under a heading of its own."""
    given = row.get("input")
    return f"{row['instruction']}\n\n### Input:\n{given}" if given else str(row["instruction"])


FORMS: dict[str, Callable[[Record], Record]] = {
    "prompt_completion": prompt_completion,
    "preference": preference,
    "unpaired": unpaired,
    "prompts": prompts,
}


def _answers(row: Record) -> Record:
    both = {name: row[name] for name in ("chosen", "rejected")}
    return {k: [{"role": "assistant", "content": v}] if isinstance(v, str) else v for k, v in both.items()}


def _need(row: Record, *columns: str) -> None:
    lacking = [name for name in columns if row.get(name) is None]
    if lacking:
        there = ", ".join(sorted(name for name in row if row[name] is not None))
        hint = "; write the set with formats: [prompt_completion]" if "messages" in row else ""
        raise _Unreadable(f"has no '{lacking[0]}' (it has: {there}){hint}")


def _same_kind(record: Record) -> Record:
    """Hold the columns to one kind, turns or text, and turns to their two keys."""
    if all(isinstance(value, str) for value in record.values()):
        return record
    for name, value in record.items():
        turns = isinstance(value, list) and all(
            isinstance(t, dict) and isinstance(t.get("role"), str) and isinstance(t.get("content"), str) for t in value
        )
        if not turns:
            raise _Unreadable(f"'{name}' is not a list of turns, each with role and content as text")
    return {name: [{"role": t["role"], "content": t["content"]} for t in value] for name, value in record.items()}


def _problems(record: Record) -> Iterator[str]:
    said = {name: _text(value) for name, value in record.items() if name != "label"}
    yield from (f"the {name} is empty" for name, text in said.items() if not text)
    if "chosen" in record and said["chosen"] and said["chosen"] == said["rejected"]:
        yield "chosen and rejected are equal"
    if not isinstance(record["prompt"], str):
        answers = [record[name] for name in said if name != "prompt"] or [[{"role": "assistant", "content": ""}]]
        if any(wrong_order(record["prompt"], answer) for answer in answers if answer):
            yield "the roles are out of order (a system turn may come first, then user and assistant take turns)"


def _text(value: Any) -> str:
    """Give the text that must not be empty: the whole, or the shortest turn."""
    return (
        value.strip()
        if isinstance(value, str)
        else min((turn["content"].strip() for turn in value), key=len, default="")
    )


def wrong_order(prompt: list[dict[str, str]], answer: list[dict[str, str]]) -> bool:
    """Say whether roles break the order: system at most once and first, then user and assistant by turns, user last.

    >>> wrong_order([{"role": "assistant", "content": "Hi"}], [{"role": "assistant", "content": "Hi"}])
    True
    """
    roles = [turn["role"] for turn in [*prompt, *answer]]
    roles = roles[1:] if roles[:1] == ["system"] else roles
    return roles != ["user", "assistant"] * (len(roles) // 2) or len(answer) != 1


def hold_out(data: Data, share: float) -> tuple[Data, Data]:
    """Keep the rows of a share of the prompts apart: those to train on, and those held out.

    A prompt is chosen by its own hash: other rows, order and seed do not move it, and no prompt is on both sides.
    Raise TrainError when a side is left without rows.
    """
    texts = [json.dumps(row.record["prompt"], ensure_ascii=False) for row in data.rows]
    drawn = pl.DataFrame({"prompt": texts}).select(hash01("prompt", seed=0, use="held_out")).to_series()
    apart = [row for row, number in zip(data.rows, drawn, strict=True) if number < share]
    rest = [row for row, number in zip(data.rows, drawn, strict=True) if number >= share]
    if not apart or not rest:
        raise TrainError(
            f"held_out: {share} of {len(data.rows):,} rows of {data.file} leaves {len(rest):,} to train on and "
            f"{len(apart):,} held out: the hash of its prompt decides where a row stands, so take another share"
        )
    return replace(data, rows=rest), replace(data, rows=apart)
