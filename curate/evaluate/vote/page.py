"""The page of a vote: its template with the comparisons in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.page import render
from curate.turns import lines

RESULT_FORMAT = "curate vote result 1"


def page(vote: str, question: str, items: Sequence[Mapping[str, Any]]) -> str:
    """Build the page: `items` as `draw` gives them, in the order they are shown.

    All texts are escaped and shown as they are, Markdown too, without the empty lines around them.
    """
    shown = [{**item, **_conversation(item)} for item in items]
    return str(render("vote.html", title=question, vote=vote, format=RESULT_FORMAT, items=shown))


def _conversation(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read the turns before the prompt, and those of each answer before its text, as who speaks and what."""
    tools, before = json.loads(item.get("before") or "[null, []]")
    sides = {f"{side}_turns": lines(json.loads(item.get(f"{side}_turns") or "[]")) for side in ("left", "right")}
    return {"before": [*([("tools", tools)] if tools else []), *lines(before)], **sides}
