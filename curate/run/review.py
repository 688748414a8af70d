"""Rows of a finished folder for a person to decide about, and the file of decisions, which a recipe reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import write_whole
from curate.errors import UserError, cut
from curate.recipe.overrides import Overrides, read
from curate.report.page import render
from curate.report.row import evidence_of, head_of, texts_of
from curate.report.words import plural
from curate.rows import scan
from curate.run.examples import marks
from curate.run.folder import open_out, some_rows
from curate.run.inputs import Rows, look


class ReviewError(UserError):
    """Say why rows cannot be reviewed, and what would be right."""


def decisions_file(out: Path) -> Path:
    """Name the file of decisions about a folder, which stands beside it.

    >>> decisions_file(Path("out/lima1k")).name
    'lima1k.review.jsonl'
    """
    return out.parent / f"{out.resolve().name}.review.jsonl"


def decided(file: Path) -> Overrides:
    """Read a file of decisions, which need not be there yet; raise ReviewError where it is something else."""
    try:
        return read(file.read_text(encoding="utf-8")) if file.exists() else Overrides()
    except (OSError, ValueError) as error:
        raise ReviewError(f"{file}: {getattr(error, 'strerror', None) or error}") from None


def undecided(out: Path, n: int, decisions: Overrides, *, dropped: str | None = None, kept: bool = False) -> Rows:
    """Read the next rows that nothing was decided about.

    Args:
        out: the folder; its inputs must still be where its recipe says.
        n: at most so many rows.
        decisions: what was decided already.
        dropped: of the rows that this step dropped, those with the lowest ids; else those that failed one step alone,
            and that by the least.
        kept: of the rows of the set, those with the lowest ids: these are hashes, so they are as good as drawn.

    Raise OutputError for a folder that is none, and for a step that is not there.
    """
    before = {*decisions.accepted, *decisions.rejected}
    more = n + len(before)
    if kept:
        result = Rows(some_rows(out, more, drawn=True), [])
    else:
        result = look(out, more, dropped=dropped) if dropped else look(out, more, near=more)
    rows = {row["id"]: row for row in result.rows if row["id"] not in before}
    return Rows(list(rows.values())[:n], result.notes)


def decide(file: Path, row: str, decision: str, by: str, note: str = "") -> str:
    """Append a decision to a file; return its line."""
    line = _line(row, decision, by, note)
    _append(file, [line])
    return line


def _line(row: str, decision: str, by: str, note: str = "") -> str:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = {"id": row, "decision": decision, "by": by, "at": at, **({"note": note} if note else {})}
    return json.dumps(words, ensure_ascii=False) + "\n"


def _append(file: Path, lines: Iterable[str]) -> None:
    whole = not file.exists() or file.read_text(encoding="utf-8")[-1:] in {"", "\n"}
    with file.open("a", encoding="utf-8") as to:
        to.writelines([*([] if whole else ["\n"]), *lines])


def decide_about(out: Path, file: Path, rows: Path, decision: str, by: str) -> int:
    """Append a decision about each row that the file `rows` lists, as a viewer exports a selection; count the rows.

    It is Parquet, CSV or JSON with a column `id`, or text with an id a line. A row that has this decision already is
    not written again. Raise ReviewError for another file, and for rows that are none of the folder's.
    """
    ids = list(dict.fromkeys(map(str, _ids(rows))))
    there = set(open_out(out)[1].filter(pl.col("id").is_in(ids)).select("id").collect()["id"])
    if strangers := [row for row in ids if row not in there]:
        count = f"{len(strangers):,} of {plural(len(ids), 'id')}"
        raise ReviewError(f"{rows}: no row of {out} has {count}; the first is '{cut(strangers[0])}'")
    before = decided(file)
    same = before.accepted if decision == "accept" else before.rejected
    _append(file, [_line(row, decision, by) for row in ids if row not in same])
    return len(ids)


def _ids(file: Path) -> list[Any]:
    """Read the ids that a file lists."""
    try:
        if file.suffix == ".parquet":
            return scan(file).select("id").collect()["id"].to_list()
        if file.suffix == ".csv":
            return pl.read_csv(file, columns=["id"], infer_schema=False, glob=False)["id"].to_list()
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            return [row["id"] for row in json.loads(text)]
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return [json.loads(line)["id"] for line in lines] if file.suffix == ".jsonl" else lines
    except FileNotFoundError:
        raise ReviewError(f"there is no file {file}") from None
    except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
        raise ReviewError(
            f"{file} is no list of rows, which is Parquet, CSV or JSON with a column 'id', or text with an id a line "
            f"({type(error).__name__}: {cut(str(error))})"
        ) from None


def take_back(file: Path, line: str) -> None:
    """Remove a decision from a file, the last one that is so; what others wrote there since stays."""
    before, _, after = file.read_text(encoding="utf-8").rpartition(line)
    write_whole(file, before + after)


def page(out: Path, rows: Rows, by: str = "") -> str:
    """Build a page to decide about rows by keys: one file that works without a network and saves decisions."""
    name = out.resolve().name
    items = [_shown(row) for row in rows.rows]
    of = hashlib.sha256("\n".join([name, *(item["id"] for item in items)]).encode()).hexdigest()[:12]
    title = f"Review of {name}"
    context = {"run": name, "file": decisions_file(out).stem, "review": of, "name": by, "notes": rows.notes}
    return str(render("review.html", title=title, items=items, **context))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    spans: Iterable[str] = row.get("spans", ())
    texts = [(name, marks(text, spans)) for name, text in texts_of(row)]
    twin = _shown(row["twin"]) if row.get("twin") else None
    return {"id": row["id"], "head": head_of(row), "evidence": evidence_of(row), "texts": texts, "twin": twin}
