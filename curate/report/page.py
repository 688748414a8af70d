"""The page around the report: one file that loads nothing and may run nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from curate.report.html import Html, el, join
from curate.report.style import SCRIPT, STYLE


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
