"""The report of a run as its reader has it: in a browser, from a file, by keyboard, wide and narrow, light and dark."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from curate.run.what_if import thresholds
from tests.ablate.ledger import runs
from tests.browser import NARROW, WIDE, fits, opened


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    runs.write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATE_DATA", str(folder))
        return runs.run(folder, "out", runs.recipe(runs.steps(), size=20))[0]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_stands_out_at_the_side_with_all_that_is_folded_opened(browser, out, width, colours):
    with opened(browser, out / "report.html", width, color_scheme=colours) as page:
        assert fits(page)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert fits(page)


def test_the_three_questions_are_answered_before_the_first_scroll(browser, out):
    with opened(browser, out / "report.html") as page:
        for question in ("Is it clean?", "What was lost?"):
            box = page.get_by_role("heading", name=question).bounding_box()
            assert box["y"] < 800


def test_a_way_to_a_step_opens_the_funnel_that_it_stands_in(browser, out):
    with opened(browser, out / "report.html") as page:
        link = page.locator(".lost a").first
        link.focus()
        page.keyboard.press("Enter")
        assert page.locator(f"{link.get_attribute('href')} table").first.is_visible()


def test_a_bound_moved_by_keys_says_what_asking_for_it_says(browser, out):
    with opened(browser, out / "report.html") as page:
        box = page.locator("#lengths .bound").first
        slider, output = box.get_by_role("slider"), box.locator("output")
        assert "at least 80 qa" in box.text_content()
        before = output.text_content()
        slider.focus()
        for key in ("ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        bound = float(box.locator("b").text_content().replace(",", ""))
        line = thresholds(out, [f"length.response >= {bound}"]).row(by_predicate=pl.col("source") == "qa", named=True)
        assert bound > 80 and line["lost"]
        assert (
            f"{line['left'] - line['lost']} rows would pass every step, {line['lost']} fewer" in output.text_content()
        )
        assert f"{line['lost']} fewer" in slider.get_attribute("aria-valuetext")
        for key in ("ArrowLeft", "ArrowLeft"):
            page.keyboard.press(key)
        assert output.text_content() == before == f"{line['left']} rows pass every step."


def test_every_bound_begins_where_the_recipe_has_it(browser, out):
    with opened(browser, out / "report.html") as page:
        boxes = page.locator(".bound")
        assert boxes.count() >= 4
        for i in range(boxes.count()):
            stops, at = boxes.nth(i).get_attribute("data-stops"), int(boxes.nth(i).get_attribute("data-at"))
            value, change = json.loads(stops)[at]
            assert change == 0 and float(re.sub(",", "", boxes.nth(i).locator("b").text_content())) == value
            assert boxes.nth(i).get_by_role("slider").input_value() == str(at)
