"""What a rule gets right: its share of pairs, the better direction, and an interval."""

from __future__ import annotations

import math

import polars as pl

from curate.pairs.shortcuts.result import Opening, RuleScore, Share
from curate.pairs.shortcuts.rules import RULES, numbers

FOLDS = 5
_Z = 1.959963984540054  # the normal quantile that leaves 2.5 % on either side
_OPENING = r"[\p{L}\p{N}]+(?:['’]\p{L}+)?"
_OPENINGS = 10


def wilson(right: float, pairs: int) -> tuple[float, float]:
    """Give the 95 % interval of a share, by the score method.

    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22, 209-212: with p = right / pairs, (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    `right` may hold halves (ties): their spread is smaller than the formula takes it for, so the interval is then wider
    than need be, never narrower.

    >>> [round(end, 3) for end in wilson(50, 100)], wilson(0, 0)
    ([0.404, 0.596], (0.0, 1.0))
    """
    if not pairs:
        return 0.0, 1.0
    share, square = right / pairs, _Z**2 / pairs
    middle = share + square / 2
    reach = _Z * math.sqrt(share * (1 - share) / pairs + square / (4 * pairs))
    return max((middle - reach) / (1 + square), 0.0), min((middle + reach) / (1 + square), 1.0)


def share(right: float, pairs: int) -> Share:
    """Put a share and its interval together.

    >>> share(9, 10)
    {'accuracy': 0.9, 'low': 0.5958, 'high': 0.9821, 'pairs': 10}
    """
    low, high = wilson(right, pairs)
    return {
        "accuracy": round(right / pairs, 4) if pairs else 0.5,
        "low": round(low, 4),
        "high": round(high, 4),
        "pairs": pairs,
    }


def rules(chosen: pl.Series, rejected: pl.Series) -> list[RuleScore]:
    """Let every rule choose between two answers, pair by pair, each in the direction that gets more pairs right.

    The direction is read off the same pairs, so no rule is below one half; what that gives a rule without worth is
    within its interval.

    >>> scores = rules(pl.Series(["Fine! 😊", "Sure 😊"]), pl.Series(["Fine!", "Sure"]))
    >>> scores[0]["rule"], scores[0]["direction"], scores[0]["accuracy"]
    ('emoji', 'more emoji', 1.0)
    """
    ours, theirs = numbers(chosen), numbers(rejected)
    signs = {name: (ours[name].cast(float) - theirs[name].cast(float)).sign() for name in ours.columns}
    return [_score(rule.name, rule.counts, rule.more, rule.fewer, signs[rule.name]) for rule in RULES]


def opening(frame: pl.DataFrame) -> RuleScore:
    """Let the opening word choose: one that began more chosen than rejected answers of other prompts is taken for good.

    `frame` has `chosen`, `rejected` and `fold`. The worth of a word is the logarithm of (chosen + 1) / (rejected + 1),
    counted in the folds that a pair is not in; a word not seen there is worth nothing.
    """
    begun = _begun(frame)
    whole = begun.group_by("word").agg(c=pl.col("c").sum(), r=pl.col("r").sum())
    own = begun.group_by("word", "fold").agg(c_own=pl.col("c").sum(), r_own=pl.col("r").sum())
    elsewhere = own.join(whole, on="word")
    worth = ((pl.col("c") - pl.col("c_own") + 1) / (pl.col("r") - pl.col("r_own") + 1)).log()
    table = elsewhere.select("word", "fold", worth=worth)
    judged = begun.join(table, on=["word", "fold"]).group_by("pair").agg((pl.col("worth") * pl.col("side")).sum())
    # Sums of logarithms that are equal may differ in the last digit.
    signs = judged.select(pl.col("worth").round(9).sign()).to_series()
    return _score(
        "opening_word",
        "Looks at the first word, whether it began more chosen or rejected answers of other prompts.",
        "the better opening word",
        "",
        signs,
    )


def openings(frame: pl.DataFrame) -> list[Opening]:
    """List the opening words that tell most, with the number of answers of either side that begin so."""
    counted = _begun(frame).group_by("word").agg(chosen=pl.col("c").sum(), rejected=pl.col("r").sum())
    gap = (pl.col("chosen") - pl.col("rejected")).abs()
    first = counted.filter(gap > 1).sort(gap, "word", descending=[True, False]).head(_OPENINGS)
    return [{"word": word, "chosen": c, "rejected": r} for word, c, r in first.rows()]


def _begun(frame: pl.DataFrame) -> pl.DataFrame:
    """List the first word of every answer, with its pair, its fold and its side."""
    numbered = frame.select("fold", "chosen", "rejected").with_row_index("pair")
    long = numbered.unpivot(["chosen", "rejected"], index=["pair", "fold"], variable_name="of", value_name="text")
    ours = (pl.col("of") == "chosen").cast(pl.Int64)
    word = pl.col("text").str.extract(_OPENING, 0).str.to_lowercase().str.replace("’", "'").fill_null("")
    return long.select("pair", "fold", word=word, c=ours, r=1 - ours, side=2 * ours - 1)


def _score(name: str, counts: str, more: str, fewer: str, signs: pl.Series) -> RuleScore:
    """Sum up the choices of a rule: 1 took the chosen answer, -1 the rejected one, 0 neither.

    Without a name for the other direction the rule stands as it was learnt.
    """
    pairs, won, lost = len(signs), int((signs > 0).sum()), int((signs < 0).sum())
    turned = bool(fewer) and lost > won
    if turned:
        won, lost = lost, won
    ties = pairs - won - lost
    right = share(won + ties / 2, pairs)
    return {
        "rule": name,
        "counts": counts,
        "direction": None if ties == pairs else fewer if turned else more,
        "chosen": round(won / pairs, 4),
        "rejected": round(lost / pairs, 4),
        "ties": round(ties / pairs, 4),
        "accuracy": right["accuracy"],
        "low": right["low"],
        "high": right["high"],
    }
