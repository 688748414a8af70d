"""Each filter with a compiled step gives the same on every post of the dumps as with its reference."""

from __future__ import annotations

import polars as pl
import pytest

from curate.filters import alike, first_person, html_to_markdown, length, mentions, strip_links
from curate.filters.compiled import unavailable
from tests.filters.compiled.test_html import posts

# Filters as a recipe chains them: on HTML, then on Markdown, then on plain text.
FILTERS = {
    "html_to_markdown": lambda: html_to_markdown("text"),
    "strip_links": lambda: strip_links("text"),
    "length": lambda: length("text", unit="words", max=200),
    "first_person": lambda: first_person("text"),
    "mentions": lambda: mentions("text"),
    "alike": lambda: alike("text", "before"),
}


@pytest.mark.slow
@pytest.mark.parametrize("site", ["ai", "beer", "coffee"])
def test_real_posts_pass_alike(data, site, tmp_path, monkeypatch):
    frame = pl.DataFrame({"text": posts(data, site, tmp_path)}).with_columns(before="text")
    for name, make in FILTERS.items():
        monkeypatch.delenv("CURATE_REFERENCE", raising=False)
        if reason := unavailable():
            pytest.skip(reason)
        compiled = frame.select(result=make()).to_series()
        monkeypatch.setenv("CURATE_REFERENCE", "1")
        reference = frame.select(result=make()).to_series()
        different = frame.filter(compiled.ne_missing(reference))
        assert different.is_empty(), f"{name} of {different['text'][0]!r}"
        if compiled.dtype == pl.String:
            frame = frame.with_columns(text=compiled, before="text")
