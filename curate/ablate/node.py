"""A node: one piece of an ablation's work, named by what it depends on, in a folder of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from curate.cache import hashes_of, unchanged, write_whole
from curate.folders import claim

Kind = Literal["set", "train", "choice", "answers"]
FOLDERS: dict[Kind, str] = {"set": "sets", "train": "models", "choice": "choices", "answers": "answers"}
NODE, _DONE = "node.json", "done.json"
# What the process of a node writes beside what `run` and `train` do.
NODE_FILES = {NODE, _DONE, "set.json", "choice.json", "answers.json", "answers.jsonl"}
_PAGES = (".html", ".md", ".svg", ".png")
log = logging.getLogger("curate.ablate")


@dataclass(frozen=True)
class Node:
    """One piece of work: `given` is all that it is told, `needs` are the keys of the nodes that it builds on."""

    kind: Kind
    key: str
    given: dict[str, Any] = field(repr=False)
    needs: tuple[str, ...] = ()

    def folder(self, out: Path) -> Path:
        """Say where in an ablation's folder it stands."""
        return out / FOLDERS[self.kind] / self.key

    def log(self, out: Path) -> Path:
        """Say where what it prints goes."""
        return out / "logs" / f"{self.kind}-{self.key}.log"


def write_node(node: Node, out: Path, rests_on: dict[str, Any]) -> Path:
    """Write down what is to be done, and what it rests on as that is now, for the process that does it."""
    folder = node.folder(out)
    claim(folder, "ablate")
    begin(folder)
    told = {"kind": node.kind, "key": node.key, "given": node.given, "needs": list(node.needs), "rests_on": rests_on}
    write_json(folder / NODE, told)
    return folder


def read_node(folder: Path) -> tuple[Node, dict[str, Any]]:
    """Read what is to be done, and what it rests on."""
    told = json.loads((folder / NODE).read_text(encoding="utf-8"))
    return Node(told["kind"], told["key"], told["given"], tuple(told["needs"])), told["rests_on"]


def content(out: Path, nodes: Mapping[str, Node], key: str) -> str | None:
    """Name what a node made; None while it is not done, or not with what it needs as that is now.

    A node made anew whose content is what it was leaves those that build on it as they are.
    """
    done = finished(nodes[key].folder(out))
    if done is None or done["needs"] != {need: content(out, nodes, need) for need in nodes[key].needs}:
        return None
    return str(done["content"])


def finished(folder: Path) -> dict[str, Any] | None:
    """Read what a finished node said of itself; None where it is not done, or what it made is not there any more."""
    try:
        text = (folder / _DONE).read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        done: dict[str, Any] = json.loads(text)
        whole = unchanged(folder, done["files"])
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        log.warning("What %s holds is not what was once made there. It is made again.", folder)
        begin(folder)
        return None
    return done


def _aside(file: Path) -> bool:
    """Tell files of a node that do not count: pages may be drawn again, checkpoints may be cleared away."""
    hidden = any(part.startswith(".") for part in file.parts)
    return hidden or file.parts[0] in (NODE, _DONE, "checkpoints") or file.suffix in _PAGES


def begin(folder: Path) -> None:
    """Mark a node as not done."""
    (folder / _DONE).unlink(missing_ok=True)


def finish(folder: Path, told: dict[str, Any]) -> None:
    """Mark a node as done, last of all, with the hashes of what it made."""
    write_json(folder / _DONE, {**told, "files": hashes_of(folder, _aside)})


def write_json(file: Path, value: Any) -> None:
    """Write JSON so that the file appears whole."""
    write_whole(file, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")
