"""The quarantine: records that could not be read, summed up by what was wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curate.rows import Bad


def line_of(source: str, bad: Bad) -> str:
    """Write a record that could not be read as a line of quarantine.jsonl."""
    line = json.dumps({"source": source, **bad._asdict()}, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace").decode("utf-8")  # a reason may quote half of a character


def together(files: Iterable[Path]) -> str:
    """Gather the records of several quarantine files, in one order."""
    # No splitlines: it cuts at marks that stand inside a record.
    lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    return "".join(f"{line}\n" for line in sorted(lines))


def sentences(file: Path, source: str) -> Iterator[str]:
    """Read one source's records out of a quarantine file as sentences: where, and what was wrong."""
    with file.open(encoding="utf-8") as lines:
        for bad in map(json.loads, lines):
            if bad["source"] == source:
                yield f"{bad['file']}, {bad['where']}: {bad['error']}"


def frequent(reasons: Iterable[str | None]) -> str:
    """Write the three most frequent reasons, each with its count.

    >>> frequent(["no answer", "no answer", None])
    'no answer (2); no reason given (1)'
    """
    counts = Counter(reason or "no reason given" for reason in reasons)
    return "; ".join(f"{reason} ({n:,})" for reason, n in counts.most_common(3))


def reasons(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Count the records of quarantine.jsonl by source and error, the most frequent first.

    `first` is where the first of them stood.

    >>> bad = {"source": "se", "file": "Posts.xml", "where": "line 7", "error": "no closing tag"}
    >>> reasons([json.dumps(bad)])
    [{'source': 'se', 'error': 'no closing tag', 'records': 1, 'first': 'Posts.xml, line 7'}]
    """
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        bad = json.loads(line)
        new = {name: bad[name] for name in ("source", "error")}
        first = f"{bad['file']}, {bad['where']}"
        count = counts.setdefault((bad["source"], bad["error"]), {**new, "records": 0, "first": first})
        count["records"] += 1
    return sorted(counts.values(), key=lambda reason: (-reason["records"], reason["source"], reason["error"]))
