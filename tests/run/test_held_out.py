"""Rows held out of a set: as many as asked, the same ones in any order, and nothing that asks the same in the set."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.recipe.load import load
from curate.recipe.places import RecipeError
from curate.report.steps import lines
from curate.run.check import verify
from curate.run.folder import why
from curate.run.prediction import sample_yield, size_reached
from curate.run.run import run_recipe
from curate.run.state import RunError, Shortfall

Row = dict[str, Any]
WORDS = [f"{a}{b}" for a in ("am", "br", "cl", "do", "em", "fj") for b in ("ber", "ick", "oud", "ugh", "ord")]


def question(number: int, words: int = 12) -> str:
    return " ".join(random.Random(number).sample(WORDS, words)).capitalize() + "?"


def user(text: str) -> Row:
    return {"role": "user", "content": text}


def asked_alike(number: int) -> list[Row]:
    """Four rows about one thing: a question, other capitals, one word more, and a dialogue that begins with it."""
    text = question(number)
    history = [user(text), {"role": "assistant", "content": f"Of {number}, so."}]
    prompts: list[Row] = [
        {"prompt": text},
        {"prompt": text.upper()},
        {"prompt": f"Please: {text}"},
        {"prompt": "And then what comes of it in the end?", "history": history},
    ]
    return [{**row, "response": f"Answer {i} of {number}.", "of": number} for i, row in enumerate(prompts)]


def differing(count: int, start: int = 1000) -> list[Row]:
    return [{"prompt": question(start + i), "response": f"So, {i}.", "of": start + i} for i in range(count)]


@pytest.fixture
def run(tmp_path, monkeypatch, write_recipe):
    """Run a recipe over rows of one or several sources; give the manifest."""
    monkeypatch.chdir(tmp_path)

    def run(rows: list[Row] | dict[str, list[Row]], dev: float, takes: Row | None = None, **more: Any) -> Any:
        sources = rows if isinstance(rows, dict) else {"mine": rows}
        for name, some in sources.items():
            Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
        read = {
            name: {"read": {"jsonl": {"path": f"{name}.jsonl"}}, "take": (takes or {}).get(name)} for name in sources
        }
        output = {"dev": dev, **more.pop("output", {})}
        return run_recipe(load(write_recipe({"sources": read, "output": output, **more})), tmp_path / "out")

    return run


def parts(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_parquet(folder / "out/train.parquet"), pl.read_parquet(folder / "out/dev.parquet")


@pytest.mark.parametrize(
    ("dev", "size", "held_out"),
    [
        pytest.param(7, 20, 7, id="a number of rows"),
        pytest.param(7, None, 7, id="of all rows"),
        pytest.param(0.1, 20, 2, id="a share of the size"),
        pytest.param(0.1, None, 6, id="a share of all rows"),
        pytest.param(0.001, None, 1, id="one row at least"),
    ],
)
def test_the_numbers_are_exact_and_counted(run, tmp_path, dev, size, held_out):
    manifest = run(differing(60), dev, **({"size": size} if size else {}))
    train, rows = parts(tmp_path)
    assert (train.height, rows.height) == (size or 60 - held_out, held_out)
    assert set(train["id"]).isdisjoint(rows["id"]) and train.columns == rows.columns
    assert manifest["dev"] == {"rows": held_out, "near": 0, "sources": {"mine": held_out}}
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet")
    assert set(ledger.filter(dropped_by="dev")["id"]) == set(rows["id"])
    assert manifest["counts"]["mine"] == {
        "read": 60,
        "kept": train.height,
        "dropped": 60 - train.height,
        "quarantined": 0,
    }
    funnel = {row["step"]: row["first"] for row in manifest["funnel"]}
    assert funnel == {"dev": held_out, "near_dev": 0, "sample": 60 - held_out - train.height}
    assert [line.label for line in lines(manifest, "mine")] == ["dev", "near_dev", "sample"]
    way = why(tmp_path / "out", rows["id"][0])
    assert (way["dropped_by"], way["steps"][0]["evidence"]) == ("dev", "held out of the set")
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert f"The split `dev` has {held_out} row" in card and "| `rows` | `dev` | `dev.parquet` |" in card
    files = {"dev.parquet", "dev.jsonl", "dev.prompt_completion.parquet"}
    assert files <= manifest["outputs"].keys()


def test_nothing_in_the_set_asks_what_a_row_held_out_asks(run, tmp_path):
    rows = [row for number in range(12) for row in asked_alike(number)] + differing(20)
    manifest = run(rows, 6, seed=1)
    train, dev = parts(tmp_path)
    groups = set(dev["of"])
    assert dev.height == 6 and len(groups & set(range(12))) > 2, "the draw should meet rows that others are like"
    assert set(train["of"]).isdisjoint(groups)
    alike = sum(row["of"] in groups for row in rows)
    assert manifest["dev"]["near"] == alike - 6 == len(rows) - train.height - 6
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet").filter(dropped_by="near_dev")
    reasons = {row["detail"][0]["reason"].rsplit(" of ")[0].split()[0] for row in ledger.to_dicts()}
    assert reasons == {"begins", "near"}


def test_the_same_rows_whatever_order_they_come_in(run, tmp_path):
    rows = [row for number in range(12) for row in asked_alike(number)] + differing(20)
    first = run(rows, 6, size=20)["outputs"]
    assert set(verify(tmp_path / "out").values()) == {"same"}
    random.Random(5).shuffle(rows)
    assert run(rows, 6, size=20)["outputs"] == first
    assert run(rows, 6, size=20, seed=9)["outputs"]["dev.parquet"] != first["dev.parquet"]


def test_sources_give_of_it_what_they_give_of_the_set(run, tmp_path):
    rows = {"small": differing(40), "large": differing(100, 2000), "filler": differing(50, 4000)}
    takes = {"small": 20, "large": 10, "filler": 0}
    assert run(rows, 6, takes, size=30)["dev"]["sources"] == {"large": 2, "small": 4}
    assert run(rows, 19)["dev"]["sources"] == {"filler": 5, "large": 10, "small": 4}


def test_rows_of_both_parts_are_read_alike(run, tmp_path):
    """One row has a history and a column of its own: both parts have the columns, and turns in the same form."""
    odd = {
        "prompt": "And?",
        "history": [user("What is odd here?"), {"role": "assistant", "content": "So."}],
        "extra": 1,
    }
    run([*differing(30), {**odd, "response": "This.", "of": 0}], 10, output={"formats": ["messages", "alpaca"]})
    train, dev = parts(tmp_path)
    assert train.schema == dev.schema and "extra" in dev.columns
    for name in ("messages", "alpaca"):
        one, other = (pl.read_parquet_schema(tmp_path / f"out/{part}.{name}.parquet") for part in ("train", "dev"))
        assert one == other
        assert (tmp_path / ("out/dev.jsonl" if name == "messages" else "out/dev.alpaca.jsonl")).stat().st_size


def test_a_row_accepted_by_hand_stays_in_the_set(run, tmp_path):
    rows = [row for number in range(4) for row in asked_alike(number)]
    run(rows, 1)
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet")
    train, dev = parts(tmp_path)
    mine = [row for row in ledger.to_dicts() if row["id"] in {*train["id"], *dev["id"]}]
    of = {row["id"]: row["of"] for row in [*train.to_dicts(), *dev.to_dicts()]}
    decision = {"id": dev["id"][0], "decision": "accept", "by": "Ada", "at": "2026-11-30"}
    Path("by_hand.jsonl").write_text(json.dumps(decision) + "\n", encoding="utf-8")
    run(rows, 1, overrides="by_hand.jsonl")
    again, held_out = parts(tmp_path)
    assert mine and decision["id"] in set(again["id"]) and of[held_out["id"][0]] != dev["of"][0]


@pytest.mark.parametrize(
    ("count", "dev", "sentence"),
    [
        pytest.param(5, 6, "holds out 6 rows, and every step left 5: hold out fewer", id="more than there are"),
        pytest.param(5, 5, "holds out 5 rows, and every step left 5: hold out fewer", id="all of them"),
    ],
)
def test_too_few_rows_are_an_error(run, count, dev, sentence):
    with pytest.raises(RunError, match=sentence):
        run(differing(count), dev)


def test_a_shortfall_says_what_is_held_out(run):
    with pytest.raises(Shortfall, match=r"mine has 8 of 10; .*; 2 rows are held out, and 0 more are near one"):
        run(differing(10), 2, size=10)


def test_a_prediction_counts_what_is_held_out(run, tmp_path):
    run(differing(40), 20, size=20)
    for size, says in ((20, "is reached"), (21, "is not reached")):
        plan = load(tmp_path / "recipe.yaml", (f"size={size}",))
        assert says in str(size_reached(plan, sample_yield(plan, 100)))


@pytest.mark.parametrize("dev", ["0", "-3", "1.0", "0.0", "1.5", "true", "x", "[1]"])
def test_what_is_no_number_of_rows_is_said(run, tmp_path, dev):
    run(differing(3), 1)
    with pytest.raises(RecipeError, match="should be a number of rows, a share below 1, or a source of prompts, not"):
        load(tmp_path / "recipe.yaml", (f"output.dev={dev}",))
