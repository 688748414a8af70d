"""Whose the files of a folder are: what curate wrote there may be replaced, what it did not write stays as it is.

A folder is ours when it holds a log of what was written there, `.curate/written.jsonl`. Every file stands in it, by
name and content, before it appears, and is built inside `.curate`. So a run that was killed goes on without a question,
and a file that somebody changed is told from one that nobody touched. A folder without a log is ours by its manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from curate.cache import PART, sweep, write_whole
from curate.errors import UserError

HOME = ".curate"
LOG = "written.jsonl"
_LITTER = {"Thumbs.db", "desktop.ini", "lost+found"}  # what systems leave; as hidden files, none of it has our names
_WHOLE = 64 << 20  # bytes up to which a file in a tree is hashed whole: models are larger, and take minutes
_END = 1 << 20
_ADVICE = "move it away and start again"

# By what a folder without a log, as earlier versions left it, is known, and what is ours in it whatever its content.
_TRAINING = (
    *("adapter/", "merged/", "chosen/", "plots/", "checkpoints/", "record.json", "log.jsonl", "preflight.json"),
    *("training.html", "README.md", "choice.json", "grades.jsonl", "answers.jsonl"),
)
_ABLATION = (
    *("sets/", "models/", "choices/", "answers/", "grades/", "logs/"),
    *("ablation.json", "grades.jsonl", "results.json", "report.html"),
)
_SIGNS: tuple[tuple[str, set[str], str, tuple[str, ...]], ...] = (
    ("manifest.json", {"recipe", "counts", "outputs"}, "run", ("manifest.json", "report.html")),  # drawn again at will
    ("record.json", {"key", "stage", "model_out"}, "train", _TRAINING),
    ("checkpoints/run.json", {"key", "processes"}, "train", _TRAINING),
    ("ablation.json", {"arms", "against"}, "ablate", _ABLATION),
    ("node.json", {"kind", "key", "given"}, "ablate", ()),
)


class FolderError(UserError):
    """Say in one sentence whose a folder or file is, and how to go on."""


class Entry(NamedTuple):
    """What the log says of a name: the command that wrote it and all contents that it wrote; none is any content."""

    by: str
    digests: frozenset[str]


def claim(folder: Path, by: str, names: Iterable[str] = (), *, option: str | None = "--out") -> None:
    """Make a folder ours before anything is written there, or refuse it as `check` does."""
    check(folder, by, names, option=option)
    with _in_words(folder, option):
        _begin(folder)


def check(folder: Path, by: str, names: Iterable[str] = (), *, option: str | None = "--out") -> None:
    """Refuse a folder that is somebody's own, or that cannot be written; one that is not there yet is made.

    Args:
        folder: a folder that is ours, one that is empty (hidden files do not count), or none yet.
        by: the command that will write there.
        names: what it will replace or remove: files, and trees, which end in `/`.
        option: what a person chooses another folder with, if there is one.

    Raises FolderError for a folder that holds files and is not ours, and for a name that is somebody's own: curate did
    not write it, it was changed since, another command wrote it, or it is a link.
    """
    other = f"choose another folder with {option}"
    with _in_words(folder, option):
        _usable(folder, f"choose another one with {option}")
        log = read(folder)
        if log is None and (strangers := _visible(folder)):
            raise FolderError(f"{folder} holds files that curate did not write ({_some(strangers)}): {other}")
        for name in sorted(set(names)):
            _refuse(folder, log or {}, by, name, f"move it away, or {other}" if option else _ADVICE)
    make(folder, option)


def make(folder: Path, option: str | None = "--out") -> Path:
    """Make a folder and try it: one that cannot be written is said before the work, not after it."""
    with _in_words(folder, option):
        _usable(folder, f"choose another one with {option}")
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{HOME}.{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    return folder


@contextmanager
def tidy(*folders: Path) -> Iterator[None]:
    """Remove folders that are made meanwhile, and those above them, where what follows fails and leaves them empty."""
    new = [place for folder in folders for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except BaseException:
        for place in sorted(new, key=lambda place: -len(place.parts)):
            with suppress(OSError):
                place.rmdir()
        raise


@contextmanager
def _in_words(folder: Path, option: str | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        other = f"choose another folder with {option}"
        raise FolderError(f"{folder} cannot be written: {error.strerror}; {other}") from None


def put(folder: Path, by: str, name: str, write: Callable[[Path], Any]) -> str:
    """Write one file of a folder so that it appears whole, and return the hash of its content.

    `write` gets the path to write to. Raise FolderError where another file of that name is not ours.
    """
    claim(folder, by)
    log, file = read(folder) or {}, folder / name
    flat = name.replace("/", "-")
    sweep(folder / HOME)
    half = folder / HOME / f"{flat}.{secrets.token_hex(4)}{PART}"
    try:
        write(half)
        digest = _hash(half)
        if not _same(file, digest):
            _refuse(folder, log, by, name)
            _append(folder, [{"by": by, "name": name, "sha256": digest}])
            file.parent.mkdir(parents=True, exist_ok=True)
            half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    return digest


def put_text(folder: Path, by: str, name: str, text: str) -> Path:
    """Write one text file of a folder, as `put` does, and return its path."""
    put(folder, by, name, lambda to: to.write_text(text, encoding="utf-8", newline="\n"))
    return folder / name


def put_alone(file: Path, text: str, *, by: str, option: str) -> Path:
    """Write a file that stands by itself, wherever a person wants it; see `check_alone` for what is refused."""
    check_alone(file, text, by=by, option=option)
    if _same(file, _hash_text(text)):
        return file
    try:
        if read(file.parent) is not None:
            return put_text(file.parent, by, file.name, text)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        raise FolderError(f"{file} cannot be written: {error.strerror}") from None
    return file


def check_alone(file: Path, text: str, *, by: str, option: str) -> None:
    """Raise FolderError for a file with another content, unless this command wrote it in a folder of ours."""
    other = f"choose another name with {option}"
    _usable(file.parent, other)
    if not os.path.lexists(file) or _same(file, _hash_text(text)):
        return
    log = read(file.parent)
    reason = "exists, with another content" if log is None else _reason(file.parent, log, by, file.name)
    if file.is_dir() or reason:
        what = "is a folder" if file.is_dir() else f"{reason}, and would be lost"
        raise FolderError(f"{file} {what}: move it away, or {other}")


def clear(folder: Path, by: str, names: Iterable[str]) -> None:
    """Remove files and trees that this command wrote, and hold the trees for what comes.

    Raise FolderError, before anything is removed, for those that are somebody's own.
    """
    names, log = list(names), read(folder) or {}
    for name in names:
        _refuse(folder, log, by, name)
    for name in names:
        place = folder / name
        shutil.rmtree(place) if name.endswith("/") and place.is_dir() else place.unlink(missing_ok=True)
    hold(folder, by, (name for name in names if name.endswith("/")))


def hold(folder: Path, by: str, names: Iterable[str]) -> None:
    """Have files and trees be ours whatever is in them; trees until they are sealed."""
    _append(folder, [{"by": by, "name": name} for name in names])


def seal(folder: Path, by: str, trees: Iterable[str]) -> None:
    """Take down what stands in trees that are written: what appears there later, or changes, is somebody's own."""
    for tree in trees:
        files = [file for file in sorted((folder / tree).rglob("*")) if file.is_file() and not file.is_symlink()]
        lines = [{"by": by, "name": f.relative_to(folder).as_posix(), "sha256": _fast_hash(f)} for f in files]
        _append(folder, [*lines, {"by": by, "name": tree, "sealed": True}])


