"""Student's t: its quantile, and how many prompts a paired comparison needs to show a difference."""

from __future__ import annotations

from math import ceil, isnan
from typing import Any

from curate.evaluate.contract import EvaluateError


def special() -> Any:
    """Import `scipy.special`: the functions of `scipy.stats` without its half second."""
    try:
        import scipy.special
    except ImportError:
        raise EvaluateError("statistics need scipy: pip install 'curate-lm[evaluate]'") from None
    return scipy.special


def root(function: Any, low: float, high: float) -> float:
    """Find where a rising function crosses zero; `high` is doubled until the function is above zero there."""
    from scipy.optimize import brentq

    while function(high) < 0:
        low, high = high, 2 * high
    return float(brentq(function, low, high, xtol=1e-12, rtol=1e-12)) if function(low) < 0 else low


def quantile(df: Any, level: Any = 0.95) -> Any:
    """Find the t that a variable of Student's distribution stays within, to both sides, with probability `level`.

    Args:
        df: degrees of freedom, a number or an array of them.
        level: a probability, likewise.

    >>> [round(float(quantile(df)), 3) for df in (9, 49)]
    [2.262, 2.01]
    """
    return special().stdtrit(df, (1 + level) / 2)


def power_of(difference: float, sd: float, n: float, level: float = 0.95) -> float:
    """Give the chance that `n` paired differences with this mean and standard deviation are shown to differ from zero.

    Two-sided, by the noncentral t distribution (J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd
    edition, 1988, chapter 2).

    >>> round(power_of(0.5, 1.0, 34), 3)
    0.808
    """
    far, shift = quantile(n - 1, level), abs(difference) / sd * n**0.5
    # scipy says nan where a probability is next to nothing (below 1e-15: `tests/evaluate/test_students.py`).
    below, above = (0.0 if isnan(x) else float(x) for x in special().nctdtr(n - 1, shift, [-far, far]))
    return 1 - above + below


def prompts_needed(difference: float, sd: float, power: float = 0.8, level: float = 0.95) -> int:
    """Find the number of prompts that show a difference of two arms with probability `power`.

    Args:
        difference: of the mean grades of the two.
        sd: standard deviation of the differences of single prompts, each a mean over the prompt's samples.
        power: how often the difference is to be shown.
        level: of the interval.

    Raises ValueError for a difference of zero or a standard deviation that is not above zero. Variation between
    training seeds is not in it: no number of prompts makes up for that.

    >>> prompts_needed(0.5, sd=1.0)
    34
    """
    if not difference or sd <= 0:
        raise ValueError(f"difference and standard deviation must differ from 0, not {difference} and {sd}")
    return ceil(root(lambda n: power_of(difference, sd, n, level) - power, 2, 4) - 1e-9)


def smallest_difference(sd: float, n: int, power: float = 0.8, level: float = 0.95) -> float:
    """Find the difference that `n` prompts show with probability `power`: `prompts_needed` turned around.

    Raises ValueError for fewer than two prompts or a standard deviation below zero.

    >>> round(smallest_difference(sd=1.0, n=34), 2)
    0.5
    """
    if n < 2 or sd < 0:
        raise ValueError(f"a difference needs 2 prompts and a standard deviation of at least 0, not {n} and {sd}")
    return sd * root(lambda difference: power_of(difference, 1.0, n, level) - power, 0.0, 1.0)
