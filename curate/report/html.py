"""Markup made by function calls: what pages that have no template yet are built of."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from markupsafe import Markup as Html

from curate.report.page import FORBIDDEN, policy, source
from curate.report.words import DASH, fields, number, percent, plural

__all__ = [
    "DASH",
    "Build",
    "Html",
    "bar",
    "built",
    "el",
    "fields",
    "join",
    "legend",
    "number",
    "page",
    "percent",
    "plural",
    "table",
]
_VOID = {"meta", "br", "rect", "line"}


def text(value: object) -> Html:
    """Escape a value for a place between tags or inside an attribute; markup stays as it is.

    >>> text('<img src="x">')
    Markup('&lt;img src=&quot;x&quot;&gt;')
    """
    if isinstance(value, Html):
        return value
    clean = FORBIDDEN.sub("\ufffd", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    return Html(html.escape(clean))  # noqa: S704


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """Make an element; children and attribute values are escaped, None among them is left out.

    A trailing underscore of an attribute's name falls away, the others become hyphens; True is an attribute
    without a value.

    >>> el("p", "a < b", el("br"), class_="note", hidden=True, title=None)
    Markup('<p class="note" hidden>a &lt; b<br></p>')
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{head}>" if name in {"meta", "br"} else f"<{name}{head}/>")  # noqa: S704
    return Html(f"<{name}{head}>{join(children)}</{name}>")  # noqa: S704


def join(parts: Iterable[object], between: str = "") -> Html:
    """Put markup and texts one after another."""
    return Html(text(between).join(text(part) for part in parts if part is not None))  # noqa: S704


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    # Even markup is escaped here: inside an attribute it would not be markup.
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'


def table(
    caption: str,
    heads: list[tuple[str, str]],
    rows: list[list[object]],
    foot: list[object] | None = None,
    *,
    kind: str | None = None,
    sortable: bool = False,
) -> Html:
    """Make a table in a box that scrolls sideways; `heads` are (name, class of the whole column).

    The first cell of each row names it. A table of the kind `stack` puts a row's cells below each other on a
    narrow screen, each with its column's name.
    """
    head = el("tr", *(el("th", name, scope="col", class_=kind or None) for name, kind in heads))
    body = join((_row(row, heads) for row in rows), "\n")
    last = el("tfoot", _row(foot, heads)) if foot else None
    whole = el(
        "table",
        el("caption", caption),
        "\n",
        el("thead", head),
        "\n",
        el("tbody", body),
        last,
        class_=kind,
        data_sort=sortable,
    )
    # A box that scrolls must be reachable by keyboard, and then needs a name.
    return el("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _row(cells: list[object], heads: list[tuple[str, str]]) -> Html:
    made: list[Html] = []
    for i, (cell, (name, kind)) in enumerate(zip(cells, heads, strict=True)):
        if i == 0:
            made.append(el("th", cell, scope="row", class_=kind or None))
        else:
            made.append(el("td", cell, class_=kind or None, data_label=name))
    return el("tr", *made)


Build: TypeAlias = Callable[[], Html | None]


def built(sections: Iterable[tuple[str, str, Build]], missing: dict[str, str]) -> list[tuple[str, str, Html]]:
    """Build the sections there are; one that fails says so in its place, and why in `missing`, and costs no other."""
    there = []
    for anchor, name, build in sections:
        try:
            part = build()
        except Exception as error:  # what was computed is worth more than a picture of it
            missing[name] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            part = lacking(name, missing[name])
        if part is not None:
            there.append((anchor, name, part))
    return there


def lacking(name: str, reason: str) -> Html:
    """Say in the place of a section why it is not there."""
    return join([el("h2", name), el("p", f"This section is missing, it could not be drawn: {reason}", class_="note")])


def page(title: str, head: Html, sections: Sequence[tuple[str, str, Html]], foot: str, style: str = "") -> str:
    """Build the whole page; sections are (anchor, name in the contents, content), `style` adds to the common one."""
    more = Html(f".facts dd {{ white-space: nowrap; font-size: 1.3rem }}\n{style}")  # noqa: S704
    style, script = source("style.css", "lines.css") + more, source("script.js")
    links = (el("li", el("a", name, href=f"#{anchor}")) for anchor, name, _ in sections)
    body = [
        el("a", "Skip to the content", href="#content", class_="skip"),
        head,
        el("nav", el("ul", *links), aria_label="Contents"),
        el("main", join((el("section", part, id=anchor) for anchor, _, part in sections), "\n"), id="content"),
        el("footer", foot),
        el("script", script),
    ]
    top = [
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy(style, script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", style),
    ]
    return "<!doctype html>\n" + str(el("html", el("head", *top), "\n", el("body", join(body, "\n")), lang="en")) + "\n"


def bar(parts: Sequence[tuple[float, str]], says: str) -> Html:
    """Draw a bar of parts side by side: (share of the whole width, colour's class)."""
    drawn, start = [el("rect", width="100%", height="100%", class_="track")], 0.0
    for share, kind in parts:
        width = max(100 * share, 0.4) if share > 0 else 0  # what is there can be seen
        drawn.append(el("rect", x=_share(min(start, 99.6)), width=_share(width), height="100%", class_=kind))
        start += 100 * share
    return el("svg", *drawn, role="img", aria_label=says, class_="bar", width="100%", height="14")


def _share(value: float) -> str:
    return f"{value:.2f}%"


def legend(keys: Sequence[tuple[str, str]]) -> Html:
    """Name the colours of bars: (colour's class, what it stands for)."""
    return el("p", *(el("span", el("i", class_=kind), f" {name}") for kind, name in keys), class_="legend")
