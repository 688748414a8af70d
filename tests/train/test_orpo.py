from __future__ import annotations

import pytest

import curate.train
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from curate.train.preflight import Context, masks, preflight
from tests.train import tiny
from tests.train.conftest import LORA


@pytest.fixture
def trainer(pairs, tmp_path):
    """A trainer that is ready, with its job."""

    def make(**more):
        settings = {**pairs["trainer"], **more}
        job = run.prepare(resolve("orpo", *read({**pairs, "trainer": settings})))
        return job, run.build(job, tmp_path / "out")

    return make


@pytest.mark.parametrize("more", [pytest.param({}, id="all weights"), pytest.param({"lora": LORA}, id="LoRA")])
def test_chosen_answers_are_learned_and_a_model_is_saved(more, pairs, tmp_path):
    record = curate.train.orpo({**pairs, **more}, tmp_path / "out")
    assert record["metrics"]["loss"] < record["metrics"]["first_loss"]
    assert record["steps"] == 8
    assert (tmp_path / "out" / "merged" / "config.json").is_file()
    data = record["data"]
    assert (data["rows_trained"], data["rows_cut"]) == (16, 0)
    assert 0 < data["tokens_trained"] < data["tokens"]


def test_the_preflight_sees_what_is_trained(trainer):
    job, ready = trainer()
    first = masks(ready, rows=1)
    assert [one.answer for one in first] == ["chosen", "rejected"]
    trained = "".join(text for text, flag in first[0].tokens if flag)
    assert trained.startswith("Oh, that is 0!<|im_end|>")
    assert [
        finding for finding in preflight(Context(ready, job.config, job.rows.rows)) if finding.level == "stop"
    ] == []


def test_rows_that_are_cut_are_named(trainer):
    job, ready = trainer(max_length=40)
    cut = Context(ready, job.config, job.rows.rows).cut
    assert set(cut) <= {row.id for row in job.rows.rows} and len(cut) == 16
    assert min(cut.values()) > 40


def test_a_stage_of_pairs_refuses_rows_without_them(pairs, tmp_path):
    rows = tiny.write(tmp_path / "answers.jsonl", tiny.answers(2))
    with pytest.raises(TrainError, match="has no 'chosen'"):
        curate.train.orpo({**pairs, "data": str(rows)}, tmp_path / "out")
