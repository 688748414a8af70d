"""A step: one verb of a recipe, applied with one filter; built once, then asked for expressions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args, get_origin

import polars as pl

from curate import own, texts
from curate.cache import code_of, contents_of
from curate.recipe.bindings import described
from curate.recipe.registry import kind_of_step
from curate.recipe.verbs import VERBS
from curate.rows import STANDARD, literal


@dataclass(frozen=True)
class Step:
    """One step, ready to apply.

    `label` is its column in the ledger; `columns` the columns it is applied to, one after another (None for filters
    without a `column` parameter), of which some may be kinds of turns (`curate.texts`); `place` is file:line in the
    recipe; `objects` are the generators, judges and texts that parameters name.
    """

    verb: str
    name: str
    label: str
    function: Callable[..., Any] = field(compare=False)
    params: dict[str, Any]
    columns: tuple[str, ...] | None
    place: str = field(default="", compare=False)
    objects: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def judges(self) -> bool:
        """Tell whether the step keeps or drops rows by looking at each alone."""
        return VERBS[self.verb].judges

    @property
    def alone(self) -> bool:
        """Tell whether the step looks at the whole pool, and so is a stage of its own."""
        return kind_of_step(self.verb, self.function).alone

    @property
    def costly(self) -> bool:
        """Tell whether the step runs a model, and so sees only the rows that earlier steps left."""
        return bool(getattr(self.function, "costly", False))

    @property
    def has_spans(self) -> bool:
        """Tell whether the filter can show the text that its verdict rests on."""
        return hasattr(self.function, "span")

    def depends(self) -> dict[str, Any]:
        """Describe all that the step's outcome rests on: itself, its code, and the contents its parameters name."""
        bound = {"given": described(self.objects)} if self.objects else {}
        return {**self.described(), "files": contents_of(self.params), "code": code_of(self.function), **bound}

    def described(self) -> dict[str, Any]:
        """Describe the step as data, for keys and the manifest."""
        by = getattr(self.function, "measure", None)
        by = [name for name in inspect.signature(by).parameters if name in _numbers(self.params)] if by else []
        measured = {"measured_by": by} if by else {}
        return {"verb": self.verb, "filter": self.name, "label": self.label, "params": self.params, **measured}


def columns_read(selector: Callable[..., Any], params: dict[str, Any]) -> tuple[list[str], bool]:
    """Name the columns that a selector reads, and tell whether it declares them; else any text may be a column's name.

    >>> from curate.filters import top
    >>> columns_read(top, {"n": 5, "by": "votes"})
    (['votes'], True)
    """
    declared = getattr(selector, "reads", None)
    groups = [(name,) for name in params] if declared is None else [(g,) if isinstance(g, str) else g for g in declared]
    values = (next((params[name] for name in group if params.get(name) is not None), None) for group in groups)
    names = [name for value in values for name in (value if isinstance(value, list) else [value])]
    return [name for name in names if isinstance(name, str)], declared is not None


def build(
    verb: str,
    name: str,
    label: str,
    function: Callable[..., Any],
    params: dict[str, Any],
    place: str,
    objects: dict[str, Any] | None = None,
) -> Step:
    """Make a step and try it: a filter that refuses its parameters raises here, not in the middle of a run."""
    column = params.get("column")
    takes_one = "column" in params and not _takes_list(own.hints(function).get("column"))
    columns = (tuple(column) if isinstance(column, list) else (column,)) if takes_one else None
    if columns and (twice := next((name for name in columns if columns.count(name) > 1), None)):
        raise ValueError(f"names the column '{twice}' twice")
    step = Step(verb, name, label, function, params, columns, place, objects or {})
    if not step.alone:
        for expr in expressions(step):
            if not isinstance(expr, pl.Expr):
                raise TypeError(f"'{name}' returned {type(expr).__name__}, not a polars expression")
            texts.kind_of(expr)
    if verb == "edit":
        edits(step)
    if verb == "select" and "model" not in params and not own.is_own(function):
        _choose_from_nothing(step)
    return step


def _choose_from_nothing(step: Step) -> None:
    """Let a selector refuse its parameters: it sees the pool only when all is read, which may take hours."""
    names, _ = columns_read(step.function, step.params)
    columns: dict[str, pl.DataType] = {name: pl.Float64() for name in names if name not in texts.KINDS}
    columns |= {**STANDARD, "id": pl.String(), "source": pl.String()}
    try:
        step.function(pl.DataFrame(schema=columns), **step.params, **step.objects)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{step.name}: ")) from None
    except pl.exceptions.PolarsError:
        pass  # what a column holds is seen when there are rows


def _takes_list(hint: Any) -> bool:
    """Tell whether a filter handles a list of columns by itself (`column: str | list[str]`)."""
    return list in (hint, get_origin(hint)) or any(map(_takes_list, get_args(hint)))


