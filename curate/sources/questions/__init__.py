"""Questions that a model makes up, from a list of topics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import resources
from math import ceil
from pathlib import Path

import polars as pl

from curate.models.generators.ask import Text
from curate.models.generators.generator import Generator
from curate.rows import Batch, Part, SourceError
from curate.sources.questions.loop import Account, Rules, grow
from curate.sources.questions.topics import Topic, parse, share

_SCHEMA = dict.fromkeys(("prompt", "domain", "group", "license", "generated_by"), pl.String())
_NAMED = 10  # topics that the notes name, those that lack most


def questions(
    *,
    generator: Generator,
    size: int,
    topics: Text | None = None,
    prompt: Text | None = None,
    surplus: float = 1.3,
    per_ask: int = 5,
    examples: int = 4,
    max_rounds: int = 8,
    similarity: float = 0.7,
    min_words: int = 5,
    max_words: int = 60,
    seed: int = 0,
) -> list[Part]:
    """Make questions about topics by a self-instruct loop: generate, leave out what is alike, balance by topic.

    After Wang et al. 2022 (arXiv 2212.10560, section 2), as arXiv 2501.05032 made its prompts. In each round the model
    is asked for more questions on every topic that lacks some, with examples drawn by hash from the topic's own pool:
    the questions written in the topics file, and those accepted so far. The file's questions are examples only and no
    rows. A candidate is dropped if it asks nothing, is too short or too long, has a blank to fill in, was cut off,
    speaks of the list or as an assistant (English wordings), or has a ROUGE-L of `similarity` or more with any question
    of any topic. `size` times `surplus` questions are wanted, as many of each topic, or one more for some.

    A row has the question as `prompt`, the topic as `domain`, its `group`, the model as `generated_by` and in
    `license`. What a round asks depends on (seed, topic, round, questions accepted before) only. A topic that is not
    full after `max_rounds` stays short: the notes of the batch say by how much, beside the rejected candidates by
    reason. An ask that can have no answer (its prompt too long, say) is a bad record.

    Measured with SmolLM2-135M-Instruct (temperature 0.7) at size 100 and 102 topics: 105 asks, no topic short; of 210
    candidates looked at 62 % were accepted and 10 % were like another. About four in five are, by reading, questions
    that somebody may ask, and three in four are about their topic: a larger model asks better ones.

    Args:
        generator: who is asked.
        size: rows that the set is to have; a recipe's own `size`.
        topics: YAML, groups of topics with questions; 102 topics are packaged.
        prompt: what to ask, with {count} and {topic} in it; packaged too.
        surplus: questions made for each row needed, as later steps drop some.
        per_ask: questions wanted of one answer.
        examples: questions shown in one ask, three in four from the topics file.
        max_rounds: rounds after which a topic stays as it is.
        similarity: ROUGE-L (F1) from which two questions are the same; 0.7 in the paper.
        min_words: words that a question has at least.
        max_words: words that it has at most.
        seed: seed of all drawing and of the model's answers.

    Raises:
        SourceError: when topics or prompt are no such thing, a number makes no sense, or (while reading) the model does
            not answer. What it did answer is kept for the next run.

    >>> from curate.models.generators import vllm
    >>> [part.name for part in questions(generator=vllm("SmolLM2-135M-Instruct"), size=100)]
    ['questions']
    """
    packaged = [_packaged(name) for name in _files(topics, prompt)]
    listed = parse(topics if topics is not None else packaged[0].read_text(encoding="utf-8"))
    template = prompt if prompt is not None else _without_comments(packaged[-1].read_text(encoding="utf-8"))
    rules = Rules(template, per_ask, examples, max_rounds, similarity, min_words, max_words, seed)
    _check(rules, size, surplus)
    read = partial(_read, listed, generator, rules, ceil(size * surplus))
    return [Part("questions", tuple(packaged), read)]


def _files(topics: str | None, prompt: str | None) -> list[str]:
    return [name for name, value in (("topics.yaml", topics), ("prompts/questions.txt", prompt)) if value is None]


def _packaged(name: str) -> Path:
    file = Path(str(resources.files("curate.recipes"))) / name
    if not file.is_file():
        raise SourceError(f"the package lacks {name}: install curate-lm again, or name a file of your own")
    return file


def _without_comments(text: str) -> str:
    """Leave out the lines for people at the top, as a recipe does with files that it names."""
    lines = text.split("\n")
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines).strip()


def _check(rules: Rules, size: int, surplus: float) -> None:
    for place in ("{count}", "{topic}"):
        if place not in rules.prompt:
            raise SourceError(
                f"the prompt lacks {place}, so the model would not know what to make: {rules.prompt[:80]}"
            )
    at_least_one = {"size": size, "per_ask": rules.per_ask, "examples": rules.examples, "max_rounds": rules.max_rounds}
    for name, value in at_least_one.items():
        if value < 1:
            raise SourceError(f"{name} must be 1 or more, not {value}")
    if surplus < 1:
        raise SourceError(f"surplus must be 1 or more, not {surplus}: fewer questions than rows would be made")
    if not 0 < rules.similarity <= 1:
        raise SourceError(f"similarity is above 0 and up to 1, not {rules.similarity}")
    if not 1 <= rules.min_words <= rules.max_words:
        raise SourceError(
            f"min_words is 1 or more and max_words not below it, not {rules.min_words}, {rules.max_words}"
        )


def _read(topics: list[Topic], generator: Generator, rules: Rules, total: int, batch_rows: int) -> Iterator[Batch]:
    topics = [replace(topic, accepted=[]) for topic in topics]  # a part may be read again
    share(topics, total, rules.seed)
    account = grow(topics, generator, rules)
    model = generator.settings.model
    rows = [(q, topic.name, topic.group, f"generated by {model}", model) for topic in topics for q in topic.accepted]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    yield Batch(frame[:batch_rows], account.bad, _notes(topics, account))
    yield from (Batch(frame[start : start + batch_rows]) for start in range(batch_rows, frame.height, batch_rows))


def _notes(topics: list[Topic], account: Account) -> dict[str, float]:
    """Sum up the loop: what was asked, accepted and rejected and why, and which topics lack how many questions."""
    lacking = sorted((topic for topic in topics if topic.missing), key=lambda topic: -topic.missing)
    short = {f"lacking: {topic.name}": topic.missing for topic in lacking[:_NAMED]}
    notes = {"asked": account.asks, "accepted": account.accepted, **dict(account.rejected.most_common())}
    if short:
        notes |= {
            "topics short of questions": len(lacking),
            "questions lacking": sum(t.missing for t in lacking),
        } | short
    return {name: float(value) for name, value in notes.items()}
