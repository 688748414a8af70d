"""A judge that grades by how likely each of a few labels is as its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from curate.generators.contract import Answer, Ask, Failed, Text, seed_of
from curate.generators.generator import Generator
from curate.judges import prompts
from curate.judges.contract import Case, Grade, Judge
from curate.judges.scales import Scale, ScaleName, settle

OUTSIDE = "outside"  # the part of a grade that says how likely all other answers are


def label(
    *,
    generator: Generator,
    scale: ScaleName = "helpfulness",
    prompt: Text | None = None,
    labels: list[str] | None = None,
    values: list[float] | None = None,
    seed: int = 0,
) -> Judge:
    """Grade answers by labels; the score is the value expected over them, not the value of the likeliest.

    Nothing is sampled and nothing parsed: the generator says how likely its answer is to begin with each label, and
    these probabilities are scaled to a sum of one. So a judge between 3 and 4 gives 3.4, where one sampled digit would
    tie with most others (G-Eval, arXiv 2303.16634). The parts are the probability of each label, and
    `outside`: how likely an answer without a label was before scaling. Where that is high, the grade means little: with
    the packaged SmolLM2-135M-Instruct it is 0.8, and the answers of other questions score as high as its own.

    There is no grade, with the reason why, where the generator cannot tell or no label is possible at all. A label that
    a server leaves out, because it names only the likeliest, counts as impossible.

    Args:
        generator: who judges.
        scale: the packaged prompt, its labels and values: `helpfulness` (1 to 6), `pass` (fail 0, pass 1, excellent 2)
            or `safety` (unsafe 0, safe 1).
        prompt: a text of your own, with {conversation} and {response}, and {labels} and {reply} (what to reply with)
            where wanted.
        labels: of your own prompt; at least two texts, each best one token of the model.
        values: the value of each label; the scale's, or 1, 2, 3, … for labels of your own.
        seed: part of what names a request; the likelihoods do not depend on it.

    Raises ValueError for a scale, labels, values or a prompt that cannot be.
    """
    asked = settle("label", scale, prompt, labels, values, OUTSIDE)
    about = {"judge": "label", **asked._asdict(), "seed": seed, "generator": generator.describe()}
    return Judge(partial(_grade, generator, asked, seed), about, "label", (generator,))


def _grade(generator: Generator, asked: Scale, seed: int, cases: Sequence[Case]) -> list[Grade]:
    labels = tuple(asked.values)
    shown = ", ".join(labels)
    named = {"labels": shown, "reply": f"Reply with the grade alone, one of {shown}, and nothing else."}
    written = [prompts.fill(asked.prompt, named | prompts.judged(case.messages, case.response)) for case in cases]
    asks = [
        Ask([{"role": "user", "content": text}], seed_of(seed, prompts.digest(text), "label"), labels=labels)
        for text in written
    ]
    return [_expected(asked.values, answer) for answer in generator.ask(asks)]


def _expected(values: Mapping[str, float], answer: Answer | Failed) -> Grade:
    if isinstance(answer, Failed):
        return Grade(None, why=answer.reason, again=answer.again)
    if answer.labels is None:
        return Grade(None, why="the generator does not tell how likely labels are")
    likely = {name: _number(answer.labels.get(name)) for name in values}
    top = max(likely.values())
    if not math.isfinite(top):
        return Grade(None, why=f"none of the labels {', '.join(values)} is among the likely answers")
    weights = {name: math.exp(logprob - top) for name, logprob in likely.items()}
    whole = sum(weights.values())
    parts = {name: weight / whole for name, weight in weights.items()}
    outside = max(0.0, 1.0 - sum(math.exp(logprob) for logprob in likely.values()))
    return Grade(sum(parts[name] * value for name, value in values.items()), {**parts, OUTSIDE: outside})


def _number(logprob: float | None) -> float:
    return -math.inf if logprob is None or math.isnan(logprob) else logprob
