"""Export for people who look at a set: Argilla and Label Studio, to rate an answer or to choose the better one of two.

Argilla (2.8): what `Dataset.records.log` takes and `Settings.from_json` reads, docs.argilla.io, how-to guides.
Label Studio (2.1 of its SDK): https://labelstud.io/guide/tasks and https://labelstud.io/tags. Neither needs to be here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import quoteattr

import polars as pl

from curate.folders import claim, put_text
from curate.report.exports.config import BY, ExportError, read_set, write_records
from curate.report.messages import NoPlaceError, Row, fit, messages
from curate.rows import hash01
from curate.turns import answer, question

_RATINGS = range(1, 7)  # LIMA's six points of helpfulness (section 6)
_SIDES = ("response_1", "response_2")
_CHOICES = {"response_1": "The first", "response_2": "The second", "tie": "Both are equally good"}
_ASK = {"rating": "How helpful is the answer, from 1 to 6?", "preference": "Which answer is better?"}
_GUIDELINES = "Read the conversation in full, then the answer or both answers."
_FACTS = {"source": "terms", "domain": "terms", "license": "terms", "score": "float"}  # as Argilla calls their types


def argilla(out: Path, to: Path) -> list[Path]:
    """Write a set as records and settings of Argilla.

    An answer asks for a rating; a pair for the better side, with the chosen one as a suggestion. The hash of a row's id
    says which side comes first. Raise ExportError for a row with more than texts, and where `out` holds no set.
    """
    rows, pairs = _rows(out)
    records = list(_records(rows, pairs, "argilla"))
    claim(to, BY, ("records.jsonl", "settings.json"), option="--to")
    settings = json.dumps(_settings(rows, pairs), indent=2, ensure_ascii=False) + "\n"
    return [write_records(to, "records.jsonl", records), put_text(to, BY, "settings.json", settings)]


def label_studio(out: Path, to: Path) -> list[Path]:
    """Write a set as tasks of Label Studio and the labelling config of its project; else as `argilla`.

    The suggestion is a prediction of the model `curate`.
    """
    rows, pairs = _rows(out)
    tasks = [_task(record) for record in _records(rows, pairs, "label_studio")]
    claim(to, BY, ("tasks.json", "labels.xml"), option="--to")
    text = json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"
    return [put_text(to, BY, "tasks.json", text), put_text(to, BY, "labels.xml", _labels(pairs))]


REVIEWS: dict[str, Callable[[Path, Path], list[Path]]] = {"argilla": argilla, "label_studio": label_studio}


def _rows(out: Path) -> tuple[pl.DataFrame, bool]:
    rows, stage = read_set(out)
    return rows.with_columns(order=hash01("id", seed=0, use="sides")), stage == "dpo"


def _records(rows: pl.DataFrame, pairs: bool, format_: str) -> Iterator[Row]:
    """Give what people see of each row: the conversation so far, its answers in the order they stand in, facts."""
    for row in rows.iter_rows(named=True):
        facts = {name: row[name] for name in _FACTS if row.get(name) is not None}
        try:
            yield {"id": row["id"], "prompt": _prompt(row), **(_sides(row) if pairs else _response(row)), **facts}
        except NoPlaceError as error:
            raise ExportError(f"row {row['id']}: {error}, which the format '{format_}' has no place for") from None


def _prompt(row: Row) -> list[Row]:
    if row.get("tools"):
        raise NoPlaceError("it has tools")
    turns = question(row)
    fit(turns, "content")
    return messages(turns)


def _text(row: Row, side: str) -> str:
    turns = answer(row, side)
    if not turns:
        raise ExportError(f"row {row['id']} has no {side}, which people would be asked about")
    if len(turns) > 1:
        raise NoPlaceError(f"{side} has {len(turns)} turns")
    fit(turns, "content")
    return cast("str", turns[0]["content"])


def _response(row: Row) -> Row:
    return {"response": _text(row, "response")}


def _sides(row: Row) -> Row:
    chosen, rejected = _SIDES if row["order"] < 0.5 else reversed(_SIDES)
    texts = {chosen: _text(row, "chosen"), rejected: _text(row, "rejected")}
    return {**{side: texts[side] for side in _SIDES}, "preference": chosen}


def _settings(rows: pl.DataFrame, pairs: bool) -> dict[str, Any]:
    """Describe fields, question and facts; nothing is shown as Markdown, which could load what the data name."""
    texts = {"prompt": "chat", **dict.fromkeys(_SIDES if pairs else ("response",), "text")}
    name = "preference" if pairs else "rating"
    labels = [{"value": value, "text": text} for value, text in _CHOICES.items()]
    kinds = {
        "preference": {"type": "label_selection", "options": labels, "visible_options": len(labels)},
        "rating": {"type": "rating", "options": [{"value": value} for value in _RATINGS]},
    }
    return {
        "guidelines": _GUIDELINES,
        "fields": [
            {"name": name, "title": name, "required": True, "settings": {"type": kind, "use_markdown": False}}
            for name, kind in texts.items()
        ],
        "questions": [{"name": name, "title": _ASK[name], "required": True, "settings": kinds[name]}],
        "metadata": [
            {"name": name, "title": name, "visible_for_annotators": False, "settings": {"type": kind}}
            for name, kind in _FACTS.items()
            if name in rows.columns
        ],
        "vectors": [],
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


def _task(record: Row) -> Row:
    choice = record.pop("preference", None)
    if choice is None:
        return {"data": record}
    result = {"from_name": "preference", "to_name": "prompt", "type": "choices", "value": {"choices": [choice]}}
    return {"data": record, "predictions": [{"model_version": "curate", "result": [result]}]}


def _labels(pairs: bool) -> str:
    answers = "".join(
        f'  <Header value="{name}"/>\n  <Text name="{name}" value="${name}"/>\n'
        for name in (_SIDES if pairs else ("response",))
    )
    choices = "".join(f'    <Choice value="{value}"/>\n' for value in _CHOICES)
    control = (
        f'  <Choices name="preference" toName="prompt" choice="single" required="true">\n{choices}  </Choices>\n'
        if pairs
        else f'  <Rating name="rating" toName="response" maxRating="{_RATINGS[-1]}" required="true"/>\n'
    )
    ask = quoteattr(_ASK["preference" if pairs else "rating"])
    return (
        f"<View>\n  <Header value={quoteattr(_GUIDELINES)}/>\n"
        '  <Paragraphs name="prompt" value="$prompt" layout="dialogue" nameKey="role" textKey="content"/>\n'
        f"{answers}  <Header value={ask}/>\n{control}</View>\n"
    )
