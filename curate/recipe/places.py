"""Paths into a config: as messages spell them, as `--set` takes them, and what stands there."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.reader import ReaderError

from curate.errors import UserError, cut
from curate.models.settings import find_code, find_secrets

KeyPath: TypeAlias = tuple[str | int, ...]
_SHORT = 60  # characters of a value that a message repeats
_LISTED_KEYS = 10  # keys listed at once
_PLAIN = re.compile(r"[^\W\d][\w:/@-]*")  # a key that stands in a path without quotes
_PART = re.compile(
    r"""\[(?P<index>\d{1,9})\] | \["(?P<quoted>(?:[^"\\]|\\.)*)"\] | \.?(?P<bare>[^.=\[\]"]+)""", re.VERBOSE
)


def spell(path: KeyPath) -> str:
    """Write a path as a person reads it, and as `--set` takes it: `parse_path` gives the same path again.

    >>> print(spell(("sources", "wikihow", "steps", 3, "keep")), spell(("texts", "a b.txt", "x")))
    sources.wikihow.steps[3].keep texts["a b.txt"].x
    """
    return "".join(map(_part, path)).removeprefix(".")


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _PLAIN.fullmatch(part):
        return f".{part}"
    return f"[{json.dumps(part, ensure_ascii=not part.isprintable())}]"


def parse_path(text: str) -> KeyPath:
    """Read a path: keys with dots between, `[3]` for an item of a list, `["a.b"]` for a key that is no plain word.

    Raise ValueError in words for anything else.

    >>> parse_path('sources.mine.steps[0].keep["own.module:f"].max')
    ('sources', 'mine', 'steps', 0, 'keep', 'own.module:f', 'max')
    """
    path, end = scan(text)
    if end < len(text):
        raise ValueError(f"{short(text)} is no path, see {short(text[end:])}: write it like steps[0].keep.length.max")
    return path


def scan(text: str) -> tuple[KeyPath, int]:
    """Read a path as far as it goes, and say where it ends."""
    path: list[str | int] = []
    end = 0
    while (match := _PART.match(text, end)) and (match[0][0] != ".") == (end == 0 or match[0][0] == "["):
        if match["index"] is not None:
            path.append(int(match["index"]))
        elif match["bare"] is not None:
            path.append(match["bare"])
        else:
            try:
                path.append(json.loads(f'"{match["quoted"]}"', strict=False))
            except ValueError:
                break
        end = match.end()
    return tuple(path), end


def short(value: object) -> str:
    """Write a value as Python does, cut to what a line of a message holds."""
    text = repr(value)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def existing(path: Sequence[str | int], data: Any) -> KeyPath:
    """Take out of a checker's path what is no key or item of the data, such as its names for kinds of values."""
    kept: list[str | int] = []
    for i, part in enumerate(path):
        is_item = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, Mapping) and part in data):
            data = data[part]
        elif not (isinstance(data, Mapping) and i == len(path) - 1 and isinstance(part, str) and part != "[key]"):
            continue
        kept.append(part)
    return tuple(kept)


def put(data: dict[str, Any], path: KeyPath, value: Any) -> KeyPath:
    """Set what stands at a path, and return the path as the data has it; raise ValueError in words when it cannot be.

    What is on the way is copied: an anchor's other uses stay as they are. Keys that are missing are made; a name alone
    (`keep: length`) becomes one with parameters where the path goes on into it.
    """
    here: Any = data
    exact: list[str | int] = []
    for i, part in enumerate(path):
        at: Any = _at(here, part, path[:i])
        exact.append(at)
        if i == len(path) - 1:
            here[at] = value
            break
        below = here[at] if isinstance(here, list) else here.get(at)
        if isinstance(below, dict | list):
            here[at] = copy(below)
        elif below is None or below == path[i + 1]:
            here[at] = {} if below is None else {below: {}}
        else:
            raise ValueError(f"{spell(path[: i + 1])} holds {kind_of(below)}, and nothing below it can be set")
        here = here[at]
    return tuple(exact)


