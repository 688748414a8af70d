"""Results as lm-eval 0.4.13 writes them, without running it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

STAMP = "2026-01-02T03-04-05.678901"


def samples(values: Sequence[Any], measure: str = "acc", **more: Any) -> list[dict[str, Any]]:
    """A line a prompt."""
    return [
        {"doc_id": i, "filter": "none", "doc_hash": f"d{i}", "prompt_hash": f"p{i}", measure: value} | more
        for i, value in enumerate(values)
    ]


def write(
    folder: Path,
    results: Mapping[str, Mapping[str, Any]],
    lines: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    higher: Mapping[str, Mapping[str, bool]] | None = None,
) -> Path:
    """Write a run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = lines or {}
    data = {
        "results": results,
        "group_subtasks": groups or {name: [] for name in results},
        "higher_is_better": higher or {},
        "n-samples": {name: {"original": 999, "effective": len(result)} for name, result in lines.items()},
    }
    (folder / f"results_{STAMP}.json").write_text(json.dumps(data), encoding="utf-8")
    for name, result in lines.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in result)
        (folder / f"samples_{name}_{STAMP}.jsonl").write_text(text, encoding="utf-8")
    return folder
