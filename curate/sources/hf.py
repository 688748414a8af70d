"""Hugging Face datasets: a folder that `datasets` wrote or can read, or a set on a hub at one revision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from curate.rows import Bad, Batch, Part, SourceError, SourceMissing, places, tried
from curate.sources.layout import HEAD, Options
from curate.sources.parquet import settled
from curate.sources.shapes import Shape

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAVED, _SPLITS = "state.json", "dataset_dict.json"  # what `save_to_disk` writes beside a set, and beside several


def hf(
    name: str,
    *,
    config: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    streaming: bool = False,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
) -> list[Part]:
    """Read a set of Hugging Face's `datasets`: a local folder, or one on a hub by name.

    A folder is one that `save_to_disk` wrote, or one with Parquet, JSON or CSV files; nothing is downloaded for it.
    A set on a hub is read at one commit. Where `revision` is none, the newest is asked for, and the notes of the run
    say which one it was. No code of a set is run. What is damaged is one bad record, from the row on that cannot be
    read.

    Args:
        name: a folder, else a name on the hub, as in `org/set`.
        config: which of several sets under one name.
        split: which split; `train` when not given.
        revision: the commit, a tag or a branch; only a commit stays what it is.
        streaming: read over the network as the rows come, with nothing stored.
        columns: column here -> column in the set, as in `{prompt: info.question}`.
        shape: how conversations and pairs are laid out; found by the names when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.

    Raises:
        SourceMissing: when there is no such folder.
        SourceError: when the hub does not answer, there is no such split, a column that is named is not there, or none
            holds a prompt.

    >>> import tempfile
    >>> from datasets import Dataset, disable_progress_bars
    >>> disable_progress_bars()
    >>> folder = Path(tempfile.mkdtemp()) / "sums"
    >>> Dataset.from_dict({"question": ["2 + 2?"], "answer": ["4"]}).save_to_disk(folder)
    >>> [batch] = hf(str(folder), domain="sums")[0].read(1000)
    >>> batch.rows.to_dicts()
    [{'prompt': '2 + 2?', 'response': '4', 'domain': 'sums'}]
    """
    _library()
    options = Options(columns or {}, shape, domain, license)
    if (folder := _folder(name)) is not None:
        held = tuple(sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.startswith(".")))
        part = Set(str(folder), config, split, None, folder, True)
        next(part.batches(options, 1), None)
        return [Part(split or "train", held, partial(part.batches, options))]
    commit = revision if revision and _COMMIT.fullmatch(revision) else _commit(name, revision)
    part = Set(name, config, split, commit, None, streaming, pinned=commit == revision)
    return [Part(f"{split or 'train'}@{commit[:12]}", (), partial(part.batches, options))]


@dataclass(frozen=True)
class Set:
    """Which set is read, and how."""

    name: str
    config: str | None
    split: str | None
    commit: str | None
    folder: Path | None
    streaming: bool
    pinned: bool = True

    def batches(self, options: Options, batch_rows: int) -> Iterator[Batch]:
        """Yield rows and what cannot be read, in the order of the set.

        Raises:
            SourceError: when a column is not there, or a hub does not answer.
        """
        place, at = Path(self.name), 0
        try:
            frames = _frames(self.load())
            head = list(_until(frames, HEAD))
        except SourceError:
            raise
        except Exception as error:  # of `datasets`, of Arrow, of the network
            raise SourceError(f"{self.name} cannot be read: {_first(error)}") from None
        if not head:
            return
        table = settled(place, pl.concat(head)[:HEAD], options)
        table.batch(head[0].clear(), 0)
        stream = chain(head, frames)
        while True:
            try:
                rows = next(stream, None)
            except Exception as error:
                yield self._broken(at, error)
                return
            if rows is None:
                return
            for start in range(0, rows.height, batch_rows):
                batch = table.batch(rows[start : start + batch_rows], at + start)
                yield batch._replace(notes={**batch.notes, **self._note(at + start + batch.rows.height)})
            at += rows.height

    def load(self) -> Any:
        """Open the set, of which no row is read yet."""
        library = _library()
        if self.folder is None:
            more = {"revision": self.commit, "streaming": self.streaming}
            return library.load_dataset(self.name, self.config, split=self.split or "train", **more)
        if not any((self.folder / mark).is_file() for mark in (_SAVED, _SPLITS)):
            # As a stream, since a copy of all files would be stored otherwise.
            return library.load_dataset(self.name, self.config, split=self.split or "train", streaming=True)
        saved = library.load_from_disk(self.name)
        splits = saved if isinstance(saved, dict) else {str(saved.split or self.split or "train"): saved}
        split = self.split or ("train" if "train" in splits else next(iter(splits), "train"))
        if split not in splits:
            raise SourceError(f"{self.name} has no split {split!r}; it has: {', '.join(splits)}")
        return splits[split]

    def _note(self, rows: int) -> dict[str, float]:
        if self.pinned:
            return {}
        return {f"rows of the newest revision; `revision: {self.commit}` stays what it is": float(rows)}

    def _broken(self, at: int, error: Exception) -> Batch:
        if self.folder is None:
            raise SourceError(f"{self.name} cannot be read on after row {at:,}: {_first(error)}") from None
        what = f"the set is damaged here and cannot be read on: {_first(error)}"
        size = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        return Batch(pl.DataFrame(), [Bad(self.name, f"after row {at}", what, "", size)])


def head(name: str) -> list[dict[str, Any]]:
    """Read the first rows of a folder as they stand there."""
    rows = next(_frames(Set(name, None, None, None, Path(name), True).load()), pl.DataFrame())
    return rows.to_dicts()


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise SourceError("Hugging Face datasets need a package: pip install 'curate-lm[hf]'") from None
    return datasets


def _folder(name: str) -> Path | None:
    """Find the folder that a name means; none where it can be a name on a hub."""
    for folder in filter(Path.is_dir, places(name)):
        if not any(folder.iterdir()):
            raise SourceMissing(f"the folder {folder} is empty")
        return folder
    if name.startswith((".", "/", "~")):
        raise SourceMissing(f"there is no folder {name}{tried(name)}")
    return None


def _commit(name: str, revision: str | None) -> str:
    """Ask the hub which commit a branch or tag stands at."""
    import huggingface_hub

    try:
        return str(huggingface_hub.HfApi().dataset_info(name, revision=revision, timeout=30).sha)
    except Exception as error:  # of the hub's library and of the network
        raise SourceError(
            f"there is no folder {name!r}, and the hub does not tell the revision of a set of that name "
            f"({_first(error)}); with `revision:` and a commit it need not be asked"
        ) from None


def _frames(loaded: Any) -> Iterator[pl.DataFrame]:
    """Yield the rows of a set as frames, images and sounds as they are stored."""
    for table in loaded.with_format("arrow").iter(batch_size=HEAD):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        yield frame


def _until(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    while rows > 0 and (frame := next(frames, None)) is not None:
        yield frame
        rows -= frame.height


def _first(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {line}"[:300] if line else type(error).__name__
