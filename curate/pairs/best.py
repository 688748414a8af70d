"""Several answers of one generator, graded: the best for training on, the best and a lesser one as a pair."""

from __future__ import annotations

import polars as pl

from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.pairs.grades import Rejected, best_and_other, best_only, check_bounds, graded
from curate.pairs.samples import (
    SIDES,
    Answers,
    Pairs,
    Result,
    Thoughts,
    Truncation,
    Variant,
    answers,
    label,
    pairs,
    sample,
    settings_key,
)


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
    cut: Truncation = "drop",
    thoughts: Thoughts = "drop",
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
        thoughts: whether the thoughts before an answer are kept, as part of the answer, or dropped.

    Raises ValueError if `n` is below 2, `min_gap` negative, `max_length_ratio` below 1, or a column is missing.

    >>> from curate.models.judges import function
    >>> from curate.pairs.example import says  # a function in place of a model
    >>> def shortness(response: str) -> float:
    ...     return -len(response)
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> replies = iter(["Tea, if you please.", "Tea.", "Tea!!"])
    >>> model = says(lambda ask: next(replies))
    >>> result = best_of(rows, generator=model, judge=function(shortness), n=3)
    >>> result.columns.select("chosen", "rejected").row(0)
    ('Tea.', 'Tea, if you please.')
    """
    if n < 2:
        raise ValueError(f"n must be 2 or more to have a pair, not {n}")
    check_bounds(min_gap, max_length_ratio)
    samples = _samples(rows, [generator], judge, n, column, seed, cut)
    picks = best_and_other(samples, rejected=rejected, min_gap=min_gap, max_length_ratio=max_length_ratio)
    return pairs(rows, samples, picks, thoughts)


def best(
    rows: pl.DataFrame,
    *,
    generator: Generator,
    judge: Judge,
    n: int = 4,
    min_score: float | None = None,
    column: str = "prompt",
    seed: int = 0,
    cut: Truncation = "drop",
    thoughts: Thoughts = "drop",
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
        thoughts: whether the thoughts before an answer are kept, as part of the answer, or dropped.

    Raises ValueError if `n` is below 1 or a column is missing.

    >>> from curate.models.judges import function
    >>> from curate.pairs.example import says  # a function in place of a model
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
    samples = _samples(rows, [generator], judge, n, column, seed, cut)
    return answers(rows, samples, best_only(samples, min_score), thoughts)


def _samples(
    rows: pl.DataFrame, generators: list[Generator], judge: Judge, n: int, column: str, seed: int, cut: Truncation
) -> pl.DataFrame:
    variants = [Variant(f"sample {i}", generator) for generator in generators for i in range(n)]
    return graded(rows, sample(rows, variants, column=column, seed=seed, cut=cut), judge, column=column, seed=seed)


def judged(
    rows: pl.DataFrame,
    *,
    generators: list[Generator],
    judge: Judge,
    n: int = 1,
    rejected: Rejected = "random",
    min_gap: float = 0,
    max_length_ratio: float | None = None,
    column: str = "prompt",
    seed: int = 0,
    cut: Truncation = "drop",
    thoughts: Thoughts = "drop",
) -> Pairs:
    """Let several generators answer every prompt, and pair the answer rated highest with another one.

    Source: UltraFeedback (arXiv 2310.01377), where a judge rates the answers of a pool of models, and Zephyr (arXiv
    2310.16944, section 3), which takes the highest mean rating as chosen and a random one of the others as rejected.
    Here the other is one that is rated lower, by `min_gap` at least: a tie is no pair, and is dropped with the reason.

    The notes say how many of the chosen and rejected answers are whose, and how often the chosen one is longer. The
    row's own `system` and `history` are part of what is asked.

    Args:
        rows: with `id` and the prompt's column.
        generators: who answers; their order does not matter.
        judge: rates the answers.
        n: answers a prompt of each generator.
        rejected: `random`: any that is rated low enough, as Zephyr does; or `worst`.
        min_gap: how far the two ratings are apart at least.
        max_length_ratio: how many times longer one answer may be than the other; no limit by default.
        column: what is asked.
        seed: with the row's id, the number of the sample and the generator's settings the seed of an answer.
        cut: what to do with an answer that ran into the limit of tokens: `drop` or `keep` it.
        thoughts: whether the thoughts before an answer are kept, as part of the answer, or dropped.

    Raises ValueError if there are fewer than two answers a prompt to compare, a generator stands there twice, `min_gap`
    is negative, `max_length_ratio` below 1, or a column is missing.

    >>> from curate.models.judges import function
    >>> from curate.pairs.example import says  # functions in place of models
    >>> def length(response: str) -> float:
    ...     return len(response)
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> models = [says(lambda ask: "Tea.", "small"), says(lambda ask: "Tea, please.", "large")]
    >>> judged(rows, generators=models, judge=function(length)).columns.select("chosen", "rejected").row(0)
    ('Tea, please.', 'Tea.')
    """
    check_bounds(min_gap, max_length_ratio)
    if n < 1 or len(generators) * n < 2:
        raise ValueError(f"{len(generators)} generators with n={n} give no two answers to compare")
    settings = [settings_key(generator) for generator in generators]
    for generator, key in zip(generators, settings, strict=True):
        if settings.count(key) > 1:
            raise ValueError(f"generator '{label(generator)}' stands there twice: give n=2 for two answers of each")
    samples = _samples(rows, generators, judge, n, column, seed, cut)
    picks = best_and_other(samples, rejected=rejected, min_gap=min_gap, max_length_ratio=max_length_ratio)
    return _with_mix(pairs(rows, samples, picks, thoughts))


def _with_mix(result: Result) -> Result:
    """Note each generator's share of the chosen and of the rejected answers."""
    complete = result.columns.filter(result.why.is_null())
    whose = {side: complete[f"{side}_generator"] for side in SIDES}
    names = sorted({name for of_side in whose.values() for name in of_side})
    shares = {f"{name} {side}": (whose[side] == name).sum() / complete.height for name in names for side in SIDES}
    return result._replace(notes={**result.notes, **{name: round(share, 3) for name, share in shares.items()}})
