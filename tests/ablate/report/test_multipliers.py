from __future__ import annotations

import pytest

from curate.ablate import report
from curate.ablate.report import numbers
from curate.ablate.report.numbers import said
from curate.evaluate import statistics
from tests.ablate.report import folders
from tests.ablate.report.folders import arm

TOLD = {"arm": "filtered", "curve": "random", "own": 1000.0, "smallest": 500, "largest": 8000}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param({"label": "about", "rows": 2541.2, "low": 1999.6, "high": 4012.0, "times": 2.5412}, "random needs about 2,540 rows (2,000 to 4,010) for the grade that filtered has with 1,000: about 2.5 times as many.", id="between"),
        pytest.param({"label": "at least", "rows": 8000.0, "low": 4500.0, "high": None, "times": 8.0}, "random needs at least 8,000 rows (beyond 4,500) for the grade that filtered has with 1,000: at least 8 times as many.", id="beyond the curve"),
        pytest.param({"label": "at most", "rows": 500.0, "low": None, "high": 900.0, "times": 0.5}, "random needs at most 500 rows (below 500 to 900) for the grade that filtered has with 1,000: at most 0.5 times as many.", id="before the curve"),
        pytest.param({"label": "about", "rows": 700.0, "low": None, "high": None, "times": None, "own": None}, "random needs about 700 rows (the interval holds all sizes from 500 to 8,000) for the grade that filtered has.", id="nothing known"),
        pytest.param({"why": "no prompt has a grade of each"}, "What filtered is worth in rows cannot be said: no prompt has a grade of each.", id="none"),
    ],
)  # fmt: skip
def test_a_multiplier_in_words(found, says):
    assert said({**TOLD, **found}) == says


def test_it_is_read_off_the_random_arms_curve(tmp_path):
    effects = {500: -0.6, 1000: -0.3, 4000: 0.3}
    sizes = [arm(f"random@{n}", e, x=n, curve="random", rows=n) for n, e in effects.items()]
    arms = [arm("filtered", 0.3), arm("random", x=2000, curve="random"), *sizes]
    [found] = report.write(folders.write(tmp_path, arms))["multipliers"]
    _, grades = numbers.read(tmp_path)
    curve = {"random": 2000, **{f"random@{n}": n for n in effects}}
    expected = statistics.multiplier(grades, "filtered", curve)
    assert {name: found[name] for name in expected._fields} == expected._asdict()
    assert found["own"] == 2000 and found["times"] == expected.rows / 2000


@pytest.mark.parametrize(
    "arms",
    [
        pytest.param([arm("filtered"), arm("random")], id="no curve"),
        pytest.param([arm("filtered"), arm("random", x=2000, curve="random")], id="one size"),
    ],
)
def test_without_a_curve_there_is_none(tmp_path, arms):
    assert report.write(folders.write(tmp_path, arms))["multipliers"] == []
