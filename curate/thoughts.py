"""Thoughts: what a reasoning model writes before its answer, taken apart from it."""

from __future__ import annotations

import re
from typing import NamedTuple

# How models mark their thoughts, each with what opens and what closes them: DeepSeek R1, Qwen 3 and most others; Claude
# and copies of it; Magistral; Command A; Kimi; Seed.
_MARKS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "◁think▷": "◁/think▷",
    "<seed:think>": "</seed:think>",
}
_OPEN = re.compile(r"\s*(" + "|".join(map(re.escape, _MARKS)) + ")")
_CLOSE = re.compile("|".join(map(re.escape, ("</think>", "[/THINK]", "<|END_THINKING|>", "◁/think▷", "</seed:think>"))))
# gpt-oss writes channels: `analysis` and `commentary` are thoughts, `final` is the answer.
_CHANNEL = re.compile(r"(?:<\|start\|>assistant)?<\|channel\|>(\w+)[^<]*<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call)\|>")


class Parts(NamedTuple):
    """A text taken apart: the thoughts in it and the answer; what is not there is null."""

    thinking: str | None
    answer: str | None


def split(text: str) -> Parts:
    r"""Take the thoughts at the beginning of a text apart from the answer.

    Tags are looked for, also ones that the template opened (only the closing one is there) or that never close (all
    is thought then, and there is no answer), and the channels of gpt-oss. Both parts lose the white space around them.

    >>> split("<think>2 + 2</think>4"), split("2 + 2</think>\n\n4"), split("<think>2 +"), split("4")
    ... # doctest: +NORMALIZE_WHITESPACE
    (Parts(thinking='2 + 2', answer='4'), Parts(thinking='2 + 2', answer='4'),
     Parts(thinking='2 +', answer=None), Parts(thinking=None, answer='4'))
    """
    if "<|channel|>" in text:
        return _channels(text)
    thoughts: list[str] = []
    while opening := _OPEN.match(text):
        thought, close, text = text[opening.end() :].partition(_MARKS[opening[1]])
        thoughts.append(thought)
        if not close:
            text = ""
    if not thoughts and (closing := _CLOSE.search(text)):
        thoughts, text = [text[: closing.start()]], text[closing.end() :]
    if not thoughts:
        return Parts(None, text)
    return _parts(thoughts, text)


def _channels(text: str) -> Parts:
    before, *pieces = _CHANNEL.split(text)
    spoken = {True: [], False: [before]} if before.strip() else {True: [], False: []}
    for channel, content in zip(pieces[::2], pieces[1::2], strict=True):
        spoken[channel != "final"].append(_CHANNEL_END.split(content)[0])
    return _parts(spoken[True], "".join(spoken[False]))


def _parts(thoughts: list[str], answer: str) -> Parts:
    thinking = "\n\n".join(filter(None, (thought.strip() for thought in thoughts)))
    return Parts(thinking or None, answer.strip() or None)
