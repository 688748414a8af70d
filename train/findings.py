"""What the preflight finds, and the refusal that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.errors import UserError

_NAMED = 8  # rows named at once


class TrainError(UserError):
    """Say in words why a model is not trained, where the reason stands, and what would be right."""


@dataclass(frozen=True)
class Finding:
    """The result of one check: `stop` refuses the run unless it is forced, `warn` is printed and recorded."""

    check: str
    level: Literal["stop", "warn"]
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


def stop(check: str, message: str, **detail: Any) -> Finding:
    """Refuse the run."""
    return Finding(check, "stop", message, detail)


def warn(check: str, message: str, **detail: Any) -> Finding:
    """Warn of something that does not stop the run."""
    return Finding(check, "warn", message, detail)


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


def listing(names: Iterable[str]) -> str:
    """Name the first few, and say how many more there are.

    >>> listing("abcdefghij")
    'a, b, c, d, e, f, g, h and 2 more'
    """
    names = list(names)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
