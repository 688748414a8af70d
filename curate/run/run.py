"""Run a recipe: sources, the row-wise pass, selects, the budget, outputs. Every row ends in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import Cache, Entry, code_of, fingerprint
from curate.recipe.bindings import described
from curate.recipe.plan import Recipe, Source
from curate.recipe.step import Step
from curate.rows import Batch, Part, SourceError, SourceMissing, data_folder
from curate.run import ledger as ledgers
from curate.run.examples import sentences
from curate.run.fill import Result, fill
from curate.run.passes import count_of, pass_over
from curate.run.pool import Pool, go_on
from curate.run.state import Run, RunError, Tell, silent


def run(
    recipe: Recipe, stages: Cache, *, batch_rows: int = 10_000, limit: int | None = None, tell: Tell | None = None
) -> tuple[Result, Run]:
    """Run a recipe to its set and ledger, in memory; `curate.run.outputs.write` puts them on disk.

    `limit` reads at most that many rows of each part. Raise `RunError`, `SourceError`, `StepError` or `Shortfall`,
    each one sentence; finished stages stay, so the next run goes on from there.
    """
    state = Run(recipe, stages, batch_rows, limit, tell or silent)
    state.hear()
    pools = [_timed(state, source.name, _source, source) for source in recipe.sources]
    pool = _timed(state, "steps", _together, pools)
    del pools
    result = _timed(state, "sample", fill, pool)
    _conserve(state, result)
    return result, state


def _timed(state: Run, name: str, work: Callable[..., Any], *args: Any) -> Any:
    start = time.perf_counter()
    try:
        return work(state, *args)
    finally:
        state.seconds[name] = round(time.perf_counter() - start, 3)


def _source(state: Run, source: Source) -> Pool:
    """Read one source and take it through its own steps."""
    parts = _parts(state, source)
    row_wise, later = _leading(source.steps)
    passed = [_pass(state, source, part, row_wise) for part in parts]
    state.counts[source.name] = count_of([stage.meta for stage in passed])
    _not_empty(state, source, parts, passed)
    for stage in passed:
        for note, figure in stage.meta["notes"].items():
            notes = state.notes.setdefault(source.name, {})
            notes[note] = notes.get(note, 0.0) + figure
    state.quarantine += [file for stage in passed for file in stage.files("bad.jsonl")]
    state.examples += [file for stage in passed for file in stage.files("examples.parquet")]
    _enough_good(state, source.name)
    frames = [pl.read_parquet(file) for stage in passed for file in stage.files("ledger-*.parquet")]
    ledger = ledgers.gather(frames)
    files = [file for stage in passed for file in stage.files("rows-*.parquet")]
    pool = Pool(ledgers.mark_repeated(ledger), files, "+".join(sorted(stage.content for stage in passed)))
    return go_on(state, pool, later)


def _not_empty(state: Run, source: Source, parts: list[Part], passed: list[Entry]) -> None:
    """Say which parts hold no record; a source that has none at all is as good as not there."""
    empty = [part.name for part, stage in zip(parts, passed, strict=True) if not stage.meta["read"] + stage.meta["bad"]]
    if not empty or state.limit == 0:
        return
    if len(empty) < len(parts):
        state.notes.setdefault(source.name, {})["parts without a record"] = float(len(empty))
        return
    reason = f"there is no record in {', '.join(empty[:3])}{' and others' if len(empty) > 3 else ''}"
    if not source.optional:
        raise RunError(f"{source.read.place}: source '{source.name}': {reason}")
    state.absent[source.name] = reason


def _parts(state: Run, source: Source) -> list[Part]:
    """List a source's parts; one that is not there is fine only when the recipe says so."""
    try:
        parts = source.read.parts()
    except SourceMissing as missing:
        if not source.optional:
            raise SourceError(f"{source.read.place}: source '{source.name}': {missing}") from None
        state.absent[source.name] = str(missing).replace(str(data_folder()), "$CURATE_DATA")
        return []
    except SourceError as error:
        raise SourceError(f"{source.read.place}: source '{source.name}': {error}") from None
    return sorted(parts, key=lambda part: part.name)


