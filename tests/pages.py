"""Pages read as a browser would, and what holds for each of them."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A page read as a browser would: tags must close in order; attributes, texts and cells are gathered."""

    VOID = frozenset({"meta", "br", "input"})

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, Any]] = []
        self.texts: list[str] = []
        self.ids: list[Any] = []
        self.tables: list[list[list[str]]] = []
        self.raw = {"style": "", "script": ""}
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"th", "td"}:
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]] += data
            return
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def table(self, first: list[str]) -> list[list[str]]:
        """Find the rows of the table whose head begins with these names."""
        return next(table[1:] for table in self.tables if table[0][: len(first)] == first)


def check_alone(page: Page) -> None:
    """Hold that a page loads nothing, and may run and be styled by nothing but what stands in it."""
    assert not {"link", "img", "iframe", "object", "embed", "form", "base", "image", "use"} & set(page.tags)
    loading = {"src", "srcset", "style", "action", "data", "poster", "background", "xlink:href"}
    assert not [a for a in page.attributes if a[1] in loading or a[1].startswith("on")]
    links = {value for _, name, value in page.attributes if name == "href"}
    assert links <= {f"#{anchor}" for anchor in page.ids}
    assert not re.search(r"url\(|@import|https?:", page.raw["style"] + page.raw["script"])
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
