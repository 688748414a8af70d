"""Scales of named labels that come with a prompt: what `label` and `verdict` grade by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from curate.judges import prompts

ScaleName: TypeAlias = Literal["helpfulness", "pass", "safety"]


class Scale(NamedTuple):
    """A prompt, and the value of each label it explains."""

    prompt: str
    values: Mapping[str, float]


# LIMA (arXiv 2305.11206) grades helpfulness from 1 to 6 in its ablations (section 5), by fail, pass, excellent in its
# analysis (4.3) and its dialogues (6), and by safe or unsafe what is said to sensitive prompts (4.3).
_PACKAGED: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "helpfulness": ("judge_helpfulness.txt", {str(n): float(n) for n in range(1, 7)}),
    "pass": ("judge_pass.txt", {"fail": 0.0, "pass": 1.0, "excellent": 2.0}),
    "safety": ("judge_safety.txt", {"unsafe": 0.0, "safe": 1.0}),
}


def settle(
    who: str,
    scale: ScaleName,
    prompt: str | None,
    labels: list[str] | None,
    values: list[float] | None,
    taken: str = "",
) -> Scale:
    """Settle by what is graded: a packaged scale, or labels of one's own with a prompt that explains them.

    `taken` is a name that no label may have. Values are 1, 2, 3, … for labels that come without. Raises ValueError
    beginning with `who` for labels, values or a prompt that cannot be.

    >>> settle("verdict", "safety", None, None, None).values
    {'unsafe': 0.0, 'safe': 1.0}
    """
    if scale not in _PACKAGED:
        raise ValueError(f"{who}: scale is one of {', '.join(_PACKAGED)}, not {scale!r}")
    file, known = _PACKAGED[scale]
    valued = _valued(who, list(known) if labels is None else labels, _values(known, labels, values), taken)
    if prompt is None and list(valued) != list(known):
        ends = f"{next(iter(known))} to {list(known)[-1]}"
        raise ValueError(f"{who}: the packaged prompt is for the labels {ends}; write one that explains {labels}")
    asked = prompts.packaged(file) if prompt is None else prompt
    prompts.check(asked, ["labels", "reply"], who)
    return Scale(asked, valued)


def _values(known: Mapping[str, float], labels: list[str] | None, values: list[float] | None) -> list[float]:
    if values is not None:
        return values
    return list(known.values()) if labels in (None, list(known)) else [float(i + 1) for i in range(len(labels or ()))]


def _valued(who: str, labels: list[str], values: list[float], taken: str) -> dict[str, float]:
    if len(labels) < 2 or len(set(labels)) < len(labels) or {"", taken} & set(labels):
        never = f", none of them '{taken}'" if taken else ""
        raise ValueError(f"{who}: labels are at least two different texts{never}, not {labels}")
    if len(values) != len(labels):
        raise ValueError(f"{who}: {len(labels)} labels need as many values, not {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{who}: values are finite numbers, not {values}")
    return dict(zip(labels, map(float, values), strict=True))
