"""Run a recipe: sources, the row-wise pass, selects, the budget, outputs. Every row ends in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from curate import ledger as ledgers
from curate.budget import Share, shares
from curate.errors import UserError
from curate.filter import Choice
from curate.filters import domains
from curate.passes import StepError, count_of, misfit, no_column, pass_over, read_again, standardise
from curate.recipe import Recipe, Source, data_folder
from curate.rows import Batch, Part, SourceError, SourceMissing
from curate.stages import Stage, Stages, fingerprint
from curate.step import Step

Tell = Callable[[str, int], None]  # (what is being done, rows done since the last call)


class RunError(UserError):
    """Say in words why a run stopped; what was finished is kept for the next one."""


@dataclass
class Run:
    """One run under way: its settings, and what it found out."""

    recipe: Recipe
    stages: Stages
    batch_rows: int = 10_000
    limit: int | None = None
    tell: Tell = lambda what, rows: None
    built: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    quarantine: list[Path] = field(default_factory=list)
    examples: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str, label: str, depends: dict[str, Any], build: Callable[[Path], dict[str, Any]]) -> Stage:
        """Get a stage and note whether it had to be built."""
        stage = self.stages.get(name, depends, build)
        (self.reused if stage.reused else self.built).append(label)
        return stage


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


@dataclass(frozen=True)
class Result:
    """What a run yields before it is written: the set, the ledger of all rows, and how the budget was met."""

    rows: pl.DataFrame
    ledger: pl.DataFrame
    shares: dict[str, Share]


def run(
    recipe: Recipe, stages: Stages, *, batch_rows: int = 10_000, limit: int | None = None, tell: Tell | None = None
) -> tuple[Result, Run]:
    """Run a recipe to its set and ledger, in memory; `curate.outputs.write` puts them on disk.

    `limit` reads at most that many rows of each part. Raise `RunError`, `SourceError`, `StepError` or `Shortfall`,
    each one sentence; finished stages stay, so the next run goes on from there.
    """
    state = Run(recipe, stages, batch_rows, limit, tell or (lambda what, rows: None))
    pools = {source.name: _timed(state, source.name, _source, source) for source in recipe.sources}
    pool = _timed(state, "steps", _together, list(pools.values()))
    result = _timed(state, "sample", _fill, pool)
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
    state.quarantine += [file for stage in passed for file in stage.files("bad.jsonl")]
    state.examples += [file for stage in passed for file in stage.files("examples.parquet")]
    _enough_good(state, source.name)
    frames = [pl.read_parquet(file) for stage in passed for file in stage.files("ledger-*.parquet")]
    ledger = ledgers.gather(frames)
    files = [file for stage in passed for file in stage.files("rows-*.parquet")]
    pool = Pool(ledgers.mark_repeated(ledger), files, "+".join(sorted(stage.key for stage in passed)))
    return _go_on(state, pool, later)


def _parts(state: Run, source: Source) -> list[Part]:
    """List a source's parts; one that is not there is fine only when the recipe says so."""
    try:
        parts = source.read.function(**source.read.params)
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
    first = next((i for i, step in enumerate(steps) if step.verb == "select"), len(steps))
    return list(steps[:first]), list(steps[first:])


def _pass(state: Run, source: Source, part: Part, steps: list[Step]) -> Stage:
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
        "part": part.name,
        "files": hashes,
        "steps": [step.described() for step in steps],
        "limit": state.limit,
    }
    state.inputs += [
        {"source": source.name, "part": part.name, "file": file.name, "bytes": file.stat().st_size, "sha256": digest}
        for file, digest in zip(part.files, hashes, strict=True)
    ]
    what = f"{source.name}: {part.name}"

    def build(folder: Path) -> dict[str, Any]:
        batches = _limited(part.read(state.batch_rows), state.limit)
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
        yield Batch(batch.rows[:left], batch.bad)
        left -= min(left, batch.rows.height)
        if not left:
            return


def _enough_good(state: Run, source: str) -> None:
    """Stop when more of a source than `max_bad` could not be read, by records or by bytes."""
    count = state.counts[source]
    lost = max(_share(count["bad"], count["read"]), _share(count["bad_bytes"], count["bytes"]))
    if lost > state.recipe.max_bad:
        first = next(line for file in state.quarantine for line in ledgers.bad_lines(file, source))
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
    return _go_on(state, pool, list(state.recipe.steps))


