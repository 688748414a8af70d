"""What a run leaves: set, ledger, quarantine, manifest, card and report, each appearing whole, the manifest last."""

from __future__ import annotations

import inspect
import json
import math
import platform
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import polars as pl
from polars.io.plugins import register_io_source

from curate.cache import BUILDING, versions
from curate.errors import UserError, dump
from curate.filters.size import length_measured
from curate.folders import claim, clear, put, written
from curate.models.weights import EMBEDDING
from curate.pairs.shortcuts import shortcuts
from curate.recipe.plan import Read, Recipe, Sample
from curate.recipe.step import Step
from curate.report import formats, report
from curate.report.card import card
from curate.report.diversity.folder import of_folder
from curate.report.tables import tables
from curate.rows import STANDARD, hash01, scan, stack, standardise
from curate.run import ledger as ledgers
from curate.run.budget import Result
from curate.run.examples import examples as examples_of
from curate.run.examples import merge, with_texts
from curate.run.quarantine import reasons, together
from curate.run.state import MANIFEST, Pool, Run, RunError, size_of
from curate.run.what_if import movable, reach
from curate.spill import Spill
from curate.turns import ANSWERS, OPTIONAL, drop_thoughts


def table(rows: pl.LazyFrame, shares: dict[str, Any]) -> list[dict[str, Any]]:
    """Make the set's Table 1 (LIMA, section 2): a line a source, rows asked and taken, mean lengths in words."""
    answer = next((name for name in ("response", "chosen") if name in rows.collect_schema()), None)
    length = length_measured(answer, "words") if answer else pl.lit(None, pl.UInt32)  # a set of prompts has no answers
    words = {"prompt_words": length_measured("prompt", "words"), "response_words": length}
    means = rows.group_by("source").agg(count.mean().round(1).alias(name) for name, count in words.items()).collect()
    lengths = {source: means for source, *means in means.iter_rows()}
    return [
        {"source": name, **asdict(share), **dict(zip(words, lengths.get(name, (None, None)), strict=True))}
        for name, share in shares.items()
    ]


def manifest_of(result: Result, state: Run, rows: pl.LazyFrame, ledger: pl.LazyFrame) -> dict[str, Any]:
    """Put together what is known of a run, the hashes of its outputs excepted."""
    recipe = state.recipe
    steps = {source.name: [step.described() for step in source.steps] for source in recipe.sources}
    steps["all"] = [step.described() for step in recipe.steps]
    # What every filter left are the rows that the budget's choice was asked about.
    counts = {"read": pl.len(), "left": pl.col("sample").is_not_null().sum(), "kept": pl.col("kept").sum()}
    domains = ledger.group_by("source", "domain").agg(**counts).collect(engine="streaming")
    return {
        "name": recipe.name,
        "curate": versions(),
        "python": platform.python_version(),
        "seed": recipe.seed,
        "size": recipe.size,
        "formats": formats.of_set(recipe.formats, pairs=_are_pairs(rows.collect_schema())),
        "limit": state.limit,
        "recipe_file": _as_typed(Path(recipe.file)),
        "recipe": recipe.raw,
        "generators": {name: generator.describe() for name, generator in recipe.generators.items()},
        "judges": {name: judge.describe() for name, judge in recipe.judges.items()},
        "texts": recipe.texts,
        "steps": steps,
        "inputs": state.inputs,
        "absent": state.absent,
        "counts": _conserve(state, rows, ledger),
        "table": table(rows, result.shares),
        "quotas": _largest(result.quotas, "available"),
        "domains": _largest(domains.sort("source", "domain", nulls_last=True).to_dicts(), "read"),
        "funnel": _in_order(ledgers.funnel(ledger), steps),
        "quarantine": reasons(together(state.quarantine).split("\n")[:-1]),
        **({"short": {"says": result.short}} if result.short else {}),
        **({"open": state.open} if state.open else {}),
        **({"reasons": state.reasons} if any(state.reasons.values()) else {}),
        **({"unseen": state.unseen} if state.unseen else {}),
        **({"unjudged": state.unjudged} if state.unjudged else {}),
        **_decisions(recipe, ledger),
        "notes": state.notes,
        "stages": {
            "built": state.built,
            "reused": state.reused,
            "pool": state.pool,
            "times": state.timetable.times,
        },
        "seconds": state.seconds,
    }


