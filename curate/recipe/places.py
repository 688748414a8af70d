"""YAML files whose every value has a path and a line: reading them, setting values in them, telling what is wrong."""

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

from curate.errors import LINE, UserError, cut
from curate.models.settings import find_code, find_secrets

KeyPath: TypeAlias = tuple[str | int, ...]
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
    return text if len(text) <= LINE else f"{text[: LINE - 1]}…"


def existing(path: Sequence[str | int], data: Any) -> KeyPath:
    """Take out of a checker's path what is no key or item of the data, such as its names for kinds of values."""
    parts: list[str | int] = []
    for i, part in enumerate(path):
        is_item = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, Mapping) and part in data):
            data = data[part]
        elif not (isinstance(data, Mapping) and i == len(path) - 1 and isinstance(part, str) and part != "[key]"):
            continue
        parts.append(part)
    return tuple(parts)


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
            keys = ", ".join(map(str, list(here)[:10]))
            raise ValueError(f"{where} holds keys, not a list: {keys}" if here else f"{where} is empty, or not there")
        return part
    index = int(part) if isinstance(part, str) and part.isdecimal() and len(part) < 10 else part
    if not isinstance(index, int) or index >= len(here):
        last = f", [0] to [{len(here) - 1}]" if here else ""
        raise ValueError(f"{where} is a list of {len(here)} items{last}: there is no {cut(str(part))}")
    return index


def kind_of(value: Any) -> str:
    """Say in words what a value is."""
    kinds = {dict: "keys with values", list: "a list", str: f"the text {short(value)}", type(None): "nothing"}
    return kinds.get(type(value), f"the value {short(value)}")


_ERRORS = 10  # told at once: what a screen holds
_LARGEST = 1_000_000  # bytes of a file; the longest recipe of ours has 12,000
_UNFOLDED = 10_000_000  # characters that a file may unfold to by its anchors
_A_NODE = 50  # characters that a value counts beside its own: about what it takes in memory
_DEEPEST = 64  # levels of lists and mappings
_DIGITS = 400  # characters of a number: a float written out may have 300
_YAML = "tag:yaml.org,2002:"
_KINDS = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing",
    "seq": "a list", "map": "keys with values", "merge": "a merge",
}  # fmt: skip
_NOT_TEXT = {f"{_YAML}{name}" for name in ("int", "float", "bool", "null", "timestamp", "value")}
_NOT_DECIMAL = re.compile(r"[-+]?(0[0-7_]+$|[0-9][0-9_]*:)")
_HALF = re.compile("[\ud800-\udfff]")  # of a pair that encodes one character


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
        distinct: dict[tuple[str, int, str], list[Problem]] = {}
        for problem in self.problems:
            distinct.setdefault((problem.file or self.file, problem.line, problem.message), []).append(problem)
        for (file, line, message), same in list(distinct.items())[:_ERRORS]:
            place = f"{file}:{line}" if line else file
            others = len(same) - 1
            more = f" (and {others} more of this line or by an anchor)" if others else ""
            yield f"{place}: at {spell(same[0].path)}{more}" if same[0].path else place
            yield f"    {message}"
        if len(distinct) > _ERRORS:
            yield f"and {len(distinct) - _ERRORS:,} more errors, told when these are mended"


