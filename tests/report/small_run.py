"""A small run as the report sees it: set, ledger, manifest and samples, made without running anything."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.run.examples import samples
from curate.run.ledger import funnel


def step(verb: str, name: str, **params: Any) -> dict[str, Any]:
    return {"verb": verb, "filter": name, "label": name, "params": params}


Run = tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]


def make(n: int = 400, name: str = "test", source: str = "forum", domain: str = "d", odd: str = "") -> Run:
    """Make a small run: lengths 0, 10, 20 …, scores 0 to 19, two filters, a select and the budget."""
    length, score = [i * 10 for i in range(n)], [i % 20 for i in range(n)]
    frame = pl.DataFrame(
        {
            "id": [f"{odd}{i:032x}" for i in range(n)],
            "source": source,
            "domain": [f"{domain}{i % 45:02}" for i in range(n)],
            "length": [200 <= value <= 3000 for value in length],
            "length.response": [float(value) for value in length],
            "at_least": [value >= 10 for value in score],
            "at_least.score": [float(value) for value in score],
        }
    )
    asked = pl.col("length") & pl.col("at_least")
    ledger = frame.with_columns(
        near_duplicates=pl.when(asked).then(pl.col("length.response") % 70 != 0),
    ).with_columns(sample=pl.when(pl.col("near_duplicates")).then(pl.col("length.response") % 3 == 0))
    first = [pl.when(~pl.col(c)).then(pl.lit(c)) for c in ("length", "at_least", "near_duplicates", "sample")]
    ledger = ledger.with_columns(dropped_by=pl.coalesce(first)).with_columns(
        kept=pl.col("dropped_by").is_null(), detail=why(pl.col("dropped_by"), f"because {odd}")
    )
    kept = ledger.filter("kept")
    rows = kept.select(
        "id",
        "source",
        "domain",
        prompt=pl.lit(f"How? {odd}"),
        response=pl.lit("a word ").repeat_by((pl.col("length.response") / 7).cast(pl.Int64)).list.join(""),
        chosen=pl.lit(None, dtype=pl.String),
        score="at_least.score",
    )
    return rows, ledger, manifest_of(rows, ledger, name, source)


def why(step: pl.Expr, reason: str) -> pl.Expr:
    piece = pl.struct(
        step=step, turn=pl.lit(None, dtype=pl.Int32), reason=pl.lit(reason), span=pl.lit(None, dtype=pl.String)
    )
    return pl.when(step.is_not_null()).then(pl.concat_list(piece))


def manifest_of(rows: pl.DataFrame, ledger: pl.DataFrame, name: str, source: str) -> dict[str, Any]:
    left = ledger.filter(pl.col("sample").is_not_null()).height
    domains = ledger.group_by("source", "domain").agg(
        read=pl.len(), left=pl.col("sample").count(), kept=pl.col("kept").sum()
    )
    n, shares = ledger.height, {"asked": rows.height, "taken": rows.height}
    return {
        "name": name,
        "curate": {"curate": "0.1.0", "polars": "1.0"},
        "python": "3.12.0",
        "seed": 7,
        "size": rows.height,
        "limit": None,
        "recipe_file": "test.yaml",
        "recipe": {"name": name, "sources": {source: {"sample": {"by": "domain"}}}},
        "steps": {
            source: [
                step("keep", "length", column="response", min=200, max=3000, unit="chars"),
                step("keep", "at_least", column="score", value=10.0),
                step("edit", "strip_links", column="response"),
            ],
            "all": [step("select", "near_duplicates", column="prompt", threshold=0.8, seed=7)],
        },
        "inputs": [{"source": source, "part": "p", "file": "in.jsonl", "bytes": 12_345, "sha256": "ab" * 16}],
        "absent": {},
        "counts": {source: {"read": n, "kept": rows.height, "dropped": n - rows.height, "quarantined": 0}},
        "table": [{"source": source, "available": left, "prompt_words": 2.5, "response_words": 301.5, **shares}],
        "domains": domains.to_dicts(),
        "quotas": [
            {"source": d["source"], "domain": d["domain"], "asked": 2, "available": d["read"], "taken": d["kept"]}
            for d in domains.to_dicts()
        ],
        "funnel": funnel(ledger).to_dicts(),
        "stages": {"built": ["a"], "reused": []},
        "seconds": {"forum": 1.25},
    }


def texts(ledger: pl.DataFrame, odd: str = "") -> pl.DataFrame:
    """Make samples for the two row-wise steps, as a run keeps them."""
    rows = ledger.select("id", "source", prompt=pl.lit(f"Why? {odd}"), response=pl.lit(f"Long {odd} " * 60))
    steps = ("length", "at_least")
    row_wise = pl.when(pl.col("dropped_by").is_in(steps)).then("dropped_by").alias("dropped_by")
    return samples(rows, ledger.select(row_wise, "detail"))
