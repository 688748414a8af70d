"""A user's own module with functions that judge."""

from __future__ import annotations

from curate.models.generators.generator import Generator
from curate.models.judges import Judge, label


def words(response: str, most: int = 100) -> float:
    return min(len(response.split()), most)


def overlap(prompt: str, response: str) -> float:
    return len(set(prompt.lower().split()) & set(response.lower().split()))


def turns(messages: list[dict[str, str]], response: str) -> float:
    return len(messages)


def strict(generator: Generator, seed: int = 0) -> Judge:
    return label(generator=generator, seed=seed)
