"""Pairs made for the tests: words drawn by hashes, so that nothing tells the sides apart but what a test plants."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import polars as pl

WORDS = [
    "river", "stone", "window", "garden", "market", "letter", "silver", "bridge", "candle", "forest", "harbour",
    "kettle", "ladder", "meadow", "needle", "orchard", "pepper", "quarry", "ribbon", "saddle", "timber",
    "valley", "wagon", "anchor", "basket", "copper", "dragon", "engine", "feather", "glove", "hammer", "island"
]  # fmt: skip


def drawn(*key: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:6], "big")


def text(*key: object, words: int = 40) -> str:
    said = [WORDS[drawn(*key, i) % len(WORDS)] for i in range(words - 6 + drawn(*key, "n") % 13)]
    return " ".join(said).capitalize() + "."


def same(said: str) -> str:
    return said


def pairs(n: int, chosen: Callable[[str], str] = same, rejected: Callable[[str], str] = same, a_prompt: int = 1):
    """Make n pairs, `a_prompt` to a prompt; the two functions plant something into either side."""
    return pl.DataFrame(
        {
            "id": [f"{drawn(i, 'id'):012x}" for i in range(n)],
            "prompt": [f"What of {i // a_prompt}?" for i in range(n)],
            "chosen": [chosen(text(i, "one")) for i in range(n)],
            "rejected": [rejected(text(i, "two")) for i in range(n)],
        }
    )
