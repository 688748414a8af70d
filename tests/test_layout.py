"""What must hold of the project as a whole: what ships, and how light it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOMES = {"curate.filters": "filters", "curate.recipes": "recipes", "curate.train": "train"}


def test_every_package_of_the_tree_ships():
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    there = {"curate"}
    for folder in (ROOT / "curate").rglob("__init__.py"):
        there.add(".".join(folder.parent.relative_to(ROOT).parts))
    for package, home in HOMES.items():
        for file in (ROOT / home).rglob("__init__.py"):
            there.add(".".join([package, *file.parent.relative_to(ROOT / home).parts]))
    assert listed == there


@pytest.mark.parametrize(("package", "home"), HOMES.items())
def test_the_links_lead_to_the_top_level_folders(package, home):
    link = ROOT / package.replace(".", "/")
    assert link.resolve() == (ROOT / home).resolve()


def modules():
    for top in ("curate", "filters", "train"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if any(p.is_symlink() for p in file.parents if ROOT in p.parents):
                continue
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts if top == "curate" else ("curate", *parts))
            yield name.removesuffix(".__init__"), file


def test_help_is_light_and_fast():
    code = (
        "import sys, time; from curate.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'datasets', 'numba', 'pyarrow', 'polars', 'pydantic', 'numpy', 'yaml', 'rich'}\n"
        "print(time.process_time(), *(heavy & set(sys.modules)), file=sys.stderr)"
    )
    seconds = []
    for _ in range(5):
        # Its own time: what the system counts for all children holds those of other tests that end meanwhile.
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        cpu, *imported = done.stderr.split()
        seconds.append(float(cpu))
        assert imported == []
    assert sorted(seconds)[2] < 0.15, f"CPU seconds of curate --help: {seconds}"


def test_nothing_in_the_repository_names_a_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    wrong = [
        f for f in files if (ROOT / f).is_file() and os.fsencode(str(Path.home())) + b"/" in (ROOT / f).read_bytes()
    ]
    assert wrong == []
