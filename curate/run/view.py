"""The rows of a finished folder in one file for a viewer of tables and maps, and the viewer that is started on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import UserError, missing_package
from curate.folders import put
from curate.models.embeddings import ModelError, embedded
from curate.report.diversity.folder import coordinates
from curate.report.words import plural
from curate.rows import scan
from curate.run import ledger as ledgers
from curate.run.folder import COLUMNS, as_written, open_out
from curate.run.inputs import texts
from curate.turns import ANSWERS, Turn, answer, lean, lines

FILE = "view.parquet"
VIEWER = "embedding-atlas"
_TEXTS = ("prompt", "system", "history", *ANSWERS)
_OURS = {*_TEXTS, "x", "y"}
_APART = -0.1  # where rows without a place stand, left of and below all others: the viewer would take null for 0


class ViewerError(UserError):
    """Say in one sentence that the viewer is not there, and how to get it."""


class View(NamedTuple):
    """A file for a viewer, its rows, whether they have places on a map, and in sentences what it lacks, and why."""

    file: Path
    rows: int
    mapped: bool
    notes: list[str]


def write(out: Path, n: int, tell: Callable[[str, int], None] | None = None) -> View:
    """Write what is known of the rows of a finished folder into its `view.parquet`, whether they are in the set or not.

    Args:
        out: the folder; its inputs must still be where its recipe says.
        n: at most so many rows: those of the set first, then those with the lowest ids, which are as good as drawn.
        tell: hears of the progress.

    A row has what the ledger says of it (kept, the step that dropped it, what each step measured, each verdict), its
    texts as that step saw them, and its place on the map of prompts, `x` and `y`, from 0 to 1. Raise OutputError for a
    folder that is none, and FolderError for a file of that name that is somebody's own.
    """
    _, ledger = open_out(out)
    with as_written(out):
        frame = _lines(ledger, n)
        every = ledger.select(pl.len()).collect().item()
        result, notes = _with_texts(out, frame)
        places, more = _places(result["prompt"], tell)
        result = _in_order(result if places is None else result.hstack(places))
    if every > frame.height:
        notes.append(
            f"{frame.height:,} of {every:,} rows, as each prompt is embedded for the map: those of the set, then those "
            "with the lowest ids, which are as good as drawn; --rows takes more"
        )
    put(out, "view", FILE, result.write_parquet)
    return View(out / FILE, result.height, places is not None, [*notes, *more])


def _lines(ledger: pl.LazyFrame, n: int) -> pl.DataFrame:
    """Take the first rows of a ledger, those kept before others; a step called like a column of ours is marked."""
    steps = {name: f"{name} (step)" for name in ledger.collect_schema() if name in _OURS}
    order = [pl.col("kept").not_(), pl.col("id"), pl.col("source"), pl.col("dropped_by")]
    rows = ledger.bottom_k(n, by=order).collect(engine="streaming").sort(order)
    return rows.with_columns(ledgers.evidence_text()).rename(steps)


def _with_texts(out: Path, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Add texts: those of the set, and of the rows that fell from the inputs."""
    key = ["source", "id"]
    rows = scan(out / "train.parquet")
    columns = [name for name in COLUMNS if name in rows.collect_schema()]
    kept = rows.join(frame.filter("kept").select(key).lazy(), on=key, how="semi").select(*key, *columns).collect()
    dropped, notes = texts(out, frame.filter(~pl.col("kept")).select(*key, "dropped_by"))
    schema = dict.fromkeys([*key, *_TEXTS], pl.String)
    both = [_texts(row) for part in (kept.iter_rows(named=True), dropped) for row in part]
    words = pl.DataFrame(both, schema=schema).unique(key, keep="first")
    return frame.join(words, on=key, how="left", maintain_order="left"), notes


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Take the texts of a row; of a question that no step made a prompt of, its title."""
    return {
        **{name: row[name] for name in ("source", "id")},
        "prompt": row.get("prompt") or row.get("title"),
        "system": row.get("system"),
        "history": _text(map(lean, row.get("history") or [])),
        **{name: _text(answer(row, name), alone="assistant") for name in ANSWERS},
    }


def _text(turns: Iterable[Turn], alone: str = "") -> str | None:
    """Write turns as one text, who speaks before each of several."""
    match lines(turns):
        case [(who, text)] if who == alone:
            return text
        case said:
            return "\n\n".join(f"{who}: {text}" for who, text in said) or None


def _places(prompts: pl.Series, tell: Callable[[str, int], None] | None) -> tuple[pl.DataFrame | None, list[str]]:
    """Lay prompts on a map; None where it cannot be drawn, and why."""
    has = prompts.is_not_null() & (prompts.str.strip_chars() != "")
    if not has.any():
        return None, ["there is no map: no row has a prompt that can be read"]
    try:
        import numpy as np

        vectors, cut = embedded(prompts.filter(has), tell=tell)
    except (ModelError, ModuleNotFoundError) as error:
        return None, [f"there is no map: {missing_package(error) or error}"]
    places = np.full((len(prompts), 2), _APART)
    places[has.to_numpy()] = coordinates(vectors)
    notes = [
        f"of {plural(int(cut.sum()), 'prompt')} the embedding model reads only the beginning",
        f"{plural(int((~has).sum()), 'row')} without a prompt that can be read: in the lower left of the map, apart",
    ]
    counts = cut.any(), not has.all()
    return pl.DataFrame(places, schema=["x", "y"]), [note for note, some in zip(notes, counts, strict=True) if some]


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Put first what a person looks at first; a column of texts that no row has is left out."""
    empty = [name for name in _TEXTS if name != "prompt" and frame[name].null_count() == frame.height]
    first = ["kept", "dropped_by", "source", "domain", "prompt", *ANSWERS, "detail"]
    last = ["system", "history", "x", "y", "id"]
    steps = [name for name in frame.columns if name not in {*first, *last}]
    numbers = [name for name in steps if frame.schema[name].is_float()]
    names = [*first, *numbers, *(name for name in steps if name not in numbers), *last]
    return frame.select(name for name in names if name in frame.columns and name not in empty)


def command(view: View, more: Sequence[str] = ()) -> list[str]:
    """Say how the viewer is started on a file, on this machine alone; `more` goes to it as it is.

    Raise ViewerError where it is not there. It is never installed, nor fetched, by this.
    """
    places = ["--x", "x", "--y", "y"] if view.mapped else ["--disable-projection"]  # else it would fetch a model
    return [*_viewer(view.file), str(view.file), "--text", "prompt", *places, "--host", "127.0.0.1", *more]


def _viewer(file: Path) -> list[str]:
    """Find the viewer: installed, or as `uvx` keeps it."""
    if there := shutil.which(VIEWER):
        return [there]
    if uvx := shutil.which("uvx"):
        kept = [uvx, "--offline", VIEWER]
        tried = subprocess.run([*kept, "--version"], stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
        if tried.returncode == 0:
            return kept
    raise ViewerError(
        f"the viewer {VIEWER} is not installed: `uv tool install {VIEWER}` or `pipx install {VIEWER}` puts it into an "
        f"environment of its own (2.3 GB, torch is in it); any other viewer of Parquet files opens {file}, too"
    )
