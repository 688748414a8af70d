"""What the tests share: small recipes over small files, run for real."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests embed and convert out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CURATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """The real data beside the project; tests that need it are skipped, loudly, where it is not."""
    folder = Path(os.environ.get("CURATE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "stackexchange").is_dir():
        pytest.skip(f"no real data: set CURATE_DATA to a folder with stackexchange/ (looked in {folder.name})")
    return folder.resolve()


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, rows: list[dict[str, Any]]) -> Path:
        file = tmp_path / name
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    def write(recipe: dict[str, Any], name: str = "recipe.yaml") -> Path:
        file = tmp_path / name
        file.write_text(yaml.safe_dump({"name": "test", **recipe}, sort_keys=False), encoding="utf-8")
        return file

    return write


def rows(n: int, **more: Any) -> list[dict[str, Any]]:
    """Make n different rows over three domains, some too short, some in the first person."""
    said = ["Warm air rises because it is less dense than the cold air around it.", "I think so.", "No."]
    return [
        {
            "prompt": f"Question {i}?",
            "response": f"{said[i % 3]} ({i})",
            "domain": "abc"[i % 3 if i % 7 else 0],
            "score": i % 10,
        }
        | more
        for i in range(n)
    ]