def _held_out(near: int, rows: pl.LazyFrame, ledger: pl.LazyFrame) -> dict[str, Any]:
    """Count the rows held out, in all and of each source, and those near them; check that the ledger has the same."""
    held_out = pl.col("dropped_by") == ledgers.HELD_OUT
    written, listed = (
        dict(frame.group_by("source").len().sort("source").collect(engine="streaming").iter_rows())
        for frame in (rows, ledger.filter(held_out))
    )
    if written != listed:
        raise RunError(f"held out by the ledger are {listed}, in dev.parquet {written}")
    return {"rows": sum(written.values()), "near": near, "sources": written}


def _as_typed(file: Path) -> str:
    """Name a recipe by the path that was typed, where it leads nowhere but into the working folder."""
    return file.name if file.is_absolute() or ".." in file.parts else file.as_posix()


def _decisions(recipe: Recipe, ledger: pl.LazyFrame) -> dict[str, dict[str, int]]:
    """Count what people decided: rows accepted that are in the set, and not; rows rejected; rows that are not there."""
    if not recipe.overrides:
        return {}
    decision = pl.col(ledgers.OVERRIDES)
    counts = ledger.select(
        accepted=(decision & pl.col("kept")).sum(),
        accepted_out=(decision & ~pl.col("kept")).sum(),
        rejected=(~decision).sum(),
        not_there=len(recipe.overrides.accepted)
        + len(recipe.overrides.rejected)
        - pl.col("id").filter(decision.is_not_null()).n_unique(),
    )
    return {ledgers.OVERRIDES: counts.collect(engine="streaming").row(0, named=True)}


