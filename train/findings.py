"""What the preflight finds, and the refusal that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from curate.errors import UserError


class TrainError(UserError):
    """Say in words why a model is not trained, where the reason stands, and what would be right."""


@dataclass(frozen=True)
class Finding:
    """One thing a check found: `stop` refuses the run unless it is forced, `warn` is told and recorded."""

    check: str
    level: Literal["stop", "warn"]
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


def refuse(findings: list[Finding], *, force: bool) -> list[Finding]:
    """Return the findings that were forced; raise TrainError naming all that stop the run, unless `force`.

    >>> refuse([Finding("pad", "warn", "The pad token is the end token.")], force=False)
    []
    """
    stops = [finding for finding in findings if finding.level == "stop"]
    if stops and not force:
        lines = [f"Nothing was trained: {len(stops)} of the checks before training refuse it."]
        lines += [f"  {finding.check}: {finding.message}" for finding in stops]
        raise TrainError("\n".join([*lines, "Mend it, or train all the same with --force, which the record will say."]))
    return stops
