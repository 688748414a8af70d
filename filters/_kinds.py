"""What selectors take and give: a pool of rows with a Choice for it, or an array with the positions picked.

A recipe can write only the first, so at run time, where the schema of a step is read from these names, they mean that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from curate.filter import Choice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any] | list[list[float]]
    Ids: TypeAlias = pl.Series | list[str] | list[int] | NDArray[Any]
    Values: TypeAlias = pl.Series | list[Any] | NDArray[Any]
    Named: TypeAlias = str | Values
    Pool: TypeAlias = pl.DataFrame | Array
    Positions: TypeAlias = NDArray[np.int64]
    Selected: TypeAlias = Choice | Positions
else:
    # The name of a column; a choice among the rows.
    Array, Ids, Values, Positions, Named, Pool, Selected = Any, Any, Any, Any, str, pl.DataFrame, Choice
