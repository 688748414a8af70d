"""A step: one verb of a recipe, applied with one filter; built once, then asked for expressions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

import polars as pl

from curate import own
from curate.cache import code_of, contents_of
from curate.recipe.bindings import described
from curate.recipe.verbs import VERBS
from curate.rows import literal


@dataclass(frozen=True)
class Step:
    """One step, ready to apply.

    `label` is its column in the ledger; `columns` the columns it is applied to, one after another (None for filters
    without a `column` parameter); `place` is file:line in the recipe; `objects` are the generators, judges and texts
    that parameters name.
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
        return VERBS[self.verb].alone

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
        return {"verb": self.verb, "filter": self.name, "label": self.label, "params": self.params}


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
    step = Step(verb, name, label, function, params, columns, place, objects or {})
    if not step.alone:
        for expr in expressions(step):
            if not isinstance(expr, pl.Expr):
                raise TypeError(f"'{name}' returned {type(expr).__name__}, not a polars expression")
    return step


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


def verdict(step: Step) -> pl.Expr:
    """Make the verdict of a keep or drop step: True passes; over several columns, each must."""
    exprs = expressions(step)
    if ":" in step.name:  # what a user's own function gives may be a number: `&` refuses that, `~` would turn its bits
        exprs = [e & pl.lit(True) for e in exprs]
    return pl.all_horizontal(exprs if step.verb == "keep" else [~e for e in exprs])


def edits(step: Step) -> list[pl.Expr]:
    """Make the edits of an edit step, each under the name of the column it replaces."""
    exprs = expressions(step)
    targets = step.columns or [expr.meta.output_name() for expr in exprs]
    return [expr.alias(target) for expr, target in zip(exprs, targets, strict=True)]


def scores(step: Step) -> list[pl.Expr]:
    """Make the column that a score step adds, under the step's label."""
    return [expr.cast(pl.Float64).alias(step.label) for expr in expressions(step)]


def measures(step: Step) -> list[pl.Expr]:
    """Make the numbers that a step's verdict compares, each as `label.column`; none for most filters."""
    return [e.cast(pl.Float64).alias(name) for e, name in _marked(step, "measure")]


def spans(step: Step) -> list[pl.Expr]:
    """Make the texts that a step's verdict rests on, to be looked for where it failed; none for most filters."""
    return [e.alias(f"{name} span") for e, name in _marked(step, "span")]


def _marked(step: Step, mark: str) -> list[tuple[pl.Expr, str]]:
    function = getattr(step.function, mark, None)
    if function is None:
        return []
    names = step.columns or ("value",)
    return [(e, f"{step.label}.{c}") for e, c in zip(_calls(step, function), names, strict=True)]
