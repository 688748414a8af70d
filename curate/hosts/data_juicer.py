"""Filters and edits as operators of Data-Juicer: `curate_keep`, `curate_drop` and `curate_edit`.

Importing this module registers them. For a configuration of Data-Juicer's own, a file that holds the one line
`import curate.hosts.data_juicer` goes under `custom_operator_paths`.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from data_juicer.ops.base_op import OPERATORS, Filter, Mapper
from data_juicer.utils.constant import Fields

from curate.hosts import columns, edited, edits, reasons, rules

KEPT = "kept"
STOP = {"skip_op_error": False}  # Data-Juicer would go on after an error, without the whole batch


@OPERATORS.register_module("curate_keep")
class Keep(Filter):  # type: ignore[misc]  # Data-Juicer is in an environment of its own
    """Keep the samples for which a property holds.

    The stats get a key of the filter's name, as `curate_length`: "kept", or why the sample is out.

    Args:
        filter: the parameters of one filter, by its name, as in a recipe; its column is `text_key` where none is named.
        kwargs: what Data-Juicer gives to every operator.

    Raises HostError for what is no property of a row.

    >>> keep = Keep(filter={"length": {"column": "text", "min": 6}})
    >>> samples = keep.compute_stats({"text": ["short", "long enough", None], "__dj__stats__": [{}, {}, {}]})
    >>> samples["__dj__stats__"]
    [{'curate_length': 'length'}, {'curate_length': 'kept'}, {'curate_length': 'length: no value to judge'}]
    >>> keep.process(samples)
    [False, True, False]
    """

    _batched_op = True
    verb = "keep"

    def __init__(self, filter: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | STOP)
        self.properties = _with_column(filter, self.text_key)
        self.key = f"curate_{next(iter(filter))}"
        self.rules = rules(self.verb, self.properties)

    def compute_stats_batched(self, samples: dict[str, Any]) -> dict[str, Any]:
        """Judge a batch, and write the verdicts into its stats."""
        why = reasons(self.rules, _frame(samples, [rule.passes for rule in self.rules]))
        samples[Fields.stats] = [
            stats | {self.key: reason or KEPT} for stats, reason in zip(samples[Fields.stats], why, strict=True)
        ]
        return samples

    def process_batched(self, samples: dict[str, Any]) -> list[bool]:
        """Read the verdicts out of the stats."""
        return [stats[self.key] == KEPT for stats in samples[Fields.stats]]


@OPERATORS.register_module("curate_drop")
class Drop(Keep):
    """Drop the samples for which a property holds, and those that cannot be judged; else as `curate_keep`."""

    verb = "drop"


@OPERATORS.register_module("curate_edit")
class Edit(Mapper):  # type: ignore[misc]
    """Edit the texts of samples.

    Args:
        filter: the parameters of one edit, by its name, as in a recipe; its column is `text_key` where none is named.
        kwargs: what Data-Juicer gives to every operator.

    Raises HostError for what is no edit.

    >>> Edit(filter={"html_to_markdown": {"column": "text"}}).process({"text": ["<code>now</code>"]})
    {'text': ['`now`']}
    """

    _batched_op = True

    def __init__(self, filter: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | STOP)
        self.edits = edits(_with_column(filter, self.text_key))

    def process_batched(self, samples: dict[str, Any]) -> dict[str, Any]:
        """Edit a batch."""
        for column in edited(self.edits, _frame(samples, self.edits)):
            samples[column.name] = column.to_list()
        return samples


def _with_column(filter: dict[str, Any], column: str) -> dict[str, Any]:
    return {name: {"column": column} | params for name, params in filter.items()}


def _frame(samples: dict[str, Any], exprs: list[pl.Expr]) -> pl.DataFrame:
    return pl.DataFrame({name: samples[name] for name in columns(exprs, samples.keys())}, strict=False)
