"""Fill the budget from the rows that all steps left: how many each source and domain gives, and which."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from inspect import signature
from typing import Any

import polars as pl

from curate.filter import Choice
from curate.filters import domains
from curate.recipe.plan import Sample, Source
from curate.recipe.step import columns_read
from curate.rows import stack
from curate.run import ledger as ledgers
from curate.run.budget import Share, domain_shares, shares
from curate.run.passes import StepError, misfit, read_again
from curate.run.pool import Pool, decided, demand, look
from curate.run.state import Run

_USUAL = ("by", "prefer", "quality", "vectors", "column")  # parameters that name columns where nothing is declared


@dataclass(frozen=True)
class Result:
    """What a run yields before it is written: the set, the ledger of all rows, and how the budget was met."""

    rows: pl.DataFrame
    ledger: pl.DataFrame
    shares: dict[str, Share]
    quotas: list[dict[str, Any]]  # a line a source and domain: rows asked, available, taken


def fill(state: Run, pool: Pool) -> Result:
    """Fill the budget from the rows alive, last of all, so that exactly `size` rows remain."""
    recipe = state.recipe
    rows = look(pool, [column for s in recipe.sources for column in _columns(s.sample)])
    by_source = {s.name: rows.filter(pl.col("source") == s.name) for s in recipe.sources}
    for s in recipe.sources:
        if by_source[s.name].height:
            demand(pool, _columns(s.sample), f"{s.read.place}: source '{s.name}': sample")
    available = {s.name: _available(by_source[s.name], s.sample) for s in recipe.sources}
    asked = {s.name: (0 if s.name in state.absent and s.take is None else s.take) for s in recipe.sources}
    settled = shares(asked, available, size=recipe.size, rule=recipe.shortfall, seed=recipe.seed)
    found: list[pl.DataFrame] = []
    for s in recipe.sources:
        before = rows.join(pl.concat(found).filter("kept"), on=["source", "id"], how="semi") if found else rows.clear()
        found.append(_sampled(by_source[s.name], s, settled[s.name].taken, recipe.seed, before))
    state.pool = sorted({file.parent.name for file in pool.files})
    ledger = ledgers.extend(pool.ledger, pl.concat(found))
    chosen = ledger.filter("kept").select("source", "id")
    frames = [b.rows for b in read_again(pool.files, chosen, 1_000_000)]
    rows = stack(frames) if frames else look(Pool(ledger, [], ""), [])
    quotas = [q for s in recipe.sources for q in _quotas(by_source[s.name], rows, s, settled[s.name])]
    return Result(rows, ledger, settled, quotas)


def _columns(sample: Sample | None) -> list[str]:
    """Name the columns that a sample reads."""
    if sample is None:
        return []
    columns, declared = columns_read(sample.function, sample.params)
    return columns if declared else [str(sample.params[name]) for name in _USUAL if sample.params.get(name) is not None]


def _available(rows: pl.DataFrame, sample: Sample | None) -> int:
    cap = sample.params.get("per_domain") if sample else None
    if sample is None or cap is None:
        return rows.height
    return int(rows.group_by(sample.params["by"]).len().select(pl.col("len").clip(upper_bound=cap).sum()).item() or 0)


def _sampled(rows: pl.DataFrame, source: Source, n: int, seed: int, before: pl.DataFrame) -> pl.DataFrame:
    """Choose a source's share: by its `sample` block, else at random; `before` are the rows of sources before it."""
    if n == rows.height or n == 0:  # all or none: nothing to choose
        kept = pl.Series("kept", [n > 0], dtype=pl.Boolean).new_from_index(0, rows.height)
        why = pl.Series("why", [None if n else f"not picked: 0 asked of {source.name}"], dtype=pl.String)
        return decided(rows, "sample", Choice(kept, why.new_from_index(0, rows.height)))
    if source.sample is None:
        return decided(rows, "sample", domains(rows, n=n, seed=seed, by="source", prefer=None))
    how, choose = source.sample, source.sample.function
    given: dict[str, Any] = {"seed": seed} if "seed" in signature(choose).parameters else {}
    if "chosen" in signature(choose).parameters and before.height:
        given["chosen"] = before  # sources repel each other
    try:
        return decided(rows, "sample", choose(rows, n=n, **how.params, **given))
    except Exception as error:  # a user's own selector may raise anything
        said = misfit(error, rows, _columns(how))
        raise StepError(f"{how.place}: source '{source.name}': sample by {how.name}: {said}") from error


def _quotas(pool: pl.DataFrame, chosen: pl.DataFrame, source: Source, share: Share) -> list[dict[str, Any]]:
    """List what each domain of a source was asked for and gave, for sources sampled by domain."""
    params = source.sample.params if source.sample else {}
    by = params.get("by")
    if by is None or not pool.height:
        return []
    taken = chosen.filter(pl.col("source") == source.name)
    counts = [dict(frame.group_by(pl.col(by).fill_null("none")).len().sort(by).rows()) for frame in (pool, taken)]
    temperature = params.get("domain_temperature", 1)
    found = domain_shares(max(share.asked, share.taken), *counts, domain_temperature=temperature)
    return [{"source": source.name, "domain": name, **asdict(one)} for name, one in found.items()]
