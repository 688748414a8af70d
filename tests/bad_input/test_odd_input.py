"""Input that readers stumble over: odd separators, names, types and sizes cost one record or one sentence, never a run."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from curate.rows import standardise
from curate.sources import csv, stackexchange
from tests.bad_input.command import GOOD, done, quarantine, recipe, refused
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

MB = 2**20


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_a_broken_line_with_another_kind_of_line_end_is_one_record(there, mark):
    with Path("one.jsonl").open("a", encoding="utf-8") as file:
        file.write(f'{{"prompt": "a{mark}b\n')
        file.write(json.dumps({"prompt": f"c{mark}d", "response": "long enough"}, ensure_ascii=mark < " ") + "\n")
    assert done()["counts"]["one"]["read"] == GOOD + 1
    [bad] = [json.loads(line) for line in Path("out/test/quarantine.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert bad["where"] == f"line {GOOD + 1}"
    assert mark in bad["raw"]


ODD_NAMES = ["^zz$", "^.*$", "*", "{}", "", "a\x00b", "_row", "_key", "_nothing", "_turn", "why", "kept", "dropped_by"]
ODD_NAMES += ["detail", "misfits", "id", "source", "file_id", "length", "row", "text", "position", "turn"]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_column_of_any_name_is_kept_and_tells_rows_apart(there, write_recipe, form, name):
    odd = [{"prompt": "What?", "response": "It is long enough.", name: [f"value {i}"]} for i in range(100)]
    file = f"odd.{form}"
    pl.DataFrame(odd).write_parquet(file) if form == "parquet" else Path(file).write_text(
        "".join(json.dumps(row) + "\n" for row in odd)
    )
    steps = [{"keep": {"length": {"min": 3}}}, {"drop": {"mentions": {"phrases": ["as mentioned"]}}}]
    write_recipe(recipe(steps, read={form: {"path": file}}))
    assert done()["counts"]["one"] == {"read": 100, "kept": 100, "dropped": 0, "quarantined": 0}
    found = pl.read_parquet("out/test/train.parquet")
    here = {"id": "file_id", "source": "file_source"}.get(name, name)
    assert sorted(found[here].to_list(), key=str) == sorted((row[name] for row in odd), key=str)


def test_a_reader_takes_xml_whose_rows_are_all_broken_in_proportion(tmp_path):
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea/Posts.xml").write_bytes(b"<posts>\n" + b"<row x\n" * 40_000 + b"<row &/>\n" * 40_000)
    start = time.process_time()
    found = [batch for part in stackexchange(tmp_path / "tea") for batch in part.read(10_000)]
    assert sum(len(batch.bad) for batch in found) == 80_000
    assert time.process_time() - start < 10


def test_a_filter_reads_the_column_whose_name_looks_like_a_pattern(there, write_recipe):
    odd = [{"prompt": "Q", "response": "r", "zz": "short", "^zz$": "long enough" * (i % 2)} for i in range(10)]
    Path("odd.jsonl").write_text("".join(json.dumps(row | {"i": i}) + "\n" for i, row in enumerate(odd)))
    write_recipe(recipe([{"keep": {"length": {"column": "^zz$", "min": 6}}}], read={"jsonl": {"path": "odd.jsonl"}}))
    assert done()["counts"]["one"]["kept"] == 5


def test_ids_of_a_file_are_never_taken_for_ours():
    found = standardise(pl.DataFrame({"id": ["x", "x"], "source": ["s", "s"], "prompt": ["a", "b"]}), "mine")
    assert found["id"].n_unique() == 2
    assert found["source"].unique().to_list() == ["mine"]
    assert found["file_id"].to_list() == ["x", "x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('prompt,response,"note\n' + "a,b,c\n" * 1000, "names of the columns", id="a quote left open"),
        pytest.param('prompt,response,"note\n' + "a,b,c\n" * 50 + 'a,b,"\n', "names of the columns", id="closed later"),
        pytest.param("prompt,response\n", "there is no record in one.csv", id="a header alone"),
        pytest.param("\n\n\n", "there is no record in one.csv", id="blank lines"),
        pytest.param("", "the file is empty", id="nothing"),
        pytest.param("a" * 70_000, "names of the columns", id="one giant name"),
        pytest.param('prompt,response\n"' + "a" * 70_000, "1 of 1 records", id="one giant cell that never ends"),
        pytest.param("," * 20_000, "20,001 columns", id="twenty thousand columns"),
        pytest.param("prompt,prompt\na,b\n", "two columns 'prompt'", id="a name twice"),
    ],
)
def test_a_csv_that_is_bad_as_a_whole_is_said_in_one_screen(there, write_recipe, content, message):
    Path("one.csv").write_text(content)
    write_recipe(recipe(read={"csv": {"path": "one.csv"}}))
    assert message in refused().replace("\n", " ")


def test_parts_without_a_record_among_others_are_counted(there, write_recipe):
    Path("many").mkdir()
    Path("many/a.csv").write_text("prompt,response\nWhy so?,because it is so\n")
    Path("many/b.csv").write_text("prompt,response\n")
    write_recipe(recipe(read={"csv": {"path": "many"}}))
    assert done()["notes"] == {"one": {"parts without a record": 1.0}}


DAY = datetime.timedelta(1)
TYPES = {
    "bytes": pl.Series([b"\xff", b"\xfe"]),
    "an image": pl.Series([{"bytes": b"\xff", "path": "a"}, {"bytes": b"\xfe", "path": "a"}]),
    "a list of images": pl.Series([[{"bytes": b"\xff"}], [{"bytes": b"\xfe"}]]),
    "durations": pl.Series([DAY, 2 * DAY]),
    "times": pl.Series([datetime.time(1), datetime.time(2)]),
    "decimals": pl.Series([decimal.Decimal("1.5"), decimal.Decimal("2.5")]),
    "categories": pl.Series(["a", "b"], dtype=pl.Categorical),
    "an enum": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
    "whole numbers of 128 bits": pl.Series([2**100, 2**101], dtype=pl.Int128),
    "dates with a zone": pl.Series([datetime.datetime(2020, 1, i) for i in (1, 2)]).dt.replace_time_zone("Europe/Oslo"),
    "arrays": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "durations in lists of objects": pl.Series([[{"a": DAY}], [{"a": 2 * DAY}]]),
    "nothing but empty lists": pl.Series([[], [1]], dtype=pl.List(pl.Int8)),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_parquet_column_of_any_type_is_read(there, write_recipe, name):
    frame = pl.DataFrame({"prompt": ["same?"] * 2, "response": ["the same answer"] * 2, "odd": TYPES[name]})
    frame.write_parquet("one.parquet")
    write_recipe(recipe(read={"parquet": {"path": "one.parquet"}}))
    manifest = done()
    assert manifest["counts"]["one"]["kept"] == 2
    left_out = {"one": {"rows whose bytes in 'odd' are left out": 2.0}}
    assert manifest["notes"] == (left_out if name in {"bytes", "an image", "a list of images"} else {})


@pytest.mark.parametrize(
    "score",
    [
        pytest.param(pl.Series(["1", "2"], dtype=pl.Categorical), id="categories"),
        pytest.param(pl.Series(["1", "x"]), id="text"),
        pytest.param(pl.Series([True, False]), id="truth values"),
        pytest.param(pl.Series([[1.0], [2.0]]), id="lists"),
        pytest.param(pl.Series([DAY, DAY]), id="durations"),
        pytest.param(pl.Series([b"1", b"2"]), id="bytes"),
    ],
)
def test_a_parquet_score_that_is_no_number_is_said(there, write_recipe, score):
    pl.DataFrame({"prompt": ["a", "b"], "response": ["c", "d"], "score": score}).write_parquet("one.parquet")
    write_recipe(recipe(read={"parquet": {"path": "one.parquet"}}))
    assert "the column 'score' holds" in refused().replace("\n", " ")


def test_one_column_may_hold_another_type_in_each_file(there, write_recipe):
    Path("many").mkdir()
    for i, value in enumerate([1, "text", [1], {"a": 1}, ["b"], None, True]):
        row = {"prompt": f"Why {i}?", "response": "because it is so", "^x$": value, "y": value}
        Path(f"many/{i}.jsonl").write_text(json.dumps(row) + "\n")
    write_recipe(recipe(read={"jsonl": {"path": "many"}}))
    assert done()["counts"]["one"]["kept"] == 7
    assert '{"y":{"a":1}}' in pl.read_parquet("out/test/train.parquet")["y"].to_list()


TASK = {"Definition": ["Do it."], "Instances": [{"input": f"in {i}", "output": ["an answer"]} for i in range(9)]}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param('"URL": [NaN]', id="NaN for an address"),
        pytest.param('"Input_language": 5', id="a number for a language"),
        pytest.param('"Instance License": [null]', id="null for a licence"),
        pytest.param('"Categories": [{"a": 1}]', id="an object for a category"),
        pytest.param('"Categories": ["\\ud83d"]', id="half a character"),
        pytest.param('"Instances": {"a": 1}', id="an object for the instances"),
        pytest.param('"n": ' + "9" * 5000, id="a number of 5,000 digits"),
        pytest.param('"n": ' + "[" * 5000, id="nested without end"),
    ],
)
def test_a_task_of_other_types_is_one_record_and_costs_no_other_task(there, write_recipe, odd):
    Path("tasks").mkdir()
    Path("tasks/task1.json").write_text(json.dumps(TASK))
    Path("tasks/task2.json").write_text(json.dumps(TASK)[:-1] + f", {odd}}}")
    read = {"natural_instructions": {"path": "tasks", "languages": None}}
    write_recipe(recipe([{"keep": {"length": {"min": 3}}}], read=read, max_bad=1.0))
    assert done()["counts"]["one"] == {"read": 9, "kept": 9, "dropped": 0, "quarantined": 1}
    assert quarantine()[0]["file"].endswith("task2.json")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'x","""\n', id="quotes that open and never close"),
        pytest.param(b'a,"b\n', id="a quote opened in every line"),
        pytest.param(b'""","\n', id="quotes in quotes"),
    ],
)
def test_broken_quotes_cost_time_in_proportion(tmp_path, line):
    (tmp_path / "a.csv").write_bytes(b"prompt,response\n" + line * 20_000)
    start = time.process_time()
    found = [batch for part in csv(tmp_path / "a.csv") for batch in part.read(10_000)]
    assert sum(batch.rows.height + len(batch.bad) for batch in found) > 1000
    assert time.process_time() - start < 5


