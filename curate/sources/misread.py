"""Why nothing of a file can be read: it is of another kind than its name, or the source that reads it, says."""

from __future__ import annotations

from pathlib import Path

from curate.sources.files import PACKED, READERS, kind

_PACKINGS = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
_ARCHIVES = {b"PK\x03\x04": "a zip archive", b"7z\xbc\xaf\x27\x1c": "a 7z archive"}


def misread(file: Path, reader: str) -> str | None:
    """Say in a sentence what to do about a file that `reader` cannot read; None where its first bytes do not tell.

    >>> misread(Path("faq.csv"), "jsonl")
    'faq.csv is read by `csv`, as in `read: {csv: {path: faq.csv}}`'
    >>> misread(Path("wikihowAll.csv"), "wikihow")
    """
    if reader not in READERS.values():
        return None
    start, name, suffix = _start(file), file.name, file.suffix.lower()
    for mark, what in _ARCHIVES.items():
        if start.startswith(mark):
            return f"{name} is {what}: unpack it"
    packing = next((ending for mark, ending in _PACKINGS.items() if start.startswith(mark)), None)
    unpacked = file.stem if suffix in PACKED else name
    if packing and packing != suffix:
        return f"{name} is packed as a {packing} file: name it {unpacked}{packing}"
    if start and suffix in PACKED and not packing:
        return f"{name} is not packed, though its name says so: name it {unpacked}"
    right = "parquet" if start.startswith(b"PAR1") else READERS.get(kind(file), reader)
    if right != reader:
        return f"{name} is read by `{right}`, as in `read: {{{right}: {{path: {name}}}}}`"
    first = start.strip().partition(b"\n")[0].strip()
    if reader == "jsonl" and first in (b"[", b"{") and kind(file) != ".json":
        return f"{name} is one JSON document, not one a line: name it {Path(unpacked).stem}.json"
    return None


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""
