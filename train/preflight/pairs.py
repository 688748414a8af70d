"""Lengths of the two sides of pairs: where one is always longer, length is what is learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.train.findings import Finding
from curate.train.preflight.seen import Answers, Seen

# Our choice: DPO learns length from far less than a doubling (Park et al. 2024, arXiv 2403.19159).
_RATIO = 1.5
_SHARE = 0.8  # of the pairs in which the same side is longer


def length_ratio(seen: Seen) -> Iterator[Finding]:
    """Find sets whose chosen answers are much longer or shorter than the rejected ones, or nearly always so."""
    sides = {answers.name: answers for answers in seen.answers}
    if not {"chosen", "rejected"} <= sides.keys() or not sides["chosen"].ids:
        return
    chosen, rejected = (_lengths(seen, sides[name]) for name in ("chosen", "rejected"))
    ratio = float(chosen.mean() / max(rejected.mean(), 1))
    longer, shorter = float((chosen > rejected).mean()), float((chosen < rejected).mean())
    if ratio > _RATIO or ratio < 1 / _RATIO or longer > _SHARE or shorter > _SHARE:
        share, how = (longer, "longer") if longer >= shorter else (shorter, "shorter")
        yield Finding(
            "length ratio",
            "warn",
            f"chosen answers have {ratio:.2f} times the tokens of rejected ones and are {how} in {share:.0%} of the "
            "pairs: what is learned may be length; keep pairs by length_ratio, and judge answers of the same length",
            {"ratio": ratio, "chosen_longer": longer, "chosen_shorter": shorter},
        )


def _lengths(seen: Seen, answers: Answers) -> Any:
    import numpy as np

    return np.add.reduceat(answers.trained, answers.starts[:-1]) if seen.stage == "dpo" else answers.lengths
