"""Answers of two models side by side, seen in both orders: a disagreement of the orders is a tie.

And what judging costs, before it starts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.cache import Cache
from curate.evaluate.grades.files import COMPARISONS, GradesError
from curate.evaluate.grades.singly import judge_stage, name_of, set_up, why_none, with_before
from curate.models.generators.ask import Ask, Failed, Result
from curate.models.generators.generator import Generator, Progress
from curate.models.judges.judge import Better, Case, Comparison, Grade, Judge, Pairing, answer_of
from curate.turns import question, without_thoughts

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
    ...     pairs = pairwise(a, b, function(longer), Cache(Path(folder)))
    >>> pairs.select("first", "second", "verdict", "flipped").row(0)
    ('a', 'a', 'a', False)
    """
    set_up(judge, stages, tell)
    lines = _lines(with_before(a, prompts), with_before(b, prompts))
    comparisons = _stage(_pairings(lines), judge, stages)
    for line, first, second in zip(filter(_is_open, lines), comparisons[::2], comparisons[1::2], strict=True):
        line |= _verdict(first, second)
    shared = {"a": names[0], "b": names[1], "judge": name_of(judge)}
    return pl.DataFrame([{name: (line | shared).get(name) for name in COMPARISONS} for line in lines], COMPARISONS)


def pairings_of(a: pl.DataFrame, b: pl.DataFrame, prompts: pl.DataFrame | None = None) -> list[Pairing]:
    """List what a judge would be asked, both orders of each pair."""
    return _pairings(_lines(with_before(a, prompts), with_before(b, prompts)))


def _lines(a: pl.DataFrame, b: pl.DataFrame) -> list[dict[str, Any]]:
    """Put each answer beside its counterpart; say of those without one why they cannot be compared."""
    of_a, of_b = _by_key(a, "a"), _by_key(b, "b")
    keys = [*of_a, *(key for key in of_b if key not in of_a)]
    return [_line(dict(zip(_KEYS, key, strict=True)), of_a.get(key), of_b.get(key)) for key in keys]


