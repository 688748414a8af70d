"""How far voters agree, with each other and with a judge: LIMA's tie-discounted accuracy, and Cohen's kappa."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from curate.evaluate import Mean, agreement, kappa, selection
from curate.vote.models import VoteError

_VERDICTS = {"id": pl.String(), "sample": pl.Int64(), "a": pl.String(), "b": pl.String(), "verdict": pl.String()}


def interval(found: Mean, name: str) -> dict[str, Any]:
    """Lay a mean out as data, under a name."""
    return {name: found.mean, "low": found.low, "high": found.high}


def between(cast: pl.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Compare each two voters on what both voted on."""
    found = []
    for one, other in combinations(names, 2):
        ours, theirs = (cast.filter(pl.col("voter") == name).select("item", "verdict") for name in (one, other))
        found.append({"voters": [one, other]} | _agree(ours.join(theirs, on="item", suffix="_b")))
    return found


def _agree(both: pl.DataFrame) -> dict[str, Any]:
    if both.is_empty():
        return {"n": 0, "agreement": None, "kappa": None}
    ours, theirs = both["verdict"].to_list(), both["verdict_b"].to_list()
    share, items = agreement(ours, theirs).mean, both["item"].n_unique()
    # Several voters' votes on one item are no independent trials: as many trials as there are items.
    found = interval(selection(share * items, items), "agreement")
    return {"n": both.height, **found, "kappa": kappa(ours, theirs)}


def with_judge(cast: pl.DataFrame, file: Path) -> dict[str, Any]:
    """Compare all votes, and each voter's, with a judge's verdicts on the same answers."""
    judged, without = _verdicts(file)
    joined = cast.join(judged, on=["id", "sample", "a", "b"], suffix="_b")
    voters = joined.partition_by("voter", maintain_order=True)
    return {
        "file": str(file),
        "no_verdict": without,
        "not_judged": cast.height - joined.height,
        "all": _agree(joined),
        "voters": [{"voter": own["voter"][0]} | _agree(own) for own in voters],
    }


def _verdicts(file: Path) -> tuple[pl.DataFrame, int]:
    """Read a judge's verdicts, each pair in both orders of its names; and how many comparisons have none."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
        rows = [(r["id"], r.get("sample") or 0, r["a"], r["b"], r["verdict"]) for r in lines]
    except OSError as error:
        raise VoteError(f"the comparisons {file} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise VoteError(f"{file} holds no comparisons: name the comparisons.jsonl that `curate judge` wrote") from None
    there = [row for row in rows if row[4] is not None]
    turned = [(i, s, b, a, {"a": "b", "b": "a"}.get(v, v)) for i, s, a, b, v in there]
    frame = pl.DataFrame(there + turned, schema=_VERDICTS, orient="row")
    return frame.unique(["id", "sample", "a", "b"], keep="first"), len(rows) - len(there)
