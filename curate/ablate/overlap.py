"""Test prompts that stand in a training set: then the test measures memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.node import FOLDERS, content
from curate.ablate.plan import Plan
from curate.filters import _benchmarks, _overlap

# As in `contaminated`, which says where they come from.
_RUN, _SHARE = 13, 0.5


def overlap(rows: pl.DataFrame, prompts: pl.DataFrame) -> list[dict[str, str]]:
    """Find the prompts (`id`, `prompt`) that rows of a set share too many words with, as `contaminated` does.

    Returns for each such row the prompt's `id`, `how` (the `same` text or `near` it), and the row's own id, `of`.

    >>> asked = pl.DataFrame({"id": ["t"], "prompt": ["How do I keep basil alive on a dark window sill?"]})
    >>> overlap(pl.DataFrame({"id": ["r"], "prompt": ["How do I keep basil alive on a dark window?"]}), asked)
    [{'id': 't', 'how': 'near', 'of': 'r'}]
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prompts.jsonl"
        prompts.select("prompt").write_ndjson(file)
        known = _overlap.index(_benchmarks.find([str(file)]), _RUN, _SHARE)
    found = _overlap.hits(rows["prompt"], known, _RUN, _SHARE).select("row", "prompt").rows()
    pairs = [
        (prompts["id"][test], prompts["prompt"][test], rows["id"][row], rows["prompt"][row]) for row, test in found
    ]
    return [
        {"id": test, "how": "same" if _plain(asked) == _plain(said) else "near", "of": row}
        for test, asked, row, said in pairs
    ]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def overlaps(plan: Plan, out: Path) -> dict[str, list[dict[str, Any]]]:
    """Find them for every arm, in all sets that are there; arms without any are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    known: dict[tuple[str, str], list[dict[str, str]]] = {}
    for job in plan.jobs:
        prompts = _asked(plan.nodes[job.answers].given)
        for key in job.sets.values():
            if (key, job.answers) not in known and content(out, plan.nodes, key) is not None:
                rows = pl.read_parquet(out / FOLDERS["set"] / key / "train.parquet", columns=["id", "prompt"])
                known[key, job.answers] = overlap(rows, prompts)
            pairs = known.get((key, job.answers), [])
            found.setdefault(job.arm.name, []).extend(p for p in pairs if p not in found.get(job.arm.name, []))
    return {arm: pairs for arm, pairs in found.items() if pairs}


def _asked(given: dict[str, Any]) -> pl.DataFrame:
    """List all that a user says to the models."""
    said = [(row["id"], row["prompt"]) for row in given["prompts"]]
    said += [(talk["id"], turn) for talk in given["dialogues"] for turn in talk["turns"]]
    return pl.DataFrame(said, schema=["id", "prompt"], orient="row")


def leaks(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Say which arms have seen test prompts.

    >>> leaks({"plain": [{"id": "t", "how": "near", "of": "r"}]})
    ['test prompts leak: the set of plain has 1 of them, the same or nearly, such as t in its row r']
    """
    return [
        f"test prompts leak: the set of {arm} has {len({p['id'] for p in pairs})} of them, the same or nearly, such as "
        f"{pairs[0]['id'][:12]} in its row {pairs[0]['of'][:12]}"
        for arm, pairs in found.items()
    ]
