"""How long a text is, and how large a number is."""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

import polars as pl

from curate.cache import hash_once
from curate.filter import Property, measures
from curate.filters.words.runs import count
from curate.rows import places, tried

Unit: TypeAlias = Literal["chars", "words", "tokens"]


def length(
    column: str = "response",
    *,
    min: int | None = None,
    max: int | None = None,
    unit: Unit = "chars",
    tokenizer: str | None = None,
) -> Property:
    """Hold if a text has at least `min` and at most `max` characters (or words, or tokens), both bounds included.

    LIMA keeps answers of 1,200 to 4,096 characters (section 2.1). A character is a Unicode code point; a word is a run
    of letters and figures, parted by a hyphen but not by an apostrophe, and in scripts without blanks each letter is
    one. One bound may be left open, not both.

    With `unit="tokens"`, `tokenizer` is the `tokenizer.json` of a model, or the folder that holds it: tokens are
    counted as that model sees a text, without the special ones that it puts around it. Needs the package
    tokenizers: `pip install 'curate-lm[tokens]'`.

    Raises ValueError if there is no bound, a bound is negative, `min` is above `max`, or there is no tokenizer to count
    tokens with.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["Yes.", "Because warm air rises.", None]})
    >>> frame.select(length(min=2, unit="words")).to_series().to_list()
    [False, True, None]
    """
    if min is None and max is None:
        raise ValueError("length needs a bound: give min, max or both")
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and bound < 0:
            raise ValueError(f"{name} must be 0 or more, not {bound}")
    if min is not None and max is not None and min > max:
        raise ValueError(f"min ({min}) is above max ({max}): no text could pass")
    measured = length_measured(column, unit, tokenizer)
    if min is None:
        return measured <= max
    return measured >= min if max is None else (measured >= min) & (measured <= max)


@measures(length)
def length_measured(column: str = "response", unit: Unit = "chars", tokenizer: str | None = None) -> pl.Expr:
    """Measure the length of a text in characters, words or tokens."""
    if unit not in get_args(Unit):
        raise ValueError(f'unit is "chars", "words" or "tokens", not {unit!r}')
    if unit == "tokens" and tokenizer is None:
        raise ValueError("tokens are those of a tokenizer: name in `tokenizer` a tokenizer.json, or its folder")
    if unit != "tokens" and tokenizer is not None:
        raise ValueError(f"a tokenizer counts tokens, not {unit}: leave it out, or ask for tokens")
    if tokenizer is not None:
        return _tokens(column, *_tokenizer_file(tokenizer))
    return pl.col(column).str.len_chars() if unit == "chars" else count(pl.col(column))


def _tokenizer_file(name: str) -> tuple[str, str]:
    """Find the file of a tokenizer, and hash what it holds."""
    files = [file for place in places(name) for file in (place, place / "tokenizer.json") if file.is_file()]
    if not files:
        raise ValueError(f"there is no tokenizer {name}{tried(name)}")
    return str(files[0].absolute()), hash_once(files[0])


@cache  # polars computes a Python function once for verdict and measure if both hold the very same expression
def _tokens(column: str, file: str, content: str) -> pl.Expr:
    _load(file, content)  # a file that is no tokenizer is noticed here, before the first text
    counts = partial(_count_tokens, file=file, content=content)
    tokens: pl.Expr = pl.col(column).map_batches(counts, return_dtype=pl.UInt32, is_elementwise=True)
    return tokens


def _count_tokens(texts: pl.Series, file: str, content: str) -> pl.Series:
    rows = texts.is_not_null().arg_true()
    codes = _load(file, content).encode_batch_fast(texts.gather(rows).to_list(), add_special_tokens=False)
    counts = pl.Series([len(code.ids) for code in codes], dtype=pl.UInt32)
    return pl.Series(texts.name, [None], dtype=pl.UInt32).new_from_index(0, len(texts)).scatter(rows, counts)


@cache
def _load(file: str, content: str) -> Any:
    """Load a tokenizer, once for each content that the file has had."""
    try:
        tokenizer = import_module("tokenizers").Tokenizer.from_file(file)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("tokens need a package to count them: pip install 'curate-lm[tokens]'") from missing
    except Exception as error:  # the package has no class of its own for a file that is no tokenizer
        raise ValueError(f"{file} is no tokenizer: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def at_least(column: str, value: float) -> Property:
    """Hold if a number is `value` or more, as in LIMA's "a score of at least 10" (section 2.1).

    Text is read as a number where it is one (all of a CSV file is text), true and false as 1 and 0. What is no number,
    or NaN, has no verdict, like a null.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"score": [9, 10, float("nan"), None]}, strict=False)
    >>> frame.select(at_least("score", 10)).to_series().to_list()
    [False, True, None, None]
    """
    return number(column) >= value


def at_most(column: str, value: float) -> Property:
    """Hold if a number is `value` or less; NaN and null have no verdict.

    >>> import polars as pl
    >>> pl.DataFrame({"score": [9.5, 10, 11]}).select(at_most("score", 10)).to_series().to_list()
    [True, True, False]
    """
    return number(column) <= value


@measures(at_least)
@measures(at_most)
def number(column: str) -> pl.Expr:
    """Take the number itself; NaN, which polars orders above everything, and what is no number as null."""
    return pl.col(column).cast(pl.Float64, strict=False).fill_nan(None)
