"""A user's own function as a judge: `def my_score(prompt: str, response: str) -> float`.

Or `def better(prompt: str, first: str, second: str) -> str`, which compares.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
    "messages": lambda case: [dict(turn) for turn in [*case.messages, *getattr(case, "turns", ())]],
    "id": lambda case: case.id,
    "first": lambda pairing: pairing.first,
    "second": lambda pairing: pairing.second,
}


def as_judge(call: Callable[..., Any], params: Mapping[str, Any] | None = None, name: str = "") -> Judge:
    """Make a judge of a user's function: a factory of judges (annotated `-> Judge`), or one that judges itself.

    `params` are what the recipe sets. Raises ValueError as `function` does, and whatever a factory raises.
    """
    bound = partial(call, **(params or {}))
    if hints(call).get("return") is Judge:
        judge: Judge = bound()
        return judge
    return function(bound, name)


def function(call: Callable[..., Any], name: str = "") -> Judge:
    """Judge by a function of one answer, greater being better, or by one of two that says which is better.

    The function names what it wants by its parameters: `prompt` (the user's last turn), `messages` (the whole
    conversation before the answer's text, calls of tools too), `id` (of the row), and `response`, the answer it scores,
    or `first` and `second`, the two it compares; further ones need a default or `functools.partial`. A function that
    raises, or gives None, infinity or no number, gives no grade for that answer, with the reason why; so does one that
    compares and gives something else than `first`, `second` or `tie`.

    Raises ValueError for a function that wants what a judge cannot give.

    >>> def brief(response: str) -> float:
    ...     return -len(response.split())
    >>> function(brief).grade([Case("1", [{"role": "user", "content": "Hi"}], "Hello there.")])
    [Grade(score=-2.0, parts={}, why=None, again=False)]
    """
    plain = _unwrapped(call)
    name = name or getattr(plain, "__name__", "function")
    params = _params(call, name)
    bound = getattr(call, "keywords", {})
    about = {
        "judge": f"{module_name(plain)}:{getattr(plain, '__name__', name)}",
        "params": {key: v.describe() if isinstance(v, Generator | Judge) else v for key, v in bound.items()},
        "code": code_of(plain),
    }
    generators = tuple(value for value in bound.values() if isinstance(value, Generator))
    if "first" in params:
        return Judge(grades_none, about, name, generators, partial(_compare, call, params, name))
    return Judge(partial(_grade, call, params, name), about, name, generators)


def _unwrapped(call: Callable[..., Any]) -> Callable[..., Any]:
    return _unwrapped(call.func) if isinstance(call, partial) else inspect.unwrap(call)


def _params(call: Callable[..., Any], name: str) -> list[str]:
    """List the parameters that the judge fills."""
    bound, variadic = getattr(call, "keywords", {}), (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in inspect.signature(call).parameters.values() if p.kind not in variadic]
    params = [p.name for p in parameters if p.name in GIVEN and p.name not in bound]
    for p in parameters:
        if p.default is p.empty and (p.name not in params or p.kind is p.POSITIONAL_ONLY):
            raise ValueError(
                f"{name}: a judge gives {', '.join(GIVEN)}, so its parameter '{p.name}' needs a default or a value"
            )
    if {"response", "first", "second"} & set(params) not in ({"response"}, {"first", "second"}):
        raise ValueError(
            f"{name}: a judge's function takes `response`, the answer it scores, or `first` and `second`, the two that "
            "it compares"
        )
    return params


def _call(call: Callable[..., Any], params: Sequence[str], name: str, case: Case | Pairing) -> Any:
    """Call a user's own function, which may raise anything; raise ValueError with what it raised."""
    try:
        return call(**{key: GIVEN[key](case) for key in params})
    except Exception as error:
        raise ValueError(f"{name} raised {type(error).__name__}: {' '.join(str(error).split())}") from error


def _grade(call: Callable[..., Any], params: Sequence[str], name: str, cases: Sequence[Case]) -> list[Grade]:
    def grade(case: Case) -> Grade:
        try:
            value = _call(call, params, name, case)
        except ValueError as error:
            return Grade(None, why=str(error))
        with suppress(TypeError, ValueError, OverflowError):
            if not isinstance(value, str | bytes) and math.isfinite(float(value)):
                return Grade(float(value))
        return Grade(None, why=f"{name} gave {value!r:.60}, which is no number")

    return [grade(case) for case in cases]


def _compare(
    call: Callable[..., Any], params: Sequence[str], name: str, pairings: Sequence[Pairing]
) -> list[Comparison]:
    def compare(pairing: Pairing) -> Comparison:
        try:
            value = _call(call, params, name, pairing)
        except ValueError as error:
            return Comparison(None, why=str(error))
        for better in BETTER:
            if isinstance(value, str) and value == better:
                return Comparison(better)
        return Comparison(None, why=f"{name} gave {value!r:.60}, which is none of {', '.join(BETTER)}")

    return [compare(pairing) for pairing in pairings]
