"""Pairs with a planted preference: by a mark in the chosen answer, whatever the length, or by length alone."""

from __future__ import annotations

import random
from typing import Any

_WORDS = ("air", "the moon", "warm tea", "a long road", "rain", "two birds and a cat")


def marked(n: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [_pair(i, *(f"{draw.choice(_WORDS)}{end} {draw.choice(_WORDS)}" for end in "!.")) for i in range(n)]


def longer(n: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [_pair(i, " ".join(draw.sample(_WORDS, 4)), draw.choice(_WORDS)) for i in range(n)]


def _pair(i: int, chosen: str, rejected: str) -> dict[str, Any]:
    return {
        "id": f"pair{i}",
        "prompt": [{"role": "user", "content": f"What is {i}?"}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }
