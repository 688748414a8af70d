from __future__ import annotations

import pytest

import curate.train
from curate.recipe.places import RecipeError
from curate.train.chains import check_chain
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import EOT, LORA, log_of


@pytest.fixture
def both(config, pairs):
    trainer = {**config["trainer"], "max_steps": 2}
    dpo = {key: value for key, value in pairs.items() if key != "model"}
    return {
        "sft": {**config, "end_of_turn": EOT, "trainer": trainer},
        "dpo": {**dpo, "lora": LORA, "trainer": {**trainer}},
    }


def test_dpo_starts_from_the_model_that_sft_saved_and_only_what_changed_runs_again(both, tmp_path):
    records = curate.train.chain(both, tmp_path)
    assert records["dpo"]["model_in"]["path"] == str(tmp_path / "sft" / "merged")
    assert records["dpo"]["model_in"]["weights"] == records["sft"]["model_out"]["weights"]
    assert records["dpo"]["template_sha256"] == records["sft"]["template_sha256"]
    first = log_of(tmp_path / "dpo")[0]
    assert (first["rewards/chosen"], first["rewards/rejected"]) == (0, 0)

    def reused():
        return [record.get("reused", False) for record in curate.train.chain(both, tmp_path).values()]

    assert reused() == [True, True]
    both["dpo"]["trainer"]["beta"] = 0.2
    assert reused() == [True, False]
    both["sft"]["seed"] = 1
    assert reused() == [False, False], "another SFT model is another DPO run"


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