def _largest(lines: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """List the largest domains; a last line of each source sums its others, and says how many `more` they are.

    There may be a domain a row, which neither a manifest nor a page can hold.
    """
    largest = sorted(range(len(lines)), key=lambda i: -lines[i][by])[:LISTED]
    rest: dict[str, Counter[str]] = {}
    for i in set(range(len(lines))).difference(largest):
        line = {name: value for name, value in lines[i].items() if name not in {"source", "domain"}}
        # How many of them the set has rows of.
        line |= {"more": 1, "more_kept": int(line.get("kept", line.get("taken", 0)) > 0)}
        rest.setdefault(lines[i]["source"], Counter()).update(line)
    sums = [{"source": source, "domain": f"{sum_['more']:,} more", **sum_} for source, sum_ in sorted(rest.items())]
    return [lines[i] for i in sorted(largest)] + sums


def _conserve(state: Run, rows: pl.LazyFrame, ledger: pl.LazyFrame) -> dict[str, dict[str, int]]:
    """Count the rows of every source, and check that none was lost or made: read = kept + dropped; a bug if not."""
    taken = dict(rows.group_by("source").len().collect().iter_rows())
    seen = ledger.group_by("source").agg(pl.len(), pl.col("dropped_by").is_not_null().sum()).collect(engine="streaming")
    lines = {source: (rows, dropped) for source, rows, dropped in seen.iter_rows()}
    counts = {}
    for name, count in state.counts.items():
        kept, (height, dropped) = taken.get(name, 0), lines.get(name, (0, 0))
        if count["read"] != height or height != kept + dropped:
            raise RunError(f"source '{name}': read {count['read']:,}, but kept {kept:,} and dropped {dropped:,}")
        counts[name] = {"read": height, "kept": kept, "dropped": dropped, "quarantined": count["bad"]}
    return counts


def _in_order(funnel: pl.DataFrame, steps: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Bring the funnel into the order of the recipe: sources as written, each with its own steps, then those of all."""
    sources = list(steps)
    last = [*(step["label"] for step in steps["all"]), *ledgers.BEFORE_BUDGET, "sample"]
    labels = {}
    for name, own in steps.items():
        labels[name] = [step["label"] for step in own] + last
        labels[name].insert(ledgers.leading(own), ledgers.OVERRIDES)

    def place(row: dict[str, Any]) -> tuple[int, int]:
        own = labels[row["source"]]
        return sources.index(row["source"]), own.index(row["step"]) if row["step"] in own else -1

    return sorted(funnel.to_dicts(), key=place)


BY, PAGES = "run", ("report.html", "README.md")
TRAIN, DEV = "train", "dev"  # the set, and what is held out of it
_FRONT = ["id", "source", *STANDARD]
_PIECE = 16 * 2**20  # bytes of a set that are gathered at a time
# Columns that are left out when they hold nothing: a set has answers or pairs, and `misfits` only where a value fits no
# column.
_OPTIONAL = {*ANSWERS, *OPTIONAL, "misfits"}
_PIECES = 128  # that a set is sorted into at most; of more, most of the time would go into opening files
LISTED = 1_000  # domains that a manifest lists
# One fixed size of row groups: the bytes must not depend on how many threads wrote them.
_GROUP = 20_000
_HEAD = 200  # rows of a file that tell what a row weighs


def names(recipe: Recipe) -> list[str]:
    """Name the files that a run of a recipe writes, the manifest last."""
    all_formats = {*recipe.formats, *formats.of_set(recipe.formats, pairs=True)}
    parts = [TRAIN, DEV] if recipe.dev else [TRAIN]
    training = [file for part in parts for file in [f"{part}.parquet", *_lines(recipe.formats, part).values()]]
    training += [f"{part}.{format_}.parquet" for part in parts for format_ in sorted(all_formats)]
    prompts = [f"{name}.{kind}" for name in recipe.extra for kind in ("parquet", "jsonl")]
    data = ["ledger.parquet", *training, *prompts, "quarantine.jsonl", "examples.parquet"]
    return [*data, *PAGES, MANIFEST]


def _lines(asked: tuple[str, ...], part: str) -> dict[str, str]:
    """Name the file of JSON lines of each format of a set."""
    return {name: f"{part}.{name}.jsonl" if i else f"{part}.jsonl" for i, name in enumerate(dict.fromkeys(asked))}


def write(result: Result, state: Run, out: Path) -> dict[str, Any]:
    """Write a run's outputs into a folder that is ours, and return the manifest; what stands there is replaced.

    The manifest is removed first and written last, once: a folder without one is unfinished. It has the hashes of the
    data; report and card are drawn from these, and may be drawn again. What an earlier run wrote and this one does not
    is removed.
    """
    claim(out, BY)
    with state.clock("write files"):
        manifest = _write(result, state, out)
    _text(out, MANIFEST, dump(manifest) + "\n")
    return manifest


def _write(result: Result, state: Run, out: Path) -> dict[str, Any]:
    """Write all but the manifest."""
    recipe = state.recipe
    # Beside the folder first: what stands there goes only when the new set can take its place.
    with TemporaryDirectory(dir=state.stages.folder, suffix=BUILDING) as name:
        half = Path(name)
        parts = _training(result, recipe, half)
        with TemporaryDirectory(dir=half) as scratch:
            _parquet(half / "ledger.parquet", result.pool.ledger.frames(Path(scratch)))
        manifest = manifest_of(result, state, scan(half / "train.parquet"), scan(half / "ledger.parquet"))
        if result.held_out:
            dev, ledger = scan(half / "dev.parquet"), scan(half / "ledger.parquet")
            manifest[DEV] = _held_out(result.held_out.near, dev, ledger)
        if result.short:
            manifest["short"]["ways"] = reach(manifest, scan(half / "ledger.parquet"))
        for format_ in manifest["formats"]:
            for part in parts:
                _parquet(half / f"{part}.{format_}.parquet", _table(half, part, format_, manifest["formats"], parts))
        clear(out, BY, [MANIFEST])
        hashes = {file.name: put(out, BY, file.name, partial(shutil.move, file)) for file in sorted(half.iterdir())}
    rows, ledger = scan(out / "train.parquet"), scan(out / "ledger.parquet")
    for name, read in recipe.extra.items():
        hashes |= _prompts(out, name, read)
    hashes["quarantine.jsonl"] = _text(out, "quarantine.jsonl", together(state.quarantine))
    examples = with_texts(examples_of(ledger, merge(map(pl.read_parquet, state.examples))), state.rows)
    hashes["examples.parquet"] = put(out, BY, "examples.parquet", lambda to: _parquet(to, [examples]))
    missing: dict[str, str] = {}  # what the report lacks, and why
    if {"chosen", "rejected"} <= set(rows.collect_schema()):
        _shortcuts(manifest, rows.collect(), recipe.seed, missing)
    if result.pool.alive.any() and (diversity := _diversity(state, out, manifest)):
        manifest["diversity"] = diversity
    bounds = partial(movable, manifest, ledger)
    page = _text(out, "report.html", report(rows, ledger, manifest, examples, missing, bounds))
    if missing:
        manifest["missing"] = missing
    readme = _text(out, "README.md", card(_parts(out, parts), manifest))
    manifest["outputs"], manifest["pages"] = hashes, {"report.html": page, "README.md": readme}
    clear(out, BY, written(out, BY) - {*hashes, *PAGES, MANIFEST})
    return manifest


def write_bad(state: Run, out: Path) -> Path:
    """Write the bad records of a run that they stopped; beside a finished set, whose own quarantine stays."""
    name = "quarantine.stopped.jsonl" if (out / MANIFEST).exists() else "quarantine.jsonl"
    _text(out, name, together(state.quarantine))
    return out / name


def _shortcuts(manifest: dict[str, Any], rows: pl.DataFrame, seed: int, missing: dict[str, str]) -> None:
    if not rows.drop_nulls(["chosen", "rejected"]).height:
        return
    try:
        manifest["shortcuts"] = shortcuts(rows, seed=seed)
    except Exception as error:  # the set is worth more than what is said of it
        missing["Shortcuts"] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _training(result: Result, recipe: Recipe, folder: Path) -> list[str]:
    """Write the set, and the rows held out of it, as tables and lines; return the names of these parts.

    Both have the columns that either fills, so that they are read alike.
    """
    if result.held_out is None:
        frames = arranged(result.pool, recipe, folder)
        _parquet(folder / f"{TRAIN}.parquet", _with_lines(frames, recipe, folder, TRAIN))
        return [TRAIN]
    dev = replace(result.pool, alive=result.held_out.rows)
    ids = pl.concat([pl.Series("id", [], dtype=pl.String), *(rows["id"] for rows in dev.read(["id"]))])
    is_dev = pl.col("id").is_in(ids.implode())
    with TemporaryDirectory(dir=folder) as scratch:
        pieces: dict[str, list[Path]] = {TRAIN: [], DEV: []}
        for rows in arranged(replace(dev, alive=dev.alive | result.pool.alive), recipe, folder):
            for part, some in ((TRAIN, ~is_dev), (DEV, is_dev)):
                file = Path(scratch) / f"{part}-{len(pieces[part])}.parquet"
                rows.filter(some).write_parquet(file)
                pieces[part].append(file)
        for part, files in pieces.items():
            _parquet(folder / f"{part}.parquet", _with_lines(map(pl.read_parquet, files), recipe, folder, part))
    return [TRAIN, DEV]


def _with_lines(frames: Iterable[pl.DataFrame], recipe: Recipe, folder: Path, part: str) -> Iterator[pl.DataFrame]:
    """Yield a part of the set a piece at a time, each written as JSON lines in passing."""
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for rows in frames:
            for format_, name in _lines(formats.of_set(recipe.formats, pairs=_are_pairs(rows.columns)), part).items():
                if name not in files:
                    files[name] = stack.enter_context((folder / name).open("wb"))
                try:
                    files[name].writelines(formats.lines(rows, format_))
                except ValueError as error:
                    raise RunError(f"the set cannot be written: {error}") from None
            yield rows


def _table(folder: Path, part: str, format_: str, asked: tuple[str, ...], parts: list[str]) -> Iterator[pl.DataFrame]:
    """Yield the records of a part of the set in a folder as a table, a piece at a time; all parts in the same types."""
    rows, every = scan(folder / f"{part}.parquet"), _parts(folder, parts)
    if not formats.plain(every, format_):
        yield from tables(folder / _lines(asked, part)[format_], formats.fields(format_, every))
        return
    for start in range(0, max(1, rows.select(pl.len()).collect().item()), _GROUP):
        yield formats.in_columns(rows.slice(start, _GROUP), format_).collect()


def _parts(folder: Path, parts: list[str]) -> pl.LazyFrame:
    return pl.concat([scan(folder / f"{part}.parquet") for part in parts])


def _are_pairs(columns: Collection[str]) -> bool:
    return "chosen" in columns or "chosen_turns" in columns


def arranged(pool: Pool, recipe: Recipe, folder: Path) -> Iterator[pl.DataFrame]:
    """Yield a pool's rows in one order, a piece at a time: standard columns first, rows by the hash of (seed, id).

    A set may be larger than memory, so its rows are sorted into pieces in a folder first.
    """
    turn = hash01("id", recipe.seed, "order")
    heads = [scan(file).head(_HEAD).collect() for file in pool.files]
    weight = sum(map(size_of, heads)) / max(1, sum(head.height for head in heads))
    size = int(pool.alive.sum()) * weight
    count = max(1, math.ceil(size / max(_PIECE, size / _PIECES)))
    # All rows get the columns and types of all files, so that pieces do not differ.
    kinds = list({str(head.schema): head.clear() for head in heads}.values())
    kinds = kinds or [standardise(pl.DataFrame(schema={"prompt": pl.String}), "")]
    used = set() if pool.alive.any() else {"response"}
    limit = math.inf if count == 1 else max(_PIECE, size / _PIECES)
    with Spill(limit, 1, (turn * count).floor().cast(pl.Int64), folder) as spill:
        for some in chain(kinds[:1], pool.read()):
            rows = stack([*kinds, some])
            rows = drop_thoughts(rows) if recipe.thoughts == "drop" else rows
            used |= {c for c in _OPTIONAL if c in rows.columns and rows[c].null_count() < rows.height}
            spill.add(rows, size_of(rows))
        front = [c for c in _FRONT if c in rows.columns]
        names = [*front, *sorted(set(rows.columns) - set(front))]
        names = [c for c in names if c in used or c not in _OPTIONAL]
        del rows, some
        yield from (piece[names].sort(turn, "id") for piece in spill.groups())


def _parquet(to: Path, frames: Iterable[pl.DataFrame]) -> None:
    """Write frames of the same columns as one file, holding one of them at a time."""
    frames = iter(frames)
    head = list(islice(frames, 2))
    schema = head[0].schema
    style: dict[str, Any] = {"compression": "zstd", "row_group_size": _GROUP}
    if len(head) == 1:
        head[0].rechunk().write_parquet(to, **style)
    else:
        # Each frame goes as soon as it is written.
        rest = chain((head.pop(0) for _ in range(2)), frames)
        register_io_source(lambda *_: rest, schema=schema).sink_parquet(to, **style, maintain_order=True)


def _text(out: Path, name: str, text: str) -> str:
    return put(out, BY, name, lambda to: to.write_text(text, encoding="utf-8", newline="\n"))


def _prompts(out: Path, name: str, read: Read) -> dict[str, str]:
    """Write dev or test prompts as they are read, and return the hashes of the files."""
    batches = [batch.rows for part in read.parts() for batch in read.batches(part, 10_000)]
    rows = standardise(stack(batches), read.name).sort("id")
    rows = rows[[column.name for column in rows.get_columns() if column.null_count() < rows.height]]
    lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows.iter_rows(named=True))
    data, text = f"{name}.parquet", f"{name}.jsonl"
    return {data: put(out, BY, data, lambda to: _parquet(to, [rows])), text: _text(out, text, lines)}


def rewrite_report(out: Path) -> Path:
    """Write a finished folder's report again from its set, ledger and manifest."""
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    rows, ledger = scan(out / "train.parquet"), ledgers.read(out / "ledger.parquet")
    examples = pl.read_parquet(out / "examples.parquet")
    bounds = partial(movable, manifest, ledger)
    _text(out, "report.html", report(rows, ledger, manifest, examples, bounds=bounds))
    return out / "report.html"


def _diversity(state: Run, out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Measure how diverse the set in the folder is, by the vectors that the recipe's steps compare; {} for none."""
    params = _with_vectors(state.recipe)
    if params is None:
        return {}
    how = {name: params[name] for name in ("column", "model", "vectors") if params.get(name) is not None}
    try:
        result = of_folder(out, **how, seed=state.recipe.seed, manifest=manifest, tell=state.progress)
    except Exception as error:  # the set is whole all the same
        first = str(error).partition("\n")[0]
        manifest["unmeasured"] = first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"
        return {}
    return {name: result[name] for name in ("column", "model", "metrics", "map", "regions")}


def _with_vectors(recipe: Recipe) -> dict[str, Any] | None:
    """Find the parameters of the first selector or filter that compares vectors, its own or a text's."""
    samples = [source.sample for source in recipe.sources if source.sample]
    steps: list[Sample | Step] = [
        *samples,
        *(step for source in recipe.sources for step in source.steps),
        *recipe.steps,
    ]
    by_vectors = (step.params for step in steps if "model" in step.params and _embeds(step))
    return next((p for p in by_vectors if p.get("vectors") or isinstance(p.get("column"), str)), None)


def _embeds(step: Step | Sample) -> bool:
    """Tell whether a step embeds texts: the `model` of another property or score gives a number of its own."""
    if isinstance(step, Sample) or step.verb == "select" or step.params["model"] is None:
        return True
    return bool(inspect.signature(step.function).parameters["model"].default == EMBEDDING)
