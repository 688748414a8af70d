"""A hold-out: rows drawn from what every step left, and kept apart from the set by what they ask."""

from __future__ import annotations

from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import polars as pl

from curate import texts
from curate.engine import current
from curate.recipe.plan import Recipe
from curate.rows import hash01
from curate.run import ledger as ledgers
from curate.run.budget import HeldOut, shares
from curate.run.ledger import HELD_OUT, NEAR
from curate.run.overrides import decided
from curate.run.pool import write_verdicts
from curate.run.state import Piece, Pool, Run, RunError
from curate.turns import TURNS

_IDS = "held-out.parquet"
_LIKE = pl.DataFrame(schema=dict.fromkeys(["id", "source", "text", "opening"], pl.String))


def hold_out(state: Run, pool: Pool) -> tuple[Pool, HeldOut | None]:
    """Draw the rows that the recipe holds out; leave out of the pool these, and what asks the same as one of them.

    They are drawn by hash, from the sources in the shares that these have in the set. A row that people accepted stays
    in the pool, so neither it nor what asks the same is drawn. Raise RunError where too few rows are left to draw from.
    """
    recipe = state.recipe
    if recipe.dev is None:
        return pool, None
    depends = {
        "pool": pool.key,
        HELD_OUT: [recipe.dev, recipe.size, recipe.seed],
        "takes": [[s.name, s.take] for s in recipe.sources],
        **decided(recipe.overrides),
    }
    stage = state.stage("select", HELD_OUT, depends, partial(_draw, state, pool))
    rows = pool.only(stage.files(_IDS), state.stages.folder).alive
    left = pool.only(stage.files("choice-*.parquet"), state.stages.folder)
    return Pool(left.ledger, left.files, stage.content, left.alive), HeldOut(rows, **stage.meta)


def held_out_of(recipe: Recipe, rows: int) -> int:
    """Count the rows that a recipe holds out: of its size, where it has one, or else of so many rows."""
    dev = recipe.dev or 0
    return dev if isinstance(dev, int) else max(1, round(dev * (recipe.size or rows)))


def _draw(state: Run, pool: Pool, folder: Path) -> dict[str, Any]:
    recipe = state.recipe
    rows = pl.concat([_LIKE, *current().map(_asked, pool.pieces())]).sort("id")
    accepted = pl.col("id").is_in(list(recipe.overrides.accepted))
    free = rows.filter(~accepted)
    free = free.join(_alike(rows.filter(accepted), free), on="id", how="anti", maintain_order="left")
    n = held_out_of(recipe, rows.height)
    if n > min(free.height, rows.height - 1):
        raise RunError(_too_few(n, rows.height, free.height))
    available = {s.name: free.filter(pl.col("source") == s.name).height for s in recipe.sources}
    asked = {s.name: s.take if s.take is not None or recipe.size else available[s.name] for s in recipe.sources}
    settled = shares(asked, available, size=n, rule="redistribute", seed=recipe.seed)
    drawn = pl.concat(
        free.filter(pl.col("source") == name).with_columns(draw=hash01("id", recipe.seed, HELD_OUT))
        .sort("draw", "id").head(share.taken).drop("draw")
        for name, share in settled.items()
    ).sort("id")  # fmt: skip
    drawn.select("id", kept=pl.lit(True)).write_parquet(folder / _IDS)
    alike = _alike(drawn, rows.join(drawn, on="id", how="anti", maintain_order="left"))
    write_verdicts(folder, [_verdicts(rows, drawn, alike)])
    return {"sources": {name: share.taken for name, share in settled.items()}, "near": alike.height}


def _asked(piece: Piece) -> pl.DataFrame:
    """Read what the rows alive ask: all that the user says, as one text, and the first question of a conversation."""
    rows = piece.read(["id", "source", "history", "prompt"])
    first = pl.col("prompt")
    if rows.schema.get("history") == TURNS:
        turn = pl.element().struct.field
        asked = pl.col("history").list.eval(turn("content").filter(turn("role") == "user"))
        first = pl.coalesce(asked.list.first(), "prompt")
    return rows.select("id", "source", texts.joined(rows, "user_turns").alias("text"), first.alias("opening"))


def _alike(some: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Find the others that ask what one of some rows asks, as (id, why).

    Their first questions are the same or near duplicates, or all that the user says is: so a dialogue goes with all
    that begins as it does, and with the same question asked after other small talk.
    """
    from curate.filters.duplicates import near_duplicates
    from curate.filters.words.jaccard import near
    from curate.filters.words.runs import folded

    rule = signature(near_duplicates).parameters
    opening = pl.DataFrame({"of": some["id"], "key": folded(some["opening"])}).unique("key", keep="first")
    same = pl.DataFrame({"id": others["id"], "key": folded(others["opening"])}).join(opening, on="key")
    result = [same.select("id", pl.format("begins with the question of {}", "of").alias("why"))]
    rows = pl.concat([some, others])
    dialogues = not rows["text"].equals(rows["opening"])
    for column in ["opening", *(["text"] if dialogues else [])]:
        pairs = near(rows[column], some.height, rule["words"].default, rule["threshold"].default)
        similarity = pairs["similarity"].round(2).cast(pl.Decimal(10, 2)).cast(pl.String)
        why = pl.select(pl.format("near {}, {}", rows["id"].gather(pairs["of"]), similarity)).to_series()
        result.append(pl.DataFrame({"id": rows["id"].gather(pairs["row"]), "why": why}))
    return pl.concat(result).unique("id", keep="first", maintain_order=True)


def _verdicts(rows: pl.DataFrame, drawn: pl.DataFrame, alike: pl.DataFrame) -> pl.DataFrame:
    """Write as ledger columns which rows are held out, and which stay out for being near one."""
    held, near_ = pl.col("id").is_in(drawn["id"].implode()), pl.col("why").is_not_null()
    evidence = ledgers.only_evidence(HELD_OUT, pl.when(held).then(pl.lit("held out of the set")))
    return rows.select("source", "id").join(alike, on="id", how="left", maintain_order="left").select(
        "source", "id",
        (~held).alias(HELD_OUT),
        pl.when(~held).then(~near_).alias(NEAR),
        pl.when(held).then(pl.lit(HELD_OUT)).when(near_).then(pl.lit(NEAR)).alias("dropped_by"),
        pl.coalesce(evidence, ledgers.only_evidence(NEAR, pl.col("why"))).alias("detail"),
        (~held & ~near_).alias("kept"),
    )  # fmt: skip


def _too_few(n: int, rows: int, free: int) -> str:
    stay = f", of which {rows - free:,} are accepted by hand or near one that is" if free < rows else ""
    return (
        f"`output: {{dev: …}}` holds out {n:,} rows, and every step left {rows:,}{stay}: hold out fewer, loosen a "
        "step, or add a source"
    )
