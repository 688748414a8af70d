"""Functions of the user's own: `module:function` out of a file beside the recipe or in the working folder, no other.

Each such folder is a package of its own, `curate.own.FOLDER`, so its modules replace nobody else's: a file
`numba.py` beside a recipe is never what the library gets when it imports numba. Names come back the same in another
process, so what pickled by its module's name still does.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import logging
import sys
import sysconfig
import typing
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from curate.errors import did_you_mean

log = logging.getLogger("curate.recipe")

__path__: list[str] = []  # a package without files: its children are folders, which `_Finder` finds
_OWN = __name__ + "."
_SITES = {"site-packages", "dist-packages"}
_RULE = "a function of your own stands in a file beside the recipe or in the working folder"


def is_own(function: Any) -> bool:
    """Tell whether a function was defined in a user's file."""
    plain = _plain(function)
    return inspect.isfunction(plain) and str(plain.__module__).startswith(_OWN)


def unrun(**params: Any) -> Any:
    """Stand for a function of a recipe that nobody has said to trust: it has no code."""
    raise RuntimeError("a function that was not loaded cannot be called")


def hints(function: Any) -> dict[str, Any]:
    """Evaluate a function's annotations; none where they cannot be, since a user's own may name what is not there."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # evaluating is running: anything may be raised
        return {}


def module_name(function: Any) -> str:
    """Name a function's module as its user does, without the folder it stands in."""
    name = str(getattr(_plain(function), "__module__", ""))
    return name.removeprefix(_OWN).partition(".")[2] if name.startswith(_OWN) else name


def modules() -> dict[str, tuple[Path, bytes]]:
    """Give the modules of the user's own that are loaded, each with its file and what it said, for `adopt`."""
    return dict(_sources)


def adopt(modules: dict[str, tuple[Path, bytes]]) -> None:
    """Let this process load the modules of another one as they were loaded there, whatever their files say here."""
    if modules != _adopted:
        for name in _sources:
            sys.modules.pop(name, None)
        _sources.clear()
        _adopted.clear()
        _adopted.update(modules)


def find_file(name: str, folder: Path | None = None) -> Path:
    """Find the file of `module:function` and run nothing of it; raise LookupError in words.

    The folder of the recipe is looked at first, then the working folder.

    >>> find_file("os:system")
    Traceback (most recent call last):
    LookupError: there is no file os.py: a function of your own stands in a file beside the recipe or in the working folder
    """  # noqa: E501
    return _locate(name, folder)[1]


def load(name: str, folder: Path | None = None) -> Callable[..., Any]:
    """Import the file of `module:function` and take the function, which must be defined in a file of that folder.

    Raise LookupError in words, also for whatever the user's module raises when it is imported.
    """
    root, file = _locate(name, folder)
    module_path, _, attribute = name.partition(":")
    _forget_changed(root)
    importlib.invalidate_caches()  # a file may be younger than what Python remembers of its folder
    log.info("%s is imported for '%s'", file, name)
    try:
        module = importlib.import_module(f"{_package(root)}.{module_path}")
    except (Exception, SystemExit) as error:
        raise LookupError(f"'{module_path}' cannot be imported: {type(error).__name__}: {error}") from None
    function = getattr(module, attribute, None)
    own = [n for n, f in vars(module).items() if is_own(f) and not isinstance(f, type)]
    if function is None:
        hint = did_you_mean(attribute, own) if own else "it defines none"
        raise LookupError(f"'{module_path}' has no function '{attribute}'; {hint}")
    if isinstance(function, type) or not is_own(function):
        others = f"; known: {', '.join(sorted(own))}" if own else ""
        raise LookupError(f"'{attribute}' is no function that is defined in {file.name}{others}")
    return function  # type: ignore[no-any-return]


def _plain(function: Any) -> Any:
    try:
        return inspect.unwrap(function) if callable(function) else None
    except ValueError:  # wrappers that wrap each other
        return None


