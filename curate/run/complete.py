"""Complete rows: those that have what the formats of the set need; the others are dropped before the budget."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from curate.engine import current
from curate.filter import Choice
from curate.report.formats import UNTRAINED, lack, needs, of_set
from curate.rows import scan
from curate.run.ledger import INCOMPLETE
from curate.run.pool import decide, write_verdicts
from curate.run.state import Piece, Pool, Run, RunError
from curate.turns import ANSWERS, OPTIONAL

_KEY = ["source", "id"]
_READ = ["prompt", "label", "history", *ANSWERS, *OPTIONAL]
_HINTS = {
    "no prompt": "name the column that holds it, as in `columns: {prompt: question}`, or fill it by an edit, as "
    "`prompt_from_title_or_body` does",
    "no response": "name the column that holds it, as in `columns: {response: answer}`, have it written by a step "
    "`answer`, or write prompts alone with `output: {formats: [prompts]}`",
    "no label": "name the column that says true or false of a response, as in `columns: {label: liked}`",
    UNTRAINED: "a turn counts unless its file says otherwise, as `weight: 0` does",
}
_OF_PAIRS = "the rows are pairs, which `output: {formats: [preference]}` writes"
_OF_ANSWERS = "a step `pair` makes pairs, and `output: {formats: [prompt_completion]}` writes rows of one answer"


def complete(state: Run, pool: Pool) -> Pool:
    """Drop the rows alive that lack what a format of the set needs, with the reason; note how many.

    Raise RunError where that would drop them all.
    """
    pairs = _are_pairs(pool)
    formats = of_set(state.recipe.formats, pairs=pairs)
    judge = partial(_judge, formats, pairs)
    reasons = Counter[str]()
    for rows in current().map(judge, pool.pieces()):
        reasons.update(dict(rows["why"].drop_nulls().value_counts().iter_rows()))
    count = reasons.most_common()
    if not count:
        return pool
    if reasons.total() == pool.alive.sum():
        raise RunError(_sentence(count, formats, pairs))
    state.notes[INCOMPLETE] = {reason: float(n) for reason, n in count}

    def build(folder: Path) -> dict[str, Any]:
        judged = current().map(judge, pool.pieces())
        choices = ((rows, Choice(rows["why"].is_null(), rows["why"])) for rows in judged)
        return write_verdicts(folder, (decide(rows, INCOMPLETE, choice) for rows, choice in choices))

    stage = state.stage("select", INCOMPLETE, {"pool": pool.key, INCOMPLETE: [formats, pairs]}, build)
    return pool.only(stage.files("choice-*.parquet"), state.stages.folder)


def _judge(formats: tuple[str, ...], pairs: bool, piece: Piece) -> pl.DataFrame:
    """Say of the rows alive what they lack."""
    rows = piece.read([*_KEY, *_READ])
    return rows.select(*_KEY, lack(formats, rows.schema, pairs=pairs).alias("why"))


def _are_pairs(pool: Pool) -> bool:
    """Tell whether a row alive has a chosen answer; one look at the columns is enough where no file has one."""
    names = ["chosen", "chosen_turns"]
    if not any(name in scan(file).collect_schema() for file in pool.files for name in names):
        return False
    return any(rows[name].count() for rows in pool.read(["id", *names]) for name in names if name in rows.columns)


def _sentence(count: list[tuple[str, int]], formats: tuple[str, ...], pairs: bool) -> str:
    """Say which side all rows lack, and what would be right."""
    reason = count[0][0]
    side = reason.removeprefix("no ")
    format_ = next((name for name in formats if side in needs(name, pairs=pairs)), formats[0])
    hint = _OF_ANSWERS if side in ("chosen", "rejected") else _HINTS[reason]
    hint = _OF_PAIRS if pairs and side == "response" else hint
    listed = ", ".join(f"{reason} in {n:,}" for reason, n in count)
    return f"no row has what the format '{format_}' needs ({listed}): {hint}"
