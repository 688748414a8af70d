import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.pairs import alike, length_ratio, overlap, ratio
from tests.conftest import seconds


def pair(chosen, rejected):
    return pl.DataFrame(
        {"chosen": [chosen], "rejected": [rejected]}, schema={"chosen": pl.String, "rejected": pl.String}
    )


@pytest.mark.parametrize(
    ("chosen", "rejected", "share"),
    [
        pytest.param("Warm air rises.", "Warm air rises.", 1.0, id="the same"),
        pytest.param("Warm air rises.", "warm AIR, rises", 1.0, id="capitals and marks do not count"),
        pytest.param("warm warm air", "air warm", 1.0, id="nor order, nor how often"),
        pytest.param("warm air rises", "warm air sinks", 0.5, id="two of four"),
        pytest.param("warm air", "cold water", 0.0, id="nothing in common"),
        pytest.param("warm air", "", 0.0, id="one without words"),
        pytest.param("", "…!", 1.0, id="both without words"),
        pytest.param("暖かい空気", "暖かい空", 0.8, id="a script without blanks, by letters"),
        pytest.param("x = 3", "x = -3", 0.0, id="a sign is part of its word"),
        pytest.param(
            "The roots of it are 3 and 5.", "The roots of it are 3 and -5.", 0.0, id="signs count by themselves"
        ),
        pytest.param("We use C++ here and so do they.", "We use C# here and so do they.", 0.0, id="signs at the end"),
        pytest.param("It takes $5 off your 20% share", "it takes $5, off your 20 % share.", 1.0, id="the same signs"),
        pytest.param("Übung für Élise", "übung FÜR élise", 1.0, id="capitals of all letters"),
        pytest.param(None, "warm air", None, id="null has no verdict"),
        pytest.param("warm air", None, None, id="nor has the other's"),
    ],
)
def test_how_alike_two_texts_are(chosen, rejected, share):
    assert pair(chosen, rejected).select(overlap()).item() == share
    assert pair(chosen, rejected).select(alike(threshold=0.5)).item() == (None if share is None else share >= 0.5)


@pytest.mark.parametrize(
    ("chosen", "rejected", "times"),
    [
        pytest.param("four", "four", 1.0, id="even"),
        pytest.param("four", "eight ch", 2.0, id="the rejected is longer"),
        pytest.param("eight ch", "four", 2.0, id="the chosen is longer"),
        pytest.param("né😀!", "four", 1.0, id="characters are code points"),
        pytest.param("", "", 1.0, id="both are empty"),
        pytest.param("four", "", math.inf, id="one is empty"),
        pytest.param(None, "four", None, id="null has no verdict"),
        pytest.param("four", None, None, id="nor has the other's"),
    ],
)
def test_how_even_two_texts_are(chosen, rejected, times):
    assert pair(chosen, rejected).select(ratio()).item() == times
    assert pair(chosen, rejected).select(length_ratio(max=1.5)).item() == (None if times is None else times <= 1.5)
    assert pair(chosen, rejected).select(length_ratio(max=2)).item() == (None if times is None else times <= 2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda: alike(threshold=0), "above 0 and at most 1, not 0", id="all would be alike"),
        pytest.param(lambda: alike(threshold=80), "not 80", id="per cent"),
        pytest.param(lambda: length_ratio(max=0.5), "max must be 1 or more, not 0.5", id="no ratio is below 1"),
    ],
)
def test_bounds_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_the_measures_are_what_is_compared():
    assert (alike.measure, length_ratio.measure) == (overlap, ratio)  # type: ignore[attr-defined]


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_a_pair_turned_round_is_as_alike_and_as_even(a, b):
    turned = pair(b, a).select(overlap("chosen", "rejected").alias("o"), ratio("chosen", "rejected").alias("r"))
    assert pair(a, b).select(overlap().alias("o"), ratio().alias("r")).equals(turned)
    assert 0 <= turned["o"].item() <= 1 <= turned["r"].item()


@pytest.mark.slow
def test_a_hundred_thousand_pairs_take_seconds():
    said = [f"Warm air number {i} rises because it is {'much ' * (i % 9)}less dense than cold air" for i in range(1000)]
    pairs = pl.DataFrame({"chosen": said, "rejected": said[::-1]})
    pairs = pl.concat([pairs] * 100)
    assert seconds(lambda: pairs.select(alike(), length_ratio().alias("even"))) < 5
