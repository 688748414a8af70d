"""Docs cannot rot: every Python example runs, every command has its section, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from functools import partial
from pathlib import Path

import pytest

from curate.cli import main
from curate.cli.doctor import EXTRAS
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.reference import catalog

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


# The blocks of pipelines.md need another library each; tests/hosts runs them where that is. Those of tutorial.md rest on
# its commands.
HERE = [page for page in PAGES if page.name not in ("pipelines.md", "tutorial.md")]


@pytest.mark.parametrize("page", HERE, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    assert page.read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_recipes_of_a_page_are_right(page):
    import yaml

    for block in blocks(page, "yaml"):
        data = yaml.safe_load(block)
        if "sources" in data:
            assert parse(data, Places(page.name)).name


def test_the_tutorial_runs_and_shows_what_comes_out(tmp_path, monkeypatch):
    """Its files are written, its commands and its Python run, in their order; `...` stands for any output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CURATE_DATA", raising=False)
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "110"}
    same = partial(OutputChecker().check_output, optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    for language, title, block in re.findall(
        r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', text, re.DOTALL | re.MULTILINE
    ):
        if title:
            Path(title).parent.mkdir(exist_ok=True)
            Path(title).write_text(block, encoding="utf-8")
        elif language == "python":
            exec(compile(block, "tutorial.md", "exec"), {})
        else:
            for command, shown in re.findall(r"^\$ curate (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                words = [sys.executable, "-m", "curate", *shlex.split(command)]
                done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                assert same(shown, done.stdout), f"{command}\n{done.stdout}"


def test_every_command_has_its_section():
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## curate ([\w-]+)", text, re.MULTILINE)) == set(main.commands)


def test_every_packaged_recipe_has_its_line():
    names = {row["name"].rpartition("/")[2] for row in catalog("recipes")}
    lines = [
        line for line in (ROOT / "docs/recipes.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert {name for name in names if not any(f"`{name}`" in line for line in lines)} == set()


def test_every_extra_has_its_line():
    text = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    assert [name for name, extra in EXTRAS.items() if f"| `{name}` | {extra.use} |\n" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_tests_that_the_architecture_names_are_there():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / name).is_file(), name
