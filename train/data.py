"""Rows in: from an output folder or a file, in the form a stage takes; broken ones are named before a model loads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.report.formats import FORMATS
from curate.rows import hash01, hash_file
from curate.train.findings import Finding, TrainError, listing, stop

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
    """The rows of one file: those to train on, how many there are in the whole file, and its hash.

    `sets` describes the sets of a mixture (`curate.train.mixture`).
    """

    file: Path
    sha256: str
    in_file: int
    rows: list[Row]
    sets: Sequence[dict[str, Any]] = ()


class _RowError(Exception):
    """Say why a line is no row of a form."""


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
        except _RowError as error:
            bad.append(f"  {where}: {error}")
    if bad:
        more = [f"  and {len(bad) - 8:,} more"] if len(bad) > 8 else []
        raise TrainError("\n".join([f"{file}: {len(bad):,} lines cannot be trained on:", *bad[:8], *more]))
    if not good:
        raise TrainError(f"{file} holds no rows")
    forms = {tuple(row.record): row.where for row in good}
    if len(forms) > 1:
        examples = "; ".join(f"{where} has {', '.join(columns)}" for columns, where in forms.items())
        raise TrainError(f"{file} holds rows of more than one form, and a set has one: {examples}")
    if rows and rows > len(good):
        raise TrainError(f"rows: {rows:,} are asked for, and {file} holds {len(good):,}")
    return Data(file, hash_file(file), len(good), good[:rows])


def broken(data: Data) -> list[Finding]:
    """Find the rows whose content cannot teach what is meant: empty, out of order, chosen like rejected."""
    by_problem: dict[str, list[Row]] = {}
    for row in data.rows:
        for problem in _problems(row.record):
            by_problem.setdefault(problem, []).append(row)
    return [
        stop(
            "rows",
            f"{problem} in {len(rows):,} of the rows of {data.file}: {listing(row.name for row in rows)}.",
            ids=[row.id for row in rows],
        )
        for problem, rows in by_problem.items()
    ]


def dataset(data: Data) -> Any:
    """Make trl's dataset: the columns it reads, and the id of each row beside them."""
    from datasets import Dataset

    return Dataset.from_list([{"id": row.id, **row.record} for row in data.rows])


def _file_of(path: Path, form: str) -> Path:
    if path.is_file():
        if path.suffix not in (".jsonl", ".parquet"):
            raise TrainError(f"{path} is neither .jsonl nor .parquet")
        return path
    if not path.is_dir():
        raise TrainError(f"there is no data {path}: name a folder that `curate run` wrote, a .jsonl or a .parquet file")
    files = [f for name in (f"train.{form}.jsonl", "train.jsonl", "train.parquet") if (f := path / name).is_file()]
    if not files:
        raise TrainError(f"the folder {path} holds no train.jsonl: is its run finished?")
    return next((file for file in files if _fits(file, form)), files[0])


def _fits(file: Path, form: str) -> bool:
    try:
        return all(_row(where, row, form) for where, row in islice(_raw(file), 1))
    except _RowError:
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
        raise _RowError("is not a JSON object")
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
        raise _RowError(f"'label' says whether the completion is good: true or false, not {row['label']!r}")
    return {**prompt_completion(row), "label": bool(row["label"])}


def prompts(row: Record) -> Record:
    """Read a row as a prompt alone; plain text becomes a user's turn, unless its completion is plain text too."""
    _need(row, "prompt")
    if isinstance(row["prompt"], str) and not isinstance(row.get("completion"), str):
        row = next(FORMATS["preference"][0]({**row, "chosen": "", "rejected": ""}))
    return _same_kind({"prompt": row["prompt"]})


def _instruction(row: Record) -> str:
    """Put an input where Alpaca's form has it: behind the instruction, under a heading of its own."""
    text = row.get("input")
    return f"{row['instruction']}\n\n### Input:\n{text}" if text else str(row["instruction"])


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
    missing = [name for name in columns if row.get(name) is None]
    if missing:
        present = ", ".join(sorted(name for name in row if row[name] is not None))
        hint = "; write the set with formats: [prompt_completion]" if "messages" in row else ""
        raise _RowError(f"has no '{missing[0]}' (it has: {present}){hint}")


def _same_kind(record: Record) -> Record:
    """Check that the columns are of one kind, turns or text, and leave turns their two keys."""
    if all(isinstance(value, str) for value in record.values()):
        return record
    for name, value in record.items():
        turns = isinstance(value, list) and all(
            isinstance(t, dict) and isinstance(t.get("role"), str) and isinstance(t.get("content"), str) for t in value
        )
        if not turns:
            raise _RowError(f"'{name}' is not a list of turns, each with role and content as text")
    return {name: [{"role": t["role"], "content": t["content"]} for t in value] for name, value in record.items()}


def _problems(record: Record) -> Iterator[str]:
    texts = {name: _shortest(value) for name, value in record.items() if name != "label"}
    yield from (f"the {name} is empty" for name, text in texts.items() if not text)
    if "chosen" in record and texts["chosen"] and texts["chosen"] == texts["rejected"]:
        yield "chosen and rejected are equal"
    if not isinstance(record["prompt"], str):
        answers = [record[name] for name in texts if name != "prompt"] or [[{"role": "assistant", "content": ""}]]
        if any(wrong_order(record["prompt"], answer) for answer in answers if answer):
            yield "the roles are out of order (a system turn may come first, then user and assistant take turns)"


def _shortest(value: Any) -> str:
    """Give the text that must not be empty: the whole, or the shortest turn."""
    texts = [value] if isinstance(value, str) else [turn["content"] for turn in value]
    return min((text.strip() for text in texts), key=len, default="")


def wrong_order(prompt: list[dict[str, str]], answer: list[dict[str, str]]) -> bool:
    """Say whether roles break the order: system at most once and first, then user and assistant by turns, user last.

    >>> wrong_order([{"role": "assistant", "content": "Hi"}], [{"role": "assistant", "content": "Hi"}])
    True
    """
    roles = [turn["role"] for turn in [*prompt, *answer]]
    roles = roles[1:] if roles[:1] == ["system"] else roles
    return roles != ["user", "assistant"] * (len(roles) // 2) or len(answer) != 1


def hold_out(data: Data, share: float) -> tuple[Data, Data]:
    """Hold out the rows of a share of the prompts; give the rows to train on, and those held out.

    A prompt is chosen by its own hash: other rows, order and seed do not move it, and no prompt is on both sides.
    Raise TrainError when a side is left without rows.
    """
    texts = [json.dumps(row.record["prompt"], ensure_ascii=False) for row in data.rows]
    hashes = pl.DataFrame({"prompt": texts}).select(hash01("prompt", seed=0, use="held_out")).to_series()
    held_out = [row for row, number in zip(data.rows, hashes, strict=True) if number < share]
    rest = [row for row, number in zip(data.rows, hashes, strict=True) if number >= share]
    if not held_out or not rest:
        raise TrainError(
            f"held_out: {share} of {len(data.rows):,} rows of {data.file} leaves {len(rest):,} to train on and "
            f"{len(held_out):,} held out: the hash of its prompt decides where a row stands, so take another share"
        )
    return replace(data, rows=rest), replace(data, rows=held_out)
