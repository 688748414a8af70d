"""The process of a node, `python -m curate.ablate.job FOLDER`: make a set, train, choose a checkpoint, or answer.

With the folder of the ablation itself it grades: all answers in one process, so that a model is loaded once.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.node import (
    ABLATION,
    ANSWERS,
    BY,
    CHOICE,
    COUNTS,
    FOLDERS,
    GRADES,
    NODE,
    PROPERTIES,
    Kind,
    Node,
    finish,
    read_json,
    read_node,
    recipe_of,
    write_json,
)
from curate.ablate.reading import judge_of
from curate.cache import Cache
from curate.errors import UserError, visible
from curate.evaluate.answers import SCHEMA, answers
from curate.evaluate.epochs import choose
from curate.evaluate.grades import grade, write_lines
from curate.evaluate.trained import Checkpoint, open_training
from curate.folders import put
from curate.models.generators.generator import close_all
from curate.models.settings import mask
from curate.rows import hash_file
from curate.run.run import run_recipe
from curate.train.config import TrainConfig
from curate.train.launch import wait_asleep

_JOURNAL = ".journal"
_HOW = ("samples", "seed", "backend", "engine", "sampling")


def make_set(node: Node, folder: Path, out: Path) -> str:
    """Make a set, and take down its properties."""
    manifest = run_recipe(recipe_of(node), folder)
    write_json(folder / PROPERTIES, properties(pl.read_parquet(folder / "train.parquet"), manifest))
    return _hash({name: digest for name, digest in manifest["outputs"].items() if name.startswith("train")})


def train(node: Node, folder: Path, out: Path) -> str:
    """Train a stage; one that was stopped goes on from its last checkpoint."""
    from curate.train.run import run_config

    before = node.params["before"]
    places = {"data": str(out / FOLDERS["set"] / node.params["set"])}
    places |= {"model": str(out / FOLDERS["train"] / before / "merged")} if before else {}
    config = TrainConfig.model_validate({**node.params["config"], **places})
    record = run_config(config, folder, force=node.params["force"])
    return str(record["model_out"]["weights"])


def choice(node: Node, folder: Path, out: Path) -> str:
    """Choose among the checkpoints of the last stage by the judge's grades."""
    params = node.params
    first, _, last = params["epochs"].partition("-")
    how = {name: params[name] for name in _HOW} | {"first_epoch": float(first), "last_epoch": float(last)}
    judge = judge_of(params["judge"]["data"], params["judge"]["file"])
    model = out / FOLDERS["train"] / params["model"]
    chosen = choose(model, _table(params["prompts"]), judge, **how)
    write_json(folder / CHOICE, chosen)
    return _hash([chosen["chosen"], _checkpoint(model, chosen["chosen"]).weights()])


def answer(node: Node, folder: Path, out: Path) -> str:
    """Answer prompts and dialogues with the model that came out, with the chosen checkpoint, or with the base model."""
    params = node.params
    model = out / FOLDERS["train"] / params["train"] if params["train"] else params["model"]
    how = {name: params[name] for name in _HOW} | {"journal": out / FOLDERS["answers"] / _JOURNAL}
    if params["choice"]:
        chosen = read_json(out / FOLDERS["choice"] / params["choice"] / CHOICE)["chosen"]
        how["checkpoint"] = _checkpoint(Path(model), chosen)
    try:
        asked = (params["prompts"], params["dialogues"])
        lines = pl.concat(answers(str(model), _table(rows), **how) for rows in asked if rows)
    finally:
        close_all()
    write_lines(lines, folder / ANSWERS)
    cut = lines.filter(pl.col("finish_reason") == "length").height
    write_json(folder / COUNTS, {"answers": lines.height, "cut": cut, "failed": lines["failed"].count()})
    return hash_file(folder / ANSWERS)


_WORK: Mapping[Kind, Callable[[Node, Path, Path], str]] = {
    "set": make_set,
    "train": train,
    "choice": choice,
    "answers": answer,
}


def grade_all(out: Path) -> None:
    """Grade the answers of every arm and seed that is done into grades.jsonl; those that arms share only once."""
    ablation = read_json(out / ABLATION)
    judge = judge_of(ablation["recipe"], ablation["file"])
    lines = [
        pl.read_ndjson(out / FOLDERS["answers"] / job["nodes"]["answers"] / ANSWERS, schema=dict(SCHEMA)).with_columns(
            arm=pl.lit(arm["arm"]), seed=pl.lit(job["seed"], pl.Int64)
        )
        for arm in ablation["arms"]
        for job in arm["jobs"]
        if job["status"] == "done"
    ]
    try:
        grades = grade(pl.concat(lines), None, judge, Cache(out / "grades"))
    finally:
        close_all()
    put(out, BY, GRADES, lambda to: write_lines(grades, to))


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def _checkpoint(model: Path, name: str) -> Checkpoint:
    return next(one for one in open_training(model).checkpoints() if one.name == name)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def main(folder: Path) -> None:
    """Do a node's work, then mark it as done, with the name of what it made; or grade an ablation's answers."""
    wait_asleep()
    if not (folder / NODE).is_file():
        return grade_all(folder)
    node, rests_on = read_node(folder)
    started = time.monotonic()
    content = _WORK[node.kind](node, folder, folder.parent.parent)
    return finish(folder, {**rests_on, "content": content, "seconds": round(time.monotonic() - started, 1)})


def properties(rows: pl.DataFrame, manifest: dict[str, Any]) -> dict[str, Any]:
    """Take down the properties of a set; what cannot be measured here is null, and `why` says why.

    `diversity` is the Vendi score of the prompts' embeddings (Friedman and Dieng 2022, arXiv 2210.02410),
    `near_duplicates` the share of rows whose prompt is nearly that of another row. Lengths are means in characters; an
    answer is the chosen one where there are two.
    """
    answer = "response" if "response" in rows.columns else "chosen"
    why: dict[str, str] = {}
    return {
        "rows": rows.height,
        "prompt_chars": _chars(rows, "prompt"),
        "response_chars": _chars(rows, answer),
        "response_tokens": None,  # the training counts them, with the model's own tokenizer
        "diversity": _measured("diversity", _vendi, rows, why),
        "near_duplicates": _measured("near_duplicates", _near, rows, why),
        "sources": {row["source"]: row["taken"] for row in manifest["table"] if row["taken"]},
        "ids_sha256": hashlib.sha256("\n".join(rows["id"].sort()).encode()).hexdigest(),
        "generator_models": sorted({one["model"] for one in manifest["generators"].values()}),
        "why": why,
    }


def _chars(rows: pl.DataFrame, column: str) -> float | None:
    if column not in rows.columns or not rows.height:
        return None
    return round(float(rows.select(pl.col(column).str.len_chars().mean()).item() or 0), 1)


def _measured(name: str, measure: Any, rows: pl.DataFrame, why: dict[str, str]) -> float | None:
    try:
        return round(float(measure(rows)), 4)
    except (UserError, ValueError) as error:
        why[name] = str(error)
        return None


def _vendi(rows: pl.DataFrame) -> float:
    from curate.models.embeddings import embedded
    from curate.report.diversity import vendi

    return vendi(embedded(rows["prompt"]).vectors)


def _near(rows: pl.DataFrame) -> float:
    from curate.filters import near_duplicates

    selection = near_duplicates(rows, column="prompt", prefer=None)
    return 1 - float(selection.kept.sum()) / rows.height


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except UserError as error:
        # One line: the last one of the log is the reason that the ablation gives.
        print(visible(mask(" ".join(str(error).split()))), file=sys.stderr)
        sys.exit(2)
