"""JSON Lines, and JSON files that are one array, or hold one: one object a row."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from curate.errors import cut
from curate.rows import Bad, Batch, Part
from curate.sources import files
from curate.sources.columns import Record, describe
from curate.sources.layout import Layout, Options
from curate.sources.records import Read, batches, start
from curate.sources.shapes import Shape

# Each list or object of a record costs twenty times its two bytes once it is read: no honest record holds more.
MAX_NESTED = 1_000_000
# Deeper than any data set nests; json itself gives up at about a thousand levels.
MAX_DEPTH = 64
_NESTED = frozenset({dict, list})
_CHUNK = 2**20
# What the list of records is called in a file that is one object, as in {"version": 1, "data": [...]}.
_LISTS = {"data", "dataset", "entries", "examples", "instances", "items", "records", "rows", "samples", "train"}
SUFFIXES = (".jsonl", ".ndjson", ".json", ".zst")


def jsonl(
    path: Path,
    *,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
    encoding: str | None = None,
) -> list[Part]:
    r"""Read JSON Lines, packed (.gz .bz2 .xz .zst) or not; also .json files that are one array, or hold one.

    Broken UTF-8, broken JSON, a line that is no object, text that is not Unicode (half a surrogate pair) or a
    wrong value in a standard column make that record bad and no other. In an array, broken JSON makes the
    rest of the file bad: where the next item starts cannot be known. Of a key that stands twice the last
    value counts. A .json file that is one object is read as the list in it that is called `data`, `rows`, `items`,
    `records`, `examples`, `instances`, `entries`, `samples`, `dataset` or `train`.

    Args:
        path: a file, a folder (its .jsonl, .ndjson and .json files, packed or not, and .zst dumps) or a glob.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how conversations and pairs are laid out; found by the keys when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.
        encoding: what the file is in, as in `cp1252`; UTF-8, or what its mark says, when not given.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, or none holds a prompt.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = file.write_text('{"question": "2 + 2?", "answer": "4"}\n{"question": 5}\n')
    >>> [batch] = jsonl(file)[0].read(1000)
    >>> batch.rows.to_dicts(), batch.bad[0].where, batch.bad[0].error
    ([{'prompt': '2 + 2?', 'response': '4'}], 'line 2', 'prompt: expected text, got the number 5')
    """
    options = Options(columns or {}, shape, domain, license)
    parts = files.parts(path, SUFFIXES, partial(_read, options, encoding), partial(_split, options, encoding))
    first = parts[0].files[0]
    start(first, read(first, encoding), options)
    return parts


def _read(options: Options, encoding: str | None, file: Path, batch_rows: int) -> Iterator[Batch]:
    stream, layout = start(file, read(file, encoding), options)
    yield from batches(file, stream, layout, unit(file, encoding), batch_rows)


def _split(options: Options, encoding: str | None, file: Path, size: int) -> Iterator[tuple[str, files.Reader]]:
    """Cut a file of plain lines; its layout is settled on its first records, as for the whole of it."""
    if unit(file, encoding) == "item":
        return
    layout = start(file, read(file, encoding), options)[1]
    for piece in files.ranges(file, size, encoding):
        yield f"lines after {piece.before:,}", partial(_read_piece, layout, file, piece)


def _read_piece(layout: Layout, file: Path, piece: files.Range, batch_rows: int) -> Iterator[Batch]:
    # A layout counts what is left out, so each piece needs its own.
    yield from batches(file, _lines(file, None, piece), deepcopy(layout), "line", batch_rows)


def read(file: Path, encoding: str | None = None) -> Iterator[Read | Bad]:
    """Yield the records of a JSON file and, in their place, those that cannot be read."""
    return _items(file, encoding) if unit(file, encoding) == "item" else _lines(file, encoding)


def unit(file: Path, encoding: str | None = None) -> str:
    """Say what a record of the file is: 'item' in a .json file that is an array or holds one, else 'line'."""
    if files.kind(file) != ".json":
        return "line"
    with files.encoded(file, encoding) as stream, suppress(*files.damage(), ValueError, RecursionError):
        files.skip_mark(stream)
        _enter(_Text(stream))
        return "item"
    return "line"


def _lines(file: Path, encoding: str | None, piece: files.Range | None = None) -> Iterator[Read | Bad]:
    for line in files.lines(file, encoding=encoding, piece=piece):
        if isinstance(line, Bad):
            yield line
            continue
        number, raw, size = line
        try:
            yield Read(number, raw, size, _parsed(raw, size))
        except (ValueError, RecursionError) as error:
            yield files.bad(file, f"line {number}", reason(error), raw, size)


def _parsed(raw: bytes, size: int) -> Record:
    if size > len(raw):
        raise ValueError(f"the line is longer than {files.MAX_RECORD // 2**20} MiB")
    check_size(raw)
    return _check(parse(raw))


def parse(raw: bytes) -> Any:
    """Parse JSON as json does, at three times its speed.

    Raises:
        ValueError: as json does.
    """
    try:
        return from_json(raw, cache_strings="keys")
    except ValueError:  # json takes half a surrogate pair too, and its messages are the ones people know
        # json.loads of bytes would let UTF-8 of lone surrogates through, hence the decoding first.
        return json.loads(raw.decode("utf-8"))


def check_size(raw: bytes) -> None:
    """Raise ValueError for JSON that would take far more memory than its size."""
    if len(raw) > 2 * MAX_NESTED and raw.count(b"[") + raw.count(b"{") > MAX_NESTED:
        raise ValueError(f"it holds more than {MAX_NESTED:,} lists and objects")


def _check(value: object) -> Record:
    """Refuse what parses but is no record. Text that is not Unicode is found later, when columns are made."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {describe(value)}")
    if not _NESTED.isdisjoint(map(type, value.values())) and _deeper(value, MAX_DEPTH + 1):
        raise RecursionError
    return value


