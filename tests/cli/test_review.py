"""Rows are decided about by keys, in the terminal: what is pressed stands in the file at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from select import select

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli import main
from curate.run.folder import open_out
from tests.conftest import rows

RECIPE = {
    "size": 10,
    "sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": [{"keep": {"length": {"min": 25}}}]}},
}


@pytest.fixture
def out(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_jsonl("one.jsonl", rows(60))
    write_recipe(RECIPE)
    call("run", "recipe.yaml")
    monkeypatch.setattr("curate.cli.review._on_terminal", lambda: True)
    return tmp_path / "out/test"


def call(*args, keys="", code=0):
    done = CliRunner().invoke(main, [str(a) for a in args], input=keys)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def nearest(out, n):
    ledger = open_out(out)[1].filter(pl.col("dropped_by") == "length").collect()
    return ledger.sort("length.response", "id", descending=[True, False])["id"].to_list()[:n]


def decisions(out):
    file = out.parent / "test.review.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param("ar", ["accept", "reject"], id="one after the other"),
        pytest.param("sAq", [None, "accept"], id="one is skipped, and capitals are the same keys"),
        pytest.param("aur", ["reject"], id="a decision is taken back"),
        pytest.param("sur", ["reject"], id="and a skip"),
        pytest.param("aruua", ["accept"], id="two are taken back"),
        pytest.param("uxq", [], id="nothing is there to take back, and other keys do nothing"),
        pytest.param("", [], id="no key at all"),
    ],
)
def test_keys_decide(out, keys, expected):
    call("review", out, "-n", 3, keys=keys)
    wanted = [(row, decision) for row, decision in zip(nearest(out, 3), expected, strict=False) if decision]
    assert [(one["id"], one["decision"]) for one in decisions(out)] == wanted


def test_a_decision_says_who_when_and_why(out):
    call("review", out, "--by", "Ada", keys="nshort, and right\narq")
    [first, second] = decisions(out)
    assert (first["by"], first["note"]) == ("Ada", "short, and right")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["at"])
    assert "note" not in second


def test_it_goes_on_later_and_says_the_line_for_the_recipe(out):
    assert "1 accepted, 0 rejected, 1 skipped; 1 of 3 not looked at." in call("review", out, "-n", 3, keys="asq")
    output = call("review", out, "-n", 1, keys="r")
    assert [one["id"] for one in decisions(out)] == nearest(out, 2)
    assert f"overrides: {out.parent / 'test.review.jsonl'}" in output
    assert "The file holds 1 accepted, 1 rejected." in output


def test_a_last_line_without_an_end_stays_a_line_of_its_own(out):
    call("review", out, keys="aq")
    file = out.parent / "test.review.jsonl"
    file.write_text(file.read_text().rstrip("\n"))
    call("review", out, keys="rq")
    assert [one["decision"] for one in decisions(out)] == ["accept", "reject"]


@pytest.mark.parametrize(("option", "which"), [(("--kept",), "kept"), (("--dropped", "sample"), "dropped")])
def test_other_rows_are_those_with_the_lowest_ids(out, option, which):
    of = pl.col("kept") if which == "kept" else pl.col("dropped_by") == "sample"
    ids = open_out(out)[1].filter(of).collect()["id"].sort().to_list()
    assert "Question" in call("review", out, *option, keys="rrq")
    assert [one["id"] for one in decisions(out)] == ids[:2]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        pytest.param(["--dropped", "lenght"], "did you mean 'length'?", id="no such step"),
        pytest.param(["--dropped", "length", "--kept"], "give one of them", id="two ways at once"),
        pytest.param(["--accept", "one.csv", "--kept"], "give one of them", id="a list, and others"),
        pytest.param(["--to", "one.jsonl"], "this line is no decision", id="another file"),
        pytest.param(["--to", "none/file.jsonl"], "No such file", id="no such folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(out, args, says):
    assert says in call("review", out, *args, keys="a", code=2)


def test_off_a_terminal_the_page_is_named(out, monkeypatch):
    monkeypatch.undo()
    assert "here is no terminal that could ask: --page FILE" in call("review", out, code=2)


def as_text(rows, file):
    file.write_text("\n".join(rows["id"]), encoding="utf-8")


def as_json(rows, file):
    file.write_text(json.dumps(rows.to_dicts(), default=str), encoding="utf-8")


WRITERS = {
    "rows.parquet": pl.DataFrame.write_parquet,
    "rows.csv": lambda rows, file: rows.drop(name for name, t in rows.schema.items() if t.is_nested()).write_csv(file),
    "rows.json": as_json,
    "rows.jsonl": pl.DataFrame.write_ndjson,
    "rows.txt": as_text,
}


@pytest.mark.parametrize("name", WRITERS)
def test_rows_that_a_viewer_selects_are_in_or_out_when_run_again(out, write_recipe, monkeypatch, name):
    monkeypatch.undo()  # nothing asks
    monkeypatch.setenv("CURATE_DATA", str(out.parents[1]))
    ledger = pl.read_parquet(out / "ledger.parquet")
    chosen = {"accept": ledger.filter(dropped_by="length")[:2], "reject": ledger.filter("kept")[:3]}
    file = out.parents[1] / name
    for decision, selection in chosen.items():
        WRITERS[name](selection, file)
        output = call("review", out, f"--{decision}", file, "--by", "Ada")
        assert output == call("review", out, f"--{decision}", file)
        assert output.startswith(f"{selection.height} rows {decision}ed.")
    assert output.endswith(
        f"The file holds 2 accepted, 3 rejected. In the recipe:\noverrides: {out.parent / 'test.review.jsonl'}\n"
    )
    assert [(one["decision"], one["by"]) for one in decisions(out)] == [("accept", "Ada")] * 2 + [("reject", "Ada")] * 3
    write_recipe({**RECIPE, "overrides": "out/test.review.jsonl"})
    call("run", out.parents[1] / "recipe.yaml", "--out", out.parent / "again")
    ids = set(pl.read_parquet(out.parent / "again/train.parquet")["id"])
    assert len(ids) == 10 and set(chosen["accept"]["id"]) <= ids and not set(chosen["reject"]["id"]) & ids
    call("verify", out.parent / "again")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param("ids.txt", "0" * 32 + "\nno id", "has 2 of 2 ids; the first is '0000", id="rows of another run"),
        pytest.param("ids.csv", "row\n1\n", "column 'id'", id="a table without ids"),
        pytest.param("ids.json", '{"id": "1"}', "column 'id'", id="one object"),
        pytest.param("ids.jsonl", "{", "column 'id'", id="broken"),
        pytest.param("ids.parquet", "", "column 'id'", id="empty"),
        pytest.param("", "", "Is a directory", id="a folder"),
        pytest.param("none.csv", None, "there is no file", id="nothing"),
    ],
)
def test_what_is_no_list_of_rows_is_said_and_nothing_is_written(out, tmp_path, name, text, says):
    if name and text is not None:
        (tmp_path / name).write_text(text)
    assert says in call("review", out, "--reject", tmp_path / name, code=2)
    assert not decisions(out)


@pytest.mark.slow
def test_on_a_terminal(out):
    ours, theirs = pytest.importorskip("pty", reason="no terminal of this kind here").openpty()
    args = [sys.executable, "-m", "curate", "review", str(out), "-n", "2"]
    process = subprocess.Popen(args, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    for key, until in ((b"", b"q quit"), (b"r", b"q quit"), (b"\x03", b"overrides: ")):
        while until not in said:
            # What is pressed before it asks is dropped: press again where nothing comes.
            if select([ours], [], [], 0.5)[0]:
                said += os.read(ours, 4096)
            else:
                os.write(ours, key)
        said = said.partition(until)[2]
    assert process.wait() == 0
    os.close(ours)
    assert [(one["id"], one["decision"]) for one in decisions(out)] == [(nearest(out, 1)[0], "reject")]