def _leading(steps: tuple[Step, ...]) -> tuple[list[Step], list[Step]]:
    """Split steps into the row-wise ones that lead, which stream, and the rest."""
    first = next((i for i, step in enumerate(steps) if step.alone), len(steps))
    return list(steps[:first]), list(steps[first:])


def _pass(state: Run, source: Source, part: Part, steps: list[Step]) -> Entry:
    """Read one part and pass it through the row-wise steps, unless that was done before."""
    try:
        hashes = fingerprint(part.files, state.stages.folder / "files.json")
    except OSError as error:
        if error.filename not in map(str, part.files):
            raise
        said = f"{error.filename} cannot be read: {error.strerror}"
        raise SourceError(f"{source.read.place}: source '{source.name}': {said}") from None
    depends = {
        "source": source.name,
        "read": [source.read.name, {k: v for k, v in source.read.params.items() if not isinstance(v, Path)}],
        "given": described(source.read.given),
        "code": code_of(source.read.function),
        "part": part.name,
        "files": hashes,
        "steps": [step.depends() for step in steps],
        "limit": state.limit,
    }
    state.inputs += [
        {"source": source.name, "part": part.name, "file": file.name, "bytes": file.stat().st_size, "sha256": digest}
        for file, digest in zip(part.files, hashes, strict=True)
    ]
    what = f"{source.name}: {part.name}"

    def build(folder: Path) -> dict[str, Any]:
        batches = _limited(source.read.batches(part, state.batch_rows), state.limit)
        try:
            return pass_over(batches, steps, source.name, folder, lambda rows: state.tell(what, rows))
        except SourceError as error:
            raise SourceError(f"{source.read.place}: source '{source.name}': {error}") from None

    return state.stage("pass", what, depends, build)


def _limited(batches: Iterator[Batch], limit: int | None) -> Iterator[Batch]:
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        yield batch._replace(rows=batch.rows[:left])
        left -= min(left, batch.rows.height)
        if not left:
            return


def _enough_good(state: Run, source: str) -> None:
    """Stop when more of a source than `max_bad` could not be read, by records or by bytes."""
    count = state.counts[source]
    lost = max(_share(count["bad"], count["read"]), _share(count["bad_bytes"], count["bytes"]))
    if lost > state.recipe.max_bad:
        first = next(said for file in state.quarantine for said in sentences(file, source))
        raise RunError(
            f"source '{source}': {count['bad']:,} of {count['bad'] + count['read']:,} records could not be read "
            f"({lost:.1%} of records or bytes, max_bad is {state.recipe.max_bad:.1%}). The first: {first}. Mend the "
            f"input, or accept what is there with `--set max_bad={min(1.0, round(lost + 0.005, 2))}`. "
            "What was read is kept."
        )


def _share(bad: int, good: int) -> float:
    return bad / (bad + good) if bad else 0.0


def _together(state: Run, pools: list[Pool]) -> Pool:
    """Put the sources together, in the recipe's order, and take them through the recipe's steps."""
    ledger = pl.concat([pool.ledger for pool in pools], how="diagonal_relaxed")
    files = [file for pool in pools for file in pool.files]
    pool = Pool(ledgers.mark_repeated(ledger), files, "+".join(pool.key for pool in pools))
    return go_on(state, pool, list(state.recipe.steps))


def _conserve(state: Run, result: Result) -> None:
    """Check that no row was lost or made: read = kept + dropped, for every source; a bug if not, so the run fails."""
    for name, count in state.counts.items():
        rows = result.ledger.filter(pl.col("source") == name)
        kept = result.rows.filter(pl.col("source") == name).height
        dropped = rows.filter(pl.col("dropped_by").is_not_null()).height
        if count["read"] != rows.height or rows.height != kept + dropped:
            raise RunError(f"source '{name}': read {count['read']:,}, but kept {kept:,} and dropped {dropped:,}")
