"""Judges that grade by a scale of named labels: by their likelihood (`label`), or by the one replied (`verdict`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from curate.models.generators.ask import Answer, Text
from curate.models.generators.generator import Generator
from curate.models.judges import prompts
from curate.models.judges.judge import Case, Grade, Judge
from curate.models.judges.replies import form_of, judgement, logprobs_of, one_of, parse, schema_of

ScaleName: TypeAlias = Literal["helpfulness", "pass", "safety", "accuracy", "quality", "complexity"]


class Scale(NamedTuple):
    """A prompt, and the value of each label it explains."""

    prompt: str
    values: Mapping[str, float]


# LIMA (arXiv 2305.11206) grades helpfulness from 1 to 6 in its ablations (section 5), by fail, pass, excellent in its
# analysis (4.3) and its dialogues (6), and by safe or unsafe what is said to sensitive prompts (4.3).
# AlpaGasus (arXiv 2307.08701) grades the accuracy of a set's answers, DEITA (arXiv 2312.15685) their quality and the
# complexity of what is asked.
_PACKAGED: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "helpfulness": ("judge_helpfulness.txt", {str(n): float(n) for n in range(1, 7)}),
    "pass": ("judge_pass.txt", {"fail": 0.0, "pass": 1.0, "excellent": 2.0}),
    "safety": ("judge_safety.txt", {"unsafe": 0.0, "safe": 1.0}),
    "accuracy": ("judge_accuracy.txt", {str(n): float(n) for n in range(6)}),
    "quality": ("judge_quality.txt", {str(n): float(n) for n in range(1, 7)}),
    "complexity": ("judge_complexity.txt", {str(n): float(n) for n in range(1, 7)}),
}


def scale_of(
    who: str,
    scale: ScaleName,
    prompt: str | None,
    labels: list[str] | None,
    values: list[float] | None,
    reserved: str = "",
) -> Scale:
    """Choose what is graded by: a packaged scale, or labels of one's own with a prompt that explains them.

    `reserved` is a name that no label may have. Values are 1, 2, 3, … for labels that come without. Raises ValueError
    beginning with `who` for labels, values or a prompt that cannot be.

    >>> scale_of("verdict", "safety", None, None, None).values
    {'unsafe': 0.0, 'safe': 1.0}
    """
    if scale not in _PACKAGED:
        raise ValueError(f"{who}: scale is one of {', '.join(_PACKAGED)}, not {scale!r}")
    file, packaged = _PACKAGED[scale]
    own = labels is not None and labels != list(packaged)
    labels = list(packaged) if labels is None else labels
    if values is None:
        values = [float(i + 1) for i in range(len(labels))] if own else list(packaged.values())
    if len(labels) < 2 or len(set(labels)) < len(labels) or {"", reserved} & set(labels):
        never = f", none of them '{reserved}'" if reserved else ""
        raise ValueError(f"{who}: labels are at least two different texts{never}, not {labels}")
    if len(values) != len(labels):
        raise ValueError(f"{who}: {len(labels)} labels need as many values, not {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{who}: values are finite numbers, not {values}")
    if prompt is None and own:
        ends = f"{next(iter(packaged))} to {list(packaged)[-1]}"
        raise ValueError(f"{who}: the packaged prompt is for the labels {ends}; write one that explains {labels}")
    prompt = prompts.packaged(file) if prompt is None else prompt
    # How complex a request is does not rest on its answer.
    needed = frozenset({"conversation"}) if scale == "complexity" else prompts.GRADED
    prompts.check(prompt, ["labels", "reply", "response"], who, needed)
    return Scale(prompt, dict(zip(labels, map(float, values), strict=True)))


def _texts(scale: Scale, reply: str, cases: Sequence[Case]) -> list[str]:
    words = {"labels": ", ".join(scale.values), "reply": reply}
    return [prompts.fill(scale.prompt, words | prompts.judged(*case[1:])) for case in cases]


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
        scale: the packaged prompt, its labels and values: `helpfulness` (1 to 6), `pass` (fail 0, pass 1, excellent
            2), `safety` (unsafe 0, safe 1), `accuracy` (0 to 5), `quality` (1 to 6), or `complexity` of the request
            alone (1 to 6).
        prompt: a text of your own, with {conversation} and {response}, and {labels} and {reply} (what to reply with)
            where wanted.
        labels: of your own prompt; at least two texts, each best one token of the model.
        values: the value of each label; the scale's, or 1, 2, 3, … for labels of your own.
        seed: part of what names a request; the likelihoods do not depend on it.

    Raises ValueError for a scale, labels, values or a prompt that cannot be.
    """
    grades = scale_of("label", scale, prompt, labels, values, OUTSIDE)
    about = {"judge": "label", **grades._asdict(), "seed": seed, "generator": generator.describe()}
    return Judge(partial(_grade_by_label, generator, grades, seed), about, "label", (generator,))


