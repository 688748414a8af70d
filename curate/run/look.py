"""A file of one's own: what it holds, and a first recipe that runs on it."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from curate.errors import UserError
from curate.filters import exact_duplicates
from curate.filters.language import language_name
from curate.recipe import registry
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.report.words import plural
from curate.rows import Bad, locate, stack, standardise, tried
from curate.run.prediction import sample_yield
from curate.sources import files
from curate.sources.columns import Record
from curate.sources.csv import read as csv_records
from curate.sources.guess import guess
from curate.sources.jsonl import read as json_records
from curate.sources.layout import HEAD, NoPrompt
from curate.sources.misread import misread
from curate.sources.parquet import solid
from curate.sources.shapes import detect

log = logging.getLogger("curate.run")

ROWS = 20_000  # that are looked at: a minute of a large file says what it holds
_TEXTS = 300  # whose language is looked at
_LEAST, _SHORT = 20, 80  # characters: fewer say too little of a language, fewer are often taken for another one
_SAVED = ("state.json", "dataset_dict.json")  # beside a dataset, or several, that `save_to_disk` wrote
_OTHER_SPLITS = {"test", "validation", "valid", "val", "dev", "eval"}
# What a bad record says, and how its file may have to be read.
_OTHERWISE = {"`encoding: ": {"encoding": files.GUESS}, "not CSV": {"escape": "\\"}}
_SHAPES = {
    "plain": "plain rows", "rows": "rows with earlier turns", "alpaca": "Alpaca: instruction, input, output",
    "sharegpt": "ShareGPT conversations", "messages": "conversations as messages", "hh": "pairs as transcripts",
    "prompt_completion": "prompts and completions as turns", "preference": "preference pairs as turns",
    "openai_preference": "OpenAI's preference pairs", "ultrafeedback": "several graded answers a prompt",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What a file holds: how it is read, its rows, and the records that cannot be read."""

    file: Path
    reader: str
    params: dict[str, Any]
    head: list[Record]  # the first records, as they stand in the file
    rows: pl.DataFrame
    bad: list[Bad]
    size: int  # bytes of the rows, as a run counts them
    whole: bool  # all of it was read

    @property
    def answers(self) -> list[str]:
        """Name the columns that hold answers."""
        return [name for name in ("response", "chosen", "rejected") if self.rows[name].count()]

    @property
    def bad_share(self) -> float:
        """Say which share of the records cannot be read, as a run counts it: by records or by bytes."""
        lost = sum(bad.size for bad in self.bad)
        return max(len(self.bad) / (len(self.bad) + self.rows.height), lost / max(1, lost + self.size))


def look(name: Path) -> Look:
    """Look at a file, or at a folder of files of one kind or of a saved Hugging Face dataset.

    Raise UserError in one sentence where there is none, or nothing in it can be read.
    """
    file = locate(name)
    if file is None:
        raise UserError(f"there is no file {name}{tried(name)}")
    reader = _reader(file)
    params: dict[str, Any] = {"name": str(file)} if reader == "hf" else {"path": file}
    params, (rows, bad, size, whole) = _best(reader, params)
    if not rows.height:
        first = f": {bad[0].where}: {bad[0].error}" if bad else ""
        way = misread(file, reader) if file.is_file() else None
        raise UserError(". ".join(filter(None, [f"no record of {file} can be read{first}", way])))
    if not any(rows[side].count() for side in ("prompt", "response", "chosen", "rejected")):
        raise UserError(f"no record of {file} has a prompt or an answer: all of them are blank")
    return Look(file, reader, params, _head(reader, file, params), rows, bad, size, whole)


def read(path: str | Path) -> pl.DataFrame:
    r"""Read a file or a folder of rows, whatever their shape, as a frame with ids and the standard columns it fills.

    What `curate init` finds out is used: the shape, the encoding, which columns are the prompt and the answer. Records
    that cannot be read are counted in a warning, with the first of them. All rows are in memory: a recipe reads what is
    larger. Raise UserError in one sentence where there is nothing that can be read.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "two.csv"
    >>> _ = file.write_text("question,answer\nWhy?,Warm air rises.\nHow?,By a pump.\n")
    >>> read(file).select("prompt", "response").rows()
    [('Why?', 'Warm air rises.'), ('How?', 'By a pump.')]
    """
    it = look(Path(path))
    rows, bad = it.rows, it.bad
    if not it.whole:
        parts = registry.find("sources", it.reader)(**it.params)
        batches = [batch for part in parts for batch in part.read(ROWS)]
        rows = stack([standardise(batch.rows, "") for batch in batches if batch.rows.height])
        bad = [one for batch in batches for one in batch.bad]
    if bad:
        count = plural(len(bad), "record")
        log.warning("%s: %s cannot be read; the first, at %s: %s", path, count, bad[0].where, bad[0].error)
    return rows.select("id", *(c.name for c in rows.drop("id", "source").iter_columns() if c.null_count() < len(c)))


