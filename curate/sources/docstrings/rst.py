"""reStructuredText to Markdown, as docstrings use it: a best reading of each block, never an error."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable

from curate.sources.docstrings.inline import inline

Parsed = tuple[list[str], int]  # Markdown blocks, and the line to go on from

_BULLET = re.compile(r"(?:[-*+•]|\d{1,2}[.)]|#\.|\((?:\d{1,2}|[a-z]|i+)\)|[a-z]\))\s+(?=\S)")
_NUMBER = re.compile(r"(\d+|#)\. ")
_DIRECTIVE = re.compile(r"\.\. ?([\w:-]+?)::\s*(.*)")
_OPTION = re.compile(r"\s*:[\w-]+:(\s|$)")
_UNDERLINE = re.compile(r"([=~^\-\"'.*+#`:_])\1{2,}\s*")
_BORDER = re.compile(r"=+( +=+)+\s*")
_LINED = re.compile(r"\+([-=]+\+)+\s*")

_ADMONITIONS = {"note", "warning", "tip", "important", "caution", "hint", "attention", "danger", "error"}
_CODE = {"code-block", "code", "sourcecode", "ipython", "parsed-literal", "testcode", "jupyter-execute"}
# Their content stands without the directive around it.
_SHOWN = {"plot", "topic", "container", "admonition", "rubric", "compound", "epigraph", "only", "table", "tip"}


def to_markdown(lines: list[str]) -> str:
    """Convert the lines of a reST text (dedented) to Markdown.

    >>> print(to_markdown(["Use ``x``::", "", "    x = 1", "", ".. versionadded:: 2.0"]))
    Use `x`:
    <BLANKLINE>
    ```python
    x = 1
    ```
    """
    return join(blocks(lines))


def join(items: list[str]) -> str:
    """Put blocks below each other: items of one list without, all else with an empty line between."""
    text, number = "", 0
    for block in items:
        if mark := _NUMBER.match(block):
            number = int(mark[1]) if mark[1] != "#" else number + 1
            block = f"{number}. {block[mark.end() :]}"
        else:
            number = 0
        above = text.rpartition("\n\n")[2]
        same = bool(number and _NUMBER.match(above)) or (block.startswith("- ") and above.startswith("- "))
        tight = same and "\n\n" not in block
        text += (("\n" if tight else "\n\n") if text else "") + block
    return text


def blocks(lines: list[str]) -> list[str]:
    """Convert lines to a list of Markdown blocks."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        parsed = next(parsed for reader in _READERS if (parsed := reader(lines, at)))
        result += [block for block in parsed[0] if block.strip(" -")]
        at = parsed[1]
    return result


def indent(line: str) -> int:
    """Count the spaces a line begins with."""
    return len(line) - len(line.lstrip())


def end_of_indented(lines: list[str], at: int, depth: int) -> int:
    """Find the first line from `at` on that is indented by `depth` or less; empty lines are not."""
    last = at
    while at < len(lines):
        if lines[at].strip():
            if indent(lines[at]) <= depth:
                break
            last = at + 1
        at += 1
    return last


def dedent(lines: list[str]) -> list[str]:
    """Remove the indentation that all lines share."""
    return textwrap.dedent("\n".join(lines)).split("\n")


def fence(lines: list[str], language: str | None = None) -> str:
    """Put code between fences; without a stated language it is Python if it reads as Python."""
    code = textwrap.dedent("\n".join(lines)).strip("\n")
    if not code.strip():
        return ""
    if language is None:
        language = "python" if ">>>" in code or _is_python(code) else ""
    marks = "````" if "```" in code else "```"
    return f"{marks}{language}\n{code.rstrip()}\n{marks}"


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _fenced(lines: list[str], at: int) -> Parsed | None:
    """Take a block that is Markdown already."""
    mark = re.match(r"\s*(```+)", lines[at])
    if not mark:
        return None
    end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == mark[1]), len(lines) - 1)
    return ["\n".join(dedent(lines[at : end + 1]))], end + 1


def _doctest(lines: list[str], at: int) -> Parsed | None:
    """Take an interactive session; sessions with only empty lines between them are one."""
    if not lines[at].lstrip().startswith(">>>"):
        return None
    end = at
    while end < len(lines):
        if not lines[end].strip():
            following = next((line for line in lines[end:] if line.strip()), "")
            if not following.lstrip().startswith((">>>", "...")):
                break
        end += 1
    session = [re.sub(r"\s*#\s*doctest:.*$", "", line) for line in lines[at:end]]
    session = [re.sub(r"^(\s*)<BLANKLINE>\s*$", "", line) for line in session]
    return [fence(session, "python")], end


