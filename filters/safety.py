"""Texts that should not be taught."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import polars as pl

from curate.filter import Property, costly, measures


@costly
def toxic(column: str = "response", *, threshold: float = 0.5) -> Property:
    """Hold if the packaged profanity model gives a text a probability of at least `threshold`.

    It is a linear model over single words (alt-profanity-check), so it knows swear words and no toxicity:
    hatred in polite words passes, and so does most abuse in a long answer, because the other words outweigh
    it. An insult of 35 characters scores 1.00 alone, .85 within 180 characters and .10 within 400. Measured
    on Surge AI's 1,000 labelled comments (136 characters on average): AUC .843; precision .931 and recall
    .481 at .5. On 2,500 Stack Exchange answers it flags 4, all harmless ("Lagunitas Sucks", a beer). Taking
    the worst paragraph instead of the whole gains nothing on Surge (AUC .847) and flags 2 % of those answers,
    all harmless that were read. One core does about 34,000 comments or 8,700 answers of 1,200 characters a
    second, after 2.5 s to load.

    Needs `pip install 'curate-lm[toxic]'`; raises ModuleNotFoundError saying so, and ValueError if the
    threshold is not between 0 and 1.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["You stupid idiot!", "Let the tea stand for a minute.", None]})
    >>> frame.select(toxic()).to_series().to_list()
    [True, False, None]
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is a probability between 0 and 1, not {threshold}")
    return profanity(column) >= threshold


@measures(toxic)
def profanity_rounded(column: str = "response") -> pl.Expr:
    """Give the model's probability to four decimals."""
    return profanity(column).round(4)


@cache
def profanity(column: str) -> pl.Expr:
    """Give the model's probability that a text is profane.

    Cached, because polars computes a Python function once for verdict and evidence only if both hold the very
    same expression (seen in lazy frames, plain and streaming; an eager `select` computes it twice).
    """
    return pl.col(column).map_batches(_probabilities, return_dtype=pl.Float64, is_elementwise=True)


def _probabilities(texts: pl.Series) -> pl.Series:
    known = texts.drop_nulls()
    if known.is_empty():
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.Float64)
    found = pl.Series(_predict(known.to_list()), dtype=pl.Float64)
    # The n-th text that is there gets the n-th probability.
    place = texts.is_not_null().cum_sum().cast(pl.Int64) - 1
    return found.gather(pl.select(pl.when(texts.is_not_null()).then(place)).to_series()).alias(texts.name)


def _predict(texts: list[str]) -> list[float]:
    try:
        model = import_module("profanity_check")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("the filter toxic needs its model: pip install 'curate-lm[toxic]'") from missing
    probabilities: list[float] = model.predict_prob(texts).tolist()
    return probabilities
