"""Pushshift dumps of Reddit: submissions as prompts, each with its highest-scored comment as the response."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import polars as pl

from curate.rows import Bad, Batch, Part, SourceError, SourceMissing
from curate.sources import files
from curate.sources.columns import describe, unicode
from curate.sources.jsonl import check_size, parse, reason
from curate.spill import Spill

SCHEMA = {
    "domain": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "score": pl.Float64(),
    "url": pl.String(),
    "tag": pl.String(),  # "WP" of "[WP] A dragon …"
    "prompt_score": pl.Float64(),
    "over_18": pl.Boolean(),
    "removed": pl.Boolean(),  # by its author or a moderator
}
# A submission (its response null) or a comment (its prompt null), as they wait to be joined.
POSTS = SCHEMA | {
    "thread": pl.String(),
    "question": pl.Int64(),
    "size": pl.Int64(),
    "order": pl.String(),  # when it was written, then its id
}
Kind = Literal["answers", "prompts"]
Record = dict[str, Any]
SUFFIXES = (".zst", ".bz2", ".xz", ".gz", ".jsonl", ".ndjson", ".json")
_MONTH = re.compile(r"(?P<kind>RS|RC)_(?P<name>v?2?_?\d{4}-\d{2})(?=\.|$)")
_COMMUNITY = re.compile(r"(?P<name>.+)_(?P<kind>submissions|comments)(?=\.|$)")
_REMOVED = {"[removed]", "[deleted]", "[removed by reddit]", ""}
_TAG = r"\[\s{0,9}([^\[\]]{1,24}?)\s{0,9}\]\s*"
# Threads are joined in this many groups once they no longer fit into memory; each holds whole threads.
GROUPS = 256
CHUNK = 10_000  # posts


def reddit(path: Path, *, subreddit: str | list[str] | None = None, kind: Kind = "answers") -> list[Part]:
    """Read Pushshift dumps: RS_2019-01.zst with RC_2019-01.zst, or NAME_submissions with NAME_comments.

    One row a submission. The prompt is its title, without a leading tag such as "[WP]" (kept in `tag`), and
    its text if it has any. The response is the comment right below it with the highest score (then the
    oldest; none by moderators, none removed), `score` that comment's. A submission that was removed, or has
    no such comment, is a row with a null response, so that a filter drops it with its reason. Comments not
    chosen are no records, nor are lines of other communities. Comments of the following month are read too,
    where its file is there. The join goes through temporary files: memory stays bounded, the disk needs
    room for the wanted posts.

    Args:
        path: a folder, or one file of submissions with its comments beside it.
        subreddit: take only these communities, in any case; null takes all.
        kind: "prompts" reads submissions alone: no comments are needed, and `score` is the submission's.

    Raises:
        SourceMissing: when there are no submissions.
        SourceError: when the comments to them are missing.
    """
    communities = {name.lower() for name in ([subreddit] if isinstance(subreddit, str) else subreddit or [])}
    single = path if path.is_file() else None
    folder = path.parent if single else path
    if not folder.is_dir():
        raise SourceMissing(f"there is no folder or file {path}")
    submissions, comment_files = _listed(folder)
    if single:
        submissions = {name: file for name, file in submissions.items() if file == single}
    if not submissions:
        raise SourceMissing(f"no submissions (RS_*.zst or *_submissions.zst) at {path}")
    return [_part(name, submissions[name], comment_files, communities, kind) for name in sorted(submissions)]


def _listed(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Name the files of submissions and of comments in a folder by month or community."""
    submissions: dict[str, Path] = {}
    comment_files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        match = _MONTH.match(file.name) or _COMMUNITY.match(file.name)
        if match and file.is_file() and (file.suffix in SUFFIXES or file.name == match[0]):
            (submissions if match["kind"] in {"RS", "submissions"} else comment_files)[match["name"]] = file
    return submissions, comment_files


def _part(name: str, submissions: Path, comment_files: dict[str, Path], communities: set[str], kind: Kind) -> Part:
    if kind == "prompts":
        return Part(name, (submissions,), partial(_read, submissions, (), frozenset(communities)))
    if name not in comment_files:
        raise SourceError(f"{submissions} has no comments beside it ({name}): add them, or set kind: prompts")
    comments = tuple(comment_files[month] for month in (name, _after(name)) if month in comment_files)
    return Part(name, (submissions, *comments), partial(_read, submissions, comments, frozenset(communities)))


def _after(month: str) -> str:
    """Name the month that follows; of anything else nothing follows."""
    match = re.fullmatch(r"(.*)(\d{4})-(\d{2})", month)
    if not match:
        return ""
    year, number = int(match[2]), int(match[3])
    return f"{match[1]}{year + number // 12}-{number % 12 + 1:02}"


def _read(
    submissions: Path, comments: tuple[Path, ...], communities: frozenset[str], batch_rows: int
) -> Iterator[Batch]:
    if not comments:
        for posts, bad in _posts(submissions, communities, _submission, batch_rows):
            yield Batch(_rows(posts.with_columns(score="prompt_score", response=pl.lit(None, pl.String))), bad)
        return
    with Spill(width=1) as spill:
        for file in (submissions, *comments):
            of = _submission if file == submissions else _comment
            for posts, bad in _posts(file, communities, of, max(batch_rows, CHUNK)):
                spill.add(_best(posts))
                if bad:
                    yield Batch(pl.DataFrame(schema=SCHEMA), bad)
        for group in spill.groups():
            yield from (Batch(rows) for rows in _joined(group).iter_slices(batch_rows))


