"""What a package defines, and under which public names, read from its syntax: nothing is imported or run."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["class", "function", "method", "attribute"]


class Definition(NamedTuple):
    """One documented or documentable thing: where it is, what it is, its docstring and how it is called."""

    module: str
    path: str  # inside the module: "Class.method"
    kind: Kind
    doc: str
    call: str | None  # the arguments as written, without annotations: "(a, axis=None)"
    refers: tuple[str, ...] = ()  # of a class: its bases; of an attribute: the class it gives access to


@dataclass
class Module:
    """The names one file binds at its top level."""

    name: str
    package: bool
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # local name -> (module, name there)
    stars: list[str] = field(default_factory=list)
    exported: list[str] | None = None  # __all__, where it is written out
    attached: list[tuple[str, str, str]] = field(default_factory=list)  # add_newdoc: module, path, docstring


def read_module(name: str, source: bytes, package: bool) -> Module:
    """Parse one file; raise SyntaxError or ValueError when it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        tree = ast.parse(source)
    module = Module(name, package)
    for node in _statements(tree.body):
        _bind(module, node)
    return module


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, those inside `if`, `try` and `with` too, but not what only type checkers see."""
    for node in body:
        if isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.dump(node.test):
                yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            handlers = [statement for handler in node.handlers for statement in handler.body]
            yield from _statements([*node.body, *handlers, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With):
            yield from _statements(node.body)
        else:
            yield node


def _bind(module: Module, node: ast.stmt) -> None:
    if isinstance(node, ast.ImportFrom):
        target = _absolute(module, node)
        for alias in node.names:
            if alias.name == "*":
                module.stars.append(target)
            else:
                module.imports[alias.asname or alias.name] = (target, alias.name)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for definition in _define(module.name, node):
            _keep(module.definitions, definition)
    elif isinstance(node, ast.Expr):
        module.attached += _newdocs(node.value)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        _export(module, node)


def _keep(definitions: dict[str, Definition], definition: Definition) -> None:
    """Let a later definition win, except one without a docstring (an overload, a fallback)."""
    if definition.doc or definition.path not in definitions:
        definitions[definition.path] = definition


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parents = module.name.split(".")
    parents = parents[: len(parents) - node.level + module.package]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _export(module: Module, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
        return
    if isinstance(node.value, ast.List | ast.Tuple):
        names = [item.value for item in node.value.elts if isinstance(item, ast.Constant)]
        module.exported = [*(module.exported or []), *(name for name in names if isinstance(name, str))]


def _define(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Definition]:
    doc = ast.get_docstring(node, clean=True) or ""
    if not isinstance(node, ast.ClassDef):
        yield Definition(module, node.name, "function", doc, _call(node.args, method=False))
        return
    bases = tuple(ast.unparse(base) for base in node.bases if isinstance(base, ast.Name | ast.Attribute))
    inits = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    call = _call(inits[-1].args, method=True) if inits else None
    doc = doc or (inits and ast.get_docstring(inits[-1])) or ""
    yield Definition(module, node.name, "class", doc, call, bases)
    for item in _statements(node.body):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            yield _member(module, node.name, item)
        elif isinstance(item, ast.Assign) and (accessor := _accessor(item)):
            yield Definition(module, f"{node.name}.{accessor[0]}", "attribute", "", None, accessor[1:])


def _member(module: str, owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Definition:
    doc = ast.get_docstring(node, clean=True) or ""
    marks = [ast.unparse(mark).partition("(")[0].rpartition(".")[2] for mark in node.decorator_list]
    if any(mark.endswith("property") or mark == "cache_readonly" for mark in marks):
        refers = (ast.unparse(node.returns),) if isinstance(node.returns, ast.Name) else ()
        return Definition(module, f"{owner}.{node.name}", "attribute", doc, None, refers)
    call = _call(node.args, method="staticmethod" not in marks)
    return Definition(module, f"{owner}.{node.name}", "method", doc, call)


def _accessor(node: ast.Assign) -> tuple[str, str] | None:
    """Read `str = Accessor("str", Methods)`: an attribute that hands out another class."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Name) and isinstance(value, ast.Call) and len(value.args) == 2:
        name, methods = value.args
        if isinstance(name, ast.Constant) and name.value == target.id and isinstance(methods, ast.Name):
            return target.id, methods.id
    return None


