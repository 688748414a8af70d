"""What is minded of a plan, and test prompts that stand in a set."""

from __future__ import annotations

import polars as pl
import pytest

from curate.ablate.arms import lay
from curate.ablate.checks import leaks, noise, overlap, warnings
from curate.ablate.plan import plan
from curate.ablate.reading import load

TESTS = pl.DataFrame({"id": ["t1", "t2"], "prompt": ["How do I keep basil alive on a dark window sill?", "Why tea?"]})


@pytest.mark.parametrize(
    ("prompt", "result"),
    [
        pytest.param("How do I  keep basil alive on a dark window SILL?", ("t1", "same"), id="the same but for its form"),
        pytest.param("So how do I keep basil alive on a dark sill?", ("t1", "near"), id="nearly"),
        pytest.param("why tea?", ("t2", "same"), id="a short one"),
        pytest.param("Why is there tea in China?", None, id="another question"),
        pytest.param("", None, id="nothing"),
    ],
)  # fmt: skip
def test_overlap(prompt, result):
    rows = pl.DataFrame({"id": ["other", "row"], "prompt": ["How far is the moon from here, roughly?", prompt]})
    assert overlap(rows, TESTS) == ([{"id": result[0], "how": result[1], "of": "row"}] if result else [])


def test_leaks_are_said_by_arm():
    pairs = [{"id": "t1", "how": "same", "of": "r1"}, {"id": "t1", "how": "near", "of": "r2"}]
    assert leaks({"plain": pairs}) == [
        "test prompts leak: the set of plain has 1 of them, the same or nearly, such as t1 in its row r1"
    ]


@pytest.mark.parametrize(("seeds", "least"), [(1, None), (2, 4.303), (3, 2.267), (10, 0.940)])
def test_noise(seeds, least):
    # t(.975) with 2, 4 and 18 degrees of freedom is 4.303, 2.776 and 2.101 in any table.
    result = noise(seeds)
    assert result == (None if least is None else pytest.approx(least, abs=5e-4))


FINE = {"seeds": [0, 1, 2], "random": "short"}
SAME = {"vllm": {"model": "org/writer", "engine": {"max_model_len": 1024}, "sampling": {"max_tokens": 16}}}
JUDGED = {"generators": {"g": SAME}, "judges": {"words": None, "j": {"label": {"generator": "g"}}}}
WRITTEN = {"generators": {"w": SAME}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "messages"),
    [
        pytest.param(FINE, [], id="nothing to mind"),
        pytest.param({**FINE, "seeds": [0]}, ["one seed: how much"], id="one seed"),
        pytest.param({**FINE, "seeds": [0, 1]}, ["2 seeds: a difference of two arms below 4.3 times"], id="two seeds"),
        pytest.param({**FINE, "random": None}, ["no arm is a random draw"], id="no random arm"),
        pytest.param(
            {**FINE, "arms": {"short": {"sets": {"data": {"set": {"size": 16}}}}}},
            ["plain is not compared with short: it has 8 rows and short 16, and more than their size differs"],
            id="sizes, and more than these",
        ),
        pytest.param(
            {**FINE, "arms": {"short": {"train": {"sft": {"set": {"trainer.max_steps": 5}}}}}},
            ["plain and short are not trained for the same number of steps (sft: 2, 5)"],
            id="steps",
        ),
        pytest.param({**FINE, "arms": {"short@4": {"sets": {"data": {"draw": 1, "set": {"size": 4}}}}}}, [], id="sizes alone are meant to differ"),
        pytest.param({**FINE, **JUDGED}, [], id="a judge that is a model"),
        pytest.param({**FINE, **JUDGED, "sets": {"data": {"recipe": WRITTEN}}}, ["judge and generator are one model (org/writer)"], id="a judge that grades what it wrote"),
    ],
)  # fmt: skip
def test_what_is_minded_of_a_plan(given, write, change, messages):
    result = warnings(plan(load(write(lay(given, change)))))
    assert len(result) == len(messages), result
    assert all(part in line for part, line in zip(messages, result, strict=True))
