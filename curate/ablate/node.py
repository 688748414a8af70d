"""A node: one piece of an ablation's work, named by what it depends on, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["set", "train", "choice", "answers"]
FOLDERS: dict[Kind, str] = {"set": "sets", "train": "models", "choice": "choices", "answers": "answers"}
_NODE, _DONE = "node.json", "done.json"


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

    def write(self, out: Path) -> Path:
        """Write down what is to be done, for the process that does it."""
        folder = self.folder(out)
        folder.mkdir(parents=True, exist_ok=True)
        told = {"kind": self.kind, "key": self.key, "given": self.given, "needs": list(self.needs)}
        write_json(folder / _NODE, told)
        return folder


def read_node(folder: Path) -> Node:
    """Read what is to be done."""
    told = json.loads((folder / _NODE).read_text(encoding="utf-8"))
    return Node(told["kind"], told["key"], told["given"], tuple(told["needs"]))


def key_of(kind: Kind, depends: Any) -> str:
    """Name a node by all that it depends on; names that a person chose are not among it."""
    return hashlib.sha256(json.dumps([kind, depends], sort_keys=True, default=str).encode()).hexdigest()[:16]


def content(out: Path, nodes: dict[str, Node], key: str) -> str | None:
    """Name what a node made; None while it is not done, or not with what it needs as that is now.

    A node made anew whose content is what it was leaves those that build on it as they are.
    """
    from curate.ablate.inputs import inputs

    done = finished(nodes[key].folder(out))
    if done is None:
        return None
    now = {need: content(out, nodes, need) for need in nodes[key].needs}
    if None in now.values() or done["needs"] != now:
        return None
    return str(done["content"]) if done["inputs"] == inputs(nodes[key], out) else None


def finished(folder: Path) -> dict[str, Any] | None:
    """Read what a finished node said of itself."""
    try:
        found: dict[str, Any] = json.loads((folder / _DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def begin(folder: Path) -> None:
    """Mark a node as not done."""
    (folder / _DONE).unlink(missing_ok=True)


def finish(folder: Path, told: dict[str, Any]) -> None:
    """Mark a node as done, last of all."""
    write_json(folder / _DONE, told)


def write_json(file: Path, value: Any) -> None:
    """Write JSON so that the file appears whole."""
    beside = file.with_name(f".{file.name}.tmp")
    beside.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    beside.replace(file)
