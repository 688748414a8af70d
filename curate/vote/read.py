"""What the votes say: how often each model was chosen, and how far voters agree, with each other and with a judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from curate.evaluate import agreement, kappa, selection
from curate.vote.models import VoteError
from curate.vote.results import read_key, read_results, votes

_VERDICTS = {"id": pl.String(), "sample": pl.Int64(), "a": pl.String(), "b": pl.String(), "verdict": pl.String()}
_DECIDED = pl.col("verdict") != "tie"


def read(key_file: str | Path, files: Sequence[str | Path], comparisons: str | Path | None = None) -> dict[str, Any]:
    """Count the votes of all result files.

    The selection rate of a model is the share of its decided comparisons in which it was chosen (arXiv 2501.05032,
    table 5), with Wilson's interval; ties stand beside it. Several votes on one prompt are no independent trials, so
    with more than one voter each rate also has `by_prompt`: the mean over prompts of the share of votes, with Wilson's
    interval of as many trials as there are prompts, which is rather too wide than too narrow.

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
        "agreement": _between(cast, list(results)),
        "judge": _with_judge(cast, Path(comparisons)) if comparisons else None,
    }
    return found | {"notices": notices + _notices(found)}


def _chosen(name: str) -> pl.Expr:
    """Tell whether a model was chosen: 1, 0, or half where nobody was."""
    its = pl.when(pl.col("a") == name).then(pl.lit("a")).otherwise(pl.lit("b"))
    return pl.when(pl.col("verdict") == "tie").then(0.5).otherwise((pl.col("verdict") == its).cast(pl.Float64))


def _rate(shown: pl.DataFrame, name: str) -> dict[str, Any]:
    """Count how often a model was chosen, of the votes that chose."""
    decided = shown.filter(_DECIDED).select("id", "voter", won=_chosen(name))
    won, n = int(decided["won"].sum()), decided.height
    found: dict[str, Any] = {"chosen": won, "decided": n, "ties": shown.height - n}
    if n:
        found |= _interval(selection(won, n), "rate")
    if decided["voter"].n_unique() > 1:
        each = decided.group_by("id", maintain_order=True).agg(pl.col("won").mean())["won"].to_list()
        found["by_prompt"] = _interval(selection(sum(each), len(each)), "rate") | {"prompts": len(each)}
    return found


def _interval(found: Any, name: str) -> dict[str, Any]:
    return {name: found.mean, "low": found.low, "high": found.high}


def _model(cast: pl.DataFrame, name: str) -> dict[str, Any]:
    return {"model": name} | _rate(cast.filter((pl.col("a") == name) | (pl.col("b") == name)), name)


def _pair(rows: pl.DataFrame) -> dict[str, Any]:
    a, b = rows["a"][0], rows["b"][0]
    return {"a": a, "b": b} | _rate(rows, a)


def _voter(cast: pl.DataFrame, name: str, items: int) -> dict[str, Any]:
    own = cast.filter(pl.col("voter") == name)
    return {"voter": name, "votes": own.height, "open": items - own.height} | _position(own)


def _position(rows: pl.DataFrame) -> dict[str, Any]:
    decided = rows.filter(_DECIDED)
    first = decided.filter(pl.col("verdict") == pl.col("first")).height
    found: dict[str, Any] = {"first": first, "decided": decided.height, "ties": rows.height - decided.height}
    return found | (_interval(selection(first, decided.height), "rate") if decided.height else {})


def _between(cast: pl.DataFrame, names: list[str]) -> list[dict[str, Any]]:
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
    found = _interval(selection(share * items, items), "agreement")
    return {"n": both.height, **found, "kappa": kappa(ours, theirs)}


def _with_judge(cast: pl.DataFrame, file: Path) -> dict[str, Any]:
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
