"""A judge that rates an answer by aspects, in structured output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import NamedTuple

from curate.models.generators.ask import Answer, Text
from curate.models.generators.generator import Generator
from curate.models.judges import prompts
from curate.models.judges.judge import Case, Grade, Judge
from curate.models.judges.replies import judgement, parse, schema_of, whole

# The aspects of UltraFeedback (arXiv 2310.01377), explained in our own words.
ASPECTS = {
    "instruction following": "does what was asked, all of it, within the limits that were set",
    "truthfulness": "what it says is right, and nothing in it is made up",
    "honesty": "is as sure as it has reason to be, and says what it does not know",
    "helpfulness": "the one who asked can use it: correct, complete, clear",
}


class _Scale(NamedTuple):
    prompt: str
    aspects: Mapping[str, str]  # by its key in the JSON
    low: int
    high: int
    reason: bool


def rating(
    *,
    generator: Generator,
    aspects: list[str] | dict[str, str] = list(ASPECTS),  # noqa: B006 - read only
    prompt: Text | None = None,
    low: int = 1,
    high: int = 5,
    reason: bool = False,
    samples: int = 1,
    seed: int = 0,
) -> Judge:
    """Rate answers on each of several aspects; the score is the mean over aspects and samples.

    The generator is asked for JSON with a whole number an aspect (structured output), before them a sentence with the
    `reason` if wanted. UltraFeedback (arXiv 2310.01377) asks so with a reason, one aspect a request; here
    one request has all of them. Zephyr (arXiv 2310.16944) takes the mean as score.

    What cannot be read gives no grade, with the reason why, and neither does a set of samples with one that cannot be
    read. Liberties taken: white space, a <think> block before the JSON, one code fence around it, a number written as
    text or as 4.0, further keys (ignored). All else, prose with a number in it too, is not read.

    An answer is only data to the judge: it stands between marks that it cannot know, without a chat template's own
    tokens. A judge may still be swayed by what it reads, as a person may, and no prompt prevents that.

    The packaged SmolLM2-135M-Instruct keeps to the form (all of 30 replies could be read) and gives every answer a 1,
    its own, another question's, and "No.": it shows that a recipe runs, and judges nothing.

    Args:
        generator: who judges.
        aspects: their names, or names and what they mean; four of them are known by name.
        prompt: the text asked, with {conversation} and {response}, and {aspects}, {low}, {high}, {form} where wanted;
            by default the packaged prompts/judge_rating.txt.
        low: the lowest rating.
        high: the highest rating.
        reason: whether to ask for a sentence of reasons first; takes tokens, and may make a better judge.
        samples: replies a case; more than one needs a temperature above 0 to differ.
        seed: draws the seed of each request, with what is sent; the same answer gets the same grade anywhere.

    Raises ValueError for a scale, aspects, samples or a prompt that cannot be.
    """
    prompt = prompts.packaged("judge_rating.txt") if prompt is None else prompt
    scale = _Scale(prompt, _keyed(aspects), low, high, reason)
    _check(scale, samples)
    about = {"judge": "rating", **scale._asdict(), "samples": samples, "seed": seed, "generator": generator.describe()}
    return Judge(partial(_grade, generator, scale, samples, seed), about, "rating", (generator,))


def _keyed(aspects: list[str] | dict[str, str]) -> dict[str, str]:
    """Name aspects as keys of JSON, with underscores for spaces, which some servers refuse there."""
    meanings = aspects if isinstance(aspects, dict) else {name: ASPECTS.get(name, "") for name in aspects}
    keyed = {"_".join(name.split()): meaning for name, meaning in meanings.items()}
    if not keyed or len(keyed) < len(aspects) or {"", "reason"} & set(keyed):
        raise ValueError(f"rating: aspects are one or more different names, none of them 'reason', not {list(aspects)}")
    return keyed


def _check(scale: _Scale, samples: int) -> None:
    if not 0 < scale.high - scale.low <= 100:
        raise ValueError(f"rating: the scale goes up from low by 1 to 100, not from {scale.low} to {scale.high}")
    if samples < 1:
        raise ValueError(f"rating: samples must be 1 or more, not {samples}")
    prompts.check(scale.prompt, ["aspects", "low", "high", "form"], "rating")


def _grade(generator: Generator, scale: _Scale, samples: int, seed: int, cases: Sequence[Case]) -> list[Grade]:
    schema = schema_of(dict.fromkeys(scale.aspects, range(scale.low, scale.high + 1)), reason=scale.reason)
    texts = [_text(scale, case) for case in cases]
    results = prompts.ask(generator, texts, [f"rating {k}" for k in range(samples)], seed, schema=schema)
    grades = [judgement(Grade, result, partial(_read, scale)) for result in results]
    return [_mean(grades[i : i + samples]) for i in range(0, len(grades), samples)]


def _text(scale: _Scale, case: Case) -> str:
    aspects = [f"- {key}: {meaning}" if meaning else f"- {key}" for key, meaning in scale.aspects.items()]
    first = ['"reason": "one short sentence"'] if scale.reason else []
    form = [f"{json.dumps(key)}: {scale.low} to {scale.high}" for key in scale.aspects]
    values = {
        "aspects": "\n".join(aspects),
        "low": str(scale.low),
        "high": str(scale.high),
        "form": f"{{{', '.join(first + form)}}}",
    }
    return prompts.fill(scale.prompt, values | prompts.judged(*case[1:]))


def _read(scale: _Scale, answer: Answer) -> Grade:
    parts = parse(answer, lambda reply: {key: float(whole(reply, key, scale.low, scale.high)) for key in scale.aspects})
    return Grade(fmean(parts.values()), parts)


def _mean(grades: Sequence[Grade]) -> Grade:
    failed = [grade for grade in grades if grade.score is None]
    if failed:
        count = f"{len(failed)} of {len(grades)} replies: " if len(grades) > 1 else ""
        return Grade(None, why=f"{count}{failed[0].why}", again=any(grade.again for grade in failed))
    parts = {key: fmean(grade.parts[key] for grade in grades) for key in grades[0].parts}
    return Grade(fmean(parts.values()), parts)
