"""The story of a run, from top to bottom: a recipe goes in, a folder with a set and its ledger comes out.

A source lists its parts; each part is read and passed through the row-wise steps; the steps that look at all rows
follow, first on each source, then on all together; the budget says which rows stay; and what is left is written.
Every row that was read stands in the ledger at the end, and if one does not the run fails.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import Cache, lock
from curate.engine import Engine, Local, current, using
from curate.folders import check, make, tidy, written
from curate.models.scores import hear
from curate.recipe.plan import Recipe, Source
from curate.recipe.step import Step
from curate.rows import beside
from curate.run.budget import Result, fill
from curate.run.complete import complete
from curate.run.held_out import hold_out
from curate.run.ledger import Ledger
from curate.run.outputs import BY, names, write, write_bad
from curate.run.parts import PartJob, gather, pass_parts, plan_parts
from curate.run.pool import apply_steps, stages
from curate.run.state import MANIFEST, BadRecords, Pool, Progress, Run, RunError, Shortfall, collect, silent
from curate.run.timetable import Timetable, times_of


def run_recipe(
    recipe: Recipe,
    out: Path,
    *,
    fresh: bool = False,
    limit: int | None = None,
    batch_rows: int = 20_000,
    progress: Progress = silent,
    timetable: Timetable | None = None,
    engine: str | None = None,
) -> dict[str, Any]:
    """Run a recipe into a folder and return its manifest; stages stand beside it, shared with its neighbours.

    `limit` reads at most that many rows of each part of a source; `fresh` does every stage again. `engine` says where
    the work is done: `local`, `ray`, the address of a Ray cluster, or, when not given, as `curate.engine.using` says.
    `progress` hears of what is done, and `timetable` says at any moment how far the run is.
    Raise `RunError`, `SourceError`, `StepError` or `FolderError`, each one sentence; finished stages stay, so the next
    run goes on from there. A run that falls short of its size raises `Shortfall` when all is written: the folder then
    holds the rows that there are, marked as short.
    """
    home = out.parent / ".stages"
    with tidy(out, home), beside(recipe.folder):
        check(out, BY, {*names(recipe), *written(out, BY)})
        cache = Cache(make(home).absolute(), fresh=fresh)
        timetable = timetable or Timetable()
        timetable.times |= times_of(out / MANIFEST)
        state = Run(recipe, cache, batch_rows, limit, progress, timetable)
        with _engine(engine, cache.folder) as work, using(work), hear(state.tell_of_scores):
            try:
                result = run(state)
            except BadRecords as error:
                with _writing(cache, out):
                    raise RunError(f"{error} All bad records are in {write_bad(state, out)}.") from None
            with _writing(cache, out):
                manifest = write(result, state, out)
    if result.short:
        raise Shortfall(result.short, manifest)
    return manifest


def _writing(stages: Cache, out: Path) -> AbstractContextManager[Any]:
    """Let two runs into one folder write one after the other."""
    return lock(stages.folder / f"out-{out.name}")


def _engine(name: str | None, folder: Path) -> AbstractContextManager[Engine]:
    if name in (None, "local"):
        return nullcontext(Local() if name else current())
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError:
        raise RunError(f"the engine '{name}' needs Ray: pip install 'curate-lm[ray]'") from None
    from curate.run.ray import cluster

    return cluster(str(name), folder)


def run(state: Run) -> Result:
    """Run a recipe to the rows that it chooses, and the verdicts of all."""
    pools = read_sources(state)
    with state.clock("gather rows"):
        pool = _together(pools).once(state.stages.folder)
    pool = apply_steps(state, pool, list(state.recipe.steps))
    with state.clock("sample"):
        left, held_out = hold_out(state, complete(state, pool))
        return fill(state, left, held_out)


def read_sources(state: Run) -> list[Pool]:
    """Take each source through its own steps."""
    with state.clock("plan"):  # of all sources first: what is wrong with the last one is not said after hours
        plans = collect(partial(plan_parts, state, s, leading(s)) for s in state.recipe.sources)
    state.timetable.plan(_plan(state.recipe, plans))
    return [_source(state, source, jobs) for source, jobs in zip(state.recipe.sources, plans, strict=True)]


def _plan(recipe: Recipe, plans: list[list[PartJob]]) -> dict[str, int | None]:
    """List the stages of a run, and the bytes that each reads."""
    sizes: dict[str, int | None] = {}
    for source, jobs in zip(recipe.sources, plans, strict=True):
        sizes[f"read {source.name}"] = sum(job.size for job in jobs) or None
        sizes |= dict.fromkeys(stages(_rest(source), source.name))
    return sizes | dict.fromkeys(["gather rows", *stages(recipe.steps), "sample", "write files"])


def leading(source: Source) -> list[Step]:
    """List the row-wise steps that lead: they stream with the reading."""
    return list(takewhile(lambda step: not step.alone, source.steps))


def _rest(source: Source) -> list[Step]:
    return list(source.steps[len(leading(source)) :])


def _source(state: Run, source: Source, jobs: list[PartJob]) -> Pool:
    """Read one source and take it through its own steps."""
    rest = _rest(source)
    with state.clock(f"read {source.name}"):
        pool = gather(state, source, pass_parts(state, jobs))
        pool = pool.once(state.stages.folder) if rest else pool
    return apply_steps(state, pool, rest, source.name)


def _together(pools: list[Pool]) -> Pool:
    """Put the sources together, in the recipe's order."""
    files = [file for pool in pools for file in pool.files]
    alive = pl.concat([pool.alive for pool in pools])
    return Pool(Ledger(tuple(pool.ledger for pool in pools)), files, "+".join(pool.key for pool in pools), alive)
