"""Steps on a pool: those that look at all its rows, those that write what rows lack, and row-wise ones after them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import polars as pl

from curate import texts
from curate.cache import Entry
from curate.engine import current
from curate.filter import Choice, Scores
from curate.filters.pool import Each, picks
from curate.pairs.samples import Result
from curate.recipe.step import Step, columns_read
from curate.rows import STANDARD, Bad, Batch, literal, scan, stack, standardise
from curate.run import ledger as ledgers
from curate.run.examples import samples
from curate.run.overrides import accept, decided
from curate.run.parts import Writer, add, note_unscored, pass_over
from curate.run.quarantine import line_of
from curate.run.state import Piece, Pool, Run, size_of
from curate.run.step_error import StepError, misfit, no_column, taken
from curate.turns import TURNS

TOGETHER = 256 * 2**20  # bytes of a pool that a selector of groups sees at a time
_GROUP = "\x1fgroup"  # a column beside those of the rows
_SEEN = ["id", "source", "domain", "score"]  # by every selector
_HEAD = 200  # rows of a file that tell what a row weighs
_REASONS = 3  # the most frequent ones that are said
_RAW = 500  # characters of a prompt kept beside the reason why it has no answer

Notes: TypeAlias = Mapping[str, float]
Made = TypeVar("Made")


def stages(steps: Iterable[Step], source: str = "") -> dict[str, list[Step]]:
    """Part steps, of all sources or of one, into stages: one that stands alone is one, and so are row-wise neighbours.

    The name of a stage is that of its source and the labels of its steps.
    """
    groups = groupby(enumerate(steps), key=lambda numbered: numbered[0] if numbered[1].alone else -1)
    stages = [[step for _, step in group] for _, group in groups]
    return {(f"{source}: " if source else "") + ", ".join(step.label for step in stage): stage for stage in stages}


def apply_steps(state: Run, pool: Pool, steps: list[Step], source: str = "") -> Pool:
    """Take a pool through steps of any kind: those that stand alone see all of it, row-wise ones pass over it again."""
    for name, group in stages(steps, source).items():
        with state.clock(name):
            if not group[0].alone:
                pool = _pass_again(state, pool, group)
            else:
                pool = {"select": _select, "score": _score}.get(group[0].verb, _make)(state, pool, group[0])
    return pool


def _pass_again(state: Run, pool: Pool, steps: list[Step]) -> Pool:
    depends = {"pool": pool.key, "steps": [step.depends() for step in steps], **decided(state.recipe.overrides)}
    label, total = ", ".join(step.label for step in steps), int(pool.alive.sum())

    def tell(batch: Batch) -> None:
        state.progress(label, batch.rows.height, total=total)

    def build(folder: Path) -> dict[str, Any]:
        size = state.batch_rows
        batches = (Batch(some) for rows in pool.read() for some in rows.iter_slices(size))
        return pass_over(batches, steps, "", folder, tell, state.recipe.overrides)

    stage = state.stage("again", label, depends, build)
    state.examples += stage.files("examples.parquet")
    add(state.unseen, stage.meta["unseen"])
    add(state.unjudged, stage.meta["unjudged"])
    note_unscored(state, stage)
    return _pool_after(state, pool, stage, "ledger-*.parquet")


def _pool_after(state: Run, pool: Pool, stage: Entry, verdicts: str) -> Pool:
    """Go on with the rows that a stage left, and what it says of all that it was asked about."""
    files = stage.files("rows-*.parquet")
    state.rows += files
    return Pool.of(pool.ledger.extend(map(scan, stage.files(verdicts))), files, stage.content)


def _select(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a selector choose from the rows alive; it sees them in the order of their ids."""
    depends = {"pool": pool.key, "step": step.depends(), **decided(state.recipe.overrides)}

    def build(folder: Path) -> dict[str, Any]:
        columns, declared = columns_read(step.function, step.params)
        if declared:
            demand(pool, columns, f"{step.place}: select {step.name}")
        notes = Counter[str]()

        def verdicts() -> Iterator[pl.DataFrame]:
            for frame, more in _choices(pool, step, columns, folder):
                notes.update(more)
                state.progress(step.label, frame.height, total=int(pool.alive.sum()))
                yield frame

        count = write_verdicts(folder, (accept(frame, state.recipe.overrides) for frame in verdicts()))
        return {**count, "notes": dict(notes), "unseen": _unseen(pool, columns) if declared else 0}

    stage = state.stage("select", step.label, depends, build)
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]
    if stage.meta["unseen"]:
        add(state.unseen, {step.label: stage.meta["unseen"]})
    return replace(pool.only(stage.files("choice-*.parquet"), state.stages.folder), key=stage.content)


