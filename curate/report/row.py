"""A row as a reader sees it: what it is, what the ledger says of it, and its texts by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.report.words import number, plural
from curate.turns import ANSWERS, answer, lean, lines


def head_of(row: dict[str, Any]) -> str:
    """Say in a line what a row is: where it comes from, which step dropped it, and by how much where that is a number.

    >>> head_of({"id": "5" * 32, "source": "qa", "domain": "music", "kept": False, "dropped_by": "length"})
    '555555555555  qa, music: dropped by length'
    """
    state = "" if "kept" not in row else ": kept" if row["kept"] else f": dropped by {row['dropped_by']}"
    near = (
        f", {number(row['measured'], 4)} where {row['bound']} is {number(row['threshold'], 4)}"
        if row.get("bound")
        else ""
    )
    return f"{row['id'][:12]}  {row['source']}, {row['domain'] or 'no domain'}{state}{near}"


def evidence_of(row: dict[str, Any]) -> list[str]:
    """List in lines why a row is out."""
    return [line for line in (row.get("detail") or "").split("\n") if line]


def texts_of(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """List what a row says, in its order; of thoughts only how many words they are."""
    asker = " ".join(["prompt", *(row.get("prompt_name") or "").split()])
    turns = [*map(lean, row.get("history") or [])]
    before = [("tools", row.get("tools")), ("system", row.get("system")), *lines(turns), (asker, row.get("prompt"))]
    before += [] if row.get("prompt") else [("title", row.get("title"))]  # of a question that no step made a prompt of
    answers = [
        (column if who == "assistant" else f"{column}: {who}", text)
        for column in ANSWERS
        for who, text in lines(answer(row, column))
    ]
    for name, text in [*before, *answers]:
        if text:
            yield name, f"({plural(len(text.split()), 'word')})" if name.endswith(" thinks") else text.strip()
