"""Stands in for the process of a node: notes that it ran, and leaves what the real one would, in no time.

FAKE_RUNS is the file for its notes, FAKE_FAILS a word: a node whose node.json has it fails.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from curate.ablate.node import Node, finish, read_node, write_json


def main(folder: Path) -> None:
    if not (folder / "node.json").is_file():
        from curate.ablate import job

        note("grades")
        return job.main(folder)
    node, rests_on = read_node(folder)
    note(f"{node.kind}-{node.key}")
    if (word := os.environ.get("FAKE_FAILS")) and word in (folder / "node.json").read_text():
        print("on its way\nboom: it cannot be")
        sys.exit(1)
    leave(node, folder)
    finish(folder, {**rests_on, "content": node.key, "seconds": 0.0})
    return None


def note(line: str) -> None:
    with Path(os.environ["FAKE_RUNS"]).open("a") as file:
        file.write(f"{line}\n")


def leave(node: Node, folder: Path) -> None:
    if node.kind == "set":
        import polars as pl

        prompts = [f"Number {i} of set {node.key}?" for i in range(8)]
        pl.DataFrame({"id": [f"r{i}" for i in range(8)], "prompt": prompts}).write_parquet(folder / "train.parquet")
        write_json(folder / "set.json", {"rows": 8})
    if node.kind == "train":
        counted = {"rows_trained": 8, "tokens_trained": 80}
        record = {"steps": 2, "effective_batch": 4, "seconds": 1.0, "data": counted, "metrics": {"loss": 1.0}}
        write_json(folder / "record.json", record)
    if node.kind == "choice":
        write_json(folder / "choice.json", {"chosen": "checkpoint-2"})
    if node.kind == "answers":
        row = {"sample": 0, "response": "So it is.", "finish_reason": "stop", "tokens": 4, "failed": None}
        lines = [json.dumps({"id": p["id"], "prompt": p["prompt"], **row}) for p in node.params["prompts"]]
        (folder / "answers.jsonl").write_text("".join(f"{line}\n" for line in lines))
        write_json(folder / "answers.json", {"answers": len(lines), "cut": 0, "failed": 0})


if __name__ == "__main__":
    # … FAKE python -m MODULE FOLDER
    main(Path(sys.argv[-1]))
