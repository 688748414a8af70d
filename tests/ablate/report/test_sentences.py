from __future__ import annotations

from typing import Any

import pytest

from curate.ablate.report.sentences import sentences, worth

DIFFERENCE: dict[str, Any] = {
    "factor": "arm",
    "arm": "filtered",
    "against": "random",
    "mean": 0.42,
    "low": 0.2,
    "high": 0.64,
    "p": 0.01,
    "shown": True,
}
DIFFERENCE |= {"about": "data", "prompts": 50, "seeds": 3, "length_controlled": None}
GRADE = {"mean": 3.1, "low": 2.9, "high": 3.3, "n": 50}


def of(*differences, **arms):
    """Give the sentence of the first arm; an arm's value is its grade, or its jobs where it has none."""
    jobs = {name: value if isinstance(value, list) else [] for name, value in arms.items()}
    described = [
        {"arm": n, "grade": None if isinstance(v, list) else v, "answers": {"graded": 0}} for n, v in arms.items()
    ]
    ablation = {"arms": [{"arm": name, "jobs": jobs[name]} for name in arms]}
    uncompared = {"factor": "arm", "arm": "filtered", "against": "random", "why": "random has no grade"}
    results = {"compare": ["arm"], "arms": described, "differences": list(differences)}
    results |= {"uncompared": [] if differences else [uncompared]}
    first = sentences(ablation, results)[0]
    return first["verdict"], first["text"]


def length(mean, low, high):
    return {"length_controlled": {"mean": mean, "low": low, "high": high, "n": 50}}


@pytest.mark.parametrize(
    ("changes", "verdict", "text"),
    [
        pytest.param({}, "better", "filtered is better than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds.", id="better"),
        pytest.param({"mean": -0.42, "low": -0.64, "high": -0.2}, "worse", "filtered is worse than random by 0.42 (0.20 to 0.64), over 50 prompts and 3 seeds.", id="worse, the right way round"),
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
def test_a_comparison_in_words(changes, verdict, text):
    assert of({**DIFFERENCE, **changes}, filtered=GRADE, random=GRADE) == (verdict, text)


@pytest.mark.parametrize(
    ("jobs", "text"),
    [
        pytest.param([], "filtered has no grade: it was not run.", id="no job"),
        pytest.param([{"status": "failed", "why": "no memory.\nat line 3"}] * 2, "filtered has no grade: no memory.", id="first line, once"),
        pytest.param([{"status": "not run", "why": None}], "filtered has no grade: it was not run.", id="not run"),
        pytest.param([{"status": "failed", "why": None}], "filtered has no grade: it failed.", id="no reason"),
        pytest.param([{"status": "done", "why": None}], "filtered has no grade: the judge graded none of its answers.", id="done, ungraded"),
    ],
)  # fmt: skip
def test_an_arm_without_grades_says_why(jobs, text):
    assert of(filtered=jobs, random=GRADE) == ("failed", text)


def test_the_arm_compared_with_has_a_sentence_too():
    assert of(DIFFERENCE, random=GRADE) == (
        "compared with",
        "random is what the others are compared with: its mean grade is 3.10 (2.90 to 3.30).",
    )


def test_nothing_to_compare_with():
    assert of(filtered=GRADE, random=[]) == (
        "nothing",
        "Nothing can be claimed of filtered against random: random has no grade.",
    )


MULTIPLIER = {"arm": "filtered", "curve": "random", "own": 1000.0, "smallest": 500, "largest": 8000}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param({"label": "about", "rows": 2541.2, "low": 1999.6, "high": 4012.0, "times": 2.5412}, "random needs about 2,540 rows (2,000 to 4,010) for the grade that filtered has with 1,000: about 2.5 times as many.", id="between"),
        pytest.param({"label": "at least", "rows": 8000.0, "low": 4500.0, "high": None, "times": 8.0}, "random needs at least 8,000 rows (beyond 4,500) for the grade that filtered has with 1,000: at least 8 times as many.", id="beyond the curve"),
        pytest.param({"label": "at most", "rows": 500.0, "low": None, "high": 900.0, "times": 0.5}, "random needs at most 500 rows (below 500 to 900) for the grade that filtered has with 1,000: at most 0.5 times as many.", id="before the curve"),
        pytest.param({"label": "about", "rows": 700.0, "low": None, "high": None, "times": None, "own": None}, "random needs about 700 rows (the interval holds all sizes from 500 to 8,000) for the grade that filtered has.", id="nothing known"),
        pytest.param({"why": "no prompt has a grade of each"}, "What filtered is worth in rows cannot be said: no prompt has a grade of each.", id="none"),
    ],
)  # fmt: skip
def test_a_multiplier_in_words(fields, sentence):
    assert worth({**MULTIPLIER, **fields}) == sentence
