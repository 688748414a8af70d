"""Answers of several generators, rated by a judge: the best against another."""

from __future__ import annotations

import polars as pl

from curate.generators.generator import Generator
from curate.judges.contract import Judge
from curate.pairs._grades import Rejected, best_and_other, check_bounds, graded
from curate.pairs._made import SIDES, pairs
from curate.pairs._samples import Cut, Use, label, sample, settings_key
from curate.pairs.contract import Made, Pairs


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
    cut: Cut = "drop",
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

    Raises ValueError if there are fewer than two answers a prompt to compare, a generator stands there twice, `min_gap`
    is negative, `max_length_ratio` below 1, or a column is missing.

    >>> from curate.judges import function
    >>> from curate.pairs._example import says  # functions in place of models
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
    uses = [Use(f"sample {i}", generator) for generator in generators for i in range(n)]
    samples = sample(rows, uses, column=column, seed=seed, cut=cut)
    samples = graded(rows, samples, judge, column=column, seed=seed)
    picks = best_and_other(samples, rejected=rejected, min_gap=min_gap, max_length_ratio=max_length_ratio)
    return _with_mix(pairs(rows, samples, picks))


def _with_mix(made: Made) -> Made:
    """Note each generator's share of the chosen and of the rejected answers."""
    there = made.columns.filter(made.why.is_null())
    whose = {side: there[f"{side}_generator"] for side in SIDES}
    names = sorted({name for of_side in whose.values() for name in of_side})
    shares = {f"{name} {side}": (whose[side] == name).sum() / there.height for name in names for side in SIDES}
    return made._replace(notes={**made.notes, **{name: round(share, 3) for name, share in shares.items()}})
