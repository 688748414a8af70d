"""Noise in labels: rows and pairs that look wrong, each with a score and a reason; none is dropped here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.errors import UserError
from curate.filter import Score, Scores, reads
from curate.filters.pool import require
from curate.filters.vectors.pool import vectors_of
from curate.filters.words.runs import folded
from curate.models.embeddings.quantised import LENGTH, SQUARE
from curate.models.weights import EMBEDDING as MODEL
from curate.rows import hash01, text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDS = 5
FEWEST = 100  # pairs that a model of hundreds of weights is worth fitting to
LEARNT = 0.75  # of the labels: half way from guessing to knowing
_DIGITS = 4  # of a probability: below, the solver's last steps differ between machines
_BLOCK = 1024  # rows compared with all prompts at a time
_MISSING = "a text is missing"


def reward_gap(column: str = "chosen_score", other: str = "rejected_score") -> Score:
    """Score pairs by how far the chosen answer is above the rejected one, in the rewards or grades that both have.

    Below 0 whoever graded disagrees with the label. Either may be right: a reward model errs as labels do, and a pair
    whose gap is small is rather hard than wrong.

    >>> import polars as pl
    >>> pairs = pl.DataFrame({"chosen_score": [4.0, 2.5], "rejected_score": [1.0, 3.0]})
    >>> pairs.select(reward_gap()).to_series().to_list()
    [3.0, -0.5]
    """
    return pl.col(column).cast(pl.Float64) - pl.col(other).cast(pl.Float64)


@reads("prompt", "column", "other")
def contradictions(
    pool: pl.DataFrame, *, prompt: str = "prompt", column: str = "chosen", other: str = "rejected"
) -> Scores:
    """Score pairs by how many others say the opposite: the same prompt, and the same two answers the other way round.

    Texts are the same after Unicode NFC, in small letters, with each run of white space as one blank. The reason names
    one of the others. Which of them is wrong nobody can see here; `keep: {at_most: {column: contradictions, value: 0}}`
    drops both. Circles of three (A over B, B over C, C over A) are not looked for, and a pair of two equal answers says
    nothing.

    Raises ValueError if a column is not there.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": ["1", "2"], "prompt": ["Tea?", "tea? "]})
    >>> pool = pool.with_columns(chosen=pl.Series(["Yes.", "No."]), rejected=pl.Series(["No.", "yes."]))
    >>> contradictions(pool).value.to_list(), contradictions(pool).why[0]
    ([1.0, 1.0], 'the opposite stands in 2')
    """
    rows = _texts(pool, {"prompt": prompt, "chosen": column, "rejected": other}, "contradictions")
    across = {"prompt": "prompt", "chosen": "rejected", "rejected": "chosen"}
    return _counts(rows, [_others(rows, across, "the opposite stands in {}")])


@reads("column", "other")
def both_sides(pool: pl.DataFrame, *, column: str = "chosen", other: str = "rejected") -> Scores:
    """Score pairs by how many others reject the answer that is chosen here, or choose the one that is rejected.

    Whatever their prompts are. A text on both sides teaches nothing but which prompts it goes with. It need not be
    wrong: of ranked answers the middle one is chosen in one pair and rejected in the next, and a short answer ("I don't
    know.") is right here and wrong there. Texts are compared as in `contradictions`.

    Raises ValueError if a column is not there.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": ["1", "2"], "chosen": ["Yes.", "Maybe."], "rejected": ["No.", "yes."]})
    >>> both_sides(pool).value.to_list(), both_sides(pool).why[0]
    ([1.0, 1.0], 'its chosen answer is rejected in 2')
    """
    rows = _texts(pool, {"chosen": column, "rejected": other}, "both_sides")
    chosen = _others(rows, {"chosen": "rejected"}, "its chosen answer is rejected in {}")
    rejected = _others(rows, {"rejected": "chosen"}, "its rejected answer is chosen in {}")
    return _counts(rows, [chosen, rejected])


def _texts(pool: pl.DataFrame, columns: dict[str, str], who: str) -> pl.DataFrame:
    """Give the texts of rows as they are compared, beside their ids."""
    for name in ("id", *columns.values()):
        require(pool, name, who)
    return pool.select("id").with_columns(folded(text_of(pool[name])).alias(part) for part, name in columns.items())


def _others(rows: pl.DataFrame, across: dict[str, str], words: str) -> pl.DataFrame:
    """Count for each row those that have its texts in other columns, and say in words which is the first of them."""
    apart = rows.filter(pl.col("chosen") != pl.col("rejected"))
    others = apart.group_by([pl.col(of).alias(name) for name, of in across.items()]).agg(
        count=pl.len(), why=pl.format(words, pl.col("id").min())
    )
    return rows.join(others, on=list(across), how="left", maintain_order="left").select("count", "why")


def _counts(rows: pl.DataFrame, others: list[pl.DataFrame]) -> Scores:
    """Score rows by counts of others; a row that lacks a text has no score."""
    value = sum(one["count"].fill_null(0) for one in others).cast(pl.Float64)  # type: ignore[union-attr]
    reasons = pl.DataFrame([one["why"].alias(f"{i}") for i, one in enumerate(others)])
    words = reasons.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).replace("", None)).to_series()
    whole = rows.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    missing = pl.Series([_MISSING]).new_from_index(0, rows.height)
    value = value.set(~whole, None)
    return Scores(value, words.zip_with(whole, missing), notes={"rows": float((value > 0).sum())})


@reads("prompt", "column", "other")
def mislabelled(
    pool: pl.DataFrame,
    *,
    prompt: str = "prompt",
    column: str = "chosen",
    other: str = "rejected",
    model: str = MODEL,
    seed: int = 0,
) -> Scores:
    """Score pairs by how likely it is that their label is flipped, as a model that never saw them takes it.

    Confident learning (Northcutt et al. 2021, arXiv 1911.00068) for pairs: a logistic regression (L2, C = 1, no
    intercept, so that a pair and its mirror image are one) learns from four fifths of the prompts which answer is
    chosen, and says of the last fifth how likely the rejected one is. It sees the embeddings of both answers: their
    difference, and the product of that with the prompt's, by which it knows an answer beside the question. The folds
    are drawn by a hash of (seed, prompt): the pairs of a prompt are in one, and the order of rows plays no part.

    A pair gets a reason where the probability of the flip reaches the mean one that the model gives to labels as they
    stand (section 3.1, the threshold of the confident joint): the note `threshold`. The note `right` is how often the
    model agrees with the labels. Below 0.75 it has learnt too little to name any pair, and its scores mean little: so
    it is where answers differ in what they know and not in how they sound, and where a quarter of the labels or more
    are flipped. What is rare and right looks flipped, too: read before you drop. Of the first 100 of 2,000 pairs held
    out with 5 % flipped, 66 to 77 were (docs/noise.md).

    Raises ValueError if a column is not there, UserError without scikit-learn. With fewer than 100 pairs, or all in one
    fold, no pair has a score, and the reason says so.

    >>> import polars as pl
    >>> few = pl.DataFrame({"id": ["1"], "prompt": ["Tea?"], "chosen": ["Yes."], "rejected": ["No."]})
    >>> mislabelled(few).why[0]
    'too few: 1 pairs in 1 of 5 folds; a model needs 100 in 2 or more'
    """
    rows = _filled(pool, {"prompt": prompt, "chosen": column, "rejected": other}, "mislabelled")
    fold = (
        rows.select(folded(rows["prompt"])).select((hash01("prompt", seed, "folds") * FOLDS).cast(pl.Int64)).to_series()
    )
    if rows.height < FEWEST or fold.n_unique() < 2:
        few = f"too few: {rows.height} pairs in {fold.n_unique()} of {FOLDS} folds; a model needs {FEWEST} in 2 or more"
        return _beside(pool, rows.select("at", value=pl.lit(None, pl.Float64), why=pl.lit(few)))
    vectors = [vectors_of(rows, name, None, model, "mislabelled") / LENGTH for name in ("prompt", "chosen", "rejected")]
    flipped = _tried(_features(*vectors), fold.to_numpy()).round(_DIGITS)
    threshold = round(float((1 - flipped).mean()), _DIGITS)
    right = float((flipped < 0.5).mean())
    told = (pl.col("value") >= threshold) & (right >= LEARNT)
    why = pl.format("the rejected answer looks like the chosen one: probability {}", "value")
    scored = rows.select("at", value=pl.Series(flipped)).with_columns(why=pl.when(told).then(why))
    notes = {"right": right, "threshold": threshold, "likely flipped": float(scored["why"].count())}
    return _beside(pool, scored, {"pairs": float(rows.height), **{k: round(v, 3) for k, v in notes.items()}})


def _filled(pool: pl.DataFrame, columns: dict[str, str], who: str) -> pl.DataFrame:
    """Take the rows that have all these texts, in the order of their ids, and where they stand."""
    for name in ("id", *columns.values()):
        require(pool, name, who)
    rows = pool.select("id", **{part: text_of(pool[name]) for part, name in columns.items()}).with_row_index("at")
    return rows.filter(pl.all_horizontal(pl.col(*columns).str.contains(r"\S"))).sort("id")


def _beside(pool: pl.DataFrame, scored: pl.DataFrame, notes: Mapping[str, float] = MappingProxyType({})) -> Scores:
    """Bring scores into the order of the pool; a row without any lacks a text."""
    at = pl.DataFrame({"at": pl.int_range(pool.height, dtype=pl.UInt32, eager=True)})
    table = at.join(scored.with_columns(scored=True), on="at", how="left", maintain_order="left")
    why = pl.when(pl.col("scored").is_null()).then(pl.lit(_MISSING)).otherwise("why").alias("why")
    return Scores(table["value"], table.select(why).to_series(), notes=notes)


def _features(prompt: NDArray[Any], chosen: NDArray[Any], rejected: NDArray[Any]) -> NDArray[np.float64]:
    """Put the difference of two answers beside its product with the prompt, in which both have about one length."""
    import numpy as np

    apart = chosen - rejected
    return np.hstack([apart, prompt * apart * math.sqrt(prompt.shape[1])])


def _tried(features: NDArray[np.float64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the probability that a pair's label is flipped, by the model that learnt from the other folds."""
    import numpy as np

    try:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise UserError("mislabelled needs scikit-learn: pip install 'curate-lm[shortcuts]'") from None
    # Every second pair is turned round, for the solver asks for two classes; its loss stays the same.
    sign = np.where(np.arange(len(fold)) % 2, 1.0, -1.0)
    turned = features * sign[:, None]
    flipped = np.empty(len(fold))
    with threadpool_limits(limits=1):  # the sums of several threads come in any order
        for one in np.unique(fold):
            out = fold == one
            learnt = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000).fit(turned[~out], sign[~out])
            flipped[out] = 1 / (1 + np.exp(features[out] @ learnt.coef_[0]))
    return flipped


