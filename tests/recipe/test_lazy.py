"""Functions of a recipe are imported when they are named, and not before."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

from curate.recipe.registry import functions, names
from curate.recipe.verbs import GROUPS

RUN = """
import sys
from pathlib import Path
from curate.recipe.load import load
from curate.run.run import run_recipe
run_recipe(load(Path("r.yaml")), Path("out"))
print(*sorted(sys.modules))
"""


@pytest.mark.slow
def test_a_run_imports_the_source_and_the_filters_that_it_names(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"prompt": "Why?", "response": "Because."}) + "\n")
    read = f"{{jsonl: {{path: {tmp_path / 'a.jsonl'}}}}}"
    text = f"name: r\nsources: {{a: {{read: {read}, steps: [keep: {{length: {{column: response, min: 1}}}}]}}}}\n"
    (tmp_path / "r.yaml").write_text(text)
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{RUN}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    homes = {group: {f"{GROUPS[group]}.{m}" for m in import_module(GROUPS[group]).MODULES.values()} for group in GROUPS}
    assert homes["sources"] & modules == {"curate.sources.jsonl"}
    assert not (homes["generators"] | homes["judges"] | homes["pairs"]) & modules
    # The budget draws with `domains`.
    assert homes["filters"] & modules == {"curate.filters.size", "curate.filters.sampling"}


@pytest.mark.parametrize("group", GROUPS)
def test_tools_see_what_is_imported_on_first_use(group):
    package = import_module(GROUPS[group])
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    imports = {
        alias.name: str(node.module).removeprefix(f"{GROUPS[group]}.")
        for node in blocks[0].body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imports == package.MODULES
    assert list(functions(group)) == names(group)
    assert set(names(group)) <= set(package.__all__) & set(dir(package))


def test_a_module_does_not_hide_its_function():
    module = import_module("curate.sources.jsonl")
    assert isinstance(import_module("curate.sources").jsonl, FunctionType)
    assert module.jsonl is import_module("curate.sources").jsonl
