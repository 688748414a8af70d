"""The site of docs/: it builds strictly, asks no other server for anything, and each page is one click from every other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from curate.cli import main
from curate.recipe.reference import catalog
from tests.browser import NARROW, WIDE, fits
from tests.test_layout import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    env = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Tags(HTMLParser):
    """What a page loads, what it links to, and the anchors it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.ids.add(values.get("id", ""))
        self.loads += [values[key] for key in ("src", "srcset", "poster", "data") if key in values]
        if "href" in values:
            (self.links if tag == "a" else self.loads).append(values["href"])


def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert [(page.name, url) for page in pages for url in Tags(page).loads if "//" in url] == []
    styles = [file.read_text(encoding="utf-8") for file in site.rglob("*.css")]
    assert styles and not any("url(http" in style or "url(//" in style or "@import" in style for style in styles)


def test_the_reference_has_a_section_for_everything_there_is(site):
    for kind in ("filters", "sources", "generators", "judges", "pairs", "recipes"):
        names = {row["name"].replace("/", "") for row in catalog(kind) if row["is"] != "plug-in"}
        assert names <= Tags(site / f"reference/{kind}.html").ids, kind
    for page, words in (("sources", ("shape", "license", "columns")), ("keys", ("optional", "dev", "shortfall"))):
        text = (site / f"reference/{page}.html").read_text(encoding="utf-8")
        assert [word for word in words if f"<code>{word}</code>" not in text] == []
    commands = (site / "commands.html").read_text(encoding="utf-8")
    assert commands.count("Usage: curate") >= len(main.commands)


def test_each_page_is_one_click_from_the_start(site):
    start = {link.partition("#")[0] for link in Tags(site / "index.html").links}
    pages = {str(page.relative_to(site)) for page in site.rglob("*.html")}
    assert pages - start - {"index.html", "404.html"} == set()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a server of this machine has the site."""
    handler = partial(type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "tutorial", "commands", "reference/filters", "reference/keys"])
def test_a_browser_asks_nobody_else_and_sees_it_whole(browser: Any, address, name, colours, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=colours)
    wrong: list[str] = []
    context.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(address) else None)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    page = context.new_page()
    page.goto(f"{address}{name}.html", wait_until="networkidle")
    assert fits(page) and page.locator("h1").is_visible()
    scheme = page.evaluate("document.body.dataset.mdColorScheme")
    context.close()
    assert scheme == {"light": "default", "dark": "slate"}[colours] and wrong == []


def test_the_search_finds_a_filter(browser: Any, address):
    page = browser.new_page(viewport={"width": WIDE, "height": 800})
    page.goto(f"{address}index.html")
    page.keyboard.press("/")
    page.keyboard.type("near_duplicates")
    found = page.locator(".md-search-result__link[href*='reference/filters.html#near_duplicates']").first
    found.wait_for(timeout=20_000)
    assert "near_duplicates" in found.inner_text()
    page.close()
