"""Result files of voters: read, checked against the key, one voter each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.evaluate.statistics import Mean, agreement, kappa, selection
from curate.evaluate.vote.make import KEY_FORMAT, VoteError
from curate.evaluate.vote.page import RESULT_FORMAT

_CHOICES = ("left", "right", "tie")
_SCHEMA = {name: pl.String() for name in ("voter", "item", "id", "a", "b", "first", "verdict")} | {"sample": pl.Int64()}


class Result(NamedTuple):
    """What one voter chose: item to `left`, `right` or `tie`, and when it was saved."""

    file: Path
    voter: str
    name: str
    saved: str
    votes: dict[str, str]


def read_key(file: Path) -> dict[str, Any]:
    """Read the key of a vote; raise VoteError where it is none."""
    key = _json(file, "key")
    if not isinstance(key, dict) or key.get("format") != KEY_FORMAT:
        raise VoteError(f"{file} is no key of a vote: name the .key.json that `curate vote make` wrote beside the page")
    return key


def read_results(files: Sequence[Path], key: dict[str, Any]) -> tuple[dict[str, Result], list[str]]:
    """Read result files; return them by what the voter is called, and what was noticed, in sentences.

    Of several files of one voter the one saved last counts: a page always gives out all of its votes. Two voters who
    gave one name are two voters.

    Raises VoteError naming a file that cannot be read, is of another vote, or holds what cannot be a vote of this one.
    """
    last: dict[str, Result] = {}
    notices = []
    for file in files:
        result = _result(file, key)
        if result.voter in last:
            older, result = sorted((last[result.voter], result), key=lambda one: one.saved)
            if older.file != result.file:
                notices.append(f"{older.file.name} is left out: {result.file.name} is of the same voter, saved later")
        last[result.voter] = result
    named = {_name(result, i): result for i, result in enumerate(last.values(), 1)}
    for name, times in Counter(result.name for result in last.values() if result.name).items():
        if times > 1:
            notices.append(f"{times} voters call themselves {name}: they count as {times}")
    return named, notices


def votes(results: dict[str, Result], key: dict[str, Any]) -> pl.DataFrame:
    """Lay votes out, a row each: `voter`, `item`, `id`, `sample`, `a`, `b`, `first` and `verdict`.

    `first` is the answer that stood first, `verdict` the one that was chosen: `a`, `b` or `tie`.
    """
    rows = []
    for voter, result in results.items():
        for item, choice in result.votes.items():
            about = key["items"][item]
            first, second = ("a", "b") if about["left"] == about["a"] else ("b", "a")
            verdict = {"left": first, "right": second, "tie": "tie"}[choice]
            names = {name: about[name] for name in ("id", "sample", "a", "b")}
            rows.append({"voter": voter, "item": item, "first": first, "verdict": verdict, **names})
    return pl.DataFrame(rows, schema=_SCHEMA)


def _name(result: Result, number: int) -> str:
    """Call a voter by name, or by number; the start of the voter's own number keeps two of one name apart."""
    return f"{result.name or f'voter {number}'} ({result.voter[:4]})"


def _result(file: Path, key: dict[str, Any]) -> Result:
    data = _json(file, "result")
    if not isinstance(data, dict) or data.get("format") != RESULT_FORMAT:
        raise VoteError(f"{file} is no result of a vote: name the file that the page of the vote saved")
    if data.get("vote") != key["vote"]:
        raise VoteError(f"{file} is of the vote {data.get('vote')}, and the key is of {key['vote']}")
    cast = data.get("votes")
    items = cast.items() if isinstance(cast, dict) else ()
    wrong = [{item: choice} for item, choice in items if item not in key["items"] or choice not in _CHOICES]
    if wrong or not isinstance(cast, dict):
        example = json.dumps(wrong[0] if wrong else cast)[:80]
        raise VoteError(f"{file} has been changed: {example} is no vote on an item of this page")
    voter, name, saved = (str(data.get(field) or "") for field in ("voter", "name", "saved"))
    return Result(file, voter, name, saved, cast)


