from __future__ import annotations

import pytest

from curate.evaluate.grades.cost import Cost, cost_of
from curate.evaluate.grades.side_by_side import pairings_of
from curate.evaluate.grades.singly import cases_of
from curate.models.generators.ask import Ask
from curate.models.judges import as_judge, comparison, rating, verdict
from tests.evaluate.grades.made import LENGTH, LONGER, answers
from tests.models.judges.scripted import scripted

CASES = cases_of(answers("a", "b", "a", None).with_columns(prompt=answers("", "", "", "")["id"].str.slice(0, 1)))


def test_it_counts_what_would_be_sent_and_sends_nothing():
    model, asked = scripted(lambda ask: '{"verdict": "pass"}')
    judge = verdict(generator=model)
    cost = cost_of(judge, CASES)
    assert (cost.asks, cost.requests, asked) == (3, 2, [])
    judge.grade(CASES)
    assert cost.characters == sum(len(turn["content"]) for ask in asked for turn in ask.messages)
    assert cost_of(judge, CASES) == Cost(3, 0, 0), "the journal knows them all"


def test_samples_and_orders_are_counted():
    model, _ = scripted(lambda ask: "")
    assert cost_of(rating(generator=model, samples=3), CASES[:2]).requests == 6
    pairings = pairings_of(answers("a", "b", "c"), answers("aa", "bb", "c"))
    assert cost_of(comparison(generator=model), pairings).requests == 4
    assert cost_of(verdict(generator=model), pairings).requests == 4, "each answer once, by its grade"


def test_a_judge_without_a_model_sends_nothing():
    assert cost_of(LENGTH, CASES) == Cost(0, 0, 0)
    assert cost_of(LONGER, pairings_of(answers("a"), answers("b"))) == Cost(0, 0, 0)


def test_a_function_that_asks_a_model_is_counted_as_far_as_it_goes():
    def asks(response: str, helper) -> float:
        first = helper.ask([Ask([{"role": "user", "content": response}], 0)])
        return float(first[0].text)

    model, asked = scripted(lambda ask: "3")
    judge = as_judge(asks, {"helper": model})
    assert cost_of(judge, CASES) == Cost(3, 2, 2)
    assert [grade.score for grade in judge.grade(CASES)] == [3.0] * 3
    assert len(asked) == 2


def test_the_generator_is_itself_again_whatever_happens():
    def stopped(response: str, helper) -> float:
        helper.ask([])
        raise KeyboardInterrupt

    model, _ = scripted(lambda ask: "3")
    with pytest.raises(KeyboardInterrupt):
        cost_of(as_judge(stopped, {"helper": model}), CASES)
    assert "ask" not in vars(model)
