"""The parts of a source: planned, done one by one, gathered.

A part is done by a function of data that pickles and of a folder to write into, so that it may run in this process, in
another one, or on another machine; what it leaves is an entry of the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from curate.address import Address
from curate.cache import Entry, code_of, fingerprint
from curate.recipe.bindings import described
from curate.recipe.plan import Read, Source
from curate.recipe.step import Step
from curate.rows import (
    Batch,
    Part,
    SourceError,
    SourceMissing,
    compact,
    data_folder,
    scan,
    stack,
    standardise,
    with_bytes,
)
from curate.run.examples import merge, samples
from curate.run.ledger import Ledger
from curate.run.quarantine import line_of, sentences
from curate.run.rowpass import Passed, row_pass
from curate.run.state import Pool, Run, RunError
from curate.run.step_error import StepError, explain

_FLUSH_BYTES = 16 * 2**20  # kept rows are gathered up to this before a file is written
_FLUSH_ROWS = 50_000
_GROUP = 20_000  # rows that are read, or skipped, together;
_SORTED_GROUP = 5_000  # fewer where a reader looks for a range
# A part with more bad records than this, and more bad than good ones, is something else than it is read as.
_MOST_BAD = 100_000
_COUNTS = ("read", "kept", "bad", "bytes", "bad_bytes")


@dataclass(frozen=True)
class PartJob:
    """All that it takes to read one part of a source and pass it through the row-wise steps."""

    source: str
    read: Read
    part: Part
    steps: tuple[Step, ...]
    batch_rows: int
    limit: int | None


def plan_parts(state: Run, source: Source, steps: Sequence[Step]) -> list[PartJob]:
    """List the parts of a source; one that is not there is fine only when the recipe says so."""
    try:
        parts = source.read.parts()
    except SourceMissing as missing:
        if not source.optional:
            raise _at(source.name, source.read, missing) from None
        state.absent[source.name] = str(missing).replace(str(data_folder()), "$CURATE_DATA")
        return []
    except SourceError as error:
        raise _at(source.name, source.read, error) from None
    return [
        PartJob(source.name, source.read, part, tuple(steps), state.batch_rows, state.limit)
        for part in sorted(parts, key=lambda part: part.name)
    ]


def pass_part(state: Run, job: PartJob) -> Entry:
    """Do a part, unless it was done before: its entry in the cache rests on all that the job names."""
    try:
        hashes = fingerprint(job.part.files, state.stages.folder / "files.json")
    except OSError as error:
        if error.filename not in map(str, job.part.files):
            raise
        raise _at(job.source, job.read, f"{error.filename} cannot be read: {error.strerror}") from None
    files = list(zip(job.part.files, hashes, strict=True))
    state.inputs += [
        {"source": job.source, "part": job.part.name, "file": file.name, "bytes": file.stat().st_size, "sha256": digest}
        for file, digest in files
    ] + [
        {"source": job.source, "part": job.part.name, "file": o.address, "bytes": o.size, "mark": o.mark}
        for o in job.part.origins
    ]
    depends = {
        "source": job.source,
        "read": [job.read.name, {k: v for k, v in job.read.params.items() if not isinstance(v, Path | Address)}],
        "given": described(job.read.objects),
        "code": code_of(job.read.function),
        "part": job.part.name,
        "files": [*hashes, *job.part.origins],
        "steps": [step.depends() for step in job.steps],
        "limit": job.limit,
    }
    label = f"{job.source}: {job.part.name}"
    return state.stage("pass", label, depends, lambda to: do_part(job, to, lambda n: state.progress(label, n)))


def do_part(job: PartJob, folder: Path, progress: Callable[[int], object]) -> dict[str, Any]:
    """Read a part and pass it through its steps into a folder; return the counts of `pass_over`."""
    batches = _limit(job.read.batches(job.part, job.batch_rows), job.limit)
    try:
        return pass_over(_ahead(batches), job.steps, job.source, folder, progress)
    except SourceError as error:
        raise _at(job.source, job.read, error) from None


def gather(state: Run, source: Source, jobs: list[PartJob], entries: list[Entry]) -> Pool:
    """Put the parts of a source together: its counts, its ledger, and the files of the rows that are left."""
    state.counts[source.name] = {name: sum(int(entry.meta[name]) for entry in entries) for name in _COUNTS}
    _note_empty(state, source, jobs, entries)
    for entry in entries:
        add(state.unseen, entry.meta["unseen"])
        for note, figure in entry.meta["notes"].items():
            state.notes.setdefault(source.name, {}).setdefault(note, 0.0)
            state.notes[source.name][note] += figure
    state.quarantine += [file for entry in entries for file in entry.files("bad.jsonl")]
    state.examples += [file for entry in entries for file in entry.files("examples.parquet")]
    _refuse_bad(state, source.name)
    ledger = Ledger(tuple(scan(file) for entry in entries for file in entry.files("ledger-*.parquet")))
    rows = [file for entry in entries for file in entry.files("rows-*.parquet")]
    return Pool.of(ledger, rows, "+".join(sorted(entry.content for entry in entries)))


def _at(source: str, read: Read, message: object) -> SourceError:
    return SourceError(f"{read.place}: source '{source}': {message}")


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


def _note_empty(state: Run, source: Source, jobs: list[PartJob], entries: list[Entry]) -> None:
    """Say which parts hold no record; a source that has none at all is as good as not there."""
    empty = [
        job.part.name for job, entry in zip(jobs, entries, strict=True) if not entry.meta["read"] + entry.meta["bad"]
    ]
    if not empty or state.limit == 0:
        return
    if len(empty) < len(jobs):
        state.notes.setdefault(source.name, {})["parts without a record"] = float(len(empty))
        return
    reason = f"there is no record in {', '.join(empty[:3])}{' and others' if len(empty) > 3 else ''}"
    if not source.optional:
        raise RunError(f"{source.read.place}: source '{source.name}': {reason}")
    state.absent[source.name] = reason


def _refuse_bad(state: Run, source: str) -> None:
    """Stop when more of a source than `max_bad` could not be read, by records or by bytes."""
    count = state.counts[source]
    share = max(_share(count["bad"], count["read"]), _share(count["bad_bytes"], count["bytes"]))
    if share <= state.recipe.max_bad:
        return
    bad = list(islice((sentence for file in state.quarantine for sentence in sentences(file, source)), 100))
    first = next((sentence for sentence in bad if "`encoding: " in sentence), bad[0])
    way = f"Mend the input, or accept what is there with `--set max_bad={min(1.0, round(share + 0.005, 2))}`"
    if "`encoding: " in first:
        way = "Say beside `path` what the file is in"
    raise RunError(
        f"source '{source}': {count['bad']:,} of {count['bad'] + count['read']:,} records could not be read "
        f"({share:.1%} of records or bytes, max_bad is {state.recipe.max_bad:.1%}). The first: {first}. {way}. "
        "What was read is kept."
    )


def _share(bad: int, good: int) -> float:
    return bad / (bad + good) if bad else 0.0


@dataclass
class Writer:
    """Gather frames and write them as numbered parquet files, so that no batch size makes a thousand small files.

    With `sorted`, rows are in the order of their ids from the second file on: a reader of a range skips the others.
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
            rows = rows.sort("id") if self.sorted and self.count else rows
            rows.write_parquet(file, compression="lz4", row_group_size=_SORTED_GROUP if self.sorted else _GROUP)
            self.frames, self.rows, self.size, self.count = [], 0, 0, self.count + 1


