"""Markup: one way to make it, which escapes whatever is not markup already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

# Characters that HTML forbids even escaped, or that would garble the page, as those that turn the order of letters
# around or hide what stands behind them: shown as a replacement mark.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)
_LONG = 1e15  # from here on digits say less than a power of ten
DASH = "\N{EN DASH}"  # where there is no number
_VOID = {"meta", "br", "rect", "line"}


class Html(str):
    """Markup that is finished: it is put into a page as it stands. Only the functions here make it."""

    __slots__ = ()


def text(value: object) -> Html:
    """Escape a value for a place between tags or inside an attribute; markup stays as it is.

    >>> text('<img src="x">')
    '&lt;img src=&quot;x&quot;&gt;'
    """
    if isinstance(value, Html):
        return value
    return Html(html.escape(_FORBIDDEN.sub("\ufffd", str(value).replace("\r\n", "\n").replace("\r", "\n"))))


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """Make an element; children and attribute values are escaped, None among them is left out.

    A trailing underscore of an attribute's name falls away, the others become hyphens; True is an attribute
    without a value.

    >>> el("p", "a < b", el("br"), class_="note", hidden=True, title=None)
    '<p class="note" hidden>a &lt; b<br></p>'
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{head}>" if name in {"meta", "br"} else f"<{name}{head}/>")
    return Html(f"<{name}{head}>{join(children)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Put markup and texts one after another."""
    return Html(text(between).join(text(part) for part in parts if part is not None))


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


def number(value: float | int | None, digits: int = 1) -> str:
    """Show a number with thousands apart; a dash for none.

    >>> number(1234567), number(0.25), number(1200.0), number(None) == DASH
    ('1,234,567', '0.2', '1,200', True)
    """
    if value is None or value != value:
        return DASH
    if abs(value) >= _LONG:
        return f"{value:.4g}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}"


def percent(part: float, whole: float) -> str:
    """Show a share; a small one is not rounded to nothing.

    >>> percent(1, 3), percent(3, 10_000), percent(0, 5), percent(5, 5), percent(1, 0) == DASH
    ('33 %', '0.03 %', '0 %', '100 %', True)
    """
    if not whole:
        return DASH
    share = 100 * part / whole
    digits = 0 if share == 0 or share >= 10 else 1 if share >= 1 else 2
    shown = f"{share:.{digits}f}"
    return f"{'< 0.01' if share and float(shown) == 0 else shown} %"


def plural(n: int, one: str, many: str = "") -> str:
    """Count things in words.

    >>> plural(1, "row"), plural(2_000, "row"), plural(2, "entry", "entries")
    ('1 row', '2,000 rows', '2 entries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def fields(given: object) -> str:
    """Put a value of a recipe into words.

    >>> fields(["a", "b"]), fields(1200), fields(True), fields({"by": "domain"})
    ('a, b', '1,200', 'yes', 'by domain')
    """
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int | float):
        return f"{given:,.10g}"
    if isinstance(given, dict):
        return ", ".join(f"{_spaced(k)} {fields(v)}" for k, v in given.items())
    if isinstance(given, list | tuple):
        shown = ", ".join(fields(item) for item in given[:8])
        return shown if len(given) <= 8 else f"{shown} and {len(given) - 8} more"
    return str(given)


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")
