"""Answers and pairs in a run: every row accounted for, nothing asked twice, and what is missing asked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.pairs.samples import Result
from curate.recipe.load import load
from curate.recipe.places import RecipeError
from curate.run.check import verify
from curate.run.folder import open_out, why
from curate.run.pool import _replace
from curate.run.prediction import sample_yield
from curate.run.run import run_recipe
from curate.run.state import MANIFEST
from curate.turns import TURNS
from tests.conftest import rows

# A generator of one's own, as a recipe names it: it answers by rule, writes down what it was asked, and fails as told.
MODULE = """
import json
from pathlib import Path

from curate.models.generators import Answer, Failed, Generator
from curate.models.generators.ask import Settings

HERE = Path(__file__).parent


class Engine:
    context, asked = 200, 0

    def prompt_tokens(self, messages, tools=None):
        return sum(len(m["content"].split()) for m in messages)

    def answer(self, asks, sampling):
        down = json.loads((HERE / "down.json").read_text()) if (HERE / "down.json").exists() else []
        for i, ask in enumerate(asks):
            said = ask.messages[-1]["content"]
            with (HERE / "asked.txt").open("a") as file:
                file.write(said + "\\n")
            style = "warm" if "warm" in ask.messages[0]["content"] else "cold"
            if said in down:
                yield i, Failed("the server was down", again=True)
            else:
                yield i, Answer(f"A {style} word on {said} ({ask.seed % 7})", "stop", 3, 5)

    def close(self):
        pass


def parrot(temperature: float = 1.0) -> Generator:
    return Generator(Settings("own", "parrot", engine={"home": str(HERE)}, address="here", sampling={"temperature": temperature}), Engine)


def words(prompt: str, response: str) -> float:
    return float(response.split("(")[1][0])