def pass_over(
    batches: Iterator[Batch], steps: Sequence[Step], source: str, folder: Path, progress: Callable[[int], object]
) -> dict[str, Any]:
    """Pass every batch through the steps into `folder`: rows-*.parquet, ledger-*.parquet, examples.parquet, bad.jsonl.

    Returns the counts (rows read and kept, records quarantined, bytes of each, by step the rows with turns that it does
    not look at). Memory holds one batch and what is
    gathered for the next file, whatever the input's size. `progress` is called with the rows of each batch. Without a
    `source` the rows are those of an earlier pass, and have their ids already.
    """
    rows, ledger = Writer(folder, "rows"), Writer(folder, "ledger", sorted=True)
    examples = merge([])
    count: dict[str, Any] = {**dict.fromkeys(_COUNTS, 0), "notes": {}, "unseen": {}}
    with (folder / "bad.jsonl").open("w", encoding="utf-8") as quarantine:
        for batch in batches:
            _note(count["notes"], batch)
            quarantine.writelines(line_of(source, bad) for bad in batch.bad)
            count["bad"] += len(batch.bad)
            count["bad_bytes"] += sum(bad.size for bad in batch.bad)
            if count["bad"] > _MOST_BAD + count["read"]:
                error = f"the rest of the file is not read: {_MOST_BAD:,} bad records"
                quarantine.write(line_of(source, batch.bad[-1]._replace(error=error, raw="")))
                count["bad"] += 1
                break
            height = batch.rows.height
            if not height:
                continue
            count["read"] += height
            count["bytes"] += int(batch.rows.estimated_size())
            passed = _pass_batch(standardise(batch.rows, source) if source else batch.rows, steps)
            rows.add(compact(passed.kept, height))
            ledger.add(passed.ledger)
            examples = compact(merge([examples, samples(passed.rows, passed.ledger)]), height)
            count["kept"] += passed.kept.height
            add(count["unseen"], passed.unseen)
            progress(height)
    rows.flush()
    ledger.flush()
    examples.write_parquet(folder / "examples.parquet")
    return count


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


def _pass_batch(rows: pl.DataFrame, steps: Sequence[Step]) -> Passed:
    """Run the row-wise pass; when it fails, find the step it was and say so in its terms."""
    try:
        return row_pass(rows, steps)
    except (Exception, pl.exceptions.PanicException):
        for i, step in enumerate(steps):
            try:
                row_pass(rows, steps[: i + 1])
            except (Exception, pl.exceptions.PanicException) as error:
                raise StepError(explain(step, rows, error)) from error
        raise