SCRIPT = """
import sys
from curate.cli import main
try:
    main(["run", "recipe.yaml", "--out", "out/test", "--set", "max_bad=1"])
finally:
    status = open("/proc/self/status").read()
    print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def _peak() -> float:
    env = os.environ | {"CURATE_DATA": ".", "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, timeout=300)
    assert Path("out/test/manifest.json").is_file(), result.stderr + result.stdout
    return int(result.stderr.split()[-1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="NOT TESTED: memory is read from /proc")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"prompt":"a"}\n' * (3 * MB), id="short rows"),
        pytest.param(b'{"prompt":"' + b"a" * (100 * MB), id="a line without an end"),
        pytest.param(b'{"prompt":"a","x":[' + b"[]," * (20 * MB) + b"[]]}\n", id="millions of lists"),
    ],
)
def test_a_packed_file_that_unpacks_without_end_costs_bounded_memory(there, write_recipe, content):
    Path("many").mkdir()
    Path("one.jsonl").rename("many/one.jsonl")
    with gzip.open("many/bomb.jsonl.gz", "wb", compresslevel=9) as file:
        file.write(content)
    assert Path("many/bomb.jsonl.gz").stat().st_size < MB
    del content
    write_recipe(recipe(read={"jsonl": {"path": "many"}}))
    assert _peak() < 1000  # MB; millions of equal rows have one id, so their ledger is put together at once
    assert "unpacks to more than" in quarantine()[-1]["error"] + quarantine()[0]["error"]


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_one_record(dumps):
    py7zr = pytest.importorskip("py7zr", reason="NOT TESTED: the dumps extra is not installed")
    with Path("zeros").open("wb") as file:
        file.truncate(60 * MB)
    with py7zr.SevenZipFile(dumps / "tea.stackexchange.com.7z", "w") as archive:
        archive.write("zeros", "Posts.xml")
    assert "unpacks to more than" in refused().replace("\n", " ")
