from __future__ import annotations

import pytest

from curate.ablate.report.sentences import sentences

FOUND = {"arm": "filtered", "against": "random", "mean": 0.42, "low": 0.2, "high": 0.64, "p": 0.01, "shown": True}
FOUND |= {"about": "data", "prompts": 50, "seeds": 3, "length_controlled": None}
GRADE = {"mean": 3.1, "low": 2.9, "high": 3.3, "n": 50}


def of(*differences, **arms):
    """Give the sentence of the first arm; an arm's value is its grade, or its jobs where it has none."""
    jobs = {name: value if isinstance(value, list) else [] for name, value in arms.items()}
    told = [{"arm": n, "grade": None if isinstance(v, list) else v, "answers": {"graded": 0}} for n, v in arms.items()]
    ablation = {"arms": [{"arm": name, "jobs": jobs[name]} for name in arms]}
    results = {"against": "random", "arms": told, "differences": list(differences)}
    results |= {"uncompared": {} if differences else {"filtered": "random has no grade"}}
    found = sentences(ablation, results)[0]
    return found["verdict"], found["text"]


def length(mean, low, high):
    return {"length_controlled": {"mean": mean, "low": low, "high": high, "n": 50}}


@pytest.mark.parametrize(
    ("changed", "verdict", "says"),
    [
        pytest.param({}, "better", "filtered is better than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds.", id="better"),
        pytest.param({"mean": -0.42, "low": -0.64, "high": -0.2}, "worse", "filtered is worse than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds.", id="worse is told the right way round"),
        pytest.param({"about": "models", "seeds": 1}, "better", "filtered is better than random by 0.42 (0.20 to 0.64), over 50 prompts and 1 seed. That is said of these trained models; another training of the same data may differ.", id="one seed speaks for its models only"),
        pytest.param(length(0.3, 0.1, 0.5), "better", "filtered is better than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds. At equal length it is 0.30 (0.10 to 0.50).", id="length beside it"),
        pytest.param(length(0.1, -0.1, 0.3), "better", "filtered is better than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds. At equal length it is 0.10 (−0.10 to 0.30): the length of the answers may be all there is to it.", id="length may be all"),
        pytest.param({"mean": -0.42, "low": -0.64, "high": -0.2, **length(-0.3, -0.5, -0.1)}, "worse", "filtered is worse than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds. At equal length it is 0.30 (0.10 to 0.50).", id="worse at equal length too"),
        pytest.param({"mean": 0.05, "low": -0.2, "high": 0.2901, "shown": False}, "nothing", "Nothing can be claimed of filtered against random: the difference is +0.05 (−0.20 to +0.29); one larger than 0.30 can be excluded, a smaller one cannot.", id="what is excluded is rounded up"),
        pytest.param({"mean": 0.2, "low": 0.01, "high": 0.39, "shown": False}, "nothing", "Nothing can be claimed of filtered against random: the difference is +0.20 (+0.01 to +0.39); alone it would be clear of zero, among 1 comparison (Holm) it is not.", id="Holm takes it back"),
        pytest.param({"mean": 0.2, "low": 0.2, "high": 0.2, "p": 0.25, "shown": False}, "nothing", "Nothing can be claimed of filtered against random: the difference is +0.20 (+0.20 to +0.20); so few prompts that agree may do so by chance.", id="three prompts that say the same"),
        pytest.param({"low": None, "high": None, "shown": False, "prompts": 1}, "nothing", "Nothing can be claimed of filtered: 1 prompt with grades of it and of random give no interval.", id="one prompt"),
    ],
)  # fmt: skip
def test_a_comparison_in_words(changed, verdict, says):
    assert of({**FOUND, **changed}, filtered=GRADE, random=GRADE) == (verdict, says)


@pytest.mark.parametrize(
    ("jobs", "says"),
    [
        pytest.param([], "filtered has no grade: it was not run.", id="no job"),
        pytest.param([{"status": "failed", "why": "no memory.\nat line 3"}] * 2, "filtered has no grade: no memory.", id="first line, once"),
        pytest.param([{"status": "not run", "why": None}], "filtered has no grade: it was not run.", id="not run"),
        pytest.param([{"status": "failed", "why": None}], "filtered has no grade: it failed.", id="no reason"),
        pytest.param([{"status": "done", "why": None}], "filtered has no grade: the judge graded none of its answers.", id="done, ungraded"),
    ],
)  # fmt: skip
def test_an_arm_without_grades_says_why(jobs, says):
    assert of(filtered=jobs, random=GRADE) == ("failed", says)


def test_the_arm_compared_with_has_a_sentence_too():
    assert of(FOUND, random=GRADE) == (
        "compared with",
        "random is what the others are compared with: its mean grade is 3.10 (2.90 to 3.30).",
    )


def test_nothing_to_compare_with():
    assert of(filtered=GRADE, random=[]) == ("nothing", "Nothing can be claimed of filtered: random has no grade.")
