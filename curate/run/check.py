"""A set checked: derived again from what its manifest says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NoReturn

from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.plan import Recipe
from curate.rows import hash_file
from curate.run.folder import OutputError, as_written, open_out
from curate.run.outputs import PAGES
from curate.run.run import run_recipe
from curate.run.state import ANSWERS, MANIFEST, Progress, Shortfall, silent
from curate.run.timetable import Timetable, times_of


def verify(
    out: Path, *, trusted: bool = False, progress: Progress = silent, timetable: Timetable | None = None
) -> dict[str, str]:
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
        places, home = Places(str(out / MANIFEST)), Path(manifest["recipe_file"]).parent
        recipe = parse(manifest["recipe"], places, dict(manifest["texts"]), folder=home, trusted=trusted)
    if recipe.unrun:
        raise OutputError(
            f"{out} was not derived again: its recipe names code of its own, {', '.join(recipe.unrun)}, which was not "
            "run; if you have read it, `--trust` runs it"
        )
    if not trusted:
        _ask_nothing(recipe, out)
    timetable = timetable or Timetable()
    timetable.times |= times_of(out / MANIFEST)
    with tempfile.TemporaryDirectory() as folder:
        answers = out.parent / ".stages" / ANSWERS
        if answers.is_dir():  # what a model said is an input: it would say something else now
            shutil.copytree(answers, Path(folder) / ".stages" / ANSWERS)
        try:
            there, limit = Path(folder) / "out", manifest.get("limit")
            again = run_recipe(recipe, there, limit=limit, progress=progress, timetable=timetable)["outputs"]
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