Rows = tuple[pl.DataFrame, list[Bad], int, bool]  # with their bytes, and whether that was all


def _best(reader: str, params: dict[str, Any]) -> tuple[dict[str, Any], Rows]:
    """Read a file, and where bad records say that it may have to be read otherwise, that way if it leaves fewer."""
    params, result = _read(reader, params)
    for sign, more in _OTHERWISE.items() if reader in ("jsonl", "csv") else ():
        if not more.keys() & params.keys() and any(sign in one.error for one in result[1]):
            others, other = _best(reader, {**params, **more})
            if len(other[1]) < len(result[1]):
                return others, other
    return params, result


def _reader(file: Path) -> str:
    """Find the source that reads a file, by its name, else by its first bytes."""
    if file.is_dir():
        splits = {re.split(r"[-_.]", one.name)[0] for one in file.rglob("*") if files.kind(one) in files.READERS}
        if any((file / mark).is_file() for mark in _SAVED) or ("train" in splits and splits & _OTHER_SPLITS):
            return "hf"
        kinds = Counter(
            files.READERS[kind] for one in sorted(file.rglob("*")) if (kind := files.kind(one)) in files.READERS
        )
        if not kinds:
            raise UserError(
                f"the folder {file} holds no file ending in {', '.join(files.READERS)}, and no saved dataset"
            )
        return kinds.most_common(1)[0][0]
    if (kind := files.kind(file)) in files.READERS:
        return files.READERS[kind]
    try:
        with files.encoded(file) as stream:
            start = stream.read(4096)
    except files.damage() as error:
        raise UserError(f"{file} cannot be read: {error}") from None
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.lstrip()[:1] == b"{":
        return "jsonl"
    raise UserError(
        f"{file} is of no kind that is read: rows come as {', '.join(files.READERS)}, packed or not, or a folder; "
        'of plain text, write each as a line of JSON: {"text": "…"}'
    )


def _read(reader: str, params: dict[str, Any]) -> tuple[dict[str, Any], Rows]:
    """Read the first rows; columns that are not found are guessed, and put into the parameters."""
    try:
        result = _rows(reader, params)
    except NoPrompt as error:
        if not error.columns:
            raise
        params = {**params, "columns": error.columns}
        return params, _rows(reader, params)
    rows = result[0]
    if rows.height and not rows["response"].count() and not rows["chosen"].count() and "columns" not in params:
        columns = guess(rows.drop("id", "source").head(HEAD).to_dicts())
        columns = {name: path for name, path in columns.items() if name in ("response", "chosen", "rejected")}
        if columns:
            params = {**params, "columns": columns}
            result = _rows(reader, params)
    return params, result


def _rows(reader: str, params: dict[str, Any]) -> Rows:
    frames: list[pl.DataFrame] = []
    bad: list[Bad] = []
    left, size = ROWS, 0
    for part in registry.find("sources", reader)(**params):
        for batch in part.read(5_000):
            frames.append(standardise(batch.rows[:left], "")) if batch.rows.height else None
            bad += batch.bad
            left -= batch.rows.height
            size += int(batch.rows.estimated_size())
            if left < 0:
                return stack(frames), bad, size, False
    return (stack(frames) if frames else pl.DataFrame()), bad, size, True


def _head(reader: str, file: Path, params: dict[str, Any]) -> list[Record]:
    """Read the first records as they stand in the first file."""
    if reader == "hf":
        from curate.sources.hf import head

        return list(solid(head(str(file))))
    first = registry.find("sources", reader)(**params)[0].files[0]
    if reader == "parquet":
        return list(solid(pl.scan_parquet(first, glob=False).head(HEAD).collect().to_dicts()))
    form = {name: params[name] for name in ("encoding", "escape") if name in params}
    records = json_records(first, **form) if reader == "jsonl" else csv_records(first, **form)
    return [item.record for item in islice(records, HEAD) if not isinstance(item, Bad)]


