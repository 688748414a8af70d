"""Complete rows: those that have what the formats of the set need; the others are dropped before the budget."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import polars as pl

from curate.filter import Choice
from curate.report.formats import UNTRAINED, lack, needs, of_set
from curate.rows import scan
from curate.run.ledger import INCOMPLETE
from curate.run.pool import decide
from curate.run.state import Pool, Run, RunError

_KEY = ["source", "id"]
_HINTS = {
    "no prompt": "name the column that holds it, as in `columns: {prompt: question}`",
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
    reasons = _incomplete(pool, formats, pairs)
    if not reasons.height:
        return pool
    count = Counter(reasons["why"]).most_common()
    if reasons.height == pool.alive.height:
        raise RunError(_sentence(count, formats, pairs))
    rows = pool.alive.join(reasons, on=_KEY, how="left", maintain_order="left")
    state.notes[INCOMPLETE] = {reason: float(n) for reason, n in count}
    verdicts = decide(rows, INCOMPLETE, Choice(rows["why"].is_null(), rows["why"]))
    return replace(pool, ledger=pool.ledger.extend([verdicts.lazy()]))


def _are_pairs(pool: Pool) -> bool:
    """Tell whether a row alive has a chosen answer; one look at the columns is enough where none has."""
    for file in pool.files:
        rows = scan(file)
        there = [pl.col(name).is_not_null() for name in ("chosen", "chosen_turns") if name in rows.collect_schema()]
        some = rows.filter(pl.any_horizontal(there)).select(_KEY).collect() if there else pl.DataFrame()
        if some.height and some.join(pool.alive, on=_KEY, how="semi").height:
            return True
    return False


def _incomplete(pool: Pool, formats: tuple[str, ...], pairs: bool) -> pl.DataFrame:
    """List the rows alive that lack something, each once, with what it is."""
    frames = [pl.DataFrame(schema=dict.fromkeys([*_KEY, "why"], pl.String))]
    for file in pool.files:
        rows = scan(file)
        why = lack(formats, rows.collect_schema(), pairs=pairs)
        some = rows.select(*_KEY, why=why).drop_nulls("why").collect()
        frames.append(some.join(pool.alive, on=_KEY, how="semi") if some.height else some)
    return pl.concat(frames).unique(_KEY, keep="any")


def _sentence(count: list[tuple[str, int]], formats: tuple[str, ...], pairs: bool) -> str:
    """Say which side all rows lack, and what would be right."""
    reason = count[0][0]
    side = reason.removeprefix("no ")
    format_ = next((name for name in formats if side in needs(name, pairs=pairs)), formats[0])
    hint = _OF_ANSWERS if side in ("chosen", "rejected") else _HINTS[reason]
    hint = _OF_PAIRS if pairs and side == "response" else hint
    listed = ", ".join(f"{reason} in {n:,}" for reason, n in count)
    return f"no row has what the format '{format_}' needs ({listed}): {hint}"
