"""A judge that says which of two answers is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from curate.models.generators.ask import Answer, Text
from curate.models.generators.generator import Generator
from curate.models.judges import prompts
from curate.models.judges.judge import BETTER, Better, Comparison, Judge, Pairing, grades_none
from curate.models.judges.replies import form_of, judgement, logprobs_of, one_of, parse, schema_of

_KEY = "better"
# One token each, and none of them begins another.
_SIGNS: dict[str, Better] = {"1": "first", "2": "second", "0": "tie"}
_FORM = "Reply with 1 if the first answer is better, with 2 if the second is{tie}, and with nothing else."


def comparison(
    *,
    generator: Generator,
    prompt: Text | None = None,
    by: Literal["reply", "likelihood"] = "reply",
    ties: bool = True,
    reason: bool = False,
    seed: int = 0,
) -> Judge:
    """Say which of two answers is better, or that neither is.

    A judge may favour what stands first (Zheng et al. 2023, arXiv 2306.05685, section 3.3): who compares asks in both
    orders, as `curate judge --pairwise` does, and takes a disagreement as a tie. Asked so: `reply` wants JSON with
    first, second or tie (structured output), and what cannot be read is no verdict, with the reason why; `likelihood`
    takes the likeliest of the labels 1, 2 and 0, and nothing has to be read.

    The packaged SmolLM2-135M-Instruct keeps to the form (all of 32 replies could be read) and chooses what stands first
    every time, by reply and by likelihood: each of 16 pairs was a tie because the orders disagreed.

    Args:
        generator: who judges.
        prompt: the text asked, with {conversation}, {first} and {second}, and {reply} (the form that is expected)
            where wanted; by default the packaged prompts/judge_comparison.txt.
        by: what the generator is asked for: a `reply`, or the `likelihood` of labels.
        ties: whether the judge may say that neither is better.
        reason: whether a reply gives a sentence of reasons first; takes tokens, and may make a better judge.
        seed: draws the seed of each request, with what is sent.

    Raises ValueError for a prompt that cannot be, and for a reason where there is no reply.

    >>> from curate.pairs.example import says
    >>> judge = comparison(generator=says(lambda ask: '{"better": "second"}'))
    >>> judge.compare([Pairing("1", [{"role": "user", "content": "Hi"}], "What?", "Hello!")])[0].better
    'second'
    """
    if by not in ("reply", "likelihood"):
        raise ValueError(f"comparison: by is reply or likelihood, not {by!r}")
    if reason and by == "likelihood":
        raise ValueError("comparison: a reason comes with a reply, and by likelihood there is none")
    prompt = prompts.packaged("judge_comparison.txt") if prompt is None else prompt
    prompts.check(prompt, ["reply"], "comparison", prompts.COMPARED)
    settings: dict[str, Any] = {"prompt": prompt, "by": by, "ties": ties, "reason": reason, "seed": seed}
    about = {"judge": "comparison", **settings, "generator": generator.describe()}
    compare = partial(_compare, generator, **settings)
    return Judge(grades_none, about, "comparison", (generator,), compare)


def _compare(
    generator: Generator, pairings: Sequence[Pairing], *, prompt: str, by: str, ties: bool, reason: bool, seed: int
) -> list[Comparison]:
    verdicts = BETTER if ties else BETTER[:2]
    if by == "reply":
        form, read = form_of(_KEY, verdicts, reason=reason), partial(_read, verdicts)
        want: dict[str, Any] = {"schema": schema_of({_KEY: verdicts}, reason=reason)}
    else:
        signs = {sign: better for sign, better in _SIGNS.items() if better in verdicts}
        form, read = _FORM.format(tie=", with 0 if neither is" if ties else ""), partial(_likeliest, signs)
        want = {"labels": tuple(signs)}
    texts = [prompts.fill(prompt, {"reply": form} | prompts.compared(*pairing[1:])) for pairing in pairings]
    results = prompts.ask(generator, texts, ["comparison"], seed, **want)
    return [judgement(Comparison, result, read) for result in results]


def _read(verdicts: Sequence[Better], answer: Answer) -> Comparison:
    name = parse(answer, lambda reply: one_of(reply, _KEY, verdicts))
    return Comparison(next(better for better in verdicts if better == name))


def _likeliest(signs: dict[str, Better], answer: Answer) -> Comparison:
    likely = {signs[sign]: math.exp(log) for sign, log in logprobs_of(answer, list(signs)).items()}
    best = [better for better, share in likely.items() if share == max(likely.values())]
    return Comparison(best[0] if len(best) == 1 else "tie", {str(better): share for better, share in likely.items()})
