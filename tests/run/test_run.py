"""The promises of a run, each held against real runs over small files."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest

from curate.recipe.load import load
from curate.rows import SourceError, hash01, hash_file
from curate.run import run as story
from curate.run.budget import fill
from curate.run.check import verify
from curate.run.folder import why
from curate.run.run import run_recipe
from curate.run.state import RunError, Shortfall
from curate.run.step_error import StepError
from tests.conftest import rows

STEPS = [
    {"keep": {"length": {"min": 10}}},
    {"keep": {"at_least": {"column": "score", "value": 2}}},
]
RECIPE = {
    "seed": 3,
    "size": 20,
    "sources": {
        "one": {
            "read": {"jsonl": {"path": "one.jsonl"}},
            "take": 12,
            "steps": STEPS,
            "sample": {"by": "domain", "domain_temperature": 3, "prefer": "score"},
        },
        "two": {"read": {"jsonl": {"path": "two.jsonl"}}, "take": 8, "steps": STEPS},
    },
    "steps": [
        {"select": {"exact_duplicates": {"column": "prompt"}}},
        {"keep": {"length": {"column": "prompt", "max": 14}}},
    ],
}


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl):
    """Two files of 120 and 90 rows, of which some stand in both and some twice in one."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    write_jsonl("one.jsonl", rows(120) + rows(10))
    write_jsonl("two.jsonl", rows(90, license="x") + rows(5))
    return tmp_path


def hashes(manifest, *names):
    return {name: manifest["outputs"][name] for name in names or ("train.parquet", "train.jsonl", "ledger.parquet")}


def test_conservation_and_exact_size(there, write_recipe):
    manifest = run_recipe(load(write_recipe(RECIPE)), there / "out")
    assert pl.read_parquet(there / "out/train.parquet").height == 20
    ledger = pl.read_parquet(there / "out/ledger.parquet")
    assert ledger.height == 130 + 95
    for name, read in (("one", 130), ("two", 95)):
        count = manifest["counts"][name]
        assert count["read"] == read == count["kept"] + count["dropped"]
        asked = ledger.filter(pl.col("source") == name)
        assert asked.filter("kept").height == count["kept"]
        assert asked.filter(pl.col("dropped_by").is_null() != pl.col("kept")).height == 0
    assert ledger.filter("kept")["id"].is_unique().all()


def test_every_dropped_row_has_a_reason(there, write_recipe):
    run_recipe(load(write_recipe(RECIPE)), there / "out")
    dropped = pl.read_parquet(there / "out/ledger.parquet").filter(~pl.col("kept"))
    assert dropped.filter(pl.col("detail").is_null()).height == 0
    assert {"length", "at_least", "exact_duplicates", "repeated", "sample"} <= {
        label.partition("(")[0] for label in dropped["dropped_by"]
    }


@pytest.mark.slow
def test_same_bytes_for_a_second_run_any_order_and_any_batch_size(there, write_recipe):
    recipe = load(write_recipe(RECIPE))
    first = hashes(run_recipe(recipe, there / "a/out"))
    assert hashes(run_recipe(recipe, there / "a/out")) == first
    assert hashes(run_recipe(recipe, there / "b/out", batch_rows=7)) == first
    assert hashes(run_recipe(recipe, there / "c/out", batch_rows=100_000)) == first
    for name in ("one.jsonl", "two.jsonl"):
        lines = (there / name).read_text().splitlines(keepends=True)
        random.Random(5).shuffle(lines)
        (there / name).write_text("".join(lines))
    assert hashes(run_recipe(recipe, there / "d/out")) == first


def test_another_seed_is_another_set(there, write_recipe):
    first = run_recipe(load(write_recipe(RECIPE)), there / "a/out")
    other = run_recipe(load(write_recipe(RECIPE), seed=4), there / "a/out")
    assert hashes(first) != hashes(other)


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_same_bytes_for_any_number_of_threads(there, write_recipe, threads):
    file = write_recipe(RECIPE)
    first = hashes(run_recipe(load(file), there / "a/out"))
    command = [sys.executable, "-m", "curate", "run", str(file), "--out", str(there / threads / "out"), "--json"]
    env = os.environ | {"POLARS_MAX_THREADS": threads}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert hashes(json.loads(done.stdout)) == first


def test_a_second_run_reuses_every_stage(there, write_recipe):
    recipe = load(write_recipe(RECIPE))
    first = run_recipe(recipe, there / "out")["stages"]
    second = run_recipe(recipe, there / "out")["stages"]
    assert first["reused"] == []
    assert (second["built"], len(second["reused"])) == ([], len(first["built"]))


def test_a_changed_input_is_read_again_and_the_other_is_not(there, write_recipe, write_jsonl):
    recipe = load(write_recipe(RECIPE))
    run_recipe(recipe, there / "out")
    write_jsonl("two.jsonl", rows(95, license="y"))
    built = run_recipe(recipe, there / "out")["stages"]["built"]
    assert [name for name in built if name.startswith("one")] == []
    assert [name for name in built if name.startswith("two")] != []


