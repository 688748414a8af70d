"""Rows kept until those that belong together can be: in memory while few, else on disk by numbers."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import polars as pl

# XML bytes of the posts held in memory; a site below this never touches the disk.
IN_MEMORY = 64 * 2**20
# Question ids in one range. Every post takes an id of its own, so a range holds at most as many posts on
# average: 65,536 posts of some 1.3 KB each are 90 MB.
WIDTH = 2**16
_QUESTION = pl.col("question")


class Spill:
    """Collect posts in any order; give them back in groups of whole threads, by rising question id.

    `by` numbers rows that are no posts, which have the same columns in the same order; `where` is the folder for files.
    One file a range of ids grows by appended blocks (8 bytes of length, then a parquet table), so that even
    the largest site has about a thousand files and not one for every range and chunk.
    """

    def __init__(
        self,
        limit: float = IN_MEMORY,
        width: int = WIDTH,
        by: pl.Expr = _QUESTION,
        where: Path | None = None,
    ) -> None:
        self.limit, self.number, self.where = limit, by // width, where
        self.frames: list[pl.DataFrame] = []
        self.bytes = 0
        self.ranges: set[int] = set()
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.folder is not None:
            self.folder.cleanup()

    def add(self, posts: pl.DataFrame, size: int | None = None) -> None:
        """Keep more posts (`question` says their range, `size` their bytes); write out when too many."""
        self.frames.append(posts)
        self.bytes += int(posts["size"].sum()) if size is None else size
        if self.bytes > self.limit:
            self._write()

    def groups(self) -> Iterator[pl.DataFrame]:
        """Give everything back, once."""
        if self.folder is None:
            if self.frames:
                yield pl.concat(self.frames)
            return
        self._write()
        for number in sorted(self.ranges):
            yield pl.concat(self._blocks(number))

    def _write(self) -> None:
        if self.folder is None:
            self.folder = tempfile.TemporaryDirectory(prefix="curate-", dir=self.where)
        posts = pl.concat(self.frames or [pl.DataFrame()])
        self.frames, self.bytes = [], 0
        for (number,), part in posts.group_by(self.number) if posts.height else ():
            self._append(int(str(number)), part)

    def _append(self, number: int, part: pl.DataFrame) -> None:
        block = io.BytesIO()
        part.write_parquet(block, compression="lz4", statistics=False)
        with self._file(number).open("ab") as file:
            file.write(len(block.getvalue()).to_bytes(8, "big") + block.getvalue())
        self.ranges.add(number)

    def _blocks(self, number: int) -> Iterator[pl.DataFrame]:
        with self._file(number).open("rb") as file:
            while length := file.read(8):
                yield pl.read_parquet(io.BytesIO(file.read(int.from_bytes(length, "big"))))

    def _file(self, number: int) -> Path:
        assert self.folder is not None
        return Path(self.folder.name) / f"{number}.blocks"
