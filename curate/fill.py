"""Fill the budget from the rows that all steps left: how many each source and domain gives, and which."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from curate import ledger as ledgers
from curate.budget import Share, domain_shares, shares
from curate.filter import Choice
from curate.filters import domains
from curate.passes import read_again
from curate.pool import Pool, decided, demand, look
from curate.recipe import Source
from curate.state import Run


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
    wanted = [str(s.sample[k]) for s in recipe.sources for k in ("by", "prefer") if s.sample.get(k)]
    rows = look(pool, wanted)
    by_source = {s.name: rows.filter(pl.col("source") == s.name) for s in recipe.sources}
    for s in recipe.sources:
        if by_source[s.name].height:
            demand(pool, [s.sample.get("by"), s.sample.get("prefer")], f"{s.read.place}: source '{s.name}': sample")
    available = {s.name: _available(by_source[s.name], s) for s in recipe.sources}
    asked = {s.name: (0 if s.name in state.absent and s.take is None else s.take) for s in recipe.sources}
    settled = shares(asked, available, size=recipe.size, rule=recipe.shortfall, seed=recipe.seed)
    found = [_sampled(by_source[s.name], s, settled[s.name].taken, recipe.seed) for s in recipe.sources]
    ledger = ledgers.extend(pool.ledger, pl.concat(found))
    chosen = ledger.filter("kept").select("source", "id")
    frames = [b.rows for b in read_again(pool.files, chosen, 1_000_000)]
    rows = pl.concat(frames, how="diagonal_relaxed") if frames else look(Pool(ledger, [], ""), [])
    quotas = [q for s in recipe.sources for q in _quotas(by_source[s.name], rows, s, settled[s.name])]
    return Result(rows, ledger, settled, quotas)


def _quotas(pool: pl.DataFrame, chosen: pl.DataFrame, source: Source, share: Share) -> list[dict[str, Any]]:
    """List what each domain of a source was asked for and gave, for sources sampled by domain."""
    by = source.sample.get("by")
    if by is None or not pool.height:
        return []
    taken = chosen.filter(pl.col("source") == source.name)
    counts = [dict(frame.group_by(pl.col(by).fill_null("none")).len().sort(by).rows()) for frame in (pool, taken)]
    temperature = source.sample.get("domain_temperature", 1)
    found = domain_shares(max(share.asked, share.taken), *counts, domain_temperature=temperature)
    return [{"source": source.name, "domain": name, **asdict(one)} for name, one in found.items()]


def _available(rows: pl.DataFrame, source: Source) -> int:
    cap = source.sample.get("per_domain")
    if cap is None:
        return rows.height
    return int(rows.group_by(source.sample["by"]).len().select(pl.col("len").clip(upper_bound=cap).sum()).item() or 0)


def _sampled(rows: pl.DataFrame, source: Source, n: int, seed: int) -> pl.DataFrame:
    """Choose a source's share: by its `sample` block, else at random."""
    how = source.sample or {"by": "source", "prefer": None}
    if n == rows.height or n == 0:  # all or none: nothing to choose
        kept = pl.Series("kept", [n > 0], dtype=pl.Boolean).new_from_index(0, rows.height)
        why = pl.Series("why", [None if n else f"not picked: 0 asked of {source.name}"], dtype=pl.String)
        return decided(rows, "sample", Choice(kept, why.new_from_index(0, rows.height)))
    return decided(rows, "sample", domains(rows, n=n, seed=seed, **how))
