"""Task files of Super-NaturalInstructions (Wang et al. 2022, arXiv 2204.07705): one JSON object a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from curate.rows import Bad, Batch, Part, SourceMissing
from curate.sources import files
from curate.sources.columns import describe, unicode
from curate.sources.jsonl import check_size, reason

SCHEMA = {
    "domain": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "license": pl.String(),
    "url": pl.String(),
    "category": pl.String(),
    "instance": pl.String(),  # the id the task file gives it
    "outputs": pl.List(pl.String()),  # the other answers that count as right
}
Task = dict[str, Any]


def natural_instructions(path: Path, *, languages: list[str] | None = ["English"]) -> list[Part]:  # noqa: B006
    """Read task files (task*.json, packed or not): one row an instance.

    The prompt is the task's definition, an empty line, and the instance's input: what a person who had to
    do the task would be given; the worked examples of the file stay out, as LIMA's prompts have none. The
    response is the first output, the others are in `outputs`. The domain is the task's name. Files are read
    whole, one by one.

    Args:
        path: a folder of task files, one file, or a glob.
        languages: take only tasks whose input and output are in these (others give no rows); null takes all.

    Raises:
        SourceMissing: when there is no such file.
    """
    pattern = path / "task*.json*" if path.is_dir() else path
    parts = files.parts(pattern, (".json",), partial(_read, languages))
    parts = [part for part in parts if files.kind(part.files[0]) == ".json"]
    if not parts:
        raise SourceMissing(f"no task file of Super-NaturalInstructions (task*.json) at {path}")
    return [Part(_stem(part.files[0]), part.files, part.read) for part in parts]


def _stem(file: Path) -> str:
    return file.name.partition(".json")[0]


def _read(languages: list[str] | None, file: Path, batch_rows: int) -> Iterator[Batch]:
    task = _task(file)
    if isinstance(task, Bad):
        yield Batch(pl.DataFrame(schema=SCHEMA), [task])
        return
    same = _same(file, task)
    instances = task["Instances"] if _in(task, languages) else []
    for start in range(0, max(len(instances), 1), batch_rows):
        rows, bad = [], []
        for number, instance in enumerate(instances[start : start + batch_rows], start + 1):
            try:
                rows.append({**same, **_row(same["prompt"], instance)})
            except ValueError as error:
                raw = json.dumps(instance).encode()
                bad.append(files.bad(file, f"instance {number}", str(error), raw))
        yield Batch(pl.DataFrame(rows, schema=SCHEMA), bad)


def _task(file: Path) -> Task | Bad:
    """Parse a file and check what all of its instances rest on."""
    with files.unpacked(file) as stream:
        try:
            raw = stream.read()
        except files.damage() as error:
            return files.broken(file, "byte 0", error)
    try:
        check_size(raw)
        # Broken bytes become lone surrogates: only the instance that holds them is bad.
        task = json.loads(raw.decode("utf-8-sig", "surrogateescape"))
        _check(task, file)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "line 1"
        return files.bad(file, place, reason(error), raw)
    return dict(task)


def _check(task: object, file: Path) -> None:
    if not isinstance(task, dict):
        raise ValueError(f"expected the object of a task, got {describe(task)}")
    for key in ("Definition", "Instances"):
        if key not in task:
            raise ValueError(f"the task has no {key!r}; it has: {', '.join(map(repr, task))[:200]}")
    if not isinstance(task["Instances"], list):
        raise ValueError(f"Instances: expected a list, got {describe(task['Instances'])}")
    definition = _texts(task, "Definition")[:1]
    if not definition or not definition[0].strip() or not unicode(definition):
        raise ValueError("Definition: expected text that says what to do")
    _in(task, [])
    if not unicode(_same(file, task)):
        raise ValueError("it holds text that is not Unicode")


def _texts(record: Task, key: str) -> list[str]:
    """Read a value that is a text in older files and a list of texts in newer ones."""
    value = record.get(key)
    values = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, str) for item in values):
        raise ValueError(f"{key}: expected text, got {describe(next(v for v in values if not isinstance(v, str)))}")
    return values


def _in(task: Task, languages: list[str] | None) -> bool:
    named = [name for key in ("Input_language", "Output_language") for name in _texts(task, key)]
    return languages is None or all(name in languages for name in named)


def _same(file: Path, task: Task) -> dict[str, str | None]:
    """Fill the columns that are the same for the whole task; `prompt` is the definition so far."""
    urls = [url.strip() for text in _texts(task, "URL") for url in text.split(";")]
    return {
        "domain": _stem(file),
        "prompt": _texts(task, "Definition")[0].strip(),
        "license": ", ".join(_texts(task, "Instance License")) or None,
        "url": next((url for url in urls if url.startswith("http")), None),
        "category": ", ".join(_texts(task, "Categories")) or None,
    }


def _row(definition: str | None, instance: object) -> dict[str, Any]:
    """Make the columns of one instance.

    Raises:
        ValueError: says what is wrong with it.
    """
    if not isinstance(instance, dict):
        raise ValueError(f"expected an object, got {describe(instance)}")
    if not isinstance(instance.get("input"), str):
        raise ValueError(f"input: expected text, got {describe(instance.get('input'))}")
    outputs = _texts(instance, "output")
    if not outputs or not outputs[0].strip():
        raise ValueError("output: there is no answer")
    if not unicode(instance):
        raise ValueError("it holds text that is not Unicode")
    prompt = "\n\n".join(text for text in (definition, instance["input"].strip()) if text)
    number = instance.get("id")
    return {
        "prompt": prompt,
        "response": outputs[0],
        "instance": None if number is None else str(number),
        "outputs": outputs[1:],
    }
