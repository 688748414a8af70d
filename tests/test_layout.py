"""What must hold of the project as a whole: what ships, who imports whom, how light it starts."""

from __future__ import annotations

import ast
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


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name.startswith("curate")}


# What the lower rooms may know: the contracts, and their own room. Nothing below knows what stands above it.
CONTRACTS = {
    "curate.filter",
    "curate.rows",
    "curate.errors",
    "curate.models.embeddings.quantised",
    "curate.models.settings",
}
CONTRACTS |= {"curate.cache", "curate.folders"}
ROOMS = {
    "curate.filters": {"curate.filters", "curate.models.embeddings"},
    "curate.models.embeddings": {"curate.models.embeddings"},
    "curate.report.diversity": {
        "curate.report.diversity",
        "curate.models.embeddings",
        "curate.filters",
        "curate.recipe.places",
    },
    "curate.sources": {
        "curate.sources",
        "curate.models.generators",
        "curate.recipe.places",
        "curate.recipes",
    },
    "curate.models.generators": {
        "curate.models.generators",
        "curate.models.embeddings",
        "curate.recipe.places",
    },
    "curate.models.judges": {
        "curate.models.judges",
        "curate.models.generators",
        "curate.recipe.own",
        "curate.recipe.places",
    },
    "curate.pairs": {"curate.pairs", "curate.models.generators", "curate.models.judges", "curate.filters"},
    "curate.pairs.shortcuts": {"curate.pairs.shortcuts", "curate.sources"},
    "curate.report.exports": {
        "curate.report.exports",
        "curate.report.formats",
        "curate.recipe.places",
    },
    "curate.evaluate.statistics": {"curate.evaluate.statistics"},
    "curate.evaluate.grades": {
        "curate.evaluate.grades",
        "curate.evaluate.statistics",
        "curate.models.judges",
        "curate.models.generators",
        "curate.filters",
        "curate.evaluate.answers",
        "curate.evaluate.prompts",
        "curate.report.words",
    },
    "curate.evaluate.vote": {"curate.evaluate.vote", "curate.evaluate.statistics", "curate.report"},
    "curate.evaluate.bench": {
        "curate.evaluate.bench",
        "curate.evaluate.statistics",
        "curate.models.weights",
        "curate.evaluate.trained",
        "curate.report.words",
    },
    "curate.ablate.ledger": {
        "curate.ablate.ledger",
        "curate.recipe.places",
        "curate.report",
        "curate.run.ledger",
        "curate.run.work",
    },
    "curate.ablate.report": {
        "curate.ablate.report",
        "curate.evaluate.statistics",
        "curate.report",
        "curate.train.plots",
    },
    "curate.report": {"curate.report", "curate.run.ledger", "curate.run.examples", "curate.pairs.shortcuts"},
    "curate.train": {
        "curate.train",
        "curate.report.formats",
        "curate.models.weights",
        "curate.models.judges",  # a reward is a judge's grade
        "curate.recipe.registry",  # or a user's own function
        "curate.pairs.shortcuts.scoring",
        "curate.recipe.places",
        "curate.report.words",
        "curate.report.lines",
        "curate.report.page",
    },
}
LAYERS = [
    {"curate.errors", "curate.models.settings", "curate"},
    {
        "curate.cli.echo",
        "curate.recipe.own",
        "curate.rows",
        "curate.recipe.places",
        "curate.filter",
        "curate.models.embeddings.quantised",
    },
    {"curate.cache"},
    {"curate.cache"},
    {"curate.folders"},
    {
        "curate.filters",
        "curate.sources",
        "curate.models.generators",
        "curate.models.judges",
        "curate.pairs",
        "curate.pairs.shortcuts",
        "curate.evaluate.statistics",
        "curate.apply",
        "curate.run.ledger",
        "curate.report.formats",
        "curate.run.examples",
    },
    {"curate.recipe.extends", "curate.recipe.labels"},
    {"curate.recipe.bindings"},
    {"curate.recipe.step"},
    {"curate.recipe.registry", "curate.run.rowpass", "curate.run.budget", "curate.run.examples"},
    {"curate.recipe.plan"},
    {"curate.recipe.labels"},
    {"curate.recipe.reading"},
    {"curate.recipe.load", "curate.run.passes", "curate.recipe.reference", "curate.cli.doctor"},
    {"curate.run.state", "curate.recipe.reference", "curate.report.card", "curate.report"},
    {"curate.run.make", "curate.evaluate.prompts", "curate.recipe.load", "curate.evaluate.trained"},
    {"curate.evaluate.answers", "curate.evaluate.epochs"},
    {"curate.evaluate.dialogues", "curate.evaluate.grades"},
    {"curate.evaluate.epochs"},
    {"curate.run.pool", "curate.report.terminal"},
    {"curate.run.fill"},
    {"curate.run.run", "curate.run.outputs"},
    {"curate.run.outputs"},
    {"curate.run.work"},
    {"curate.ablate.ledger", "curate.ablate.report", "curate.evaluate.vote", "curate.evaluate.bench"},
    {"curate.ablate"},
    {"curate.cli.ask", "curate.cli.pool", "curate.cli.train", "curate.cli.answer"},
    {"curate.cli.judge", "curate.cli.vote", "curate.cli.bench", "curate.cli.ablate", "curate.cli.cache"},
    {"curate.cli"},
    {"curate.__main__"},
]


# Rooms that may know all below them.
TOPS = ("curate.ablate",)


@pytest.mark.parametrize(("name", "file"), list(modules()), ids=lambda v: v if isinstance(v, str) else "")
def test_imports_run_one_way(name, file):
    room = next((r for r in ROOMS if name == r or name.startswith(f"{r}.")), None)
    if room:
        allowed = CONTRACTS | ROOMS[room]
        wrong = {
            i for i in imports(file) if not any(i == a or i.startswith(f"{a}.") for a in allowed) and i != "curate"
        }
        assert not wrong, f"{name} may know only the contracts and its own room"
        return
    home = next((top for top in TOPS if name.startswith(f"{top}.")), name)
    level = next((i for i, layer in enumerate(LAYERS) if home in layer), None)
    assert level is not None, f"{name} has no layer: give it one in LAYERS"
    above = set().union(*LAYERS[level + 1 :])
    # The package itself names what it offers, and imports it only when asked.
    assert not imports(file) & above or name == "curate"


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


def test_files_and_functions_stay_small():
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for _, file in modules()}
    assert max(lengths.values()) <= 400, max(lengths, key=lambda name: lengths[name])
    functions = [
        (node.end_lineno or 0) - node.lineno + 1
        for _, file in modules()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert sorted(functions)[int(len(functions) * 0.95)] <= 40


def test_nothing_in_the_repository_names_a_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    wrong = [
        f for f in files if (ROOT / f).is_file() and os.fsencode(str(Path.home())) + b"/" in (ROOT / f).read_bytes()
    ]
    assert wrong == []
