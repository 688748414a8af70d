"""Posts out of the rows of a Stack Exchange `Posts` table: numbers, tags and licences checked and typed."""

from __future__ import annotations

from datetime import date

import polars as pl

from curate.rows import Bad
from curate.sources._rowxml import Rows

QUESTION, ANSWER = (
    1,
    2,
)  # PostTypeId; the others (tag wikis, nominations, …) are pages of the site, not posts of a thread

# The attributes used; the others are parsed by expat but never copied.
_TEXTS = ("Title", "Body", "Tags", "CreationDate", "ContentLicense")
_NUMBERS = ("PostTypeId", "Id", "ParentId", "AcceptedAnswerId", "Score")

# What a site's help centre says under "What is the license for the content I post?": content of a day before
# the first date is under CC BY-SA 2.5, before the second (days in UTC) under 3.0, and from then on under 4.0.
_FIRST_30, _FIRST_40 = date(2011, 4, 8), date(2018, 5, 2)


def posts_of(rows: Rows, file: str) -> tuple[pl.DataFrame, list[Bad]]:
    """Take the questions and answers among `rows`, and say of the faulty ones why they are not there.

    Columns: id, question (the question's id, an answer's ParentId), is_answer, score, accepted_id, title,
    body, tags, license, byte and size (the place and length of its XML).
    """
    table = _typed(_table(rows))
    faulty = table.filter(pl.col("error").is_not_null())
    return table.filter(pl.col("error").is_null()).drop("error"), _unreadable(faulty, rows, file)


def _table(rows: Rows) -> pl.DataFrame:
    columns = {
        name: pl.Series([row.get(name) for row in rows.attributes], dtype=pl.String) for name in (*_NUMBERS, *_TEXTS)
    }
    places = {"byte": rows.starts, "end": rows.ends()}
    return pl.DataFrame({**columns, **{name: pl.Series(at, dtype=pl.Int64) for name, at in places.items()}})


def _typed(table: pl.DataFrame) -> pl.DataFrame:
    numbers = table.with_columns(pl.col(name).cast(pl.Int64, strict=False).alias(f"{name}#") for name in _NUMBERS)
    kind = pl.col("PostTypeId#")
    is_answer = kind == ANSWER
    return numbers.filter(kind.is_null() | kind.is_in([QUESTION, ANSWER])).select(
        pl.col("Id#").alias("id"),
        pl.when(is_answer).then("ParentId#").otherwise("Id#").alias("question"),
        is_answer.alias("is_answer"),
        pl.col("Score#").alias("score"),
        pl.col("AcceptedAnswerId#").alias("accepted_id"),
        pl.col("Title").alias("title"),
        pl.col("Body").alias("body"),
        # Both spellings, <a><b> and |a|b|: no tag holds one of these signs.
        pl.col("Tags").str.extract_all(r"[^<>|]+").alias("tags"),
        _license().alias("license"),
        pl.col("byte"),
        (pl.col("end") - pl.col("byte")).alias("size"),
        _error(is_answer).alias("error"),
    )


def _license() -> pl.Expr:
    posted = pl.col("CreationDate").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    by_date = (
        pl.when(posted < _FIRST_30)
        .then(pl.lit("CC BY-SA 2.5"))
        .when(posted < _FIRST_40)
        .then(pl.lit("CC BY-SA 3.0"))
        .when(posted.is_not_null())
        .then(pl.lit("CC BY-SA 4.0"))
    )
    return pl.coalesce("ContentLicense", by_date)


def _error(is_answer: pl.Expr) -> pl.Expr:
    """Say what the first fault of a post is; null for a sound one."""
    return pl.coalesce(
        *(_missing(name) for name in ("PostTypeId", "Id", "Score", "Body")),
        pl.when(is_answer).then(_missing("ParentId")),
        *(_no_number(name) for name in ("PostTypeId", "Id", "Score", "AcceptedAnswerId")),
        pl.when(is_answer).then(_no_number("ParentId")),
    )


def _missing(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_null()).then(pl.lit(f"{name} is missing"))


def _no_number(name: str) -> pl.Expr:
    wrong = pl.col(name).is_not_null() & pl.col(f"{name}#").is_null()
    return pl.when(wrong).then(pl.format("{} is not a whole number: '{}'", pl.lit(name), pl.col(name).str.slice(0, 40)))


def _unreadable(faulty: pl.DataFrame, rows: Rows, file: str) -> list[Bad]:
    return [
        bad(file, place, error, rows.raw(place, place + size), size)
        for place, size, error in faulty.select("byte", "size", "error").iter_rows()
    ]


def broken(rows: Rows, file: str) -> list[Bad]:
    """Set apart what is no XML among `rows`."""
    return [bad(file, start, error, raw, size) for start, error, raw, size in rows.broken]


def bad(file: str, byte: int, error: str, raw: bytes | str, size: int) -> Bad:
    """Set one record apart by the byte of the XML where it begins."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    return Bad(file, f"byte {byte}", error, text[:500], size)
