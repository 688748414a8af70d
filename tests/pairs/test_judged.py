"""Answers of several generators, rated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.models.generators.ask import Failed
from curate.models.judges.judge import Grade
from curate.pairs import judged
from tests.pairs.own import by_id, conserved, generator, judge
from tests.pairs.test_best import LENGTH, drawn
from tests.pairs.test_styles import rows


def pool(**replies):
    """Make a generator of each name, which always replies the same."""

    def always(text):
        return lambda ask: text

    return [generator(always(text), name, model=name)[0] for name, text in replies.items()]


FOUR = {"tiny": "a", "small": "bb", "large": "ccc", "huge": "dddd"}


def test_the_highest_rated_is_chosen_and_any_other_rejected():
    many = rows(*(f"{i}?" for i in range(90)))
    made = judged(many, generators=pool(**FOUR), judge=LENGTH)
    assert set(made.columns["chosen_generator"]) == {"huge"}
    assert set(made.columns["rejected_generator"]) == {"tiny", "small", "large"}
    assert made.notes["huge chosen"] == 1
    assert all(0.2 < made.notes[f"{name} rejected"] < 0.5 for name in ("tiny", "small", "large"))
    assert made.notes["chosen longer"] == 1
    assert made.notes["length ratio"] > 1.5


def test_the_lowest_rated_may_be_rejected_and_lengths_bounded():
    assert judged(rows("Tea?"), generators=pool(**FOUR), judge=LENGTH, rejected="worst").columns["rejected"][0] == "a"
    near = judged(rows("Tea?"), generators=pool(**FOUR), judge=LENGTH, rejected="worst", max_length_ratio=2)
    assert near.columns["rejected"][0] == "bb"


def test_each_generator_is_asked_once_for_all_rows_and_the_judge_too():
    made_by = [generator(drawn, name, model=name) for name in "ab"]
    scores, graded = judge(lambda case: len(case.response))
    judged(rows("Tea?", "Rain?"), generators=[model for model, _ in made_by], judge=scores, n=3)
    assert [[len(call) for call in asked] for _, asked in made_by] == [[6], [6]]
    assert len(graded) == 1
    seeds = [ask.seed for _, asked in made_by for ask in asked[0]]
    assert len(set(seeds)) == 12


def test_one_generator_with_several_answers_is_enough():
    made = judged(rows("Tea?", "Rain?"), generators=[generator(drawn)[0]], judge=LENGTH, n=6)
    assert made.why.null_count() == 2


@pytest.mark.parametrize(
    ("replies", "why", "failed"),
    [
        pytest.param({"a": "yes", "b": "noo"}, "a tie: all answers have the same grade", False, id="a tie"),
        pytest.param({"a": "yes", "b": "yes"}, "only one answer to compare: the same text once more", False, id="one text"),
        pytest.param({"a": "yes", "b": "?"}, "only one answer to compare: no grade: not read", True, id="one grade"),
        pytest.param({"a": "yes", "b": Failed("down", True)}, "only one answer to compare: down", True, id="one failed"),
    ],
)  # fmt: skip
def test_a_row_without_a_pair_says_why(replies, why, failed):
    scores, _ = judge(lambda case: Grade(None, why="not read") if case.response == "?" else len(case.response))
    made = judged(rows("Tea?"), generators=pool(**replies), judge=scores)
    assert (made.why[0], made.failed[0]) == (why, failed)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"generators": pool(a="x")}, "1 generators with n=1 give no two answers", id="nothing to compare"),
        pytest.param({"generators": pool(a="x") * 2}, "'a' stands there twice: give n=2", id="the same one twice"),
        pytest.param({"min_gap": -1}, "min_gap must be 0 or more", id="negative gap"),
    ],
)
def test_judged_refuses(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        judged(rows("Tea?"), **({"generators": pool(**FOUR), "judge": LENGTH} | change))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    prompts=st.lists(st.sampled_from(["Tea?", "Rain?", None]), max_size=6),
    order=st.randoms(),
    gap=st.sampled_from([0, 2]),
)
def test_the_order_of_rows_and_of_generators_does_not_matter(prompts, order, gap):
    def make(frame, names):
        models = [generator(drawn, name, model=name)[0] for name in names]
        return judged(frame, generators=models, judge=LENGTH, min_gap=gap)

    there, names = rows(*prompts), list("abcd")
    places = list(range(len(prompts)))
    order.shuffle(places)
    one = make(there, names)
    order.shuffle(names)
    other = make(there[places], names)
    assert conserved(there, one, "chosen", "rejected")
    assert by_id(there, one) == by_id(there[places], other)
    assert one.notes == other.notes
    pairs = one.columns.filter(one.why.is_null())
    assert (pairs["chosen_score"] >= pairs["rejected_score"] + gap).all()


def test_a_name_changes_no_answer():
    of_name = [judged(rows("Tea?"), generators=[generator(drawn, n)[0]], judge=LENGTH, n=4) for n in ("a", "b")]
    assert (
        of_name[0]
        .columns.drop("chosen_generator", "rejected_generator")
        .equals(of_name[1].columns.drop("chosen_generator", "rejected_generator"))
    )