def _call(arguments: ast.arguments, *, method: bool) -> str:
    """Write the arguments without annotations and `self`; a private sentinel as default becomes `...`."""
    function = ast.parse(f"def f({ast.unparse(arguments)}): 0").body[0]
    assert isinstance(function, ast.FunctionDef)
    plain = function.args
    every = [*plain.posonlyargs, *plain.args, *plain.kwonlyargs, plain.vararg, plain.kwarg]
    for argument in every:
        if argument is not None:
            argument.annotation = None
    first = plain.posonlyargs or plain.args
    if method and first:
        del first[0]
        del plain.defaults[: max(0, len(plain.defaults) - len(plain.posonlyargs + plain.args))]
    plain.defaults = [_default(value) for value in plain.defaults]
    plain.kw_defaults = [value and _default(value) for value in plain.kw_defaults]
    return f"({ast.unparse(plain)})"


def _default(value: ast.expr) -> ast.expr:
    private = isinstance(value, ast.Name | ast.Attribute) and not ast.unparse(value).startswith(("np.", "float"))
    return ast.Constant(...) if private or "_NoValue" in ast.unparse(value) else value


def _newdocs(call: ast.expr) -> list[tuple[str, str, str]]:
    """Read `add_newdoc(module, name, docs)`, docs being a text, a pair (member, text) or a list of pairs."""
    if not (isinstance(call, ast.Call) and ast.unparse(call.func).endswith("add_newdoc") and len(call.args) >= 3):
        return []
    try:
        module, name, docs = (ast.literal_eval(argument) for argument in call.args[:3])
    except ValueError:
        return []  # put together at run time
    if isinstance(docs, str):
        return [(module, name, inspect.cleandoc(docs))]
    pairs = docs if isinstance(docs, list) else [docs]
    return [(module, f"{name}.{member}", inspect.cleandoc(text)) for member, text in pairs]


def public_names(modules: dict[str, Module]) -> dict[str, Definition]:
    """Give every public, documented definition its shortest public name.

    Public is what can be reached by names without a leading underscore: a definition in a public module (in
    its `__all__`, if it has one), or what such a module's `__all__` or a package's `__init__` hands on.
    """
    _attach(modules)
    named: dict[tuple[str, str], str] = {}
    for module in modules.values():
        if not _private(module.name):
            for name in _offered(module, modules):
                definition = resolve(modules, module.name, name)
                if definition is not None:
                    _shorter(named, (definition.module, definition.path), f"{module.name}.{name}")
    members = _members(modules, named)
    every = {**named, **members}
    return {
        name: modules[module].definitions[path]
        for (module, path), name in sorted(every.items(), key=lambda item: item[1])
        if modules[module].definitions[path].doc
    }


def _attach(modules: dict[str, Module]) -> None:
    """Add what `add_newdoc` documents to the modules it belongs to."""
    attached = [item for module in modules.values() for item in module.attached]
    owners = {(place, path.partition(".")[0]) for place, path, _ in attached if "." in path}
    for place, path, text in attached:
        call, doc = _split_call(text)
        kind: Kind = "class" if (place, path) in owners else "function"
        if "." in path:
            kind = "method" if call else "attribute"
        owner = modules.setdefault(place, Module(place, package=False))
        if "." in path:
            _keep(owner.definitions, Definition(place, path.partition(".")[0], "class", "", None))
        _keep(owner.definitions, Definition(place, path, kind, doc, call))


def _split_call(text: str) -> tuple[str | None, str]:
    """Take off the line that shows the call, with which documentation of compiled functions opens."""
    opening, _, rest = text.partition("\n\n")
    match = re.fullmatch(r"[\w.]+(\((?:[^()]|\([^()]*\))*\))(?: *->.*)?(?:\n--)?", opening)
    if not match or not rest.strip():
        return None, text
    call = re.sub(r"\s*\n\s*", " ", match[1]).replace("$self, ", "").replace("$self", "").replace("/, ", "")
    return call, rest.strip("\n")


