"""Filters and edits as steps of a datatrove pipeline.

A column is `text`, `id`, or a key of a document's metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.writers.disk_base import DiskWriter
from datatrove.utils.batching import batched
from datatrove.utils.typeshelper import StatHints

from curate.hosts import Properties, columns, edited, edits, reasons, rules


class Keep(BaseFilter):  # type: ignore[misc]  # datatrove is in an environment of its own
    """Keep the documents for which every property holds.

    The others are counted by the name of the first property that they fail, and have it as `filter_reason` in their
    metadata where they are written. One that cannot be judged is dropped too, for a reason of its own.

    Args:
        properties: by name, the parameters of a filter or an expression.
        exclusion_writer: writes the dropped documents, as with datatrove's own filters.
        batch_size: how many documents are judged at a time.

    Raises HostError for what is no property of a row.

    >>> keep = Keep({"length": {"column": "text", "min": 6}})
    >>> [doc.text for doc in keep([Document("short", "1"), Document("long enough", "2")])]
    ['long enough']
    """

    verb = "keep"

    def __init__(
        self, properties: Properties, exclusion_writer: DiskWriter | None = None, batch_size: int = 1000
    ) -> None:
        self.name = f"curate {self.verb} {', '.join(properties)}"
        self.rules = rules(self.verb, properties)
        super().__init__(exclusion_writer, batch_size)

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """Judge one document."""
        return self.filter_batch([doc])[0]

    def filter_batch(self, batch: list[Document]) -> list[bool | tuple[bool, str]]:
        """Judge documents together: true, or false and why."""
        rows = _rows(batch, [rule.passes for rule in self.rules])
        return [reason is None or (False, reason) for reason in reasons(self.rules, rows)]


class Drop(Keep):
    """Drop the documents for which a property holds, and those that cannot be judged; else as `Keep`."""

    verb = "drop"


class Edit(PipelineStep):  # type: ignore[misc]
    """Edit the texts of documents.

    Args:
        filters: by name, the parameters of an edit or an expression under the name of the column that it replaces.
        batch_size: how many documents are edited at a time.

    Raises HostError for what is no edit.

    >>> [doc.text for doc in Edit({"html_to_markdown": {"column": "text"}})([Document("<code>now</code>", "1")])]
    ['`now`']
    """

    type = "✂️ - FORMAT"

    def __init__(self, filters: Properties, batch_size: int = 1000) -> None:
        self.name = f"curate edit {', '.join(filters)}"
        super().__init__()
        self.edits = edits(filters)
        self.batch_size = batch_size

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Edit documents batch by batch, and count them."""
        for batch in batched(data, self.batch_size):
            with self.track_time("batch"):
                for column in edited(self.edits, _rows(batch, self.edits)):
                    _set(batch, column)
            for doc in batch:
                self.stat_update(StatHints.total)
                yield doc


def _rows(batch: list[Document], exprs: Iterable[pl.Expr]) -> pl.DataFrame:
    there = dict.fromkeys(["text", "id", *(key for doc in batch for key in doc.metadata)])
    return pl.DataFrame({name: _column(batch, name) for name in columns(exprs, there)}, strict=False)


def _set(batch: list[Document], column: pl.Series) -> None:
    for doc, value in zip(batch, column.to_list(), strict=True):
        if column.name in ("text", "id"):
            setattr(doc, column.name, value)
        else:
            doc.metadata[column.name] = value


def _column(batch: list[Document], name: str) -> list[Any]:
    return [getattr(doc, name) if name in ("text", "id") else doc.metadata.get(name) for doc in batch]
