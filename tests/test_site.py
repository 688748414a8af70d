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


# What people ask of a library like this: the link on the start page that they would take, the heading in the contents of the
# page that it leads to, and words of the answer that stands there.
QUESTIONS = {
    "How do I install it, and what is an extra for?": ("Install", "What works here, and which extra is for what", "curate doctor"),
    "How do I begin with a file of mine?": ("Your own data", "Your own data", "curate init"),
    "Which formats and shapes of files are read?": ("Your own data", "What is read", "ShareGPT"),
    "Why is this row not in the set?": ("Tutorial", "Why is this row out?", "curate why"),
    "How do I move a threshold without a second run?": ("Tutorial", "Another bound", "what-if"),
    "What does a filter take, and what is it blind to?": ("Filters", "first_person", "words"),
    "My run gives nothing. What now?": ("Write a recipe", "When a run gives nothing", "The screen says why"),
    "How do I write a filter of my own?": ("Write a recipe", "A filter, a selector or a score of your own", "my_module:my_function"),
    "Are dialogues with several turns and tools kept?": ("Write a recipe", "Turns", "tools"),
    "How do I use it in a notebook?": ("Use it from Python, on any table", "A run from Python", "curate.run"),
    "Does it work on pandas frames?": ("Use it from Python, on any table", "On tables of other libraries", "pandas"),
    "How do I drop rows that say nearly the same?": ("Find duplicates, leaks and a diverse set", "Near-duplicates", "near_duplicates"),
    "Does my set leak the test questions of a benchmark?": ("Find duplicates, leaks and a diverse set", "Contamination", "contaminated"),
    "How do I make chosen and rejected answers?": ("Make answers and pairs", "Four ways to a pair, two to an answer", "rejected"),
    "Which trainers and tools can read the set?": ("Commands", "curate export OUT --format FORMAT", "llamafactory"),
    "How do I train on it, and with what config?": ("Train", "A config", "model"),
    "Which filter made the difference?": ("Find which filter made the difference", "What such a question finds", "seeds"),
    "May I run a recipe that a stranger sent me?": ("Trust a recipe of a stranger", "Whose code runs", "--trust"),
    "How long will it take, and how far is it?": ("Commands", "How far a run is, and the time left", "at least"),
    "Can it cope with millions of rows?": ("Work on large data and many machines", "Fifty million rows in one process", "rows"),
}  # fmt: skip


class Text(HTMLParser):
    """The links of a page by their words, and its sections by their headings, all as plain text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: dict[str, str] = {}  # to other pages
        self.contents: set[str] = set()  # the words of links within the page
        self.sections: dict[str, str] = {"": ""}
        self._words, self._href = "", ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("class") == "headerlink":  # it ends each heading
            self.sections[" ".join(self._words.split())] = ""
        if tag in ("a", "h1", "h2", "h3"):
            self._words, self._href = "", values.get("href") or ""

    def handle_data(self, data: str) -> None:
        self._words += data
        self.sections[[*self.sections][-1]] += data

    def handle_endtag(self, tag: str) -> None:
        words = " ".join(self._words.split())
        if tag == "a" and self._href.startswith("#"):
            self.contents.add(words)
        elif tag == "a":
            self.links.setdefault(words, self._href)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_within_two_clicks(site, question):
    link, heading, answer = QUESTIONS[question]
    page = Text(site / Text(site / "index.html").links[link])
    assert heading in page.contents or heading == link
    assert answer in page.sections[heading], page.sections[heading]


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
