"""Thoughts: what a reasoning model writes before its answer, taken apart from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

# How models mark their thoughts, each with what opens and what closes them, in any capitals.
_MARKS = {
    "<think>": "</think>",  # DeepSeek R1, Qwen 3, GLM, Phi, SmolLM 3 and most others
    "<thinking>": "</thinking>",  # Claude, and copies of it
    "<thought>": "</thought>",  # EXAONE, Marco
    "<thoughts>": "</thoughts>",
    "<reasoning>": "</reasoning>",
    "<reflection>": "</reflection>",
    "<scratchpad>": "</scratchpad>",
    "[think]": "[/think]",  # Magistral
    "<|start_thinking|>": "<|end_thinking|>",  # Command A
    "<|begin_of_thought|>": "<|end_of_thought|>",  # Sky-T1, OpenThoughts
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<|im_start|>think": "<|im_start|>answer",  # s1
    "<|channel>thought": "<channel|>",  # Gemma
    "◁think▷": "◁/think▷",  # Kimi
    "<seed:think>": "</seed:think>",  # Seed
}


MARKS = frozenset(_MARKS) | frozenset(_MARKS.values())


def _any(texts: Iterable[str]) -> str:
    listed = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    return f"(?ai:{listed})"


_OPENING, _CLOSING = _any(_MARKS), _any(_MARKS.values())
_OPEN = re.compile(rf"(?:\s*({_OPENING}))+")  # a template and its model may both open
_CLOSE = re.compile(rf"(?:\s*{_CLOSING})+")
_ENDS = {mark: re.compile(_any([close])) for mark, close in _MARKS.items()}
_LEFT_OPEN = re.compile(rf"{_OPENING}\Z")
# What some of these write around the answer.
_AROUND = re.compile(r"\A\s*<\|(?:START_RESPONSE|begin_of_solution)\|>|<\|(?:END_RESPONSE|end_of_solution)\|>\s*\Z")

# gpt-oss writes messages, each with its channel: `final` is the answer, `analysis` and `commentary` are thoughts.
_HEADER = re.compile(
    r"\s*+(?:<\|start\|>[^<]*+)?<\|channel\|>\s*+(\w*+)"
    r"(?:[^<]*+(?:<\|constrain\|>[^<]*+)?<\|message\|>|\s*+\Z)"
)
_MESSAGE_END = re.compile(r"<\|(?:end|call|return)\|>|(?=<\|(?:start|channel)\|>)|\Z")
_LAST_END = re.compile(r"<\|(?:end|return)\|>\s*+\Z")
# The same where a tokenizer has left out the tokens.
_BARE, _BARE_FINAL = re.compile(r"\s*+analysis(?=\S)"), "assistantfinal"

# A closing mark without its opening one is looked for among what may hide it: code, and opening marks.
_FREE = re.compile(
    r"(?P<code>^ {0,3}(?:```|~~~)|^(?: {4}|\t).*|``?|<(?:code|pre)>)" rf"|(?P<open>{_OPENING})|(?P<close>{_CLOSING})",
    re.MULTILINE,
)
_CODE_ENDS = {
    "```": re.compile(r"^[ \t]*```", re.MULTILINE),
    "~~~": re.compile(r"^[ \t]*~~~", re.MULTILINE),
    "<code>": re.compile("</code>"),
    "<pre>": re.compile("</pre>"),
}
_INLINE_ENDS = {"`": re.compile(r"[^`\n]*+`"), "``": re.compile(r"(?:[^`\n]|`(?!`))*+``")}
_QUOTE, _UNQUOTE = "\"'“‘«„({[*_", "\"'”’»“‘)}]*_"
_STOPS, _ENDS_SENTENCE = ".,;:!?…。", ".!?…。"


class Parts(NamedTuple):
    """A text taken apart: the thoughts in it and the answer; what is not there is null."""

    thinking: str | None
    answer: str | None


def split(text: str) -> Parts:
    r"""Take the thoughts at the beginning of a text apart from the answer.

    Looked for are tags of many models, in blocks one after the other; ones that the template opened, so that only the
    closing one is there; ones that never close (all is thought then, and there is no answer); and the channels of
    gpt-oss. A closing tag alone counts if it does not stand in code, in quotes, or between the words of a sentence, and
    no opening one stands before it. Both parts lose the white space around them; a text without thoughts stays as it
    is.

    >>> split("<think>2 + 2</think>4"), split("2 + 2</think>\n\n4"), split("<think>2 +"), split("4")
    ... # doctest: +NORMALIZE_WHITESPACE
    (Parts(thinking='2 + 2', answer='4'), Parts(thinking='2 + 2', answer='4'),
     Parts(thinking='2 +', answer=None), Parts(thinking=None, answer='4'))
    """
    if _HEADER.match(text):
        return _channels(text)
    if (bare := _BARE.match(text)) and _BARE_FINAL in text:
        thought, _, answer = text[bare.end() :].partition(_BARE_FINAL)
        return _parts([thought], answer)
    thoughts: list[str] = []
    at = 0
    if not _OPEN.match(text):
        closing = _free(text)
        if closing is None:
            return Parts(None, text)
        thoughts, at = [text[: closing[0]]], _behind_strays(text, closing[1])
    while opening := _OPEN.match(text, at):
        start, end = _end_of_block(text, opening)
        thoughts.append(text[opening.end() : start])
        at = _behind_strays(text, end)
    return _parts(thoughts, text[at:])


# One of these is in every text with thoughts; they are few and without their first letter, so that a search is fast.
SIGNS = (
    r"hink[>\]▷]|HINK[>\]▷]|inking[>|]|INKING[>|]|houghts?[>|]|HOUGHTS?[>|]|easoning>|EASONING>|eflection>|EFLECTION>"
    r"|cratchpad>|CRATCHPAD>|hannel[|>]|HANNEL[|>]|start\|>|START\|>|fix\|>|FIX\|>|ssistantfinal"
)
_SIGNS = re.compile(SIGNS)


def may_think(text: str) -> bool:
    """Tell quickly whether a text may have thoughts in it; `split` tells for certain."""
    return _SIGNS.search(text) is not None


def answers(texts: pl.Series) -> pl.Series:
    """Leave thoughts out of texts; null where there is nothing else.

    >>> answers(pl.Series(["4", "<think>2 + 2</think>4", "<think>2 +", None])).to_list()
    ['4', '4', None, None]
    """
    texts = texts.cast(pl.String)
    rows = texts.str.contains(SIGNS).fill_null(False).arg_true()
    parts = [split(text).answer for text in texts.gather(rows)]
    return texts.scatter(rows, pl.Series(parts, dtype=pl.String)) if parts else texts


def opened_by(prompt: str) -> str:
    r"""Give the mark with which a prompt, as the model sees it, opens the thoughts that the model goes on with.

    >>> opened_by("<|im_start|>assistant\n<think>\n"), opened_by("<|im_start|>assistant\n")
    ('<think>', '')
    """
    end = prompt[-200:].rstrip()
    if match := _LEFT_OPEN.search(end):
        return match[0]
    header = end.rpartition("<|channel|>")
    return "".join(header[1:]) if header[1] and end.endswith("<|message|>") else ""


def reply(text: str, prompt: str) -> str:
    """Give a reply with the mark that its prompt opened the thoughts with, so that `split` sees where they begin."""
    return opened_by(prompt) + text


def _end_of_block(text: str, opening: re.Match[str]) -> tuple[int, int]:
    """Find where a block of thoughts ends: at its own mark, else at another one that stands free, else nowhere."""
    match = _ENDS[opening[1].lower()].search(text, opening.end())
    return match.span() if match else _free(text, opening.end()) or (len(text), len(text))


def _behind_strays(text: str, at: int) -> int:
    match = _CLOSE.match(text, at)
    return match.end() if match else at


def _free(text: str, at: int = 0) -> tuple[int, int] | None:
    """Find a closing mark that ends thoughts by itself."""
    if not any(sign in text for sign in ("</", "|>", "[/", "◁/")):  # most texts, and quick to see
        return None
    lower = text.lower()
    if not any(close in lower for close in _MARKS.values()):
        return None
    endless: set[str] = set()
    while match := _FREE.search(text, at):
        if match["code"]:
            at = _behind_code(text, match, endless)
        elif _is_mention(text, *match.span()):
            at = match.end()
        else:
            return match.span() if match["close"] else None
    return None


def _behind_code(text: str, match: re.Match[str], endless: set[str]) -> int:
    """Give the end of the code that opens here, or of the sign alone where nothing closes it.

    Signs that nothing closes are `endless`, and looked for once: a text full of them must not take a search each.
    """
    code = match["code"].strip(" ")
    pattern = _CODE_ENDS.get(code) if code not in endless else None
    end = pattern.search(text, match.end()) if pattern else None
    if pattern and not end:
        endless.add(code)
    if code in _INLINE_ENDS:
        end = _INLINE_ENDS[code].match(text, match.end())
    return end.end() if end else match.end()  # an indented line ends where it was found to


def _is_mention(text: str, start: int, end: int) -> bool:
    """Tell a mark that is spoken of: in quotes, or a word of a sentence among others."""
    head, after = text[max(0, start - 20) : start], text[end : end + 1]
    if head and head[-1] in _QUOTE and not (head[-2:-1].isalnum() or head[-2:-1] in tuple(_STOPS)):
        return after != "" and after in _UNQUOTE + _STOPS
    if not head.endswith((" ", "\t")) or text[end : end + 2] == "\n\n":
        return False
    word = head.rstrip(" \t")[-1:]
    return word not in ("", "\n", *_ENDS_SENTENCE) and not after.isalnum()


def _channels(text: str) -> Parts:
    thoughts: list[str] = []
    at = 0
    while header := _HEADER.match(text, at):
        if header[1] == "final":
            return _parts(thoughts, _LAST_END.sub("", text[header.end() :]))
        end = _MESSAGE_END.search(text, header.end())
        assert end  # the end of the text, at the latest
        thoughts.append(text[header.end() : end.start()])
        at = end.end()
    return _parts(thoughts, text[at:])


def _parts(thoughts: list[str], answer: str) -> Parts:
    thinking = "\n\n".join(filter(None, (thought.strip() for thought in thoughts)))
    return Parts(thinking or None, _AROUND.sub("", answer).strip() or None)
