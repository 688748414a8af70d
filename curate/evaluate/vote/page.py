"""The page of a vote: its template with the comparisons in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.page import render

RESULT_FORMAT = "curate vote result 1"


def page(vote: str, question: str, items: Sequence[Mapping[str, Any]]) -> str:
    """Build the page: `items` with `item`, `prompt`, `left_text`, `right_text`, in the order they are shown.

    All texts are escaped and shown as they are, Markdown too, without the empty lines around them.
    """
    return str(render("vote.html", title=question, vote=vote, format=RESULT_FORMAT, items=items))
