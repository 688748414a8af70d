"""A run from Python: the same bytes as the command's, opened as an object."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

import polars as pl
import pytest

import curate
from curate.cli import main
from curate.recipe.places import RecipeError
from curate.report import terminal
from curate.run.folder import OutputError

ROWS = [{"prompt": f"Why {n}?", "response": "Because warm air rises. " * n} for n in range(1, 9)]
STEPS = [{"keep": {"length": {"min": 60}}}]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(ROWS).write_ndjson("rows.jsonl")
    source = {"read": {"jsonl": {"path": tmp_path / "rows.jsonl"}}, "steps": STEPS}
    return {"name": "mine", "sources": {"a": source}}


def test_data_and_a_file_of_it_make_the_same_set(recipe, tmp_path, write_recipe):
    done = curate.run(recipe)
    source = {**recipe["sources"]["a"], "read": {"jsonl": {"path": str(tmp_path / "rows.jsonl")}}}
    file = write_recipe({**recipe, "sources": {"a": source}})
    main(["run", str(file), "--out", "commanded"], standalone_mode=False)
    for name in ("train.parquet", "ledger.parquet"):
        assert (tmp_path / "commanded" / name).read_bytes() == (done.path / name).read_bytes()
    assert done.path == Path("out/mine")
    assert done.set.height == done.ledger.filter("kept").collect().height == 6


def test_a_finished_folder_opens_again(recipe):
    done = curate.Out(curate.run(recipe, "there", seed=3).path)
    assert done.manifest["recipe"]["seed"] == 3
    dropped = done.ledger.filter(~pl.col("kept")).collect()["id"]
    assert {done.why(row)["dropped_by"] for row in dropped} == {"length"}
    assert "6 rows in there" in repr(done)
    assert done._repr_html_().startswith("<pre>") and "only by this" in done._repr_html_()


def test_a_notebook_sees_no_colours_and_no_markup_of_the_data(recipe, tmp_path, monkeypatch):
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr(builtins, "get_ipython", shell, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "_NOTEBOOK", True)
    monkeypatch.setattr(terminal, "console", terminal._Console(width=110))
    pl.DataFrame([row | {"domain": "<script>alert(1)</script>"} for row in ROWS]).write_ndjson("rows.jsonl")
    recipe["sources"]["a"]["sample"] = {"by": "domain"}
    page = curate.run(recipe)._repr_html_()
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page and "\x1b" not in page


def test_what_is_extended_is_found_from_data_too(recipe, write_recipe, tmp_path):
    recipe["sources"]["a"]["read"]["jsonl"]["path"] = str(tmp_path / "rows.jsonl")
    file = write_recipe(recipe)
    assert curate.run({"extends": str(file), "size": 2}).set.height == 2


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        pytest.param({"nam": "x"}, "did you mean 'name'", id="a wrong key"),
        pytest.param({"name": object()}, "holds what no file can", id="an object"),
        pytest.param("lima2k.yaml", "lima2k.yaml", id="no file"),
    ],
)
def test_a_wrong_recipe_is_told_in_words(recipe, sentence):
    with pytest.raises(RecipeError, match=sentence):
        curate.run(recipe)


def test_a_folder_that_no_run_has_finished_is_told(tmp_path):
    with pytest.raises(OutputError, match="not a finished output folder"):
        curate.Out(tmp_path)
