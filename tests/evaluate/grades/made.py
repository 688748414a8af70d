"""Answers and judges for the tests of grading: small, and known to the last letter."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.evaluate.answers import SCHEMA
from curate.models.judges import Judge, function


def answers(*texts: str | None, samples: int = 1, **more: Any) -> pl.DataFrame:
    """Make answers to prompts `p0`, `p1`, …, so many samples each; None is an answer that failed."""
    rows = [
        {
            "id": f"p{i // samples}",
            "prompt": f"Question {i // samples}?",
            "sample": i % samples,
            "response": text,
            "finish_reason": None if text is None else "stop",
            "tokens": None if text is None else len(text),
            "failed": "too long" if text is None else None,
            **more,
        }
        for i, text in enumerate(texts)
    ]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=dict(SCHEMA))


def dialogue(*texts: str, name: str = "d0") -> pl.DataFrame:
    """Make the answers to one dialogue's turns, each with what stood before it."""
    rows: list[dict[str, Any]] = []
    history: list[dict[str, str]] = []
    for turn, text in enumerate(texts):
        answer = {
            "id": name,
            "prompt": f"Turn {turn}?",
            "sample": 0,
            "turn": turn,
            "response": text,
            "tokens": len(text),
        }
        rows.append(answer | {"finish_reason": "stop", "history": list(history) or None})
        history += [{"role": "user", "content": f"Turn {turn}?"}, {"role": "assistant", "content": text}]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=dict(SCHEMA))


def longer(first: str, second: str) -> str:
    return "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"


def place(first: str, second: str) -> str:
    return "first"


def length(response: str) -> float:
    return len(response)


LONGER: Judge = function(longer)
PLACE: Judge = function(place)
LENGTH: Judge = function(length)
