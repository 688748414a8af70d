"""`curate shortcuts`: a table and a verdict for any preference file, data, a page, and errors in one sentence."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

pytest.importorskip("sklearn", reason="the linear model needs the extra `shortcuts`")

from curate.cli import main
from curate.cli.pool import shortcuts
from tests.pairs.shortcuts.sets import pairs


@pytest.fixture
def file(tmp_path):
    where = tmp_path / "pairs.jsonl"
    pairs(60, chosen=lambda said: f"{said} 😊").write_ndjson(where)
    return where


def call(*args, code=0):
    command = main if "shortcuts" in main.commands else shortcuts
    done = CliRunner().invoke(command, [*(["shortcuts"] if command is main else []), *map(str, args)])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def test_the_table_and_the_verdict(file):
    out = call(file)
    assert "more emoji" in out and "100 %" in out and "linear model" in out
    assert "A rule that takes the answer with more emoji gets 100 % right by itself" in out


def test_an_output_folder_gives_what_its_file_gives(file, tmp_path):
    pl.read_ndjson(file).write_parquet(tmp_path / "train.parquet")
    of_folder, of_file = (json.loads(call(path, "--json")) for path in (tmp_path, file))
    assert of_folder["rules"][0] == of_file["rules"][0] and of_folder["pairs"] == 60


def test_records_that_cannot_be_read_are_told(file):
    with file.open("a") as more:
        more.write("{broken\n")
    assert "1 records could not be read; the first: line 61" in call(file)
    assert json.loads(call(file, "--json"))["unread"] == 1


def test_a_page_with_figures_and_pairs(file, tmp_path):
    page = tmp_path / "page.html"
    assert str(page) in call(file, "--html", page).replace("\n", "")
    text = page.read_text(encoding="utf-8")
    assert "<h2>Shortcuts</h2>" in text and "<h2>Pairs</h2>" in text and "more emoji" in text
    before = page.read_bytes()
    call(file, "--html", page)
    assert page.read_bytes() == before


def test_errors_are_one_sentence(tmp_path):
    out = call(tmp_path / "none.jsonl", code=2)
    assert "there is no file" in out and "Traceback" not in out
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "response": "r"}\n')
    assert "holds no pairs: there is no column 'chosen'" in call(tmp_path / "a.jsonl", code=2)
