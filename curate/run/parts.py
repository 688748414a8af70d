"""The parts of a source: planned, done one by one, gathered.

A part is done by a function of data that pickles and of a folder to write into, so that it may run in this process, in
another one, or on another machine; what it leaves is an entry of the cache.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from curate.address import Address
from curate.cache import Cache, Entry, code_of, fingerprint
from curate.engine import Engine, Local, Made, current
from curate.recipe.bindings import described
from curate.recipe.overrides import Overrides
from curate.recipe.plan import Read, Source
from curate.recipe.step import Step
from curate.report.steps import near_misses
from curate.rows import (
    Batch,
    Part,
    SourceError,
    SourceMissing,
    compact,
    scan,
    stack,
    standardise,
    with_bytes,
)
from curate.run.examples import NEAR, merge, samples
from curate.run.ledger import Ledger
from curate.run.overrides import accept, decided, overrule
from curate.run.quarantine import line_of, sentences
from curate.run.rowpass import Passed, row_pass
from curate.run.state import BadRecords, Pool, Run, RunError
from curate.run.step_error import StepError, explain_all
from curate.sources.files import DAMAGED

_FLUSH_BYTES = 16 * 2**20  # kept rows are gathered up to this before a file is written
_FLUSH_ROWS = 50_000
_GROUP = 20_000  # rows that are read, or skipped, together;
_SORTED_GROUP = 5_000  # fewer where a reader looks for a range
# A part with more bad records than this, and more bad than good ones, is something else than it is read as.
_MOST_BAD = 100_000
_JUDGES = 4  # batches that are judged side by side at the most: each takes a few hundred megabytes on its way
UNSCORED = "no number for what they hold"
_COUNTS = ("read", "kept", "bad", "bytes", "bad_bytes")
# A piece is seconds of work: enough that its start costs little, and little to do again where a machine is lost.
PIECE = 64 * 2**20  # bytes of a file

# Who hears of the batches of a part as they pass by; work that another process does is told of when it is done.
_progress: ContextVar[Callable[[PartJob, Batch], object]] = ContextVar("progress", default=lambda job, batch: None)


@dataclass(frozen=True)
class PartJob:
    """All that it takes to read one part of a source, or a piece of one, and pass it through the row-wise steps.

    `depends` is what the result rests on beside the part's files, whose `hashes` are looked up where there are none.
    """

    source: str
    read: Read
    part: Part
    steps: tuple[Step, ...]
    batch_rows: int
    limit: int | None
    depends: dict[str, Any]
    overrides: Overrides
    whole: str  # the name of the part that this is, or is a piece of
    hashes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name the part on the screen."""
        return f"{self.source}: {self.whole}"

    @property
    def size(self) -> int:
        """Count the bytes of the part's files; 0 where they are not read to their end."""
        if self.limit is not None:
            return 0
        here = sum(file.stat().st_size for file in self.part.files if file.exists())
        return here + sum(origin.size for origin in self.part.origins)


def plan_parts(state: Run, source: Source, steps: Sequence[Step]) -> list[PartJob]:
    """List the parts of a source; one that is not there is fine only when the recipe says so."""
    read = source.read
    try:
        parts = read.parts()
    except SourceMissing as missing:
        if not source.optional:
            raise _at(source.name, read, SourceMissing(f"{missing}{read.tried()}{read.fetched()}")) from None
        state.absent[source.name] = f"{missing}{read.fetched()}"
        return []
    except SourceError as error:
        raise _unreadable(source.name, read, error) from None
    depends = {
        "source": source.name,
        "read": [read.name, {k: v for k, v in read.params.items() if not isinstance(v, Path | Address)}],
        "given": described(read.objects),
        "code": code_of(read.function),
        "steps": [step.depends() for step in steps],
        "limit": state.limit,
        **decided(state.recipe.overrides),
    }
    return [
        PartJob(
            source.name,
            read,
            part,
            tuple(steps),
            state.batch_rows,
            state.limit,
            depends,
            state.recipe.overrides,
            part.name,
        )
        for part in sorted(parts, key=lambda part: part.name)
    ]


