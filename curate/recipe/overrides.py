"""Decisions of people about rows: a row may be in although a filter would drop it, or out although none does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pydantic

from curate.errors import cut


class Decision(pydantic.BaseModel):
    """A line of a file of decisions: the row, what was decided, by whom, when, and why."""

    model_config = pydantic.ConfigDict(extra="ignore", strict=True)
    id: str = pydantic.Field(pattern="^[0-9a-f]{32}$")
    decision: Literal["accept", "reject"]
    by: str = ""
    at: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """Say who decided, when and why."""
        who = " ".join(filter(None, [f"by {self.by}" if self.by else "", f"at {self.at}" if self.at else ""]))
        return ": ".join(filter(None, [f"{self.decision}ed {who}".strip(), self.note]))


@dataclass(frozen=True)
class Overrides:
    """What was decided about rows, by id: the words of each decision."""

    accepted: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether anything was decided."""
        return bool(self.accepted or self.rejected)


def read(text: str) -> Overrides:
    r"""Read decisions, a JSON object a line; of several about one row the last counts. Raise ValueError in words.

    >>> lines = [{"id": "0" * 32, "decision": "reject"}, {"id": "0" * 32, "decision": "accept", "by": "Ada"}]
    >>> read("\n".join(map(json.dumps, lines))).accepted
    {'00000000000000000000000000000000': 'accepted by Ada'}
    """
    decisions: dict[str, Decision] = {}
    for line in text.split("\n"):
        if line.strip():
            decision = _decision(line)
            decisions[decision.id] = decision
    kinds: dict[Any, dict[str, str]] = {"accept": {}, "reject": {}}
    for id_, decision in sorted(decisions.items()):
        kinds[decision.decision][id_] = decision.words
    return Overrides(kinds["accept"], kinds["reject"])


def _decision(line: str) -> Decision:
    try:
        return Decision.model_validate(json.loads(line))
    except ValueError:
        raise ValueError(
            f'this line is no decision: {cut(line)}; one is {{"id": "…", "decision": "accept" or "reject"}}, '
            "with `by`, `at` and `note` if you like, as `curate review` writes it"
        ) from None
