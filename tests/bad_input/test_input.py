"""Records, files and dumps that are bad: the loss is counted and named, and nothing else is lost."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import polars as pl
import pytest

from curate.run.ledger import evidence_text
from tests.bad_input.command import GOOD, done, posts, quarantine, recipe, refused
from tests.conftest import rows

pytestmark = pytest.mark.slow

# One bad record among many: quarantined with its place and reason, and every other row is as it was.


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param(b'{"prompt": "a \xff b", "response": "c"}', "not UTF-8: byte 0xff", id="broken UTF-8"),
        pytest.param(
            b'{"prompt": 5, "response": "c"}', "prompt: expected text, got the number 5", id="a number for text"
        ),
        pytest.param(b'{"prompt": "a", "response": "b', "not JSON", id="a line cut short"),
        pytest.param(b'["prompt", "response"]', "object", id="a list for an object"),
        pytest.param(
            b'{"prompt": "a", "response": "b", "score": "many"}', "score: expected a number", id="a text for a number"
        ),
        pytest.param(b'{"prompt": "\\ud800", "response": "b"}', "surrogate", id="half a surrogate pair"),
        pytest.param(b"\0" * 8, "not JSON", id="zero bytes of a file system's crash"),
    ],
)
def test_a_bad_record_is_quarantined_and_costs_no_other(there, line, error):
    whole = pl.read_parquet(Path("out/whole") / "train.parquet") if done("--out", "out/whole") else None
    text = Path("one.jsonl").read_bytes().splitlines(keepends=True)
    Path("one.jsonl").write_bytes(b"".join([*text[:7], line + b"\n", *text[7:]]))
    assert done()["counts"]["one"] == {
        "read": GOOD,
        "kept": whole.height,
        "dropped": GOOD - whole.height,
        "quarantined": 1,
    }
    [bad] = quarantine()
    assert bad["where"] == "line 8"
    assert error in bad["error"]
    assert pl.read_parquet("out/test/train.parquet").equals(whole)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="lines that end as on Windows"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="a byte-order mark"),
        pytest.param(lambda text: text.replace(b"\n", b"\n\n"), id="blank lines"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no end of the last line"),
    ],
)
def test_what_looks_odd_but_is_whole_loses_nothing(there, change):
    done("--out", "out/whole")
    Path("one.jsonl").write_bytes(change(Path("one.jsonl").read_bytes()))
    assert done()["counts"]["one"]["quarantined"] == 0
    assert Path("out/test/train.parquet").read_bytes() == Path("out/whole/train.parquet").read_bytes()


def test_paths_with_blanks_and_letters_of_any_language(there, write_recipe):
    folder = Path("mes données ø")
    folder.mkdir()
    Path("one.jsonl").rename(folder / "ä б 字.jsonl")
    write_recipe(recipe(read={"jsonl": {"path": str(folder)}}))
    assert done("--out", "aus gabe ü/数")["counts"]["one"]["read"] == GOOD
    assert Path("aus gabe ü/数/train.jsonl").is_file()


def test_an_empty_file_among_others_is_said_and_costs_none_of_them(there, write_recipe):
    Path("many").mkdir()
    Path("one.jsonl").rename("many/one.jsonl")
    Path("many/two.jsonl").touch()
    write_recipe(recipe(read={"jsonl": {"path": "many"}}))
    assert done()["counts"]["one"]["read"] == GOOD
    [bad] = quarantine()
    assert bad["file"].endswith("two.jsonl")
    assert bad["error"] == "the file is empty"


# Input that is bad as a whole: the run stops, and says which file, what is wrong with it and what to do.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", ["one.jsonl", "the file is empty", "max_bad"], id="an empty file"),
        pytest.param(
            '{"prompt": "Grüße"}\n'.encode("cp1252"), ["a guess: `encoding: cp1252`", "Say beside `path`"], id="Latin-1"
        ),
        pytest.param(
            b'{"prompt": 5, "response": "c"}\n' * 9,
            ["9 of 9 records", "line 1", "got the number 5"],
            id="numbers for texts",
        ),
        pytest.param(random.Random(1).randbytes(9999), ["one.jsonl, line 1: not UTF-8"], id="no text at all"),
        pytest.param(
            b'{"frage": "a", "antwort": "b"}\n' * 9,
            ["recipe.yaml:5", "no column 'prompt'", "frage, antwort"],
            id="other columns",
        ),
        pytest.param(None, ["recipe.yaml:5", "source 'one'", "there is no file", "one.jsonl"], id="no file"),
    ],
)
def test_a_file_that_is_bad_as_a_whole_stops_the_run(there, content, said):
    Path("one.jsonl").write_bytes(content) if content is not None else Path("one.jsonl").unlink()
    out = refused()
    assert [part for part in said if part not in out] == [], out


def test_a_packed_file_cut_short_keeps_what_stands_before_the_cut(there, write_recipe):
    text = "".join(
        json.dumps(row | {"response": random.Random(i).randbytes(99).hex()}) + "\n" for i, row in enumerate(rows(GOOD))
    )
    Path("one.jsonl.gz").write_bytes(gzip.compress(text.encode())[:-5000])
    write_recipe(recipe(read={"jsonl": {"path": "one.jsonl.gz"}}))
    out = refused()
    assert "one.jsonl.gz" in out
    assert "the file is damaged here and cannot be read on" in out
    counts = done("--set", "max_bad=1")["counts"]["one"]
    assert 100 < counts["read"] < GOOD
    assert counts["quarantined"] <= 2


@pytest.mark.parametrize(
    ("read", "said"),
    [
        pytest.param({"jsonl": {"path": "folder"}}, "holds no file ending in .jsonl", id="no JSON Lines"),
        pytest.param(
            {"stackexchange": {"path": "folder"}}, "neither a .7z archive nor a Posts.xml is in it", id="no dump"
        ),
        pytest.param({"jsonl": {"path": "folder/*.jsonl"}}, "no file matches", id="a pattern that fits none"),
    ],
)
def test_a_folder_full_of_other_files(there, write_recipe, read, said):
    Path("folder").mkdir()
    Path("folder/readme.txt").write_text("words")
    Path("folder/picture.png").write_bytes(b"\x89PNG")
    write_recipe(recipe(read=read))
    out = refused()
    assert said in out
    assert "recipe.yaml:5: source 'one'" in out


def test_of_three_archives_one_is_cut_short(dumps):
    py7zr = pytest.importorskip("py7zr", reason="the dumps extra is not installed")
    for site in ("ale", "bread", "cake"):
        with py7zr.SevenZipFile(dumps / f"{site}.stackexchange.com.7z", "w") as archive:
            archive.writestr(posts(GOOD, site), "Posts.xml")
    broken = dumps / "bread.stackexchange.com.7z"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    out = refused()
    for said in ("bread.stackexchange.com.7z", "damaged or cut short", "--set max_bad=0.", "What was read is kept"):
        assert said in out
    share = out.partition("--set ")[2].partition("`")[0]
    manifest = done("--set", share)
    assert manifest["stages"]["built"] == []
    assert len(manifest["stages"]["reused"]) == 3
    assert manifest["counts"]["one"] == {"read": 2 * GOOD, "kept": 2 * GOOD, "dropped": 0, "quarantined": 1}
    [bad] = quarantine()
    assert (bad["file"], bad["size"]) == ("bread.stackexchange.com.7z", len(whole) // 2)
    broken.write_bytes(whole)
    mended = done()
    assert mended["stages"]["built"] == ["one: bread.stackexchange.com"]
    assert mended["counts"]["one"]["kept"] == 3 * GOOD


def test_a_run_that_bad_records_stop_leaves_all_of_them(there):
    with Path("one.jsonl").open("a", encoding="utf-8") as file:
        file.write("no json\n" * 20)
    assert "All bad records are in out/test/quarantine.jsonl" in " ".join(refused().split())
    assert len(quarantine()) == 20 and not Path("out/test/manifest.json").exists()
    done("--set", "max_bad=0.9")
    whole = Path("out/test/quarantine.jsonl").read_bytes()
    assert "out/test/quarantine.stopped.jsonl" in " ".join(refused().split()), "the finished set stays as it is"
    assert Path("out/test/quarantine.jsonl").read_bytes() == whole and Path("out/test/manifest.json").exists()


def test_xml_cut_in_the_middle_loses_its_last_record_only(dumps):
    (dumps / "tea").mkdir()
    text = posts(GOOD, "tea")
    (dumps / "tea/Posts.xml").write_text(text[: text.rindex("Score=")], encoding="utf-8")
    counts = done()["counts"]["one"]
    assert (counts["read"], counts["quarantined"]) == (GOOD, 1)
    [bad] = quarantine()
    assert "Posts.xml" in bad["file"]
    assert bad["where"].startswith("byte ")
    assert counts["kept"] == GOOD - 1  # the question whose only answer was cut has none


@pytest.mark.parametrize(
    ("most", "kept"), [pytest.param(1000, 134, id="dropped by its length"), pytest.param(None, 135, id="kept")]
)
def test_a_row_of_50_mb_is_a_row_like_others(there, write_recipe, most, kept):
    huge = {"prompt": "What is long?", "response": "so long " * (50 * 2**20 // 8), "domain": "a", "score": 1}
    with Path("one.jsonl").open("a") as file:
        file.write(json.dumps(huge) + "\n")
    write_recipe(
        recipe([{"keep": {"length": {"min": 10, "max": most}}}, {"drop": {"mentions": {"phrases": ["as mentioned"]}}}])
    )
    assert done()["counts"]["one"] == {"read": GOOD + 1, "kept": kept, "dropped": GOOD + 1 - kept, "quarantined": 0}
    ledger = pl.read_parquet("out/test/ledger.parquet")
    assert ledger.select(evidence_text())["detail"].str.len_chars().max() < 1000
    assert Path("out/test/report.html").stat().st_size < 2**20