def pass_parts(state: Run, jobs: list[PartJob]) -> list[tuple[PartJob, Entry]]:
    """Do the parts of a source on the engine, large ones in pieces, and note what was done for the manifest."""
    engine = Local() if any(map(_asks_models, jobs)) else current()
    sizes = {job.whole: job.size for job in jobs}
    jobs = _split(state, engine, jobs)
    pieces = Counter(job.whole for job in jobs)
    heard: set[str] = set()

    def hear(job: PartJob, batch: Batch) -> None:
        heard.add(job.label)
        state.timetable.part = sizes[job.whole] * (batch.share or 0)
        state.progress(job.label, batch.rows.height)

    token = _progress.set(hear)
    passed: list[tuple[PartJob, Entry]] = []
    try:
        for job, (entry, hashes) in zip(jobs, engine.map(partial(_pass_part, state.stages), jobs), strict=True):
            if not passed or passed[-1][0].whole != job.whole:
                state.inputs += _inputs(job, hashes)
            passed.append((job, entry))
            (state.reused if entry.reused else state.built).append(f"{job.source}: {job.part.name}")
            state.timetable.read(sizes[job.whole] / pieces[job.whole], reused=entry.reused)
            if not entry.reused and job.label not in heard:
                state.progress(job.label, entry.meta["read"])
    finally:
        _progress.reset(token)
    return _until_damage(passed)


def _asks_models(job: PartJob) -> bool:
    """Tell whether a part asks a generator or a judge: its engine and its account are in this process."""
    groups = [job.read.objects, *(step.objects for step in job.steps)]
    return any(not isinstance(value, str) for objects in groups for value in objects.values())


def _inputs(job: PartJob, hashes: Sequence[str]) -> list[dict[str, Any]]:
    files = zip(job.part.files, hashes, strict=True)
    part = {"source": job.source, "part": job.whole}
    return [
        *({**part, "file": file.name, "bytes": file.stat().st_size, "sha256": digest} for file, digest in files),
        *({**part, "file": o.address, "bytes": o.size, "mark": o.mark} for o in job.part.origins),
    ]


def _split(state: Run, engine: Engine, jobs: list[PartJob]) -> list[PartJob]:
    """Cut what is large into pieces, where there are workers to share them."""
    if engine.workers == 1 or state.limit is not None:
        return jobs
    large = [job for job in jobs if job.size > PIECE]
    pieces = dict(zip([job.whole for job in large], engine.map(partial(_cut, state.stages, PIECE), large), strict=True))
    return [piece for job in jobs for piece in pieces.get(job.whole, [job])]


def _cut(stages: Cache, size: int, job: PartJob) -> list[PartJob]:
    """Cut a part into pieces, and look its hashes up once for all of them."""
    with _in_words(job):
        pieces = job.part.split(size) or [job.part]
    hashes = tuple(_hashes(stages, job))
    return [replace(job, part=piece, hashes=hashes) for piece in pieces]


def _pass_part(stages: Cache, job: PartJob) -> tuple[Entry, Sequence[str]]:
    """Do a part, unless it was done before: its entry in the cache rests on all that the job names."""
    hashes = job.hashes or _hashes(stages, job)
    depends = {**job.depends, "part": job.part.name, "files": [*hashes, *job.part.origins]}
    progress = partial(_progress.get(), job)
    return stages.get("pass", depends, lambda folder: do_part(job, folder, progress)), hashes


def _hashes(stages: Cache, job: PartJob) -> list[str]:
    try:
        return fingerprint(job.part.files, stages.folder / "files.json")
    except OSError as error:
        if error.filename not in map(str, job.part.files):
            raise
        raise _at(job.source, job.read, f"{error.filename} cannot be read: {error.strerror}") from None


def do_part(job: PartJob, folder: Path, progress: Callable[[Batch], object]) -> dict[str, Any]:
    """Read a part and pass it through its steps into a folder; return the counts of `pass_over`."""
    batches = _limit(job.read.batches(job.part, job.batch_rows), job.limit)
    with _in_words(job):
        return pass_over(_ahead(batches), job.steps, job.source, folder, progress, job.overrides)


def _until_damage(passed: list[tuple[PartJob, Entry]]) -> list[tuple[PartJob, Entry]]:
    """Leave out the pieces behind one that could not be read to its end: nobody reads on behind such a place."""
    ended: set[str] = set()
    kept = []
    for job, entry in passed:
        if job.whole not in ended:
            kept.append((job, entry))
        if entry.meta["ended"]:
            ended.add(job.whole)
    return kept


def gather(state: Run, source: Source, passed: list[tuple[PartJob, Entry]]) -> Pool:
    """Put the parts of a source together: its counts, its ledger, and the files of the rows that are left."""
    entries = [entry for _, entry in passed]
    state.counts[source.name] = {name: sum(int(entry.meta[name]) for entry in entries) for name in _COUNTS}
    _note_empty(state, source, passed)
    for entry in entries:
        add(state.unseen, entry.meta["unseen"])
        add(state.unjudged, entry.meta["unjudged"])
        note_unscored(state, entry)
        for note, figure in entry.meta["notes"].items():
            state.notes.setdefault(source.name, {}).setdefault(note, 0.0)
            state.notes[source.name][note] += figure
    state.quarantine += [file for entry in entries for file in entry.files("bad.jsonl")]
    state.examples += [file for entry in entries for file in entry.files("examples.parquet")]
    _refuse_bad(state, source)
    ledger = Ledger(tuple(scan(file) for entry in entries for file in entry.files("ledger-*.parquet")))
    rows = [file for entry in entries for file in entry.files("rows-*.parquet")]
    state.rows += rows
    return Pool.of(ledger, rows, "+".join(sorted(entry.content for entry in entries)))