def _directive(lines: list[str], at: int) -> Parsed | None:
    """Take a directive or a comment with its indented content."""
    line = lines[at].strip()
    if not (line.startswith(".. ") or line == ".." or _DIRECTIVE.match(line)):
        return None
    end = end_of_indented(lines, at + 1, indent(lines[at]))
    match = _DIRECTIVE.match(line)
    if not match:
        return [], end  # footnotes, targets, substitutions, comments
    name, argument, body = match[1].lower().rpartition(":")[2], match[2].strip(), lines[at + 1 : end]
    while body and _OPTION.match(body[0]):
        body = body[1:]
    return _render(name, argument, dedent(body)), end


def _render(name: str, argument: str, body: list[str]) -> list[str]:
    if name in _ADMONITIONS:
        return [_labelled(f"**{name.capitalize()}:**", [argument, *body] if argument else body)]
    if name == "deprecated":
        version, _, rest = argument.partition(" ")
        return [_labelled(f"**Deprecated since version {version.rstrip(':')}:**", [rest, *body] if rest else body)]
    if name == "math":
        return _formulas("\n".join([argument, *body] if argument else body))
    if name in _CODE:
        language = {"": None, "ipython": "python", "pycon": "python"}.get(argument, argument.lower())
        return [fence(body, language)]
    if name == "list-table":
        return blocks(body)
    if name in _SHOWN:
        title = [f"**{inline(argument)}**"] if argument and name not in {"plot", "only", "container"} else []
        code = name == "plot" and not any(line.lstrip().startswith(">>>") for line in body)
        return [*title, *([fence(body)] if code else blocks(body))]
    return []  # versions, cross references, figures, indexes: nothing a reader of an answer can follow


def _formulas(text: str) -> list[str]:
    """Write each formula (an empty line parts them) in its own block, aligned where it has marks for that."""
    formulas = [formula.strip() for formula in re.split(r"\n\s*\n", text) if formula.strip()]
    for at, formula in enumerate(formulas):
        if re.search(r"(?<!\\)&|\\\\", formula) and "\\begin" not in formula:
            formulas[at] = f"\\begin{{aligned}}\n{formula}\n\\end{{aligned}}"
    return [f"$$\n{formula}\n$$" for formula in formulas]


def _labelled(label: str, body: list[str]) -> str:
    parts = blocks(body)
    if parts and not parts[0].startswith(("- ", "```", "$$", "|")):
        return join([f"{label} {parts[0]}", *parts[1:]])
    return join([label, *parts])


def _table(lines: list[str], at: int) -> Parsed | None:
    """Take a simple or a grid table."""
    if _LINED.fullmatch(lines[at].strip()):
        end = at
        while end < len(lines) and lines[end].strip().startswith(("+", "|")):
            end += 1
        return [_grid([line.strip() for line in lines[at:end]])], end
    if not _BORDER.fullmatch(lines[at].strip()):
        return None
    borders = [n for n in range(at, len(lines)) if _BORDER.fullmatch(lines[n].strip())]
    closing = [n for n in borders[1:] if n + 1 == len(lines) or not lines[n + 1].strip()]
    if not closing:
        return None
    end = closing[0]
    return [_simple(lines[at : end + 1])], end + 1


def _simple(lines: list[str]) -> str:
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    rows: list[list[str]] = []
    for line in lines[1:]:
        if not line.strip() or _BORDER.fullmatch(line.strip()) or set(line.strip()) <= {"-", " "}:
            continue
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if rows and not cells[0]:  # an empty first cell carries the row above on
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return _pipes(rows)


def _grid(lines: list[str]) -> str:
    rows: list[list[str]] = []
    fresh = True
    for line in lines:
        if line.startswith("+"):
            fresh = True
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if fresh:
            rows.append(cells)
        elif len(cells) == len(rows[-1]):
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        fresh = False
    if len({len(row) for row in rows}) != 1:
        return fence(lines, "")  # cells that span columns: shown as they are
    return _pipes(rows)


