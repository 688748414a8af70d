"""Steps on a pool: those that look at all its rows, those that write what rows lack, and row-wise ones after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from curate import texts
from curate.cache import Entry
from curate.filter import Choice
from curate.pairs.samples import Result
from curate.recipe.step import Step, columns_read
from curate.rows import STANDARD, Bad, Batch, literal, scan, stack, standardise
from curate.run import ledger as ledgers
from curate.run.examples import samples
from curate.run.parts import add, pass_over
from curate.run.quarantine import line_of
from curate.run.state import Pool, Run
from curate.run.step_error import StepError, misfit, no_column
from curate.turns import TURNS

_REASONS = 3  # the most frequent ones that are said
_RAW = 500  # characters of a prompt kept beside the reason why it has no answer


def apply_steps(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    """Take a pool through steps of any kind: those that stand alone see all of it, row-wise ones pass over it again."""
    for alone, group in groupby(steps, key=lambda step: step.alone):
        neighbours = list(group)
        if not alone:
            pool = _pass_again(state, pool, neighbours)
            continue
        for step in neighbours:
            pool = _select(state, pool, step) if step.verb == "select" else _make(state, pool, step)
    return pool


def _pass_again(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    depends = {"pool": pool.key, "steps": [step.depends() for step in steps]}
    label = ", ".join(step.label for step in steps)

    def build(folder: Path) -> dict[str, Any]:
        size = state.batch_rows
        batches = (Batch(some) for rows in pool.read() for some in rows.iter_slices(size))
        return pass_over(batches, steps, "", folder, lambda rows: state.progress(label, rows))

    stage = state.stage("again", label, depends, build)
    state.examples += stage.files("examples.parquet")
    add(state.unseen, stage.meta["unseen"])
    ledger = pool.ledger.extend(map(scan, stage.files("ledger-*.parquet")))
    return Pool.of(ledger, stage.files("rows-*.parquet"), stage.content)


def _select(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a selector choose from the rows alive; it sees them in the order of their ids."""
    depends = {"pool": pool.key, "step": step.depends()}

    def build(folder: Path) -> dict[str, Any]:
        columns, declared = columns_read(step.function, step.params)
        at = f"{step.place}: select {step.name}"
        if declared:
            demand(pool, columns, at)
        try:
            rows = look(pool, columns)
        except texts.TurnsError as error:
            raise StepError(f"{at}: {error}") from None
        state.progress(step.label, rows.height)
        try:
            choice: Choice = step.function(rows, **step.params, **step.objects)
            verdicts = decide(rows, step.label, choice)
        except Exception as error:  # a user's own selector may raise anything
            raise StepError(f"{at}: {misfit(error, rows, columns)}") from error
        verdicts.write_parquet(folder / "choice.parquet")
        unseen = _unseen(pool, columns) if declared else 0
        return {"kept": int(choice.kept.sum()), "read": rows.height, "notes": dict(choice.notes), "unseen": unseen}

    stage = state.stage("select", step.label, depends, build)
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]
    if stage.meta["unseen"]:
        add(state.unseen, {step.label: stage.meta["unseen"]})
    return replace(pool.only(scan(stage.folder / "choice.parquet")), key=stage.content)


def demand(pool: Pool, columns: list[str], at: str) -> None:
    """Raise StepError for a column that no row of the pool has."""
    known = list(dict.fromkeys(name for file in pool.files for name in pl.read_parquet_schema(file)))
    for column in columns:
        if known and column not in known and column not in texts.KINDS:
            raise StepError(f"{at}: {no_column(column, known)}")


def look(pool: Pool, columns: list[str]) -> pl.DataFrame:
    """Read the identity, domain, score and some more columns of the rows alive, in the order of their ids.

    A kind of turns is read as one text, its turns joined.
    """
    names = list(dict.fromkeys(["id", "source", "domain", "score", *columns]))
    kinds = [name for name in names if name in texts.KINDS]
    frames = []
    for rows in pool.read([*names, *(texts.COLUMNS if kinds else ())]):
        rows = rows.with_columns(texts.joined(rows, name) for name in kinds)
        frames.append(rows.select(literal(name) for name in names if name in rows.columns))
    return stack(frames).sort("id") if frames else standardise(pl.DataFrame(schema={"prompt": pl.String}), "")


def _unseen(pool: Pool, columns: list[str]) -> int:
    """Count the rows alive with turns like the one that a selector looks at, which it does not look at."""
    columns = [column for column in columns if column in texts.SINGLE]
    return (
        sum(int(texts.has_more(rows, columns).sum()) for rows in pool.read([*columns, *texts.TURNS])) if columns else 0
    )


