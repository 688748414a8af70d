from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pytest

import curate.train
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import LORA


def marks(n: int, good: int) -> list[dict[str, Any]]:
    rows = [{**row, "label": i < good} for i, row in enumerate(tiny.answers(n))]
    return sorted(rows, key=lambda row: not row["label"])


def rows_of(config):
    return run._rows(resolve("kto", *read(config)))[1].rows


def log_of(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


MORE = [
    pytest.param({}, id="all weights"),
    pytest.param({"lora": {**LORA, "lora_dropout": 0.1}}, id="LoRA with dropout"),
    pytest.param({"end_of_turn": "<|eot|>"}, id="a token the reference has to have too"),
]


@pytest.mark.parametrize("more", MORE)
def test_pairs_are_split_in_two_and_rewards_part_from_zero(more, pairs, tmp_path):
    record = curate.train.kto({**pairs, **more}, tmp_path / "out")
    assert (record["data"]["rows_in_file"], record["data"]["rows_in"], record["data"]["rows_trained"]) == (16, 32, 32)
    assert record["data"]["rows_cut"] == 0
    assert record["data"]["tokens_trained"] < record["data"]["tokens"]
    assert record["labels"] == {"good": 16, "bad": 16, "weighed": 1.0}
    assert not [said for said in record["said"] if "weight" in said]
    log = log_of(tmp_path / "out")
    assert log[0]["loss"] == 0.5  # 1 - sigmoid(0): the reference is the model that training starts from
    if "lora_dropout" not in (more.get("lora") or {}):
        assert (log[0]["rewards/chosen"], log[0]["rewards/rejected"]) == (0, 0)
    assert record["metrics"]["rewards/margins"] > 0.1
    assert (tmp_path / "out" / "merged" / "config.json").is_file()


def test_good_and_bad_are_mixed_since_trl_trains_in_the_order_of_the_rows(pairs, tmp_path):
    """trl's own splitting would give one run of good answers, then one of bad ones."""
    rows = rows_of(pairs)
    runs = [len(list(group)) for _, group in groupby(row.record["label"] for row in rows)]
    assert len(runs) > 8
    assert max(runs) < 16
    assert {row.id for row in rows} == {f"pair{i}/{name}" for i in range(16) for name in ("chosen", "rejected")}
    from_file = {**pairs, "data": str(tiny.write(tmp_path / "sorted.jsonl", marks(24, 12)))}
    assert len(list(groupby(row.record["label"] for row in rows_of(from_file)))) > 6


def test_the_order_is_the_seeds(pairs):
    orders = [[row.id for row in rows_of({**pairs, "seed": seed})] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_uneven_labels_are_told_with_trls_own_weights(pairs, tmp_path):
    asked = {**pairs, "data": str(tiny.write(tmp_path / "marks.jsonl", marks(20, 15)))}
    asked["trainer"] = {**asked["trainer"], "max_steps": 1}
    record = curate.train.kto(asked, tmp_path / "out")
    assert record["labels"] == {"good": 15, "bad": 5, "weighed": 3.0}
    assert "15 good and 5 bad answers, with desirable_weight 1 and undesirable_weight 1" in record["said"][-1]
    asked["trainer"]["undesirable_weight"] = 3.0
    record = curate.train.kto(asked, tmp_path / "out")
    assert record["labels"]["weighed"] == 1.0
    assert not [said for said in record["said"] if "weight" in said]


@pytest.mark.parametrize("loss_type", ["kto", "apo_zero_unpaired"])
def test_trls_settings_pass_through(loss_type, pairs, tmp_path):
    asked = {**pairs, "trainer": {**pairs["trainer"], "loss_type": loss_type, "beta": 0.2, "max_steps": 1}}
    record = curate.train.kto(asked, tmp_path / "out")
    assert record["config"]["trainer"]["loss_type"] == loss_type


WRONG = [
    pytest.param([{"id": "a", "prompt": "p", "completion": "c", "label": "up"}], "line 1: 'label' says whether", id="no truth value"),
    pytest.param([{"id": "a", "prompt": "p", "completion": "c"}], "line 1: has no 'label'", id="no label"),
    pytest.param([*marks(2, 1), *tiny.pairs(1)], "rows of more than one form.*completion, label; line 3 has prompt, chosen", id="marks and pairs"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), WRONG)
def test_what_cannot_be_read_is_told(rows, message, pairs, tmp_path):
    with pytest.raises(TrainError, match=message):
        curate.train.kto({**pairs, "data": str(tiny.write(tmp_path / "bad.jsonl", rows))}, tmp_path / "out")


def test_labels_may_be_one_and_zero(pairs, tmp_path):
    rows = [{**row, "label": int(row["label"])} for row in marks(4, 2)]
    found = rows_of({**pairs, "data": str(tiny.write(tmp_path / "ones.jsonl", rows))})
    assert sorted(str(row.record["label"]) for row in found) == ["False", "False", "True", "True"]


def test_an_empty_answer_is_named(pairs, tmp_path):
    rows = marks(4, 2)
    rows[1]["completion"][0]["content"] = " "
    with pytest.raises(TrainError, match=r"the completion is empty in 1 of the rows of .*: row1 \(line 2\)"):
        curate.train.kto({**pairs, "data": str(tiny.write(tmp_path / "bad.jsonl", rows))}, tmp_path / "out")


def test_a_batch_of_one_has_no_neighbour_to_compare_with(pairs, tmp_path):
    one = {**pairs, "trainer": {**pairs["trainer"], "per_device_train_batch_size": 1}}
    with pytest.raises(TrainError, match=r"batch size must be > 1"):
        curate.train.kto(one, tmp_path / "out")