@pytest.mark.slow
def test_a_changed_module_or_word_list_runs_its_step_again(there, write_recipe):
    module = there / "listed_words.py"
    module.write_text(
        "import polars as pl\nfrom pathlib import Path\n\n"
        "def unlisted(column: str = 'response', *, words: str) -> pl.Expr:\n"
        "    return ~pl.col(column).str.contains_any(Path(words).read_text().split())\n"
    )
    words = there / "words.txt"
    words.write_text("Warm")
    steps = [{"keep": {"listed_words:unlisted": {"words": str(words)}}}]
    recipe = write_recipe({"sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": steps}}})

    def run():
        manifest = run_recipe(load(recipe), there / "out")
        return manifest["counts"]["one"]["kept"], len(manifest["stages"]["built"])

    kept, built = run()
    assert (kept, built) == (80, 1)
    assert run() == (kept, 0)
    words.write_text("Warm think")
    assert run() == (40, 1)
    module.write_text(module.read_text() + "# changed\n")
    assert run() == (40, 1)


def test_what_a_run_writes(there, write_recipe):
    manifest = run_recipe(load(write_recipe(RECIPE)), there / "out")
    names = {file.name for file in (there / "out").glob("[!.]*")}
    assert names == {
        "train.parquet",
        "train.jsonl",
        "train.prompt_completion.parquet",
        "ledger.parquet",
        "examples.parquet",
        "quarantine.jsonl",
        "manifest.json",
        "report.html",
        "README.md",
    }
    assert {n: hash_file(there / "out" / n) for n in manifest["outputs"]} == manifest["outputs"]
    assert json.loads((there / "out/manifest.json").read_text())["table"] == manifest["table"]


def test_shortfall_fails_loudly_and_leaves_what_there_is(there, write_recipe):
    with pytest.raises(Shortfall, match=r"one has \d+ of 600") as error:
        run_recipe(load(write_recipe(RECIPE), ("size=1000",)), there / "out")
    manifest = json.loads((there / "out/manifest.json").read_text())
    assert manifest["short"] == error.value.manifest["short"] and manifest["short"]["ways"]
    assert hashes(manifest) == {name: hash_file(there / "out" / name) for name in hashes(manifest)}
    for page in ("report.html", "README.md"):
        assert "too few rows: one has" in (there / "out" / page).read_text()
    assert set(verify(there / "out").values()) == {"same"}
    dropped = pl.read_parquet(there / "out/ledger.parquet").filter(~pl.col("kept"))["id"][0]
    assert why(there / "out", dropped)["dropped_by"]


def test_shortfall_accepted_gives_a_smaller_set(there, write_recipe):
    manifest = run_recipe(load(write_recipe(RECIPE), ("size=1000", "shortfall=accept")), there / "out")
    assert 20 < sum(row["taken"] for row in manifest["table"]) < 225


def test_an_optional_source_that_is_not_there_hands_on_its_share(there, write_recipe):
    sources = {**RECIPE["sources"], "gone": {"read": {"jsonl": {"path": "gone.jsonl"}}, "take": 20, "optional": True}}
    recipe = {**RECIPE, "sources": sources, "shortfall": "redistribute"}
    manifest = run_recipe(load(write_recipe(recipe)), there / "out")
    assert sum(row["taken"] for row in manifest["table"]) == 20
    assert "gone" in manifest["absent"]
    with pytest.raises(SourceError, match=r"recipe.yaml:\d+: source 'gone'"):
        run_recipe(load(write_recipe(recipe), ("sources.gone.optional=false",)), there / "out")


def test_a_column_that_is_not_there_is_said_with_step_line_and_suggestion(there, write_recipe):
    recipe = {
        "sources": {
            "one": {
                "read": {"jsonl": {"path": "one.jsonl"}},
                "steps": [{"keep": {"length": {"column": "respons", "min": 1}}}],
            }
        }
    }
    with pytest.raises(
        StepError, match=r"recipe.yaml:\d+: keep length: reads the column 'respons'.*did you mean 'response'"
    ):
        run_recipe(load(write_recipe(recipe)), there / "out")


def test_columns_missing_behind_an_edit_are_told_with_their_own_steps(there, write_recipe):
    steps = [
        {"edit": {"strip_links": {"column": "response"}}},
        {"edit": {"html_to_markdown": {"column": "body"}}},
        {"keep": {"length": {"column": "body", "min": 1}}},
        {"keep": {"length": {"column": "respons", "min": 1}}},
    ]
    recipe = {"sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": steps}}}
    with pytest.raises(StepError) as caught:
        run_recipe(load(write_recipe(recipe)), there / "out")
    body, respons = str(caught.value).splitlines()
    assert ": edit html_to_markdown: reads the column 'body', which these rows do not have; known: " in body
    assert ": keep length: reads the column 'respons', which" in respons and "did you mean 'response'?" in respons
    lines = [int(one.split(".yaml:")[1].partition(":")[0]) for one in (body, respons)]
    text = (there / "recipe.yaml").read_text().splitlines()
    assert "html_to_markdown" in text[lines[0] - 1] and any(
        "length" in line for line in text[lines[1] - 1 : lines[1] + 2]
    )


