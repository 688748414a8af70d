"""Every reader over mutants of a small file: what came of each, how long it took, and whether anything was lost."""

from __future__ import annotations

import gzip
import io
import json
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from curate.errors import UserError
from curate.recipe.overrides import Overrides
from curate.rows import Part
from curate.run.parts import pass_over
from curate.sources import csv, jsonl, natural_instructions, parquet, reddit, stackexchange, topics, wikihow
from tests.fuzz.mutate import mutations

ROWS = [
    {"prompt": f"What is {i}?", "response": f"It is “{i}”.", "score": i, "tags": ["a"], "id": str(i)} for i in range(4)
]
TALKS = [
    {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}], "source": "s"},
    {"messages": [{"role": "user", "content": "3+3?"}, {"role": "assistant", "content": "6"}], "source": "t"},
]
PAIRS = [
    {
        "prompt": "Why?",
        "chosen": [{"role": "assistant", "content": "a"}],
        "rejected": [{"content": "b", "role": "assistant"}],
    }
]
GRADED = [
    {
        "instruction": "i",
        "completions": [{"response": "r", "overall_score": "7", "annotations": {"h": {"Rating": "3"}}}],
    }
]
ALPACA = [{"instruction": "Add.", "input": "2", "output": "4", "history": [["a?", "b"]]}]
TASK = {
    "Definition": ["Do it."],
    "Input_language": ["English"],
    "Output_language": ["English"],
    "URL": ["https://example.org"],
    "Instance License": ["MIT"],
    "Categories": ["x"],
    "Instances": [{"id": f"t-{i}", "input": f"in {i}", "output": [f"out {i}", "b"]} for i in range(3)],
}
POSTS = b"""<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="1" PostTypeId="1" Score="3" Title="How &lt;hot&gt;?" Body="For tea." Tags="|a|" CreationDate="2012-01-01" />
  <row Id="2" PostTypeId="2" ParentId="1" Score="12" Body="Some 75 degrees." />
</posts>
"""
ASKED = [{"id": "a", "title": "[WP] A dragon", "selftext": "x", "subreddit": "W", "score": 3, "permalink": "/r/W/a"}]
SAID = [
    {"id": "c", "link_id": "t3_a", "parent_id": "t3_a", "body": "Once.", "score": 5, "created_utc": 1, "subreddit": "W"}
]
TABLE = 'prompt,response,score\n"Why,\nthen?",a,3\nHow?,"b ""c""",4\n'
HOWTO = 'headline,title,text\n"Mix.,\nBake.",How to Bake2,"Use a bowl.\n\nWait."\n'


