"""More rows than are held at a time: with limits so low that all is taken in ranges, a run gives the same bytes."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate import engine
from curate.filters import pool as picked
from curate.recipe.load import load
from curate.run import ledger, outputs, parts, pool, state
from curate.run.run import run_recipe
from tests.conftest import rows

SMALL = [
    (state, "RANGE", 40), (state, "_ROWS", 30), (ledger, "FILES", 1), (ledger, "RANGE", 25), (pool, "TOGETHER", 2_000),
    (picked, "_HELD", 10), (parts, "_FLUSH_ROWS", 50), (outputs, "_PIECE", 4_000), (engine, "_HELD", 1_000),
]  # fmt: skip
SIZED = {"size": 60, "shortfall": "redistribute"}
SOURCES = {
    "one": {
        "read": {"jsonl": {"path": "one.jsonl"}},
        "steps": [{"keep": {"length": {"min": 10}}}, {"select": {"exact_duplicates": {"column": "prompt"}}}],
        "sample": {"by": "domain", "domain_temperature": 3, "prefer": "score"},
    },
    "two": {"read": {"jsonl": {"path": "two.jsonl"}}, "steps": [{"select": {"top": {"n": 150}}}]},
    "three": {"read": {"jsonl": {"path": "three.jsonl"}}, "take": 20, "sample": {"random": {}}},
}
STEPS = [
    {"select": {"exact_duplicates": {"column": ["prompt", "response"], "prefer": None}}},
    {"keep": {"length": {"column": "prompt", "max": 14}}},
    {"select": {"domains": {"n": 160, "domain_temperature": 2}}},
]


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl):
    """Three files, with rows that stand in two, or twice in one, or have no answer."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    write_jsonl("one.jsonl", rows(150) + rows(30) + [row | {"response": "  "} for row in rows(9)])
    write_jsonl("two.jsonl", rows(200, license="x") + rows(40))
    write_jsonl("three.jsonl", rows(120, domain=None) + [{"prompt": f"Why {i}?", "response": "So."} for i in range(20)])
    return tmp_path


@pytest.mark.parametrize("recipe", [{"steps": STEPS, **SIZED}, {"steps": STEPS[:1]}], ids=["sampled", "whole"])
def test_a_run_in_ranges_gives_the_same_bytes(there, write_recipe, monkeypatch, recipe):
    sources = (
        SOURCES if "size" in recipe else {n: {k: s[k] for k in ("read", "steps") if k in s} for n, s in SOURCES.items()}
    )
    plan = load(write_recipe({"seed": 3, "sources": sources, **recipe}))
    whole = run_recipe(plan, there / "a/out")
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)
    ranged = run_recipe(plan, there / "b/out")
    assert ranged["outputs"] == whole["outputs"]
    assert len(list(there.glob("b/.stages/*/ledger-*.parquet"))) > ledger.FILES
    read = pl.read_parquet(there / "b/out/ledger.parquet")
    assert read.height == sum(count["read"] for count in whole["counts"].values()) > 2 * ledger.RANGE
    assert not [path for path in (there / "b/.stages").iterdir() if path.name.endswith(".building")]


def test_a_domain_a_row_is_summed_in_the_manifest_and_on_the_page(there, write_jsonl, write_recipe, monkeypatch):
    monkeypatch.setattr(outputs, "LISTED", 50)
    write_jsonl("many.jsonl", [{"prompt": f"{i}?", "response": "So.", "domain": f"d{i}"} for i in range(200)])
    many = {"read": {"jsonl": {"path": "many.jsonl"}}, "sample": {"by": "domain"}}
    manifest = run_recipe(load(write_recipe({"size": 80, "sources": {"many": many}})), there / "out")
    assert manifest["domains"][-1] | {"more_kept": 0} == {
        "source": "many", "domain": "150 more", "read": 150, "left": 150, "kept": manifest["domains"][-1]["kept"],
        "more": 150, "more_kept": 0,
    }  # fmt: skip
    assert sum(line["kept"] for line in manifest["domains"]) == 80
    assert sum(line["available"] for line in manifest["quotas"]) == 200 and len(manifest["quotas"]) == 51
    page = (there / "out/report.html").read_text()
    assert "200 domains read, 80 of them in the set." in page and "185 more" in page
    assert json.loads((there / "out/manifest.json").read_text())["domains"] == manifest["domains"]