def written(folder: Path, by: str) -> set[str]:
    """Name the files of a folder that a command wrote."""
    return {name for name, entry in (read(folder) or {}).items() if entry.by == by and not name.endswith("/")}


def strangers(folder: Path) -> set[str]:
    """Name the files in a folder, however deep, that nobody of ours wrote as they are; hidden ones do not count."""
    log = read(folder) or {}
    names = [name for name in _files(folder, folder) if not any(part.startswith(".") for part in name.split("/"))]
    return {
        name for name in names if all(_reason(folder, log, by, name) for by in {e.by for e in log.values()} or {""})
    }


def read(folder: Path) -> dict[str, Entry] | None:
    """Read what was written in a folder, by name; None where it is not ours."""
    file = folder / HOME / LOG
    if not file.is_file():
        return _older(folder)
    log: dict[str, Entry] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
        _note(log, _object(line))
    return log


def _note(log: dict[str, Entry], line: dict[str, Any]) -> None:
    """Take in one line of a log; a line cut short by a kill, or a name that leads out of the folder, says nothing."""
    name, by = line.get("name"), line.get("by")
    if not isinstance(name, str) or not isinstance(by, str) or not _inside(name):
        return
    if line.get("sealed"):
        log.pop(name, None)
        return
    before = log[name].digests if name in log else frozenset()
    log[name] = Entry(by, before | {line["sha256"]} if isinstance(line.get("sha256"), str) else frozenset())


