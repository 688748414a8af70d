"""A real browser for the pages: headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WIDE, NARROW = 1280, 390
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "the pages are looked at in Chromium: `apt-get install chromium` (or CURATE_CHROMIUM=PATH)"


# A module at a time: while Playwright runs, no test in this process could start an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, of this machine; a run without it says at its end how many tests of pages it left out."""
    chromium = os.environ.get("CURATE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not chromium:
        (pytest.fail if os.environ.get("CURATE_DEMANDS_BROWSER") else pytest.skip)(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium)
        yield running
        running.close()


@contextmanager
def opened(browser: Any, file: Path, width: int = WIDE, **context: Any) -> Iterator[Any]:
    """Open a page as a visitor has it who has never seen it; fail for any error in it, and for any request it makes."""
    wrong: list[str] = []
    own = browser.new_context(viewport={"width": width, "height": 800}, has_touch=width <= NARROW, **context)
    try:
        own.on("request", lambda request: wrong.append(request.url) if not local(request.url, file) else None)
        own.on("weberror", lambda error: wrong.append(str(error.error)))
        own.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page = own.new_page()
        page.goto(file.as_uri())
        yield page
    finally:
        own.close()
    assert wrong == []


def local(url: str, file: Path) -> bool:
    return url == file.as_uri() or url.startswith("blob:")


def fits(page: Any) -> bool:
    """Tell whether nothing stands out at the side."""
    scroll: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return scroll <= 0
