"""Output folders in a store: a run writes into a folder here, which goes up whole; what is there can be fetched again.

The manifest there is removed first and put last, as on a disk: a folder without one is unfinished. Whose a file there
is, is decided as on a disk too, by `.curate/written.jsonl`, with a picture of the folder: what a store says has not
changed since it was put there needs no second look, of anything else the content is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from curate.address import Address
from curate.cache import key_of
from curate.errors import UserError
from curate.folders import HOME, LOG, FolderError, check, claim, written
from curate.recipe.plan import Recipe
from curate.remote import fetch, find, put, remove
from curate.rows import Origin, SourceError
from curate.run.outputs import BY, names
from curate.run.run import run_recipe
from curate.run.state import MANIFEST, Shortfall

_LOG, _MARKS, _PROBE = f"{HOME}/{LOG}", f"{HOME}/marks.json", f"{HOME}/probe"
_DEPTH = 2  # the files of a folder, and those in `.curate`


def run_to(recipe: Recipe, address: Address, **options: Any) -> dict[str, Any]:
    """Run a recipe into a folder in a store and return its manifest; `options` are those of `run_recipe`.

    Raises:
        FolderError: when the folder there is somebody's own, or cannot be written.
    """
    here = folder_of(address)
    with _in_words(address, "choose another folder with --out"):
        _claim(address, here, recipe)
    short = None
    try:
        manifest = run_recipe(recipe, here, **options)
    except Shortfall as error:
        short, manifest = error, error.manifest
    with _in_words(address, f"the set is whole in {here}, and the same command puts it there"):
        _send(here, address)
    if short:
        raise short
    return manifest


def folder_of(address: Address) -> Path:
    """Name the folder here that a run to an address writes into, beside those of other runs.

    >>> folder_of(Address("s3://bucket/runs/lima")).as_posix()
    'out/lima-536d9013'
    """
    return Path("out") / f"{address.name}-{key_of(address)[:8]}"


@contextmanager
def opened(out: Path | Address, wanted: Container[str] | None = None) -> Iterator[Path]:
    """Give an output folder; one in a store, or those of its files that are wanted, is here while the context lasts.

    Raises:
        UserError: in its sentences the folder here stands under its address.
    """
    if isinstance(out, Path):
        yield out
        return
    with TemporaryDirectory() as name:
        folder = Path(name) / out.name
        folder.mkdir()
        try:
            for file, origin in find(out, 1).items():
                if wanted is None or file in wanted:
                    fetch(origin, folder / file)
            yield folder
        except UserError as error:
            error.args = (str(error).replace(str(folder), out),)
            raise error from None


@contextmanager
def _in_words(address: Address, way: str) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise FolderError(f"{address} is not written: {error}; {way}") from None


def _claim(address: Address, here: Path, recipe: Recipe) -> None:
    """Refuse a folder that is somebody's own or cannot be written, before the work; take over what is known of it."""
    if address.store == "hf":
        raise FolderError(
            f"{address} cannot be an output folder: --out takes a folder, s3:// or gs://; "
            "`curate push` sends a finished folder to the hub"
        )
    there = find(address, _DEPTH)
    claim(here, BY)
    with TemporaryDirectory() as name:
        picture = Path(name) / address.name
        _draw(picture, there)
        try:
            check(picture, BY, {*names(recipe), *written(picture, BY)})
        except FolderError as error:
            raise FolderError(str(error).replace(str(picture), address)) from None
        if _LOG in there:
            _add_lines(here / _LOG, picture / _LOG)
        (picture / _PROBE).parent.mkdir(exist_ok=True)
        (picture / _PROBE).touch()
        put(picture / _PROBE, address / _PROBE)
        remove(address / _PROBE)


def _draw(picture: Path, there: dict[str, Origin]) -> None:
    """Draw a folder that is there: its log, what may be somebody's own, and nothing of what is ours by its mark."""
    marks: dict[str, str] = {}
    for name in (_LOG, _MARKS) if _LOG in there else ():
        if name in there:
            fetch(there[name], picture / name)
    if (picture / _MARKS).is_file():
        marks = json.loads((picture / _MARKS).read_text(encoding="utf-8"))
    ours = written(picture, BY)
    for name, origin in there.items():
        if name.startswith(f"{HOME}/") or (origin.mark and marks.get(name) == origin.mark):
            continue
        if name in ours:
            fetch(origin, picture / name)
        else:
            (picture / name).parent.mkdir(parents=True, exist_ok=True)
            (picture / name).touch()


def _add_lines(to: Path, more: Path) -> None:
    """Add to a log the lines of another one."""
    lines = set(to.read_text(encoding="utf-8").split("\n"))
    new = [line for line in more.read_text(encoding="utf-8", errors="replace").split("\n") if line not in lines]
    with to.open("a", encoding="utf-8", newline="\n") as log:
        log.writelines(f"\n{line}" for line in new)


def _send(here: Path, address: Address) -> None:
    """Put a finished folder to an address, the manifest last; what an earlier run wrote and this one did not goes."""
    manifest = json.loads((here / MANIFEST).read_text(encoding="utf-8"))
    files = [*manifest["outputs"], *manifest["pages"]]
    there = find(address, 1)
    for name in [MANIFEST] if MANIFEST in there else []:
        remove(address / name)
    for name in [_LOG, *files]:
        put(here / name, address / name)
    for name in sorted((written(here, BY) & there.keys()) - {*files, MANIFEST}):
        remove(address / name)
    marks = {name: origin.mark for name, origin in find(address, 1).items() if name in files}
    with TemporaryDirectory() as folder:
        (Path(folder) / "marks.json").write_text(json.dumps(marks), encoding="utf-8")
        put(Path(folder) / "marks.json", address / _MARKS)
    put(here / MANIFEST, address / MANIFEST)