def _posts(
    file: Path, communities: frozenset[str], of: Callable[[Record], Record | None], rows: int
) -> Iterator[tuple[pl.DataFrame, list[Bad]]]:
    """Yield the wanted posts of a file, some at a time, and the lines that cannot be read."""
    names = [name.encode() for name in communities]
    posts: list[Record] = []
    bad: list[Bad] = []
    for line in files.lines(file):
        if isinstance(line, Bad):
            bad.append(line)
        # Parsing is what costs: lines that do not even hold a wanted name are passed over unparsed.
        elif not names or any(name in line.raw.lower() for name in names):
            try:
                if post := _post(line, communities, of):
                    posts.append(post)
            except (ValueError, RecursionError) as error:
                bad.append(files.bad(file, f"line {line.number}", reason(error), line.raw, line.size))
        if len(posts) + len(bad) >= rows:
            yield pl.DataFrame(posts, schema=POSTS), bad
            posts, bad = [], []
    yield pl.DataFrame(posts, schema=POSTS), bad


def _post(line: files.Line, communities: frozenset[str], of: Callable[[Record], Record | None]) -> Record | None:
    """Parse a line; None when it is not one that counts.

    Raises:
        ValueError: says what is wrong with it.
    """
    if line.size > len(line.raw):
        raise ValueError(f"the line is longer than {files.MAX_RECORD // 2**20} MiB")
    check_size(line.raw)
    record = parse(line.raw)
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, got {describe(record)}")
    community = record.get("subreddit")
    if communities and (not isinstance(community, str) or community.lower() not in communities):
        return None
    community = _text(record, "subreddit", "") or None
    if b"\\ud" in line.raw.lower() and not unicode(record):
        raise ValueError("it holds text that is not Unicode")
    post = of(record)
    if post is not None:
        post |= {"domain": community, "size": line.size, "question": crc32(post["thread"].encode()) % GROUPS}
    return post


def _text(record: Record, key: str, default: str | None = None) -> str:
    value = record.get(key)
    value = default if value is None else value
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected text, got {describe(value)}")
    return value


def _number(record: Record, key: str) -> float | None:
    """Read a number, which old dumps write as text now and then."""
    try:
        number = float(record[key])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _submission(record: Record) -> Record:
    text = _text(record, "selftext", "").strip()
    title = html.unescape(_text(record, "title")).strip()
    tag = re.match(rf"{_TAG}(?=.)", title, re.DOTALL)
    title = title[tag.end() :] if tag else title
    name = _text(record, "id")
    removed = text.lower() in _REMOVED - {""} or record.get("removed_by_category") is not None
    body = "" if text.lower() in _REMOVED else html.unescape(text)
    return {
        "thread": name,
        "prompt": f"{title}\n\n{body}" if body else title,
        "prompt_score": _number(record, "score"),
        "tag": tag[1] if tag else None,
        "url": "https://www.reddit.com" + _text(record, "permalink", f"/comments/{name}/"),
        "over_18": record.get("over_18") is True,
        "removed": removed,
    }


def _comment(record: Record) -> Record | None:
    """Read a comment that may answer: right below the submission, still there, by no moderator."""
    name, thread = _text(record, "id"), _text(record, "link_id")
    body = _text(record, "body").strip()
    if _text(record, "parent_id", thread) != thread or body.lower() in _REMOVED:
        return None
    if record.get("stickied") or record.get("distinguished") or record.get("author") == "AutoModerator":
        return None
    created = _number(record, "created_utc")
    return {
        "thread": thread.removeprefix("t3_"),
        "response": html.unescape(body),
        "score": _number(record, "score"),
        "order": f"{int(created or 0):012} {name}",
    }


def _best(posts: pl.DataFrame) -> pl.DataFrame:
    """Keep submissions, and of the comments below each the best one, whatever their order."""
    answers = posts.filter(pl.col("response").is_not_null())
    by = ["thread", "score", "order", "response"]
    first = answers.sort(by, descending=[False, True, False, False], nulls_last=True)
    return pl.concat(
        [posts.filter(pl.col("response").is_null()), first.unique("thread", keep="first", maintain_order=True)]
    )


def _joined(group: pl.DataFrame) -> pl.DataFrame:
    best = _best(group)
    submissions = best.filter(pl.col("prompt").is_not_null()).sort("thread", "prompt", "prompt_score", "url")
    submissions = submissions.unique("thread", keep="first", maintain_order=True)
    answers = best.filter(pl.col("response").is_not_null()).select("thread", "response", "score")
    threads = submissions.drop("response", "score").join(answers, on="thread", how="left").sort("thread")
    present = pl.when(~pl.col("removed"))
    return _rows(threads.with_columns(present.then("response").alias("response"), present.then("score").alias("score")))


def _rows(posts: pl.DataFrame) -> pl.DataFrame:
    return posts.select(*SCHEMA)
