"""Whole jobs behind the commands: run a recipe into a folder, check one, verify a folder, export it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.outputs import write
from curate.recipe import Recipe
from curate.run import Tell, run
from curate.stages import Stages


def run_to(
    recipe: Recipe,
    out: Path,
    *,
    fresh: bool = False,
    limit: int | None = None,
    batch_rows: int = 10_000,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Run a recipe into a folder and return its manifest. Stages stand beside the folder, shared with its neighbours."""
    stages = Stages(out.parent / ".stages", fresh=fresh)
    out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is said before the work, not after it
    result, state = run(recipe, stages, batch_rows=batch_rows, limit=limit, tell=tell)
    return write(result, state, out)
