"""Answers sampled for rows, and put together as one answer or a pair a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, TypeAlias

import polars as pl

from curate.models.generators.ask import Answer, Ask, Failed, seed_of
from curate.models.generators.generator import Generator
from curate.models.generators.journal import keys_of
from curate.turns import TURNS, question, turn, without_thoughts


class Result(NamedTuple):
    """What a step makes of rows, in their order.

    `columns` are new columns of the rows (`chosen` and `rejected`, or `response`); `why` says why a row has none and is
    dropped, null where it has; `ledger` are numbers and short texts about each row, for the ledger; `again` marks the
    rows that a later run should ask about once more; `failed` those whose answer an engine or a judge did not give.
    `notes` are figures about the step as a whole, for the screen and the manifest.
    """

    columns: pl.DataFrame
    why: pl.Series  # String
    ledger: pl.DataFrame
    again: pl.Series  # Boolean
    failed: pl.Series  # Boolean
    notes: Mapping[str, float] = MappingProxyType({})


Pairs: TypeAlias = Annotated[Result, "pair"]  # makes `chosen` and `rejected`
Answers: TypeAlias = Annotated[Result, "answer"]  # makes `response`


Truncation: TypeAlias = Literal["drop", "keep"]  # what becomes of an answer that ran into the limit of tokens

Thoughts: TypeAlias = Literal["drop", "keep"]  # what becomes of the thoughts before an answer

# The faults an answer may have, besides what an engine or a judge says.
NO_PROMPT, CUT, WITHHELD = "no prompt", "cut off at the limit of tokens", "withheld by the server"
EMPTY, REPEATED = "empty", "the same text once more"
UNANSWERED, CALLS = "the model's thoughts were cut before an answer", "a call of a tool in place of an answer"

SAMPLES: dict[str, pl.DataType] = {
    "row": pl.Int64(),  # the position of the row
    "use": pl.String(),  # what the answer is for
    "key": pl.String(),  # the use and the generator's settings, which name the answer among a row's
    "generator": pl.String(),
    "text": pl.String(),
    "finish": pl.String(),
    "prompt_tokens": pl.Int64(),
    "tokens": pl.Int64(),
    "thinking": pl.String(),
    "thinking_tokens": pl.Int64(),  # of the tokens, where the engine counts them
    "fault": pl.String(),  # why the answer cannot be used, null if it can
    "failed": pl.Boolean(),
    "again": pl.Boolean(),
}


class Variant(NamedTuple):
    """An answer wanted of every row: what it is for, of whom, under which system prompt (None: the row's own)."""

    name: str
    generator: Generator
    system: str | None = None


def require(rows: pl.DataFrame, *columns: str) -> None:
    """Raise ValueError if the rows lack a column."""
    for name in columns:
        if name not in rows.columns:
            raise ValueError(f"the rows have no column '{name}': they have {', '.join(rows.columns)}")


def sample(rows: pl.DataFrame, variants: Sequence[Variant], *, column: str, seed: int, cut: Truncation) -> pl.DataFrame:
    """Ask for every variant of every row; each generator is asked once, for all that is wanted of it.

    The white space around an answer is no part of it. Raise ValueError if the rows lack `id` or the column.
    """
    require(rows, "id", column)
    settings = {id(variant.generator): settings_key(variant.generator) for variant in variants}
    # Equal settings are one generator, and a model is loaded once for all who sample it.
    of_generator = sorted(
        variants, key=lambda variant: (variant.generator.settings.model, settings[id(variant.generator)])
    )
    prompts = rows.select(position=pl.int_range(pl.len()), filled=pl.col(column).cast(pl.String).str.contains(r"\S"))
    answerable = prompts.filter(pl.col("filled").fill_null(False))["position"].to_list()
    # A row without a prompt is asked nothing, and is one line.
    skipped = sorted(set(range(rows.height)) - set(answerable))
    nothing = _outcome(Failed(NO_PROMPT, again=False))
    lines: list[tuple[object, ...]] = [(row, variants[0].name, "", None, *nothing) for row in skipped]
    for key, group in groupby(of_generator, key=lambda variant: settings[id(variant.generator)]):
        lines += _answers(rows, answerable, list(group), key, column, seed)
    samples = pl.DataFrame(lines, schema=SAMPLES, orient="row").sort("row", "key")
    return samples.with_columns(pl.col("text").str.strip_chars()).with_columns(fault=_fault(cut))


def _answers(
    rows: pl.DataFrame, positions: list[int], variants: list[Variant], key: str, column: str, seed: int
) -> Iterator[tuple[object, ...]]:
    """Ask one generator. The seed rests on what the row is and what the answer is for, never on places in a list."""
    asks, whose = [], []
    for position, row in zip(positions, asked(rows, column)[positions].iter_rows(named=True), strict=True):
        for variant in variants:
            turns = without_thoughts(question(row, column, variant.system))
            draw = seed_of(seed, row["id"], f"{column}/{variant.name}/{key}")
            asks.append(Ask(turns, draw, tools=row.get("tools")))
            whose.append((position, variant.name, f"{variant.name}/{key}", label(variant.generator)))
    for who, answer in zip(whose, variants[0].generator.ask(asks), strict=True):
        yield (*who, *_outcome(answer))


def asked(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Take of rows what a question is put together of; a name is that of whoever asks the prompt."""
    names = ("id", column, "system", "history", "tools", *(["prompt_name"] if column == "prompt" else []))
    return rows.select(name for name in names if name in rows.columns)


def _outcome(answer: Answer | Failed) -> tuple[object, ...]:
    if isinstance(answer, Failed):
        return (*[None] * 6, answer.reason, answer.reason != NO_PROMPT, answer.again)
    tokens = (answer.prompt_tokens, answer.completion_tokens)
    thoughts = (answer.thinking, answer.thinking_tokens)
    return (answer.text, answer.finish_reason, *tokens, *thoughts, None, False, False)


def _fault(cut: Truncation) -> pl.Expr:
    """Say what is wrong with an answer that came: a kept one may be cut, but never empty."""
    ended = pl.col("finish")
    unfinished = pl.when((ended == "length") & pl.lit(cut == "drop")).then(pl.lit(CUT))
    withheld = pl.when(ended == "content_filter").then(pl.lit(WITHHELD))
    calls = pl.when(ended == "tool_calls").then(pl.lit(CALLS))
    empty, thought = pl.col("text") == "", pl.col("thinking").is_not_null() | (pl.col("thinking_tokens") > 0)
    unanswered = pl.when(empty & thought).then(pl.lit(UNANSWERED))
    return pl.coalesce("fault", withheld, calls, unanswered, unfinished, pl.when(empty).then(pl.lit(EMPTY)))


def settings_key(generator: Generator) -> str:
    """Name a generator by its settings alone: neither its name nor its place in a list changes an answer.

    Raise GeneratorError where a setting is no plain value.
    """
    return keys_of(generator.settings, [Ask((), 0)])[0][:12]


def label(generator: Generator) -> str:
    """Name a generator as the recipe does; in a program, where it may have no name, by its model."""
    return generator.name or generator.settings.model


SIDES = ("chosen", "rejected")
SAME = "the two answers are the same"
_LEDGER = ("generator", "finish", "prompt_tokens", "tokens", "thinking_tokens", "score")


def pairs(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame, thoughts: Thoughts = "drop") -> Result:
    """Put together the pairs that were picked among the samples of the rows.

    `picks` has `row`, the keys of its `chosen` and `rejected` sample (null where there is none), and `why` there is no
    pair. The samples have a `score` if they were graded.
    """
    graded = ["score"] if "score" in samples.columns else []
    wide = _side_by_side(rows, samples, picks)
    same = pl.when(pl.col("chosen_text") == pl.col("rejected_text")).then(pl.lit(SAME))
    wide = wide.with_columns(why=pl.coalesce("why", same))
    wide = wide.with_columns(pl.when(pl.col("why").is_null()).then(f"{side}_text").alias(side) for side in SIDES)
    gap = [(pl.col("chosen_score") - pl.col("rejected_score")).alias("gap") for _ in graded]
    return _result(
        samples,
        columns=wide.select(
            *SIDES,
            *(f"{side}_{name}" for side in SIDES for name in ["generator", *graded]),
            *_turns(rows, wide, thoughts, {side: f"{side}_thinking" for side in SIDES}),
        ),
        why=wide["why"],
        ledger=wide.select(*(f"{side}_{name}" for side in SIDES for name in _ledger_columns(samples)), *gap),
        notes=_counts(samples) | figures(wide.with_columns(gap)),
    )


def answers(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame, thoughts: Thoughts = "drop") -> Result:
    """Put together the answers that were picked, one a row.

    `picks` has `row`, the key of its `best` sample (null where there is none) and `why` there is none; what else it has
    are figures for the ledger. The samples have a `score` if they were graded, and it becomes the row's.
    """
    graded = ["score"] if "score" in samples.columns else []
    wide = _numbered(rows.height).join(picks, on="row", how="left")
    wide = wide.join(samples, left_on=["row", "best"], right_on=["row", "key"], how="left").sort("row")
    wide = wide.with_columns(response=pl.when(pl.col("why").is_null()).then("text"))
    extra = [name for name in picks.columns if name not in ("row", "best", "why")]
    complete = wide.filter(pl.col("why").is_null())
    notes: dict[str, float] = {"rows answered": float(complete.height)}
    if complete.height:
        notes |= {name.replace("_", " "): round(float(complete[name].mean()), 3) for name in [*graded, *extra]}  # type: ignore[arg-type]
    return _result(
        samples,
        columns=wide.select("response", *graded, *_turns(rows, wide, thoughts, {"response": "thinking"})),
        why=wide["why"],
        ledger=wide.select(*_ledger_columns(samples), *extra),
        notes=_counts(samples) | notes,
    )


def _turns(
    rows: pl.DataFrame, wide: pl.DataFrame, thoughts: Thoughts, columns: Mapping[str, str]
) -> Iterator[pl.Series]:
    """Give the turns of answers, by their columns and those of their thoughts: all that they have beside a text.

    Where thoughts are not kept there are none, and they stand in place of those that the rows came with.
    """
    for column, thinking in columns.items():
        name = f"{column}_turns"
        if thoughts == "keep" or name in rows.columns:
            kept = (thoughts == "keep") & wide[column].is_not_null()
            texts = wide.select(pl.when(kept).then(thinking)).to_series()
            turns = [text and [turn("assistant", thinking=text)] for text in texts]
            yield pl.Series(name, turns, dtype=TURNS)


def _ledger_columns(samples: pl.DataFrame) -> list[str]:
    """Name what the ledger has of a picked answer: what there is of it, and the parts of its grade."""
    counted = samples["thinking_tokens"].is_not_null().any()
    names = [name for name in samples.columns if name in _LEDGER or name.startswith("grade_")]
    return [name for name in names if counted or name != "thinking_tokens"]


def drop_system(rows: pl.DataFrame, result: Result) -> Result:
    """Take the system prompt away that the rows came with."""
    if "system" not in rows.columns:
        return result
    return result._replace(columns=result.columns.with_columns(system=pl.lit(None, pl.String)))


def _side_by_side(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame) -> pl.DataFrame:
    """Put what is known of the two picked samples beside each other, a line for each of the rows, in their order."""
    wide = _numbered(rows.height).join(picks, on="row", how="left")
    for side in SIDES:
        sided = samples.rename({name: f"{side}_{name}" for name in samples.columns if name != "row"})
        wide = wide.join(sided, left_on=["row", side], right_on=["row", f"{side}_key"], how="left")
    return wide.sort("row")


def _numbered(height: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(height)}, schema={"row": pl.Int64})


def _result(
    samples: pl.DataFrame, *, columns: pl.DataFrame, why: pl.Series, ledger: pl.DataFrame, notes: Mapping[str, float]
) -> Result:
    """Say which rows failed, and which should be asked about again: all that lack an answer another try may give.

    A dropped row that lacks an answer counts as failed, though the answers it has might have been no good either.
    """
    lacking = samples.group_by("row").agg(pl.col("failed").any(), pl.col("again").any())
    rows = (
        _numbered(len(why))
        .join(lacking, on="row", how="left")
        .sort("row")
        .with_columns(pl.col("failed", "again").fill_null(False))
    )
    return Result(columns, why.alias("why"), ledger, rows["again"], rows["failed"] & why.is_not_null(), notes)


def _counts(samples: pl.DataFrame) -> dict[str, float]:
    """Count what was asked and what became of it; a fault that no answer has is left out."""
    counted = {
        "answers": samples["finish"].is_not_null(),
        "failed": samples["failed"] & samples["finish"].is_null(),
        "without a grade": samples["failed"] & samples["finish"].is_not_null(),
        "cut off": samples["finish"] == "length",
        "withheld": samples["fault"] == WITHHELD,
        "with thoughts": samples["thinking"].is_not_null(),
        "thoughts without an answer": samples["fault"] == UNANSWERED,
        "calls of tools": samples["fault"] == CALLS,
        "empty": samples["fault"] == EMPTY,
        "same text": samples["fault"] == REPEATED,
    }
    notes = {name: float(of.sum()) for name, of in counted.items()}
    tokens = {"prompt tokens": float(samples["prompt_tokens"].sum()), "tokens": float(samples["tokens"].sum())}
    if samples["thinking_tokens"].is_not_null().any():  # null where the engine counts none: nothing is estimated
        tokens["tokens of thoughts"] = float(samples["thinking_tokens"].sum())
    return {name: count for name, count in notes.items() if count or name == "answers"} | tokens


def figures(wide: pl.DataFrame, sizes: tuple[str, str] | None = None) -> dict[str, float]:
    """Measure pairs: how many, how often the chosen answer is the longer, by how much, how far apart in score.

    The ratio of their lengths is chosen over rejected, in the geometric mean: 1 is even. `sizes` name the columns with
    the lengths, if they are no texts' own.
    """
    complete = wide.filter(pl.col("why").is_null())
    sized = [pl.col(name) for name in sizes] if sizes else [pl.col(side).str.len_chars() for side in SIDES]
    extra = {"chosen longer": (sized[0] > sized[1]).mean(), "length ratio": (sized[0] / sized[1]).log().mean().exp()}
    extra |= {"mean gap": pl.col("gap").mean()} if "gap" in complete.columns else {}
    result = complete.select(value.round(3).alias(name) for name, value in extra.items()).row(0, named=True)
    return {"pairs": float(complete.height), **(result if complete.height else {})}
