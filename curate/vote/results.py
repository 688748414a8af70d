"""Result files of voters: read, checked against the key, one voter each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.vote.make import KEY_FORMAT
from curate.vote.models import VoteError
from curate.vote.page import RESULT_FORMAT

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
        found = _result(file, key)
        other = last.get(found.voter)
        if other:
            older, found = sorted((other, found), key=lambda result: result.saved)
            if older.file != found.file:
                notices.append(f"{older.file.name} is left out: {found.file.name} is of the same voter, saved later")
        last[found.voter] = found
    named = {_called(result, i): result for i, result in enumerate(last.values(), 1)}
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
            is_ = key["items"][item]
            left, right = ("a", "b") if is_["left"] == is_["a"] else ("b", "a")
            chosen = {"left": left, "right": right, "tie": "tie"}[choice]
            about = {name: is_[name] for name in ("id", "sample", "a", "b")}
            rows.append({"voter": voter, "item": item, "first": left, "verdict": chosen, **about})
    return pl.DataFrame(rows, schema=_SCHEMA)


def _called(result: Result, number: int) -> str:
    """Call a voter by name, or by number; the start of the voter's own number keeps two of one name apart."""
    return f"{result.name or f'voter {number}'} ({result.voter[:4]})"


def _result(file: Path, key: dict[str, Any]) -> Result:
    data = _json(file, "result")
    if not isinstance(data, dict) or data.get("format") != RESULT_FORMAT:
        raise VoteError(f"{file} is no result of a vote: name the file that the page of the vote saved")
    if data.get("vote") != key["vote"]:
        raise VoteError(f"{file} is of the vote {data.get('vote')}, and the key is of {key['vote']}")
    given = data.get("votes")
    wrong = [given] if not isinstance(given, dict) else _wrong(given, key)
    if wrong:
        raise VoteError(f"{file} has been changed: {json.dumps(wrong[0])[:80]} is no vote on an item of this page")
    voter, name, saved = (str(data.get(field) or "") for field in ("voter", "name", "saved"))
    return Result(file, voter, name, saved, dict(given or {}))


def _wrong(given: dict[str, Any], key: dict[str, Any]) -> list[Any]:
    return [{item: choice} for item, choice in given.items() if item not in key["items"] or choice not in _CHOICES]


def _json(file: Path, what: str) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise VoteError(f"the {what} {file} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise VoteError(f"the {what} {file} is no JSON: was it saved whole?") from None
