"""A user's own generators and judges: functions of what is asked, so that every answer is known beforehand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from curate.models.generators.ask import Answer, Ask, Failed, Settings
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Case, Grade, Judge
from curate.pairs.samples import Result
from curate.turns import Turn

Reply = str | Answer | Failed


class Own:
    """An engine that replies what its function says; what is ready first is anyone's guess."""

    context = None

    def __init__(self, reply: Callable[[Ask], Reply]) -> None:
        self.reply = reply
        self.asked: list[list[Ask]] = []

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        return None

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Answer | Failed]]:
        self.asked.append(list(asks))
        for i in random.Random(len(asks)).sample(range(len(asks)), len(asks)):
            said = self.reply(asks[i])
            yield i, Answer(said, "stop", 10, 5) if isinstance(said, str) else said

    def close(self) -> None:
        pass


def generator(reply: Callable[[Ask], Reply], name: str = "", model: str = "own") -> tuple[Generator, list[list[Ask]]]:
    """Make a generator, and the list that fills with the asks of each call of its engine."""
    engine = Own(reply)
    # An address: it holds no model, so it does not push out one that other tests share.
    return Generator(Settings("own", model, address="here"), lambda: engine, name), engine.asked


def said(ask: Ask) -> str:
    """Take what the user said last."""
    return ask.messages[-1]["content"]


def judge(score: Callable[[Case], float | Grade]) -> tuple[Judge, list[list[Case]]]:
    """Make a judge of a function, and the list that fills with the cases of each call."""
    asked: list[list[Case]] = []

    def grade(cases: Sequence[Case]) -> list[Grade]:
        asked.append(list(cases))
        scores = [score(case) for case in cases]
        return [one if isinstance(one, Grade) else Grade(float(one)) for one in scores]

    return Judge(grade, {"judge": "own"}), asked


def by_id(rows: pl.DataFrame, made: Result) -> dict[str, dict[str, Any]]:
    """Bring what was made of each row to its id: columns, reason, ledger, marks."""
    flat = made.columns.with_columns(made.why, again=made.again, failed=made.failed)
    flat = flat.hstack(made.ledger.rename(lambda name: f"ledger {name}"))
    return dict(zip(rows["id"], flat.to_dicts(), strict=True))


def conserved(rows: pl.DataFrame, made: Result, *columns: str) -> bool:
    """Tell whether every row has either what was to be made or a reason, and nothing is missing or made up."""
    there = made.columns.select(pl.all_horizontal(pl.col(columns).is_not_null())).to_series()
    nothing = made.columns.select(pl.all_horizontal(pl.col(columns).is_null())).to_series()
    heights = {rows.height, made.columns.height, made.ledger.height, *map(len, (made.why, made.again, made.failed))}
    ends = (there & made.why.is_null()) | (nothing & made.why.is_not_null())
    return len(heights) == 1 and ends.all() and not (made.failed & made.why.is_null()).any()
