"""Docstrings to Markdown: the sections of numpydoc and Google style, each in its readable form."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

from curate.sources.docstrings import rst
from curate.sources.docstrings.inline import inline

_ENTRIES = {
    "parameters", "other parameters", "arguments", "args", "keyword args", "keyword arguments", "params",
    "attributes", "additional attributes", "class attributes", "methods",
    "returns", "return", "yields", "receives", "raises", "warns",
}  # fmt: skip
_NAMED = _ENTRIES - {"returns", "return", "yields", "raises", "warns", "receives"}
# Lists of other pages and of papers: nothing in them answers the question.
_DROPPED = {"see also", "references", "reference", "authors", "author"}
_GOOGLE = re.compile(
    r"(Args|Arguments|Parameters|Keyword Args|Keyword Arguments|Other Parameters|Attributes|Returns?|Yields"
    r"|Raises|Warns|Examples?|Notes?|Warnings?|References|See Also|Usage|Methods):\s*"
)
_ENTRY = re.compile(r"(?P<names>[^:]*?)\s*:\s+(?P<type>.*)|(?P<bare>[^:]*?)\s*:?")
_TEMPLATE = re.compile(r"%\(\w+\)[srd]|(?<![\w{}$\\^_'\",:\[(=])\{[a-z_]\w*\}(?!\})|\$\{\w+\}")


class Section(NamedTuple):
    """A heading (empty before the first one) and the lines below it, dedented."""

    title: str
    lines: list[str]


def to_markdown(doc: str, call: str | None = None) -> str:
    r"""Write a docstring as an answer: the summary, how it is called, then section by section.

    >>> print(to_markdown("Add one.\n\nParameters\n----------\nx : int\n    A number.", "add(x)"))
    Add one.
    <BLANKLINE>
    ```python
    add(x)
    ```
    <BLANKLINE>
    ## Parameters
    <BLANKLINE>
    - `x` (int): A number.
    """
    first, *others = sections(doc)
    opening = rst.blocks(first.lines)
    if call and not any(block.startswith("```") and call in block for block in opening):
        opening.insert(1, rst.fence([call], "python"))
    written = ["\n\n".join(opening[:2]), rst.join(opening[2:])]
    for title, lines in others:
        if title.lower() not in _DROPPED and (body := _body(title.lower(), lines)):
            written.append(f"## {inline(title)}\n\n{body}")
    return "\n\n".join(part for part in written if part)


def summary(doc: str) -> str:
    """Return the first paragraph as one line of Markdown; empty when the docstring opens otherwise."""
    first = sections(doc)[0].lines
    lines = first[: next((n for n, line in enumerate(first) if not line.strip()), len(first))]
    blocks = rst.blocks(lines)
    return blocks[0] if blocks and "\n" not in blocks[0] and not blocks[0].startswith(("- ", "|", "```")) else ""


def is_template(doc: str) -> bool:
    """Tell whether code still has to fill placeholders in, such as `%(name)s` or `{klass}`.

    >>> is_template("Return the %(axis)s."), is_template("A dict like {'a': 1}.")
    (True, False)
    """
    code = re.sub(r"(?m)^\s*(>>>|\.\.\. ).*$|``.*?``|:math:`[^`]*`", "", doc)
    return bool(_TEMPLATE.search(code))


def sections(doc: str) -> list[Section]:
    """Split a docstring at its headings: underlined (numpydoc), or a colon and an indented block (Google)."""
    lines = inspect.cleandoc(doc).split("\n")
    result = [Section("", [])]
    at = 0
    while at < len(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if _underlined(lines[at], following):
            result.append(Section(lines[at].strip().rstrip(":"), []))
            at += 2
        elif _GOOGLE.fullmatch(lines[at]) and rst.indent(following) and following.strip():
            end = rst.end_of_indented(lines, at + 1, 0)
            result.append(Section(lines[at].strip().rstrip(":"), rst.dedent(lines[at + 1 : end])))
            result.append(Section("", []))
            at = end
        else:
            result[-1].lines.append(lines[at])
            at += 1
    return [result[0], *(section for section in result[1:] if any(line.strip() for line in section.lines))]


def _underlined(line: str, following: str) -> bool:
    """Tell a section heading: at the margin, short, with a line of dashes or equal signs below it."""
    title = line.strip()
    if not title or line[0].isspace() or len(title) > 60 or not re.fullmatch(r"-{3,}\s*|={3,}\s*", following):
        return False
    return title[0].isalpha() and abs(len(following.strip()) - len(title)) <= max(3, len(title) // 2)


def _body(title: str, lines: list[str]) -> str:
    lines = rst.dedent(lines[next(n for n, line in enumerate(lines) if line.strip()) :])
    if title in _ENTRIES and _has_entries(lines):
        return rst.join(_entries(lines, named=title in _NAMED))
    return rst.to_markdown(lines)


def _has_entries(lines: list[str]) -> bool:
    """Tell entries from plain text: an indented explanation under the first line, or `name : type` on it."""
    following = lines[1] if len(lines) > 1 else ""
    first = lines[0]
    if re.match(r"\.\. |[-*] |>>>", first):
        return False
    return (
        (bool(following.strip()) and rst.indent(following) > 0)
        or bool(re.match(r"[*\w., ]+ : \S", first))
        or bool(re.match(r"\*{0,2}\w+(?: \([^)]*\))?: \S", first))
    )


def _entries(lines: list[str], *, named: bool) -> list[str]:
    entries: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        end = rst.end_of_indented(lines, at + 1, 0)
        if lines[at].startswith((".. ", ">>>")):
            entries += rst.blocks(lines[at:end])
        else:
            entries.append(_entry(lines[at], rst.dedent(lines[at + 1 : end]), named=named))
        at = max(end, at + 1)
    return entries


def _entry(head: str, body: list[str], *, named: bool) -> str:
    """Write one entry as a list item: "- `x` (int): explanation"."""
    google = re.match(r"(\*{0,2}\w+)(?: \(([^)]*)\))?: (\S.*)", head) if not re.search(r"\s:\s", head) else None
    if google and (google[2] or len(head) > 40 or not any(map(str.strip, body))):
        kind = f" ({inline(google[2])})" if google[2] else ""
        return rst.item("- ", f"`{google[1]}`{kind}:", [google[3], *body])
    match = _ENTRY.fullmatch(head.strip())
    if match and match["type"] is not None:
        opening = (
            f"{_names(match['names'])} ({inline(match['type'].rstrip('. '))})"
            if match["type"]
            else _names(match["names"])
        )
    else:
        bare = head.strip().rstrip(":").strip()
        opening = _names(bare) if named or re.fullmatch(r"[\w.\[\]]+", bare) else inline(bare)
    explained = any(line.strip() for line in body)
    return rst.item("- ", opening + (":" if explained else ""), body)


def _names(names: str) -> str:
    """Quote each name as code: "x1, x2" becomes "`x1`, `x2`"."""
    if "(" in names or "`" in names:
        return f"`{names}`" if "`" not in names else inline(names)
    return ", ".join(f"`{name.strip().replace(chr(92), '')}`" for name in names.split(",") if name.strip())
