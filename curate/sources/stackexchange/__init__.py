"""Stack Exchange data dumps: one row a question, its best answer as the response."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from curate.rows import Bad, Batch, Part
from curate.sources.stackexchange.archive import DamagedError, chunks, need_py7zr
from curate.sources.stackexchange.posts import SCHEMA, broken, posts_of, threads
from curate.sources.stackexchange.rowxml import read_rows
from curate.sources.stackexchange.sites import by_name, dumps, in_group
from curate.spill import Spill

TABLE = "Posts.xml"
# Bad records held back until a dump is read to its end, because a damaged archive replaces them all by one.
PATIENCE = 10_000


def stackexchange(path: Path, *, sites: list[str] | Literal["stem", "other"] | None = None) -> list[Part]:
    """Read the questions and answers of Stack Exchange dumps, one part a site.

    A row is a question: `title`, `body` and `response` are HTML as it stands in the dump, `tags` a list;
    `prompt` is null, for an edit to fill from title or body. `response` is the answer with the highest score
    (of equals the accepted one, then the one with the lower id), `score` its votes, `accepted` whether it is
    the accepted one, and `answers` the others, best first. A question without an answer is a row too; its
    response, score and accepted are null. `closed` is the day and time at which a question was closed, null for one
    that is open; the notice of its duplicate in front of the body and "[closed]" or "[duplicate]" behind the title are
    taken off. `url` is the answer's address (the question's, if there is no
    answer), for attribution: it leads to the author. `license` is what the dump says of the answer; older
    dumps say nothing, and then the site's rule by date holds: CC BY-SA 2.5 before 2011-04-08, 3.0 before
    2018-05-02, 4.0 from then on (help centre, "What is the license for the content I post?").

    Tag wikis and all other post types than 1 (question) and 2 (answer) are no records. Several dumps of one
    site are read one after the other into its part; posts that they share come out once a dump, and finding
    such duplicates is a later step's business. Rows come by dump and then by question id. An answer whose
    question is not in its dump is bad. A row of broken XML costs itself only, a file cut short its last
    record; a damaged archive or a file with a DTD is one bad record, and nothing of it is used.

    Args:
        path: a .7z dump, or a folder with one site's Posts.xml, or a folder of many of either, at any depth.
            The dump or its folder is named by the site: `ai.stackexchange.com` (`ai` will do); the big sites'
            separate `…-Posts.7z` are read, and their other tables left.
        sites: "stem" or "other" for LIMA's groups of communities (section 2.1; the recipes' file
            stackexchange_sites.yaml says which), or names, short or full; all by default.

    Raises:
        SourceMissing: there is no dump at `path`, or none of the group.
        SourceError: a site asked for by name is not there, or py7zr is not installed.

    >>> import tempfile
    >>> temporary = tempfile.TemporaryDirectory()
    >>> folder = Path(temporary.name) / "tea.stackexchange.com"
    >>> folder.mkdir()
    >>> _ = (folder / "Posts.xml").write_text('''<posts>
    ...   <row Id="1" PostTypeId="1" Score="3" Title="How hot?" Body="For green tea." Tags="|heat|" />
    ...   <row Id="2" PostTypeId="2" ParentId="1" Score="12" Body="Some 75 degrees." />
    ... </posts>''')
    >>> [part] = stackexchange(folder)
    >>> rows = pl.concat(batch.rows for batch in part.read(1000))
    >>> rows.select("domain", "title", "response", "score", "url").row(0)[1:]
    ('How hot?', 'Some 75 degrees.', 12.0, 'https://tea.stackexchange.com/a/2')
    >>> temporary.cleanup()
    """
    files = dumps(path)
    available = list(files)
    if sites is None:
        selected = available
    else:
        selected = in_group(path, available, sites) if isinstance(sites, str) else by_name(path, available, sites)
    if any(file.suffix.lower() == ".7z" for site in selected for file in files[site]):
        need_py7zr()
    return [Part(site, files[site], partial(_read, path, site, files[site])) for site in selected]


def _read(path: Path, site: str, files: tuple[Path, ...], batch_rows: int) -> Iterator[Batch]:
    for file in files:
        label = file.name if file == path else file.relative_to(path).as_posix()
        yield from _read_dump(file, label, site, batch_rows)


def _read_dump(file: Path, label: str, site: str, batch_rows: int) -> Iterator[Batch]:
    """Read one dump: first all its posts, then its threads. A damaged file is one bad record and no rows."""
    bad: list[Bad] = []
    # Closed here and now, not when Python collects it: it may hold a thread that decompresses.
    with Spill() as spill, closing(chunks(file, TABLE)) as stream:
        try:
            for rows in read_rows(stream):
                bad += broken(rows, label)
                if rows.attributes:
                    posts, unreadable = posts_of(rows, label)
                    spill.add(posts)
                    bad += unreadable
                if len(bad) > PATIENCE:
                    yield _without_rows(bad)
                    bad = []
        except DamagedError as error:
            yield _without_rows([Bad(label, "the whole file", str(error), "", file.stat().st_size)])
            return
        yield _without_rows(bad)
        for group in spill.groups():
            rows_, orphans = threads(group, site, label)
            for start in range(0, max(rows_.height, 1), batch_rows):
                yield Batch(rows_.slice(start, batch_rows), orphans if start == 0 else [])


def _without_rows(bad: list[Bad]) -> Batch:
    return Batch(pl.DataFrame(schema=SCHEMA), bad)
