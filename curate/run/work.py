"""Whole jobs behind the commands: run a recipe into a folder, try it on a sample, ask a finished folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from curate.cache import Cache, lock
from curate.errors import UserError
from curate.folders import check, claim, clear, make, put, put_alone, written
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.own import unrun
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.plan import Recipe
from curate.recipe.step import Step
from curate.report.diversity.folder import of_folder
from curate.report.formats import FORMATS, to_jsonl
from curate.rows import hash_file
from curate.run import ledger as ledgers
from curate.run.outputs import BY, MANIFEST, PAGES, Measure, names, write
from curate.run.run import run
from curate.run.state import ANSWERS, Tell


class OutputError(UserError):
    """Say what is wrong with an output folder."""


def run_recipe(
    recipe: Recipe,
    out: Path,
    *,
    fresh: bool = False,
    limit: int | None = None,
    batch_rows: int = 10_000,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Run a recipe into a folder and return its manifest; stages stand beside it, shared with its neighbours."""
    check(out, BY, {*names(recipe), *written(out, BY)})
    stages = Cache(make(out.parent / ".stages"), fresh=fresh)
    result, state = run(recipe, stages, batch_rows=batch_rows, limit=limit, tell=tell)
    with lock(stages.folder / f"out-{out.name}"):  # two runs into one folder write one after the other
        return write(result, state, out, _measure(recipe, out, tell))


def _measure(recipe: Recipe, out: Path, tell: Tell | None) -> Measure | None:
    """Say how the diversity of a recipe's set is measured: by what its own steps embed, where they do."""
    params = _with_vectors(recipe)
    if params is None:
        return None

    def measure(manifest: dict[str, Any]) -> dict[str, Any]:
        how = {"column": params["column"], "model": params["model"], "seed": recipe.seed}
        try:
            found = of_folder(out, **how, manifest=manifest, tell=tell)
        except UserError as error:  # the set is whole all the same
            manifest["unmeasured"] = str(error)
            return {}
        return {name: found[name] for name in ("column", "model", "metrics", "map")}

    return measure


def _with_vectors(recipe: Recipe) -> dict[str, Any] | None:
    """Find the parameters of the first selector or filter that embeds a text, if there is one."""
    samples = [source.sample.params for source in recipe.sources if source.sample]
    steps = [step.params for source in recipe.sources for step in source.steps] + [s.params for s in recipe.steps]
    return next((p for p in [*samples, *steps] if "model" in p and isinstance(p.get("column"), str)), None)


def sample_yield(recipe: Recipe, rows: int) -> list[dict[str, Any]]:
    """Try a recipe on the first rows of each part and count, by source, how many its steps keep."""
    loose = _without_models(Recipe(**{**vars(recipe), "size": None, "max_bad": 1.0, "shortfall": "accept"}))
    if not loose.sources:
        return []
    with tempfile.TemporaryDirectory() as folder:
        result, state = run(loose, Cache(Path(folder)), limit=rows)
    return [
        {
            "source": name,
            "asked": next(s.take for s in recipe.sources if s.name == name),
            "sampled": count["read"],
            "kept": result.shares[name].available,
            "quarantined": count["bad"],
            "absent": state.absent.get(name),
        }
        for name, count in state.counts.items()
    ]


def _without_models(recipe: Recipe) -> Recipe:
    """Leave out what would ask a model or was not loaded: such sources whole, the first such step and all after."""
    loaded = [source for source in recipe.sources if source.read.function is not unrun]
    sources = [replace(s, steps=_before(s.steps)) for s in loaded if not _asks(s.read.given)]
    cut = any(len(s.steps) < len(o.steps) for s in sources for o in recipe.sources if s.name == o.name)
    return replace(recipe, sources=tuple(sources), steps=() if cut else _before(recipe.steps))


