"""A judge that says which of two answers is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

from curate.models.generators.ask import Answer, Ask, Failed, Text, seed_of
from curate.models.generators.generator import Generator
from curate.models.judges import prompts
from curate.models.judges.judge import BETTER, Better, Comparison, Judge, Pairing, grades_none
from curate.models.judges.replies import Unread, chosen, form_of, schema_of

_KEY = "better"
# One token each, and none of them begins another.
_SIGNS: dict[str, Better] = {"1": "first", "2": "second", "0": "tie"}
_ASKED = "Reply with 1 if the first answer is better, with 2 if the second is{tie}, and with nothing else."
_TIE = ", with 0 if neither is"


class _Way(NamedTuple):
    prompt: str
    by: str
    ties: bool
    reason: bool


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
    asked = prompts.packaged("judge_comparison.txt") if prompt is None else prompt
    prompts.check(asked, ["reply"], "comparison", prompts.COMPARED)
    way = _Way(asked, by, ties, reason)
    about = {"judge": "comparison", **way._asdict(), "seed": seed, "generator": generator.describe()}
    compare = partial(_compare, generator, way, seed)
    return Judge(grades_none, about, "comparison", (generator,), compare)


def _compare(generator: Generator, way: _Way, seed: int, pairings: Sequence[Pairing]) -> list[Comparison]:
    verdicts = list(BETTER if way.ties else BETTER[:2])
    replied = way.by == "reply"
    asked = form_of(_KEY, verdicts, reason=way.reason) if replied else _ASKED.format(tie=_TIE if way.ties else "")
    schema = schema_of(_KEY, verdicts, reason=way.reason) if replied else None
    signs = None if replied else tuple(sign for sign, better in _SIGNS.items() if better in verdicts)
    asks = []
    for one in pairings:
        text = prompts.fill(way.prompt, {"reply": asked} | prompts.compared(one.messages, one.first, one.second))
        drawn = seed_of(seed, prompts.digest(text), "comparison")
        asks.append(Ask([{"role": "user", "content": text}], drawn, schema=schema, labels=signs))
    read = _read if replied else _likeliest
    return [_lost(answer) if isinstance(answer, Failed) else read(answer, verdicts) for answer in generator.ask(asks)]


def _lost(failed: Failed) -> Comparison:
    return Comparison(None, why=failed.reason, again=failed.again)


def _read(answer: Answer, verdicts: Sequence[Better]) -> Comparison:
    try:
        found = chosen(answer, _KEY, verdicts)
    except Unread as why:
        return Comparison(None, why=str(why))
    return Comparison(next(better for better in verdicts if better == found))


def _likeliest(answer: Answer, verdicts: Sequence[Better]) -> Comparison:
    if answer.labels is None:
        return Comparison(None, why="the generator does not tell how likely labels are")
    found = {better: answer.labels.get(sign, -math.inf) for sign, better in _SIGNS.items() if better in verdicts}
    likely = {better: 0.0 if math.isnan(logprob) else math.exp(logprob) for better, logprob in found.items()}
    top = max(likely.values())
    if not top:
        return Comparison(None, why="none of the verdicts is among the likely answers")
    best = [better for better, share in likely.items() if share == top]
    return Comparison(best[0] if len(best) == 1 else "tie", {str(better): share for better, share in likely.items()})
