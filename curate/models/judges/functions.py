"""A user's own function as a judge: `def my_score(prompt: str, response: str) -> float`.

Or `def better(prompt: str, first: str, second: str) -> str`, which compares.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from curate.cache import code_of
from curate.models.generators.generator import Generator
from curate.models.judges.judge import BETTER, Case, Comparison, Grade, Judge, Pairing, grades_none
from curate.own import hints, module_name

# What a function that judges may ask for, by the names of its parameters.
GIVEN: Mapping[str, Callable[[Any], Any]] = {
    "prompt": lambda case: case.messages[-1]["content"],
    "response": lambda case: case.response,
    "messages": lambda case: [dict(turn) for turn in case.messages],
    "id": lambda case: case.id,
    "first": lambda pairing: pairing.first,
    "second": lambda pairing: pairing.second,
}


def as_judge(call: Callable[..., Any], params: Mapping[str, Any] | None = None, name: str = "") -> Judge:
    """Make a judge of a user's function: a factory of judges (annotated `-> Judge`), or one that judges itself.

    `params` are what the recipe sets. Raises ValueError as `function` does, and whatever a factory raises.
    """
    given = partial(call, **(params or {}))
    if hints(call).get("return") is Judge:
        judge: Judge = given()
        return judge
    return function(given, name)


def function(call: Callable[..., Any], name: str = "") -> Judge:
    """Judge by a function of one answer, greater being better, or by one of two that says which is better.

    The function names what it wants by its parameters: `prompt` (the user's last turn), `messages` (the whole
    conversation before the answer), `id` (of the row), and `response`, the answer it scores, or `first` and `second`,
    the two it compares; further ones need a default or `functools.partial`. A function that raises, or gives None,
    infinity or no number, gives no grade for that answer, with the reason why; so does one that compares and gives
    something else than `first`, `second` or `tie`.

    Raises ValueError for a function that wants what a judge cannot give.

    >>> def brief(response: str) -> float:
    ...     return -len(response.split())
    >>> function(brief).grade([Case("1", [{"role": "user", "content": "Hi"}], "Hello there.")])
    [Grade(score=-2.0, parts={}, why=None, again=False)]
    """
    plain = _unwrapped(call)
    said = name or getattr(plain, "__name__", "function")
    wanted = _wanted(call, said)
    about = {
        "judge": f"{module_name(plain)}:{getattr(plain, '__name__', said)}",
        "params": {key: _described(value) for key, value in getattr(call, "keywords", {}).items()},
        "code": code_of(plain),
    }
    asked = tuple(value for value in getattr(call, "keywords", {}).values() if isinstance(value, Generator))
    if "first" in wanted:
        return Judge(grades_none, about, said, asked, partial(_compare, call, wanted, said))
    return Judge(partial(_grade, call, wanted, said), about, said, asked)


def _described(value: Any) -> Any:
    return value.describe() if isinstance(value, Generator | Judge) else value


def _unwrapped(call: Callable[..., Any]) -> Callable[..., Any]:
    return _unwrapped(call.func) if isinstance(call, partial) else inspect.unwrap(call)


def _wanted(call: Callable[..., Any], name: str) -> list[str]:
    bound, loose = getattr(call, "keywords", {}), (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in inspect.signature(call).parameters.values() if p.kind not in loose]
    wanted = [p.name for p in parameters if p.name in GIVEN and p.name not in bound]
    for p in parameters:
        if p.default is p.empty and (p.name not in wanted or p.kind is p.POSITIONAL_ONLY):
            raise ValueError(
                f"{name}: a judge gives {', '.join(GIVEN)}, so its parameter '{p.name}' needs a default or a value"
            )
    if {"response", "first", "second"} & set(wanted) not in ({"response"}, {"first", "second"}):
        raise ValueError(
            f"{name}: a judge's function takes `response`, the answer it scores, or `first` and `second`, the two that "
            "it compares"
        )
    return wanted


def _grade(call: Callable[..., Any], wanted: Sequence[str], name: str, cases: Sequence[Case]) -> list[Grade]:
    return [_one(call, {key: GIVEN[key](case) for key in wanted}, name) for case in cases]


def _compare(
    call: Callable[..., Any], wanted: Sequence[str], name: str, pairings: Sequence[Pairing]
) -> list[Comparison]:
    return [_better(call, {key: GIVEN[key](pairing) for key in wanted}, name) for pairing in pairings]


def _called(call: Callable[..., Any], given: Mapping[str, Any], name: str) -> tuple[Any, str | None]:
    """Call a user's own function, which may raise anything; give what it gave, or why there is nothing."""
    try:
        return call(**given), None
    except Exception as error:
        return None, f"{name} raised {type(error).__name__}: {' '.join(str(error).split())}"


def _one(call: Callable[..., Any], given: Mapping[str, Any], name: str) -> Grade:
    found, why = _called(call, given, name)
    if why:
        return Grade(None, why=why)
    try:
        score = math.nan if isinstance(found, str | bytes) else float(found)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not math.isfinite(score):
        return Grade(None, why=f"{name} gave {found!r:.60}, which is no number")
    return Grade(score)


def _better(call: Callable[..., Any], given: Mapping[str, Any], name: str) -> Comparison:
    found, why = _called(call, given, name)
    better = next((one for one in BETTER if found == one), None) if isinstance(found, str) else None
    if better is None:
        return Comparison(None, why=why or f"{name} gave {found!r:.60}, which is none of {', '.join(BETTER)}")
    return Comparison(better)
