"""What a chat template does with a conversation: refuses it, leaves a turn out, or writes no calls, tools or thoughts.

The rows are written as they are trained, before a model is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from curate.train.data import Row
from curate.train.findings import Finding, listing, stop, warn
from curate.train.preflight.context import Context
from curate.train.rendering import REFUSALS, answers, of_turns, reads, write

_ANY = "what it takes differs from model to model: bring the rows to it, or take a model whose template takes them"


class Text(NamedTuple):
    """A row as the template writes it, with one of its answers (None: the prompt alone)."""

    row: Row
    answer: str | None
    text: str


def texts(tokenizer: Any, rows: Sequence[Row]) -> tuple[list[Text], dict[str, list[Row]]]:
    """Write all rows of turns; also give those that the template refuses, by its reason."""
    written: list[Text] = []
    refused: dict[str, list[Row]] = {}
    for row in of_turns(rows):
        try:
            written += [Text(row, name, write(tokenizer, row.record, name)) for name in answers(row.record)]
        except REFUSALS as error:
            refused.setdefault(str(error).strip() or type(error).__name__, []).append(row)
    return written, refused


def refused(reasons: dict[str, list[Row]]) -> Iterator[Finding]:
    """Name the rows that the template refuses, with its own words for it."""
    for reason, rows in reasons.items():
        roles = dict.fromkeys(turn["role"] for row in rows for turn in _turns(row, *answers(row.record)))
        yield stop(
            "template",
            f"the chat template refuses {len(rows):,} rows ({reason}); they have turns of {', '.join(roles)}: "
            f"{listing(row.name for row in rows)}; {_ANY}.",
            ids=[row.id for row in rows],
            reason=reason,
        )


def dropped(written: Sequence[Text]) -> Iterator[Finding]:
    """Find the turns whose text a template leaves out without a word, by their roles."""
    by_role: dict[str, dict[str, Row]] = {}
    for row, answer, text in written:
        squeezed = _squeezed(text)
        for turn in _turns(row, answer):
            if not _holds(squeezed, (turn["content"] or "").rpartition("</think>")[2]):
                by_role.setdefault(turn["role"], {})[row.id] = row
    for role, rows in by_role.items():
        yield stop(
            "template",
            f"the chat template leaves out what the {role} says in {len(rows):,} rows, without a word: "
            f"{listing(row.name for row in rows.values())}; {_ANY}.",
            ids=list(rows),
            role=role,
        )


def calls(tokenizer: Any, rows: Sequence[Row]) -> Iterator[Finding]:
    """Find calls of tools that a template does not write: an answer that is a call would be trained as an empty one."""
    callers = [
        row for row in of_turns(rows) if any(t.get("tool_calls") for a in answers(row.record) for t in _turns(row, a))
    ]
    if callers and not reads(tokenizer).calls:
        yield stop(
            "template",
            f"the chat template does not write the calls of tools that {len(callers):,} rows hold: "
            f"{listing(row.name for row in callers)}; {_ANY}.",
            ids=[row.id for row in callers],
        )


def unread(context: Context) -> Iterator[Finding]:
    """Find thoughts and tools that the template does not write."""
    if not context.tokenizer.chat_template:
        return
    rows = list(of_turns(context.rows))
    described = [row for row in rows if row.record.get("tools")]
    if described and context.stage.form == "prompts":
        yield _unread(described, "tools", "what may be called is not in the prompt", "trl's sampling of answers")
    elif described and not reads(context.tokenizer).tools:
        yield _unread(described, "tools", "what may be called is not in the prompt")
    thinkers = [row for row in rows if any(_thoughts(row, name) for name in answers(row.record))]
    written, _ = texts(context.tokenizer, thinkers)
    silent = {
        t.row.id: t.row for t in written if not all(_holds(_squeezed(t.text), x) for x in _thoughts(t.row, t.answer))
    }
    if silent:
        yield _unread(list(silent.values()), "thoughts", "their answers are trained without them")


def tool_turns(context: Context) -> Iterator[Finding]:
    """Find answers with a tool's turn in them: in pairs and verdicts trl trains on all of an answer."""
    rows = [
        row
        for row in of_turns(context.rows)
        if any(turn["role"] == "tool" for name in answers(row.record) if name for turn in row.record[name])
    ]
    if rows:
        yield warn(
            "tools in the loss",
            f"{len(rows):,} rows have answers in which a tool speaks too, and its words are in the loss: "
            f"{listing(row.name for row in rows)}; put the turns up to the tool's into the prompt",
            ids=[row.id for row in rows],
        )


def _unread(rows: list[Row], what: str, outcome: str, who: str = "the chat template") -> Finding:
    return warn(
        "template",
        f"{who} does not write the {what} of {len(rows):,} rows, and {outcome}: {listing(row.name for row in rows)}",
        ids=[row.id for row in rows],
        what=what,
    )


def _turns(row: Row, *names: str | None) -> list[dict[str, Any]]:
    return [turn for name in ("prompt", *names) if name for turn in row.record[name]]


def _thoughts(row: Row, answer: str | None) -> list[str]:
    return [turn["thinking"] for turn in row.record[answer] if "thinking" in turn] if answer else []


def _holds(squeezed: str, content: str) -> bool:
    """Tell whether a text is written, as it is or as JSON; templates may change its spaces and cases."""
    return any(_squeezed(form) in squeezed for form in (content, json.dumps(content, ensure_ascii=False)[1:-1]))


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()
