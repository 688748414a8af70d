"""Posts kept until their threads can be joined: in memory while few, else on disk by question ids."""

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


class Spill:
    """Collect posts in any order; give them back in groups of whole threads, by rising question id.

    One file a range of ids grows by appended blocks (8 bytes of length, then a parquet table), so that even
    the largest site has about a thousand files and not one for every range and chunk.
    """

    def __init__(self, limit: int = IN_MEMORY, width: int = WIDTH) -> None:
        self.limit, self.width = limit, width
        self.frames: list[pl.DataFrame] = []
        self.bytes = 0
        self.ranges: set[int] = set()
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.folder is not None:
            self.folder.cleanup()

    def add(self, posts: pl.DataFrame) -> None:
        """Keep more posts (`question` says their range, `size` their bytes); write out when too many."""
        self.frames.append(posts)
        self.bytes += int(posts["size"].sum())
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
            self.folder = tempfile.TemporaryDirectory(prefix="curate-")
        posts = pl.concat(self.frames) if self.frames else pl.DataFrame({"question": []}, {"question": pl.Int64})
        self.frames, self.bytes = [], 0
        for (number,), part in posts.group_by(pl.col("question") // self.width):
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
