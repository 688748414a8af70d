"""Candidates for questions: what a model's answer lists, and by which rules one is no question to ask."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from curate.models.generators.ask import Answer, Ask, Failed, seed_of
from curate.models.generators.generator import Generator
from curate.rows import Bad, SourceError
from curate.sources.questions.rouge import Pool, words
from curate.sources.questions.topics import Topic
from curate.turns import Turn


class Candidate(NamedTuple):
    """One question that a model proposed, and why it is none to ask; None where it is fine."""

    text: str
    why: str | None


_ITEM = re.compile(r"^[\s*_]*?(?:\(?\d{1,3}[.):][*_]*\s*|#\d{1,3}\b[.:]?\s*|[-*•–]\s+)")
_LABEL = re.compile(r"^(?:[*_]*(?:question|message|q)\s*\d{0,3}[*_]*[.:)][*_]*\s*)+", re.IGNORECASE)
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "*": "*", "_": "_", "`": "`"}
_AFTERWARDS = re.compile(r"(?<=[?!.\"”*])\s*(?:\([^()]*\)|\[[^\[\]]*\])$")  # "Why? (Physics)"
# With these a request begins that needs no question mark.
_REQUEST = re.compile(
    r"^(?:please\s+|(?:can|could) you\s+)?(?:tell|explain|help|suggest|recommend|give|show|teach|describe|name|list"
    r"|share|convince|remind|advise|talk)\b",
    re.IGNORECASE,
)
_BLANK = re.compile(r"\[[^\]]*\]|\{[^}]*\}|<\w[^>]*>|_{3,}|\.{4,}|\bX{2,}\b")
# In a short question of one sentence nothing came before that these could stand for; "it" at its beginning may be none.
_SHORT = 9  # words
_POINTS = re.compile(
    r"^(?:\w+(?:['’]s)?\s+){0,2}(?:they|she|he|them|him|her)\b|\b(?:with|about|of|to|do|like|get|handle|at) (?:it|them"
    r"|that|this)\?$|\bwhat about\b",
    re.IGNORECASE,
)
# Said of the list, or of the task, instead of asked.
_LIST = re.compile(
    r"\b(?:(?:these|the following|here are|\d+|two|three|four|five) (?:more |new |short |different )*questions?"
    r"|questions? (?:to ask|for you|that people)|(?:numbered|bulleted) list|bullet points?|the following"
    r"|(?:an |more )examples? of (?:a )?question|the user)\b",
    re.IGNORECASE,
)
# Said by an assistant of itself: the model has fallen out of the role of the one who asks.
_I_AM = r"i(?:['’]m| am|['’]d be| would be)"
_ASSISTANT = re.compile(
    rf"\b(?:as an? (?:\w+ )?(?:ai|assistant|(?:language )?model)|{_I_AM} an? (?:\w+ )*?(?:ai|chatbot|assistant"
    rf"|language model)|{_I_AM} (?:always )?(?:here|happy|glad|ready|pleased|delighted) to (?:help|assist|answer)"
    r"|how (?:can|may) i (?:help|assist) you|your (?:question|request|query|prompt)|feel free to ask)\b",
    re.IGNORECASE,
)


def candidates(answer: str, *, cut_off: bool, min_words: int, max_words: int) -> list[Candidate]:
    r"""Read the questions that an answer lists, in its order.

    A question is an item of a list (1. 2) - * •); where there is no list at all, a line that ends with a question mark.
    Numbers, labels (Q:, Question 3:), bold marks, quotation marks around it and a note in brackets after it are taken
    away. The last one of an answer that was cut off is no whole question.

    >>> candidates("Sure!\n1. Why do cats purr?\n2. Cats.", cut_off=False, min_words=3, max_words=40)
    [Candidate(text='Why do cats purr?', why=None), Candidate(text='Cats.', why='too short')]
    """
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    items = [line for line in lines if _ITEM.match(line)] or [line for line in lines if line.endswith("?")]
    texts = [clean(line) for line in items]
    result = [Candidate(text, fault(text, min_words, max_words)) for text in texts]
    if cut_off and items and items[-1] == lines[-1]:
        result[-1] = Candidate(texts[-1], "cut off")
    return result


def clean(line: str) -> str:
    """Take away what makes a line an item of a list.

    >>> clean('2) **Q: "Why do cats purr?"** (animals)')
    'Why do cats purr?'
    """
    before = None
    while line != before:
        before = line
        line = _AFTERWARDS.sub("", _LABEL.sub("", _ITEM.sub("", line))).strip()
        if len(line) > 1 and _QUOTES.get(line[0]) == line[-1]:
            line = line[1:-1].strip()
        line = re.sub(r"^\*\*|\*\*$", "", line).strip()
    return re.sub(r"\s+", " ", line)


def fault(text: str, min_words: int, max_words: int) -> str | None:
    """Say why a text is no question to ask; None where it is one."""
    count = len(words(text))
    if count < min_words:
        return "too short"
    if count > max_words:
        return "too long"
    if _BLANK.search(text):
        return "has a blank to fill in"
    if _ASSISTANT.search(text):
        return "speaks as the assistant"
    if _LIST.search(text):
        return "speaks of the list"
    sentences = re.findall(r"[^\s.?!][^.?!]*", text.lower())
    if len(set(sentences)) < len(sentences):
        return "repeats itself"
    if len(sentences) == 1 and count <= _SHORT and _POINTS.search(text):
        return "points at something unsaid"
    if not text.endswith("?") and not (_REQUEST.match(text) and text[-1] in ".!"):
        return "asks nothing"
    return None


class Rules(NamedTuple):
    """How to ask, and what to accept."""

    prompt: str
    per_ask: int
    examples: int
    max_rounds: int
    similarity: float
    min_words: int
    max_words: int
    seed: int


@dataclass
class Account:
    """What became of it all: asks, candidates by what became of them, and asks without an answer."""

    asks: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    bad: list[Bad] = field(default_factory=list)


def grow(topics: Sequence[Topic], generator: Generator, rules: Rules) -> Account:
    """Ask round by round until each topic has its questions, or the rounds are over.

    All asks of a round go to the generator at once. A topic asks no more often in one round than it has questions to
    draw from, so the examples differ as the pool grows. Raises SourceError where the generator fails.
    """
    account = Account()
    pool = Pool(rules.similarity, (question for topic in topics for question in topic.seeds))
    for number in range(rules.max_rounds):
        slots = [(topic, n) for topic in topics for n in range(_asks(topic, rules))]
        if not slots:
            break
        asks = [_ask(topic, number, n, rules) for topic, n in slots]
        answers = generator.ask(asks)
        account.asks += len(asks)
        _all_answered(answers, generator)
        for (topic, _), answer, ask in zip(slots, answers, asks, strict=True):
            if isinstance(answer, Failed):
                account.bad.append(_unanswered(topic, number, answer, ask))
            else:
                _take(topic, answer, rules, pool, account)
    return account


def _asks(topic: Topic, rules: Rules) -> int:
    return min(ceil(topic.missing / rules.per_ask), len(topic.seeds) + len(topic.accepted))


def _ask(topic: Topic, number: int, n: int, rules: Rules) -> Ask:
    """Ask as if for the second time: the first answer, its examples, shows the form without a word about it."""
    use = f"{topic.name} {number}.{n}"
    examples = _drawn(topic, rules, use)
    listed = "\n".join(f"{i}. {example}" for i, example in enumerate(examples, 1))
    messages: list[Turn] = [
        {"role": "user", "content": _filled(rules.prompt, topic, len(examples))},
        {"role": "assistant", "content": listed},
        {"role": "user", "content": _filled(rules.prompt, topic, rules.per_ask)},
    ]
    return Ask(messages, seed_of(rules.seed, topic.name, f"questions {number}.{n}"))


def _drawn(topic: Topic, rules: Rules, use: str) -> list[str]:
    """Draw examples by hash: three in four of those written by people, or all of them where they are fewer."""

    def at(question: str) -> int:
        return seed_of(rules.seed, question, use)

    seeds = sorted(topic.seeds, key=at)[: ceil(rules.examples * 3 / 4)]
    accepted = sorted(topic.accepted, key=at)[: rules.examples - len(seeds)]
    return sorted([*seeds, *accepted], key=at)


def _filled(prompt: str, topic: Topic, count: int) -> str:
    return prompt.replace("{count}", str(count)).replace("{topic}", topic.name)


def _all_answered(answers: Sequence[Answer | Failed], generator: Generator) -> None:
    open_ = [answer for answer in answers if isinstance(answer, Failed) and answer.again]
    if open_:
        raise SourceError(
            f"{len(open_):,} of {len(answers):,} asks for questions got no answer from {generator.settings.model}: "
            f"{open_[0].reason}. What was answered is kept, for the same command to go on there"
        )


def _unanswered(topic: Topic, number: int, failed: Failed, ask: Ask) -> Bad:
    request = str(ask.messages[-1]["content"])
    return Bad(
        "questions", f"topic {topic.name}, round {number + 1}", failed.reason, request[:500], len(request.encode())
    )


def _take(topic: Topic, answer: Answer, rules: Rules, pool: Pool, account: Account) -> None:
    """Add to a topic, and to the pool, what an answer has to offer: first what surely is about the topic."""
    cut_off = answer.finish_reason == "length"
    proposals = candidates(answer.text, cut_off=cut_off, min_words=rules.min_words, max_words=rules.max_words)
    if not proposals:
        account.rejected["no list in the answer"] += 1
    for text, why in sorted(proposals, key=lambda candidate: not topic.owns(candidate.text)):
        why = why or ("not needed" if not topic.missing else "like another" if pool.has_like(text) else None)
        if why:
            account.rejected[why] += 1
        else:
            topic.accepted.append(text)
            pool.add(text)
            account.accepted += 1
