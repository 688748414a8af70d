from __future__ import annotations

import json

import pytest

import curate.train
from curate.recipe.places import RecipeError
from curate.train.chains import check_chain
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import LORA


@pytest.fixture
def both(config, pairs):
    dpo = {key: value for key, value in pairs.items() if key != "model"}
    return {"sft": {**config, "end_of_turn": "<|eot|>"}, "dpo": {**dpo, "lora": LORA}}


def test_dpo_starts_from_the_model_that_sft_saved(both, tmp_path):
    records = curate.train.chain(both, tmp_path)
    assert records["dpo"]["model_in"]["path"] == str(tmp_path / "sft" / "merged")
    assert records["dpo"]["model_in"]["weights"] == records["sft"]["model_out"]["weights"]
    assert records["dpo"]["template_sha256"] == records["sft"]["template_sha256"]
    first = json.loads((tmp_path / "dpo" / "log.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (first["rewards/chosen"], first["rewards/rejected"]) == (0, 0)
    again = curate.train.chain(both, tmp_path)
    assert all(record["reused"] for record in again.values())
    both["dpo"]["trainer"] = {**both["dpo"]["trainer"], "beta": 0.2}
    later = curate.train.chain(both, tmp_path)
    assert [record.get("reused", False) for record in later.values()] == [True, False]


def test_another_sft_model_is_another_dpo_run(both, tmp_path):
    first = curate.train.chain(both, tmp_path)
    both["sft"]["seed"] = 1
    both["sft"]["trainer"] = {**both["sft"]["trainer"], "num_train_epochs": 1}
    second = curate.train.chain(both, tmp_path)
    assert second["dpo"]["key"] != first["dpo"]["key"]


def test_a_broken_pair_stops_the_chain_before_sft_is_trained(both, tmp_path):
    bad = tiny.pairs(4)
    bad[2]["rejected"] = bad[2]["chosen"]
    both["dpo"]["data"] = str(tiny.write(tmp_path / "bad.jsonl", bad))
    with pytest.raises(TrainError, match=r"chosen and rejected are equal .* pair2"):
        curate.train.chain(both, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [finding.detail["ids"] for finding in check_chain(both, tmp_path / "out")] == [["pair2"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"spt": {}}, "at spt\n    there is no 'spt' here; did you mean 'sft'?", id="another block"),
        pytest.param({"dpo": None}, "a chain has a block 'dpo' with the config of that stage", id="a block missing"),
        pytest.param({"dpo": {"model": "m", "data": "d"}}, "DPO starts from the model that SFT saved", id="two models"),
        pytest.param({"dpo": {"data": "d", "trainer": {"betta": 1}}}, "at dpo.trainer.betta", id="an unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change, message, both, tmp_path):
    with pytest.raises(RecipeError) as error:
        curate.train.chain({**both, **change}, tmp_path)
    assert message in str(error.value)
