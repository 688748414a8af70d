"""A judge without a model: the form of an answer, by rules that anyone can check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Literal, TypeAlias

from curate.models.judges.judge import Case, Grade, Judge

Check: TypeAlias = Literal["length", "ended", "unrepeated", "on_subject"]
CHECKS: list[Check] = ["length", "ended", "unrepeated", "on_subject"]
_WORD = re.compile(r"\w+(?:['’]\w+)?")
# A full stop or its like, with what may stand behind it; or the end of code.
_END = re.compile(r"(?:[.!?…。！？।][\"'”’»)\]*_]*|```)\s*\Z")
_BARE_ITEM = re.compile(r"(?:\A|\n)[ \t]*\d+\.\s*\Z")  # the number of an item that never came
_RUN = 4  # words
_SUBJECT = 4  # letters a word has at least, to be about something: shorter ones are mostly the, and, how, can


def rules(*, checks: list[Check] = CHECKS, min_words: int = 20, max_words: int = 300) -> Judge:
    """Grade the form of answers, from 0 to 1; the score is the mean of the checks, which are the grade's parts.

    They find what small models do wrong (stop in the middle, turn in circles, leave the subject) and say nothing about
    truth or use: the best of several answers by these rules is the one least broken. They need no model and give the
    same grade anywhere.

    - `length`: 1 from `min_words` to `max_words`; less in proportion below, and above down to 0 at twice the most
    - `ended`: 1 if the text ends with a stop, a question or exclamation mark, or the end of a code block; else 0
    - `unrepeated`: the share of runs of 4 words that are not a repetition of an earlier one (1 minus seq-rep-4 of
      Welleck et al. 2020, arXiv 1908.04319)
    - `on_subject`: the share of the prompt's different words of 4 letters or more that the answer has too, of at most 5

    Raises ValueError for checks or bounds that cannot be.

    >>> from curate.models.judges import Case
    >>> prompt = [{"role": "user", "content": "How do I store basil?"}]
    >>> (grade,) = rules(min_words=4).grade([Case("1", prompt, "Put basil in water, and store it in the light.")])
    >>> grade.parts, grade.score
    ({'length': 1.0, 'ended': 1.0, 'unrepeated': 1.0, 'on_subject': 1.0}, 1.0)
    """
    if not checks or len(set(checks)) < len(checks) or set(checks) - set(CHECKS):
        raise ValueError(f"rules: checks are one or more of {', '.join(CHECKS)}, each once, not {list(checks)}")
    if not 1 <= min_words <= max_words:
        raise ValueError(f"rules: 1 <= min_words <= max_words, not {min_words} and {max_words}")
    about = {"judge": "rules", "checks": list(checks), "min_words": min_words, "max_words": max_words}
    measures: dict[Check, Callable[[str, list[str], list[str]], float]] = {
        "length": partial(_length, min_words, max_words),
        "ended": _ended,
        "unrepeated": _unrepeated,
        "on_subject": _on_subject,
    }
    return Judge(partial(_grade, {check: measures[check] for check in checks}), about, "rules")


def _grade(measures: Mapping[str, Callable[..., float]], cases: Sequence[Case]) -> list[Grade]:
    grades = []
    for case in cases:
        words, prompt = (_WORD.findall(text.lower()) for text in (case.response, case.messages[-1]["content"]))
        parts = {name: measure(case.response, words, prompt) for name, measure in measures.items()}
        grades.append(Grade(fmean(parts.values()), parts))
    return grades


def _length(least: int, most: int, text: str, words: list[str], prompt: list[str]) -> float:
    return min(1.0, len(words) / least, max(0.0, 2 - len(words) / most))


def _ended(text: str, words: list[str], prompt: list[str]) -> float:
    return float(_END.search(text) is not None and not _BARE_ITEM.search(text))


def _unrepeated(text: str, words: list[str], prompt: list[str]) -> float:
    runs = list(zip(*(words[i:] for i in range(_RUN)), strict=False))
    return len(set(runs)) / len(runs) if runs else 1.0


def _on_subject(text: str, words: list[str], prompt: list[str]) -> float:
    subject = {word for word in prompt if len(word) >= _SUBJECT}
    return min(1.0, len(subject & set(words)) / min(5, len(subject))) if subject else 1.0
