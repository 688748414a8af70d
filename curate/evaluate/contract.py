"""What comes out: a mean with its interval, a comparison of two arms, a multiplier of data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from curate.errors import UserError


class EvaluateError(UserError):
    """Say in words why there is no number, and what would be right."""


class Mean(NamedTuple):
    """A mean with the ends of its interval, and the number of values; of a single value nothing is known but itself."""

    mean: float
    low: float | None
    high: float | None
    n: int


class Lost(NamedTuple):
    """What of an arm does not count: prompts, answers, and why, as (reason, answers), the commonest first."""

    prompts: int
    answers: int
    why: tuple[tuple[str, int], ...]


class Comparison(NamedTuple):
    """An arm beside another one, on the prompts that both have grades for with each of their training seeds.

    `mean` is the grade of `arm` less that of `against`, `low` and `high` its interval, `p` its two-sided p-value,
    `p_holm` the same corrected for all comparisons made together (Holm), and `shown` whether that is below 1 - level.
    `about` says what the interval is about: "data" where arms with several training seeds tell how much those vary,
    else "models": these trained models alone, since how much a second training would differ is not known. `seeds` is
    the lower of the two arms' numbers of seeds, `seed_sd` their standard deviation beyond what prompts and samples
    explain.
    `smallest` is the difference that data like these would show four times of five, in this many comparisons.
    `win`, `tie` and `lose` count prompts. `lost` has an entry for `arm` and for `against`.
    """

    arm: str
    against: str
    mean: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    shown: bool
    about: Literal["data", "models"]
    prompts: int
    seeds: int
    seed_sd: float | None
    length_controlled: Mean | None
    win: int
    tie: int
    lose: int
    smallest: float | None
    lost: dict[str, Lost]


class Multiplier(NamedTuple):
    """How many rows of the curve's data give the grade of an arm; `low` and `high` are None where the curve ends.

    "about" `rows`; "at most" the smallest size measured, where that is as good already; "at least" the largest one,
    where that is not yet as good.
    """

    label: Literal["at least", "about", "at most"]
    rows: float
    low: float | None
    high: float | None
    prompts: int
    seeds: int