def decide(rows: pl.DataFrame, label: str, choice: Choice) -> pl.DataFrame:
    """Write a selector's choice as ledger columns."""
    dropped = ~pl.col("kept")
    return (
        rows.select("source", "id")
        .with_columns(choice.kept.fill_null(False).alias("kept"), choice.why.alias("why"))
        .select(
            "source",
            "id",
            pl.col("kept").alias(label),
            pl.when(dropped).then(pl.lit(label)).alias("dropped_by"),
            pl.when(dropped).then(ledgers.only_evidence(label, pl.col("why"))).alias("detail"),
            "kept",
        )
    )


def _make(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a step write answers or pairs for the rows alive, and note what it could not write."""
    stage = _make_stage(state, pool, step)
    state.quarantine += stage.files("bad.jsonl")
    state.examples += stage.files("examples.parquet")
    state.reasons[step.label] = stage.meta.get("reasons", [])
    if stage.meta["again"]:
        state.open[step.label] = stage.meta["again"]
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]
    ledger = pool.ledger.extend(map(scan, stage.files("ledger.parquet")))
    return Pool.of(ledger, stage.files("rows-*.parquet"), stage.content)


def _make_stage(state: Run, pool: Pool, step: Step) -> Entry:
    """Write what rows lack, which the step sees in the order of their ids.

    The stage holds rows-*.parquet (the rows that have what was written), ledger.parquet, examples.parquet and bad.jsonl
    (rows whose answer an engine or a judge did not give). Where another try may give more, the stage is not kept: the
    answers that are there stay in the generators' journals.
    """

    def build(folder: Path) -> dict[str, Any]:
        if not pool.alive.any():
            return {"again": 0, "notes": {}}
        rows = stack(list(pool.read())).sort("id", "source")
        result = _write(rows, step)
        ledger = _ledger(rows, step, result)
        rows = _replace(rows, result)
        samples(rows, ledger).write_parquet(folder / "examples.parquet")
        rows.filter(result.why.is_null()).write_parquet(folder / "rows-00000.parquet")
        ledger.write_parquet(folder / "ledger.parquet")
        (folder / "bad.jsonl").write_text("".join(_failures(rows, step, result)), encoding="utf-8")
        reasons = Counter(why for why in result.why if why is not None).most_common(_REASONS)
        return {"again": int(result.again.sum()), "notes": dict(result.notes), "reasons": reasons}

    depends = {"pool": pool.key, "step": step.depends()}
    return state.stage("make", step.label, depends, build, keep=lambda meta: not meta["again"])


def _write(rows: pl.DataFrame, step: Step) -> Result:
    at = f"{step.place}: {step.verb} {step.name}"
    try:
        result: Result = step.function(rows, **{**step.params, **step.objects})
        heights = {len(result.why), result.columns.height, len(result.again), len(result.failed)}
        if not isinstance(result, Result) or heights != {rows.height}:
            raise ValueError(f"gives {sorted(heights)} rows for {rows.height}")
    except Exception as error:  # a user's own function may raise anything
        raise StepError(f"{at}: {misfit(error, rows, list(step.columns or ()))}") from error
    return result


def _replace(rows: pl.DataFrame, result: Result) -> pl.DataFrame:
    """Put what was written into the rows: pairs stand in place of a response, a response in place of pairs."""
    other = {"chosen": ["response"], "response": ["chosen", "rejected"]}
    written = result.columns.columns
    names = [name for new in written for name in other.get(new, [])]
    nothing = [pl.lit(None, dtype=STANDARD[name]).alias(name) for name in names]
    turns = [f"{name}_turns" for name in {*written, *names}]  # what an answer had beside its text goes with it
    nothing += [pl.lit(None, dtype=TURNS).alias(name) for name in turns if name in rows.columns]
    return rows.with_columns(*nothing).with_columns(result.columns)


def _ledger(rows: pl.DataFrame, step: Step, result: Result) -> pl.DataFrame:
    return (
        rows.select("id", "source")
        .with_columns(result.why.alias("_why"), result.why.is_null().alias(step.label))
        .hstack(result.ledger.rename(lambda name: f"{step.label}.{name}"))
        .with_columns(
            kept=pl.col(step.label),
            dropped_by=pl.when(~pl.col(step.label)).then(pl.lit(step.label)),
            detail=ledgers.only_evidence(step.label, pl.col("_why")),
        )
        .drop("_why")
    )


def _failures(rows: pl.DataFrame, step: Step, result: Result) -> Iterator[str]:
    """Write the rows that got no answer as lines of the quarantine."""
    rows = rows.select("id", "source", "prompt").with_columns(result.why.alias("why")).filter(result.failed)
    for row in rows.iter_rows(named=True):
        prompt = row["prompt"] or ""
        where = f"row {row['id']}"
        yield line_of(row["source"], Bad(f"step {step.label}", where, row["why"], prompt[:_RAW], len(prompt.encode())))