def _json(file: Path, what: str) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise VoteError(f"the {what} {file} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise VoteError(f"the {what} {file} is no JSON: was it saved whole?") from None


_VERDICTS = {"id": pl.String(), "sample": pl.Int64(), "a": pl.String(), "b": pl.String(), "verdict": pl.String()}


def _interval(mean: Mean, name: str) -> dict[str, Any]:
    return {name: mean.mean, "low": mean.low, "high": mean.high}


def _between(cast: pl.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Compare each two voters on what both voted on."""
    pairs = []
    for one, other in combinations(names, 2):
        ours, theirs = (cast.filter(pl.col("voter") == name).select("item", "verdict") for name in (one, other))
        pairs.append({"voters": [one, other]} | _agree(ours.join(theirs, on="item", suffix="_b")))
    return pairs


def _agree(both: pl.DataFrame) -> dict[str, Any]:
    if both.is_empty():
        return {"n": 0, "agreement": None, "kappa": None}
    ours, theirs = both["verdict"].to_list(), both["verdict_b"].to_list()
    share, items = agreement(ours, theirs).mean, both["item"].n_unique()
    # Several voters' votes on one item are no independent trials: as many trials as there are items.
    rate = _interval(selection(share * items, items), "agreement")
    return {"n": both.height, **rate, "kappa": kappa(ours, theirs)}


def _with_judge(cast: pl.DataFrame, file: Path) -> dict[str, Any]:
    """Compare all votes, and each voter's, with a judge's verdicts on the same answers."""
    judged, no_verdict = _verdicts(file)
    joined = cast.join(judged, on=["id", "sample", "a", "b"], suffix="_b")
    voters = joined.partition_by("voter", maintain_order=True)
    return {
        "file": str(file),
        "no_verdict": no_verdict,
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
    judged = [row for row in rows if row[4] is not None]
    turned = [(i, s, b, a, {"a": "b", "b": "a"}.get(v, v)) for i, s, a, b, v in judged]
    frame = pl.DataFrame(judged + turned, schema=_VERDICTS, orient="row")
    return frame.unique(["id", "sample", "a", "b"], keep="first"), len(rows) - len(judged)


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
    counts = {
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
    return counts | {"notices": notices + _notices(counts)}


def _rate(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    """Count how often a model was chosen, of the votes that chose."""
    decided = rows.filter(_DECIDED).select("id", won=(pl.col("verdict") == "a") == (pl.col("a") == name))
    won, n = int(decided["won"].sum()), decided.height
    counts: dict[str, Any] = {"chosen": won, "decided": n, "ties": rows.height - n}
    if n:
        counts |= _interval(selection(won, n), "rate")
    each = decided.group_by("id", maintain_order=True).agg(pl.col("won").mean())["won"].to_list()
    if len(each) < n:
        counts["by_prompt"] = _interval(selection(sum(each), len(each)), "rate") | {"prompts": len(each)}
    return counts


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
    counts: dict[str, Any] = {"first": first, "decided": n, "ties": rows.height - n}
    return counts | (_interval(selection(first / n * items, items), "rate") if n else {})


def _notices(counts: dict[str, Any]) -> list[str]:
    position, judge = counts["position"], counts["judge"]
    notices = []
    if position.get("low") is not None and not position["low"] <= 0.5 <= position["high"]:
        often = "more" if position["rate"] > 0.5 else "less"
        rate = f"{position['rate']:.0%} of the time"
        notices.append(f"the answer shown first was chosen {often} often than the other: {rate}")
    if judge and not judge["all"]["n"]:
        notices.append(f"{judge['file']} judges none of the answers voted on: are the models called the same there?")
    voters = [voter for voter in counts["voters"] if voter["open"]]
    return notices + [f"{voter['voter']} left {voter['open']} of {counts['items']} open" for voter in voters]