def _go_on(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    """Take a pool through steps of any kind: selects see all of it, row-wise steps pass over its rows again."""
    for selects, group in groupby(steps, key=lambda step: step.verb == "select"):
        together = list(group)
        if selects:
            for step in together:
                pool = _select(state, pool, step)
        else:
            pool = _pass_again(state, pool, together)
    return pool


def _pass_again(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    depends = {"pool": pool.key, "steps": [step.described() for step in steps]}
    what = ", ".join(step.label for step in steps)

    def build(folder: Path) -> dict[str, Any]:
        batches = read_again(pool.files, pool.alive, state.batch_rows)
        return pass_over(batches, steps, "", folder, lambda rows: state.tell(what, rows))

    stage = state.stage("again", what, depends, build)
    state.examples += stage.files("examples.parquet")
    frames = [pl.read_parquet(file).drop("domain") for file in stage.files("ledger-*.parquet")]
    found = pl.concat(frames, how="diagonal_relaxed") if frames else None
    return Pool(ledgers.extend(pool.ledger, found), stage.files("rows-*.parquet"), stage.key)


def _select(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a selector choose from the rows alive; it sees them in the order of their ids."""
    depends = {"pool": pool.key, "step": step.described()}

    def build(folder: Path) -> dict[str, Any]:
        columns = _columns_of(step)
        rows = look(pool, columns)
        state.tell(step.label, rows.height)
        at = f"{step.place}: select {step.name}"
        if ":" not in step.name:
            _there(pool, [step.params.get("column"), step.params.get("by"), step.params.get("prefer")], at)
        try:
            choice: Choice = step.function(rows, **step.params)
            decided = _decided(rows, step.label, choice)
        except Exception as error:  # a user's own selector may raise anything
            raise StepError(f"{at}: {misfit(error, rows, columns)}") from error
        decided.write_parquet(folder / "choice.parquet")
        return {"kept": int(choice.kept.sum()), "read": rows.height}

    stage = state.stage("select", step.label, depends, build)
    found = pl.read_parquet(stage.folder / "choice.parquet")
    return Pool(ledgers.extend(pool.ledger, found), pool.files, stage.key)


def _columns_of(step: Step) -> list[str]:
    """Find the columns a selector may read: those that its parameters name."""
    named = [v for v in step.params.values() if isinstance(v, str | list)]
    return [str(c) for v in named for c in (v if isinstance(v, list) else [v])]


def _there(pool: Pool, columns: list[Any], at: str) -> None:
    """Raise StepError for a column that no row of the pool has."""
    known = list(dict.fromkeys(name for file in pool.files for name in pl.read_parquet_schema(file)))
    for column in [c for named in columns for c in (named if isinstance(named, list) else [named])]:
        if known and column is not None and column not in known:
            raise StepError(f"{at}: {no_column(column, known)}")


def look(pool: Pool, columns: list[str]) -> pl.DataFrame:
    """Read the identity, domain, score and some more columns of the rows alive, in the order of their ids."""
    wanted = list(dict.fromkeys(["id", "source", "domain", "score", *columns]))
    frames = []
    for file in pool.files:
        lazy = pl.scan_parquet(file)
        there = [c for c in wanted if c in lazy.collect_schema().names()]
        frames.append(lazy.select(there).collect())
    if not frames:
        return standardise(pl.DataFrame({"id": [], "source": []}, schema={"id": pl.String, "source": pl.String}), "")
    rows = pl.concat(frames, how="diagonal_relaxed")
    return rows.unique(["source", "id"], keep="any").join(pool.alive, on=["source", "id"], how="semi").sort("id")


def _decided(rows: pl.DataFrame, label: str, choice: Choice) -> pl.DataFrame:
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


def _fill(state: Run, pool: Pool) -> Result:
    """Fill the budget from the rows alive, last of all, so that exactly `size` rows remain."""
    recipe = state.recipe
    wanted = [str(s.sample[k]) for s in recipe.sources for k in ("by", "prefer") if s.sample.get(k)]
    for s in recipe.sources:
        _there(pool, [s.sample.get("by"), s.sample.get("prefer")], f"{s.read.place}: source '{s.name}': sample")
    rows = look(pool, wanted)
    by_source = {s.name: rows.filter(pl.col("source") == s.name) for s in recipe.sources}
    available = {s.name: _available(by_source[s.name], s) for s in recipe.sources}
    asked = {s.name: (0 if s.name in state.absent and s.take is None else s.take) for s in recipe.sources}
    settled = shares(asked, available, size=recipe.size, rule=recipe.shortfall, seed=recipe.seed)
    found = [_sampled(by_source[s.name], s, settled[s.name].taken, recipe.seed) for s in recipe.sources]
    ledger = ledgers.extend(pool.ledger, pl.concat(found))
    chosen = ledger.filter("kept").select("source", "id")
    frames = [b.rows for b in read_again(pool.files, chosen, 1_000_000)]
    rows = pl.concat(frames, how="diagonal_relaxed") if frames else look(Pool(ledger, [], ""), [])
    return Result(rows, ledger, settled)


def _available(rows: pl.DataFrame, source: Source) -> int:
    cap = source.sample.get("per_domain")
    if cap is None:
        return rows.height
    return int(rows.group_by(source.sample["by"]).len().select(pl.col("len").clip(upper_bound=cap).sum()).item() or 0)


def _sampled(rows: pl.DataFrame, source: Source, n: int, seed: int) -> pl.DataFrame:
    """Choose a source's share: by its `sample` block, else at random."""
    how = source.sample or {"by": "source", "prefer": None}
    if n == rows.height or n == 0:  # all or none: nothing to choose
        kept = pl.Series("kept", [n > 0], dtype=pl.Boolean).new_from_index(0, rows.height)
        why = pl.Series("why", [None if n else f"not picked: 0 asked of {source.name}"], dtype=pl.String)
        return _decided(rows, "sample", Choice(kept, why.new_from_index(0, rows.height)))
    return _decided(rows, "sample", domains(rows, n=n, seed=seed, **how))


def _conserve(state: Run, result: Result) -> None:
    """Check that no row was lost or made: read = kept + dropped, for every source; a bug if not, so the run fails."""
    for name, count in state.counts.items():
        rows = result.ledger.filter(pl.col("source") == name)
        kept = result.rows.filter(pl.col("source") == name).height
        dropped = rows.filter(pl.col("dropped_by").is_not_null()).height
        if count["read"] != rows.height or rows.height != kept + dropped:
            raise RunError(f"source '{name}': read {count['read']:,}, but kept {kept:,} and dropped {dropped:,}")
