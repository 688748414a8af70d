"""Questions a reader might ask about a documented thing, made from its name and its summary."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname
from zlib import crc32

import polars as pl

from curate.rows import Bad, Batch, Part, SourceMissing
from curate.sources.docstrings import modules as _modules
from curate.sources.docstrings import numpydoc
from curate.sources.docstrings.modules import Kind
from curate.sources.files import bad as bad_record

# Each is a whole sentence whatever the name is.
_ABOUT: dict[str, list[str]] = {
    "function": [
        "What does `{name}` do, and how do I use it?",
        "How do I use `{name}`? Please explain its parameters and what it returns.",
        "Can you explain `{name}` and show me how to call it?",
        "I came across `{name}` in some code. What is it for, and how does it work?",
        "Please describe `{name}`: what it does, what it takes and what comes back.",
        "When would I use `{name}`, and what should I know before I do?",
    ],
    "class": [
        "What is `{name}`, and how do I use it?",
        "What is the class `{name}` for, and how do I work with it?",
        "Can you explain `{name}` and the options it takes?",
        "I came across `{name}` in some code. What does it represent, and how is it used?",
        "When would I use `{name}`, and what should I know before I do?",
    ],
    "attribute": [
        "What does `{name}` tell me?",
        "What is the attribute `{name}`, and when is it useful?",
        "Can you explain what `{name}` holds?",
        "I came across `{name}` in some code. What does it give me?",
    ],
}
_ABOUT["method"] = _ABOUT["function"]

# With a summary that says what to do, the task itself is the question.
_TASK = [
    "How can I {task} with `{name}`?",
    "I want to {task}. How does `{name}` help me do that?",
    "How do I {task}? I have heard of `{name}` but never used it.",
    "Please show me how to {task} using `{name}`.",
]

# First words of summaries that are verbs in the imperative.
_IMPERATIVES = """
add align append apply approximate assemble assert assign build calculate cast check choose clip collect
combine compare compute concatenate construct convert copy count create decode decompose delete detect
determine divide download draw drop encode estimate evaluate expand explode extract fill filter find fit
flatten format generate get group indicate insert integrate interpolate invert iterate join limit load look
make map merge minimize modify move multiply normalize parse partition perform pivot plot predict print
raise rank read remove rename render reorder repeat replace resample reset reshape retrieve reverse roll
round sample save scale scan search select set shift shuffle slice solve sort split stack standardize store
strip subtract sum swap take test tile transform transpose truncate unpack unpivot update validate view
write
"""
# Code returns, people get.
_VERBS = {verb: verb for verb in _IMPERATIVES.split()} | {"return": "get"}
# More than one clause, or words that point out of the summary.
_UNFIT = re.compile(r"[.:;?!$\[\]*]|\b(?:I|[Tt]his|self|it|not)\b")
_OPENERS = "the a an all each every one two both another either whether if missing multiple"
_DETERMINERS = set(_OPENERS.split())
_THIRD = {f"{verb}{'es' if verb.endswith(('s', 'x', 'ch', 'sh')) else 's'}": base for verb, base in _VERBS.items()}


def question(name: str, kind: Kind, summary: str) -> str:
    """Ask about a documented thing; which wording is used depends on its name alone.

    >>> question("numpy.matrix.prod", "method", "Return the product of the elements.")
    'Please show me how to get the product of the elements using `numpy.matrix.prod`.'
    """
    doing = task(summary) if kind != "class" else None
    wordings = _ABOUT[kind] + (_TASK if doing else [])
    return wordings[crc32(name.encode()) % len(wordings)].format(name=name, task=doing)


def task(summary: str) -> str | None:
    """Turn a summary in the imperative ("Compute the mean.") into what to do ("compute the mean").

    None when it is no single short clause or opens with no verb known here: a broken question is worse than a
    general one.
    """
    text = summary.strip().removesuffix(".")
    if len(text) > 110 or _UNFIT.search(re.sub(r"`[^`]*`", "", text)):
        return None
    first, _, rest = text.partition(" ")
    verb = _VERBS.get(first.lower()) or _THIRD.get(first.lower())
    return f"{verb} {rest}" if verb and rest.strip() and _whole(rest, bare=verb != "get") else None


def _whole(rest: str, *, bare: bool) -> bool:
    """Tell whether what follows the verb is whole English: terse summaries leave articles out.

    A `bare` plural ("indices where ...") needs no article, except after "get", where it may be anything.
    """
    words = rest.split()
    if words[0].lower() in _DETERMINERS:
        return bare or words[0].lower() not in {"whether", "if"}
    return bare and any(word.endswith("s") and word not in {"is", "as", "this"} for word in words[:3] if word.isalpha())


PACKAGES = ["numpy", "scipy", "scikit-learn", "pandas", "polars"]
SCHEMA = {
    "domain": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "license": pl.String(),
    "url": pl.String(),
    "name": pl.String(),
    "kind": pl.String(),
    "template": pl.Boolean(),  # text that code fills in later
}
# Tests document nothing; what is vendored belongs to another package and licence.
_SKIPPED = {"tests", "test", "_vendor", "vendor", "vendored", "externals", "_external", "conftest.py", "setup.py"}


class _Source(NamedTuple):
    """A file: the module it holds, and whether that is a package."""

    module: str
    package: bool
    path: Path


class _Package(NamedTuple):
    name: str
    license: str | None
    url: str | None
    sources: tuple[_Source, ...]


def docstrings(*, packages: list[str] = PACKAGES) -> list[Part]:
    """Read the documentation of installed packages: a row for each public class, function, method, attribute.

    The packages are found by their metadata and their files parsed, never imported or run. The prompt is a
    question made from the name and summary; the response is the docstring as Markdown. `template` marks those
    with placeholders such as `%(name)s`: not finished text. The same text under several names is several
    rows. What has no docstring or no public name is not a record; a file that is not Python is a bad one.

    Args:
        packages: distribution names; those that are not installed are passed over.

    Raises:
        SourceMissing: when none of them is installed.
    """
    parts = [part for name in dict.fromkeys(packages) if (part := _part(name)) is not None]
    if not parts:
        raise SourceMissing(f"none of these packages is installed: {', '.join(packages)}")
    return parts


def _part(name: str) -> Part | None:
    try:
        distribution = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
    # Not `distribution.files`: whether that lists files that are gone depends on the version of Python and, where
    # another library imports importlib_metadata, on that.
    lines = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    names = [line[0] for line in lines if line]
    files = [(PurePosixPath(name).parts, Path(str(distribution.locate_file(name)))) for name in names]
    record = [path for parts, path in files if parts[-1] == "RECORD"]
    sources = _sources(files)
    if not sources or not record:
        sources = _sources(_editable(distribution))
        record = [path for _, _, path in sources]
    about = distribution.metadata
    package = _Package(_field(about, "Name") or name, _license(about), _url(about), tuple(sources))
    return Part(package.name, tuple(record), partial(_read, package))


def _sources(files: list[tuple[tuple[str, ...], Path]]) -> list[_Source]:
    """List the modules among the files of a distribution: all but tests, vendored code and scripts."""
    sources = set()
    for parts, path in files:
        if not parts[-1].endswith(".py") or _SKIPPED & set(parts):
            continue
        names = [*parts[:-1], parts[-1].removesuffix(".py")]
        package = names[-1] == "__init__"
        names = names[:-1] if package else names
        if names and all(name.isidentifier() for name in names):
            sources.add(_Source(".".join(names), package, path))
    return sorted(sources)


def _editable(distribution: metadata.Distribution) -> list[tuple[tuple[str, ...], Path]]:
    """List the files of a package installed in place, from the folder its metadata point to."""
    url = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
    if not url.startswith("file:"):
        return []
    root = Path(url2pathname(urlparse(url).path))
    root = root / "src" if (root / "src").is_dir() else root
    packages = [init.parent for init in root.glob("*/__init__.py") if init.parent.name not in _SKIPPED]
    return [(file.relative_to(root).parts, file) for folder in packages for file in folder.rglob("*.py")]


def _license(about: metadata.PackageMetadata) -> str | None:
    """Name the licence: the SPDX expression, else a short License field, else the classifier.

    Some packages put the licence's text or a copyright line into License: that names nothing.
    """
    written = _field(about, "License") or ""
    if expression := _field(about, "License-Expression"):
        return expression
    if written and len(written) <= 60 and "\n" not in written and "copyright" not in written.lower():
        return written
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    return classifiers[0].rpartition(" :: ")[2] if classifiers else None


def _url(about: metadata.PackageMetadata) -> str | None:
    pairs = [line.partition(", ")[::2] for line in about.get_all("Project-URL") or []]
    urls = {label.strip().lower(): url.strip() for label, url in pairs}
    return urls.get("documentation") or urls.get("homepage") or _field(about, "Home-page")


def _field(about: metadata.PackageMetadata, name: str) -> str | None:
    """Read a field, or None: where there is none, one kind of metadata gives None and another raises."""
    return next(iter(about.get_all(name) or []), None) or None


def _read(package: _Package, batch_rows: int) -> Iterator[Batch]:
    modules: dict[str, _modules.Module] = {}
    bad: list[Bad] = []
    for source in package.sources:
        module = _parse(source)
        if isinstance(module, Bad):
            bad.append(module)
        else:
            modules[source.module] = module
    definitions = list(_modules.public_names(modules).items())
    for start in range(0, max(len(definitions), 1), batch_rows):
        rows = [_row(package, name, what) for name, what in definitions[start : start + batch_rows]]
        yield Batch(pl.DataFrame(rows, schema=SCHEMA, orient="row"), bad)
        bad = []


def _parse(source: _Source) -> _modules.Module | Bad:
    raw = b""
    try:
        raw = source.path.read_bytes()
        return _modules.read_module(source.module, raw, source.package)
    except OSError as error:
        return bad_record(source.path, "line 1", f"cannot be opened: {error.strerror or error}", raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f"line {getattr(error, 'lineno', None) or 1}"
        return bad_record(source.path, place, f"this is not Python: {error}", raw)


def _row(package: _Package, name: str, definition: _modules.Definition) -> tuple[object, ...]:
    call = None if definition.call is None or definition.kind == "attribute" else _call(name, definition.call)
    prompt = question(name, definition.kind, numpydoc.summary(definition.doc))
    response = numpydoc.to_markdown(definition.doc, call)
    template = numpydoc.is_template(definition.doc)
    return package.name, prompt, response, package.license, package.url, name, definition.kind, template


def _call(name: str, call: str) -> str:
    """Write a call on one line, or one argument a line where it is long."""
    if len(name) + len(call) <= 88:
        return name + call
    arguments, depth = [""], 0
    for character in call[1:-1]:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            arguments.append("")
        else:
            arguments[-1] += character
    return "\n".join([f"{name}(", *(f"    {argument.strip()}," for argument in arguments), ")"])
