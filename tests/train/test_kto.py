from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

import curate.train
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import EOT, LORA, log_of


def marks(n: int, good: int) -> list[dict[str, Any]]:
    """Rows with labels, the good ones first."""
    return [{**row, "label": i < good} for i, row in enumerate(tiny.answers(n))]


def rows_of(config):
    return run.prepare(resolve("kto", *read(config))).rows.rows


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="all weights"),
        pytest.param({"lora": {**LORA, "lora_dropout": 0.1}}, id="LoRA with dropout"),
        pytest.param({"end_of_turn": EOT}, id="a token the reference has to have too"),
    ],
)
def test_pairs_are_split_in_two_and_rewards_part_from_zero(more, pairs, tmp_path):
    record = curate.train.kto({**pairs, **more}, tmp_path / "out")
    counts = {name: record["data"][name] for name in ("rows_in_file", "rows_in", "rows_trained", "rows_cut")}
    assert counts == {"rows_in_file": 16, "rows_in": 32, "rows_trained": 32, "rows_cut": 0}
    assert record["data"]["tokens_trained"] < record["data"]["tokens"]
    assert record["labels"] == {"good": 16, "bad": 16, "weighed": 1.0}
    assert not [note for note in record["said"] if "weight" in note]
    first = log_of(tmp_path / "out")[0]
    assert first["loss"] == 0.5  # 1 - sigmoid(0): the reference is the model that training starts from
    if "lora" not in more:
        assert (first["rewards/chosen"], first["rewards/rejected"]) == (0, 0)
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


def test_uneven_labels_are_a_note_with_trls_own_weights(pairs, tmp_path):
    trainer = {**pairs["trainer"], "max_steps": 1, "loss_type": "apo_zero_unpaired"}
    uneven = {**pairs, "data": str(tiny.write(tmp_path / "marks.jsonl", marks(20, 15))), "trainer": trainer}
    record = curate.train.kto(uneven, tmp_path / "out")
    assert record["labels"] == {"good": 15, "bad": 5, "weighed": 3.0}
    assert "15 good and 5 bad answers, with desirable_weight 1 and undesirable_weight 1" in record["said"][-1]
    trainer["undesirable_weight"] = 3.0
    record = curate.train.kto(uneven, tmp_path / "out")
    assert record["labels"]["weighed"] == 1.0
    assert not [note for note in record["said"] if "weight" in note]


def test_labels_may_be_one_and_zero(pairs, tmp_path):
    rows = [{**row, "label": int(row["label"])} for row in marks(4, 2)]
    ones = rows_of({**pairs, "data": str(tiny.write(tmp_path / "ones.jsonl", rows))})
    assert sorted(str(row.record["label"]) for row in ones) == ["False", "False", "True", "True"]


NO_LABEL = {"id": "a", "prompt": "p", "completion": "c"}
EMPTY = {"id": "a", "prompt": "p", "completion": " ", "label": True}
ONE = {"per_device_train_batch_size": 1}


@pytest.mark.parametrize(
    ("rows", "trainer", "message"),
    [
        pytest.param([{**NO_LABEL, "label": "up"}], {}, r"a \(line 1\): 'label' says whether", id="no truth value"),
        pytest.param([NO_LABEL], {}, r"a \(line 1\): has no 'label'", id="no label"),
        pytest.param([*marks(2, 1), *tiny.pairs(1)], {}, "rows of more than one form.*completion, label as turns; line 3 has prompt, chosen", id="marks and pairs"),
        pytest.param([EMPTY], {}, r"the completion is empty in 1 of the rows of .*: a \(line 1\)", id="no answer"),
        pytest.param(tiny.pairs(4), ONE, "batch size must be > 1", id="a batch of one has no neighbour"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused(rows, trainer, message, pairs, tmp_path):
    bad = {**pairs, "data": str(tiny.write(tmp_path / "bad.jsonl", rows)), "trainer": {**pairs["trainer"], **trainer}}
    with pytest.raises(TrainError, match=message):
        curate.train.kto(bad, tmp_path / "out")
