"""What another library's class takes, read from its source: importing vLLM takes nine seconds, this a tenth."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import did_you_mean


def fields(package: str, file: str, owner: str, *methods: str) -> set[str]:
    """List the annotated fields of a class, the parameters of its methods, and what these take out of `kwargs`.

    Empty where the package is not installed, or has changed so much that nothing is found.

    >>> sorted(fields("curate", "generators/contract.py", "Failed"))
    ['again', 'reason']
    """
    spec = find_spec(package)
    source = Path(spec.origin).parent / file if spec and spec.origin else None
    if source is None or not source.is_file():
        return set()
    tree = ast.parse(source.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    names = {name for node in classes for name in _names(node, methods)}
    return {name for name in names if not name.startswith("_")} - {"self", "cls"}


def _names(owner: ast.ClassDef, methods: tuple[str, ...]) -> Iterator[str]:
    for member in owner.body:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            yield member.target.id
        elif isinstance(member, ast.FunctionDef) and member.name in methods:
            yield from (argument.arg for argument in [*member.args.args, *member.args.kwonlyargs])
            yield from _popped(member)


def _popped(method: ast.FunctionDef) -> Iterator[str]:
    for call in ast.walk(method):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="kwargs"), attr="pop"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield name


def refuse_unknown(given: Iterable[str], known: set[str], what: str) -> None:
    """Raise ValueError, in a sentence, for the first name not known; where nothing is known, nothing is refused.

    >>> refuse_unknown(["temperatur"], {"temperature", "top_p"}, "vLLM's SamplingParams")
    Traceback (most recent call last):
    ValueError: vLLM's SamplingParams have no 'temperatur': did you mean 'temperature'?
    """
    for name in given:
        if known and name not in known:
            raise ValueError(f"{what} have no '{name}': {did_you_mean(name, sorted(known))}")


def refuse(given: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Raise ValueError for the first name given that the run itself decides, with the reason.

    >>> refuse({"seed": 1}, {"seed": "the run draws one for every row"})
    Traceback (most recent call last):
    ValueError: sampling cannot set 'seed': the run draws one for every row
    """
    for name in given:
        if name in reasons:
            raise ValueError(f"sampling cannot set '{name}': {reasons[name]}")