def _private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _offered(module: Module, modules: dict[str, Module]) -> list[str]:
    """List the names a public module gives to its users."""
    if module.exported is not None and not module.package:
        return [name for name in module.exported if not name.startswith("_")]
    names = [path for path in module.definitions if "." not in path]
    if module.package or not names:  # a file that only hands on is a face of the package as well
        names += [*module.imports, *(module.exported or [])]
        for star in module.stars:
            names += _starred(modules, star, set())
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def _starred(modules: dict[str, Module], name: str, seen: set[str]) -> list[str]:
    """List what `from name import *` binds."""
    if name in seen or name not in modules:
        return []
    seen.add(name)
    module = modules[name]
    if module.exported is not None:
        return module.exported
    names = [*(path for path in module.definitions if "." not in path), *module.imports]
    return [*names, *(other for star in module.stars for other in _starred(modules, star, seen))]


def resolve(
    modules: dict[str, Module], module: str, name: str, seen: frozenset[str] = frozenset()
) -> Definition | None:
    """Follow imports from a name to the definition behind it; None when it is no class or function here."""
    if module in seen or module not in modules:
        return None
    here, seen = modules[module], seen | {module}
    if name in here.definitions:
        return here.definitions[name]
    if name in here.imports:
        return resolve(modules, *here.imports[name], seen)
    for star in here.stars:
        if definition := resolve(modules, star, name, seen):  # whether or not a computed __all__ lists it
            return definition
    return None


def _shorter(named: dict[tuple[str, str], str], key: tuple[str, str], name: str) -> None:
    old = named.get(key)
    if old is None or _length(name) < _length(old):
        named[key] = name


def _length(name: str) -> tuple[int, int, str]:
    return name.count("."), len(name), name


def _members(modules: dict[str, Module], named: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Name the members of public classes by the shortest way to them.

    That is mostly their own class; but people know DataFrame.fillna and not the private or deeper base class
    it is written in, and Series.str.upper and not the class behind the accessor.
    """
    ways: list[tuple[int, bool, str, Definition]] = []
    for key, name in named.items():
        for owner in _ancestry(modules, modules[key[0]].definitions[key[1]], frozenset()):
            ways.append((name.count("."), (owner.module, owner.path) != key, name, owner))
            for attribute, provider in _accessors(modules, owner):
                ways.append((name.count(".") + 1, True, f"{name}.{attribute}", provider))
    members: dict[tuple[str, str], str] = {}
    used: set[str] = set()
    for _, _, name, owner in sorted(ways, key=lambda way: (*way[:3], *way[3][:2])):
        for member in _of(modules[owner.module], owner.path):
            public = f"{name}.{member.path.rpartition('.')[2]}"
            if public not in used and (member.module, member.path) not in members:
                members[member.module, member.path] = public
                used.add(public)
    return members


def _accessors(modules: dict[str, Module], owner: Definition) -> Iterator[tuple[str, Definition]]:
    for member in _of(modules[owner.module], owner.path):
        if member.kind == "attribute" and member.refers:
            provider = resolve(modules, owner.module, member.refers[0])
            if provider and provider.kind == "class":
                yield member.path.rpartition(".")[2], provider


def _of(module: Module, owner: str) -> list[Definition]:
    return [definition for path, definition in module.definitions.items() if path.startswith(f"{owner}.")]


def _ancestry(
    modules: dict[str, Module], definition: Definition, seen: frozenset[tuple[str, str]]
) -> Iterator[Definition]:
    if definition.kind != "class" or (definition.module, definition.path) in seen:
        return
    seen |= {(definition.module, definition.path)}
    yield definition
    for base in definition.refers:
        if "." not in base and (parent := resolve(modules, definition.module, base)):
            yield from _ancestry(modules, parent, seen)
