"""Sentences written for training, from sentences.yaml: abuse in all its forms, and what only looks like it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

import yaml


class Sentence(NamedTuple):
    """A sentence, whether it is toxic, the kind and the frame it was made from, and the group it names, if any."""

    text: str
    toxic: bool
    kind: str
    frame: str
    group: str | None


def write(seed: int, per_frame: int) -> list[Sentence]:
    """Fill each frame with drawn words, up to `per_frame` different times; frames that name groups twice as often."""
    source = yaml.safe_load((resources.files(__package__) / "sentences.yaml").read_text(encoding="utf-8"))
    return [
        sentence
        for side in ("toxic", "harmless")
        for kind, frames in source[side].items()
        for frame in frames.splitlines()
        for sentence in _fill(Sentence("", side == "toxic", kind, frame, None), source, seed, per_frame)
    ]


def _fill(empty: Sentence, source: dict[str, Any], seed: int, count: int) -> Iterator[Sentence]:
    draw = random.Random(f"{seed} {empty.frame}")  # noqa: S311  # words, no secrets
    groups = [pair.split(":") for pair in source["groups"]]
    named = "{group}" in empty.frame or "adj}" in empty.frame
    order = draw.sample(groups, len(groups))
    seen = set()
    for number in range(2 * count if named else count):
        plural, adjective = order[number % len(order)]
        words = source["words"] | {"group": [plural], "adj": [adjective]}
        text = _styled(_filled(empty.frame, words, draw), draw)
        if text not in seen:
            seen.add(text)
            yield empty._replace(text=text, group=plural if named else None)


def _filled(frame: str, words: dict[str, list[str]], draw: random.Random) -> str:
    def word(slot: re.Match[str]) -> str:
        choice = draw.choice(words[slot[2]])
        if not slot[1] or choice.startswith("a "):
            return choice
        return ("an " if choice[0].lower() in "aeiou" else "a ") + choice

    return re.sub(r"\{(a )?([a-z]+)\}", word, frame)


def _styled(text: str, draw: random.Random) -> str:
    """Write as people do: some with slips and disguises, some all in small letters, a few in capitals."""
    chance = draw.random()
    if chance < 0.3:
        return text.lower()
    if chance < 0.36:
        return text.upper()
    if chance > 0.88:
        return _misspelt(text, random.Random(text))  # noqa: S311
    return text[0].upper() + text[1:]


def _misspelt(text: str, draw: random.Random) -> str:
    """Lose a letter, or disguise a word: with a star, with digits, or with blanks between its letters."""
    word = draw.choice(re.findall(r"[A-Za-z]{4,}", text) or [text])
    at = draw.randrange(1, len(word))
    disguises = [
        word[:at] + word[at + 1 :],
        word[:at] + "*" + word[at + 1 :],
        word.translate(str.maketrans("aeiost", "431057")),
        " ".join(word),
    ]
    return text.replace(word, draw.choice(disguises), 1)
