"""Sources at addresses: read as any files are, once they are here.

At planning a reader is shown a folder with the names of the files and nothing in them, so that it chooses its files and
names its parts as it always does. Whoever reads a part fetches its files into a folder of their own, has them read, and
removes them. Nothing is fetched for a part that was done before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from curate.address import Address
from curate.cache import BUILDING, home, sweep
from curate.remote import by_content, fetch, find, info
from curate.rows import Batch, Origin, Part, SourceError, SourceMissing

_PATTERN = "*?["


def parts(function: Callable[..., Any], params: dict[str, Any]) -> list[Part]:
    """List the parts of a source, one of whose parameters may be an address instead of a path.

    Raises:
        SourceMissing: when nothing is there.
        SourceError: when the store cannot be asked, or as the source does.
    """
    name = next((name for name, value in params.items() if isinstance(value, Address)), None)
    if name is None:
        return list(function(**params))
    base, rest, origins = _look(params[name])
    with _folder(base) as folder:
        for file in origins:
            _lay(folder / file, base)
        with _in_words(folder, base):
            listed = list(function(**{**params, name: folder / rest}))
        return [_part(part, folder, base, origins) for part in listed]


def _look(address: Address) -> tuple[Address, str, dict[str, Origin]]:
    """Find the file, the folder or the pattern that an address is: where it starts, what follows, files by name."""
    above, _, last = address.path.rpartition("/")
    pieces = address.path.split("/")
    at = next((i for i, piece in enumerate(pieces) if i and any(mark in piece for mark in _PATTERN)), None)
    try:
        if above and (origin := info(address)):
            return Address(f"{address.store}://{above}"), last, {last: origin}
        at = None
    except SourceMissing:
        if at is None:
            raise
    base = Address(f"{address.store}://{'/'.join(pieces[:at])}")
    rest = pieces[at:] if at else []
    files = find(base, None if "**" in rest or not rest else len(rest))
    if not files and not rest:
        raise SourceMissing(f"there is no file below {base}")
    return base, "/".join(rest), files


@contextmanager
def _folder(base: Address) -> Iterator[Path]:
    """Make a folder for files of an address, of the same name as theirs, and remove it."""
    place = home() / "remote"
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    with TemporaryDirectory(dir=place, suffix=BUILDING) as name:
        folder = Path(name) / base.name
        folder.mkdir()
        yield folder


def _lay(file: Path, base: Address) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise SourceError(
            f"{base} holds a name that this disk cannot have, {file.name!r} ({error.strerror}): rename it there"
        ) from None


def _part(part: Part, folder: Path, base: Address, origins: dict[str, Origin]) -> Part:
    """Make of a part of files that are named, but not here, one that fetches them."""
    names = [file.relative_to(folder).as_posix() for file in part.files if file.is_relative_to(folder)]
    chosen = {name: by_content(origins[name], folder.parent) for name in names}
    own = tuple(file for file in part.files if not file.is_relative_to(folder))
    return Part(part.name, own, partial(_read, part.read, folder, base, chosen), origins=tuple(chosen.values()))


def _read(
    read: Callable[[int], Iterator[Batch]], planned: Path, base: Address, origins: dict[str, Origin], batch_rows: int
) -> Iterator[Batch]:
    with _folder(base) as folder, _in_words(folder, base):
        for name, origin in origins.items():
            fetch(origin, folder / name)
        for batch in _moved(read, planned, folder)(batch_rows):
            bad = [b._replace(file=_said(b.file, folder, base), error=_said(b.error, folder, base)) for b in batch.bad]
            yield batch._replace(bad=bad)


def _moved(value: Any, old: Path, new: Path) -> Any:
    """Give a reader, which is a function with its arguments, the files of another folder."""
    if isinstance(value, partial):
        return partial(value.func, *(_moved(one, old, new) for one in value.args), **value.keywords)
    if isinstance(value, tuple):
        return tuple(_moved(one, old, new) for one in value)
    if isinstance(value, Path) and value.is_relative_to(old):
        return new / value.relative_to(old)
    return value


@contextmanager
def _in_words(folder: Path, base: Address) -> Iterator[None]:
    """Name the address in errors, where a reader names the file that it sees."""
    try:
        yield
    except SourceError as error:
        error.args = (_said(str(error), folder, base),)
        raise error from None


def _said(text: str, folder: Path, base: Address) -> str:
    return text.replace(str(folder), base)
