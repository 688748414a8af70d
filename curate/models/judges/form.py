"""A judge without a model: the form of an answer, by rules that anyone can check."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Literal, TypeAlias

from curate.models.judges.judge import Case, Grade, Judge

Check: TypeAlias = Literal["length", "ended", "unrepeated", "on_subject"]
CHECKS: list[Check] = ["length", "ended", "unrepeated", "on_subject"]
# Han and Kana, which put no blanks between words: each letter is taken by itself.
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_UNSPACED = rf"{_HAN}\u3041-\u3096\u309d-\u309f{_KATAKANA}\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\uac00-\ud7af"
# Marks on letters, which are no letters to `\w`, and the whole of India's scripts, whose vowels are such marks.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
_INDIAN = "\u0900-\u0963\u0966-\u0df3"
_LETTERS = rf"(?:[^\W{_UNSPACED}]|[{_MARKS}{_INDIAN}\u200c\u200d])+"
_WORD = re.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})?")
# Scripts whose words and sentences have no ends that a rule could see: Thai, Lao, Tibetan, Burmese, Khmer and others.
_UNKNOWN = re.compile(
    "[\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9df]"
)
# A full stop or its like, with what may stand behind it; the question mark of Greek; or the end of code.
_END = re.compile(r"(?:(?:[.!?…।॥؟۔։።፧。！？．｡]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);)[\"'”’»)\]*_」』）】》]*|```)\s*\Z")
_BARE_ITEM = re.compile(r"(?:\A|\n)[ \t]*\d+\.\s*\Z")  # the number of an item that never came
_RUN = 4  # words
_SUBJECT = 4  # letters a word has at least, to be about something: shorter ones are mostly the, and, how, can
_PAIR = 2  # letters of most words in Han
_ALONE = re.compile(f"[{_UNSPACED}]")
_PAIRED = re.compile(rf"(?=([{_HAN}]{{2}}|[{_KATAKANA}]{{2}}|[{_HANGUL}]{{2}}))")


def rules(*, checks: list[Check] = CHECKS, min_words: int = 20, max_words: int = 300) -> Judge:
    """Grade the form of answers, from 0 to 1; the score is the mean of the checks, which are the grade's parts.

    Chinese, Japanese and Korean are measured by letters and pairs of letters in place of words. An answer or a prompt
    in Thai, Lao, Khmer, Burmese or Tibetan has no grade: there a rule sees no end of a word or a sentence.

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
    measures: dict[Check, Callable[[str, list[str], str], float]] = {
        "length": partial(_length, min_words, max_words),
        "ended": _ended,
        "unrepeated": _unrepeated,
        "on_subject": _on_subject,
    }
    return Judge(partial(_grade, {check: measures[check] for check in checks}), about, "rules")


def _grade(measures: Mapping[str, Callable[..., float]], cases: Sequence[Case]) -> list[Grade]:
    return [_grade_one(measures, case.response, case.messages[-1]["content"]) for case in cases]


def _grade_one(measures: Mapping[str, Callable[..., float]], response: str, prompt: str) -> Grade:
    for text in (response, prompt):
        letters = _UNKNOWN.findall(text)
        if len(letters) > sum(map(str.isalpha, text)) / 2:
            script = unicodedata.name(letters[0]).split()[0].title()
            return Grade(None, why=f"rules cannot tell where words and sentences end in the script {script}")
    words = _WORD.findall(response.lower())
    parts = {name: measure(response, words, prompt.lower()) for name, measure in measures.items()}
    return Grade(fmean(parts.values()), parts)


def _length(least: int, most: int, text: str, words: list[str], prompt: str) -> float:
    count = len(words) - _letters(words) * (1 - 1 / _PAIR)
    return min(1.0, count / least, max(0.0, 2 - count / most))


def _letters(words: list[str]) -> int:
    """Count the words that are a letter of a script without blanks."""
    return sum(_ALONE.fullmatch(word) is not None for word in words)


def _ended(text: str, words: list[str], prompt: str) -> float:
    return float(_END.search(text) is not None and not _BARE_ITEM.search(text))


def _unrepeated(text: str, words: list[str], prompt: str) -> float:
    run = _RUN * _PAIR if 2 * _letters(words) > len(words) else _RUN
    runs = list(zip(*(words[i:] for i in range(run)), strict=False))
    return len(set(runs)) / len(runs) if runs else 1.0


def _on_subject(text: str, words: list[str], prompt: str) -> float:
    subject = {word for word in _WORD.findall(prompt) if len(word) >= _SUBJECT and not _PAIRED.match(word)}
    pairs = set(_PAIRED.findall(prompt))
    if not subject and not pairs:
        return 1.0
    shared = len(subject & set(words)) + len(pairs & set(_PAIRED.findall(text.lower())))
    # Pairs overlap, and every third may be a word of the subject.
    return min(1.0, shared / min(5, len(subject) + math.ceil(len(pairs) / 3)))
