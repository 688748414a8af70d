"""The page on which people decide about rows: driven in a real browser, from the first key to the set run again."""

from __future__ import annotations

import json

import polars as pl
import pytest

import curate
from curate.run.check import verify
from curate.run.inputs import Rows
from curate.run.review import decided, decisions_file, page, undecided
from tests.browser import NARROW, WIDE, fits, opened
from tests.pages import Page, check_alone

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title = 'broken'</script> [/b] "
ROWS = [{"prompt": f"Why {n} times?", "response": f"{HOSTILE}I think so. " * n} for n in range(1, 31)]
STEPS = [{"keep": {"length": {"min": 200}}}, {"select": {"exact_duplicates": {"column": "response"}}}]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    twin = {"prompt": "Why 30 times more?", "response": ROWS[-1]["response"]}
    pl.DataFrame([*ROWS, twin]).write_ndjson("rows.jsonl")
    return {
        "name": "mine",
        "sources": {"a": {"read": {"jsonl": {"path": tmp_path / "rows.jsonl"}}, "steps": STEPS}},
        "size": 10,
    }


def write(out, file, **choice):
    rows = undecided(out, 3, decided(decisions_file(out)), **choice)
    file.write_text(page(out, rows), encoding="utf-8")
    return [row["id"] for row in rows.rows]


def save(page, act, folder):
    with page.expect_download() as waited:
        act()
    file = folder / waited.value.suggested_filename
    waited.value.save_as(file)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_what_is_decided_on_pages_holds_when_run_again(browser, recipe, tmp_path):
    out = curate.run(recipe).path
    lines = []
    for choice, key in (({}, "a"), ({"kept": True}, "r")):
        [one, *_] = write(out, tmp_path / "review.html", **choice)
        with opened(browser, tmp_path / "review.html") as page:
            page.fill("#name", "Ada")
            page.keyboard.press("Enter")
            page.keyboard.press("n")
            page.keyboard.type("read, and sure")  # keys in it decide nothing
            page.keyboard.press("Enter")
            page.keyboard.press(key)
            [line] = save(page, lambda: page.keyboard.press("w"), tmp_path)
        assert (line["id"], line["by"], line["note"]) == (one, "Ada", "read, and sure")
        lines.append(line)
    accepted, rejected = (line["id"] for line in lines)
    decisions_file(out).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    again = curate.run({**recipe, "name": "again", "overrides": str(decisions_file(out))})
    before, now = (set(pl.read_parquet(folder / "train.parquet")["id"]) for folder in (out, again.path))
    assert accepted in now - before and rejected in before - now
    assert again.manifest["overrides"] == {"accepted": 1, "accepted_out": 0, "rejected": 1, "not_there": 0}
    assert set(verify(again.path).values()) == {"same"}
    assert {accepted, rejected}.isdisjoint(
        [*write(out, tmp_path / "1.html"), *write(out, tmp_path / "2.html", kept=True)]
    )


def test_it_goes_on_later_and_what_was_skipped_is_not_saved(browser, recipe, tmp_path):
    file = tmp_path / "review.html"
    first, second, third = write(curate.run(recipe).path, file)
    with opened(browser, file) as page:
        press = page.keyboard.press
        press("Enter")
        assert page.is_visible("#start"), "who decides must be said"
        page.fill("#name", "Ä. B.")
        press("Enter")
        page.fill("#note", "hm")
        press("Enter")
        for key in "rsu":
            press(key)
        assert page.locator("article:visible").get_attribute("data-item") == second
        press("Backspace")
        assert page.input_value("#note") == "hm"
        press("r")
        page.reload()
        assert page.inner_text("#where") == "2 of 3"
        press("s")
        press("a")
        lines = save(page, lambda: page.click("#save_end"), tmp_path)
        assert page.title() == "Review of mine"
    assert [(one["id"], one["decision"], one.get("note")) for one in lines] == [
        (first, "reject", "hm"),
        (third, "accept", None),
    ]
    assert all(one["by"] == "Ä. B." and one["at"].endswith("Z") and "." not in one["at"] for one in lines)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_stands_out_at_the_side(width, colours, browser, recipe, tmp_path):
    file = tmp_path / "review.html"
    write(curate.run(recipe).path, file, dropped="exact_duplicates")
    with opened(browser, file, width, color_scheme=colours) as page:
        assert fits(page)
        page.fill("#name", "Ada")
        page.click("#begin")
        assert fits(page)
        for button in ("#accept", "#skip", "#reject", "#undo"):
            box = page.locator(button).bounding_box()
            assert box["height"] >= 44 and box["y"] + box["height"] <= 800, f"{button} is not at hand"
        sides = [box.bounding_box() for box in page.locator("article:visible .answer").all()]
        assert (sides[0]["y"] == sides[1]["y"]) == (width == WIDE), "a row and its twin, where there is room"
        page.click("#accept")
        assert page.is_visible("#end") and fits(page)


def test_the_page_loads_nothing_and_marks_what_a_verdict_rests_on(tmp_path):
    row = {"id": "5" * 32, "source": "a", "domain": None, "kept": False, "dropped_by": "first_person"}
    row |= {
        "prompt": "Why?",
        "response": HOSTILE + "I think so.",
        "spans": ["I think"],
        "detail": "first_person: I think",
    }
    document = page(
        tmp_path / "mine", Rows([row, {**row, "id": "6" * 32, "prompt": None, "response": None}], ["a: gone"])
    )
    check_alone(Page(document))
    assert document.count("<script>") == 1 and "<mark>I think</mark> so." in document
    assert "(its texts are not there any more)" in document and "a: gone." in document