def _grade_by_label(generator: Generator, scale: Scale, seed: int, cases: Sequence[Case]) -> list[Grade]:
    reply = f"Reply with the grade alone, one of {', '.join(scale.values)}, and nothing else."
    results = prompts.ask(generator, _texts(scale, reply, cases), ["label"], seed, labels=tuple(scale.values))
    return [judgement(Grade, result, partial(_expected, scale.values)) for result in results]


def _expected(values: Mapping[str, float], answer: Answer) -> Grade:
    logs = logprobs_of(answer, list(values))
    top = max(logs.values())
    shares = {name: math.exp(log - top) for name, log in logs.items()}
    total = sum(shares.values())
    parts = {name: share / total for name, share in shares.items()}
    outside = max(0.0, 1.0 - sum(math.exp(log) for log in logs.values()))
    return Grade(sum(parts[name] * value for name, value in values.items()), {**parts, OUTSIDE: outside})


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
            safe 1), `helpfulness` (1 to 6), `accuracy` (0 to 5), `quality` (1 to 6), or `complexity` of the request
            alone (1 to 6).
        prompt: a text of your own, with {conversation} and {response}, and {reply} (the form that is expected) and
            {labels} where wanted.
        labels: of your own prompt; at least two texts.
        values: the value of each label; the scale's, or 1, 2, 3, … for labels of your own.
        reason: whether to ask for a sentence of reasons first; takes tokens, and may make a better judge.
        seed: draws the seed of each request, with what is sent; the same answer gets the same grade anywhere.

    Raises ValueError for a scale, labels, values or a prompt that cannot be.

    >>> from curate.pairs.example import says
    >>> judge = verdict(generator=says(lambda ask: '{"verdict": "excellent"}'))
    >>> judge.grade([Case("1", [{"role": "user", "content": "Hi"}], "Hello!")])[0].score
    2.0
    """
    grades = scale_of("verdict", scale, prompt, labels, values)
    about = {"judge": "verdict", **grades._asdict(), "reason": reason, "seed": seed, "generator": generator.describe()}
    return Judge(partial(_grade_by_verdict, generator, grades, reason, seed), about, "verdict", (generator,))


def _grade_by_verdict(
    generator: Generator, scale: Scale, reason: bool, seed: int, cases: Sequence[Case]
) -> list[Grade]:
    labels = list(scale.values)
    texts = _texts(scale, form_of(_KEY, labels, reason=reason), cases)
    results = prompts.ask(generator, texts, [_KEY], seed, schema=schema_of({_KEY: labels}, reason=reason))
    return [judgement(Grade, result, partial(_read, scale.values)) for result in results]


def _read(values: Mapping[str, float], answer: Answer) -> Grade:
    label = parse(answer, lambda reply: one_of(reply, _KEY, list(values)))
    return Grade(values[label], {name: float(name == label) for name in values})
