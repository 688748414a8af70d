"""Recipes and folders of strangers: nothing of theirs runs under the commands that only look, and errors fit on a screen."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.trust.conftest import PROOF, call, recipe, source, step, write

pytestmark = pytest.mark.slow

TOUCH = f"touch {PROOF}"


class Runs:
    """What leaves the proof when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (TOUCH,)


SERVER = {"openai": {"model": "m", "base_url": "http://127.0.0.1:9/v1"}}
RECIPES = [
    pytest.param(source("os:system", command=TOUCH), id="a reader of the standard library"),
    pytest.param(source("subprocess:getoutput", cmd=TOUCH), id="another one"),
    pytest.param(source("posix:system", command=TOUCH), id="a module without a file"),
    pytest.param(source("curate.run.run:run_recipe"), id="this library's own function"),
    pytest.param(source("mine:reader"), id="a reader of the folder's own"),
    pytest.param(source("pack.inner:reader"), id="a reader in a package of the folder"),
    pytest.param(source("importlib:import_module", name="mine"), id="an import in other words"),
    pytest.param(source("builtins:exec", source=f"open({PROOF!r}, 'w')"), id="a builtin"),
    pytest.param(source("os.path:os.system", command=TOUCH), id="a dotted attribute"),
    pytest.param(source("../mine:reader"), id="a path for a module"),
    pytest.param(source(":system"), id="no module"),
    pytest.param(source("mine:"), id="no function"),
    pytest.param(source("mine:__import__", name="helper"), id="a dunder"),
    pytest.param(step("keep", "subprocess:getoutput", cmd=TOUCH), id="a filter of the standard library"),
    pytest.param(step("drop", "mine:system"), id="a filter of the folder's own"),
    pytest.param(step("edit", "numpy:fromfile", file="one.jsonl"), id="a function of an installed package"),
    pytest.param(step("score", "mine:getoutput"), id="a score of the folder's own"),
    pytest.param(step("select", "mine:system"), id="a selector of the folder's own"),
    pytest.param(step("answer", "mine:system"), id="a maker of answers"),
    pytest.param(step("pair", "pickle:loads", data="cos"), id="a maker of pairs"),
    pytest.param(recipe(generators={"g": {"mine:system": {}}}), id="a generator"),
    pytest.param(recipe(judges={"j": {"mine:system": {}}}), id="a judge"),
    pytest.param(recipe(judges={"j": {"os:system": {}}}), id="a judge of the standard library"),
    pytest.param(
        {"name": "set", "sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "take": 2, "sample": {"mine:system": {}}}}},
        id="a sampler",
    ),
    pytest.param(recipe(output={"dev": {"mine:reader": {}}}), id="a reader of dev prompts"),
    pytest.param(
        recipe(generators={"g": {"vllm": {"model": "org/m", "engine": {"worker_cls": "os.system"}}}}), id="a class by name"
    ),
    pytest.param(
        recipe(generators={"g": {"transformers": {"model": "org/m", "engine": {"trust_remote_code": True}}}}),
        id="a model's own code",
    ),
    pytest.param("name: !!python/object/apply:os.system ['" + TOUCH + "']\nsources: {}\n", id="a YAML tag that calls"),
    pytest.param("name: set\nsources: !!python/module:mine\n", id="a YAML tag that imports"),
    pytest.param("name: set\nextends: mine.py\n", id="a recipe that extends code"),
    pytest.param(
        "name: \"\\e]0;x\\a\"\nsources: {\"\\e[31m\\u202e\": {read: {jsonl: {path: \"\\e[2J.jsonl\"}}}}\n", id="controls for names"
    ),
    pytest.param(recipe(generators={"g": SERVER}, judges={"j": {"rating": {"generator": "g"}}}), id="a server that is asked"),
    pytest.param(step("drop", "mentions", column="response", phrases=["[red]x[/red]", "[link=file:///]y"]), id="markup"),
]  # fmt: skip


@pytest.mark.parametrize("data", RECIPES)
def test_a_strangers_recipe_is_looked_at_and_not_run(there, data):
    result = call("check", write(data))
    assert result.exit_code in (0, 2)
    assert "\x1b" not in result.output and "\u202e" not in result.output
    if isinstance(data, str):
        return
    manifest = json.loads(Path("out/set/manifest.json").read_text())
    Path("out/set/manifest.json").write_text(json.dumps(manifest | {"recipe": data}))
    row = pl.read_parquet("out/set/ledger.parquet")["id"][0]
    assert call("verify", "out/set").exit_code in (0, 1, 2)
    for command in (
        ["why", "out/set", row],
        ["show", "out/set"],
        ["report", "out/set"],
        ["diff", "out/set", "out/set"],
    ):
        assert call(*command).exit_code == 0


@pytest.mark.parametrize("kind", ["filters", "sources", "generators", "judges", "pairs"])
@pytest.mark.parametrize("name", ["mine:system", "os:system", "../mine"])
def test_a_reference_of_somebodys_function_runs_nothing(there, kind, name):
    assert call("list", kind, name).exit_code == 2


def test_what_was_not_run_is_said_and_how_to_run_it(there):
    write(step("keep", "mine:system"))
    assert "mine:system" in call("check", "recipe.yaml").output
    assert "--trust" in call("check", "recipe.yaml").output
    assert json.loads(call("check", "recipe.yaml", "--json").stdout)["not_run"] == ["mine:system"]
    manifest = json.loads(Path("out/set/manifest.json").read_text())
    Path("out/set/manifest.json").write_text(json.dumps(manifest | {"recipe": step("keep", "mine:system")}))
    result = call("verify", "out/set")
    assert result.exit_code == 2 and "--trust" in result.output


def _manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def spoil(out: Path) -> None:
        manifest = json.loads((out / "manifest.json").read_text())
        changed = change(manifest)
        (out / "manifest.json").write_text(json.dumps(manifest if changed is None else changed))

    return spoil


def _named(manifest: dict[str, Any]) -> None:
    name = "\x1b]0;x\x07\x9b31m\u202e[red]"
    manifest["name"] = name
    manifest["steps"]["all"][0]["params"] = {"min": name}
    manifest["absent"] = {name: name}


def _escapes(out: Path) -> None:
    """Write control characters wherever a folder has texts."""
    rows = pl.read_parquet(out / "train.parquet").with_columns(
        source=pl.lit("\x1b[2J\u202e"), domain=pl.lit("[bold]\x9b"), prompt=pl.lit("\x1b]8;;http://x\x07[/b]\u2066")
    )
    rows.write_parquet(out / "train.parquet")
    _manifest(_named)(out)


def _pipe(out: Path) -> None:
    (out / "ledger.parquet").unlink()
    os.mkfifo(out / "ledger.parquet")


FOLDERS = [
    pytest.param(lambda out: (out / "manifest.json").write_text("{"), id="a manifest that is cut"),
    pytest.param(lambda out: (out / "manifest.json").write_text("[" * 100_000), id="a manifest that is nested deeply"),
    pytest.param(lambda out: (out / "manifest.json").write_bytes(pickle.dumps(Runs())), id="a pickle for a manifest"),
    pytest.param(_manifest(lambda manifest: [1, 2]), id="a list for a manifest"),
    pytest.param(_manifest(lambda manifest: {"recipe": {}}), id="a manifest that lacks everything"),
    pytest.param(_manifest(lambda m: m.update(recipe="mine:reader", texts=3, steps=[], table={})), id="other types"),
    pytest.param(_manifest(lambda m: m.update(outputs={"../../one.jsonl": "x", "/dev/zero": "y"})), id="files elsewhere"),
    pytest.param(lambda out: (out / "ledger.parquet").write_bytes(pickle.dumps(Runs())), id="a pickle for a ledger"),
    pytest.param(lambda out: (out / "train.parquet").write_bytes(pickle.dumps(Runs())), id="a pickle for a set"),
    pytest.param(lambda out: pl.DataFrame({"id": ["\x1b"]}).write_parquet(out / "ledger.parquet"), id="a ledger of ids alone"),
    pytest.param(lambda out: (out / "examples.parquet").unlink(), id="a file that is not there"),
    pytest.param(_escapes, id="controls in every text"),
    pytest.param(_pipe, id="a pipe for a ledger"),
    pytest.param(lambda out: (out / "manifest.json").write_bytes(b"\xff\xfe\x00{"), id="a manifest that is no text"),
    pytest.param(_manifest(lambda m: m["stages"].update(pool=["../../../etc"], built=None)), id="stages elsewhere"),
]  # fmt: skip


@pytest.mark.parametrize("spoil", FOLDERS)
def test_a_strangers_folder_is_read_and_not_run(there, spoil):
    row = pl.read_parquet("out/set/ledger.parquet")["id"][0]
    spoil(Path("out/set"))
    for command in ("verify", "why", "show", "report", "diff"):
        more = {"why": [row], "diff": ["out/set"]}.get(command, [])
        result = call(command, "out/set", *more)
        assert result.exit_code in (0, 1, 2)
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} & set(result.output), result.output


STANDARD = [
    "os:system",
    "subprocess:getoutput",
    "posix:system",
    "importlib:import_module",
    "builtins:exec",
    "numpy:load",
]


@pytest.mark.parametrize(
    "name", [*STANDARD, "os.path:join", "curate.run.run:run_recipe", "polars:read_csv", "sys:exit"]
)
@pytest.mark.parametrize("at", ["source", "step", "judge", "generator"])
def test_a_run_takes_no_function_of_python_or_of_a_package(there, name, at):
    for file in Path().glob("*.py"):
        file.unlink()
    made = {
        "source": source(name),
        "step": step("keep", name),
        "judge": recipe(judges={"j": {name: {}}}),
        "generator": recipe(generators={"g": {name: {}}}),
    }
    result = call("run", write(made[at]))
    assert result.exit_code == 2
    assert "there is no file" in result.output