def _by_key(rows: pl.DataFrame, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows.iter_rows(named=True):
        key = tuple(row.get(name) for name in _KEYS)
        if key in by_key:
            raise GradesError(
                f"{name} answers prompt {row['id']} more than once as sample {row.get('sample')}: compare those of "
                "one training seed"
            )
        by_key[key] = row
    return by_key


def _line(key: dict[str, Any], a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any]:
    some = a or b or {}
    line: dict[str, Any] = {**key, "prompt": some["prompt"], "messages": without_thoughts(question(some))}
    line["tools"] = some.get("tools")
    for name, row in (("a", a or {}), ("b", b or {})):
        turns, text = answer_of(row)
        line |= {f"response_{name}": row.get("response"), f"tokens_{name}": row.get("tokens")}
        line |= {f"text_{name}": text, f"turns_{name}": turns}
    same = line["text_a"] is not None and (line["text_a"], line["turns_a"]) == (line["text_b"], line["turns_b"])
    why = _why_not(a, b)
    settled = {"first": "tie", "second": "tie", "verdict": "tie", "flipped": False} if same and not why else {}
    return line | {"why": why, "verdict": None} | settled


def _why_not(a: dict[str, Any] | None, b: dict[str, Any] | None) -> str | None:
    for name, row in (("a", a), ("b", b)):
        if row is None:
            return f"{name} was not asked this"
        if why := why_none(row):
            return f"{name} has no answer: {why}"
    if without_thoughts(question(a or {})) != without_thoughts(question(b or {})):
        return "a and b answered different conversations"
    return None


def _is_open(line: Mapping[str, Any]) -> bool:
    return line["why"] is None and line["verdict"] is None


def _pairings(lines: Sequence[Mapping[str, Any]]) -> list[Pairing]:
    """List the pairs that a judge has to see, each in both orders."""
    return [_pairing(line, *order) for line in filter(_is_open, lines) for order in ("ab", "ba")]


def _pairing(line: Mapping[str, Any], first: str, second: str) -> Pairing:
    texts, turns = ([line[f"{part}_{name}"] for name in (first, second)] for part in ("text", "turns"))
    return Pairing(line["id"], line["messages"], texts[0], texts[1], turns[0], turns[1], line["tools"])


def _verdict(a_first: Comparison, b_first: Comparison) -> dict[str, Any]:
    first, second = _A_FIRST[a_first.better], _B_FIRST[b_first.better]
    if first is None or second is None:
        return {"first": first, "second": second, "why": a_first.why or b_first.why}
    flipped = first != second
    return {"first": first, "second": second, "verdict": "tie" if flipped else first, "flipped": flipped}


def _stage(pairings: Sequence[Pairing], judge: Judge, stages: Cache) -> list[Comparison]:
    """Have pairs compared, unless that was done."""

    def build(folder: Path) -> dict[str, Any]:
        comparisons = compared(judge, pairings)
        (folder / "comparisons.json").write_text(json.dumps([one._asdict() for one in comparisons]), encoding="utf-8")
        return {"again": any(one.again for one in comparisons)}

    stage = judge_stage("comparisons", judge, pairings, stages, build)
    return [Comparison(**one) for one in json.loads((stage.folder / "comparisons.json").read_text(encoding="utf-8"))]


def compared(judge: Judge, pairings: Sequence[Pairing]) -> list[Comparison]:
    """Compare by a judge that compares, or by the grades of one that grades: the higher one is better."""
    if judge.compare is not None:
        return judge.compare(pairings)
    grades = judge.grade([case for pairing in pairings for case in _cases(pairing)])
    return [_by_grades(first, second) for first, second in zip(grades[::2], grades[1::2], strict=True)]


def _cases(one: Pairing) -> tuple[Case, Case]:
    first = Case(one.id, one.messages, one.first, one.first_turns, one.tools)
    return first, first._replace(response=one.second, turns=one.second_turns)


def _by_grades(first: Grade, second: Grade) -> Comparison:
    if first.score is None or second.score is None:
        return Comparison(None, why=first.why or second.why, again=first.again or second.again)
    better: Better = "tie" if first.score == second.score else "first" if first.score > second.score else "second"
    return Comparison(better, {"first": first.score, "second": second.score})


class Cost(NamedTuple):
    """What a judge will ask of its generators.

    `asks` are all, `requests` those that have to be sent: each once, without what the journals hold already.
    `characters` is the length of the prompts to be sent; what they are in tokens only the model knows.
    """

    asks: int
    requests: int
    characters: int


def cost_of(judge: Judge, cases: Sequence[Case] | Sequence[Pairing]) -> Cost:
    """Count what a judge would send for these cases or pairings; nothing is sent.

    The judge is called with generators that only take notes. One that asks further, by what it was answered, is not
    followed: for a function of your own that does so, the numbers are the least.

    >>> from curate.models.judges import verdict
    >>> from curate.pairs.example import says
    >>> case = Case("1", [{"role": "user", "content": "Hi"}], "Hello!")
    >>> cost = cost_of(verdict(generator=says(lambda ask: "")), [case, case])
    >>> cost.asks, cost.requests, cost.characters > 1000
    (2, 1, True)
    """
    with ExitStack() as stack:
        notes = [(generator, stack.enter_context(_noting(generator))) for generator in judge.generators]
        if notes:
            pairings = [one for one in cases if isinstance(one, Pairing)]
            compared(judge, pairings) if pairings else judge.grade([one for one in cases if isinstance(one, Case)])
    sent = [ask for generator, asks in notes for ask in generator.missing(asks)]
    characters = sum(len(turn.get("content") or "") for ask in sent for turn in ask.messages)
    return Cost(sum(len(asks) for _, asks in notes), len(sent), characters)


@contextmanager
def _noting(generator: Generator) -> Iterator[list[Ask]]:
    """Let a generator take notes for a while, and answer nothing."""
    notes: list[Ask] = []

    def note(asks: Sequence[Ask]) -> list[Result]:
        notes.extend(asks)
        return [Failed("it was only counted", again=True) for _ in asks]

    generator.ask = note  # type: ignore[method-assign] # in the instance only, until it is taken out again
    try:
        yield notes
    finally:
        del generator.ask
