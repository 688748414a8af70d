"""Docs cannot rot: every Python example runs, every command has its section, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curate.cli import main
from curate.recipe.load import parse
from curate.recipe.places import Places

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


# The blocks of pipelines.md need another library each; tests/hosts runs them where that is.
HERE = [page for page in PAGES if page.name != "pipelines.md"]


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


def test_every_command_has_its_section():
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## curate ([\w-]+)", text, re.MULTILINE)) == set(main.commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_tests_that_the_architecture_names_are_there():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / name).is_file(), name
