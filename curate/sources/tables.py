"""Tables: CSV and Parquet files, one row a row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from curate.rows import Batch, Part
from curate.sources import cells, files, slices
from curate.sources.layout import Wanted, wanted
from curate.sources.records import batches, start
from curate.sources.shapes import Shape


def csv(
    path: Path,
    *,
    delimiter: str | None = None,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
) -> list[Part]:
    r"""Read CSV files with a header, packed or not (.gz .bz2 .xz .zst).

    A row with too many or too few cells, broken quotes or broken UTF-8 is bad and no other. An empty cell is
    null; every column is text but `score`, which is read as a number.

    Args:
        path: a file, a folder (its .csv and .tsv files, packed or not) or a glob.
        delimiter: what parts the cells; found in the first line (comma, semicolon, tab or bar) if not given.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how instructions and pairs are laid out; found by the names when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, or none holds a prompt.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = file.write_text('title,score\n"Why,\nthen?",3\nHow?\n')
    >>> [batch] = csv(file, columns={"prompt": "title"})[0].read(1000)
    >>> batch.rows.to_dicts(), batch.bad[0].where, batch.bad[0].error
    ([{'prompt': 'Why,\nthen?', 'score': 3.0}], 'line 4', 'expected 2 cells, as in the first line, got 1')
    """
    want = wanted(columns, shape, domain, license)
    found = files.parts(path, (".csv", ".tsv"), partial(_read_csv, want, delimiter))
    first = found[0].files[0]
    start(first, cells.read(first, delimiter), want, text=True)
    return found


def _read_csv(want: Wanted, delimiter: str | None, file: Path, batch_rows: int) -> Iterator[Batch]:
    stream, layout = start(file, cells.read(file, delimiter), want, text=True)
    yield from batches(file, stream, layout, "line", batch_rows)


def parquet(
    path: Path,
    *,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
) -> list[Part]:
    """Read Parquet files, a slice at a time.

    Every column keeps its type. A file that is damaged is one bad record, from the row on that cannot be
    read.

    Args:
        path: a file, a folder (its .parquet files) or a glob.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how conversations and pairs are laid out; found by the names when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, none holds a prompt, or one holds another type.

    >>> import tempfile, polars as pl
    >>> file = Path(tempfile.mkdtemp()) / "a.parquet"
    >>> pl.DataFrame({"question": ["2 + 2?"], "answer": ["4"], "year": [1999]}).write_parquet(file)
    >>> [batch] = parquet(file, domain="sums")[0].read(1000)
    >>> batch.rows.to_dicts()
    [{'prompt': '2 + 2?', 'response': '4', 'year': 1999, 'domain': 'sums'}]
    """
    want = wanted(columns, shape, domain, license)
    found = files.parts(path, (".parquet",), partial(slices.read, want))
    slices.start(found[0].files[0], want)
    return found
