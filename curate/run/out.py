"""A run from Python: a recipe in, its finished folder as an object out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from curate.recipe.load import load
from curate.run import folder
from curate.run.run import run_recipe


class Out:
    """A finished output folder, as `curate run` leaves it: the set, the ledger, and why each row is in or out.

    `manifest` is what manifest.json holds, and `ledger` a lazy frame with a row for every row that was read. Raise
    OutputError for a folder that no run has finished.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest, self.ledger = folder.open_out(self.path)

    @cached_property
    def set(self) -> pl.DataFrame:
        """Hold the rows of the set."""
        return pl.read_parquet(self.path / "train.parquet")

    def why(self, row: str) -> dict[str, Any]:
        """Tell the way of one row, as `curate why` does; the beginning of its id is enough."""
        return folder.why(self.path, row)

    def __repr__(self) -> str:
        from curate.report import terminal

        with terminal.console.capture() as screen:
            terminal.show_run(self.manifest, str(self.path))
        return screen.get().rstrip()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def run(
    recipe: str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    seed: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
    engine: str | None = None,
) -> Out:
    """Run a recipe, a file or what one would hold, into a folder (`out/NAME`), and open that.

    `seed` takes the place of the recipe's; `limit`, `fresh` and `engine` are those of `curate run`. What a recipe needs
    and what it writes is the same either way. Raise RecipeError with every mistake of the recipe, and what
    `run_recipe` raises, each one sentence.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = pl.DataFrame({"prompt": ["Why?", "How?"], "response": ["Short.", "Light scatters in air."]})
    >>> rows.write_ndjson(folder / "two.jsonl")
    >>> source = {"read": {"jsonl": {"path": folder / "two.jsonl"}}, "steps": [{"keep": {"length": {"min": 9}}}]}
    >>> done = run({"name": "one", "sources": {"mine": source}}, folder / "out")
    >>> done.set["response"].to_list(), done.ledger.filter("kept").collect().height
    (['Light scatters in air.'], 1)
    """
    plan = load(recipe, seed=seed)
    path = Path(out or Path("out") / plan.name)
    run_recipe(plan, path, limit=limit, fresh=fresh, engine=engine)
    return Out(path)
