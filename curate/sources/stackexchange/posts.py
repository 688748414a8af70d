"""Posts out of the rows of a Stack Exchange `Posts` table: numbers, tags and licences checked and typed."""

from __future__ import annotations

from datetime import date

import polars as pl

from curate.rows import STANDARD, Bad
from curate.sources.stackexchange.rowxml import Rows

QUESTION, ANSWER = (
    1,
    2,
)  # PostTypeId; the others (tag wikis, nominations, …) are pages of the site, not posts of a thread

# The attributes used; the others are parsed by expat but never copied.
_TEXTS = ("Title", "Body", "Tags", "CreationDate", "ClosedDate", "ContentLicense")
_NUMBERS = ("PostTypeId", "Id", "ParentId", "AcceptedAnswerId", "Score")

# What a site writes into a question that it closes: before 2013 a quote in front, with links to the other question; and
# behind the title what it is, as older dumps and copies of pages have it.
_NOTICE = (
    r"(?is)^\s*(?:<blockquote>\s*<p>\s*<strong>\s*Possible Duplicates?:?\s*</strong>.*?</blockquote>"
    r"|(?:>|&gt;)\s*\*\*Possible Duplicates?:?\*\*[^\n]*(?:\n[ ]*(?:>|&gt;)[^\n]*)*)\s*"
)
_STATE = r"(?i)\s*\[(?:closed|duplicate|on hold|migrated|locked)\]\s*$"

# What a site's help centre says under "What is the license for the content I post?": content of a day before
# the first date is under CC BY-SA 2.5, before the second (days in UTC) under 3.0, and from then on under 4.0.
_FIRST_30, _FIRST_40 = date(2011, 4, 8), date(2018, 5, 2)


def posts_of(rows: Rows, file: str) -> tuple[pl.DataFrame, list[Bad]]:
    """Take the questions and answers among `rows`, and say of the faulty ones why they are not there.

    Columns: id, question (the question's id, an answer's ParentId), is_answer, score, accepted_id, title,
    body, closed, tags, license, byte and size (the place and length of its XML).
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
        pl.col("Title").str.replace(_STATE, "").alias("title"),
        pl.when(is_answer).then("Body").otherwise(pl.col("Body").str.replace(_NOTICE, "")).alias("body"),
        pl.col("ClosedDate").alias("closed"),
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


OTHERS = pl.List(pl.Struct({"response": pl.String, "score": pl.Float64, "license": pl.String}))

SCHEMA: dict[str, pl.DataType] = {
    "domain": STANDARD["domain"],
    "prompt": STANDARD["prompt"],
    "response": STANDARD["response"],
    "score": STANDARD["score"],
    "license": STANDARD["license"],
    "url": STANDARD["url"],
    "title": pl.String(),
    "body": pl.String(),
    "tags": pl.List(pl.String),
    "question_score": pl.Int64(),
    "closed": pl.String(),
    "accepted": pl.Boolean(),
    "answers": OTHERS,
    "question_id": pl.Int64(),
    "answer_id": pl.Int64(),
}


def threads(posts: pl.DataFrame, site: str, file: str) -> tuple[pl.DataFrame, list[Bad]]:
    """Make a row of each question among `posts`, sorted by its id; set apart answers to no question there."""
    posts, twice = _unique(posts)
    questions = posts.filter(~pl.col("is_answer")).sort("id")
    answers = posts.filter("is_answer").drop("accepted_id")
    orphans = answers.join(questions, on="question", how="anti").sort("question", "id")
    ranked = _ranked(answers, questions)
    rows = questions.join(_best(ranked), on="question", how="left", maintain_order="left")
    rows = rows.join(_others(ranked), on="question", how="left", maintain_order="left")
    return _rows(rows, site), [*_twice(twice, file), *_orphans(orphans, file)]


def _unique(posts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep one post an id, whatever order they came in: a dump that repeats an id is broken there."""
    if not posts["id"].is_duplicated().any():
        return posts, posts.clear()
    tags = pl.col("tags").list.join("|")
    posts = posts.sort("id", "is_answer", "question", "score", "body", "title", "license", "accepted_id", tags, "byte")
    first = pl.col("id").is_first_distinct()
    return posts.filter(first), posts.filter(~first)


def _ranked(answers: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """Sort each question's answers best first: by score, then the accepted one, then the older id."""
    return (
        answers.join(questions.select("question", "accepted_id"), on="question")
        .with_columns((pl.col("id") == pl.col("accepted_id")).fill_null(False).alias("accepted"))
        .sort("question", "score", "accepted", "id", descending=[False, True, True, False])
        .select(
            "question", "accepted", "license", answer_id="id", response="body", score=pl.col("score").cast(pl.Float64)
        )
    )


def _best(ranked: pl.DataFrame) -> pl.DataFrame:
    best = ranked.filter(pl.col("question").is_first_distinct())
    return best.rename({"score": "answer_score", "license": "answer_license"})


def _others(ranked: pl.DataFrame) -> pl.DataFrame:
    others = ranked.filter(~pl.col("question").is_first_distinct())
    others = others.sort("question", "score", "answer_id", descending=[False, True, False])
    listed = pl.struct("response", "score", "license").alias("answers")
    return others.group_by("question", maintain_order=True).agg(listed)


def _rows(joined: pl.DataFrame, site: str) -> pl.DataFrame:
    answer = pl.format(f"https://{site}/a/{{}}", "answer_id")
    question = pl.format(f"https://{site}/q/{{}}", "id")
    columns = {
        "domain": pl.lit(site),
        "prompt": pl.lit(None, pl.String),
        "score": pl.col("answer_score"),
        "license": pl.when(pl.col("answer_id").is_null()).then("license").otherwise("answer_license"),
        "url": pl.coalesce(answer, question),
        "question_score": pl.col("score"),
        "answers": pl.col("answers").fill_null(pl.lit([], OTHERS)),
        "question_id": pl.col("id"),
    }
    return joined.select(columns.get(name, pl.col(name)).alias(name) for name in SCHEMA)


def _twice(posts: pl.DataFrame, file: str) -> list[Bad]:
    error = pl.format("post {} is in this dump more than once; another one is used", "id")
    return _bad(posts, error, file)


def _orphans(posts: pl.DataFrame, file: str) -> list[Bad]:
    error = pl.format("answer {} has no question: {} is not among the dump's readable questions", "id", "question")
    return _bad(posts, error, file)


def _bad(posts: pl.DataFrame, error: pl.Expr, file: str) -> list[Bad]:
    """Set posts apart; the start of the body stands for the XML, which is no longer at hand."""
    columns = posts.select("byte", error.alias("error"), pl.col("body").str.slice(0, 500), "size")
    return [bad(file, *values) for values in columns.iter_rows()]
