"""Pairs from the community itself: two answers to one question, one with more votes."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from curate.pairs.grades import check_bounds
from curate.pairs.samples import SIDES, Pairs, Result, figures, require
from curate.rows import hash01
from curate.turns import TURNS

_OWN = ("response", "score", "license")
_TURNS = "response_turns"


def votes(
    rows: pl.DataFrame,
    *,
    answers: str = "answers",
    min_gap: float = 1,
    min_score: float | None = None,
    max_length_ratio: float | None = 2.0,
    shorter: float = 0.5,
    seed: int = 0,
) -> Pairs:
    """Pair two answers to one question: chosen the one with more votes, rejected the one with fewer.

    The answers are those listed in the column `answers`, as the source `stackexchange` and files of UltraFeedback give
    them, and the row's own `response` with its `score`. No model is asked. Of all pairs of a question that are far
    enough apart and near enough in length, the one with the largest gap is taken; equals are settled by a hash.

    People vote for long answers: of all pairs of six Stack Exchange dumps with the largest gap, 67 % have the longer
    answer chosen, and a model would learn length. Two rules hold against it. `max_length_ratio` bounds the difference
    (59 % at 2). And in a share of the questions (`shorter`, by a hash of the row's id) a pair whose chosen answer is
    the shorter one is preferred, where there is one; at one half, 49 %, and the lengths are even on average. Length is
    measured in characters of text, HTML tags left out.

    `score` becomes the votes of the chosen answer, `license` the licence of both, where they differ joined by " and ";
    null where one is unknown. The row's `url` leads to the question's page, where both stand with their authors.

    Args:
        rows: with `id`, `response`, `score`, the column of answers, and `license` where known.
        answers: the column of the other answers, a list of structs with `response`, `score` and maybe `license`.
        min_gap: how many votes the two are apart at least.
        min_score: the votes that the chosen answer has at least.
        max_length_ratio: how many times longer one answer may be than the other; null for no limit.
        shorter: in what share of the questions a shorter chosen answer is preferred: 0 never, 1 always.
        seed: draws the questions for `shorter`, and settles equals.

    Raises ValueError if `min_gap` is not above 0, `max_length_ratio` is below 1, `shorter` is not a share, or a column
    is missing.

    >>> other = {"response": "Just boil it for a day.", "score": -2.0, "license": None}
    >>> rows = pl.DataFrame({"id": ["1"], "response": ["Some 75 degrees."], "score": [9.0], "answers": [[other]]})
    >>> votes(rows).columns.select("chosen", "rejected").row(0)
    ('Some 75 degrees.', 'Just boil it for a day.')
    """
    check_bounds(min_gap, max_length_ratio)
    if min_gap == 0:
        raise ValueError("min_gap must be above 0: equal votes prefer nothing")
    if not 0 <= shorter <= 1:
        raise ValueError(f"shorter is a share, from 0 to 1, not {shorter:g}")
    listed = _listed(rows, answers, seed)
    apart = _two_each(listed).filter(pl.col("gap") >= min_gap)
    good = apart if min_score is None else apart.filter(pl.col("chosen_score") >= min_score)
    near = good if max_length_ratio is None else good.filter(pl.col("length_ratio") <= max_length_ratio)
    why = _why({
        "fewer than two answers with votes": listed.filter(pl.len().over("row") > 1),
        f"no two answers are {min_gap:g} votes apart": apart,
        f"no answer that far ahead has {min_score} votes": good,
        f"of those far enough apart no two are within {max_length_ratio} times each other's length": near,
    })  # fmt: skip
    wide = pl.DataFrame({"row": range(rows.height)}, schema={"row": pl.Int64})
    wide = wide.join(_one_each(near, shorter), on="row", how="left").sort("row").with_columns(why=why)
    return _result(wide, listed)


def _listed(rows: pl.DataFrame, answers: str, seed: int) -> pl.DataFrame:
    """List all answers of all rows that have a text and votes, each text once a row: with the most votes it has."""
    require(rows, "id", "response", "score", answers)
    license_ = pl.col("license") if "license" in rows.columns else pl.lit(None, pl.String).alias("license")
    prefers = hash01("id", seed, "votes: shorter").alias("prefers")
    turns = pl.col(_TURNS) if _TURNS in rows.columns else pl.lit(None, TURNS).alias(_TURNS)
    own = rows.select(
        pl.int_range(pl.len()).alias("row"), prefers, "response", "score", license_, turns, others=answers
    )
    others = own.select("row", "prefers", "license", "others").explode("others")
    fields = _fields(rows.schema[answers])
    others = others.select("row", "prefers", *fields, pl.lit(None, TURNS).alias(_TURNS))
    listed = pl.concat([own.drop("others"), others], how="vertical_relaxed")
    listed = listed.filter(pl.col("response").str.contains(r"\S") & pl.col("score").is_finite())
    listed = listed.sort("row", "score", "response", "license", descending=[False, True, False, False])
    listed = listed.unique(["row", "response"], keep="first", maintain_order=True)
    size = pl.col("response").str.replace_all(r"<[^>]*>", "").str.len_chars().cast(pl.Float64)
    draw = hash01("response", seed, "votes").alias("draw")
    return listed.with_columns(draw, size=size).with_row_index("at")


def _fields(dtype: pl.DataType) -> list[pl.Expr]:
    """Take text, votes and licence out of the other answers; those of a rated set have the row's licence."""
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    names = {field.name for field in inner.fields} if isinstance(inner, pl.Struct) else set()
    if lacking := {"response", "score"} - names:
        raise ValueError(f"the answers have no {' and no '.join(sorted(lacking))}, only {', '.join(sorted(names))}")
    return [pl.col("others").struct.field(name).alias(name) if name in names else pl.col(name) for name in _OWN]


def _two_each(listed: pl.DataFrame) -> pl.DataFrame:
    """Set every two answers of a row beside each other, the one with more votes as chosen; texts stay behind."""
    figures = listed.select("row", "prefers", "at", "score", "size", "draw")
    chosen, rejected = (
        figures.rename({name: f"{side}_{name}" for name in ("at", "score", "size", "draw")}) for side in SIDES
    )
    ahead = pl.col("chosen_score") > pl.col("rejected_score")
    sizes = [pl.col("chosen_size"), pl.col("rejected_size")]
    return (
        chosen.join(rejected.drop("prefers"), on="row")
        .filter(ahead)
        .with_columns(
            gap=pl.col("chosen_score") - pl.col("rejected_score"),
            length_ratio=pl.max_horizontal(sizes) / pl.min_horizontal(sizes),
        )
    )


def _one_each(pairs_of_row: pl.DataFrame, shorter: float) -> pl.DataFrame:
    """Take of a row's pairs a shorter chosen answer where that is preferred, then the largest gap, then by draw."""
    preferred = (pl.col("prefers") < shorter) & (pl.col("chosen_size") < pl.col("rejected_size"))
    order = [preferred, pl.col("gap"), pl.col("chosen_draw"), pl.col("rejected_draw")]
    return pairs_of_row.sort("row", *order, descending=[False, True, True, False, False]).unique(
        "row", keep="first", maintain_order=True
    )


def _why(stages: Mapping[str, pl.DataFrame]) -> pl.Expr:
    """Say at which condition the last of a row's answers or pairs was lost."""
    losses = {reason: ~pl.col("row").is_in(part["row"].unique().implode()) for reason, part in stages.items()}
    return pl.coalesce(pl.when(lost).then(pl.lit(reason)) for reason, lost in losses.items())


def _result(wide: pl.DataFrame, listed: pl.DataFrame) -> Result:
    for side in SIDES:
        names = {"at": f"{side}_at", "response": side, "license": f"{side}_license", _TURNS: f"{side}_turns"}
        texts = listed.select(pl.col(name).alias(other) for name, other in names.items())
        wide = wide.join(texts, on=f"{side}_at", how="left", maintain_order="left")
    licenses = [pl.col(f"{side}_license") for side in SIDES]
    both = pl.concat_str(pl.min_horizontal(licenses), pl.max_horizontal(licenses), separator=" and ")
    all_known = pl.all_horizontal(license_.is_not_null() for license_ in licenses)
    joined = pl.when(licenses[0] == licenses[1]).then(licenses[0]).when(all_known).then(both)
    scores = ["chosen_score", "rejected_score"]
    turns = [f"{side}_turns" for side in SIDES if listed[_TURNS].null_count() < listed.height]
    nothing = pl.Series("again", [False] * wide.height, dtype=pl.Boolean)
    return Result(
        columns=wide.select(*SIDES, *scores, *licenses, *turns, license=joined, score="chosen_score"),
        why=wide["why"],
        ledger=wide.select(*scores, "gap", "length_ratio"),
        again=nothing,
        failed=nothing.alias("failed"),
        notes=figures(wide, sizes=("chosen_size", "rejected_size")),
    )
