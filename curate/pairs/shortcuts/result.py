"""What a shortcut report holds: plain data, as it stands in manifest.json."""

from __future__ import annotations

from typing import TypedDict

from curate.errors import UserError


class ShortcutError(UserError):
    """Say in one sentence why a set has no shortcuts to be looked for."""


class Share(TypedDict):
    """A share of pairs, with its 95 % interval (Wilson) and the number of pairs it is of."""

    accuracy: float
    low: float
    high: float
    pairs: int


class RuleScore(TypedDict):
    """What one rule alone gets right.

    `chosen`, `rejected` and `ties` are the shares of pairs in which the rule, read in its `direction`, takes the chosen
    answer, takes the rejected one, or cannot tell; `accuracy` counts a tie as half. `direction` is None where no pair
    differs.
    """

    rule: str
    counts: str
    direction: str | None
    chosen: float
    rejected: float
    ties: float
    accuracy: float
    low: float
    high: float


class Opening(TypedDict):
    """An opening word, and how many chosen and rejected answers begin with it."""

    word: str
    chosen: int
    rejected: int


class Words(TypedDict):
    """What a linear model on words gets right on prompts it has not seen.

    `alike` is the same of pairs whose answers are nearly of one length; `chosen` and `rejected` are the words with the
    greatest weights towards either side.
    """

    accuracy: float
    low: float
    high: float
    pairs: int
    alike: Share | None
    chosen: list[tuple[str, float]]
    rejected: list[tuple[str, float]]


class Shortcuts(TypedDict):
    """What simple rules alone would get right of a preference set, the best rule first.

    `left_out` counts rows without both answers; `warned` names the rules that are too good (`linear_model` for the
    words); `no_words` says why there is no model on words; `verdict` says it all in sentences.
    """

    pairs: int
    prompts: int
    left_out: int
    rules: list[RuleScore]
    openings: list[Opening]
    words: Words | None
    no_words: str | None
    warned: list[str]
    verdict: list[str]
