"""A stranger's folder: rows, a finished set, and beside them code that leaves a proof wherever it runs."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from curate.cli import main

PROOF = "proof"
# Names that the library or its packages import at some time, and names of the standard library.
BAIT = (
    "numba",
    "openai",
    "yaml",
    "sitecustomize",
    "usercustomize",
    "os",
    "subprocess",
    "numpy",
    "helper",
    "mine",
    "faiss",
)
ROWS = [
    {"prompt": f"How warm is tea {i}?", "response": f"It is {i} degrees warm, more or less.", "n": i} for i in range(9)
]


def recipe(**more: Any) -> dict[str, Any]:
    return {"name": "set", "sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}}}, **more}


def step(verb: str, name: str, /, **params: Any) -> dict[str, Any]:
    return recipe(steps=[{verb: {name: params}}])


def source(name: str, /, **params: Any) -> dict[str, Any]:
    return {"name": "set", "sources": {"one": {"read": {name: params}}}}


def call(*args: object) -> Result:
    """Run the command; whatever comes of it fits on a screen and is no traceback."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{args}: a traceback") from result.exception
    height = sum(math.ceil(max(len(line), 1) / 80) for line in result.output.splitlines())
    assert result.output.strip(), args
    assert height < (24 if result.exit_code == 2 else 60) or "--json" in args, result.output
    return result


def write(data: Any, file: str = "recipe.yaml") -> Path:
    Path(file).write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return Path(file)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished set, made by the command itself."""
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(home)
        patched.setenv("CURATE_DATA", str(home))
        (home / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
        write(recipe(steps=[{"keep": {"length": {"min": 20}}}]))
        assert call("run", "recipe.yaml").exit_code == 0
    return home


@pytest.fixture
def there(tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished set in a folder full of bait, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    shutil.copy(finished / "one.jsonl", tmp_path)
    shutil.copytree(finished / "out/set", tmp_path / "out/set")
    leave = f"open({str(tmp_path / PROOF)!r}, 'a').write(__name__)\n"
    body = leave + f"def system(*a, **k):\n    {leave}def getoutput(*a, **k):\n    {leave}def reader():\n    {leave}"
    for folder in (tmp_path, tmp_path / "out/set"):
        for name in BAIT:
            (folder / f"{name}.py").write_text(body, encoding="utf-8")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/__init__.py").write_text(body, encoding="utf-8")
    (tmp_path / "pack/inner.py").write_text(body, encoding="utf-8")
    return tmp_path


@pytest.fixture
def trusted() -> None:
    """Say that what a test runs is trusted, so that the proof may be there."""


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Look for the proof, and at where Python looks for modules, after every test."""
    before = list(sys.path)
    yield
    assert sys.path == before
    if "trusted" not in request.fixturenames:
        assert not (tmp_path / PROOF).exists(), (tmp_path / PROOF).read_text()