@dataclass
class Places:
    """The line of every path in a recipe, and its file where that is one the recipe extends; `--set` has no line."""

    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    files: dict[KeyPath, str] = field(default_factory=dict)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Say what is wrong at a path."""
        return Problem(path, message, self.line(path), self.other_file(path))

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


def refuse_secrets(data: Any, places: Places, under: KeyPath = (), *, code: bool = True) -> None:
    """Raise RecipeError where settings hold a secret, or, with `code`, name code that another library would run.

    Nothing else is said then, since a sentence about another problem may quote the value. `under` is where the data
    stand in their file.
    """
    wrong = [*find_secrets(data, under), *(find_code(data, under) if code else ())]
    if wrong:
        raise RecipeError(places.file, [places.problem(path, message) for path, message in wrong])


def read_yaml(file: Path) -> tuple[dict[str, Any], Places]:
    """Read a YAML mapping with the line of each of its keys and items; raise `RecipeError` if it is not one."""
    document = _Document(_text(file))
    data, problems = document.data, document.problems
    if not problems and not isinstance(data, dict):
        problems.append(Problem((), f"the file should hold keys with values (`key: value`), not {kind_of(data)}", 1))
    if problems:
        raise RecipeError(str(file), problems)
    return data, Places(str(file), document.lines)


def read_value(text: str) -> Any:
    """Read one YAML value, as `--set` has it; raise ValueError in words.

    >>> read_value("[1, two]"), read_value("")
    ([1, 'two'], None)
    """
    document = _Document(text)
    for problem in document.problems:
        at = f"at {spell(problem.path)}: " if problem.path else ""
        raise ValueError(f"{short(text)} cannot be read: {at}{problem.message}")
    return document.data


def _text(file: Path) -> str:
    """Read a text file that is no larger than a person would write."""
    try:
        if file.exists() and not file.is_file():  # a pipe or a device may never end
            message = f"is {'a folder' if file.is_dir() else 'no regular file'}"
        else:
            with file.open("rb") as stream:
                raw = stream.read(_LARGEST + 1)
            if len(raw) <= _LARGEST:
                return raw.decode("utf-8-sig")
            message = f"is larger than {_LARGEST // 1000:,} kB, the most that is read: put long lists into files"
    except FileNotFoundError:
        message = "there is no such file"
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text: see byte {error.start + 1}"
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise RecipeError(str(file), [Problem((), message)])


class _Refused(yaml.MarkedYAMLError):
    """Stop reading a document that is valid but too much."""


class _Loader(yaml.SafeLoader):
    """PyYAML's own safe loader, with a bound on depth: it calls itself for every level."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read one node."""
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused(problem=f"values lie more than {_DEEPEST} levels deep", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Document:
    """A YAML document: its data (None where it is empty or wrong), the line of every path, and what is wrong with it.

    Its nodes are looked at before anything is made of them, each as often as anchors repeat it.
    """

    def __init__(self, text: str) -> None:
        self.data: Any = None
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self.size = 0
        try:
            self.loader = _Loader(text)
            node = self.loader.get_single_node()
            if node is not None:
                self.node(node, (), ())
            if node is not None and not self.problems:
                self.data = self.loader.construct_document(node)
        except Exception as error:  # PyYAML raises errors of many kinds for broken text, such as `"\\UFFFFFFFF"`
            self.problems.append(_syntax(error, text))

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
            raise _Refused(problem=f"its anchors (&, *) unfold to more than {_UNFOLDED // 1_000_000} MB")
        if node.tag.removeprefix(_YAML) not in _KINDS:
            return self.problem(node, path, _no_tag(node))
        if isinstance(node, yaml.ScalarNode) and (message := self.fault(node)):
            self.problem(node, path, message)
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
            if key.tag == f"{_YAML}merge":
                self.node(value, path, above)
                continue
            name = str(key.value)
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_YAML}str":
                word = f"'{name}', which YAML reads as another kind of value," if key.tag in _NOT_TEXT else "this"
                self.problem(key, path, f"a key is text, and {cut(word)} is none: put a text in quotes")
            elif _HALF.search(name):
                self.problem(key, path, f"the key {short(name)} holds half a character (a surrogate such as \\uD800)")
            else:
                if name in seen:
                    self.problem(key, (*path, name), "this key stands twice here")
                seen.add(name)
                self.lines[*path, name] = key.start_mark.line + 1
                self.node(value, (*path, name), above)

    def fault(self, node: yaml.ScalarNode) -> str | None:
        """Say what is wrong with a scalar, which YAML's own words for numbers may not allow."""
        text, number = node.value, node.tag in (f"{_YAML}int", f"{_YAML}float")
        if number and _NOT_DECIMAL.match(text):  # 010 and 1:30 are 8 and 90 in YAML
            return f"{cut(text)} is no decimal number: write it without ':' and leading 0s"
        if number and len(text) > _DIGITS:
            return f"a number of {len(text):,} characters is too long: numbers have 64 bits"
        try:
            value = self.loader.construct_object(node)
        except Exception:  # int(), float() and the like raise what they will
            return f"{cut(text)} is not {_KINDS[node.tag.removeprefix(_YAML)]}"
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"{cut(text)} is beyond 64 bits"
        if isinstance(value, float) and math.isnan(value):
            return f"{cut(text)} is not a number"
        if isinstance(value, str) and _HALF.search(value):
            return "holds half a character (a surrogate such as \\uD800)"
        return None


def _no_tag(node: yaml.Node) -> str:
    name = node.tag.removeprefix(_YAML)
    if isinstance(node, yaml.ScalarNode) and name in {"timestamp", "value"}:
        return f"{cut(node.value)} is {'a date' if name == 'timestamp' else 'a sign'} in YAML: put a text in quotes"
    return f"the tag '{f'!!{cut(name)}' if name != node.tag else cut(name)}' is not read here: leave it out"


def _syntax(error: Exception, text: str) -> Problem:
    if isinstance(error, ReaderError):
        message = f"the character U+{error.character:04X} cannot stand there; write it as an escape in quotes"
        return Problem((), f"not valid YAML: {message}", text.count("\n", 0, error.position) + 1)
    mark = getattr(error, "problem_mark", None)
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    message = ", ".join(filter(None, parts)) or str(error).partition("\n")[0]
    if "'\\t'" in message:
        message += " (a tab: indent with spaces)"
    lead = "" if isinstance(error, _Refused) else "not valid YAML: "
    return Problem((), f"{lead}{message}", mark.line + 1 if mark else 0)


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
