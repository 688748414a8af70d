"""Filters and edits as stages of a NeMo Curator pipeline, over a `DocumentBatch` at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch

from curate.hosts import Properties, columns, edited, edits, names_read, reasons, rules


@dataclass
class Keep(ProcessingStage[DocumentBatch, DocumentBatch]):  # type: ignore[misc]  # in an environment of its own
    """Keep the documents for which every property holds.

    How many a reason drops stands in the stage's metrics, as `dropped length`.

    Args:
        properties: by name, the parameters of a filter or an expression.

    Raises HostError for what is no property of a row.

    >>> batch = DocumentBatch(dataset_name="d", data=pa.table({"text": ["short", "long enough", None]}))
    >>> Keep({"length": {"column": "text", "min": 6}}).process(batch).data.to_pydict()
    {'text': ['long enough']}
    """

    properties: Properties
    name: str = "curate_keep"

    def __post_init__(self) -> None:
        self.rules = rules(self.name.removeprefix("curate_"), self.properties)

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that the properties read."""
        return ["data"], names_read(rule.passes for rule in self.rules)

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name no new column."""
        return ["data"], []

    def process(self, batch: DocumentBatch) -> DocumentBatch:
        """Judge a batch, and leave out the documents that fail."""
        why = reasons(self.rules, _rows(batch, [rule.passes for rule in self.rules]))
        counts = Counter(reason for reason in why if reason)
        self._log_metrics({f"dropped {reason}": count for reason, count in counts.items()})
        kept = [reason is None for reason in why]
        table = isinstance(batch.data, pa.Table)
        return replace(batch, data=batch.data.filter(pa.array(kept, pa.bool_())) if table else batch.data[kept])


@dataclass
class Drop(Keep):
    """Drop the documents for which a property holds, and those that cannot be judged; else as `Keep`."""

    name: str = "curate_drop"


@dataclass
class Edit(ProcessingStage[DocumentBatch, DocumentBatch]):  # type: ignore[misc]
    """Edit the texts of documents.

    Args:
        filters: by name, the parameters of an edit or an expression under the name of the column that it replaces.

    Raises HostError for what is no edit.

    >>> batch = DocumentBatch(dataset_name="d", data=pa.table({"text": ["<code>now</code>"]}))
    >>> Edit({"html_to_markdown": {"column": "text"}}).process(batch).data.to_pydict()
    {'text': ['`now`']}
    """

    filters: Properties
    name: str = "curate_edit"

    def __post_init__(self) -> None:
        self.edits = edits(self.filters)

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that the edits read."""
        return ["data"], names_read(self.edits)

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that the edits replace."""
        return ["data"], names_read(pl.col(expr.meta.output_name()) for expr in self.edits)

    def process(self, batch: DocumentBatch) -> DocumentBatch:
        """Edit a batch."""
        data = batch.data
        for column in edited(self.edits, _rows(batch, self.edits)):
            if isinstance(data, pa.Table):
                i = data.schema.get_field_index(column.name)
                data = data.set_column(i, data.schema.field(i), column.to_arrow().cast(data.schema.field(i).type))
            else:
                data = data.assign(**{column.name: column.to_list()})
        return replace(batch, data=data)


def _rows(batch: DocumentBatch, exprs: Iterable[pl.Expr]) -> pl.DataFrame:
    names = columns(exprs, batch.get_columns())
    if isinstance(batch.data, pa.Table):
        return pl.DataFrame(pl.from_arrow(batch.data.select(names)))
    return pl.DataFrame(pl.from_pandas(batch.data[names]))
