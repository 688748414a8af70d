"""One answer to every row."""

from __future__ import annotations

import polars as pl

from curate.models.generators.ask import Text
from curate.models.generators.generator import Generator
from curate.pairs.samples import Answers, Thoughts, Truncation, Variant, answers, drop_system, sample


def respond(
    rows: pl.DataFrame,
    *,
    generator: Generator,
    system: Text | None = None,
    column: str = "prompt",
    seed: int = 0,
    cut: Truncation = "drop",
    thoughts: Thoughts = "drop",
) -> Answers:
    """Answer every prompt once; the answer becomes the row's `response`.

    Under a `system` prompt that is given here, the row keeps none of its own: what is trained is to answer so unasked.
    Without one, the row's own `system` is part of what is asked, and stays.

    Args:
        rows: with `id`, the prompt's column, and `system` and `history` where they have them.
        generator: answers.
        system: a system prompt for all rows.
        column: what is asked.
        seed: with the row's id and the generator's settings the seed of an answer.
        cut: what to do with an answer that ran into the limit of tokens: `drop` its row, or `keep` it.
        thoughts: whether the thoughts before an answer are kept, as part of the answer, or dropped.

    Raises ValueError if the system prompt is blank or a column is missing.

    >>> from curate.pairs.example import says  # a function in place of a model
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> respond(rows, generator=says(lambda ask: "Tea.")).columns["response"].to_list()
    ['Tea.']
    """
    if system is not None and not system.strip():
        raise ValueError("the system prompt is blank")
    samples = sample(rows, [Variant("response", generator, system)], column=column, seed=seed, cut=cut)
    result = answers(rows, samples, samples.select("row", best="key", why="fault"), thoughts)
    return drop_system(rows, result) if system is not None else result