def _at(here: Any, part: str | int, above: KeyPath) -> str | int:
    """Find the key or the number of an item that a part of a path means."""
    where = spell(above) or "the file"
    if isinstance(here, dict):
        if isinstance(part, int):
            raise ValueError(f"{where} holds keys, not a list: {_keys(here)}")
        return part
    index = int(part) if isinstance(part, str) and part.isdecimal() and len(part) < 10 else part
    if not isinstance(index, int) or index >= len(here):
        last = f", [0] to [{len(here) - 1}]" if here else ""
        raise ValueError(f"{where} is a list of {len(here)} items{last}: there is no {cut(str(part))}")
    return index


def _keys(data: dict[str, Any]) -> str:
    return ", ".join(map(str, list(data)[:_LISTED_KEYS])) or "none"


def kind_of(value: Any) -> str:
    """Say in words what a value is."""
    kinds = {dict: "keys with values", list: "a list", str: f"the text {short(value)}", type(None): "nothing"}
    return kinds.get(type(value), f"the value {short(value)}")


_TOLD = 10  # errors told at once: what a screen holds
_LARGEST = 1_000_000  # bytes of a file; the longest recipe of ours has 12,000
_UNFOLDED = 10_000_000  # characters that a file may unfold to by its anchors
_A_NODE = 50  # characters that a value counts beside its own: about what it takes in memory
_DEEPEST = 64  # levels of lists and mappings
_DIGITS = 400  # characters of a number: a float written out may have 300
_YAML = "tag:yaml.org,2002:"
_TAGS = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing",
    "seq": "a list", "map": "keys with values", "merge": "a merge",
}  # fmt: skip
_SCALARS = {f"{_YAML}{name}" for name in ("int", "float", "bool", "null", "timestamp", "value")}
_NOT_DECIMAL = re.compile(r"[-+]?(0[0-7_]+$|[0-9][0-9_]*:)")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a recipe: where it is, and what would be right."""

    path: KeyPath
    message: str
    line: int = 0
    file: str = ""  # where it is not the recipe's own: the one that it extends


class RecipeError(UserError):
    """Tell what is wrong with a recipe, ten errors at once, in the order of its lines; `problems` are all of them."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems, key=lambda p: (p.file != "", p.file, p.line))
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        # An anchor used twice is wrong twice, but stands on one line and is told once.
        told: dict[tuple[str, int, str], list[Problem]] = {}
        for problem in self.problems:
            told.setdefault((problem.file or self.file, problem.line, problem.message), []).append(problem)
        for (file, line, message), same in list(told.items())[:_TOLD]:
            place = f"{file}:{line}" if line else file
            more = f" (and in {len(same) - 1} more places that use this anchor)" if len(same) > 1 else ""
            yield f"{place}: at {spell(same[0].path)}{more}" if same[0].path else place
            yield f"    {message}"
        if len(told) > _TOLD:
            yield f"and {len(told) - _TOLD:,} more errors, told when these are mended"


def refuse_secrets(data: Any, places: Places, under: KeyPath = (), *, code: bool = True) -> None:
    """Raise RecipeError where settings hold a secret, or, with `code`, name code that another library would run.

    Nothing else is said then, since a sentence about another problem may quote the value. `under` is where the data
    stand in their file.
    """
    wrong = [*find_secrets(data, under), *(find_code(data, under) if code else ())]
    if wrong:
        raise RecipeError(places.file, [Problem(p, m, places.line(p), places.other_file(p)) for p, m in wrong])


@dataclass
class Places:
    """The line of every path in a recipe, and its file where that is one the recipe extends; `--set` has no line."""

    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    files: dict[KeyPath, str] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """Find the line of a path, or of the nearest thing around it that has one."""
        return self.lines.get(self._near(path), 0)

    def other_file(self, path: KeyPath) -> str:
        """Find the file that a path stands in, where it is not the recipe's own."""
        return self.files.get(self._near(path), "")

    def __call__(self, path: KeyPath) -> str:
        """Spell a place as file:line."""
        file, line = self.other_file(path) or self.file, self.line(path)
        return f"{file}:{line}" if line else file

    def _near(self, path: KeyPath) -> KeyPath:
        while path and path not in self.lines:
            path = path[:-1]
        return path


def read_yaml(file: Path) -> tuple[dict[str, Any], Places]:
    """Read a YAML mapping with the line of each of its keys and items; raise `RecipeError` if it is not one."""
    places = Places(str(file))
    problems: list[Problem] = []
    data = _read(_text(file), places.lines, problems)
    if not problems and not isinstance(data, dict):
        problems.append(Problem((), f"the file should hold keys with values (`key: value`), not {kind_of(data)}", 1))
    if problems:
        raise RecipeError(str(file), problems)
    return data, places