def test_a_users_function_that_raises_is_named(there, write_recipe, monkeypatch):
    (there / "raising_filter.py").write_text(
        "import polars as pl\n\ndef broken(column: str = 'response') -> pl.Expr:\n"
        "    return pl.col(column).map_batches(boom, return_dtype=pl.Boolean, is_elementwise=True)\n\n"
        "def boom(series: pl.Series) -> pl.Series:\n    raise RuntimeError('no model here')\n"
    )
    recipe = {
        "sources": {
            "one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": [{"keep": {"raising_filter:broken": {}}}]}
        }
    }
    with pytest.raises(StepError, match=r"keep raising_filter:broken: .*no model here"):
        run_recipe(load(write_recipe(recipe)), there / "out")


def test_a_bad_record_costs_only_itself_and_too_many_stop_the_run(there, write_recipe):
    with (there / "one.jsonl").open("ab") as file:
        file.write(b'{"prompt": "broken \xff utf-8", "response": "x"}\n')
    with pytest.raises(RunError, match=r"source 'one': 1 of 131 records.*--set max_bad"):
        run_recipe(load(write_recipe(RECIPE), ("max_bad=0.007",)), there / "out")
    manifest = run_recipe(load(write_recipe(RECIPE)), there / "out")
    assert manifest["counts"]["one"] == {"read": 130, "kept": 12, "dropped": 118, "quarantined": 1}
    bad = json.loads((there / "out/quarantine.jsonl").read_text())
    assert (bad["source"], bad["where"]) == ("one", "line 131")


def test_what_a_selector_says_of_its_choice_stands_in_the_manifest(there, write_recipe):
    (there / "saying_selector.py").write_text(
        "import polars as pl\nfrom curate.filter import Choice\n\n"
        "def first(pool: pl.DataFrame, *, n: int) -> Choice:\n"
        "    kept = pl.Series([i < n for i in range(pool.height)])\n"
        "    return Choice(kept, pl.Series([None if k else 'later' for k in kept]), {'of': pool.height})\n"
    )
    recipe = {
        "sources": {"one": RECIPE["sources"]["one"] | {"take": None}},
        "steps": [{"select": {"saying_selector:first": {"n": 3}}}],
    }
    manifest = run_recipe(load(write_recipe(recipe)), there / "out")
    assert manifest["notes"] == {"first": {"of": 64}}
    assert run_recipe(load(write_recipe(recipe)), there / "out")["notes"] == manifest["notes"], (
        "reused stages say it too"
    )


def test_limit_reads_that_many_rows_of_each_part(there, write_recipe):
    recipe = load(write_recipe({"sources": RECIPE["sources"], "shortfall": "accept"}))
    manifest = run_recipe(recipe, there / "out", limit=9, batch_rows=4)
    assert {name: c["read"] for name, c in manifest["counts"].items()} == {"one": 9, "two": 9}


def test_a_set_of_no_rows_is_written_too(there, write_recipe):
    manifest = run_recipe(
        load(
            write_recipe(
                {
                    "sources": {
                        "one": {
                            "read": {"jsonl": {"path": "one.jsonl"}},
                            "steps": [{"keep": {"length": {"min": 9999}}}],
                        }
                    }
                }
            )
        ),
        there / "out",
    )
    assert manifest["counts"]["one"]["kept"] == 0
    assert pl.read_parquet(there / "out/train.parquet").height == 0


def test_a_selector_sees_the_rows_in_the_order_of_their_ids(there, write_recipe):
    (there / "ordered_selector.py").write_text(
        "import polars as pl\nfrom curate.filter import Choice\n"
        "def in_order(pool: pl.DataFrame) -> Choice:\n"
        "    keep = pl.Series([pool['id'].is_sorted()] * pool.height, dtype=pl.Boolean)\n"
        "    return Choice(keep, pl.Series([None] * pool.height, dtype=pl.String))\n"
    )
    recipe = {"sources": RECIPE["sources"], "steps": [{"select": {"ordered_selector:in_order": {}}}]}
    assert run_recipe(load(write_recipe(recipe)), there / "out")["counts"]["one"]["kept"] == 12


def test_the_set_is_shuffled_by_the_seed_alone(there, write_recipe):
    run_recipe(load(write_recipe(RECIPE)), there / "out")
    rows = pl.read_parquet(there / "out/train.parquet")
    assert rows["id"].to_list() == rows.sort(hash01("id", 3, "order"))["id"].to_list() != sorted(rows["id"])


def test_a_run_that_lost_a_row_fails(there, write_recipe, monkeypatch):
    def lose(*args):
        result = fill(*args)
        alive = result.pool.alive
        return replace(result, pool=replace(result.pool, alive=alive & (alive.cum_sum() > 1)))

    monkeypatch.setattr(story, "fill", lose)
    with pytest.raises(RunError, match=r"source '(one|two)': read \d+, but kept \d+ and dropped \d+"):
        run_recipe(load(write_recipe(RECIPE)), there / "out")
