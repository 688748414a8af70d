"""What a step that makes answers or pairs gives back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple, TypeAlias

import polars as pl


class Made(NamedTuple):
    """What was made, row by row of the rows given and in their order.

    `columns` are new columns of the rows (`chosen` and `rejected`, or `response`); `why` says why a row has none and is
    dropped, null where it has; `ledger` are numbers and short texts about each row, for the ledger; `again` marks the
    rows that a later run should ask about once more; `failed` those whose answer an engine or a judge did not give.
    `notes` are figures about the step as a whole, for the screen and the manifest.
    """

    columns: pl.DataFrame
    why: pl.Series  # String
    ledger: pl.DataFrame
    again: pl.Series  # Boolean
    failed: pl.Series  # Boolean
    notes: Mapping[str, float] = MappingProxyType({})


Pairs: TypeAlias = Annotated[Made, "pair"]  # makes `chosen` and `rejected`
Answers: TypeAlias = Annotated[Made, "answer"]  # makes `response`
