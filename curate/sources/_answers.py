"""Questions joined with their answers: the best one as the response, the others beside it."""

from __future__ import annotations

import polars as pl

from curate.rows import STANDARD, Bad
from curate.sources._posts import bad

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
            "question",
            "accepted",
            "license",
            answer_id="id",
            response="body",
            score=pl.col("score").cast(pl.Float64),
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
