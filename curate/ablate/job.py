"""What the process of a node does: make a set, train, choose a checkpoint, answer; each names its content."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.inputs import recipe_of
from curate.ablate.node import FOLDERS, Kind, Node, finish, read_node, write_json
from curate.ablate.properties import PROPERTIES, properties
from curate.ablate.reading import judge_of
from curate.errors import UserError, visible
from curate.evaluate.answers import answer_dialogues, answers
from curate.evaluate.epochs import CHOICE, choose
from curate.evaluate.grades import write_lines
from curate.evaluate.trained import Checkpoint, open_training
from curate.models.generators.generator import close_all
from curate.models.settings import mask
from curate.rows import hash_file
from curate.run.run import run_recipe
from curate.train.config import TrainConfig
from curate.train.launch import wait_asleep

ANSWERS, COUNTS, JOURNAL = "answers.jsonl", "answers.json", ".journal"


def make_set(node: Node, folder: Path, out: Path) -> str:
    """Make a set, and take down its properties."""
    manifest = run_recipe(recipe_of(node), folder)
    write_json(folder / PROPERTIES, properties(pl.read_parquet(folder / "train.parquet"), manifest))
    rows = {name: digest for name, digest in manifest["outputs"].items() if name.startswith("train")}
    return _hash(rows)


def train(node: Node, folder: Path, out: Path) -> str:
    """Train a stage; one that was stopped goes on from its last checkpoint."""
    from curate.train.run import run_config

    before = node.given["before"]
    places = {"data": str(out / FOLDERS["set"] / node.given["set"])}
    places |= {"model": str(_model(out, before) / "merged")} if before else {}
    config = TrainConfig.model_validate({**node.given["config"], **places})
    record = run_config(config, folder, force=node.given["force"])
    return str(record["model_out"]["weights"])


def choice(node: Node, folder: Path, out: Path) -> str:
    """Choose among the checkpoints of the last stage by the judge's grades."""
    given = node.given
    first, _, last = given["epochs"].partition("-")
    how = {name: given[name] for name in ("samples", "seed", "backend", "engine", "sampling")}
    judge = judge_of(given["judge"]["data"], given["judge"]["file"])
    rows, model = _table(given["prompts"]), _model(out, given["model"])
    found = choose(model, rows, judge, first_epoch=float(first), last_epoch=float(last), **how)
    write_json(folder / CHOICE, found)
    return _hash([found["chosen"], _named(model, found["chosen"]).weights()])


def answer(node: Node, folder: Path, out: Path) -> str:
    """Answer prompts and dialogues with the model that came out, with the chosen checkpoint, or with the base model."""
    given = node.given
    how = {name: given[name] for name in ("samples", "seed", "backend", "engine", "sampling")}
    model = str(_model(out, given["train"])) if given["train"] else given["model"]
    chosen = _chosen(out, given["choice"], Path(model)) if given["choice"] else None
    how |= {"checkpoint": chosen, "journal": out / FOLDERS["answers"] / JOURNAL}
    try:
        asked = ((answers, given["prompts"]), (answer_dialogues, given["dialogues"]))
        found = pl.concat(ask(model, _table(rows), **how) for ask, rows in asked if rows)
    finally:
        close_all()
    write_lines(found, folder / ANSWERS)
    told = {"cut": found.filter(pl.col("finish_reason") == "length").height, "failed": found["failed"].count()}
    write_json(folder / COUNTS, {"answers": found.height, **told})
    return hash_file(folder / ANSWERS)


WORK: Mapping[Kind, Callable[[Node, Path, Path], str]] = {
    "set": make_set,
    "train": train,
    "choice": choice,
    "answers": answer,
}


def _model(out: Path, key: str) -> Path:
    return out / FOLDERS["train"] / key


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def _chosen(out: Path, key: str, model: Path) -> Checkpoint:
    told = json.loads((out / FOLDERS["choice"] / key / CHOICE).read_text(encoding="utf-8"))
    return _named(model, told["chosen"])


def _named(model: Path, name: str) -> Checkpoint:
    return next(one for one in open_training(model).checkpoints() if one.name == name)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def main(folder: Path) -> None:
    """Do a node's work, then mark it as done, with the name of what it made."""
    wait_asleep()
    pass

    node, rests_on = read_node(folder)
    started = time.monotonic()
    content = WORK[node.kind](node, folder, folder.parent.parent)
    finish(folder, {**rests_on, "content": content, "seconds": round(time.monotonic() - started, 1)})


def in_words(work: object, *args: object) -> None:
    """Run a process's work; a user error is told in words, with exit code 2."""
    try:
        work(*args)  # type: ignore[operator]
    except UserError as error:
        print(visible(mask(" ".join(str(error).split()))), file=sys.stderr)  # one line: the log's last is what is told
        sys.exit(2)


if __name__ == "__main__":
    in_words(main, Path(sys.argv[1]))
