"""The quarantine: records that could not be read, summed up by what was wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def reasons(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Count the records of quarantine.jsonl by source and error, the most frequent first.

    `first` is where the first of them stood.

    >>> bad = {"source": "se", "file": "Posts.xml", "where": "line 7", "error": "no closing tag"}
    >>> reasons([json.dumps(bad)])
    [{'source': 'se', 'error': 'no closing tag', 'records': 1, 'first': 'Posts.xml, line 7'}]
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        bad = json.loads(line)
        new = {name: bad[name] for name in ("source", "error")}
        first = f"{bad['file']}, {bad['where']}"
        alike = found.setdefault((bad["source"], bad["error"]), {**new, "records": 0, "first": first})
        alike["records"] += 1
    return sorted(found.values(), key=lambda reason: (-reason["records"], reason["source"], reason["error"]))
