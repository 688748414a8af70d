"""The style of a set's sources: a planted one is named, and what chance does is not."""

from __future__ import annotations

import math
import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.report import report
from curate.report.style import FEATURES, divergence, style
from tests.conftest import seconds
from tests.pages import Page
from tests.report.small_run import make

DRY = [
    "The function returns the sum of its arguments.", "It takes `axis`, which names the dimension.", "- a list item\n",
    "A missing value is left out.", "# Notes\n", "The result has the type of the input, unless a type is named.",
    "It raises an error where the shapes differ, which is most often a mistake in the caller's own code.",
]  # fmt: skip
WARM = [
    "Sure, I'd love to help you!", "You'll see that it's easy.", "Wow, that's a lot of fun, isn't it?", "Hey, don't worry 😊",
]  # fmt: skip


def answers(draw: random.Random, phrases: list[str], n: int) -> list[str]:
    return [" ".join(draw.choices(phrases, k=draw.randrange(1, 12))) for _ in range(n)]


def rows(**sources: list[str | None]) -> pl.LazyFrame:
    lines = [(source, text) for source, texts in sources.items() for text in texts]
    frame = pl.DataFrame(lines, {"source": pl.String, "response": pl.String}, orient="row")
    return frame.with_row_index("id").with_columns(pl.col("id").cast(pl.String)).lazy()


def by_source(result):
    return {
        line[0]: (line[1], float(line[2]["value"]), line[2]["far"], float(line[3]), line[4]["marks"])
        for line in result["rows"]
    }


def kinds(text: str) -> dict[str, str]:
    result = style(rows(a=[text], b=["Other."]))
    holds = [line[0].split(": ") for line in result["profile"] if line[1 + result["sources"].index("a")] == "100 %"]
    return dict(holds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Sure! Boil it.", {"opening": "acknowledges"}, id="it answers the person first"),
        pytest.param("Surely it boils.", {"opening": "the matter itself"}, id="whole words alone"),
        pytest.param("I'm sorry to hear that.", {"opening": "acknowledges"}, id="regret"),
        pytest.param("## Steps\n1. Boil it.", {"opening": "heading, list or code", "markup": "headings or bold"}, id="a heading"),
        pytest.param("We boil it.", {"opening": "I or we", "person": "neither"}, id="we"),
        pytest.param("Is it hot? Then wait.", {"opening": "a question"}, id="a question first"),
        pytest.param("My tip: salt your water.", {"opening": "I or we", "person": "I and you"}, id="both persons"),
        pytest.param("Take what you need.", {"person": "you"}, id="you"),
        pytest.param("Use `boil()`.\n- one\n- two", {"markup": "code", "list items": "1 to 5"}, id="code and a list"),
        pytest.param("- x\n" * 6, {"list items": "6 or more"}, id="a long list"),
        pytest.param("a" * 299, {"characters": "under 300"}, id="short"),
        pytest.param("a" * 300, {"characters": "300 to 1,199"}, id="less short"),
        pytest.param("a" * 4096, {"characters": "4,096 or more"}, id="long"),
        pytest.param("One two three. Four five.", {"words a sentence": "under 12"}, id="short sentences"),
        pytest.param("word " * 30 + "end.", {"words a sentence": "25 or more"}, id="a long one"),
        pytest.param("It's hot.", {"tone": "contractions"}, id="contractions"),
        pytest.param("It's hot!", {"tone": "emoji, exclamations, easy words"}, id="an exclamation"),
        pytest.param("It is hot.", {"tone": "formal", "markup": "plain", "list items": "none"}, id="neither"),
    ],
)  # fmt: skip
def test_the_kinds_of_an_answer(text, expected):
    found = kinds(text)
    assert set(found) == set(FEATURES), "each feature has one kind"
    assert expected.items() <= found.items()


def test_a_source_of_another_style_is_the_farthest():
    draw = random.Random(1)
    result = style(rows(a=answers(draw, DRY, 80), b=answers(draw, DRY, 60), c=answers(draw, WARM, 20)))
    lines = by_source(result)
    assert result["sources"][0] == "c"
    assert result["verdict"].startswith("c is the farthest from the others in style: 0.")
    assert lines["c"][1] > 3 * lines["c"][3], "far beyond chance"
    assert any(mark.startswith("tone: emoji, exclamations, easy words in ") for mark in lines["c"][4])


