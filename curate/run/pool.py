"""The pool: rows on their way through steps that come after the first pass, or that look at all of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from curate.filter import Choice
from curate.recipe.step import Step, columns_read
from curate.rows import literal, stack
from curate.run import ledger as ledgers
from curate.run.make import make
from curate.run.passes import StepError, apart, misfit, no_column, pass_over, read_again, standardise
from curate.run.state import Run


@dataclass(frozen=True)
class Pool:
    """The rows of one or several sources so far: their ledger in memory, their text in files."""

    ledger: pl.DataFrame
    files: list[Path]
    key: str

    @property
    def alive(self) -> pl.DataFrame:
        """List the rows that no step has dropped, as (source, id)."""
        return self.ledger.filter("kept").select("source", "id")


def go_on(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    """Take a pool through steps of any kind: those that stand alone see all of it, row-wise ones pass over it again."""
    for alone, group in groupby(steps, key=lambda step: step.alone):
        together = list(group)
        if not alone:
            pool = _pass_again(state, pool, together)
            continue
        for step in together:
            pool = _select(state, pool, step) if step.verb == "select" else _make(state, pool, step)
    return pool


def _make(state: Run, pool: Pool, step: Step) -> Pool:
    stage = make(state, pool.files, pool.alive, pool.key, step)
    state.quarantine += stage.files("bad.jsonl")
    state.examples += stage.files("examples.parquet")
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]
    found = [pl.read_parquet(file) for file in stage.files("ledger.parquet")]
    ledger = ledgers.extend(pool.ledger, found[0] if found else None)
    return Pool(ledger, stage.files("rows-*.parquet"), stage.content)


def _pass_again(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    depends = {"pool": pool.key, "steps": [step.depends() for step in steps]}
    what = ", ".join(step.label for step in steps)

    def build(folder: Path) -> dict[str, Any]:
        batches = read_again(pool.files, pool.alive, state.batch_rows)
        return pass_over(batches, steps, "", folder, lambda rows: state.tell(what, rows))

    stage = state.stage("again", what, depends, build)
    state.examples += stage.files("examples.parquet")
    frames = [pl.read_parquet(file).drop("domain") for file in stage.files("ledger-*.parquet")]
    found = pl.concat(frames, how="diagonal_relaxed") if frames else None
    return Pool(ledgers.extend(pool.ledger, found), stage.files("rows-*.parquet"), stage.content)


def _select(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a selector choose from the rows alive; it sees them in the order of their ids."""
    depends = {"pool": pool.key, "step": step.depends()}

    def build(folder: Path) -> dict[str, Any]:
        columns, declared = columns_read(step.function, step.params)
        rows = look(pool, columns)
        state.tell(step.label, rows.height)
        at = f"{step.place}: select {step.name}"
        if declared:
            demand(pool, columns, at)
        try:
            choice: Choice = step.function(rows, **step.params, **step.given)
            found = decided(rows, step.label, choice)
        except Exception as error:  # a user's own selector may raise anything
            raise StepError(f"{at}: {misfit(error, rows, columns)}") from error
        found.write_parquet(folder / "choice.parquet")
        return {"kept": int(choice.kept.sum()), "read": rows.height, "notes": dict(choice.notes)}

    stage = state.stage("select", step.label, depends, build)
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]
    found = pl.read_parquet(stage.folder / "choice.parquet")
    return Pool(ledgers.extend(pool.ledger, found), pool.files, stage.content)


def demand(pool: Pool, columns: list[str], at: str) -> None:
    """Raise StepError for a column that no row of the pool has."""
    known = list(dict.fromkeys(name for file in pool.files for name in pl.read_parquet_schema(file)))
    for column in columns:
        if known and column not in known:
            raise StepError(f"{at}: {no_column(column, known)}")


def look(pool: Pool, columns: list[str]) -> pl.DataFrame:
    """Read the identity, domain, score and some more columns of the rows alive, in the order of their ids."""
    wanted = list(dict.fromkeys(["id", "source", "domain", "score", *columns]))
    frames = []
    for file in pool.files:
        lazy = pl.scan_parquet(file)
        there = [literal(c) for c in wanted if c in lazy.collect_schema().names()]
        whole = lazy.select(there).collect()
        rows = whole.join(pool.alive, on=["source", "id"], how="semi").unique(["source", "id"], keep="any")
        frames.append(apart(rows, whole.height))
    if not frames:
        return standardise(pl.DataFrame(schema={"prompt": pl.String}), "")
    return stack(frames).unique(["source", "id"], keep="any").sort("id")


def decided(rows: pl.DataFrame, label: str, choice: Choice) -> pl.DataFrame:
    """Write a selector's choice as ledger columns."""
    line = pl.when(pl.col("why").is_not_null()).then(pl.format("{}: {}", pl.lit(label), "why"))
    return (
        rows.select("source", "id")
        .with_columns(choice.kept.fill_null(False).alias("kept"), choice.why.alias("why"))
        .select(
            "source",
            "id",
            pl.col("kept").alias(label),
            pl.when(~pl.col("kept")).then(pl.lit(label)).alias("dropped_by"),
            pl.when(~pl.col("kept")).then(line).alias("detail"),
            "kept",
        )
    )
