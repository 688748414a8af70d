"""The page around the report: one file that loads nothing and may run nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from curate.report.html import Html, el, join
from curate.report.style import SCRIPT, STYLE

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
    style = STYLE + style
    links = (el("li", el("a", name, href=f"#{anchor}")) for anchor, name, _ in sections)
    body = [
        el("a", "Skip to the content", href="#content", class_="skip"),
        head,
        el("nav", el("ul", *links), aria_label="Contents"),
        el("main", join((el("section", part, id=anchor) for anchor, _, part in sections), "\n"), id="content"),
        el("footer", foot),
        el("script", Html(SCRIPT)),
    ]
    top = [
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", Html(style)),
    ]
    return "<!doctype html>\n" + el("html", el("head", *top), "\n", el("body", join(body, "\n")), lang="en") + "\n"


def _policy(style: str) -> str:
    """Allow this style and script by their hashes: markup that slipped in could load and run nothing."""
    own = {"style-src": style, "script-src": SCRIPT}
    rights = [f"{name} 'sha256-{_digest(content)}'" for name, content in own.items()]
    return "; ".join(["default-src 'none'", *rights, "base-uri 'none'", "form-action 'none'"])


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