def _choices(pool: Pool, step: Step, columns: list[str], folder: Path) -> Iterator[tuple[pl.DataFrame, Notes]]:
    """Yield verdicts and what is noted of them: on all rows at once, or on some after others where that is the same."""
    at = f"{step.place}: select {step.name}"
    with in_words(at):
        read = reader(pool, columns)
    choose = partial(_choose, step, at, columns)
    if not pool.alive.any():
        yield choose(read.like)
        return
    if hasattr(step.function, "ranking"):
        with in_words(at, read.like, columns):
            ranking = step.function.ranking(read.like, **step.params, **step.objects)
            for rows, choice in picks(read.each(pool.pieces), ranking):
                yield decide(rows, step.label, choice), {}
        return
    if not hasattr(step.function, "group"):  # it may share out its own work, so it is asked here
        yield choose(look(read, pool.pieces()))
        return
    count = max(math.ceil(_weight(pool, read) / TOGETHER), current().workers)
    split = read if count == 1 else partial(_numbered, step, at, read)
    number = pl.lit(0) if count == 1 else pl.col(_GROUP) % count
    yield from current().shuffle(split, pool.pieces(), number, count, choose, folder)


def _choose(step: Step, at: str, columns: list[str], rows: pl.DataFrame) -> tuple[pl.DataFrame, Notes]:
    rows = rows.drop(_GROUP, strict=False).sort("id")
    with in_words(at, rows, columns):
        choice: Choice = step.function(rows, **step.params, **step.objects)
        return decide(rows, step.label, choice), dict(choice.notes)


def _numbered(step: Step, at: str, read: Reader, piece: Piece) -> pl.DataFrame:
    """Read rows with the numbers of the groups that their selector tells apart."""
    rows = read(piece)
    with in_words(at, rows):
        numbers = step.function.group(rows, **step.params, **step.objects)  # type: ignore[attr-defined]
        return rows.with_columns(numbers.alias(_GROUP))


@contextmanager
def in_words(at: str, rows: pl.DataFrame | None = None, columns: Iterable[str] = ()) -> Iterator[None]:
    """Say in one sentence why a selector cannot choose from rows; one of a user's own may raise anything."""
    try:
        yield
    except Exception as error:
        rows = pl.DataFrame() if rows is None else rows
        name = at.rpartition(" ")[2]  # which a selector's own sentence begins with
        raise StepError(f"{at}: {misfit(error, rows, columns).removeprefix(f'{name}: ')}") from error


def demand(pool: Pool, columns: list[str], at: str) -> None:
    """Raise StepError for a column that no row of the pool has."""
    known = list(dict.fromkeys(name for file in pool.files for name in pl.read_parquet_schema(file)))
    for column in columns:
        if known and column not in known and column not in texts.KINDS:
            raise StepError(f"{at}: {no_column(column, known)}")


@dataclass(frozen=True)
class Reader:
    """Read what selectors see of the rows alive in a piece of a pool, of all pieces with the same columns and types.

    `heads` are frames without rows, one for each layout that a file has; `like` is one of what is read.
    """

    names: list[str]
    heads: list[pl.DataFrame]
    like: pl.DataFrame
    source: str | None = None  # alone, where it is given
    without: tuple[str, ...] = ()  # ids of rows to leave out

    def __call__(self, piece: Piece) -> pl.DataFrame:
        """Read a piece; a kind of turns is read as one text, its turns joined."""
        turns = texts.COLUMNS if any(name in texts.KINDS for name in self.names) else ()
        rows = stack([*self.heads, _seen(piece.read([*self.names, *turns]), self.names)])
        rows = rows if self.source is None else rows.filter(pl.col("source") == self.source)
        return rows.filter(~pl.col("id").is_in(self.without)) if self.without else rows

    def each(self, pieces: Callable[[], Iterable[Piece]]) -> Each:
        """Make what does something with each of these pieces."""
        return lambda do: current().map(partial(_done, self, do), pieces())


def _done(read: Reader, do: Callable[[pl.DataFrame], Made], piece: Piece) -> Made:
    return do(read(piece))


def reader(pool: Pool, columns: list[str]) -> Reader:
    """Make what reads the identity, domain, score and some more columns of a pool's rows."""
    names = list(dict.fromkeys([*_SEEN, *columns]))
    heads = [scan(file).head(0).collect() for file in pool.files]
    heads = list({str(head.schema): _seen(head, names) for head in heads}.values())
    heads = heads or [standardise(pl.DataFrame(schema={"prompt": pl.String}), "")]
    return Reader(names, heads, stack(heads))


