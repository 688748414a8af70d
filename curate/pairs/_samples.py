"""Answers asked of generators for every row of a step: one line an answer, usable or with the fault that it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

import polars as pl

from curate.generators.contract import Answer, Ask, Failed, conversation, seed_of
from curate.generators.generator import Generator
from curate.generators.journal import keys_of

Cut: TypeAlias = Literal["drop", "keep"]  # what becomes of an answer that ran into the limit of tokens

# The faults an answer may have, besides what an engine or a judge says.
NO_PROMPT, CUT, WITHHELD = "no prompt", "cut off at the limit of tokens", "withheld by the server"
EMPTY, AGAIN = "empty", "the same text once more"

SAMPLES: dict[str, pl.DataType] = {
    "row": pl.Int64(),  # the position of the row
    "use": pl.String(),  # what the answer is for
    "key": pl.String(),  # the use and the generator's settings, which name the answer among a row's
    "generator": pl.String(),
    "text": pl.String(),
    "finish": pl.String(),
    "prompt_tokens": pl.Int64(),
    "tokens": pl.Int64(),
    "fault": pl.String(),  # why the answer cannot be used, null if it can
    "failed": pl.Boolean(),
    "again": pl.Boolean(),
}


class Use(NamedTuple):
    """An answer wanted of every row: what it is for, of whom, under which system prompt (None: the row's own)."""

    name: str
    generator: Generator
    system: str | None = None


def sample(rows: pl.DataFrame, uses: Sequence[Use], *, column: str, seed: int, cut: Cut) -> pl.DataFrame:
    """Ask for every use of every row; each generator is asked once, for all that is wanted of it.

    The white space around an answer is no part of it. Raise ValueError if the rows lack `id` or the column.
    """
    for name in ("id", column):
        if name not in rows.columns:
            raise ValueError(f"the rows have no column '{name}': they have {', '.join(rows.columns)}")
    settings = {id(use.generator): settings_key(use.generator) for use in uses}
    # Equal settings are one generator, and a model is loaded once for all who sample it.
    of_generator = sorted(uses, key=lambda use: (use.generator.settings.model, settings[id(use.generator)]))
    there = rows.select(position=pl.int_range(pl.len()), said=pl.col(column).cast(pl.String).str.contains(r"\S"))
    asked = there.filter(pl.col("said").fill_null(False))["position"].to_list()
    # A row without a prompt is asked nothing, and is one line.
    unasked = sorted(set(range(rows.height)) - set(asked))
    nothing = _told(Failed(NO_PROMPT, again=False))
    lines: list[tuple[object, ...]] = [(row, uses[0].name, "", None, *nothing) for row in unasked]
    for key, group in groupby(of_generator, key=lambda use: settings[id(use.generator)]):
        lines += _answers(rows, asked, list(group), key, column, seed)
    samples = pl.DataFrame(lines, schema=SAMPLES, orient="row").sort("row", "key")
    return samples.with_columns(pl.col("text").str.strip_chars()).with_columns(fault=_fault(cut))


def _answers(
    rows: pl.DataFrame, asked: list[int], uses: list[Use], key: str, column: str, seed: int
) -> Iterator[tuple[object, ...]]:
    """Ask one generator. The seed rests on what the row is and what the answer is for, never on places in a list."""
    asks, whose = [], []
    needed = [name for name in ("id", column, "system", "history") if name in rows.columns]
    for position, row in zip(asked, rows.select(needed)[asked].iter_rows(named=True), strict=True):
        for use in uses:
            turns = conversation(row, column, use.system)
            asks.append(Ask(turns, seed_of(seed, row["id"], f"{column}/{use.name}/{key}")))
            whose.append((position, use.name, f"{use.name}/{key}", label(use.generator)))
    for who, answer in zip(whose, uses[0].generator.ask(asks), strict=True):
        yield (*who, *_told(answer))


def _told(answer: Answer | Failed) -> tuple[object, ...]:
    if isinstance(answer, Failed):
        return (None, None, None, None, answer.reason, answer.reason != NO_PROMPT, answer.again)
    return (answer.text, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens, None, False, False)


def _fault(cut: Cut) -> pl.Expr:
    """Say what is wrong with an answer that came: a kept one may be cut, but never empty."""
    ended = pl.col("finish")
    unfinished = pl.when((ended == "length") & pl.lit(cut == "drop")).then(pl.lit(CUT))
    withheld = pl.when(ended == "content_filter").then(pl.lit(WITHHELD))
    return pl.coalesce("fault", withheld, unfinished, pl.when(pl.col("text") == "").then(pl.lit(EMPTY)))


def settings_key(generator: Generator) -> str:
    """Name a generator by its settings alone: neither its name nor its place in a list changes an answer.

    Raise GeneratorError where a setting is no plain value.
    """
    return keys_of(generator.settings, [Ask((), 0)])[0][:12]


def label(generator: Generator) -> str:
    """Name a generator as the recipe does; in a program, where it may have no name, by its model."""
    return generator.name or generator.settings.model