@contextmanager
def _in_words(job: PartJob) -> Iterator[None]:
    """Say of which source an error speaks."""
    try:
        yield
    except SourceError as error:
        raise _unreadable(job.source, job.read, error) from None


def _at(source: str, read: Read, message: object) -> SourceError:
    return SourceError(f"{read.place}: source '{source}': {message}")


def _unreadable(source: str, read: Read, error: SourceError) -> SourceError:
    return _at(source, read, ". ".join(filter(None, [str(error), read.misread()])))


def _limit(batches: Iterator[Batch], limit: int | None) -> Iterator[Batch]:
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        yield batch._replace(rows=batch.rows[:left])
        left -= min(left, batch.rows.height)
        if not left:
            return


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Read the next batch while the one before it is judged."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while batch := coming.result():
            coming = reader.submit(next, batches, None)
            yield batch


def _note_empty(state: Run, source: Source, passed: list[tuple[PartJob, Entry]]) -> None:
    """Say which parts hold no record; a source that has none at all is as good as not there."""
    records: Counter[str] = Counter()
    for job, entry in passed:
        records[job.whole] += entry.meta["read"] + entry.meta["bad"]
    empty = [part for part, count in records.items() if not count]
    if not empty or state.limit == 0:
        return
    if len(empty) < len(records):
        state.notes.setdefault(source.name, {})["parts without a record"] = float(len(empty))
        return
    reason = f"there is no record in {', '.join(empty[:3])}{' and others' if len(empty) > 3 else ''}"
    if not source.optional:
        raise RunError(f"{source.read.place}: source '{source.name}': {reason}")
    state.absent[source.name] = reason


def _refuse_bad(state: Run, of: Source) -> None:
    """Stop when more of a source than `max_bad` could not be read, by records or by bytes."""
    source, count = of.name, state.counts[of.name]
    share = max(_share(count["bad"], count["read"]), _share(count["bad_bytes"], count["bytes"]))
    if share <= state.recipe.max_bad:
        return
    bad = list(islice((sentence for file in state.quarantine for sentence in sentences(file, source)), 100))
    encoded = next((sentence for sentence in bad if "`encoding: " in sentence), None)
    way = f"Mend the input, or accept what is there with `--set max_bad={min(1.0, round(share + 0.005, 2))}`"
    if not count["read"]:  # there is nothing to accept
        way = "Mend the input"
    if encoded:
        way = "Say beside `path` what the file is in"
    if not count["read"] and (other := of.read.misread()):
        way, encoded = other, None
    raise BadRecords(
        f"source '{source}': {count['bad']:,} of {count['bad'] + count['read']:,} records could not be read "
        f"({share:.1%} of records or bytes, max_bad is {state.recipe.max_bad:.1%}). "
        f"The first: {encoded or bad[0]}. {way}. What was read is kept."
    )


def _share(bad: int, good: int) -> float:
    return bad / (bad + good) if bad else 0.0


