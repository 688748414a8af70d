"""How many clean long answers pass the text filters of recipes/lima1k.yaml: `python -m benchmarks.clean [--unread]`.

Clean is a text of 1,200 to 4,096 characters that no filter drops rightly: best answers with 5 votes or more of the
Stack Exchange dumps, and sections of the installed packages' documentation. Every text that a filter drops was read;
clean.tsv lists those that were dropped wrongly, and the others, by the hash of the text. `--unread` shows the hits on
texts that nobody has read yet, as with other dumps or newer packages: they count as neither.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from curate.filters import first_person, html_to_markdown, length, mentions, profane, strip_links
from curate.filters.voice import first_person_where, mentions_where
from curate.pairs.shortcuts.scoring import wilson
from curate.rows import data_folder
from curate.sources import docstrings, stackexchange

LABELS = Path(__file__).parent / "clean.tsv"
VOTES = 5
WORDS, PHRASES = ["I", "my"], ["as mentioned", "other_answers", "site"]
DROPPED = {
    "first_person": first_person("text", words=WORDS),
    "mentions": mentions("text", phrases=PHRASES),
    "profane": profane("text"),
}


def texts() -> Iterator[tuple[str, pl.DataFrame]]:
    """Read the texts of each kind, as the recipe brings them into form."""
    answers = pl.concat(
        part.rows for each in stackexchange(data_folder() / "stackexchange") for part in each.read(10_000)
    )
    answers = answers.filter(pl.col("score") >= VOTES).select(text=html_to_markdown("response"))
    sections = pl.concat(part.rows for each in docstrings() for part in each.read(10_000))
    sections = sections.filter(pl.col("template") <= 0).select(text="response")
    for kind, frame in (("answers", answers), ("documentation", sections)):
        frame = frame.with_columns(strip_links("text")).unique(maintain_order=True)
        yield kind, frame.filter(length("text", min=1200, max=4096))


def judge(frame: pl.DataFrame, labels: dict[str, str]) -> pl.DataFrame:
    """Add to texts which filters drop them, where, and what the label says."""
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in frame["text"]]
    places = pl.coalesce(first_person_where("text", words=WORDS), mentions_where("text", phrases=PHRASES))
    frame = frame.with_columns(pl.Series("hash", hashes), place=places, **DROPPED)
    dropped, label = (
        pl.any_horizontal(list(DROPPED)),
        pl.col("hash").replace_strict(labels, default="unread", return_dtype=pl.String),
    )
    return frame.with_columns(dropped=dropped, label=pl.when(dropped).then(label).otherwise(pl.lit("passes")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unread", action="store_true", help="show the hits that have no label yet")
    unread, total = parser.parse_args().unread, pl.DataFrame()
    labels = dict(line.split("\t", 1) for line in LABELS.read_text(encoding="utf-8").splitlines())
    for kind, frame in texts():
        judged = judge(frame, labels)
        report(kind, judged)
        total = pl.concat([total, judged.select("label")])
        for row in judged.filter(pl.col("label") == "unread").iter_rows(named=True) if unread else ():
            print(row["hash"], *(name for name in DROPPED if row[name]), row["place"], sep="\t")
    report("together", total)


def report(kind: str, judged: pl.DataFrame) -> None:
    """Print the share of clean texts that pass, with an interval of 95 % (Wilson 1927)."""
    counts = dict(judged["label"].value_counts().rows())
    passes, wrong = counts.get("passes", 0), counts.get("wrong", 0)
    low, high = wilson(passes, passes + wrong)
    print(
        f"{kind}: {len(judged):,} texts, {passes:,} pass, {counts.get('right', 0):,} dropped rightly, {wrong} wrongly, "
        f"{counts.get('unread', 0)} unread; of the clean ones {passes / max(1, passes + wrong):.1%} pass "
        f"({low:.1%} to {high:.1%})"
    )


if __name__ == "__main__":
    main()
