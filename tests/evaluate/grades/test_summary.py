from __future__ import annotations

import json
from math import log

import polars as pl
import pytest

from curate.cache import Cache
from curate.evaluate import statistics
from curate.evaluate.grades import grade, pairwise
from curate.evaluate.grades.summary import beside, summary
from curate.models.generators.ask import Answer
from curate.models.judges import label, verdict
from tests.evaluate.grades.made import LENGTH, LONGER, PLACE, answers, dialogue
from tests.models.judges.scripted import scripted

LABELS = ["fail", "pass", "excellent"]


@pytest.fixture
def stages(tmp_path) -> Cache:
    return Cache(tmp_path / ".stages")


def test_samples_are_averaged_first_and_the_worst_stands_beside(stages):
    rows = answers("a", "abc", "ab", "abcd", "abcde", "a", samples=2)
    (found,) = summary(grade(rows, None, LENGTH, stages, arm="x"))
    assert found["grade"] == statistics.mean([2.0, 3.0, 3.0])
    assert found["worst"] == statistics.mean([1.0, 2.0, 1.0])
    assert (found["prompts"], found["samples"], found["answers"], found["graded"]) == (3, 2, 6, 6)
    assert summary(grade(answers("a", "b"), None, LENGTH, stages))[0]["worst"] is None, "one answer a prompt has none"


def test_what_has_no_grade_is_counted_with_its_reason(stages):
    model, _ = scripted(lambda ask: "hm" if "odd" in ask.messages[0]["content"] else '{"verdict": "pass"}')
    rows = answers("fine", None, "odd", None, "I'm sorry, but I can't help with that.")
    rows = rows.with_columns(finish_reason=pl.Series(["length", None, "stop", None, "stop"]))
    (found,) = summary(grade(rows, None, verdict(generator=model), stages), LABELS)
    counts = {key: found[key] for key in ("answers", "graded", "cut", "failed", "ungraded", "refused")}
    assert counts == {"answers": 5, "graded": 2, "cut": 1, "failed": 2, "ungraded": 1, "refused": 1}
    assert found["why"] == [("no answer: too long", 2), ("the reply is no JSON: 'hm'", 1)]
    assert found["tokens"] == pytest.approx((4 + 3 + 38) / 3)


def test_not_one_grade_is_no_grade(stages):
    (found,) = summary(grade(answers(None, None), None, LENGTH, stages), ["pass"])
    assert (found["grade"], found["worst"], found["shares"], found["tokens"]) == (None, None, {}, None)


def test_shares_of_labels_are_of_prompts(stages):
    said = {"a": "fail", "b": "pass", "c": "excellent", "d": "excellent"}
    model, _ = scripted(lambda ask: json.dumps({"verdict": said[ask.messages[0]["content"].split("]\n")[-2][0]]}))
    rows = grade(answers("a", "b", "c", "d", samples=2), None, verdict(generator=model), stages)
    (found,) = summary(rows, LABELS)
    assert {name: share.mean for name, share in found["shares"].items()} == dict(
        zip(LABELS, (0.25, 0.25, 0.5), strict=True)
    )
    assert found["shares"]["excellent"].n == 2


def test_shares_by_likelihood_are_the_expected_ones(stages):
    likely = {"fail": log(0.2), "pass": log(0.3), "excellent": log(0.5)}
    model, _ = scripted(lambda ask: Answer("", "stop", 1, 1, likely))
    judge = label(generator=model, scale="pass")
    (found,) = summary(grade(answers("a"), None, judge, stages), list(judge.about["values"]))
    shares = {name: round(share.mean, 6) for name, share in found["shares"].items()}
    assert shares == dict(zip(LABELS, (0.2, 0.3, 0.5), strict=True))


def test_dialogues_stand_apart_with_their_turns_and_their_worst_turn(stages):
    rows = pl.concat([answers("ab"), dialogue("abc", "a"), dialogue("abcde", "abc", "ab", name="d1")])
    alone, talks = summary(grade(rows, None, LENGTH, stages, arm="x"))
    assert (alone["dialogues"], alone["grade"].mean, alone["turns"]) == (False, 2.0, [])
    assert (talks["dialogues"], talks["prompts"], talks["answers"]) == (True, 2, 5)
    assert [turn.mean for turn in talks["turns"]] == [4.0, 2.0, 2.0]
    assert talks["worst"].mean == 1.5
    assert talks["grade"].mean == pytest.approx((2 + 10 / 3) / 2)


def test_wins_are_counted_by_prompt_and_flips_by_pair(stages):
    a, b = answers("aaa", "a", "a", "a", samples=2), answers("a", "aa", "aa", "a", samples=2)
    found = beside(pairwise(a, b, LONGER, stages, names=("x", "y")))
    assert (found["win"].mean, found["tie"].mean, found["lose"].mean) == (0.25, 0.25, 0.5)
    assert found["better"].mean == pytest.approx((0.5 + 0.25) / 2)
    assert (found["win"].n, found["answers"], found["judged"]) == (2, 4, 4)
    assert (found["flips"].mean, found["flips"].n, found["first"].mean) == (0, 3, 0.5)
    assert (found["a"], found["tokens"]) == ("x", [1.5, 1.5])


def test_a_judge_that_looks_at_the_place_shows(stages):
    found = beside(pairwise(answers("aaa", "b"), answers("a", None), PLACE, stages))
    assert (found["flips"].mean, found["first"].mean, found["tie"].mean) == (1, 1, 1)
    assert (found["judged"], found["why"]) == (1, [("b has no answer: too long", 1)])


def test_no_verdict_at_all_is_no_share(stages):
    found = beside(pairwise(answers(None), answers("a"), LONGER, stages))
    assert (found["win"], found["flips"], found["first"], found["judged"]) == (None, None, None, 0)
