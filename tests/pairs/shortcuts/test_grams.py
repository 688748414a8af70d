"""Words and pairs of words as a matrix."""

from __future__ import annotations

import polars as pl
import pytest

pytest.importorskip("scipy", reason="words need the extra `shortcuts`")

from curate.pairs.shortcuts.words import grams


def listed(texts, **more):
    matrix, names = grams(pl.Series(texts, dtype=pl.String), **more)
    return [{names[j] for j in row.nonzero()[-1]} for row in matrix.toarray()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Don’t STOP", {"don't", "stop", "don't stop"}, id="capitals and apostrophes of any kind"),
        pytest.param("so so so", {"so", "so so"}, id="a word counts once"),
        pytest.param("In 1999 😊 one!", {"in", "one", "in one"}, id="figures, marks and emoji are no words"),
        pytest.param("Größe naïve", {"größe", "naïve", "größe naïve"}, id="letters of any language"),
        pytest.param("東京", {"東", "京", "東 京"}, id="scripts without blanks letter by letter"),
        pytest.param("", set(), id="nothing"),
    ],
)
def test_words_of_a_text(text, words):
    assert listed([text, "other"], seen=1)[0] == words


def test_pairs_do_not_reach_from_one_text_into_the_next():
    assert listed(["one", "two"], seen=1) == [{"one"}, {"two"}]


def test_rare_words_are_left_out_and_the_most_frequent_stay():
    texts = ["all some one", "all some", "all"]
    assert listed(texts, seen=2) == [{"all", "some", "all some"}, {"all", "some", "all some"}, {"all"}]
    assert listed(texts, seen=1, most=1) == [{"all"}] * 3


def test_no_words_at_all():
    matrix, names = grams(pl.Series(["", "42"]))
    assert matrix.shape == (2, 0) and names == []


def test_the_columns_do_not_depend_on_the_order_of_the_texts():
    texts = ["river stone", "stone river", "late stone", "late river stone"]
    assert grams(pl.Series(texts), seen=1, most=4)[1] == grams(pl.Series(texts[::-1]), seen=1, most=4)[1]