"""


@pytest.fixture
def recipe(tmp_path: Path, write_jsonl: Any, write_recipe: Any) -> Any:
    module = f"own_{abs(hash(tmp_path))}"
    (tmp_path / f"{module}.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "warm.txt").write_text("# for people\nBe warm.", encoding="utf-8")
    (tmp_path / "cold.txt").write_text("Be cold.", encoding="utf-8")
    source = write_jsonl("a.jsonl", rows(8))

    def write(step: dict[str, Any], **more: Any) -> Path:
        file: Path = write_recipe(
            {
                "generators": {"bird": {f"{module}:parrot": {}}},
                "judges": {"digit": {f"{module}:words": {}}},
                "sources": {"a": {"read": {"jsonl": {"path": str(source)}}}},
                "steps": [step],
                **more,
            }
        )
        return file

    return write


STYLES = {"pair": {"styles": {"generator": "bird", "chosen": "warm.txt", "rejected": "cold.txt"}}}
BEST = {"answer": {"best": {"generator": "bird", "judge": "digit", "n": 3}}}


def asked(folder: Path) -> list[str]:
    return (folder / "asked.txt").read_text().splitlines()


def test_pairs_stand_in_place_of_responses_and_say_what_made_them(tmp_path, recipe):
    out = tmp_path / "out/a"
    manifest = run_recipe(load(recipe(STYLES)), out)
    made = pl.read_parquet(out / "train.parquet")
    assert made.height == 8 and "response" not in made.columns
    assert made["chosen"].str.starts_with("A warm word").all() and made["rejected"].str.starts_with("A cold word").all()
    record = json.loads((out / "train.jsonl").read_text().splitlines()[0])
    assert [turn["role"] for turn in record["prompt"]] == ["user"] and record["chosen"][0]["role"] == "assistant"
    assert manifest["generators"]["bird"]["model"] == "parrot" and manifest["texts"]["warm.txt"] == "Be warm."
    assert "parrot" in (out / "README.md").read_text() and "shortcuts" in manifest
    ledger = open_out(out)[1].collect()
    assert {c for c in ledger.columns if c.startswith("styles.")} and ledger["styles"].all()
    assert [s["outcome"] for s in why(out, ledger["id"][0])["steps"]] == ["passed", "passed"]


def test_rejection_sampling_keeps_the_best_answer(tmp_path, recipe):
    run_recipe(load(recipe(BEST)), tmp_path / "out/a")
    made = pl.read_parquet(tmp_path / "out/a/train.parquet")
    digits = made["response"].str.extract(r"\((\d)\)").cast(pl.Float64)
    assert made["score"].equals(digits.alias("score")) and "chosen" not in made.columns
    assert len(asked(tmp_path)) == 24


@pytest.mark.slow
def test_what_was_not_answered_is_told_and_asked_again_and_nothing_else_is(tmp_path, recipe):
    file, out = recipe(STYLES), tmp_path / "out/a"
    (tmp_path / "down.json").write_text('["Question 3?", "Question 5?"]')
    first = run_recipe(load(file), out)
    assert first["counts"]["a"] == {"read": 8, "kept": 6, "dropped": 2, "quarantined": 0}
    lines = [json.loads(line) for line in (out / "quarantine.jsonl").read_text().splitlines()]
    assert {line["raw"] for line in lines} == {"Question 3?", "Question 5?"}
    assert all("down" in line["error"] for line in lines)
    (tmp_path / "down.json").unlink()
    before = len(asked(tmp_path))
    second = run_recipe(load(file), out)
    assert second["counts"]["a"]["kept"] == 8
    assert sorted(asked(tmp_path)[before:]) == ["Question 3?"] * 2 + ["Question 5?"] * 2
    third = run_recipe(load(file), out)
    assert third["outputs"]["train.parquet"] == second["outputs"]["train.parquet"] and not third["stages"]["built"]
    assert len(asked(tmp_path)) == before + 4


def test_an_answer_depends_on_its_row_alone(tmp_path, recipe, write_jsonl):
    run_recipe(load(recipe(STYLES)), tmp_path / "one/a")
    write_jsonl("a.jsonl", rows(8)[3:][::-1])
    run_recipe(load(recipe(STYLES)), tmp_path / "two/a")
    some, all_ = (pl.read_parquet(tmp_path / folder / "a/train.parquet") for folder in ("two", "one"))
    assert some.height == 5 and some.join(all_, on=["id", "chosen", "rejected"], how="anti").is_empty()


def test_a_prompt_too_long_for_the_model_never_reaches_it(tmp_path, recipe, write_jsonl):
    write_jsonl("a.jsonl", [*rows(2), {"prompt": "so " * 300, "response": "x"}])
    manifest = run_recipe(load(recipe(STYLES)), tmp_path / "out/a")
    assert manifest["counts"]["a"]["kept"] == 2 and not any(line.startswith("so") for line in asked(tmp_path))
    assert "302 tokens" in (tmp_path / "out/a/quarantine.jsonl").read_text()
    assert not run_recipe(load(recipe(STYLES)), tmp_path / "out/a")["stages"]["built"]  # no second try would help


def test_check_asks_no_model(tmp_path, recipe):
    found = sample_yield(load(recipe(STYLES)), 100)
    assert found[0]["kept"] == 8 and not (tmp_path / "asked.txt").exists()


def test_verify_takes_what_a_model_said_as_an_input(tmp_path, recipe, monkeypatch):
    file, out = recipe(STYLES), tmp_path / "out/a"
    run_recipe(load(file), out)
    (tmp_path / "warm.txt").unlink()  # the manifest knows what it said
    before = len(asked(tmp_path))
    monkeypatch.chdir(tmp_path)  # where the recipe's own module stands
    assert set(verify(out, trusted=True).values()) == {"same"} and len(asked(tmp_path)) == before
    assert "key" not in (out / MANIFEST).read_text().lower().replace("keys", "")


def test_enough_rows_and_no_more_are_answered(tmp_path, recipe):
    steps = [{"select": {"enough": {"surplus": 1.5}}}, BEST]
    manifest = run_recipe(load(recipe(BEST, steps=steps, size=2)), tmp_path / "out/a")
    assert manifest["counts"]["a"]["kept"] == 2 and len(asked(tmp_path)) == 9


@pytest.mark.parametrize(
    ("step", "more", "said"),
    [
        pytest.param(
            {"pair": {"styles": {"generator": "brid", "chosen": "warm.txt", "rejected": "cold.txt"}}},
            {},
            "there is no generator 'brid' in this recipe; did you mean 'bird'?",
            id="a generator that the recipe does not have",
        ),
        pytest.param(
            {"pair": {"styles": {"generator": "bird", "chosen": "hot.txt", "rejected": "cold.txt"}}},
            {},
            "there is no text file hot.txt",
            id="a text file that is nowhere",
        ),
        pytest.param(
            {"pair": {"best": {"generator": "bird", "judge": "digit"}}},
            {},
            "'best' is a maker of answers, so its verb is 'answer', not 'pair'",
            id="a verb that does not fit",
        ),
        pytest.param(
            {"answer": {"best": {"generator": "digit", "judge": "digit"}}},
            {},
            "there is no generator 'digit'",
            id="a judge where a generator is needed",
        ),
        pytest.param(
            STYLES,
            {"generators": {"bird": {"vllm": {"model": "x", "sampling": {"temprature": 1}}}}},
            "did you mean 'temperature'?",
            id="a sampling setting that vLLM does not have",
        ),
        pytest.param(
            {"select": {"enough": {}}}, {}, "goes by the recipe's `size`, which is missing", id="no size to go by"
        ),
    ],
)
def test_names_that_lead_nowhere_are_told(recipe, step, more, said):
    with pytest.raises(RecipeError) as error:
        load(recipe(step, **more))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("written", "gone"),
    [
        pytest.param({"response": ["new"]}, ["response_turns", "chosen_turns"], id="a new answer"),
        pytest.param({"chosen": ["a"], "rejected": ["b"]}, ["response_turns", "chosen_turns"], id="a new pair"),
        pytest.param({"other": ["x"]}, [], id="something else"),
    ],
)
def test_what_an_answer_had_beside_its_text_goes_with_it(written, gone):
    turns = pl.Series([[{"role": "assistant", "thinking": "hm"}]], dtype=TURNS)
    rows = pl.DataFrame({"response": ["old"], "chosen": ["c"], "rejected": ["r"]})
    rows = rows.with_columns(response_turns=turns, chosen_turns=turns)
    none = pl.Series([False])
    after = _replace(rows, Result(pl.DataFrame(written), pl.Series([None]), pl.DataFrame(), none, none))
    assert [name for name in ("response_turns", "chosen_turns") if after[name].is_null().all()] == gone
