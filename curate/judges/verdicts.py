"""A judge that chooses one of a few named labels, in structured output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from curate.generators.contract import Answer, Ask, Failed, Text, seed_of
from curate.generators.generator import Generator
from curate.judges import prompts
from curate.judges.contract import Case, Grade, Judge
from curate.judges.replies import Unread, chosen, form_of, schema_of
from curate.judges.scales import Scale, ScaleName, settle

_KEY = "verdict"


def verdict(
    *,
    generator: Generator,
    scale: ScaleName = "pass",
    prompt: Text | None = None,
    labels: list[str] | None = None,
    values: list[float] | None = None,
    reason: bool = False,
    seed: int = 0,
) -> Judge:
    """Grade answers by one of a few labels; the score is its value, and the one part with a 1 says which it is.

    For judges whose log-probabilities are not to be had; where they are, `label` says more. The generator is asked for
    JSON with the label (structured output). What cannot be read gives no grade, with the reason why. Liberties taken:
    white space, a <think> block before the JSON, one code fence around it, further keys. A label inside a sentence is
    none.

    Args:
        generator: who judges.
        scale: the packaged prompt, its labels and values: `pass` (fail 0, pass 1, excellent 2), `safety` (unsafe 0,
            safe 1) or `helpfulness` (1 to 6).
        prompt: a text of your own, with {conversation} and {response}, and {reply} (the form that is expected) and
            {labels} where wanted.
        labels: of your own prompt; at least two texts.
        values: the value of each label; the scale's, or 1, 2, 3, … for labels of your own.
        reason: whether to ask for a sentence of reasons first; takes tokens, and may make a better judge.
        seed: draws the seed of each request, with what is sent; the same answer gets the same grade anywhere.

    Raises ValueError for a scale, labels, values or a prompt that cannot be.

    >>> from curate.pairs._example import says
    >>> judge = verdict(generator=says(lambda ask: '{"verdict": "excellent"}'))
    >>> judge.grade([Case("1", [{"role": "user", "content": "Hi"}], "Hello!")])[0].score
    2.0
    """
    settled = settle("verdict", scale, prompt, labels, values)
    about = {"judge": "verdict", **settled._asdict(), "reason": reason, "seed": seed, "generator": generator.describe()}
    return Judge(partial(_grade, generator, settled, reason, seed), about, "verdict", (generator,))


def _grade(generator: Generator, scale: Scale, reason: bool, seed: int, cases: Sequence[Case]) -> list[Grade]:
    labels = list(scale.values)
    named = {"labels": ", ".join(labels), "reply": form_of(_KEY, labels, reason=reason)}
    schema = schema_of(_KEY, labels, reason=reason)
    written = [prompts.fill(scale.prompt, named | prompts.judged(case.messages, case.response)) for case in cases]
    asks = [
        Ask([{"role": "user", "content": text}], seed_of(seed, prompts.digest(text), _KEY), schema=schema)
        for text in written
    ]
    return [_read(scale, answer) for answer in generator.ask(asks)]


def _read(scale: Scale, answer: Answer | Failed) -> Grade:
    try:
        found = chosen(answer, _KEY, list(scale.values))
    except Unread as why:
        return Grade(None, why=str(why), again=isinstance(answer, Failed) and answer.again)
    return Grade(scale.values[found], {name: float(name == found) for name in scale.values})
