"""Small runs to ask: two sources that share step names with other bounds, one of them with steps over the whole pool."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.run.run import run_recipe

_COMMON, _RARE = ["the", "model", "rain", "bread", "answer", "river", "stone"], ["I", "my", "stack exchange"]


def steps(low: int = 80, high: int = 400, least: float = 3, **absent: bool) -> list[dict[str, Any]]:
    """Write the steps of the source `qa`; a step named false is left out."""
    every: list[dict[str, Any]] = [
        {"keep": {"length": {"column": "response", "min": low, "max": high}}},
        {"keep": {"at_least": {"column": "score", "value": least}}},
        {"drop": {"first_person": {"column": "response"}}},
        {"drop": {"mentions": {"column": "response", "phrases": ["stack exchange"]}}},
        {"keep": {"length": {"column": ["prompt", "response"], "min": 12, "max": 450}}, "as": "length_2"},
        {"select": {"exact_duplicates": {"column": "prompt"}}},
    ]
    return [step for i, step in enumerate(every) if f"step_{i}" not in absent]


def recipe(qa: list[dict[str, Any]], size: int | None = None) -> dict[str, Any]:
    how = {"keep": {"length": {"column": "response", "min": 200, "max": 300}}}
    sources: dict[str, Any] = {"qa": {"read": {"jsonl": {"path": "qa.jsonl"}}, "steps": qa}}
    sources["how"] = {"read": {"jsonl": {"path": "how.jsonl"}}, "optional": True, "steps": [how]}
    return {"name": "small", **({"size": size} if size else {}), "sources": sources}


def write_data(folder: Path, rows: int = 300, same: float = 0.3) -> None:
    """Write the sources' rows; a share `same` of the prompts stand there twice."""
    draw = random.Random(5)
    for name in ("qa", "how"):
        lines = []
        for i in range(rows):
            prompt = "Why does it rain?" if draw.random() < same else f"Why {'so ' * draw.randrange(6)}{i}?"
            text = " ".join(draw.choices(_COMMON * 40 + _RARE, k=draw.randrange(100)))
            lines.append(json.dumps({"prompt": prompt, "response": text, "score": draw.randrange(9)}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def run(folder: Path, name: str, data: dict[str, Any]) -> tuple[Path, dict[str, int]]:
    """Run a recipe beside its data; give the folder, and the rows kept by source."""
    out = folder / name
    manifest = run_recipe(parse(data, Places("small.yaml"), {}), out)
    return out, {source: count["kept"] for source, count in manifest["counts"].items()}


def once_and_twice(folder: Path) -> tuple[Path, Path]:
    """Run a recipe on its data, and again when every record of them stands there twice."""
    write_data(folder, rows=50)
    once, _ = run(folder, "once", recipe(steps()))
    for name in ("qa", "how"):
        file = folder / f"{name}.jsonl"
        file.write_text(file.read_text() * 2)
    twice, _ = run(folder, "twice", recipe(steps()))
    return once, twice