def _deeper(value: dict[str, Any] | list[Any], levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner if type(item) in _NESTED)


def reason(error: ValueError | RecursionError) -> str:
    """Say in words why a record cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return files.not_utf8(error)
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return f"nested more than {MAX_DEPTH} levels deep"
    return str(error)


def _items(file: Path, encoding: str | None) -> Iterator[Read | Bad]:
    """Read an array item by item, holding one item and a chunk of the file at a time."""
    number = 0
    with files.encoded(file, encoding) as stream:
        try:
            files.skip_mark(stream)
            text = _Text(stream)
            is_inside = _enter(text)
            while not (text.ahead() == "]" and number == 0):
                yield _item(file, number + 1, text)
                number += 1
                if text.ahead() == "]":
                    break
                text.take(",")
            text.take("]")
            if is_inside:
                _leave(text)
            if text.ahead():
                raise ValueError("there is more after the end of the array")
        except files.damage() as error:
            yield files.broken(file, f"after item {number}", error)
        except (ValueError, RecursionError) as error:
            remaining = text.rest()
            error_ = f"{reason(error)}; where the next item starts cannot be known"
            yield files.bad(file, f"item {number + 1}", error_, *remaining)


def _enter(text: _Text) -> bool:
    """Step into the array that a text is, or into the list of records in its object; tell which it was.

    Raises:
        ValueError: when it is neither: a list of turns, say, belongs to a record.
    """
    if text.ahead() != "{":
        text.take("[")
        return False
    text.take("{")
    while not (_key(text).lower() in _LISTS and text.ahead() == "["):
        text.value()
        text.take(",")
    text.take("[")
    if not isinstance(first := text.peek(), dict) or {"role", "from"} & first.keys():
        raise ValueError("these are no records")
    return True


def _leave(text: _Text) -> None:
    """Step out of an object behind its list of records; another such list in it is not passed over in silence."""
    while text.ahead() == ",":
        text.take(",")
        key, value = _key(text), text.value()[0]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise ValueError(f"the list '{cut(key)}' is one more, and one is read")
    text.take("}")


def _key(text: _Text) -> str:
    key = text.value()[0]
    text.take(":")
    return str(key)


class _Text:
    """The text of a stream from one position on, filled up as it is needed."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        # Broken bytes become lone surrogates and turn back into themselves: only their own item is bad.
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._text, self._at, self._ended = "", 0, False
        self._json = json.JSONDecoder()

    def _fill(self) -> bool:
        if self._ended:
            return False
        remaining = self._text[self._at :]
        packed = self._stream.read(max(_CHUNK, len(remaining)))  # doubling: a long item is not scanned too often
        self._ended = not packed
        self._text, self._at = remaining + self._decode(packed, self._ended), 0
        return True

    def ahead(self) -> str:
        """Look at the next character that is not blank; '' at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, mark: str) -> None:
        """Step over a character that must come next."""
        if (char := self.ahead()) != mark:
            raise ValueError(f"not JSON: expected {mark!r}, got {repr(char) if char else 'the end of the file'}")
        self._at += 1

    def value(self) -> tuple[Any, str]:
        """Take the next value, parsed and as it stands."""
        self.ahead()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - 16 or error.msg.startswith("Unterminated string")
                if cut and len(self._text) - self._at < files.MAX_RECORD and self._fill():
                    if self._text.count("[") + self._text.count("{") > 2 * MAX_NESTED:
                        raise ValueError(f"it holds more than {MAX_NESTED:,} lists and objects") from None
                    continue
                raise json.JSONDecodeError(error.msg, self._text[self._at :], error.pos - self._at) from None
            if end == len(self._text) and self._fill():
                continue
            source, self._at = self._text[self._at : end], end
            return value, source

    def peek(self) -> Any:
        """Look at the next value."""
        value, source = self.value()
        self._at -= len(source)
        return value

    def rest(self) -> tuple[bytes, int]:
        """Give the beginning of what is left, and the size of all of it in bytes."""
        remaining = self._text[self._at :].encode("utf-8", "surrogateescape")
        size = len(remaining)
        while packed := self._stream.read(_CHUNK):
            size += len(packed)
        return remaining[:2000], size


def _item(file: Path, number: int, text: _Text) -> Read | Bad:
    value, source = text.value()
    raw = source.encode("utf-8", "surrogateescape")
    try:
        raw.decode("utf-8")
        return Read(number, raw, len(raw), _check(value))
    except (ValueError, RecursionError) as error:
        return files.bad(file, f"item {number}", reason(error), raw)