def _older(folder: Path) -> dict[str, Entry] | None:
    """Read off a folder without a log what is ours in it."""
    log: dict[str, Entry] = {}
    ours = False
    for file, keys, by, names in _SIGNS:
        sign = (
            _object((folder / file).read_text(encoding="utf-8", errors="replace")) if (folder / file).is_file() else {}
        )
        if not keys <= sign.keys():
            continue
        ours = True
        for part in ("outputs", "pages") if by == "run" else ():
            hashes = sign.get(part)
            for name, digest in hashes.items() if isinstance(hashes, dict) else ():
                _note(log, {"by": by, "name": name, "sha256": digest})
        for name in names:
            log[name] = Entry(by, frozenset())
    return log if ours else None


def _begin(folder: Path) -> None:
    """Give a folder its log, with what is ours in it already."""
    if (folder / HOME / LOG).is_file():
        return
    older = _older(folder) or {}
    (folder / HOME).mkdir(exist_ok=True)
    lines = [
        {"by": entry.by, "name": name} | ({"sha256": digest} if digest else {})
        for name, entry in older.items()
        for digest in entry.digests or ("",)
    ]
    _append(folder, lines)


def _append(folder: Path, lines: Iterable[dict[str, Any]]) -> None:
    # Appended, so that several processes need no lock; a line begins a new one, for the last may be cut short.
    text = "".join(f"\n{json.dumps(line, ensure_ascii=False)}" for line in lines)
    with (folder / HOME / LOG).open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _usable(folder: Path, other: str) -> None:
    if str(folder).startswith("~"):
        raise FolderError(f"{folder} would be a folder named '~' here: write your home folder out in full")
    for place in (folder, *folder.parents):
        if place.is_symlink() and not place.exists():
            raise FolderError(f"{place} is a link that leads nowhere: {other}")
        if place.exists() and not place.is_dir():
            raise FolderError(f"{place} is a file, where a folder is needed: {other}")
    home = folder / HOME
    if home.is_symlink() or (home.exists() and not home.is_dir()) or (home / LOG).is_symlink():
        raise FolderError(f"{home} is not a folder that curate made: {other}")


def _visible(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith(".") and file.name not in _LITTER)


def _refuse(folder: Path, log: dict[str, Entry], by: str, name: str, advice: str = _ADVICE) -> None:
    """Raise FolderError where a file, or one in a tree, is not ours to replace or remove."""
    tree = folder / name
    walk = name.endswith("/") and tree.is_dir() and not tree.is_symlink()
    for each in _files(folder, tree) if walk else (name.removesuffix("/"),):
        if reason := _reason(folder, log, by, each):
            raise FolderError(f"{folder / each} {reason}, and would be lost: {advice}")


def _files(folder: Path, tree: Path) -> Iterator[str]:
    for root, folders, files in os.walk(tree):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in sorted([*files, *links]):
            if name != ".DS_Store" and name not in _LITTER:
                yield (Path(root) / name).relative_to(folder).as_posix()


def _reason(folder: Path, log: dict[str, Entry], by: str, name: str) -> str | None:
    """Say why what stands under a name is not ours; None where it is, or nothing is there."""
    parts = PurePosixPath(name)
    over = [one.as_posix() for one in parts.parents if one.parts]
    if any((folder / place).is_symlink() for place in over):
        return "lies behind a link"
    file = folder / name
    if not os.path.lexists(file):
        return None
    tree = next((log[f"{place}/"] for place in (name, *over) if f"{place}/" in log), None)
    if tree and tree.by == by:
        return None if over else "is not the folder that curate wrote"
    if file.is_symlink():
        return "is a link that curate did not make"
    entry = log.get(name)
    if entry is None or not _regular(file):
        return "was not written by curate"
    if entry.by != by:
        return f"was written by `curate {entry.by}`"
    try:
        same = not entry.digests or _fast_hash(file) in entry.digests or _hash(file) in entry.digests
    except FileNotFoundError:  # gone just now, by a process beside this one
        return None
    return None if same else "was changed since curate wrote it"


def _same(file: Path, digest: str) -> bool:
    return _regular(file) and _hash(file) == digest


def _regular(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:32]


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _fast_hash(file: Path) -> str:
    """Hash a file; of a large one its size, beginning and end."""
    size = file.stat().st_size
    if size <= _WHOLE:
        return _hash(file)
    with file.open("rb") as content:
        digest = hashlib.sha256(str(size).encode() + content.read(_END))
        content.seek(-_END, os.SEEK_END)
        digest.update(content.read())
    return f"ends-{digest.hexdigest()[:32]}"


def _inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        name.isprintable()
        and bool(parts)
        and ".." not in parts
        and not name.startswith("/")
        and not set("\\:") & set(name)
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _some(names: list[str]) -> str:
    more = len(names) - 2
    return ", ".join(names if more <= 1 else names[:2]) + (f" and {more} more" if more > 1 else "")