def _locate(name: str, folder: Path | None) -> tuple[Path, Path]:
    module, _, attribute = name.partition(":")
    parts = module.split(".")
    if not all(part.isidentifier() for part in (*parts, attribute)):
        raise LookupError(f"'{name}' is not of the form module:function; {_RULE}")
    for root in dict.fromkeys(place.resolve() for place in (folder, Path.cwd()) if place is not None):
        place = root.joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                if parts[0] == "curate" or installed(file.resolve()):
                    raise LookupError(f"'{module}' belongs to Python or to an installed package; {_RULE}")
                return root, file
    raise LookupError(f"there is no file {'/'.join(parts)}.py: {_RULE}")


def installed(file: Path) -> bool:
    """Tell whether a module is Python's own or an installed package's, and no file of the user's."""
    return any(file.is_relative_to(home) for home in _homes()) or not _SITES.isdisjoint(file.parts)


@cache
def _homes() -> list[Path]:
    return [Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib")]


def _package(root: Path) -> str:
    """Name the package of a folder, so that the folder can be read out of the name; a dot would part it."""
    return _OWN + str(root).replace("%", "%25").replace(".", "%2E")


def _root(package: str) -> Path:
    return Path(package.removeprefix(_OWN).replace("%2E", ".").replace("%25", "%"))


class _Finder:
    """Find `curate.own.FOLDER` and the modules in it."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(_OWN):
            return None
        if "." not in name.removeprefix(_OWN):
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [str(_root(name))]
            return spec
        if name in _adopted:
            file = _adopted[name][0]
            inside = [str(file.parent)] if file.name == "__init__.py" else None
            loader = _Loader(name, str(file))
            return spec_from_file_location(name, file, loader=loader, submodule_search_locations=inside)
        spec = PathFinder.find_spec(name, path, target)  # type: ignore[assignment]
        if spec is not None and isinstance(spec.loader, SourceFileLoader) and spec.origin:
            spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    """Load a user's module from its source, whose imports find the modules of its own folder too."""

    def path_stats(self, path: str) -> Any:
        # Without a time of change no compiled file is read or written: what runs is what the file says.
        raise OSError

    def get_data(self, path: str) -> bytes:
        return _adopted[self.name][1] if self.name in _adopted else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType | None:
        _sources[fullname] = (Path(self.path), self.get_data(self.path))
        return super().get_code(fullname)

    def exec_module(self, module: ModuleType) -> None:
        package = ".".join(module.__name__.split(".")[:3])
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": partial(_import, package)}
        super().exec_module(module)


_sources: dict[str, tuple[Path, bytes]] = {}  # what was loaded, by the module's name
_adopted: dict[str, tuple[Path, bytes]] = {}  # what another process has loaded


def _import(
    package: str, name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] = (), level: int = 0
) -> Any:
    """Import for a user's module: as Python does, and what Python does not find, from the module's own folder."""
    top = name.partition(".")[0]
    for home in () if level or _known(top) else (package, _package(Path.cwd())):
        if f"{home}.{top}" in _adopted or _beside(_root(home), top):
            whole = builtins.__import__(f"{home}.{name}", globals, locals, fromlist or ("__name__",), 0)
            return whole if fromlist else sys.modules[f"{home}.{top}"]
    return builtins.__import__(name, globals, locals, fromlist, level)


def _known(top: str) -> bool:
    try:
        return top in sys.modules or find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _beside(root: Path, top: str) -> bool:
    return (root / f"{top}.py").is_file() or (root / top).is_dir()


def _forget_changed(root: Path) -> None:
    """Let a folder's modules be imported again when one of their files has changed since, as in a notebook."""
    package = _package(root) + "."
    loaded = [name for name in _sources if name.startswith(package)]
    if any(not file.is_file() or file.read_bytes() != source for file, source in (_sources[n] for n in loaded)):
        for name in loaded:
            sys.modules.pop(name, None)
            del _sources[name]


if not any(isinstance(finder, type) and finder.__name__ == _Finder.__name__ for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder)  # first: the folder of a package would be looked through by the others too
