"""The diversity of a finished folder's set: its measures beside random draws, and a map of its pool."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.cache import find
from curate.errors import UserError, did_you_mean
from curate.filters.vectors.pool import vectors_of
from curate.models.embeddings import DEFAULT, Embedded, embedded
from curate.models.embeddings.quantised import quantise
from curate.report.diversity.comparison import DRAWS, compare, domain_counts, ladder, measure, order
from curate.report.diversity.regions import regions
from curate.rows import literal, stack
from curate.texts import COLUMNS, KINDS, with_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 1500  # points of either kind: more hide each other, and make a page heavy


def principal_axes(vectors: Any) -> NDArray[np.float64]:
    """Project vectors, (n, d), onto their two principal axes, (n, 2); each axis points to its largest component.

    Principal component analysis by the d x d covariance (Jolliffe 2002, section 1.1): 0.1 s for 20,000 rows. It shows
    the broad lie of a pool and not its neighbourhoods: a sixth part or less of the variance of sentence vectors.

    >>> principal_axes([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]).shape
    (4, 2)
    """
    import numpy as np

    rows = quantise(vectors).astype(np.float64)
    rows -= rows.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows)
    first = axes[:, ::-1][:, :2]
    largest = np.abs(first).argmax(axis=0)
    projection: NDArray[np.float64] = rows @ (first * np.sign(first[largest, [0, 1]]))
    return projection


def coordinates(vectors: Any) -> NDArray[np.float64]:
    """Lay vectors, (n, d), on a map by their principal axes: (n, 2), from 0 to 1 on each.

    >>> coordinates([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]).min(axis=0).tolist()
    [0.0, 0.0]
    """
    import numpy as np

    flat = principal_axes(vectors)
    low, high = flat.min(axis=0), flat.max(axis=0)
    result: NDArray[np.float64] = (flat - low) / np.where(high > low, high - low, 1)
    return result


def map_of(vectors: Any, chosen: int, rows: pl.DataFrame) -> dict[str, Any]:
    """Draw a map of rows with an `id`, a `domain` and maybe a `text`: its points and regions, x and y from 0 to 1.

    Points are [x, y, 1 if chosen else 0]; the first `chosen` rows are the set. At most 1,500 of either kind are shown,
    those whose ids hash lowest.
    """
    import numpy as np

    flat = coordinates(vectors).round(3)
    turn = order(len(flat), rows["id"], 0, "map")
    shown = np.concatenate([turn[turn >= chosen][:SHOWN], turn[turn < chosen][:SHOWN]])
    points = [[float(flat[i, 0]), float(flat[i, 1]), int(i < chosen)] for i in shown]
    return {"map": points, "regions": regions(flat, chosen, shown, rows)}


# Steps that choose among rows which are all good; what any other step drops was not good enough to be drawn.
CHOOSERS = frozenset({"sample", "random", "top", "domains", "farthest", "coverage", "cluster", "threshold"})


class DiversityError(UserError):
    """Say in one sentence why a folder's diversity cannot be measured."""


