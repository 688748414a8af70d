from __future__ import annotations

import inspect
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from curate.models.judges import Comparison, Grade, Pairing, as_judge, function
from curate.rows import hash_file
from tests.models.judges import own
from tests.models.judges.scripted import case, scripted


@pytest.mark.parametrize(
    ("call", "score"),
    [
        pytest.param(own.words, 3, id="the answer alone"),
        pytest.param(partial(own.words, most=2), 2, id="with a parameter set"),
        pytest.param(own.overlap, 2, id="the user's last turn and the answer"),
        pytest.param(own.turns, 3, id="the whole conversation"),
        pytest.param(lambda response, **more: len(more), 0, id="further keywords are not given"),
        pytest.param(lambda id, response: int(id[1:]), 1, id="the row"),
    ],
)
def test_a_function_gets_what_it_names(call, score):
    dialogue = case("Like the sky.", "Why like the sea?", ("user", "Hi"), ("assistant", "Hello"))
    assert function(call).grade([dialogue]) == [Grade(float(score))]


@pytest.mark.parametrize(
    ("value", "score"),
    [
        pytest.param(2, 2.0, id="a whole number"),
        pytest.param(True, 1.0, id="a truth"),
        pytest.param(np.float32(0.5), 0.5, id="numpy's own"),
        pytest.param(np.array([0.5]).mean(), 0.5, id="numpy's mean"),
    ],
)
def test_what_is_a_number_is_a_score(value, score):
    grade = function(lambda response: value).grade([case("")])[0]
    assert grade == Grade(score)
    assert type(grade.score) is float


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "None", id="nothing"),
        pytest.param("4", "'4'", id="a text"),
        pytest.param(math.nan, "nan", id="not a number"),
        pytest.param(-math.inf, "-inf", id="infinity"),
        pytest.param([4.0], "[4.0]", id="a list"),
        pytest.param(10**400, "1000000", id="too large"),
    ],
)
def test_what_is_no_number_is_no_score(value, text):
    (grade,) = function(lambda response: value, "mine").grade([case("")])
    assert grade.score is None
    assert grade.why.startswith(f"mine gave {text}")
    assert len(grade.why) < 120


def test_an_exception_costs_one_grade_and_is_told():
    def picky(response: str) -> float:
        return 1 / len(response)

    grades = function(picky).grade([case("ab"), case(""), case("a")])
    assert [grade.score for grade in grades] == [0.5, None, 1.0]
    assert grades[1].why == "picky raised ZeroDivisionError: division by zero"


def test_a_user_who_stops_the_run_is_heeded():
    def stopped(response: str) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        function(stopped).grade([case("")])


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        pytest.param(lambda prompt: 1.0, "takes `response`", id="without the answer"),
        pytest.param(lambda response, model: 1.0, "its parameter 'model' needs a default", id="what nobody gives"),
        pytest.param(lambda response, /: 1.0, "its parameter 'response' needs a default", id="not by name"),
    ],
)
def test_a_function_that_wants_more_is_refused(call, reply):
    with pytest.raises(ValueError, match="mine: ") as error:
        function(call, "mine")
    assert reply in str(error.value)


def test_as_judge_wraps_a_function_with_what_the_recipe_sets():
    judge = as_judge(own.words, {"most": 2}, "brief")
    assert judge.name == "brief"
    assert judge.grade([case("one two three")]) == [Grade(2.0)]


def test_as_judge_calls_a_factory():
    generator, _ = scripted(lambda ask: "")
    judge = as_judge(own.strict, {"generator": generator, "seed": 3}, "mine")
    assert judge.describe()["judge"] == "label"
    assert judge.describe()["seed"] == 3


def test_describe_holds_parameters_and_the_hash_of_the_code():
    about = as_judge(own.words, {"most": 2}).describe()
    code = {"code": [["tests/models/judges/own.py", hash_file(Path(own.__file__))]], "release": []}
    assert about == {"judge": "tests.models.judges.own:words", "params": {"most": 2}, "code": code}
    json.dumps(about)


def test_a_function_may_ask_a_generator_of_its_own():
    def asks(response: str, helper) -> float:
        return len(helper.ask([]))

    generator, _ = scripted(lambda ask: "")
    judge = as_judge(asks, {"helper": generator})
    assert judge.generators == (generator,)
    assert judge.describe()["params"]["helper"]["backend"] == "scripted"


def test_a_function_without_a_file_has_no_hash():
    scope: dict[str, object] = {}
    exec("def typed(response): return 1.0", scope)
    assert inspect.isfunction(scope["typed"])
    assert function(scope["typed"]).describe()["code"] is None


def better(prompt: str, first: str, second: str, by: int = 0) -> str:
    return "tie" if abs(len(first) - len(second)) <= by else "first" if len(first) > len(second) else "second"


PAIRING = Pairing("r1", [{"role": "user", "content": "Hi"}], "Hello there.", "Hello.")


def test_a_function_of_two_answers_compares():
    judge = as_judge(better, {"by": 2}, "longer")
    assert judge.compare
    assert judge.compare([PAIRING, PAIRING._replace(first="Hi."), PAIRING._replace(first="Hello!")]) == [
        Comparison("first"),
        Comparison("second"),
        Comparison("tie"),
    ]
    assert judge.grade([case("Hi.")])[0].why == "this judge compares two answers and grades none"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param("First", "mine gave 'First', which is none of first, second, tie", id="another case"),
        pytest.param(None, "mine gave None, which is none of first, second, tie", id="nothing"),
        pytest.param(1, "mine gave 1, which is none of first, second, tie", id="a number"),
        pytest.param(ZeroDivisionError("so"), "mine raised ZeroDivisionError: so", id="an error"),
    ],
)
def test_what_is_no_verdict_is_none(reply, why):
    def mine(first: str, second: str) -> str:
        if isinstance(reply, Exception):
            raise reply
        return reply

    judge = function(mine)
    assert judge.compare
    assert judge.compare([PAIRING]) == [Comparison(None, {}, why)]


@pytest.mark.parametrize("call", [lambda first: "tie", lambda response, first, second: "tie"], ids=["one", "all three"])
def test_a_function_takes_one_answer_or_two(call):
    with pytest.raises(ValueError, match="takes `response`, the answer it scores, or `first` and `second`"):
        function(call, "mine")
