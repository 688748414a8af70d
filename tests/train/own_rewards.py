"""A user's own rewards, as RLOO is given them."""

from __future__ import annotations


def vowels(response: str) -> float:
    return sum(letter in "aeiou" for letter in response) / max(len(response), 1)


def sometimes(prompt: str, response: str) -> float | None:
    return None if "e" in response else float(len(prompt) > 0) + vowels(response)


def never(response: str) -> float:
    raise RuntimeError("the server is away")


def of_length(response: str, wanted: int) -> float:
    return -abs(len(response) - wanted)


def better(first: str, second: str) -> str:
    return "first" if first > second else "second"
