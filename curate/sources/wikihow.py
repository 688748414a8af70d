"""The published wikiHow dump, wikihowAll.csv (Koupaee and Wang 2018, arXiv 1810.09305): a row an article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import polars as pl

from curate.rows import Bad, Batch, Part, SourceError
from curate.sources import files
from curate.sources.csv import read
from curate.sources.layout import some
from curate.sources.records import Read, chunks

SCHEMA = {
    "domain": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "title": pl.String(),  # as the dump has it
    "part": pl.Int64(),  # the number the dump put behind it
}
_NEEDED = ("headline", "title", "text")
# Words that end in a digit of their own.
_NAMES = {"mp3", "mp4", "ps2", "ps3", "ps4", "ps5", "co2"}


def wikihow(path: Path) -> list[Part]:
    """Read wikihowAll.csv (columns headline, title, text): a question and the article that answers it.

    The prompt is the title with a question mark. The dump numbers the methods of one article ("How to Bake
    Bread2"): each answers by itself, so each is a row; its prompt goes without the number, which is in
    `part`, and `exact_duplicates` on the prompt keeps one of them. The response is a numbered list of the
    steps (`headline`), each with its paragraph when there are as many paragraphs as steps, else all steps
    and then the text. The domain is the column `category` where the file has one, else "wikihow". An
    article without title or text is bad.

    Args:
        path: the file (packed or not), a folder of such files, or a glob.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when it has other columns.
    """
    parts = files.parts(path, (".csv",), _read)
    for part in parts:
        _checked(part.files[0])
    return parts


def _checked(file: Path) -> Iterator[Read | Bad]:
    """Open the articles of a file.

    Raises:
        SourceError: when a column is missing.
    """
    stream = read(file, ",")
    seen: list[Read | Bad] = []
    for item in stream:
        seen.append(item)
        if isinstance(item, Read):
            _check_columns(file, item.record)
            break
    return chain(seen, stream)


def _check_columns(file: Path, record: dict[str, object]) -> None:
    missing = [name for name in _NEEDED if name not in record]
    if missing:
        paragraphs = "sectionLabel" in record
        raise SourceError(
            f"{file} has no column {', '.join(missing)}; it has: {some(record)}"
            + ("; this is wikihowSep.csv (a row a paragraph): give wikihowAll.csv" if paragraphs else "")
        )


def _read(file: Path, batch_rows: int) -> Iterator[Batch]:
    for chunk in chunks(_checked(file), batch_rows, files.BATCH_BYTES):
        rows, bad = [], []
        for item in chunk:
            if isinstance(item, Bad):
                bad.append(item)
            elif lacking := [name for name in ("title", "text") if not (item.record[name] or "").strip()]:
                bad.append(files.bad(file, f"line {item.where}", f"{lacking[0]} is empty", item.raw, item.size))
            else:
                rows.append(_row(item.record))
        yield Batch(pl.DataFrame(rows, schema=SCHEMA), bad)


def _row(record: dict[str, str | None]) -> dict[str, str | int | None]:
    title = (record["title"] or "").strip()
    prompt, part = question(title)
    return {
        "domain": record.get("category") or "wikihow",
        "prompt": prompt,
        "response": answer(record["headline"] or "", record["text"] or ""),
        "title": title,
        "part": part,
    }


def question(title: str) -> tuple[str, int | None]:
    """Take the dump's number off a title and make it a question.

    Only a number directly behind a letter or a closing mark is the dump's; "Windows 10" keeps its own.

    >>> question("How to Bake Bread2"), question("How to Install Windows 10")
    (('How to Bake Bread?', 2), ('How to Install Windows 10?', None))
    """
    number = re.search(r"(?<=[^\W\d_]|[)\]\"'!?.])\d{1,2}$", title)
    part = None
    if number and title.split()[-1].lower() not in _NAMES:
        title, part = title[: number.start()], int(number[0])
    asks = title.lower().startswith("how to") and not title.endswith(("?", "!", "."))
    return (f"{title}?" if asks else title), part


def answer(headline: str, text: str) -> str:
    r"""Write an article: its steps as a numbered list, each with its paragraph where they match in number.

    The dump joins steps by ",\n" and paragraphs by empty lines with stray commas or semicolons.

    >>> print(answer("Mix.,\nBake.", "Use a bowl.\n\n, Wait an hour."))
    1. **Mix.** Use a bowl.
    2. **Bake.** Wait an hour.
    """
    steps = [step for line in headline.split("\n") if (step := line.strip(" ,;\r\t"))]
    pieces = re.split(r"\r?\n[ \t]*\r?\n", text.replace("\r\n", "\n"))
    paragraphs = [flat for piece in pieces if (flat := " ".join(piece.strip(" ,;\n\t").split()))]
    if steps and len(steps) == len(paragraphs):
        both = zip(steps, paragraphs, strict=True)
        return "\n".join(f"{n}. **{step}** {paragraph}" for n, (step, paragraph) in enumerate(both, 1))
    numbered = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
    return "\n\n".join(part for part in (numbered, *paragraphs) if part)
