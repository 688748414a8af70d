"""The same question under two system prompts: a style to learn, a style to leave."""

from __future__ import annotations

import polars as pl

from curate.models.generators.ask import Text
from curate.models.generators.generator import Generator
from curate.pairs.samples import NO_PROMPT, Pairs, Thoughts, Truncation, Variant, drop_system, pairs, sample


def styles(
    rows: pl.DataFrame,
    *,
    generator: Generator,
    chosen: Text,
    rejected: Text,
    rejected_generator: Generator | None = None,
    column: str = "prompt",
    seed: int = 0,
    cut: Truncation = "drop",
    thoughts: Thoughts = "drop",
) -> Pairs:
    """Answer every prompt twice, under the system prompt of the style wanted and under that of the style unwanted.

    Source: Enhancing Human-Like Responses (arXiv 2501.05032), where a conversational system prompt gives `chosen` and a
    formal one `rejected`, both by one model. The pair has no system prompt, and a `system` the row came with is taken
    away: what is trained is to speak so unasked. Earlier turns (`history`) stay.

    Args:
        rows: with `id`, the prompt's column, and `history` where they are dialogues.
        generator: answers both, unless `rejected_generator` is given.
        chosen: the system prompt of the style wanted.
        rejected: the system prompt of the style unwanted.
        rejected_generator: answers under `rejected` in place of `generator`.
        column: what is asked.
        seed: with the row's id, what it is for and the generator's settings the seed of an answer.
        cut: what to do with an answer that ran into the limit of tokens: `drop` its row, or `keep` it.
        thoughts: whether the thoughts before an answer are kept, as part of the answer, or dropped.

    Raises ValueError if a system prompt is blank, both are the same by the same generator, or a column is missing.

    >>> from curate.pairs.example import says  # a function in place of a model
    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Tea or coffee?"]})
    >>> model = says(lambda ask: f"{ask.messages[0]['content']} Tea.")
    >>> styles(rows, generator=model, chosen="Warmly:", rejected="Coldly:").columns.select("chosen", "rejected").row(0)
    ('Warmly: Tea.', 'Coldly: Tea.')
    """
    other = rejected_generator or generator
    for name, system in (("chosen", chosen), ("rejected", rejected)):
        if not system.strip():
            raise ValueError(f"the system prompt of {name} is blank")
    if chosen.strip() == rejected.strip() and other.settings == generator.settings:
        raise ValueError("chosen and rejected are the same system prompt, and one generator answers both")
    variants = [Variant("chosen", generator, chosen), Variant("rejected", other, rejected)]
    samples = sample(rows, variants, column=column, seed=seed, cut=cut)
    return drop_system(rows, pairs(rows, samples, _both(samples), thoughts))


def _both(samples: pl.DataFrame) -> pl.DataFrame:
    """Pick the two samples of each row, and say what is wrong where one of them has a fault."""
    fault = pl.col("fault")
    reason = pl.when(fault == NO_PROMPT).then(fault).otherwise(pl.format("{}: {}", "use", fault))
    keys = {side: pl.col("key").filter(pl.col("use") == side).first() for side in ("chosen", "rejected")}
    return samples.group_by("row").agg(**keys, why=reason.drop_nulls().first())
