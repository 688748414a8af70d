"""What the votes say: how often each model was chosen, and how far voters agree, with each other and with a judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.evaluate import selection
from curate.vote.agree import between, interval, with_judge
from curate.vote.models import VoteError
from curate.vote.results import read_key, read_results, votes

_DECIDED = pl.col("verdict") != "tie"


def read(key_file: str | Path, files: Sequence[str | Path], comparisons: str | Path | None = None) -> dict[str, Any]:
    """Count the votes of all result files.

    The selection rate of a model is the share of its decided comparisons in which it was chosen (arXiv 2501.05032,
    table 5), with Wilson's interval; ties stand beside it. Several votes on one prompt are no independent trials: where
    there are such, each rate also has `by_prompt`, the mean over prompts of the share of votes, with Wilson's interval
    of as many trials as there are prompts, which is rather too wide than too narrow.

    Args:
        key_file: the key that was written beside the page.
        files: what the voters' pages saved (`read_results`).
        comparisons: a judge's `comparisons.jsonl`; how far the voters agree with it is added.

    Returns `models`, `pairs`, `voters`, `position` (how often the answer shown first was chosen), `agreement` (each two
    voters: LIMA's tie-discounted accuracy, and Cohen's kappa), `judge` (the same with the judge) and `notices`.

    Raises VoteError in words.
    """
    if not files:
        raise VoteError("there are no votes to count: name the files that the voters' pages saved")
    key = read_key(Path(key_file))
    results, notices = read_results([Path(file) for file in files], key)
    cast = votes(results, key)
    if cast.is_empty():
        raise VoteError("nobody has voted on anything: the files hold no votes")
    found = {
        "vote": key["vote"],
        "question": key["question"],
        "items": len(key["items"]),
        "votes": cast.height,
        "ties": cast.filter(~_DECIDED).height,
        "models": [_model(cast, name) for name in key["models"]],
        "pairs": [_pair(rows) for rows in cast.sort("a", "b").partition_by("a", "b", maintain_order=True)],
        "voters": [_voter(cast, name, len(key["items"])) for name in results],
        "position": _position(cast),
        "agreement": between(cast, list(results)),
        "judge": with_judge(cast, Path(comparisons)) if comparisons else None,
    }
    return found | {"notices": notices + _notices(found)}


def _rate(shown: pl.DataFrame, name: str) -> dict[str, Any]:
    """Count how often a model was chosen, of the votes that chose."""
    decided = shown.filter(_DECIDED).select("id", won=(pl.col("verdict") == "a") == (pl.col("a") == name))
    won, n = int(decided["won"].sum()), decided.height
    found: dict[str, Any] = {"chosen": won, "decided": n, "ties": shown.height - n}
    if n:
        found |= interval(selection(won, n), "rate")
    each = decided.group_by("id", maintain_order=True).agg(pl.col("won").mean())["won"].to_list()
    if len(each) < n:
        found["by_prompt"] = interval(selection(sum(each), len(each)), "rate") | {"prompts": len(each)}
    return found


def _model(cast: pl.DataFrame, name: str) -> dict[str, Any]:
    return {"model": name} | _rate(cast.filter((pl.col("a") == name) | (pl.col("b") == name)), name)


def _pair(rows: pl.DataFrame) -> dict[str, Any]:
    a, b = rows["a"][0], rows["b"][0]
    return {"a": a, "b": b} | _rate(rows, a)


def _voter(cast: pl.DataFrame, name: str, items: int) -> dict[str, Any]:
    own = cast.filter(pl.col("voter") == name)
    return {"voter": name, "votes": own.height, "open": items - own.height} | _position(own)


def _position(rows: pl.DataFrame) -> dict[str, Any]:
    """Count how often the answer shown first was chosen; an item is one trial, as everywhere."""
    decided = rows.filter(_DECIDED)
    first, n, items = int((decided["verdict"] == decided["first"]).sum()), decided.height, decided["item"].n_unique()
    found: dict[str, Any] = {"first": first, "decided": n, "ties": rows.height - n}
    return found | (interval(selection(first / n * items, items), "rate") if n else {})


def _notices(found: dict[str, Any]) -> list[str]:
    position, judge = found["position"], found["judge"]
    told = []
    if position.get("low") is not None and not position["low"] <= 0.5 <= position["high"]:
        often = "more" if position["rate"] > 0.5 else "less"
        told.append(
            f"the answer shown first was chosen {often} often than the other: {position['rate']:.0%} of the time"
        )
    if judge and not judge["all"]["n"]:
        told.append(f"{judge['file']} judges none of the answers voted on: are the models called the same there?")
    told += [f"{v['voter']} left {v['open']} of {found['items']} open" for v in found["voters"] if v["open"]]
    return told
