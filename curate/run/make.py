"""Steps that make what rows lack: answers, and pairs of them. What they make is a stage, like all else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import Entry
from curate.pairs.samples import Result
from curate.recipe.step import Step
from curate.rows import STANDARD, stack
from curate.run.examples import samples
from curate.run.passes import StepError, misfit, read_again
from curate.run.state import Run

_REASONS = 3  # the most frequent ones that are said
_RAW = 500  # characters of a prompt kept beside the reason why it has no answer


def make(state: Run, files: list[Path], alive: pl.DataFrame, key: str, step: Step) -> Entry:
    """Let a step make answers or pairs for the rows alive, which it sees in the order of their ids.

    The stage holds rows-*.parquet (the rows that have what was made), ledger.parquet, examples.parquet and bad.jsonl
    (rows whose answer an engine or a judge did not give). Where another try may give more, the stage is not kept: the
    answers that are there stay in the generators' journals.
    """

    def build(folder: Path) -> dict[str, Any]:
        batches = [batch.rows for batch in read_again(files, alive, 1_000_000)]
        if not batches:
            return {"again": 0, "notes": {}}
        rows = stack(batches).sort("id", "source")
        made = _made(rows, step)
        ledger = _ledger(rows, step, made)
        rows = _with(rows, made)
        samples(rows, ledger).write_parquet(folder / "examples.parquet")
        rows.filter(made.why.is_null()).write_parquet(folder / "rows-00000.parquet")
        ledger.write_parquet(folder / "ledger.parquet")
        (folder / "bad.jsonl").write_text(_failed(rows, step, made), encoding="utf-8")
        reasons = Counter(why for why in made.why if why is not None).most_common(_REASONS)
        return {"again": int(made.again.sum()), "notes": dict(made.notes), "reasons": reasons}

    depends = {"pool": key, "step": step.depends()}
    stage = state.stage("make", step.label, depends, build, keep=lambda meta: not meta["again"])
    state.reasons[step.label] = stage.meta.get("reasons", [])
    if stage.meta["again"]:
        state.open[step.label] = stage.meta["again"]
    return stage


def _made(rows: pl.DataFrame, step: Step) -> Result:
    at = f"{step.place}: {step.verb} {step.name}"
    try:
        made: Result = step.function(rows, **{**step.params, **step.given})
        heights = {len(made.why), made.columns.height, len(made.again), len(made.failed)}
        if not isinstance(made, Result) or heights != {rows.height}:
            raise ValueError(f"gives {sorted(heights)} rows for {rows.height}")
    except Exception as error:  # a user's own function may raise anything
        raise StepError(f"{at}: {misfit(error, rows, list(step.columns or ()))}") from error
    return made


def _with(rows: pl.DataFrame, made: Result) -> pl.DataFrame:
    """Put what was made into the rows: pairs stand in place of a response, a response in place of pairs."""
    other = {"chosen": ["response"], "response": ["chosen", "rejected"]}
    gone = [name for new in made.columns.columns for name in other.get(new, [])]
    nothing = [pl.lit(None, dtype=STANDARD[name]).alias(name) for name in gone]
    return rows.with_columns(*nothing).with_columns(made.columns)


def _ledger(rows: pl.DataFrame, step: Step, made: Result) -> pl.DataFrame:
    why = made.why.alias("_why")
    line = pl.format("{}: {}", pl.lit(step.label), "_why")
    return (
        rows.select("id", "source")
        .with_columns(why, made.why.is_null().alias(step.label))
        .hstack(made.ledger.rename(lambda name: f"{step.label}.{name}"))
        .with_columns(
            kept=pl.col(step.label),
            dropped_by=pl.when(~pl.col(step.label)).then(pl.lit(step.label)),
            detail=line,
        )
        .drop("_why")
    )


def _failed(rows: pl.DataFrame, step: Step, made: Result) -> str:
    """Write the rows that got no answer as quarantine lines."""
    lines = []
    failed = rows.select("id", "source", "prompt").with_columns(made.why.alias("why")).filter(made.failed)
    for row in failed.iter_rows(named=True):
        prompt = row["prompt"] or ""
        line = {"source": row["source"], "file": f"step {step.label}", "where": f"row {row['id']}", "error": row["why"]}
        lines.append(json.dumps({**line, "raw": prompt[:_RAW], "size": len(prompt.encode())}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)