def _seen(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    rows = rows.with_columns(texts.joined(rows, name) for name in names if name in texts.KINDS)
    return rows.select(literal(name) for name in names if name in rows.columns)


def look(read: Reader, pieces: Iterable[Piece]) -> pl.DataFrame:
    """Read all that a selector sees, in the order of ids."""
    return pl.concat([read.like, *map(read, pieces)]).sort("id")


def _weight(pool: Pool, read: Reader) -> float:
    """Estimate the bytes of what is read of a pool, by the first rows of each file."""
    heads = [read(piece._replace(alive=piece.alive[:_HEAD])) for piece in pool.pieces() if not piece.start]
    rows = sum(head.height for head in heads)
    return int(pool.alive.sum()) * sum(map(size_of, heads)) / max(1, rows)


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


def write_verdicts(folder: Path, verdicts: Iterable[pl.DataFrame]) -> dict[str, int]:
    """Write what a step decides as choice-*.parquet, some rows at a time; count the rows it read and kept."""
    count = {"read": 0, "kept": 0}
    writer = Writer(folder, "choice", sorted=True)
    for frame in verdicts:
        writer.add(frame)
        add(count, {"read": frame.height, "kept": int(frame["kept"].sum())})
    writer.flush()
    if not writer.count:  # the ledger has a column for a step that no row comes to
        frame.write_parquet(folder / "choice-00000.parquet")
    return count


def _score(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a score of the pool give each row alive a number, and note why rows have none; it drops no row.

    It sees the rows in the order of their ids: the columns that it declares, or all of them. Where another try may give
    a row its number, the stage is not kept.
    """

    def build(folder: Path) -> dict[str, Any]:
        if not pool.alive.any():
            return {"again": 0, "notes": {}}
        if any(step.label in pl.read_parquet_schema(file) for file in pool.files):
            raise StepError(f"{step.place}: score {step.name}: {taken(step.label)}")
        scored, scores = _scored(pool, step)
        rows, ledger = Writer(folder, "rows"), Writer(folder, "ledger", sorted=True)
        for some in pool.read():
            numbers = some.select("id").join(scored, on="id", how="left", maintain_order="left")
            rows.add(some.with_columns(numbers[step.label]))
            passed: dict[str, Any] = {
                "kept": True,
                "dropped_by": pl.lit(None, pl.String),
                "detail": pl.lit(None, ledgers.EVIDENCE),
            }
            ledger.add(some.select("source", "id").hstack(numbers.drop("id")).with_columns(**passed))
        rows.flush()
        ledger.flush()
        state.progress(step.label, scored.height)
        missing = scores.why.filter(scores.value.is_null()).drop_nulls()
        again = 0 if scores.again is None else int(scores.again.sum())
        return {"again": again, "notes": dict(scores.notes), "reasons": Counter(missing).most_common(_REASONS)}

    depends = {"pool": pool.key, "step": step.depends()}
    stage = state.stage("score", step.label, depends, build, keep=lambda meta: not meta["again"])
    _note(state, step, stage)
    return _pool_after(state, pool, stage, "ledger-*.parquet")


def _scored(pool: Pool, step: Step) -> tuple[pl.DataFrame, Scores]:
    """Ask a score of the pool about the rows alive; give the columns of the ledger by id, and what it said."""
    at = f"{step.place}: score {step.name}"
    columns, declared = columns_read(step.function, step.params)
    if declared:
        demand(pool, columns, at)
    else:
        columns = list(dict.fromkeys(name for file in pool.files for name in pl.read_parquet_schema(file)))
    with in_words(at):
        rows = look(reader(pool, columns), pool.pieces())
    with in_words(at, rows, columns):
        scores: Scores = step.function(rows, **{**step.params, **step.objects})
        value = scores.value.cast(pl.Float64).alias(step.label)
        return rows.select("id").with_columns(value, scores.why.alias(f"{step.label}.why")), scores


def _make(state: Run, pool: Pool, step: Step) -> Pool:
    """Let a step write answers or pairs for the rows alive, and note what it could not write."""
    stage = _make_stage(state, pool, step)
    state.quarantine += stage.files("bad.jsonl")
    state.examples += stage.files("examples.parquet")
    _note(state, step, stage)
    return _pool_after(state, pool, stage, "ledger.parquet")


def _note(state: Run, step: Step, stage: Entry) -> None:
    """Note what a step says of its rows as a whole: why some got nothing, how many may get it yet, figures."""
    state.note_reasons(step.label, stage.meta.get("reasons", []))
    if stage.meta["again"]:
        state.open[step.label] = state.open.get(step.label, 0) + stage.meta["again"]
    if stage.meta["notes"]:
        state.notes[step.label] = stage.meta["notes"]


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