def _before(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    first = next((i for i, step in enumerate(steps) if step.function is unrun or _asks(step.given)), len(steps))
    return steps[:first]


def _asks(given: dict[str, Any]) -> bool:
    things = [one for thing in given.values() for one in (thing if isinstance(thing, list) else [thing])]
    return any(isinstance(thing, Generator | Judge) for thing in things)


def open_out(out: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Open a finished output folder: its manifest and its ledger."""
    with as_written(out):
        manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return manifest, pl.read_parquet(out / "ledger.parquet")


@contextmanager
def as_written(out: Path, by: str = "run") -> Iterator[None]:
    """Read a folder; raise OutputError, one sentence, where it does not hold what the command `by` writes there.

    It may be a stranger's: what its files hold is no more to be relied on than any other input.
    """
    for file in out.iterdir() if out.is_dir() else ():
        if file.exists() and not (file.is_file() or file.is_dir()):  # reading a pipe would wait for ever
            raise OutputError(f"{file} is no ordinary file, which `curate {by}` does not write")
    try:
        yield
    except FileNotFoundError:
        hint = "the run that writes it did not end; run it again" if out.is_dir() else "there is no such folder"
        raise OutputError(f"{out} is not a finished output folder: {hint}") from None
    except UserError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, StopIteration,
            pl.exceptions.PolarsError) as error:  # fmt: skip
        first = str(error).strip().partition("\n")[0][:200]
        raise OutputError(
            f"{out} does not hold what `curate {by}` writes there ({type(error).__name__}: {first}): it is damaged, or "
            "was written by something else"
        ) from None


def some_rows(out: Path, n: int) -> list[dict[str, Any]]:
    """Take the first rows of a finished set, the columns that a reader looks at."""
    open_out(out)
    rows = pl.read_parquet(out / "train.parquet", n_rows=n)
    wanted = ("id", "source", "domain", "system", "history", "prompt", "response", "chosen", "rejected")
    return rows.select(c for c in wanted if c in rows.columns).to_dicts()


def why(out: Path, row: str) -> dict[str, Any]:
    """Tell one row's way: at each of its steps the verdict, what was measured, the parameters and the evidence."""
    manifest, ledger = open_out(out)
    try:
        found = ledgers.find(ledger, row)
    except LookupError as error:
        raise OutputError(f"{out}: {error}") from None
    said = dict(line.partition(": ")[::2] for line in (found["detail"] or "").split("\n"))
    steps = [*manifest["steps"].get(found["source"], []), *manifest["steps"]["all"]]
    steps.append({"verb": "select", "filter": "sample", "label": "sample", "params": _share(manifest, found["source"])})
    return {
        **{name: found[name] for name in ("id", "source", "domain", "kept", "dropped_by")},
        "steps": [_way(step, found, said) for step in steps],
        "also": said.get(ledgers.REPEATED),
    }


def _share(manifest: dict[str, Any], source: str) -> dict[str, Any]:
    row = next(row for row in manifest["table"] if row["source"] == source)
    return {name: row[name] for name in ("asked", "available", "taken")}


def _way(step: dict[str, Any], found: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    label = step["label"]
    verdict = found.get(label)
    outcome = {True: "passed", False: "failed", None: "not asked"}[verdict if isinstance(verdict, bool) else None]
    if step["verb"] in {"edit", "score"}:
        outcome = step["verb"]
    measured = {k.partition(".")[2]: v for k, v in found.items() if k.startswith(f"{label}.") and v is not None}
    return {**step, "outcome": outcome, "measured": measured, "evidence": said.get(label)}


def diff(before: Path, after: Path) -> pl.DataFrame:
    """List the rows gained and lost between two output folders, and the step that decides each.

    Steps are the same by verb, filter and parameters. Where the label stands for another step in the other
    folder, or the step has another label there, `note` says so.
    """
    (was, old), (now, new) = open_out(before), open_out(after)
    found = ledgers.diff(old, new)
    earlier, later = _steps_of(was), _steps_of(now)
    notes = []
    for row in found.iter_rows(named=True):
        here, there = (later, earlier) if row["change"] == "lost" else (earlier, later)
        notes.append(_note(row["step"], here.get(row["source"], {}), there.get(row["source"], {})))
    return found.with_columns(pl.Series("note", notes, dtype=pl.String))


def _steps_of(manifest: dict[str, Any]) -> dict[str, dict[str, str]]:
    """List by source what the label of each step that its rows meet stands for."""
    steps = manifest["steps"]
    return {
        name: {
            step["label"]: json.dumps([step[k] for k in ("verb", "filter", "params")], sort_keys=True) for step in own
        }
        for name, own in ((name, [*own, *steps["all"]]) for name, own in steps.items())
    }


def _note(label: str | None, mine: dict[str, str], others: dict[str, str]) -> str | None:
    """Say where a label stands for another step in the other folder, or the step has another label there."""
    if label is None or label not in mine:
        return None
    if label in others and others[label] != mine[label]:
        return f"'{label}' is another step in the other folder"
    same = [other for other, what in others.items() if what == mine[label]]
    return f"called '{same[0]}' in the other folder" if same and label not in same else None


def verify(out: Path, *, trusted: bool = False, tell: Tell | None = None) -> dict[str, str]:
    """Derive a folder's set again from its manifest's recipe and compare hashes.

    Returns for each data file `same`, `changed on disk` or `derived differently`; nothing of earlier runs is reused.
    The folder may be a stranger's: functions of the user's own that its recipe names run, and models and servers are
    asked for what is not kept, only where it is `trusted`. Raise OutputError where that is needed and it is not.
    """
    with as_written(out):
        manifest, _ = open_out(out)
        hashes = {n: h for n, h in manifest["outputs"].items() if n not in PAGES}
        if wrong := [name for name in hashes if Path(name).name != name]:
            raise OutputError(f"{out / MANIFEST} names {wrong[0]!r} among its outputs, which is no file of the folder")
        found = {n: "changed on disk" for n, h in hashes.items() if not (out / n).is_file() or hash_file(out / n) != h}
        recipe = parse(manifest["recipe"], Places(str(out / MANIFEST)), dict(manifest["texts"]), trusted=trusted)
    if recipe.unrun:
        raise OutputError(
            f"{out} was not derived again: its recipe names code of its own, {', '.join(recipe.unrun)}, which was not "
            "run; if you have read it, `--trust` runs it"
        )
    if not trusted:
        _ask_nothing(recipe, out)
    with tempfile.TemporaryDirectory() as folder:
        if (
            out.parent / ".stages" / ANSWERS
        ).is_dir():  # what a model said is an input: it would say something else now
            shutil.copytree(out.parent / ".stages" / ANSWERS, Path(folder) / ".stages" / ANSWERS)
        again = run_recipe(recipe, Path(folder) / "out", limit=manifest.get("limit"), tell=tell)["outputs"]
    for name, digest in hashes.items():
        found.setdefault(name, "same" if again.get(name) == digest else "derived differently")
    return found


def _ask_nothing(recipe: Recipe, out: Path) -> None:
    """Let generators answer from what is kept alone: a stranger's recipe says which server gets which key."""

    def refuse() -> NoReturn:
        kept = out.parent / ".stages" / ANSWERS
        raise OutputError(
            f"{out} was not derived again: {kept} does not hold all answers of its models; if you have read the "
            "recipe, `--trust` asks for them"
        )

    for generator in [*recipe.generators.values(), *(g for j in recipe.judges.values() for g in j.generators)]:
        generator.open = refuse


def export(out: Path, format_: str, to: Path | None) -> Path:
    """Write a finished set in another format: JSON lines of `FORMATS`, or a folder for `datasets.load_from_disk`."""
    open_out(out)
    if format_ == "dataset":
        return _save_to_disk(out, to or out / "dataset")
    try:
        text = to_jsonl(pl.read_parquet(out / "train.parquet"), format_)
    except ValueError as error:
        raise OutputError(f"{out}: {error}") from None
    return put_alone(to or out / f"train.{format_}.jsonl", text, by="export", option="--to")


EXPORTS = (*FORMATS, "dataset")


def _save_to_disk(out: Path, to: Path) -> Path:
    try:
        import datasets
    except ModuleNotFoundError:
        raise OutputError("the format 'dataset' needs the package datasets: pip install 'curate-lm[hf]'") from None
    claim(to, "export", written(to, "export"), option="--to")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "dataset"
        set_ = datasets.Dataset.from_parquet(str(out / "train.parquet"), cache_dir=folder)
        set_.save_to_disk(str(scratch))
        files = sorted(scratch.iterdir())
        for file in files:
            put(to, "export", file.name, partial(shutil.copyfile, file))
    clear(to, "export", written(to, "export") - {file.name for file in files})
    return to
