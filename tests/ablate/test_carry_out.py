"""A plan is carried out with a stand-in for each node's work: what runs, what does not, and what is left to say."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from curate.ablate.ablation import AblateError, carry_out
from curate.ablate.arms import lay
from curate.ablate.node import FOLDERS, begin, content, finish, finished
from curate.ablate.plan import Plan, plan
from curate.ablate.reading import load

pytestmark = pytest.mark.slow


@pytest.fixture
def ablation(given, write, tmp_path, runner, runs):
    """Carry an ablation out; tell what ran by kind, and ablation.json."""

    def carry(change: dict[str, Any] | None = None, **more: Any) -> tuple[Counter[str], dict[str, Any]]:
        made = plan(load(write(lay(given, change or {}))))
        carry.plan = made  # type: ignore[attr-defined]
        try:
            carry_out(made, tmp_path / "out", runner=runner, **more)
        finally:
            told = json.loads((tmp_path / "out" / "ablation.json").read_text())
        return Counter(line.partition("-")[0] for line in runs()), told

    return carry


def plan_of(carry: Any) -> Plan:
    made: Plan = carry.plan
    return made


def statuses(told: dict[str, Any]) -> dict[str, list[str]]:
    return {arm["arm"]: [job["status"] for job in arm["jobs"]] for arm in told["arms"]}


@pytest.mark.slow
def test_everything_runs_once_and_again_only_when_asked(ablation):
    everything = {"set": 4, "train": 4, "answers": 4, "grades": 1}
    ran, record = ablation({"seeds": [0, 1]}, jobs=4)
    assert ran == everything
    assert statuses(record) == {"plain": ["done", "done"], "short": ["done", "done"]}
    assert ablation({"seeds": [0, 1]})[0] == {"grades": 1}
    assert ablation({"seeds": [0, 1]}, fresh=True)[0] == everything


@pytest.mark.slow
def test_what_arms_share_runs_once(ablation):
    same = {"short": None, "one": {}, "two": {}, "more": {"answer": {"samples": 2}}}
    ran, told = ablation({"arms": same})
    assert ran == {"set": 1, "train": 1, "answers": 2, "grades": 1}
    nodes = [arm["jobs"][0]["nodes"] for arm in told["arms"]]
    assert nodes[0] == nodes[1] == nodes[2]


@pytest.mark.slow
def test_what_a_reader_is_told(ablation, tmp_path):
    _, told = ablation({"random": "short"})
    job = told["arms"][0]["jobs"][0]
    assert (told["against"], told["random"], told["seeds"]) == ({"arm": "short"}, "short", [0])
    assert job["set"] | job["train"][0] == {
        **{"rows": 8, "response_tokens": 10.0, "stage": "sft", "steps": 2, "effective_batch": 4, "seconds": 1.0},
        **{"tokens_trained": 80, "rows_trained": 8, "first_loss": None, "loss": 1.0, "eval_loss": None, "choice": None},
        "log": job["train"][0]["log"],
    }
    assert job["train"][0]["log"].startswith("models/")
    assert (job["answers"]["prompts"], job["answers"]["answers"], job["answers"]["backend"]) == (2, 2, "transformers")
    assert any("one seed" in line for line in told["warnings"])
    grades = [json.loads(line) for line in (tmp_path / "out" / "grades.jsonl").read_text().splitlines()]
    assert [(g["arm"], g["seed"], g["id"], g["score"]) for g in grades] == [
        (arm, 0, id_, 3.0) for arm in ("plain", "short") for id_ in ("How", "Who")
    ]
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_one_arm_that_fails_does_not_lose_the_others(ablation, monkeypatch, tmp_path):
    change = {"arms": {"short": {"model": "org/fails"}}}
    monkeypatch.setenv("FAKE_FAILS", "org/fails")
    ran, told = ablation(change)
    assert ran == {"set": 2, "train": 2, "answers": 1, "grades": 1}
    assert statuses(told) == {"plain": ["done"], "short": ["failed"]}
    assert told["arms"][1]["jobs"][0]["why"] == "boom: it cannot be"
    assert "boom: it cannot be" in (tmp_path / "out" / "report.html").read_text()
    monkeypatch.delenv("FAKE_FAILS")
    ran, told = ablation(change)
    assert ran == {"train": 1, "answers": 1, "grades": 1}
    assert statuses(told) == {"plain": ["done"], "short": ["done"]}


@pytest.mark.slow
def test_where_nothing_came_out_it_is_said(ablation, monkeypatch):
    monkeypatch.setenv("FAKE_FAILS", "org/model")
    with pytest.raises(AblateError, match=r"no arm came to its answers.*boom: it cannot be"):
        ablation()


@pytest.mark.slow
def test_only_some_arms(ablation):
    ran, told = ablation(only=["short"])
    assert ran == {"set": 1, "train": 1, "answers": 1, "grades": 1}
    assert statuses(told) == {"plain": ["not run"], "short": ["done"]}
    ran, told = ablation(only=["plain"])
    assert ran == {"set": 1, "train": 1, "answers": 1, "grades": 1}
    assert statuses(told) == {"plain": ["done"], "short": ["done"]}
    with pytest.raises(AblateError, match="there is no arm 'shrot'; did you mean 'short'"):
        ablation(only=["shrot"])


@pytest.mark.slow
def test_a_choice_stands_between_training_and_answers(ablation):
    ran, told = ablation({"choose": {"prompts": "prompts.jsonl"}})
    assert ran == {"set": 2, "train": 2, "choice": 2, "answers": 2, "grades": 1}
    assert told["arms"][0]["jobs"][0]["train"][0]["choice"].startswith("choices/")


@pytest.mark.slow
def test_data_that_changed_make_sets_anew_and_only_what_changes_by_it(ablation, tmp_path):
    ablation()
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"prompt": "New?", "response": "It is new, as you see."}\n')
    # The stand-in names a set's content by its key: whatever it reads, the same rows come out.
    assert ablation()[0] == {"set": 2, "grades": 1}


@pytest.mark.slow
def test_a_set_that_came_out_otherwise_is_trained_on_anew_and_a_node_that_was_begun_is_not_done(ablation, tmp_path):
    ablation()
    made, out = plan_of(ablation), tmp_path / "out"
    plain, short = made.jobs
    folder = out / FOLDERS["set"] / plain.sets["data"]
    done = finished(folder)
    assert done is not None
    finish(folder, {**done, "content": "other"})
    assert content(out, made.nodes, plain.answers) is None
    assert content(out, made.nodes, short.answers) is not None
    begin(made.nodes[short.answers].folder(out))
    # The stand-in trains to the same weights whatever it reads, so the answers of `plain` stand.
    assert ablation()[0] == {"train": 1, "answers": 1, "grades": 1}


@pytest.mark.slow
def test_test_prompts_in_a_set_are_told_before_training_and_kept(ablation, tmp_path):
    key = ablation()[1]["arms"][0]["jobs"][0]["nodes"]["sets"]["data"]
    prompt = {"id": "t", "prompt": f"number 3 of set {key}?"}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(prompt) + "\n")
    lines: list[str] = []
    _, record = ablation(tell=lines.append)
    assert record["overlap"] == {"plain": [{"id": "t", "how": "same", "of": "r3"}]}
    leak = next(i for i, line in enumerate(lines) if line.startswith("test prompts leak: the set of plain has 1"))
    assert all("answers" not in line for line in lines[:leak])
    assert any(line.startswith("test prompts leak") for line in record["warnings"])