def facts(sample: Look) -> dict[str, Any]:
    """Say in numbers what a file holds: the shape, columns, sides, lengths, languages, duplicates, bad records."""
    sides = ["prompt", *sample.answers]
    columns = dict.fromkeys(key for record in sample.head for key in record)
    rows, dialogues = sample.rows, int(sample.rows["history"].count())
    return {
        "file": str(sample.file),
        "source": sample.reader,
        "read": {name: value for name, value in sample.params.items() if not isinstance(value, Path)},
        "rows": rows.height,
        "whole": sample.whole,
        "shape": _SHAPES[detect([_renamed(record, sample.params.get("columns", {})) for record in sample.head])],
        "columns": {name: _kind(sample.head, name) for name in columns},
        "dialogues": dialogues,
        "empty": {side: rows[side].null_count() for side in sides},
        "lengths": {side: _lengths(rows[side]) for side in sides if rows[side].count()},
        "languages": languages(rows, sides[-1] if rows[sides[-1]].count() else "prompt"),
        "duplicates": int((~exact_duplicates(rows, column="user_turns" if dialogues else "prompt").kept).sum()),
        "bad": len(sample.bad),
        "reasons": Counter(one.error for one in sample.bad).most_common(3),
        "first_bad": f"{sample.bad[0].file}, {sample.bad[0].where}" if sample.bad else None,
    }


def _renamed(record: Record, columns: dict[str, str]) -> Record:
    theirs = {path: name for name, path in columns.items()}
    # A list of turns inside of a column is a shape as one beside it is.
    inner: Record = {
        name: [] for path, name in theirs.items() if path not in record and name in ("messages", "conversations")
    }
    return {theirs.get(key, key): value for key, value in record.items()} | inner


def _kind(head: list[Record], name: str) -> str:
    """Say what a column holds, and in how many records anything."""
    values = [value for record in head if (value := record.get(name)) not in (None, "")]
    kinds = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", dict: "object"}
    words = " or ".join(dict.fromkeys(kinds.get(type(value), type(value).__name__) for value in values)) or "nothing"
    return words if len(values) == len(head) else f"{words}, in {len(values) / len(head):.0%}"


def _lengths(texts: pl.Series) -> dict[str, int]:
    """Measure the characters of texts: of the shortest 5 %, of the one in the middle, of all but the longest 1 %."""
    sizes = texts.drop_nulls().str.len_chars()
    quantiles = {"5 %": 0.05, "half": 0.5, "99 %": 0.99, "all": 1.0}
    return {name: int(sizes.quantile(share, "nearest") or 0) for name, share in quantiles.items()}


def languages(rows: pl.DataFrame, column: str) -> list[tuple[str, float]] | None:
    """Say which share of some texts is likely in which language; None where what tells them is not installed."""
    texts = rows.filter(pl.col(column).str.len_chars() >= _LEAST).sort("id").head(_TEXTS)
    try:
        names = texts.select(language_name(column).str.split(" ").list.first()).to_series().drop_nulls()
    except (ModuleNotFoundError, pl.exceptions.ComputeError):
        return None
    counts = Counter(names.to_list())
    return [(name, count / len(names)) for name, count in counts.most_common()]


def recipe(sample: Look, summary: dict[str, Any], out: Path) -> str:
    """Write a recipe for a file: its rows of usual length, in the main language, without duplicates, some of them."""
    text = _text(sample, summary, out, None)
    plan = parse(yaml.safe_load(text), Places(str(out)))
    kept = sample_yield(plan, ROWS)[0]["kept"]
    return _text(sample, summary, out, kept)


_SIZES = (1000, 500, 200, 100)
_TO_SPARE = 0.8  # of the rows that pass: the steps are to be changed, and the size still be reached


