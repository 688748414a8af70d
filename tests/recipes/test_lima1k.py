"""The main job, as users run it: on the six real dumps, and on nothing but the installed packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.filters import first_person, mentions
from curate.recipe.load import load
from curate.run.folder import open_out
from curate.run.run import run_recipe
from curate.run.what_if import FAILING, of, thresholds
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

NAMES = ("train.parquet", "train.jsonl", "ledger.parquet")


@cache
def run(data: str, out: str, *options: str, threads: str = "2") -> tuple[dict[str, Any], str]:
    """Run lima1k as a command; the session's runs share stages only where they share an `out` folder's parent."""
    env = os.environ | {"CURATE_DATA": data, "POLARS_MAX_THREADS": threads, "NUMBA_NUM_THREADS": threads}
    command = [sys.executable, "-m", "curate", "run", "recipes/lima1k.yaml", "--out", out, *options]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((Path(out) / "manifest.json").read_text(encoding="utf-8")), done.stdout


@pytest.fixture(scope="module")
def outs(tmp_path_factory):
    return tmp_path_factory.mktemp("lima1k")


@pytest.fixture(scope="module")
def real(data, outs):
    return run(str(data), str(outs / "real/out"))


def test_exactly_1000_rows_on_the_real_dumps(real, outs):
    manifest, screen = real
    assert pl.read_parquet(outs / "real/out/train.parquet").height == 1000
    assert sum(row["taken"] for row in manifest["table"]) == 1000
    asked = {row["source"]: row["asked"] for row in manifest["table"]}
    assert asked == {
        "stackexchange_stem": 200, "stackexchange_other": 200, "wikihow": 200, "writing_prompts": 150,
        "natural_instructions": 50, "authored": 200, "docstrings": 0,
    }  # fmt: skip
    for row in manifest["table"]:
        if row["taken"] < row["asked"]:
            assert f"{row['source']} {row['taken']} of {row['asked']}" in screen.replace("\n", " ")
    assert set(manifest["absent"]) == {"wikihow", "writing_prompts"}
    assert "their share went to docstrings" in screen.replace("\n", " ")


def test_quotas_are_on_screen_and_in_the_manifest(real):
    manifest, screen = real
    stem = {q["domain"]: q for q in manifest["quotas"] if q["source"] == "stackexchange_stem"}
    assert sum(q["asked"] for q in stem.values()) == 200
    assert sum(q["taken"] for q in stem.values()) == next(r["taken"] for r in manifest["table"])
    for name, quota in stem.items():
        assert name in screen
        assert quota["taken"] <= quota["available"]
    docs = [q for q in manifest["quotas"] if q["source"] == "docstrings"]
    assert all(q["asked"] == q["taken"] for q in docs if q["taken"] < q["available"]), "quotas are exact"


def test_the_stack_exchange_part_holds_only_rows_that_pass_the_papers_rules(real, outs):
    rows = pl.read_parquet(outs / "real/out/train.parquet").filter(pl.col("source").str.starts_with("stackexchange"))
    assert rows.height > 20
    assert rows["score"].min() >= 10
    lengths = rows["response"].str.len_chars()
    assert (lengths.min() >= 1200, lengths.max() <= 4096) == (True, True)
    rules = rows.select(
        first=first_person("response", words=["I", "my"]),
        mentions=mentions("response", ["as mentioned", "other_answers", "site"]),
    )
    assert not rules["first"].any()
    assert not rules["mentions"].any()
    for text in rows["response"]:
        outside = re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", "", text, flags=re.DOTALL)
        assert not re.search(r"<(p|a|img|strong|em|ul|ol|li|code|pre|blockquote)\b[^>]*>|https?://|!\[", outside), text
    titles_and_bodies = rows.select(is_title=pl.col("prompt") == pl.col("title"))["is_title"].mean()
    assert 0.2 < titles_and_bodies < 0.8
    assert set(rows["domain"]) <= {
        f"{s}.stackexchange.com"
        for s in ("ai", "bioinformatics", "quantumcomputing", "matheducators", "beer", "coffee")
    }


def test_every_question_and_answer_of_the_dumps_is_accounted_for_by_site(real, data, outs):
    import xml.etree.ElementTree as ElementTree

    import py7zr

    manifest, _ = real
    read = {d["domain"]: d["read"] for d in manifest["domains"] if d["source"].startswith("stackexchange")}
    ledger = pl.read_parquet(outs / "real/out/ledger.parquet")
    for archive in sorted((data / "stackexchange").glob("*.7z")):
        folder = outs / "xml" / archive.stem
        with py7zr.SevenZipFile(archive) as packed:
            packed.extract(folder, targets=["Posts.xml"])
        posts = [row.attrib for _, row in ElementTree.iterparse(folder / "Posts.xml") if row.tag == "row"]
        questions = sum(post["PostTypeId"] == "1" for post in posts)
        assert read[archive.stem] == questions, archive.name
        site = ledger.filter(pl.col("domain") == archive.stem)
        assert site.height == questions == site["kept"].sum() + site["dropped_by"].is_not_null().sum()
    assert sum(read.values()) == 3286
    assert sum(count["quarantined"] for count in manifest["counts"].values()) == 0


def test_exactly_1000_rows_with_nothing_but_the_installed_packages(outs):
    manifest, screen = run(str(outs / "nothing"), str(outs / "bare/out"))
    assert pl.read_parquet(outs / "bare/out/train.parquet").height == 1000
    assert {"stackexchange_stem", "natural_instructions"} <= set(manifest["absent"])
    assert "Not there: stackexchange_stem" in screen


def test_same_bytes_for_a_second_run_any_batch_size_threads_and_order(real, data, outs):
    expected = {name: real[0]["outputs"][name] for name in NAMES}

    def found(*args, **kwargs):
        outputs = run(*args, **kwargs)[0]["outputs"]
        return {name: outputs[name] for name in NAMES}

    assert found(str(data), str(outs / "real/again"), "--json") == expected
    assert found(str(data), str(outs / "sevens/out"), "--batch-rows", "7") == expected
    assert found(str(data), str(outs / "one/out"), "--batch-rows", "100000", threads="1") == expected
    # The same archives under the same names, written in another order, so that a folder lists them differently.
    other = outs / "other"
    (other / "stackexchange").mkdir(parents=True)
    for archive in sorted((data / "stackexchange").glob("*.7z"), reverse=True):
        shutil.copy(archive, other / "stackexchange")
    (other / "natural_instructions").mkdir()
    for file in sorted((data / "natural_instructions").glob("*.json"), reverse=True):
        shutil.copy(file, other / "natural_instructions")
    assert found(str(other), str(outs / "other/out")) == expected


def test_no_row_of_train_is_a_dev_or_test_prompt(real, outs):
    out = outs / "real/out"
    prompts = set(pl.read_parquet(out / "train.parquet")["prompt"])
    for name, rows in (("dev", 50), ("test_prompts", 100)):
        asked = pl.read_parquet(out / f"{name}.parquet")["prompt"]
        assert asked.len() == rows
        assert not prompts & set(asked)


def test_trl_reads_the_set_as_it_is(real, outs):
    with (outs / "real/out/train.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    assert len(records) > 1000, "a dialogue gives a record for each of its answers"
    for record in records:
        assert record["completion"][0]["role"] == "assistant"
        assert record["completion"][0]["content"].strip()
        assert [turn["role"] for turn in record["prompt"]][-1] == "user"


STEM, OTHER = "sources.stackexchange_stem.steps", "sources.stackexchange_other.steps"
DOCS, TASKS = "sources.docstrings.steps", "sources.natural_instructions.steps"


@pytest.mark.parametrize(
    ("move", "changes"),
    [
        pytest.param(
            "at_least.score >= 8", [f"{of}[0].keep.at_least.value=8" for of in (STEM, OTHER)], id="at_least"
        ),
        pytest.param(
            "length.response >= 900",
            [*(f"{of}[4].keep.length.min=900" for of in (STEM, OTHER)), f"{DOCS}[1].keep.length.min=900", f"{TASKS}[0].keep.length.min=900"],
            id="length, lower: loosened, and in one source tightened",
        ),
        pytest.param(
            "length.response <= 5000",
            [*(f"{of}[4].keep.length.max=5000" for of in (STEM, OTHER)), f"{DOCS}[1].keep.length.max=5000", f"{TASKS}[0].keep.length.max=5000"],
            id="length, upper",
        ),
        pytest.param("profane.response < 0.1", [f"{of}[7].drop.profane.threshold=0.1" for of in (STEM, OTHER)], id="profane"),
        pytest.param("at_most.template <= 1", [f"{DOCS}[0].keep.at_most.value=1"], id="at_most"),
        pytest.param("length_without_links.response >= 900", [f"{DOCS}[5].keep.length.min=900"], id="length_without_links"),
    ],
)  # fmt: skip
def test_what_if_equals_a_second_run_for_every_step_that_has_a_bound(data, outs, monkeypatch, move, changes):
    monkeypatch.setenv("CURATE_DATA", str(data))
    first = of(*open_out(second_run(outs, "if/first")))
    again = of(*open_out(second_run(outs, f"if/{move.split('.')[0]}", *changes)))
    moves = thresholds(outs / "if/first", [move]).filter(pl.col("left") + pl.col("gained") > 0).to_dicts()
    assert moves, "a source that is there takes the step"
    for row in moves:
        steps = first.steps[row["source"]]
        left = again.ledger.filter(pl.col("source") == row["source"], pl.col(FAILING) == 0).collect().height
        most, least = row["left"] + row["gained"], row["left"] - row["lost"]
        assert least <= left <= most
        if not row["never_asked"] and not row["not_redone"]:
            assert left == row["left"] + row["gained"] - row["lost"]
        # What looks at each row alone is known, whatever sees only what it leaves: these rows are the same.
        alone = [s["label"] for s in steps if s["label"] in row["never_asked"] or s["verb"] == "select"]
        passing = [
            folder.ledger.filter(
                pl.col("source") == row["source"],
                pl.all_horizontal(pl.col(s["label"]).fill_null(True) for s in steps if s["verb"] in {"keep", "drop"} and s["label"] not in {*alone, "contaminated"}),
            ).collect().height
            for folder in (first, again)
        ]  # fmt: skip
        if not row["lost"]:
            assert passing[1] == passing[0] + row["gained"], row


@cache
def second_run(outs: Path, name: str, *changes: str) -> Path:
    """Run lima1k on the first rows of each part, with changed bounds."""
    settings = ("size=200", "shortfall=accept", *changes)
    run_recipe(load(Path("recipes/lima1k.yaml"), settings), outs / name, limit=150)
    return outs / name
