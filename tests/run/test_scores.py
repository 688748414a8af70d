"""Scores of the pool in a run: after what earlier steps left, with their reasons, and nothing asked twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.recipe.load import load
from curate.recipe.places import RecipeError
from curate.run.check import verify
from curate.run.folder import open_out, why
from curate.run.prediction import sample_yield
from curate.run.run import run_recipe
from tests.conftest import rows
from tests.models.generators.servers import Chat, Reply, error, good, serving

LENGTH = {"keep": {"length": {"column": "response", "min": 14}}}  # two of three
JUDGED = {"score": {"judged": {"judge": "strict"}}, "as": "accuracy"}
GOOD = {"keep": {"at_least": {"column": "accuracy", "value": 3}}, "as": "good"}


def grade(body: dict[str, Any], tried: int) -> Reply:
    """Grade by the number of the question; one reply is prose."""
    number = int(re.findall(r"Question (\d+)\?", body["messages"][-1]["content"])[0])
    text = "1. The response is wrong." if number == 3 else json.dumps({"verdict": str(number % 6)})
    return good(body, text)


@pytest.fixture
def recipe(tmp_path: Path, write_jsonl: Any, write_recipe: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    source = write_jsonl("a.jsonl", rows(30))

    def write(server: Chat | None, steps: list[Any], **more: Any) -> Path:
        asks = {"openai": {"model": "small", "base_url": server.url, "max_retries": 0}} if server else None
        models = {
            "generators": {"remote": asks},
            "judges": {"strict": {"verdict": {"generator": "remote", "scale": "accuracy"}}},
        }
        file: Path = write_recipe(
            {
                **(models if server else {}),
                "sources": {"a": {"read": {"jsonl": {"path": str(source)}}}},
                "steps": steps,
                **more,
            }
        )
        return file

    return write


@pytest.mark.slow
def test_a_judge_is_asked_about_the_rows_left_and_a_reply_that_is_no_grade_is_told(tmp_path, recipe):
    heard: list[tuple[str, int | None]] = []
    with serving(grade) as server:
        file, out = recipe(server, [LENGTH, JUDGED, GOOD]), tmp_path / "out/a"
        assert sample_yield(load(file), 100)[0]["kept"] == 20 and not server.bodies  # check asks nobody
        manifest = run_recipe(
            load(file), out, progress=lambda what, n, total=None, tokens=0: heard.append((what, total))
        )
        assert len(server.bodies) == 20
        ledger = open_out(out)[1].collect()
        asked = ledger.filter("length")
        assert asked["accuracy"].null_count() == 1 and ledger.filter(~pl.col("length"))["accuracy"].is_null().all()
        [unread] = asked.filter(pl.col("accuracy").is_null()).to_dicts()
        assert unread["accuracy.why"] == "no grade: the reply is no JSON: '1. The response is wrong.'"
        assert unread["dropped_by"] == "good" and unread["detail"][0]["reason"] == "no value to judge"
        assert manifest["notes"]["accuracy"] == {"graded": 19.0, "without a grade": 1.0}
        assert manifest["reasons"]["accuracy"] == [[unread["accuracy.why"], 1]]
        kept = pl.read_parquet(out / "train.parquet")
        assert kept.height == manifest["counts"]["a"]["kept"] == 9 and (kept["accuracy"] >= 3).all()
        assert ("remote", 20) in heard
        ways = [
            next(s for s in why(out, id_)["steps"] if s["label"] == "accuracy") for id_ in (kept["id"][0], unread["id"])
        ]
        assert [way["measured"] for way in ways] == [{"score": kept["accuracy"][0]}, {}]
        assert [way["evidence"] for way in ways] == [None, unread["accuracy.why"]]
        again = run_recipe(load(recipe(server, [LENGTH, JUDGED])), tmp_path / "out/b")
        assert again["counts"]["a"]["kept"] == 20 and len(server.bodies) == 20
        assert set(verify(out, trusted=True).values()) == {"same"} and len(server.bodies) == 20


@pytest.mark.slow
def test_what_a_server_did_not_grade_is_asked_next_time_and_nothing_else_is(tmp_path, recipe):
    down = {"Question 1?", "Question 4?"}

    def reply(body: dict[str, Any], tried: int) -> Reply:
        said = body["messages"][-1]["content"]
        return error(500) if any(f"\n{name}\n" in said for name in down) else grade(body, tried)

    with serving(reply) as server:
        file, out = recipe(server, [LENGTH, JUDGED]), tmp_path / "out/a"
        first = run_recipe(load(file), out)
        assert first["open"] == {"accuracy": 2} and first["counts"]["a"]["kept"] == 20
        assert "the server answered 500" in first["reasons"]["accuracy"][0][0]
        down.clear()
        before = len(server.bodies)
        second = run_recipe(load(file), out)
        assert len(server.bodies) - before == 2 and "open" not in second
        assert not run_recipe(load(file), out)["stages"]["built"] and len(server.bodies) - before == 2


@pytest.mark.slow
def test_killed_and_started_again_no_grade_is_asked_for_twice(tmp_path, recipe, write_jsonl):
    write_jsonl("a.jsonl", rows(120))
    with serving(grade, delay=0.02) as server:
        file = recipe(server, [JUDGED])
        command = [sys.executable, "-m", "curate", "run", str(file), "--out", str(tmp_path / "out/a")]
        running = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.bodies) < 40:
            assert running.poll() is None
            time.sleep(0.002)
        running.kill()
        running.wait()
        before = len(server.bodies)
        assert before < 120
        manifest = run_recipe(load(file), tmp_path / "out/a")
        under_way = len(server.bodies) - 120
        assert len(server.asked) == 120 and 0 <= under_way <= 64  # what was being asked at the kill
        assert manifest["notes"]["accuracy"] == {"graded": 119.0, "without a grade": 1.0}
    calm = tmp_path / "calm/a"
    with serving(grade) as server:
        assert (
            run_recipe(load(recipe(server, [JUDGED])), calm)["outputs"]["ledger.parquet"]
            == manifest["outputs"]["ledger.parquet"]
        )


VOTES = {"score": "votes"}


def test_scores_of_the_pool_rest_on_no_order_and_drop_nothing(tmp_path, recipe, write_jsonl):
    steps = [
        {"keep": {"at_least": {"column": "score", "value": 2}}},
        VOTES,
        {"select": {"top": {"n": 6, "by": "votes"}}},
    ]
    first = run_recipe(load(recipe(None, steps)), tmp_path / "one/a")
    write_jsonl("a.jsonl", rows(30)[::-1])
    second = run_recipe(load(recipe(None, steps)), tmp_path / "two/a", batch_rows=7)
    for name in ("train.parquet", "ledger.parquet"):
        assert first["outputs"][name] == second["outputs"][name]
    ledger = open_out(tmp_path / "one/a")[1].collect()
    assert ledger.filter(pl.col("at_least"))["votes"].is_between(0, 1).all()
    assert ledger.filter(~pl.col("at_least"))["votes"].is_null().all()


def test_a_score_of_the_pool_may_stand_among_the_steps_of_a_source_and_see_no_row(tmp_path, recipe):
    steps = [{"keep": {"at_least": {"column": "score", "value": 100}}}, VOTES]
    manifest = run_recipe(load(recipe(None, steps, shortfall="accept")), tmp_path / "out/a")
    assert manifest["counts"]["a"]["kept"] == 0


@pytest.mark.parametrize(
    ("step", "said"),
    [
        pytest.param(
            {"select": {"votes": {}}},
            "'votes' is a score of the pool, so its verb is 'score', not 'select'",
            id="another verb",
        ),
        pytest.param(
            {"score": {"judged": {"judge": "strict"}}}, "there is no judge 'strict' in this recipe", id="no judge"
        ),
        pytest.param({"score": {"judged": {}}}, "'judge' is missing", id="no name"),
        pytest.param(
            {"score": {"length": {"min": 1}}},
            "'length' is a property, so its verb is 'keep', not 'score'",
            id="no score",
        ),
    ],
)
def test_names_that_lead_nowhere_are_told(recipe, step, said):
    with pytest.raises(RecipeError) as problem:
        load(recipe(None, [step]))
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("step", "reasons"),
    [
        pytest.param("readability", [["no number for what they hold", 3]], id="a score of a row"),
        pytest.param({"votes": {"column": "score"}}, [["no number in score", 3]], id="a score of the pool"),
    ],
)
def test_rows_without_a_score_are_counted_in_every_source(tmp_path, write_jsonl, write_recipe, step, reasons):
    made = [row | {"response": "我们吃饭。", "score": None} if i < 3 else row for i, row in enumerate(rows(9))]
    read = {
        name: {"read": {"jsonl": {"path": str(write_jsonl(f"{name}.jsonl", some))}}, "steps": [{"score": step}]}
        for name, some in (("a", made[:5]), ("b", made[5:]))
    }
    manifest = run_recipe(load(write_recipe({"sources": read})), tmp_path / "out")
    assert list(manifest["reasons"].values()) == [reasons]