@dataclass
class Writer:
    """Gather frames and write them as numbered parquet files, so that no batch size makes a thousand small files.

    With `sorted`, the rows of a file are in the order of their ids: a reader of a range skips the others.
    """

    folder: Path
    name: str
    sorted: bool = False
    frames: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    count: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take a frame, and write when enough is gathered."""
        if frame.height:
            self.frames.append(frame)
            self.rows += frame.height
            self.size += int(frame.estimated_size())
        if self.size > _FLUSH_BYTES or self.rows > _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self.frames:
            file = self.folder / f"{self.name}-{self.count:05}.parquet"
            rows = stack(self.frames)
            # A copy even of rows in order: a slice of lists drags along the values of all rows, for each row group.
            rows = rows[rows["id"].arg_sort()] if self.sorted else rows
            rows.write_parquet(file, compression="lz4", row_group_size=_SORTED_GROUP if self.sorted else _GROUP)
            self.frames, self.rows, self.size, self.count = [], 0, 0, self.count + 1


def pass_over(
    batches: Iterator[Batch],
    steps: Sequence[Step],
    source: str,
    folder: Path,
    progress: Callable[[Batch], object],
    overrides: Overrides,
) -> dict[str, Any]:
    """Pass every batch through the steps into `folder`: rows-*.parquet, ledger-*.parquet, examples.parquet, bad.jsonl.

    Returns the counts (rows read and kept, records quarantined, bytes of each, by step the rows with turns that it does
    not look at, and those with a value that it cannot judge). Memory holds a few batches and what is gathered for the
    next file, whatever the input's size. `progress` is called with each batch that has rows. Without a
    `source` the rows are those of an earlier pass, and have their ids already.
    """

    def judge(batch: pl.DataFrame) -> tuple[Passed, pl.DataFrame]:
        passed = pass_batch(standardise(batch, source) if source else batch, steps)
        passed = passed._replace(ledger=(overrule if source else accept)(passed.ledger, overrides))
        return passed, samples(passed.rows, passed.ledger, _near(passed.ledger, steps))

    rows, ledger = Writer(folder, "rows"), Writer(folder, "ledger", sorted=True)
    examples = merge([])
    by_name: dict[str, Any] = {name: {} for name in ("notes", "unseen", "unjudged", "unscored")}
    count: dict[str, Any] = {**dict.fromkeys(_COUNTS, 0), **by_name, "ended": False}
    with (folder / "bad.jsonl").open("w", encoding="utf-8") as quarantine:
        for batch, judged in _judge_ahead(batches, judge, _judges(steps)):
            _note(count["notes"], batch)
            quarantine.writelines(line_of(source, bad) for bad in batch.bad)
            count["bad"] += len(batch.bad)
            count["bad_bytes"] += sum(bad.size for bad in batch.bad)
            count["ended"] |= any(bad.error.startswith(DAMAGED) for bad in batch.bad)
            if count["bad"] > _MOST_BAD + count["read"]:
                error = f"the rest of the file is not read: {_MOST_BAD:,} bad records"
                quarantine.write(line_of(source, batch.bad[-1]._replace(error=error, raw="")))
                count["bad"] += 1
                count["ended"] = True
                break
            height = batch.rows.height
            if not height:
                continue
            count["read"] += height
            count["bytes"] += int(batch.rows.estimated_size())
            passed, few = judged.result()
            rows.add(compact(passed.kept, height))
            ledger.add(passed.ledger)
            examples = compact(merge([examples, few]), height)
            count["kept"] += passed.kept.height
            add(count["unseen"], passed.unseen)
            add(count["unjudged"], passed.unjudged)
            add(count["unscored"], passed.unscored)
            progress(batch)
    rows.flush()
    ledger.flush()
    examples.write_parquet(folder / "examples.parquet")
    return count


def _judges(steps: Sequence[Step]) -> int:
    """Count the batches to judge side by side: one where a step has a model, or code that may not stand it."""
    ours = all("library" in (code_of(step.function) or {}) and not step.costly and not step.objects for step in steps)
    return min(_JUDGES, pl.thread_pool_size()) if ours else 1


def _judge_ahead(
    batches: Iterator[Batch], judge: Callable[[pl.DataFrame], Made], judges: int
) -> Iterator[tuple[Batch, Future[Made]]]:
    """Yield each batch with what will come of it, in their order, while those behind it are judged."""
    with ThreadPoolExecutor(judges) as pool:
        under_way: deque[tuple[Batch, Future[Made]]] = deque()
        for batch in batches:
            some = batch.rows.height > 0  # nobody asks what comes of none
            under_way.append((batch, pool.submit(copy_context().run, judge, batch.rows) if some else Future()))
            if len(under_way) == judges:
                yield under_way.popleft()
        yield from under_way


def _near(ledger: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """List the near misses of a batch."""
    own = {"counts": ledger["source"].unique(), "steps": {"all": [step.described() for step in steps]}}
    return near_misses(ledger, own, NEAR)


def note_unscored(state: Run, stage: Entry) -> None:
    """Note how many rows a pass found no number for, by score."""
    for label, count in stage.meta["unscored"].items():
        state.note_reasons(label, [(UNSCORED, count)])


def add(to: dict[str, int], counts: dict[str, int]) -> None:
    """Add counts to others by name."""
    for name, count in counts.items():
        to[name] = to.get(name, 0) + count


def _note(notes: dict[str, float], batch: Batch) -> None:
    """Take the notes of a batch, and count the values in it that hold bytes, which no set can have."""
    notes |= batch.notes
    for name in with_bytes(batch.rows):
        note = f"rows whose bytes in '{name}' are left out"
        notes[note] = notes.get(note, 0.0) + batch.rows[name].count()


def pass_batch(rows: pl.DataFrame, steps: Sequence[Step]) -> Passed:
    """Run the row-wise pass; when it fails, find the step it was and say so in its terms."""
    try:
        return row_pass(rows, steps)
    except (Exception, pl.exceptions.PanicException):
        for i in range(len(steps)):
            try:
                row_pass(rows, steps[: i + 1])
            except (Exception, pl.exceptions.PanicException) as error:
                raise StepError(explain_all(steps, i, rows, error)) from error
        raise
