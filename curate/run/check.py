"""A recipe tried before it runs, and a set checked afterwards: derived again from what its manifest says."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from curate.cache import Cache
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.own import unrun
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.plan import Recipe
from curate.recipe.step import Step
from curate.rows import hash_file
from curate.run.folder import OutputError, as_written, open_out
from curate.run.outputs import PAGES
from curate.run.run import run, run_recipe
from curate.run.state import ANSWERS, MANIFEST, Progress, Run, Shortfall, silent


def sample_yield(recipe: Recipe, rows: int) -> list[dict[str, Any]]:
    """Try a recipe on the first rows of each part and count, by source, how many its steps keep."""
    loose = _without_models(Recipe(**{**vars(recipe), "size": None, "max_bad": 1.0, "shortfall": "accept"}))
    if not loose.sources:
        return []
    with tempfile.TemporaryDirectory() as folder:
        state = Run(loose, Cache(Path(folder)), limit=rows)
        result = run(state)
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
    sources = [replace(s, steps=_before(s.steps)) for s in loaded if not asks_models(s.read.objects)]
    cut = any(len(s.steps) < len(o.steps) for s in sources for o in recipe.sources if s.name == o.name)
    return replace(recipe, sources=tuple(sources), steps=() if cut else _before(recipe.steps))


def _before(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    first = next((i for i, step in enumerate(steps) if step.function is unrun or asks_models(step.objects)), len(steps))
    return steps[:first]


def asks_models(objects: dict[str, Any]) -> bool:
    """Tell whether a generator or a judge is among what parameters name."""
    things = [one for thing in objects.values() for one in (thing if isinstance(thing, list) else [thing])]
    return any(isinstance(thing, Generator | Judge) for thing in things)


def verify(out: Path, *, trusted: bool = False, progress: Progress = silent) -> dict[str, str]:
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
        outcomes = {
            n: "changed on disk" for n, h in hashes.items() if not (out / n).is_file() or hash_file(out / n) != h
        }
        recipe = parse(manifest["recipe"], Places(str(out / MANIFEST)), dict(manifest["texts"]), trusted=trusted)
    if recipe.unrun:
        raise OutputError(
            f"{out} was not derived again: its recipe names code of its own, {', '.join(recipe.unrun)}, which was not "
            "run; if you have read it, `--trust` runs it"
        )
    if not trusted:
        _ask_nothing(recipe, out)
    with tempfile.TemporaryDirectory() as folder:
        answers = out.parent / ".stages" / ANSWERS
        if answers.is_dir():  # what a model said is an input: it would say something else now
            shutil.copytree(answers, Path(folder) / ".stages" / ANSWERS)
        try:
            again = run_recipe(recipe, Path(folder) / "out", limit=manifest.get("limit"), progress=progress)["outputs"]
        except Shortfall as short:  # as it was
            again = short.manifest["outputs"]
    for name, digest in hashes.items():
        outcomes.setdefault(name, "same" if again.get(name) == digest else "derived differently")
    return outcomes


def _ask_nothing(recipe: Recipe, out: Path) -> None:
    """Let generators answer from what is kept alone: a stranger's recipe says which server gets which key."""

    def refuse() -> NoReturn:
        answers = out.parent / ".stages" / ANSWERS
        raise OutputError(
            f"{out} was not derived again: {answers} does not hold all answers of its models; if you have read the "
            "recipe, `--trust` asks for them"
        )

    for generator in [*recipe.generators.values(), *(g for j in recipe.judges.values() for g in j.generators)]:
        generator.open = refuse
