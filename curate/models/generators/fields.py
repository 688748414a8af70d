"""What another library's class takes, read from its source: importing vLLM takes nine seconds, this a tenth."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from curate.errors import did_you_mean


def fields(package: str, file: str, owner: str, *methods: str) -> set[str]:
    """List the annotated fields of a class, the parameters of its methods, and what these take out of `kwargs`.

    Empty where the package is not installed, or has changed so much that nothing is found.

    >>> sorted(fields("curate", "models/generators/ask.py", "Failed"))
    ['again', 'reason']
    """
    spec = find_spec(package)
    source = Path(spec.origin).parent / file if spec and spec.origin else None
    if source is None or not source.is_file():
        return set()
    names: set[str] = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        for member in node.body if isinstance(node, ast.ClassDef) and node.name == owner else ():
            match member:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(name)
                case ast.FunctionDef(name=name, args=args) if name in methods:
                    names.update(argument.arg for argument in [*args.args, *args.kwonlyargs])
                    names.update(filter(None, map(_popped, ast.walk(member))))
    return {name for name in names - {"self", "cls"} if not name.startswith("_")}


def _popped(node: ast.AST) -> str | None:
    """Give the name that `kwargs.pop(name)` takes."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="kwargs"), attr="pop"), args=[ast.Constant(str(name)), *_]):
            return name
    return None


def refuse_unknown(names: Iterable[str], possible: set[str], what: str) -> None:
    """Raise ValueError, in a sentence, for the first name that is not possible; where none is listed, all are.

    >>> refuse_unknown(["temperatur"], {"temperature", "top_p"}, "vLLM's SamplingParams")
    Traceback (most recent call last):
    ValueError: vLLM's SamplingParams have no 'temperatur': did you mean 'temperature'?
    """
    for name in names:
        if possible and name not in possible:
            raise ValueError(f"{what} have no '{name}': {did_you_mean(name, sorted(possible))}")


def refuse(names: Iterable[str], reasons: Mapping[str, str]) -> None:
    """Raise ValueError for the first name that the run itself decides, with the reason.

    >>> refuse({"seed": 1}, {"seed": "the run draws one for every row"})
    Traceback (most recent call last):
    ValueError: sampling cannot set 'seed': the run draws one for every row
    """
    for name in names:
        if name in reasons:
            raise ValueError(f"sampling cannot set '{name}': {reasons[name]}")
