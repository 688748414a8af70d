"""What a set rests on beside its recipe: the data that it reads, functions of the user's own, the library's code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from curate.ablate.node import Node, content, finished
from curate.places import Places
from curate.plan import Read, Recipe
from curate.recipe import parse
from curate.rows import Part, SourceError, hash_file
from curate.stages import fingerprint, own_files, versions


def rests_on(node: Node, out: Path, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Say what a node rests on, as that is now: the content of what it needs, and for a set its data and code."""
    needs = {need: content(out, nodes, need) for need in node.needs}
    return {"needs": needs, "inputs": _inputs(node, out) if node.kind == "set" else ""}


def stale(out: Path, nodes: Mapping[str, Node]) -> set[str]:
    """List the sets that were made of other data, or by other code, than there is now.

    Upgrading the library makes sets anew, as it does everywhere; they are trained on again only where they change.
    """
    made = {key: finished(node.folder(out)) for key, node in nodes.items() if node.kind == "set"}
    return {key for key, done in made.items() if done and done["inputs"] != _inputs(nodes[key], out)}


def _inputs(node: Node, out: Path) -> str:
    recipe = recipe_of(node)
    parts = [(source.name, part.name, part.files) for source in recipe.sources for part in _parts(source.read)]
    files = fingerprint(tuple(file for *_, each in parts for file in each), _memo(out))
    steps = [step.depends() for s in recipe.sources for step in s.steps] + [s.depends() for s in recipe.steps]
    told = json.dumps([_code(), [p[:2] for p in parts], files, steps], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def recipe_of(node: Node) -> Recipe:
    """Check the recipe of a set once more: its functions and files may have changed since it was planned."""
    given = node.given
    return parse(given["data"], Places(given["file"]), dict(given["texts"]))


def _parts(read: Read) -> list[Part]:
    try:
        return sorted(read.parts(), key=lambda part: part.name)
    except SourceError:  # not there: the run says so, or goes without it
        return []


def _memo(out: Path) -> Path:
    folder = out / "sets" / ".stages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "files.json"


@cache
def _code() -> str:
    digest = hashlib.sha256(json.dumps(versions()).encode())
    for file in own_files():
        digest.update(hash_file(file).encode())
    return digest.hexdigest()
