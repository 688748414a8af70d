"""What is kept is used only while all it rests on is the same: each thing changed by itself, and nothing changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.models.embeddings.static_model import write as write_model

pytestmark = pytest.mark.slow

ROWS = [{"prompt": f"What is {i} and {i}?", "response": f"It is {2 * i}, as you count."} for i in range(20)]
RECIPE = {
    "name": "mine",
    "sources": {
        "own": {"read": {"mine:reader": {}}, "steps": [{"keep": {"mine:good": {"column": "response"}}}]},
        "file": {
            "read": {"jsonl": {"path": "rows.jsonl"}},
            "steps": [
                {"drop": {"contaminated": {"by": ["a/test.jsonl", "b/test.jsonl"]}}},
                {"keep": {"plugged": {"column": "response"}}},
                {"drop": {"semantically_contaminated": {"by": ["a/test.jsonl"], "model": "model", "threshold": 1}}},
            ],
        },
    },
}
MINE = """
import polars as pl
import helper
from curate.rows import Batch, Part

def reader() -> list[Part]:
    return [Part("all", (), lambda n: iter([Batch(pl.DataFrame({"prompt": helper.PROMPTS, "response": ["r"] * 3}))]))]

def good(column: str) -> pl.Expr:
    return pl.col(column).is_not_null()

def score(response: str) -> float:
    return helper.points(response)
"""
HELPER = "PROMPTS = ['a', 'b', 'c']\n\ndef points(text):\n    return float(len(text))\n"
PLUGGED = """
import polars as pl
from curate.filter import Property

def plugged(column: str = "response") -> Property:
    return pl.col(column).is_not_null()
"""
LINES = {"a": "How many legs does a horse have in all?", "b": "Which is the longest river of South America?"}


def release(folder: Path, name: str, number: str, more: dict[str, str]) -> None:
    """Write what pip leaves of a package: its name, its release, what it offers."""
    for old in folder.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    about = folder / f"{name}-{number}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    for file, text in more.items():
        (about / file).write_text(text)


OFFERS = {"entry_points.txt": "[curate.filters]\nplugged = plugged:plugged\n"}


@pytest.fixture
def here(tmp_path):
    """A folder with a recipe that rests on one thing of each kind."""
    (tmp_path / "packages").mkdir()
    release(tmp_path / "packages", "plugged", "1.0", OFFERS)
    (tmp_path / "packages/plugged.py").write_text(PLUGGED)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE, sort_keys=False))
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    for name, text in LINES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.jsonl").write_text(json.dumps({"prompt": text}) + "\n")
    write_model(tmp_path / "model")
    return tmp_path


def python(here: Path, *args: str) -> str:
    path = os.pathsep.join([str(here / "packages"), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    own = {"PYTHONPATH": path, "CURATE_DATA": "."}
    done = subprocess.run([sys.executable, *args], cwd=here, env=os.environ | own, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def swap(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def one_word_more(folder: Path) -> None:
    """Train the model on, by a word: what it answers to all others stays."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"note": "trained on"}))


# Each change, and the sources whose stages run again.
CHANGES = [
    pytest.param(lambda here: None, (), set(), id="nothing"),
    pytest.param(lambda here: os.utime(here / "rows.jsonl"), (), set(), id="a file's time, and no more"),
    pytest.param(lambda here: (here / "notes.txt").write_text("x"), (), set(), id="a file that is not read"),
    pytest.param(lambda here: swap(here / "mine.py", "not_null()", "in(['r'])"), (), {"own"}, id="own module"),
    pytest.param(lambda here: swap(here / "helper.py", "'c'", "'d'"), (), {"own"}, id="a helper of the own module"),
    pytest.param(
        lambda here: swap(here / "a/test.jsonl", "legs", "arms"), (), {"file"}, id="one of two files of a name"
    ),
    pytest.param(lambda here: swap(here / "b/test.jsonl", "river", "rover"), (), {"file"}, id="the other one"),
    pytest.param(lambda here: swap(here / "rows.jsonl", "3 and 3", "3 and 4"), (), {"file"}, id="the rows"),
    pytest.param(lambda here: one_word_more(here / "model"), (), {"file"}, id="the folder of a model"),
    pytest.param(
        lambda here: release(here / "packages", "plugged", "1.1", OFFERS), (), {"file"}, id="the release of a plug-in"
    ),
    pytest.param(
        lambda here: swap(here / "packages/plugged.py", "not_null()", "in(['x'])"), (), {"file"}, id="a plug-in's code"
    ),
    pytest.param(
        lambda here: release(here / "packages", "polars_hash", "9.9", {}), (), {"own", "file"}, id="a package's release"
    ),
    pytest.param(lambda here: None, ("--limit", "2"), {"own", "file"}, id="the limit"),
]


