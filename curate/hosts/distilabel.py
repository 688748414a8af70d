"""Filters and edits as steps of a distilabel pipeline, over a batch of rows at a time.

distilabel writes a pipeline down and keeps results by what it wrote, so these steps take parameters of filters alone
and no expressions; a function of your own is named as in a recipe, `"my_module:my_function"`.
"""

# Without `from __future__ import annotations`: distilabel looks for `StepInput` itself among a method's annotations.
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import polars as pl
from distilabel.steps import Step, StepInput
from pydantic import PositiveInt, PrivateAttr, field_validator

from curate import apply
from curate.hosts import columns, edited, edits, names_read, reasons, rules

Rows = list[dict[str, Any]]


class CurateKeep(Step):  # type: ignore[misc]  # distilabel is in an environment of its own
    """Keep the rows for which every property holds; the log counts the others by the first that they fail.

    Args:
        properties: the parameters of filters, by the filter's name, as in a recipe.
        input_batch_size: how many rows are judged at a time.

    Raises pydantic's ValidationError, in words, for what is no property of a row.

    >>> step = CurateKeep(properties={"length": {"column": "generation", "min": 6}})
    >>> step.load()
    >>> list(step.process([{"generation": "short"}, {"generation": "long enough"}, {"generation": None}]))
    [[{'generation': 'long enough'}]]
    """

    verb: ClassVar[str] = "keep"
    properties: dict[str, dict[str, Any]]
    input_batch_size: PositiveInt = 1000
    _rules: list[Any] = PrivateAttr(default_factory=list)

    @field_validator("properties")
    @classmethod
    def _checked(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        rules(cls.verb, value)
        return value

    @property
    def inputs(self) -> list[str]:
        """Name the columns that the properties read."""
        return names_read(rule.passes for rule in rules(self.verb, self.properties))

    def load(self) -> None:
        """Make the expressions, in the process where the step runs."""
        super().load()
        apply(pl.col("text"), "")  # stops in a worker that cannot ask polars: after an error later, rows become empty
        self._rules = rules(self.verb, self.properties)

    def process(self, inputs: StepInput) -> Iterator[Rows]:
        """Judge a batch, and give the rows that pass."""
        why = reasons(self._rules, _frame(inputs, [rule.passes for rule in self._rules]))
        for reason, count in Counter(reason for reason in why if reason).items():
            self._logger.info(f"{self.name} dropped {count} of {len(why)} rows: {reason}")
        yield [row for row, reason in zip(inputs, why, strict=True) if reason is None]


class CurateDrop(CurateKeep):
    """Drop the rows for which a property holds, and those that cannot be judged; else as `CurateKeep`."""

    verb: ClassVar[str] = "drop"


class CurateEdit(Step):  # type: ignore[misc]
    """Edit the texts of rows.

    Args:
        filters: the parameters of edits, by the filter's name, as in a recipe.
        input_batch_size: how many rows are edited at a time.

    Raises pydantic's ValidationError, in words, for what is no edit.

    >>> step = CurateEdit(filters={"html_to_markdown": {"column": "generation"}})
    >>> step.load()
    >>> list(step.process([{"generation": "<code>now</code>"}]))
    [[{'generation': '`now`'}]]
    """

    filters: dict[str, dict[str, Any]]
    input_batch_size: PositiveInt = 1000
    _edits: list[Any] = PrivateAttr(default_factory=list)

    @field_validator("filters")
    @classmethod
    def _checked(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        edits(value)
        return value

    @property
    def inputs(self) -> list[str]:
        """Name the columns that the edits read."""
        return names_read(edits(self.filters))

    @property
    def outputs(self) -> list[str]:
        """Name the columns that the edits replace."""
        return names_read(pl.col(expr.meta.output_name()) for expr in edits(self.filters))

    def load(self) -> None:
        """Make the expressions, in the process where the step runs."""
        super().load()
        apply(pl.col("text"), "")  # stops in a worker that cannot ask polars: after an error later, rows become empty
        self._edits = edits(self.filters)

    def process(self, inputs: StepInput) -> Iterator[Rows]:
        """Edit a batch."""
        new = edited(self._edits, _frame(inputs, self._edits))
        yield [row | texts for row, texts in zip(inputs, new.iter_rows(named=True), strict=True)]


def _frame(rows: Rows, exprs: Iterable[pl.Expr]) -> pl.DataFrame:
    names = columns(exprs, dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