def _text(sample: Look, summary: dict[str, Any], out: Path, kept: int | None) -> str:
    name = _name(sample.file)
    size = next((size for size in _SIZES if size <= _TO_SPARE * (kept or 0)), None)
    params = {key: _path(sample, out) if key in ("path", "name") else value for key, value in sample.params.items()}
    lines = [
        f"# A first recipe for {_flow(sample.file.name)}, by `curate init`. It runs as it stands; change what you like",
        f"name: {_flow(name)}  # of the folder that it fills, out/{name}",
        "seed: 0",
    ]
    if size:
        least = "" if sample.whole else "at least "
        lines.append(f"size: {size}  # of {least}{kept:,} rows that pass; without it, all of them")
    if sample.bad_share > 0.01:
        bound = min(1.0, int(sample.bad_share * 100 + 2) / 100)
        lines.append(f"max_bad: {bound}  # {len(sample.bad):,} records cannot be read: quarantine.jsonl will have them")
    lines += ["sources:", f"  {_flow(name)}:"]
    lines += ["    # the columns are a guess: see that they are right"] if "columns" in params else []
    lines += [f"    read: {_flow({sample.reader: params})}", "steps:"]
    lines += [f"  - {verb}: {_flow(body)}  # {why}" for verb, body, why in _steps(summary)]
    lines += [f"  # - {verb}: {_flow(body)}  # {why}" for verb, body, why in _more(summary)]
    if not sample.answers:
        lines.append("output: {formats: [prompts]}  # there are no answers")
    elif summary["dialogues"]:
        lines.append("output: {formats: [messages]}  # a record a conversation")
    return "\n".join(lines) + "\n"


Written = tuple[str, dict[str, Any], str]  # a step: its verb, what it applies, and why it is there


def _steps(summary: dict[str, Any]) -> list[Written]:
    """List the steps that the file itself asks for."""
    side = _column(summary)
    sides = [sizes for name, sizes in summary["lengths"].items() if name != "prompt" or side == "prompt"]
    low, high = min(sizes["5 %"] for sizes in sides), max(sizes["99 %"] for sizes in sides)
    bounds = {"min": _round(low, down=True), "max": _round(high, down=False)}
    steps: list[Written] = [("keep", {"length": {"column": side, **bounds}}, "characters; 5 % are shorter, 1 % longer")]
    spoken = summary["languages"] or []
    if len(spoken) > 1 and spoken[0][1] < 0.98 and sides[0]["half"] >= _SHORT:
        language, share = spoken[0]
        steps.append(("keep", {"language": {"column": side, "languages": [language]}}, f"{share:.0%} of the texts"))
    steps.append(
        ("select", {"exact_duplicates": {"column": _asked(summary)}}, f"{summary['duplicates']:,} are repeated")
    )
    return steps


def _more(summary: dict[str, Any]) -> list[Written]:
    """List steps to choose from, as comments."""
    more: list[Written] = [
        ("select", {"near_duplicates": {"column": _asked(summary)}}, "prompts that differ in a few words"),
        ("drop", {"contaminated": {"by": ["dev", "test"]}}, "prompts that models are tested with"),
    ]
    if "chosen" in summary["lengths"]:
        return [*more, ("drop", {"alike": {}}, "both answers nearly the same")]
    return [*more, ("drop", {"refuses": {}}, "answers that decline")] if "response" in summary["lengths"] else more


def _asked(summary: dict[str, Any]) -> str:
    """Name the texts that tell questions apart: of a dialogue, whose last question may be "Why?", all of them."""
    return "user_turns" if summary["dialogues"] else "prompt"


def _column(summary: dict[str, Any]) -> str | list[str]:
    sides = list(summary["lengths"])
    if "chosen" in sides:
        return [side for side in sides if side in ("chosen", "rejected")]
    if "response" in sides:
        return "assistant_turns" if summary["dialogues"] else "response"
    return "prompt"


def _round(number: int, *, down: bool) -> int:
    """Round to two digits: nobody's bound is 1,187."""
    unit: int = 10 ** max(0, len(str(number)) - 2)
    return number // unit * unit if down else -(-number // unit) * unit


def _name(file: Path) -> str:
    """Name a recipe after its file."""
    stem = file.name
    while Path(stem).suffix.lower() in (*files.PACKED, *files.READERS):
        stem = Path(stem).stem
    return re.sub(r"[^\w.-]+", "_", stem).strip("_.-") or "mine"


def _path(sample: Look, out: Path) -> str:
    """Write where the file stands: from the recipe's folder on, where it lies in that, else as it was found."""
    inside = Path(os.path.relpath(sample.file, out.parent))
    return sample.file.as_posix() if sample.file.is_absolute() or ".." in inside.parts else inside.as_posix()


def _flow(value: Any) -> str:
    """Write a value as YAML in one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()


def recipe_file(file: Path) -> Path:
    """Name the recipe that is written for a file where nobody says how."""
    return Path(f"{_name(file)}.yaml")
