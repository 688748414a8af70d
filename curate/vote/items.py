"""What is voted on: pairs of answers to one prompt, drawn and ordered by a seed."""

from __future__ import annotations

from itertools import combinations

import polars as pl

from curate.rows import hash01


def draw(answers: pl.DataFrame, n: int, seed: int = 0) -> tuple[pl.DataFrame, dict[str, int]]:
    """Draw at most n comparisons; return them in the order of the page, and what was left out, counted.

    Two models are compared on prompts that both answered, with the same number of sample, one sample a prompt. Prompts
    come before pairs: of n comparisons as many prompts as can be are taken, the pairs in turn. Each model of a pair
    stands first in half of its comparisons, in an order that the seed decides. Equal answers are left out: there is
    nothing to choose.

    The columns are `item` (from 1), `id`, `prompt`, `sample`, `a`, `b` (the pair, in the order of the models), `left`,
    `right` (which model stands where), `left_text`, `right_text`.

    >>> answers = pl.DataFrame(
    ...     [(m, str(i), f"{i}?", 0, f"{m}{i}") for m in "xy" for i in range(4)],
    ...     schema=["model", "id", "prompt", "sample", "response"], orient="row",
    ... )
    >>> items, left_out = draw(answers, n=50)
    >>> items.height, sorted(items["left"]), left_out
    (4, ['x', 'x', 'y', 'y'], {})
    """
    models = answers["model"].unique(maintain_order=True).to_list()
    pairs = list(combinations(models, 2))
    both = pl.concat([_both(answers, a, b).with_columns(pair=pl.lit(i)) for i, (a, b) in enumerate(pairs)])
    differ = both.filter(pl.col("response_a").str.strip_chars() != pl.col("response_b").str.strip_chars())
    drawn = _balanced(_one_sample(differ, seed), len(pairs), n, seed)
    same = both.select("id", "pair").n_unique() - differ.select("id", "pair").n_unique()
    return _on_page(drawn, seed), {"equal answers": same} if same else {}


def _both(answers: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Join the answers of two models by prompt and sample."""
    of_a, of_b = (answers.filter(pl.col("model") == name).unique(["id", "sample"], keep="first") for name in (a, b))
    joined = of_a.join(of_b.drop("prompt"), on=["id", "sample"], suffix="_b")
    return joined.rename({"model": "a", "model_b": "b", "response": "response_a"})


def _one_sample(pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    keyed = pairs.with_columns(drawn=pl.format("{}\x1f{}", "id", "sample"))
    ordered = keyed.sort(hash01("drawn", seed, "vote/sample"), "id", "sample")
    return ordered.unique(["id", "pair"], keep="first").drop("drawn")


def _balanced(pairs: pl.DataFrame, kinds: int, n: int, seed: int) -> pl.DataFrame:
    """Take n: every prompt once with one pair, then every prompt with the next pair, and so on."""
    place = hash01("id", seed, "vote/prompt").rank("dense").cast(pl.Int64)
    turn = (pl.col("pair") - pl.col("place")) % kinds
    return pairs.with_columns(place=place).sort(turn, "place").head(n).drop("place")


def _on_page(drawn: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Give each comparison its place in the page, and its answers their sides."""
    keyed = drawn.with_columns(key=pl.format("{}\x1f{}", "id", "pair"))
    side = hash01("key", seed, "vote/side").rank("ordinal").over("pair").cast(pl.Int64)
    # Which of the two stands first once more often, where their number is odd, differs from pair to pair.
    first = (side + pl.col("pair")) % 2 == 0
    ordered = keyed.with_columns(first=first).sort(hash01("key", seed, "vote/order"), "key")
    return ordered.with_row_index("item", offset=1).select(
        pl.col("item").cast(pl.String),
        "id",
        "prompt",
        "sample",
        "a",
        "b",
        left=pl.when("first").then("a").otherwise("b"),
        right=pl.when("first").then("b").otherwise("a"),
        left_text=pl.when("first").then("response_a").otherwise("response_b"),
        right_text=pl.when("first").then("response_b").otherwise("response_a"),
    )