def _pipes(rows: list[list[str]]) -> str:
    """Write a Markdown table; its first row is the heading."""
    if not rows:
        return ""
    written = ["| " + " | ".join(inline(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([written[0], "|" + " --- |" * len(rows[0]), *written[1:]])


def _heading(lines: list[str], at: int) -> Parsed | None:
    if at + 1 >= len(lines) or not _UNDERLINE.fullmatch(lines[at + 1]):
        return None
    if len(lines[at + 1].strip()) < len(lines[at].strip()) - 2 or indent(lines[at]):
        return None
    return [f"**{inline(lines[at].strip())}**"], at + 2


def _list(lines: list[str], at: int) -> Parsed | None:
    """Take one item of a bullet or numbered list."""
    depth = indent(lines[at])
    mark = _BULLET.match(lines[at].lstrip())
    if not mark:
        return None
    end = end_of_indented(lines, at + 1, depth)
    first = lines[at].lstrip()[mark.end() :]
    number = re.match(r"\(?(\d+)", mark[0])
    label = f"{number[1]}. " if number else "#. " if mark[0].startswith("#") else "- "
    return [item(label, "", [first, *dedent(lines[at + 1 : end])])], end


def item(label: str, opening: str, body: list[str]) -> str:
    """Write a list item: what it opens with on its line, further blocks indented below."""
    parts = blocks(body)
    pad = " " * len(label)
    if parts and not parts[0].startswith(("- ", "```", "$$", "|", "1. ", "#. ")):
        opening = f"{opening} {parts.pop(0)}".strip()
    text = label + opening.replace("\n", "\n" + pad)
    if not parts:
        return text
    below = join(parts)
    # A list inside the item follows at once, so that the outer list stays tight.
    gap = "\n" if below.startswith("- ") or _NUMBER.match(below) else "\n\n"
    return text + gap + textwrap.indent(below, pad)


def _field(lines: list[str], at: int) -> Parsed | None:
    """Take a field such as `:param int x: text` or `:returns: text`."""
    match = re.match(r"\s*:(\w+)(?: ([^:`]+))?:(?:\s+(.*)|$)", lines[at])
    if not match:
        return None
    end = end_of_indented(lines, at + 1, indent(lines[at]))
    name, argument = match[1], match[2]
    opening = f"`{argument.split()[-1]}`:" if argument else f"{name.capitalize()}:"
    return [item("- ", opening, [match[3] or "", *dedent(lines[at + 1 : end])])], end


def _definition(lines: list[str], at: int) -> Parsed | None:
    """Take a term with its indented explanation right below."""
    depth = indent(lines[at])
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if not following.strip() or indent(following) <= depth or lines[at].rstrip().endswith("::"):
        return None
    end = end_of_indented(lines, at + 1, depth)
    term = inline(lines[at].strip().removesuffix(":"))
    return [item("- ", f"{term}:", dedent(lines[at + 1 : end]))], end


def _quote(lines: list[str], at: int) -> Parsed | None:
    """Take an indented block as if it were not indented."""
    depth = indent(lines[at])
    if not depth:
        return None
    end = end_of_indented(lines, at, depth - 1)
    return blocks(dedent(lines[at:end])), end


def _paragraph(lines: list[str], at: int) -> Parsed:
    """Take lines up to an empty one; after `::` an indented literal block."""
    depth, end = indent(lines[at]), at
    while end < len(lines) and lines[end].strip():
        line = lines[end].strip()
        if end > at and (line.startswith((">>>", ".. ", "```")) or _starts_list(lines, end)):
            break
        if end > at and lines[end - 1].rstrip().endswith("::") and indent(lines[end]) > depth:
            break
        end += 1
    text = " ".join(line.strip().lstrip("|").strip() for line in lines[at:end])
    if not text.endswith("::"):
        return [inline(text)], end
    stop = end_of_indented(lines, end, depth)
    text = text[:-2].rstrip()
    opening = "" if not text else inline(text) + ("" if text.endswith((":", ".")) else ":")
    return [opening, fence(dedent(lines[end:stop]))], stop


def _starts_list(lines: list[str], at: int) -> bool:
    """Tell whether a list begins right below a line that announces one (strict reST wants an empty line)."""
    return bool(_BULLET.match(lines[at].lstrip())) and lines[at - 1].rstrip().endswith(":")


_READERS: tuple[Callable[[list[str], int], Parsed | None], ...] = (
    _fenced, _doctest, _directive, _table, _heading, _list, _field, _definition, _quote, _paragraph,
)  # fmt: skip
