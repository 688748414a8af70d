"""The page as a voter has it: driven in a real browser, from the first key to the votes read back."""

from __future__ import annotations

import json

import pytest

from curate.evaluate.vote import make, read
from curate.evaluate.vote.make import key_file
from tests.browser import NARROW, WIDE, fits, opened
from tests.evaluate.vote.conftest import answer

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title = 'broken'</script> **bold**\n\n    code\n" + "Averylongword" * 40


@pytest.fixture
def page_file(answers, tmp_path):
    lines = [answer(i, HOSTILE if i == 0 else f"formal says {i}\n" * 60) for i in range(6)]
    file = tmp_path / "vote.html"
    make([answers("warm", 6), answers("formal", lines=lines)], file, question="Which answer is more human-like?")
    return file


def visible(page):
    """Which item is on the screen, and what stands left and right."""
    item = page.locator("article:visible")
    return item.get_attribute("data-item"), *item.locator(".answer .text").all_inner_texts()


def save(page, act, folder):
    with page.expect_download() as waited:
        act()
    assert waited.value.suggested_filename.endswith(".json")
    file = folder / waited.value.suggested_filename
    waited.value.save_as(file)
    return file


def counted(file):
    return json.loads(file.read_text(encoding="utf-8"))["votes"]


@pytest.mark.slow
def test_a_vote_by_keys_from_the_first_to_the_read_back(browser, page_file, tmp_path):
    key = json.loads(key_file(page_file).read_text(encoding="utf-8"))
    with opened(browser, page_file) as page:
        press = page.keyboard.press
        page.fill("#name", "Ä. B.")
        press("u")  # typed into the field, it undoes nothing
        page.fill("#name", "Ä. B.")
        press("Enter")
        expected = {}
        for how, choice in (("1", "left"), ("ArrowRight", "right"), ("0", "tie")):
            item, left, _ = visible(page)
            model = "formal" if "formal" in left or "Averylong" in left else "warm"
            assert key["items"][item]["left"] == model
            expected[item] = choice
            press(how)
        assert page.inner_text("#where") == "4 of 6"
        press("u")
        press("Backspace")
        again, *_ = visible(page)
        assert list(expected)[1] == again
        expected = {next(iter(expected)): "left"}
        page.wait_for_timeout(500)  # what a page keeps, a busy browser has a moment later
        page.reload()  # in the middle: the vote goes on where it was
        assert (page.inner_text("#where"), visible(page)[0]) == ("2 of 6", again)
        half = save(page, lambda: press("s"), tmp_path)
        assert counted(half) == expected
        for how, choice in (("2", "right"), ("t", "tie"), ("3", "tie"), ("ArrowLeft", "left"), ("1", "left")):
            expected[visible(page)[0]] = choice
            press(how)
        assert page.inner_text("#end h2") == "All voted on. Thank you!"
        press("1")  # there is nothing left to vote on
        press("u")
        last, *_ = visible(page)
        expected[last] = "right"
        press("2")
        page.reload()
        assert page.is_visible("#end") and page.input_value("#name_end") == "Ä. B."
        file = save(page, lambda: page.click("#save_end"), tmp_path)
        assert json.loads(page.input_value("#copy"))["votes"] == expected
        assert page.title() == "Which answer is more human-like?"
    assert counted(file) == expected
    counts = read(key_file(page_file), [file, half] if half != file else [file])
    chosen = {"warm": 0, "formal": 0, "tie": 0}
    for item, choice in expected.items():
        chosen["tie" if choice == "tie" else key["items"][item][choice]] += 1
    assert {m["model"]: m["chosen"] for m in counts["models"]} | {"tie": counts["ties"]} == chosen
    assert counts["voters"][0]["voter"].startswith("Ä. B.") and counts["voters"][0]["open"] == 0


@pytest.mark.slow
def test_a_vote_by_taps_on_a_narrow_screen(browser, page_file, tmp_path):
    with opened(browser, page_file, NARROW, is_mobile=True) as page:
        assert fits(page)
        page.tap("#begin")
        for button in ("#left", "#right", "#tie", "#undo", "#tie", "#left", "#right", "#left"):
            assert fits(page)
            box = page.locator(button).bounding_box()
            assert box["height"] >= 44 and box["y"] + box["height"] <= 800, f"{button} is not at hand"
            page.tap(button)
        assert page.is_visible("#end") and fits(page)
        file = save(page, lambda: page.tap("#save_end"), tmp_path)
    assert sorted(counted(file).values()) == ["left", "left", "left", "right", "right", "tie"]


@pytest.mark.slow
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_stands_out_at_the_side(width, colours, browser, page_file):
    with opened(browser, page_file, width, color_scheme=colours) as page:
        assert fits(page)
        page.click("#begin")
        for _ in range(6):
            assert fits(page)
            sides = [box.bounding_box() for box in page.locator("article:visible .answer").all()]
            assert (sides[0]["y"] == sides[1]["y"]) == (width == WIDE), "beside each other where there is room"
            page.keyboard.press("1")
        assert fits(page)


@pytest.mark.slow
def test_one_press_is_one_vote(browser, page_file):
    with opened(browser, page_file) as page:
        page.keyboard.press("Enter")
        page.dblclick("#left")
        assert page.inner_text("#where") == "2 of 6"
        page.keyboard.down("1")
        page.keyboard.down("1")  # held down, it repeats
        assert page.inner_text("#where") == "3 of 6"
        page.dblclick("#undo")  # but undo may be pressed as fast as one likes
        assert page.inner_text("#where") == "1 of 6"


@pytest.mark.slow
def test_another_voter_starts_anew(browser, page_file, tmp_path):
    with opened(browser, page_file) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        files = []
        for choice in "12":
            page.keyboard.press("Enter")
            for _ in range(6):
                page.keyboard.press(choice)
            files.append(save(page, lambda: page.keyboard.press("s"), tmp_path))
            page.click("#again")
            assert page.is_visible("#start")
    counts = read(key_file(page_file), files)
    assert len(counts["voters"]) == 2 and counts["agreement"][0]["agreement"] == 0.0
    assert counts["position"]["rate"] == 0.5


@pytest.mark.slow
def test_a_browser_that_keeps_nothing_is_told_of(browser, page_file):
    with opened(browser, page_file) as page:
        page.add_init_script("Storage.prototype.setItem = () => { throw new Error('full') }")
        page.reload()
        page.keyboard.press("Enter")
        assert page.is_visible("#unkept")
        page.keyboard.press("1")
        assert page.inner_text("#where") == "2 of 6"
