"""Answers of two models side by side, seen in both orders: a disagreement of the orders is a tie."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import Cache
from curate.evaluate.grades.files import COMPARISONS, GradesError
from curate.evaluate.grades.singly import digest, kept_by, name_of, with_before
from curate.models.generators.ask import conversation
from curate.models.generators.generator import Progress
from curate.models.judges.judge import Better, Case, Comparison, Judge, Pairing

_KEYS = ("id", "sample", "turn")
# What a verdict means in terms of the answers, where a stood first and where b did.
_A_FIRST: Mapping[str | None, str | None] = {"first": "a", "second": "b", "tie": "tie", None: None}
_B_FIRST: Mapping[str | None, str | None] = {"first": "b", "second": "a", "tie": "tie", None: None}


def pairwise(
    a: pl.DataFrame,
    b: pl.DataFrame,
    judge: Judge,
    stages: Cache,
    *,
    names: tuple[str, str] = ("a", "b"),
    prompts: pl.DataFrame | None = None,
    tell: Progress | None = None,
) -> pl.DataFrame:
    """Compare the answers of two models to the same prompts, sample by sample (`COMPARISONS`), by the order of `a`.

    The judge sees each pair twice, once with either answer first. Where the two verdicts differ, the order decided and
    not the answers: that is a tie, and `flipped`. One verdict that is missing leaves none. The same text twice is a tie
    that no judge is asked about. What has no verdict says why: a prompt that only one of them answered, an answer that
    failed, turns of dialogues that went different ways. A judge that grades compares by its grades.

    The other parameters are those of `grade`. Raises GradesError where one of the two has several answers to a prompt
    under one number of a sample.

    >>> import tempfile
    >>> from curate.models.judges import function
    >>> def longer(first: str, second: str) -> str:
    ...     return "first" if len(first) > len(second) else "second"
    >>> a, b = (pl.DataFrame({"id": ["1"], "prompt": ["Hi?"], "response": [text]}) for text in ("Yes.", "No."))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = pairwise(a, b, function(longer), Cache(Path(folder)))
    >>> found.select("first", "second", "verdict", "flipped").row(0)
    ('a', 'a', 'a', False)
    """
    kept_by(judge, stages, tell)
    lines = _lines(with_before(a, prompts), with_before(b, prompts))
    open_ = [line for line in lines if line["why"] is None and line["verdict"] is None]
    found = _stage([pairing for line in open_ for pairing in _both_orders(line)], judge, stages)
    for line, first, second in zip(open_, found[::2], found[1::2], strict=True):
        line |= _verdict(first, second)
    shared = {"a": names[0], "b": names[1], "judge": name_of(judge)}
    return pl.DataFrame([{name: (line | shared).get(name) for name in COMPARISONS} for line in lines], COMPARISONS)


def pairings_of(a: pl.DataFrame, b: pl.DataFrame, prompts: pl.DataFrame | None = None) -> list[Pairing]:
    """List what a judge would be asked, both orders of each pair."""
    lines = _lines(with_before(a, prompts), with_before(b, prompts))
    return [one for line in lines if line["why"] is None and line["verdict"] is None for one in _both_orders(line)]


def _lines(a: pl.DataFrame, b: pl.DataFrame) -> list[dict[str, Any]]:
    """Put each answer beside its counterpart; say of those without one why they cannot be compared."""
    of_a, of_b = _by_key(a, "a"), _by_key(b, "b")
    keys = [*of_a, *(key for key in of_b if key not in of_a)]
    return [_line(dict(zip(_KEYS, key, strict=True)), of_a.get(key), of_b.get(key)) for key in keys]


def _by_key(rows: pl.DataFrame, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows.iter_rows(named=True):
        key = tuple(row.get(name) for name in _KEYS)
        if key in found:
            raise GradesError(
                f"{name} answers prompt {row['id']} more than once as sample {row.get('sample')}: compare those of "
                "one training seed"
            )
        found[key] = row
    return found


def _line(key: dict[str, Any], a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any]:
    some = a or b or {}
    line: dict[str, Any] = {**key, "prompt": some["prompt"], "messages": conversation(some)}
    for name, row in (("a", a or {}), ("b", b or {})):
        line |= {f"response_{name}": row.get("response"), f"tokens_{name}": row.get("tokens")}
    same = line["response_a"] is not None and line["response_a"] == line["response_b"]
    why = _why_not(a, b)
    settled = {"first": "tie", "second": "tie", "verdict": "tie", "flipped": False} if same and not why else {}
    return line | {"why": why, "verdict": None} | settled


def _why_not(a: dict[str, Any] | None, b: dict[str, Any] | None) -> str | None:
    for name, row in (("a", a), ("b", b)):
        if row is None:
            return f"{name} was not asked this"
        if row.get("failed") or row["response"] is None:
            return f"{name} has no answer: {row.get('failed') or 'it is empty'}"
    if conversation(a or {}) != conversation(b or {}):
        return "a and b answered different conversations"
    return None


def _both_orders(line: Mapping[str, Any]) -> tuple[Pairing, Pairing]:
    one, other = line["response_a"], line["response_b"]
    return Pairing(line["id"], line["messages"], one, other), Pairing(line["id"], line["messages"], other, one)


def _verdict(first: Comparison, second: Comparison) -> dict[str, Any]:
    of_first, of_second = _A_FIRST[first.better], _B_FIRST[second.better]
    found: dict[str, Any] = {"first": of_first, "second": of_second}
    if of_first is None or of_second is None:
        return found | {"why": first.why or second.why}
    flipped = of_first != of_second
    return found | {"verdict": "tie" if flipped else of_first, "flipped": flipped}


def _stage(pairings: Sequence[Pairing], judge: Judge, stages: Cache) -> list[Comparison]:
    """Have pairs compared, unless that was done."""
    about = dict(judge.describe())

    def build(folder: Path) -> dict[str, Any]:
        found = compared(judge, pairings)
        (folder / "comparisons.json").write_text(json.dumps([one._asdict() for one in found]), encoding="utf-8")
        return {"again": about.get("code", "") is None or any(one.again for one in found)}

    depends = {"judge": about, "pairings": digest(pairings)}
    stage = stages.get("comparisons", depends, build, keep=lambda meta: not meta["again"])
    return [Comparison(**one) for one in json.loads((stage.folder / "comparisons.json").read_text(encoding="utf-8"))]


def compared(judge: Judge, pairings: Sequence[Pairing]) -> list[Comparison]:
    """Compare by a judge that compares, or by the grades of one that grades: the higher one is better."""
    if judge.compare is not None:
        return judge.compare(pairings)
    cases = [Case(one.id, one.messages, text) for one in pairings for text in (one.first, one.second)]
    grades = judge.grade(cases)
    found = []
    for first, second in zip(grades[::2], grades[1::2], strict=True):
        if first.score is None or second.score is None:
            found.append(Comparison(None, why=first.why or second.why, again=first.again or second.again))
        else:
            better: Better = (
                "tie" if first.score == second.score else "first" if first.score > second.score else "second"
            )
            found.append(Comparison(better, {"first": first.score, "second": second.score}))
    return found
