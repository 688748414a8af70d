"""Student's t and power, against scipy and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.statistics import EvaluateError, power_of, prompts_needed, smallest_difference
from curate.evaluate.statistics.means import quantile, special


@pytest.mark.parametrize("df", [1, 2, 9, 49, 299])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_quantile_is_students(df, level):
    assert quantile(df, level) == pytest.approx(stats.t.ppf((1 + level) / 2, df), rel=1e-10)


@pytest.mark.parametrize(
    ("difference", "power", "needed"),
    [
        pytest.param(0.2, 0.8, 199, id="a small effect"),
        pytest.param(0.5, 0.8, 34, id="a medium effect"),
        pytest.param(0.8, 0.8, 15, id="a large effect"),
        pytest.param(0.5, 0.9, 44, id="a medium effect, nine times of ten"),
    ],
)
def test_the_prompts_needed_are_those_of_the_tables(difference, power, needed):
    """Pairs for a two-sided test at .05, as G*Power 3.1 and R's power.t.test(type = "paired") give them."""
    assert prompts_needed(difference, sd=1.0, power=power) == needed
    assert power_of(difference, 1.0, needed) >= power > power_of(difference, 1.0, needed - 1)


def test_power_is_that_of_the_noncentral_t():
    far = stats.t.ppf(0.975, 19)
    shift = 0.6 / 1.5 * 20**0.5
    assert power_of(0.6, 1.5, 20) == pytest.approx(stats.nct.sf(far, 19, shift) + stats.nct.cdf(-far, 19, shift))


def test_power_is_a_number_everywhere():
    """Where the noncentral t of scipy is nan, it is next to nothing: normal approximation, for all sizes there may be."""
    df, shift = np.geomspace(1, 1e5, 60).round()[:, None], np.linspace(0, 60, 121)
    for far in (stats.t.ppf(0.995, df), -stats.t.ppf(0.995, df)):
        result = special().nctdtr(df, shift, far)
        assert np.where(np.isnan(result), stats.norm.cdf(far - shift), 0).max() < 1e-15


@settings(deadline=None)
@given(st.floats(0.05, 3), st.floats(0.1, 3), st.floats(0.5, 0.95))
def test_what_n_prompts_show_needs_n_prompts(difference, sd, power):
    n = prompts_needed(difference, sd, power)
    assert smallest_difference(sd, n, power) <= difference * (1 + 1e-6)
    if n > 2:
        assert smallest_difference(sd, n - 1, power) > difference * (1 - 1e-6)


@pytest.mark.parametrize("call", [lambda: prompts_needed(0, 1), lambda: prompts_needed(1, 0)])
def test_a_question_without_an_answer_is_refused(call):
    with pytest.raises(ValueError, match="must differ from 0"):
        call()
    with pytest.raises(ValueError, match="at least 0"):
        smallest_difference(1.0, 1)


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.special", None)
    with pytest.raises(EvaluateError, match=r"curate-lm\[evaluate\]"):
        special()
