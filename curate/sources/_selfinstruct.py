"""The self-instruct loop: ask for more questions with some of the pool as examples, filter, add to the pool.

After Wang et al. 2022 (arXiv 2212.10560, section 2): a small pool written by people; in every round examples are drawn
from the pool, of which three in four are by people (six of eight there); what comes back joins the pool if its ROUGE-L
with everything there is below 0.7. Here each topic has its own pool to draw from, and a number of questions to reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from curate.generators.contract import Answer, Ask, Failed, Turn, seed_of
from curate.generators.generator import Generator
from curate.rows import Bad, SourceError
from curate.sources._candidates import candidates
from curate.sources._rouge import Pool
from curate.sources._topics import Topic


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
        asked = [(topic, n) for topic in topics for n in range(_asks(topic, rules))]
        if not asked:
            break
        asks = [_ask(topic, number, n, rules) for topic, n in asked]
        answers = generator.ask(asks)
        account.asks += len(asks)
        _all_answered(answers, generator)
        for (topic, _), answer, ask in zip(asked, answers, asks, strict=True):
            if isinstance(answer, Failed):
                account.bad.append(_unanswered(topic, number, answer, ask))
            else:
                _take(topic, answer, rules, pool, account)
    return account


def _asks(topic: Topic, rules: Rules) -> int:
    return min(ceil(topic.missing / rules.per_ask), len(topic.seeds) + len(topic.made))


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
    made = sorted(topic.made, key=at)[: rules.examples - len(seeds)]
    return sorted([*seeds, *made], key=at)


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
    said = str(ask.messages[-1]["content"])
    return Bad("questions", f"topic {topic.name}, round {number + 1}", failed.reason, said[:500], len(said.encode()))


def _take(topic: Topic, answer: Answer, rules: Rules, pool: Pool, account: Account) -> None:
    """Add to a topic, and to the pool, what an answer has to offer: first what surely is about the topic."""
    cut_off = answer.finish_reason == "length"
    found = candidates(answer.text, cut_off=cut_off, min_words=rules.min_words, max_words=rules.max_words)
    if not found:
        account.rejected["no list in the answer"] += 1
    for text, why in sorted(found, key=lambda candidate: not topic.owns(candidate.text)):
        why = why or ("not needed" if not topic.missing else "like another" if pool.has_like(text) else None)
        if why:
            account.rejected[why] += 1
        else:
            topic.made.append(text)
            pool.add(text)
            account.accepted += 1
