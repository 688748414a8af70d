"""Pushshift dumps of Reddit: submissions as prompts, each with its highest-scored comment as the response."""

from __future__ import annotations

import html
import json
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
from curate.sources.columns import shown, unicode
from curate.sources.jsonl import check_size, reason
from curate.sources.spill import Spill

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
_GONE = {"[removed]", "[deleted]", "[removed by reddit]", ""}
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
    wanted = {name.lower() for name in ([subreddit] if isinstance(subreddit, str) else subreddit or [])}
    single = path if path.is_file() else None
    folder = path.parent if single else path
    if not folder.is_dir():
        raise SourceMissing(f"there is no folder or file {path}")
    asked, answered = _listed(folder)
    if single:
        asked = {name: file for name, file in asked.items() if file == single}
    if not asked:
        raise SourceMissing(f"no submissions (RS_*.zst or *_submissions.zst) at {path}")
    return [_part(name, asked[name], answered, wanted, kind) for name in sorted(asked)]


def _listed(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Name the files of submissions and of comments in a folder by month or community."""
    asked: dict[str, Path] = {}
    answered: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        match = _MONTH.match(file.name) or _COMMUNITY.match(file.name)
        if match and file.is_file() and (file.suffix in SUFFIXES or file.name == match[0]):
            (asked if match["kind"] in {"RS", "submissions"} else answered)[match["name"]] = file
    return asked, answered


def _part(name: str, asked: Path, answered: dict[str, Path], wanted: set[str], kind: Kind) -> Part:
    if kind == "prompts":
        return Part(name, (asked,), partial(_read, asked, (), frozenset(wanted)))
    if name not in answered:
        raise SourceError(f"{asked} has no comments beside it ({name}): add them, or set kind: prompts")
    comments = tuple(answered[month] for month in (name, _after(name)) if month in answered)
    return Part(name, (asked, *comments), partial(_read, asked, comments, frozenset(wanted)))


def _after(month: str) -> str:
    """Name the month that follows; of anything else nothing follows."""
    match = re.fullmatch(r"(.*)(\d{4})-(\d{2})", month)
    if not match:
        return ""
    year, number = int(match[2]), int(match[3])
    return f"{match[1]}{year + number // 12}-{number % 12 + 1:02}"


def _read(asked: Path, comments: tuple[Path, ...], wanted: frozenset[str], batch_rows: int) -> Iterator[Batch]:
    if not comments:
        for posts, bad in _posts(asked, wanted, _submission, batch_rows):
            yield Batch(_rows(posts.with_columns(score="prompt_score", response=pl.lit(None, pl.String))), bad)
        return
    with Spill(width=1) as spill:
        for file in (asked, *comments):
            of = _submission if file == asked else _comment
            for posts, bad in _posts(file, wanted, of, max(batch_rows, CHUNK)):
                spill.add(_best(posts))
                if bad:
                    yield Batch(pl.DataFrame(schema=SCHEMA), bad)
        for group in spill.groups():
            yield from (Batch(rows) for rows in _joined(group).iter_slices(batch_rows))


def _posts(
    file: Path, wanted: frozenset[str], of: Callable[[Record], Record | None], rows: int
) -> Iterator[tuple[pl.DataFrame, list[Bad]]]:
    """Yield the wanted posts of a file, some at a time, and the lines that cannot be read."""
    names = [name.encode() for name in wanted]
    posts: list[Record] = []
    bad: list[Bad] = []
    for line in files.lines(file):
        if isinstance(line, Bad):
            bad.append(line)
        # Parsing is what costs: lines that do not even hold a wanted name are passed over unparsed.
        elif not names or any(name in line.raw.lower() for name in names):
            try:
                if post := _post(line, wanted, of):
                    posts.append(post)
            except (ValueError, RecursionError) as error:
                bad.append(files.bad(file, f"line {line.number}", reason(error), line.raw, line.size))
        if len(posts) + len(bad) >= rows:
            yield pl.DataFrame(posts, schema=POSTS), bad
            posts, bad = [], []
    yield pl.DataFrame(posts, schema=POSTS), bad


def _post(line: files.Line, wanted: frozenset[str], of: Callable[[Record], Record | None]) -> Record | None:
    """Parse a line; None when it is not one that counts.

    Raises:
        ValueError: says what is wrong with it.
    """
    if line.size > len(line.raw):
        raise ValueError(f"the line is longer than {files.MAX_RECORD // 2**20} MiB")
    check_size(line.raw)
    record = json.loads(line.raw.decode("utf-8"))
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, got {shown(record)}")
    community = record.get("subreddit")
    if wanted and (not isinstance(community, str) or community.lower() not in wanted):
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
        raise ValueError(f"{key}: expected text, got {shown(value)}")
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
    gone = text.lower() in _GONE - {""} or record.get("removed_by_category") is not None
    body = "" if text.lower() in _GONE else html.unescape(text)
    return {
        "thread": name,
        "prompt": f"{title}\n\n{body}" if body else title,
        "prompt_score": _number(record, "score"),
        "tag": tag[1] if tag else None,
        "url": "https://www.reddit.com" + _text(record, "permalink", f"/comments/{name}/"),
        "over_18": record.get("over_18") is True,
        "removed": gone,
    }


def _comment(record: Record) -> Record | None:
    """Read a comment that may answer: right below the submission, still there, by no moderator."""
    name, thread = _text(record, "id"), _text(record, "link_id")
    body = _text(record, "body").strip()
    if _text(record, "parent_id", thread) != thread or body.lower() in _GONE:
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
    asked = best.filter(pl.col("prompt").is_not_null()).sort("thread", "prompt", "prompt_score", "url")
    asked = asked.unique("thread", keep="first", maintain_order=True)
    answers = best.filter(pl.col("response").is_not_null()).select("thread", "response", "score")
    threads = asked.drop("response", "score").join(answers, on="thread", how="left").sort("thread")
    kept = pl.when(~pl.col("removed"))
    return _rows(threads.with_columns(kept.then("response").alias("response"), kept.then("score").alias("score")))


def _rows(posts: pl.DataFrame) -> pl.DataFrame:
    return posts.select(*SCHEMA)