def run(here: Path, *more: str) -> set[str]:
    manifest = json.loads(python(here, "-m", "curate", "run", "recipe.yaml", "--json", *more))
    return {label.partition(":")[0] for label in manifest["stages"]["built"]}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "more", "again"), CHANGES)
def test_a_set_is_made_again_where_it_rests_on_what_changed(here, change, more, again):
    assert run(here) == {"own", "file"}
    change(here)
    assert run(here, *more) == again
    assert run(here, *more) == set()


CONFIG: dict[str, Any] = {
    "stage": "rloo",
    "model": "model",
    "data": "rows.jsonl",
    "eval_data": "b/test.jsonl",
    "rows": 20,
    "reward": "mine:score",
    "trainer": {"deepspeed": "a/test.jsonl"},
}
TRAINING = """
import json, sys
from pathlib import Path
from curate.train import record
from curate.train.config import TrainConfig
from curate.train.data import Data
from curate.rows import hash_file

config = TrainConfig.model_validate(json.loads(sys.argv[1]))
data = Path(config.data)
print(record.key_of(config, Data(data, hash_file(data), 20, []), None))
"""
NODE = """
import json, sys
from pathlib import Path
from curate.ablate.node import Node, rests_on

kind, given = json.loads(sys.argv[1])
print(json.dumps(rests_on(Node(kind, "0", given), Path("."), {})))
"""
JUDGE = {"data": {"judges": {"own": {"mine:score": {}}}}, "file": "ablation.yaml"}
ANSWER = {"engine": {"adapter": "model"}, "sampling": {}, "judge": JUDGE}
SETS = {"data": RECIPE, "file": "recipe.yaml", "texts": {}}
SET_INPUTS = ("mine.py", "helper.py", "a/test.jsonl", "b/test.jsonl", "rows.jsonl", "model/config.json", "polars_hash")
KEYS = [
    pytest.param(
        TRAINING,
        CONFIG,
        ("mine.py", "helper.py", "a/test.jsonl", "b/test.jsonl", "rows.jsonl", "model/config.json", "trl"),
        id="a training",
    ),
    pytest.param(NODE, ["set", SETS], SET_INPUTS, id="a set of an ablation"),
    pytest.param(
        NODE, ["train", {"config": CONFIG}], ("mine.py", "helper.py", "b/test.jsonl", "trl"), id="its training"
    ),
    pytest.param(NODE, ["answers", ANSWER], ("model/config.json", "transformers"), id="its answers"),
    pytest.param(NODE, ["choice", ANSWER], ("mine.py", "helper.py", "transformers"), id="its choice of an epoch"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("script", "told", "rests_on"), KEYS)
def test_what_trainings_and_nodes_rest_on_is_in_their_keys(here, script, told, rests_on):
    def key() -> str:
        return python(here, "-c", script, json.dumps(told))

    keys = [key()]
    assert key() == keys[0], "nothing changed"
    for name in rests_on:
        if (here / name).is_file():
            (here / name).write_text((here / name).read_text() + "\n")
        else:
            release(here / "packages", name, "99.9", {})
        keys.append(key())
    changes = ["as it was", *rests_on]
    assert [changes[i] for i in range(1, len(keys)) if keys[i] == keys[i - 1]] == [], "changed, and taken for the same"


DATASET = """
import sys
from datasets import Dataset
import curate, mine
from curate.filters import contaminated, semantically_contaminated

rows = Dataset.from_list([{"prompt": "p", "response": "r"}])
good = mine.good("response") & ~contaminated("prompt", by=["a/test.jsonl", "b/test.jsonl"])
good = good & ~semantically_contaminated("prompt", by=["a/test.jsonl"], model="model")
print(curate.keep(rows, good)._fingerprint)
"""


@pytest.mark.slow
def test_the_fingerprint_of_a_hugging_face_dataset_holds_all_of_it_too(here):
    pytest.importorskip("datasets")
    names = ("mine.py", "helper.py", "a/test.jsonl", "b/test.jsonl", "model/config.json", "plugged", "polars_hash")
    prints = [python(here, "-c", DATASET)]
    assert python(here, "-c", DATASET) == prints[0], "nothing changed"
    for name in names:
        if (here / name).is_file():
            (here / name).write_text((here / name).read_text() + "\n")
        else:
            release(here / "packages", name, "99.9", OFFERS if name == "plugged" else {})
        prints.append(python(here, "-c", DATASET))
    assert [names[i - 1] for i in range(1, len(prints)) if prints[i] == prints[i - 1]] == []