def read_value(text: str) -> Any:
    """Read one YAML value, as `--set` has it; raise ValueError in words.

    >>> read_value("[1, two]"), read_value("")
    ([1, 'two'], None)
    """
    problems: list[Problem] = []
    value = _read(text, {}, problems)
    if problems:
        at = f"at {spell(problems[0].path)}: " if problems[0].path else ""
        raise ValueError(f"{short(text)} cannot be read: {at}{problems[0].message}")
    return value


def _text(file: Path) -> str:
    """Read a text file that is no larger than a person would write."""
    try:
        if file.exists() and not file.is_file():  # a pipe or a device may never end
            raise RecipeError(str(file), [Problem((), f"is {'a folder' if file.is_dir() else 'no regular file'}")])
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            message = f"is larger than {_LARGEST // 1000:,} kB, the most that is read: put long lists into files"
            raise RecipeError(str(file), [Problem((), message)])
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise RecipeError(str(file), [Problem((), "there is no such file")]) from None
    except OSError as error:
        raise RecipeError(str(file), [Problem((), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise RecipeError(str(file), [Problem((), f"is not UTF-8 text: see byte {error.start + 1}")]) from None
    except ValueError as error:  # a name with a NUL
        raise RecipeError(str(file), [Problem((), f"cannot be read: {error}")]) from None


class _TooDeep(Exception):
    """Say on which line a value lies too deep."""


class _Loader(yaml.SafeLoader):
    """PyYAML's own safe loader, with a bound on depth: it calls itself for every level."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read one node."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _TooDeep(self.peek_event().start_mark.line + 1)  # type: ignore[no-untyped-call]
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _read(text: str, lines: dict[KeyPath, int], problems: list[Problem]) -> Any:
    """Read a YAML document, None for an empty one; what is wrong with it goes to `problems`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        walk = _Walk(loader, lines, problems)
        walk.node(node, (), ())
        return None if problems else loader.construct_document(node)
    except _TooDeep as error:
        problems.append(Problem((), f"values lie more than {_DEEPEST} levels deep", error.args[0]))
    except _TooMuch:
        message = f"its anchors (&, *) unfold to more than {_UNFOLDED // 1_000_000} MB"
        problems.append(Problem((), message))
    except Exception as error:  # PyYAML raises errors of many kinds for text that is broken, such as `"\\UFFFFFFFF"`
        problems.append(_syntax(error, text))
    return None


def _syntax(error: Exception, text: str) -> Problem:
    if isinstance(error, ReaderError):
        message = f"the character U+{error.character:04X} cannot stand there; write it as an escape in quotes"
        return Problem((), f"not valid YAML: {message}", text.count("\n", 0, error.position) + 1)
    mark = getattr(error, "problem_mark", None)
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    message = ", ".join(filter(None, parts)) or str(error).partition("\n")[0]
    if "'\\t'" in message:
        message += " (a tab: indent with spaces)"
    return Problem((), f"not valid YAML: {message}", mark.line + 1 if mark else 0)


class _TooMuch(Exception):
    """Say that anchors unfold to more than memory should hold."""


class _Walk:
    """One walk over all that a document unfolds to: the line of every path, and what is wrong with keys and values."""

    def __init__(self, loader: _Loader, lines: dict[KeyPath, int], problems: list[Problem]) -> None:
        self.loader, self.lines, self.problems = loader, lines, problems
        self.size = 0

    def problem(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        """Note what is wrong, where it stands."""
        self.problems.append(Problem(path, message, node.start_mark.line + 1))

    def node(self, node: yaml.Node, path: KeyPath, above: tuple[int, ...]) -> None:
        """Look at a node and all below it."""
        if id(node) in above:
            return self.problem(node, path, "an anchor contains itself")
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.size += _A_NODE + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self.size > _UNFOLDED:
            raise _TooMuch
        name = node.tag.removeprefix(_YAML)
        if name not in _TAGS:
            return self.problem(node, path, _no_tag(node, name))
        if isinstance(node, yaml.ScalarNode):
            value = self.value(node, path)
            if isinstance(value, str) and not _encodable(value):
                self.problem(node, path, "holds half a character (a surrogate such as \\uD800)")
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                self.node(item, (*path, i), (*above, id(node)))
        elif isinstance(node, yaml.MappingNode):
            self.keys(node, path, (*above, id(node)))
        return None

    def keys(self, node: yaml.MappingNode, path: KeyPath, above: tuple[int, ...]) -> None:
        """Look at the keys of a mapping, each of which is a text that stands once, and at what they hold."""
        seen: set[str] = set()
        for key, value in node.value:
            merge = key.tag == f"{_YAML}merge"
            if not merge and (not isinstance(key, yaml.ScalarNode) or key.tag != f"{_YAML}str"):
                word = f"'{key.value}', which YAML reads as another kind of value," if key.tag in _SCALARS else "this"
                self.problem(key, path, f"a key is text, and {cut(word)} is none: put a text in quotes")
                continue
            name = str(key.value)
            if not _encodable(name):
                self.problem(key, path, f"the key {short(name)} holds half a character (a surrogate such as \\uD800)")
                continue
            if name in seen:
                self.problem(key, (*path, name), "this key stands twice here")
            seen.add(name)
            inner = path if merge else (*path, name)
            self.lines[inner] = self.lines.get(inner, 0) if merge else key.start_mark.line + 1
            self.node(value, inner, above)

    def value(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        """Make the value of a scalar, which YAML's own words for numbers may not allow."""
        text, number = node.value, node.tag in (f"{_YAML}int", f"{_YAML}float")
        if number and _NOT_DECIMAL.match(text):  # 010 and 1:30 are 8 and 90 in YAML
            return self.problem(node, path, f"{cut(text)} is no decimal number: write it without ':' and leading 0s")
        if number and len(text) > _DIGITS:
            return self.problem(node, path, f"a number of {len(text):,} characters is too long: numbers have 64 bits")
        try:
            value = self.loader.construct_object(node)
        except Exception:  # int(), float() and the like raise what they will
            kind = _TAGS[node.tag.removeprefix(_YAML)]
            return self.problem(node, path, f"{cut(text)} is not {kind}")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return self.problem(node, path, f"{cut(text)} is beyond 64 bits")
        if isinstance(value, float) and math.isnan(value):
            return self.problem(node, path, f"{cut(text)} is not a number")
        return value


def _no_tag(node: yaml.Node, name: str) -> str:
    if isinstance(node, yaml.ScalarNode) and name in {"timestamp", "value"}:
        return f"{cut(node.value)} is {'a date' if name == 'timestamp' else 'a sign'} in YAML: put a text in quotes"
    return (
        f"the tag '!!{cut(name)}' is not read here: leave it out"
        if node.tag.startswith(_YAML)
        else (f"the tag '{cut(node.tag)}' is not read here: leave it out")
    )


def _encodable(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text) if not text.isascii() else True


def set_value(data: dict[str, Any], assignment: str) -> KeyPath:
    """Set one `PATH=VALUE`, the path as messages spell it, the value YAML; raise ValueError in words when it cannot be.

    >>> data = {"sources": {"a": {"take": 1}}, "steps": [{"keep": "length"}]}
    >>> set_value(data, "sources.a.take=5"), data["sources"]
    (('sources', 'a', 'take'), {'a': {'take': 5}})
    >>> set_value(data, "steps[0].keep.length.max=9"), data["steps"]
    (('steps', 0, 'keep', 'length', 'max'), [{'keep': {'length': {'max': 9}}}])
    """
    path, value = parse_assignment(assignment)
    try:
        return put(data, path, value)
    except ValueError as error:
        raise ValueError(f"--set {spell(path)}: {error}") from None


def parse_assignment(text: str) -> tuple[KeyPath, Any]:
    """Read `PATH=VALUE`; raise ValueError in words for anything else."""
    path, end = scan(text)
    if not path or text[end : end + 1] != "=":
        raise ValueError(f"--set takes KEY=VALUE, such as steps[0].keep.length.max=200, not {short(text)}")
    try:
        return path, read_value(text[end + 1 :])
    except ValueError as error:
        raise ValueError(f"--set {spell(path)}: {error}") from None