@reads("column", "prompt")
def mismatch(
    pool: pl.DataFrame,
    *,
    column: str = "response",
    prompt: str = "prompt",
    margin: float = 0.3,
    model: str = MODEL,
) -> Scores:
    """Score rows by how much nearer their answer is to another prompt of the pool than to their own.

    By embeddings: the largest cosine of the answer to another prompt less that to its own, from -2 to 2. From `margin`
    on a row has a reason, which names the row of that prompt. So answers that slid by a row are found, as a bad join
    leaves them: 89 of 100 among 2,000 rows held out at 0.3, and 34 others (docs/noise.md). Equal prompts are one.

    Known false positives: prompts about one thing (the functions of a module), of which another one may be a little
    nearer; prompts that say next to nothing ("And now?"), as the last turn of a dialogue does; answers in code or in
    another language. The embedding reads 256 tokens. Every answer is compared with every prompt, so the time grows with
    the square of the rows.

    Raises ValueError if a column is not there.

    >>> import polars as pl
    >>> one = pl.DataFrame({"id": ["1"], "prompt": ["Tea?"], "response": ["Boil it."]})
    >>> mismatch(one).value.to_list(), mismatch(one).why.to_list()
    ([None], ['there is no other prompt'])
    """
    rows = _filled(pool, {"prompt": prompt, "response": column}, "mismatch")
    key = pl.DataFrame({"key": folded(rows["prompt"])}).with_row_index("row")
    once = key.unique("key", keep="first", maintain_order=True).with_row_index("place")
    if once.height < 2:
        return _beside(pool, rows.select("at", value=pl.lit(None, pl.Float64), why=pl.lit("there is no other prompt")))
    own = key.join(once.select("key", "place"), on="key", how="left", maintain_order="left")["place"].to_numpy()
    answers, prompts = (vectors_of(rows, name, None, model, "mismatch") for name in ("response", "prompt"))
    other, to_other, to_own = _nearest(answers, prompts[once["row"].to_numpy()], own)
    scored = rows.select(
        "at",
        value=pl.Series((to_other - to_own) / SQUARE).round(_DIGITS),
        of=rows["id"].gather(once["row"].gather(other)),
        to_other=pl.Series(to_other / SQUARE).round(2),
        to_own=pl.Series(to_own / SQUARE).round(2),
    )
    why = pl.format("nearer to the prompt of {} ({}) than to its own ({})", "of", "to_other", "to_own")
    scored = scored.select("at", "value", why=pl.when(pl.col("value") >= margin).then(why))
    return _beside(pool, scored, {"likely of another prompt": float(scored["why"].count())})


def _nearest(
    answers: NDArray[np.int16], prompts: NDArray[np.int16], own: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find for each answer the nearest prompt that is not its own; give its place, and both products.

    Products of quantised vectors are whole numbers that float32 holds, so neither order nor threads can change one.
    """
    import numpy as np

    other, to_other, to_own = np.empty(len(answers), dtype=np.int64), np.empty(len(answers)), np.empty(len(answers))
    table = prompts.astype(np.float32).T
    for first in range(0, len(answers), _BLOCK):
        block = slice(first, first + _BLOCK)
        products = answers[block].astype(np.float32) @ table
        each = np.arange(len(products))
        to_own[block] = products[each, own[block]]
        products[each, own[block]] = -np.inf
        other[block] = products.argmax(axis=1)
        to_other[block] = products[each, other[block]]
    return other, to_other, to_own
