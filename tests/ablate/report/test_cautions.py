from __future__ import annotations

import pytest

from curate.ablate import report
from tests.ablate.report import folders
from tests.ablate.report.folders import arm


def warnings(out, arms, edit=None, **more):
    folders.write(out, arms, **more)
    if edit:
        folders.change(out, edit)
    return {(one["kind"], one["text"]) for one in report.write(out)["warnings"]}


def in_filtered(**changes):
    return lambda line: {**line, **changes} if line["arm"] == "filtered" and line["id"] < "p10" else line


def test_an_ablation_as_it_should_be_has_no_warning(tmp_path):
    arms = [arm("filtered", 0.5, stages=["sft"]), arm("random", stages=["sft"])]
    assert warnings(tmp_path, arms) == set()


@pytest.mark.parametrize(
    ("arms", "more", "kind", "text"),
    [
        pytest.param([arm("filtered", status="failed", why="no memory\nat 3"), arm("random")], {}, "unfinished", "filtered failed with seeds 0, 1, 2: no memory", id="failed"),
        pytest.param([arm("filtered", status="not run"), arm("random")], {"seeds": 1}, "unfinished", "filtered was not run with seed 0", id="not run"),
        pytest.param([arm("filtered"), arm("random")], {"overlap": {"filtered": [{"id": "p1", "how": "same", "of": "r"}, {"id": "p1", "how": "near", "of": "s"}, {"id": "p2", "how": "near", "of": "r"}]}}, "leak", "2 test prompts stand in the set of filtered (1 word for word): what was learned by heart counts as skill", id="leak"),
        pytest.param([arm("filtered"), arm("random")], {"generator_models": ["m", "n"], "judge_models": ["m"]}, "judge", "judge and generator are one model (m): models like what they wrote themselves", id="own judge"),
        pytest.param([arm("filtered"), arm("random")], {"judge": {"judge": "rules"}}, "judge", "the judge goes by rules of form alone: whether an answer is right or of use it cannot tell", id="a judge of form"),
        pytest.param([arm("filtered"), arm("other")], {}, "random", "no arm is a random draw of the same size: that a difference comes from the choice cannot be told", id="no random arm"),
        pytest.param([arm("filtered", rows=2000), arm("random", rows=1500)], {}, "size", "the sets are not of one size (rows: filtered 2,000, random 1,500): size and arm are one in this comparison", id="sizes"),
        pytest.param([arm("filtered", stages=["sft"], steps=100), arm("random", stages=["sft"], steps=50)], {}, "steps", "the arms were not trained for the same number of steps (sft: filtered 100, random 50)", id="steps"),
    ],
)  # fmt: skip
def test_what_speaks_against_it_is_a_warning(tmp_path, arms, more, kind, text):
    assert (kind, text) in warnings(tmp_path, arms, **more)


def test_sizes_of_a_curve_differ_by_intent(tmp_path):
    arms = [arm("random", x=2000, curve="random"), arm("random@500", x=500, curve="random", rows=500), arm("filtered")]
    assert not [kind for kind, _ in warnings(tmp_path, arms) if kind == "size"]


def test_a_stage_that_only_one_arm_has_is_no_difference_of_steps(tmp_path):
    arms = [arm("pairs", stages=["sft", "dpo"]), arm("random", stages=["sft"])]
    assert not [kind for kind, _ in warnings(tmp_path, arms) if kind == "steps"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"failed": "refused", "score": None, "tokens": None}, "filtered: 25 % of its questions have no answer (60 of 240)", id="no answer"),
        pytest.param({"score": None, "why": "no number"}, "filtered: 25 % of its answers have no grade (60 of 240)", id="no grade"),
        pytest.param({"finish_reason": "length"}, "filtered: 25 % of its answers are cut at the longest length (60 of 240)", id="cut"),
        pytest.param({"score": None, "why": "no number"}, "filtered and random are compared on 30 of 40 prompts: those with a grade of every seed", id="few prompts"),
    ],
)  # fmt: skip
def test_many_lost_answers_are_a_warning(tmp_path, changes, text):
    assert ("lost", text) in warnings(tmp_path, [arm("filtered"), arm("random")], in_filtered(**changes))


@pytest.mark.parametrize(
    ("tokens", "warns"),
    [
        pytest.param(150, True, id="half as long again"),
        pytest.param(70, True, id="shorter"),
        pytest.param(115, True, id="little, but in every prompt"),
        pytest.param(100, False, id="of one length"),
    ],
)
def test_answers_of_other_length_are_a_warning(tmp_path, tokens, warns):
    every = warnings(tmp_path, [arm("filtered", tokens=tokens), arm("random")])
    texts = [text for kind, text in every if kind == "length"]
    assert bool(texts) == warns
    assert all(("longer" if tokens > 100 else "shorter") in text for text in texts)


@pytest.mark.parametrize(
    ("seeds", "start"),
    [
        pytest.param(1, "1 seed only, where three are the least: how much another training would change is not known", id="one"),
        pytest.param(2, "2 seeds only, where three are the least: ", id="two"),
    ],
)  # fmt: skip
def test_few_seeds_are_a_warning_with_the_size_of_the_noise(tmp_path, seeds, start):
    every = warnings(tmp_path, [arm("filtered"), arm("random")], seeds=seeds)
    [text] = [text for kind, text in every if kind == "seeds"]
    assert text.startswith(start) and "are noise to these prompts" in text
