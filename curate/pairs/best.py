"""Several answers of one generator, graded: the best for training on, the best and a lesser one as a pair."""

from __future__ import annotations

import polars as pl

from curate.generators.generator import Generator
from curate.judges.contract import Judge
from curate.pairs._grades import Rejected, best_and_other, best_only, check_bounds, graded
from curate.pairs._made import answers, pairs
from curate.pairs._samples import Cut, Use, sample
from curate.pairs.contract import Answers, Pairs


def best_of(
    rows: pl.DataFrame,
    *,
    generator: Generator,
    judge: Judge,
    n: int = 4,
    column: str = "prompt",
    min_gap: float = 0,
    max_length_ratio: float | None = None,
    rejected: Rejected = "worst",
    seed: int = 0,
    cut: Cut = "drop",
) -> Pairs:
    """Sample `n` answers to every prompt and pair the best-graded one with the worst, or with any other.

    Equal texts are graded once. A row is dropped, with the reason, when fewer than two of its answers can be compared
    (empty, cut off, without a grade, the same text), or when none is graded `min_gap` below the best; a tie is no pair.
    The row's own `system` and `history` are part of what is asked.

    Args:
        rows: with `id` and the prompt's column.
        generator: answers; sample it at a temperature above 0, or all answers are the same.
        judge: grades the answers.
        n: answers a prompt, 2 or more.
        column: what is asked.
        min_gap: how far the two grades are apart at least.
        max_length_ratio: how many times longer one answer may be than the other; no limit by default.
        rejected: `worst`, or `random`: any that is far enough below the best.
        seed: with the row's id, the number of the sample and the generator's settings the seed of an answer.
        cut: what to do with an answer that ran into the limit of tokens: `drop` or `keep` it.

    Raises ValueError if `n` is below 2, `min_gap` negative, `max_length_ratio` below 1, or a column is missing.

    >>> from curate.judges import function
    >>> from curate.pairs._example import says  # a function in place of a model
    >>> def shortness(response: str) -> float:
    ...     return -len(response)
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> replies = iter(["Tea, if you please.", "Tea.", "Tea!!"])
    >>> model = says(lambda ask: next(replies))
    >>> made = best_of(rows, generator=model, judge=function(shortness), n=3)
    >>> made.columns.select("chosen", "rejected").row(0)
    ('Tea.', 'Tea, if you please.')
    """
    if n < 2:
        raise ValueError(f"n must be 2 or more to have a pair, not {n}")
    check_bounds(min_gap, max_length_ratio)
    samples = _samples(rows, generator, judge, n, column, seed, cut)
    picks = best_and_other(samples, rejected=rejected, min_gap=min_gap, max_length_ratio=max_length_ratio)
    return pairs(rows, samples, picks)


def best(
    rows: pl.DataFrame,
    *,
    generator: Generator,
    judge: Judge,
    n: int = 4,
    min_score: float | None = None,
    column: str = "prompt",
    seed: int = 0,
    cut: Cut = "drop",
) -> Answers:
    """Sample `n` answers to every prompt and keep the best-graded one as the response: rejection sampling.

    `score` becomes its grade. The ledger has, beside it, the mean grade of the row's answers and how many had one; the
    note `gain` is what the best are above that mean.

    Args:
        rows: with `id` and the prompt's column.
        generator: answers; sample it at a temperature above 0, or all answers are the same.
        judge: grades the answers.
        n: answers a prompt.
        min_score: the grade that the best answer must reach; without it the row is dropped.
        column: what is asked.
        seed: with the row's id, the number of the sample and the generator's settings the seed of an answer.
        cut: what to do with an answer that ran into the limit of tokens: `drop` or `keep` it.

    Raises ValueError if `n` is below 1 or a column is missing.

    >>> from curate.judges import function
    >>> from curate.pairs._example import says  # a function in place of a model
    >>> def shortness(response: str) -> float:
    ...     return -len(response)
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> replies = iter(["Tea, if you please.", "Tea.", "Tea!!"])
    >>> model = says(lambda ask: next(replies))
    >>> best(rows, generator=model, judge=function(shortness), n=3).columns.select("response", "score").row(0)
    ('Tea.', -4.0)
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    samples = _samples(rows, generator, judge, n, column, seed, cut)
    return answers(rows, samples, best_only(samples, min_score))


def _samples(
    rows: pl.DataFrame, generator: Generator, judge: Judge, n: int, column: str, seed: int, cut: Cut
) -> pl.DataFrame:
    uses = [Use(f"sample {i}", generator) for i in range(n)]
    return graded(rows, sample(rows, uses, column=column, seed=seed, cut=cut), judge, column=column, seed=seed)