def _calls(step: Step, function: Callable[..., Any]) -> list[Any]:
    accepted = inspect.signature(function).parameters
    params = {k: v for k, v in step.params.items() if k in accepted}
    if isinstance(column := params.get("column"), str | list):
        params["column"] = literal(column) if isinstance(column, str) else [literal(str(name)) for name in column]
    if step.columns is None:
        return [function(**params)]
    return [function(**{**params, "column": literal(column)}) for column in step.columns]


def expressions(step: Step) -> list[pl.Expr]:
    """Make the filter's expressions, one a column."""
    return _calls(step, step.function)


class Ask(NamedTuple):
    """What a keep or drop step asks of one of its columns, which may be a kind of turns."""

    name: str  # label.column
    kind: str | None
    verdict: pl.Expr  # true passes
    measure: pl.Expr | None
    bound: float | None  # the number that the measure is compared with, where there is one alone

    @property
    def measured(self) -> list[str]:
        """Name its columns in the ledger: of several turns one number, the worst, or the least and the greatest.

        With one bound the worst is what a bound that is moved is compared with; with two, each has its own.
        """
        if self.measure is None:
            return []
        one = self.kind is None or self.bound is not None
        return [self.name] if one else [f"{self.name}.least", f"{self.name}.greatest"]

    def values(self) -> list[pl.Expr]:
        """Make the numbers that it measures of one text each."""
        return [] if self.measure is None else [self.measure.alias(name) for name in self.measured]


def asks(step: Step) -> list[Ask]:
    """List what a keep or drop step asks, one for each of its columns; over several, each must pass."""
    exprs = expressions(step)
    if ":" in step.name:  # what a user's own function gives may be a number: `&` refuses that, `~` would turn its bits
        exprs = [e & pl.lit(True) for e in exprs]
    measured: list[pl.Expr | None] = [expr.cast(pl.Float64) for expr, _ in _marked(step, "measure")]
    numbers = measured or [None] * len(exprs)
    limits = list(bounds(step.described()).values())
    bound = limits[0] if len(limits) == 1 else None
    names = [f"{step.label}.{column}" for column in step.columns or ("value",)]
    result = []
    for name, expr, number in zip(names, exprs, numbers, strict=True):
        kind = texts.kind_of(expr)
        passes = texts.where_text(kind, expr if step.verb == "keep" else ~expr)
        result.append(Ask(name, kind, passes, None if number is None else texts.where_text(kind, number), bound))
    return result


def bounds(step: Mapping[str, Any]) -> dict[str, float]:
    """Find the numbers that a step, as it is described, compares its measure with: not those by which it measures.

    >>> bounds({"params": {"column": "score", "value": 10, "strict": True, "seed": 3}})
    {'value': 10.0}
    >>> bounds({"params": {"window": 3, "max": 0.5}, "measured_by": ["window"]})
    {'max': 0.5}
    """
    return {k: v for k, v in _numbers(step["params"]).items() if k not in step.get("measured_by", ())}


def _numbers(params: Mapping[str, Any]) -> dict[str, float]:
    numbers = {k: v for k, v in params.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return {k: float(v) for k, v in numbers.items() if k != "seed"}


def edits(step: Step) -> list[pl.Expr]:
    """Make the edits of an edit step, each under the name of the column, or the kind of turns, that it replaces."""
    exprs = expressions(step)
    targets = step.columns or [expr.meta.output_name() for expr in exprs]
    named = [expr.alias(target) for expr, target in zip(exprs, targets, strict=True)]
    for expr, target in zip(named, targets, strict=True):
        if texts.kind_of(expr) or target in texts.KINDS:
            texts.kind_to_edit(expr)
        if twice := set(targets).intersection(texts.COVERED.get(target, ())):
            raise texts.TurnsError(f"'{min(twice)}' is among the {target}: an edit would change its text twice")
    return named


def scores(step: Step) -> list[pl.Expr]:
    """Make the column that a score step adds, under the step's label."""
    return [expr.cast(pl.Float64).alias(step.label) for expr in expressions(step)]


def spans(step: Step) -> list[pl.Expr]:
    """Make the texts that a step's verdict rests on, to be looked for where it failed; none for most filters."""
    return [e.alias(f"{name} span") for e, name in _marked(step, "span")]


def looks_at(step: Step) -> list[str]:
    """Name the columns of which a step looks at one text alone, where a row with several turns has more like it."""
    if not (step.judges or step.verb == "edit"):
        return []
    roots = [set(expr.meta.root_names()) for expr in expressions(step)]
    seen = {column for root in roots for kind in root for column in texts.COVERED.get(kind, ())}
    return [column for column in texts.SINGLE if {column} in roots and column not in seen]


def _marked(step: Step, mark: str) -> list[tuple[pl.Expr, str]]:
    function = getattr(step.function, mark, None)
    if function is None:
        return []
    names = step.columns or ("value",)
    return [(e, f"{step.label}.{c}") for e, c in zip(_calls(step, function), names, strict=True)]