def of_folder(
    out: Path,
    *,
    column: str = "prompt",
    model: str = DEFAULT,
    vectors: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    with_ladder: bool = False,
    store: Path | None = None,
    manifest: dict[str, Any] | None = None,
    tell: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:
    """Measure a folder's set by the vectors of a column's texts, beside `draws` random draws from its pool.

    With `vectors`, the column of that name holds them, no model is asked, and `model` is null. The pool is read from
    the stages that the manifest names (`stages.pool`); where they are gone, the set is measured alone and `note` says
    so. Returns `rows`, `pool`, `cut` (texts of which the model read only the beginning), `metrics` as `compare` gives
    them, `map` (points of pool and set), `ladder` (if asked for: the measures of choosing as many rows at each
    temperature), `domains` and `note`. A run that has yet to write its manifest gives it.
    Raise DiversityError, ModelError or StoreError.
    """
    column = vectors or column
    manifest, ledger, chosen = _open(out, column, manifest, text=not vectors)
    pool = _pool(out, manifest, ledger, column, text=not vectors)
    # The set stands first, so its places are the first ones.
    rows = chosen if pool is None else stack([chosen, pool.join(chosen, on="id", how="anti")])
    embeddings = _own(rows, vectors, out) if vectors else embedded(rows[column], model=model, store=store, tell=tell)
    places = list(range(chosen.height))
    if pool is None or rows.height == chosen.height:
        note = "no pool to draw from: no row was left over" if pool is not None else _gone(out)
        metrics = [{"metric": name, "value": value} for name, value in measure(embeddings.vectors).items()]
    else:
        note = None
        metrics = compare(embeddings.vectors, places, ids=rows["id"], seed=seed, draws=draws)
    return {
        "column": column,
        "model": None if vectors else model,
        "rows": chosen.height,
        "pool": rows.height if note is None else None,
        "cut": int(embeddings.cut.sum()),
        "metrics": [{name: _plain(value) for name, value in row.items()} for row in metrics],
        **map_of(embeddings.vectors, chosen.height, rows.rename({} if vectors else {column: "text"})),
        "ladder": ladder(embeddings.vectors, rows["id"], n=chosen.height, seeds=[seed])
        if with_ladder and not note
        else [],
        "domains": domain_counts(rows["domain"].to_list(), places, _asked(manifest)).to_dicts(),
        "note": note,
    }


def _own(rows: pl.DataFrame, column: str, out: Path) -> Embedded:
    """Take the vectors of a column as they are; no text is cut."""
    import numpy as np

    try:
        return Embedded(vectors_of(rows, column, column, "", "diversity"), np.zeros(rows.height, dtype=bool))
    except ValueError as error:
        raise DiversityError(f"{out}: {error}") from None


def _plain(value: Any) -> Any:
    """Replace what JSON has no word for by null: a metric that such a small set or pool has none of."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _open(
    out: Path, column: str, manifest: dict[str, Any] | None, text: bool
) -> tuple[dict[str, Any], pl.DataFrame, pl.DataFrame]:
    try:
        manifest = manifest or json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        ledger, rows = pl.read_parquet(out / "ledger.parquet"), pl.read_parquet(out / "train.parquet")
    except FileNotFoundError:
        raise DiversityError(f"{out} is not a finished output folder") from None
    rows = with_texts(rows, column)
    if column not in rows.columns:
        hint = did_you_mean(column, [*rows.columns, *KINDS])
        raise DiversityError(f"{out}: the set has no column '{column}'; {hint}")
    if text and rows.schema[column] != pl.String:
        raise DiversityError(f"{out}: the column '{column}' holds {rows.schema[column]}, where text is needed")
    if not rows.height:
        raise DiversityError(f"{out}: the set has no rows to measure")
    return manifest, ledger, rows.select("id", "domain", column).unique("id", keep="first", maintain_order=True)


def _pool(out: Path, manifest: dict[str, Any], ledger: pl.DataFrame, column: str, text: bool) -> pl.DataFrame | None:
    """Read the rows that all filters left; None where the stages that hold them are gone or unnamed."""
    stages = manifest["stages"].get("pool")
    entries = [find(out.parent / ".stages" / name) for name in stages or []]
    whole = [entry for entry in entries if entry]
    if not whole or len(whole) < len(entries):
        return None
    steps = [step for own in manifest["steps"].values() for step in own]
    choosers = {"sample"} | {s["label"] for s in steps if s["verb"] == "select" and s["filter"] in CHOOSERS}
    passed = ledger.filter(pl.col("dropped_by").is_null() | pl.col("dropped_by").is_in(choosers)).select("source", "id")
    frames = [_read(file, column, text) for entry in whole for file in entry.files("rows-*.parquet")]
    rows = stack(frames).join(passed, on=["source", "id"], how="semi")
    return rows.unique("id", keep="first", maintain_order=True).select("id", "domain", column)


def _read(file: Path, column: str, text: bool) -> pl.DataFrame:
    lazy = pl.scan_parquet(file)
    if text and column in KINDS:
        names = lazy.collect_schema().names()
        rows = lazy.select(c for c in ("source", "id", "domain", *COLUMNS) if c in names).collect()
        return with_texts(rows, column).select("source", "id", "domain", column)
    present = column in lazy.collect_schema().names()
    values = pl.col(literal(column)) if present else pl.lit(None)
    return lazy.select("source", "id", "domain", (values.cast(pl.String) if text else values).alias(column)).collect()


def _gone(out: Path) -> str:
    return (
        f"measured alone: the text of the rows not taken stood in {out.parent / '.stages'} and is not there; "
        "run the recipe again to see random draws beside"
    )


def _asked(manifest: dict[str, Any]) -> dict[str, int] | None:
    """Sum by domain what the sources were asked for; None where no quotas were set."""
    quotas: dict[str, int] = {}
    for row in manifest["quotas"]:
        quotas[row["domain"]] = quotas.get(row["domain"], 0) + row["asked"]
    return quotas or None
