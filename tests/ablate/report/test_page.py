from __future__ import annotations

import json
import re

import pytest
from rich.console import Console

from curate.ablate import report
from tests.ablate.report import folders
from tests.ablate.report.folders import arm
from tests.browser import NARROW, WIDE, fits, opened
from tests.pages import Page, check_alone


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    out = folders.rich(tmp_path_factory.mktemp("rich"))
    return out, report.write(out)


def page_of(out):
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_is_whole_and_loads_nothing(rich):
    check_alone(Page(page_of(rich[0])))


def test_the_answer_comes_first_then_what_speaks_against_it(rich):
    out, results = rich
    page = " ".join(page_of(out).split())
    places = [page.index(text) for text in (results["sentences"][0]["text"], "Before you believe it", 'id="grades"')]
    assert places == sorted(places)
    for one in results["sentences"]:
        assert one["text"] in page


def test_every_section_is_drawn_and_in_the_contents(rich):
    page = page_of(rich[0])
    for part in ("grades", "differences", "quantity", "training", "data", "answers", "recipe"):
        assert f'<section id="{part}">' in page and f'href="#{part}"' in page
    assert "could not be drawn" not in page


def test_the_page_says_what_it_should(rich):
    page = page_of(rich[0])
    for text in (
        "likert",
        "1 to 6",
        "CUDA out of memory",
        "Reward margin and log-probabilities: filtered, then pairs, seed 0, dpo",
        "Held-out loss and dev grade: unfiltered, seed 0, sft",
        "epoch 2",
        "grades.jsonl",
        "What the choice is worth in rows",
        "Shares of the sources",
        "0a1b",
    ):
        assert text in page


def test_every_figure_has_words_for_those_who_do_not_see_it(rich):
    for figure in re.findall(r'<svg role="img"[^>]*>', page_of(rich[0])):
        assert re.search(r'aria-label="[^"]{3,}"', figure)


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes(rich):
    out, _ = rich
    before = page_of(out), (out / "results.json").read_bytes()
    report.write(out)
    assert before == (page_of(out), (out / "results.json").read_bytes())
    assert not list(out.rglob("*.half"))


def test_names_are_no_markup(tmp_path):
    folders.write(tmp_path, [arm("<b>x</b>", 0.5), arm("[/red]")], prompts=5, question="<script>1</script>")
    results = report.write(tmp_path)
    page = page_of(tmp_path)
    assert "<b>x</b>" not in page and "<script>1" not in page and "&lt;b&gt;x" in page
    console = Console(width=100, file=(tmp_path / "screen.txt").open("w"))
    console.print(report.show(results))
    console.file.close()
    assert "[/red]" in (tmp_path / "screen.txt").read_text()


def test_the_page_names_a_log_or_a_choice_that_cannot_be_read(tmp_path):
    folders.write(tmp_path, [arm("a", stages=["sft"]), arm("random")], seeds=1, prompts=3)
    (tmp_path / "models/a-0-sft/log.jsonl").unlink()
    (tmp_path / "models/a-0-sft/choice.json").write_text("{}")
    report.write(tmp_path)
    assert "log.jsonl cannot be read" in page_of(tmp_path)
    assert "choice.json cannot be read" in page_of(tmp_path)


def test_an_arm_that_trains_on_several_sets_has_a_line_for_each(tmp_path):
    folders.write(tmp_path, [arm("pairs"), arm("random")], seeds=1, prompts=3)
    ablation = json.loads((tmp_path / "ablation.json").read_text())
    own = ablation["arms"][0]["jobs"][0]
    own["sets"] = {"data": own["set"], "preferences": {**own["set"], "rows": 777, "why": {"diversity": "no model"}}}
    (tmp_path / "ablation.json").write_text(json.dumps(ablation))
    report.write(tmp_path)
    for text in ("pairs: data", "pairs: preferences", "777", "No diversity: no model", "No test prompt was found"):
        assert text in page_of(tmp_path)


@pytest.mark.slow
def test_results_that_the_grades_do_not_give_are_listed(rich):
    out, _ = rich
    assert report.recompute(out) == []
    stored = json.loads((out / "results.json").read_text())
    stored["arms"][0]["grade"]["mean"] += 0.1
    stored["differences"][0]["win"] = 7
    (out / "results.json").write_text(json.dumps(stored))
    wrong = report.recompute(out)
    assert [line.split(" is ")[0] for line in wrong] == ["arms[0].grade.mean", "differences[0].win"]
    (out / "results.json").unlink()
    with pytest.raises(report.AblationError, match=r"has no results\.json"):
        report.recompute(out)
    report.write(out)


def test_the_screen_is_short(rich, capsys):
    Console(width=110, force_terminal=False).print(report.show(rich[1]))
    screen = capsys.readouterr().out
    assert "filtered is better than random by 0.59" in screen and "! crashed failed" in screen
    assert len(screen.splitlines()) < 60


@pytest.mark.slow
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_loads_nothing(browser, tmp_path, width, scheme):
    out = folders.rich(tmp_path)
    report.write(out)
    with opened(browser, out / report.PAGE, width, color_scheme=scheme) as page:
        assert fits(page)
        assert page.locator("h1").inner_text() == json.loads((out / report.ABLATION).read_text())["name"]
        for anchor in page.locator("nav a").all():
            assert page.locator(anchor.get_attribute("href")).count() == 1