def _lines(records: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _parquet(records: list[dict[str, object]]) -> bytes:
    table = io.BytesIO()
    pl.DataFrame(records).write_parquet(table, compression="uncompressed")
    return table.getvalue()


@dataclass(frozen=True)
class Kind:
    """A reader, the file that is mutated, and the files beside it that stay."""

    name: str
    reader: Callable[..., list[Part]]
    content: bytes
    beside: dict[str, bytes] = field(default_factory=dict)
    folder: bool = False


READERS = {
    "jsonl": Kind("a.jsonl", jsonl, _lines(ROWS)),
    "json array": Kind("a.json", jsonl, json.dumps(ROWS).encode()),
    "messages": Kind("a.jsonl", jsonl, _lines(TALKS)),
    "preference": Kind("a.jsonl", jsonl, _lines(PAIRS)),
    "ultrafeedback": Kind("a.jsonl", jsonl, _lines(GRADED)),
    "alpaca": Kind("a.jsonl", partial(jsonl, shape="alpaca"), _lines(ALPACA)),
    "jsonl.gz": Kind("a.jsonl.gz", jsonl, gzip.compress(_lines(ROWS), mtime=0)),
    "csv": Kind("a.csv", csv, TABLE.encode()),
    "parquet": Kind("a.parquet", parquet, _parquet(ROWS)),
    "natural_instructions": Kind("task1.json", natural_instructions, json.dumps(TASK).encode()),
    "stackexchange": Kind("tea.stackexchange.com/Posts.xml", stackexchange, POSTS, folder=True),
    "reddit submissions": Kind(
        "RS_2019-01.jsonl", reddit, _lines(ASKED), {"RC_2019-01.jsonl": _lines(SAID)}, folder=True
    ),
    "reddit comments": Kind("RC_2019-01.jsonl", reddit, _lines(SAID), {"RS_2019-01.jsonl": _lines(ASKED)}, folder=True),
    "wikihow": Kind("a.csv", wikihow, HOWTO.encode()),
    "topics": Kind(
        "t.yaml", lambda path: topics(path=path), b"food:\n  tea:\n    - How hot?\n  soup: ['Is it cold?']\n"
    ),
}


@dataclass
class Tally:
    """What came of many mutants of one file."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # CPU seconds of one
    slowest_input: bytes = b""
    faults: list[tuple[str, bytes]] = field(default_factory=list)

    def row(self, name: str) -> str:
        """Write a line of the table."""
        counts = "".join(f"{self.outcomes[name]:>10,}" for name in ("read", "some bad", "refused", "fault"))
        return f"{name:22}{self.outcomes.total():>9,}{counts}{self.slowest:>9.2f} s {len(self.slowest_input):>8,} B"


HEAD = f"{'reader':22}{'inputs':>9}{'read':>10}{'some bad':>10}{'refused':>10}{'fault':>10}{'slowest':>11}{'of':>10}"


def fuzz(kind: Kind, seed: int, n: int) -> Tally:
    """Read `n` mutants of a file; a fault is anything but rows, bad records and a UserError of one screen."""
    tally = Tally()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "in" / kind.name
        file.parent.mkdir(parents=True)
        for name, content in kind.beside.items():
            (file.parent / name).write_bytes(content)
        stage = Path(folder) / "stage"
        stage.mkdir()
        for mutant in mutations(kind.content, seed, n):
            file.write_bytes(mutant)
            start = time.process_time()
            try:
                outcome = _read(kind.reader(Path(folder) / "in" if kind.folder else file), stage)
            except UserError as error:
                outcome = "refused" if 0 < len(str(error)) < 2000 else "fault"
                if outcome == "fault":
                    tally.faults.append((f"{len(str(error)):,} characters: {str(error)[:200]}", mutant))
            except (Exception, pl.exceptions.PanicException) as error:
                outcome = "fault"
                tally.faults.append((f"{type(error).__name__}: {error}", mutant))
            tally.outcomes[outcome] += 1
            if (seconds := time.process_time() - start) > tally.slowest:
                tally.slowest, tally.slowest_input = seconds, mutant
    return tally


def _read(parts: list[Part], stage: Path) -> str:
    """Pass all parts into a stage; every row and bad record must stand in what is left there."""
    bad = 0
    for part in parts:
        for file in stage.iterdir():
            file.unlink()
        count = pass_over(part.read(4), [], "mine", stage, lambda rows: None, Overrides())
        ledgers = [pl.read_parquet(file) for file in stage.glob("ledger-*.parquet")]
        if count["read"] != sum(ledger.height for ledger in ledgers) or count["read"] != count["kept"]:
            raise AssertionError(f"read {count['read']}, kept {count['kept']}: a row is lost")
        if (stage / "bad.jsonl").read_bytes().count(b"\n") != count["bad"]:
            raise AssertionError("a bad record is lost")
        bad += count["bad"]
    return "some bad" if bad else "read"


def main(n: int) -> int:
    """Print the table over all readers, `n` inputs in all; give the number of faults."""
    print(HEAD)
    faults = 0
    for name, kind in READERS.items():
        tally = fuzz(kind, 2305, n // len(READERS))
        print(tally.row(name), flush=True)
        faults += tally.outcomes["fault"]
        for reason in dict.fromkeys(reason.splitlines()[0][:150] for reason, _ in tally.faults[:200]):
            print(f"  {reason}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, {faults:,} faults")
    return faults