def test_a_source_that_is_far_by_chance_comes_after_those_that_are_farther_than_chance():
    draw = random.Random(1)
    result = style(rows(a=answers(draw, DRY, 60), b=answers(draw, DRY + WARM, 60), few=WARM[2:3]))
    lines = by_source(result)
    assert lines["few"][1] > lines["a"][1] > lines["a"][3] and not lines["few"][2]
    assert result["sources"][-1] == "few" and result["verdict"].startswith("a is the farthest")


@pytest.mark.slow
def test_two_sources_of_one_style_are_not_told_apart():
    apart = 0
    for seed in range(200):
        draw = random.Random(seed)
        few = draw.randrange(5, 40)
        apart += any(
            far
            for _, _, far, *_ in by_source(style(rows(a=answers(draw, DRY, 50), b=answers(draw, DRY, few)))).values()
        )
    assert apart <= 10, "one in a hundred is expected"


def test_the_divergence_is_that_of_its_definition():
    draw = np.random.default_rng(0)
    for _ in range(50):
        one, other = draw.integers(0, 9, 5) + np.eye(5, dtype=int)[0], draw.integers(0, 9, 5) + np.eye(5, dtype=int)[1]
        p, q = one / one.sum(), other / other.sum()

        def entropy(shares):
            return -sum(s * math.log2(s) for s in shares if s)

        expected = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
        assert divergence(one.tolist(), other.tolist()) == pytest.approx(expected, abs=1e-12)


counts = st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any)


@given(counts, counts)
def test_the_divergence_is_symmetric_from_0_to_1_and_knows_shares_alone(one, other):
    value = divergence(one, other)
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(divergence(other, one), abs=1e-12)
    assert value == pytest.approx(divergence([7 * n for n in one], other), abs=1e-12)
    assert divergence(one, one) == 0


def test_answers_that_are_null_or_blank_have_no_style_and_pairs_are_taken_by_what_is_chosen():
    frame = rows(a=["Boil it.", None, " \n"], b=["Salt it.", "Stir it."])
    assert {name: line[0] for name, line in by_source(style(frame)).items()} == {"a": 1, "b": 2}
    pairs = frame.rename({"response": "chosen"}).with_columns(rejected=pl.lit("Hey!"))
    assert style(pairs) == style(frame)
    assert style(pairs.with_columns(response=pl.lit(None, dtype=pl.String))) == style(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(rows(a=["Boil it."]), id="one source"),
        pytest.param(rows(a=["Boil it."], b=[None]), id="another without answers"),
        pytest.param(rows(), id="no rows"),
        pytest.param(rows(a=["x"]).drop("response"), id="no answers"),
    ],
)
def test_there_is_nothing_to_compare(frame):
    assert style(frame) is None


def test_the_order_of_rows_and_their_number_in_a_batch_do_not_matter():
    draw = random.Random(3)
    frame = rows(a=answers(draw, DRY, 40), b=answers(draw, WARM, 9), c=answers(draw, DRY + WARM, 30)).collect()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=2)
    assert (
        style(shuffled.lazy())
        == style(pl.concat([shuffled[:7], shuffled[7:]], rechunk=False).lazy())
        == style(frame.lazy())
    )


@pytest.mark.slow
def test_of_a_large_source_some_answers_are_drawn():
    draw = random.Random(5)
    some = answers(draw, DRY, 1000)
    frame = rows(large=some * 300, small=answers(draw, DRY, 100))
    results = []
    assert seconds(lambda: results.append(style(frame))) < 4
    lines = by_source(results[0])
    assert 1_800 < lines["large"][0] < 2_200 and lines["small"][0] == 100
    assert results[0]["drawn"] == ["large"]
    assert not lines["small"][2]


def test_the_page_shows_it_and_escapes_names():
    evil = '"><img src=x onerror=alert(1)>'
    draw = random.Random(1)
    frame = rows(**{"a": answers(draw, DRY, 50), evil: answers(draw, WARM, 20)}).with_columns(
        domain=pl.lit("d"), prompt=pl.lit("How?"), score=pl.lit(1.0)
    )
    _, ledger, manifest = make()
    page = Page(report(frame, ledger, manifest))
    assert f"{evil} and a differ in style: 0." in page.text
    assert "img" not in page.tags
    assert {line[0] for line in page.table(["source", "answers", "distance"])} == {"a", evil}
    assert page.table(["kind"])[0][0] == "opening: acknowledges"


def test_a_set_of_one_source_has_no_such_section():
    assert "style" not in Page(report(*make())).ids
