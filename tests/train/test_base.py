from __future__ import annotations

import json
import shutil

import pytest

import curate.train
from curate.cache import home
from curate.errors import UserError
from curate.train import base as bases
from curate.train import record, run
from curate.train.config import read, resolve
from tests.train.conftest import LORA


def logits(path):
    import torch
    from transformers import AutoModelForCausalLM

    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(path).eval()(torch.arange(4, 24)[None]).logits


@pytest.fixture
def trained(sft_run, tmp_path, monkeypatch):
    """A folder that SFT left, to change."""
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(sft_run[1], tmp_path / "sft")


WHOLE = [
    pytest.param("", ("merged",), id="a training's folder: the whole model"),
    pytest.param("merged", ("merged",), id="the whole model itself"),
    pytest.param("", ("adapter",), id="a training's folder without the whole model: its adapter"),
    pytest.param("adapter", ("adapter",), id="an adapter itself"),
    pytest.param("checkpoints/checkpoint-6", ("checkpoints/checkpoint-6",), id="a checkpoint of an adapter"),
]


@pytest.mark.parametrize(("name", "expected"), WHOLE)
def test_the_weights_are_found(name, expected, trained):
    if expected == ("adapter",) and not name:
        shutil.rmtree(trained / "merged")
    assert bases.source(str(trained / name)) == str(trained.joinpath(*expected))


def test_dpo_goes_on_from_the_folder_that_sft_left(trained, pairs, tmp_path):
    dpo = {**pairs, "model": str(trained), "lora": LORA, "trainer": {**pairs["trainer"], "max_steps": 1}}
    result = curate.train.dpo(dpo, tmp_path / "dpo")
    assert result["model_in"]["path"] == str(trained / "merged")
    assert result["metrics"]["first_loss"] == pytest.approx(0.693147, abs=1e-6)
    assert f"training starts from {trained / 'merged'}, which the training in {trained} left" in result["said"]
    same = resolve("dpo", *read({**dpo, "model": str(trained / "merged")}))
    assert result["key"] == record.key_of(same, run.prepare(same).rows, None), "the same weights by another name"


def test_all_weights_are_trained_from_an_adapter_on_its_base(trained, pairs, tmp_path):
    merged = logits(trained / "merged")
    shutil.rmtree(trained / "merged")
    path = bases.find(str(trained))
    assert (logits(path) - merged).abs().max() < 1e-4
    assert bases.find(str(trained / "adapter")) == path, "merged once"
    dpo = {**pairs, "model": str(trained), "trainer": {**pairs["trainer"], "max_steps": 1}}
    result = curate.train.dpo(dpo, tmp_path / "dpo")
    assert result["metrics"]["first_loss"] == pytest.approx(0.693147, abs=1e-6), "the reference is the merged model"
    assert result["model_in"]["path"] == path and path.startswith(str(home()))
    assert result["said"][0].startswith(f"the adapter {trained / 'adapter'} is merged onto ")


def test_another_adapter_is_another_model(trained):
    before = bases.weights(str(trained / "adapter"))
    assert bases.weights(str(trained)) != before
    config = trained / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 8', '"lora_alpha": 16'))
    assert bases.weights(str(trained / "adapter")) != before


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        pytest.param(None, "does not name the base of its adapter", id="no base"),
        pytest.param("./gone", "there is no folder ./gone", id="a base that is not there"),
    ],
)
def test_an_adapter_without_its_base_is_told_in_a_sentence(origin, message, trained):
    file = trained / "adapter" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": origin}))
    with pytest.raises(UserError, match=message):
        bases.find(str(trained / "adapter"))


def test_a_tokenizer_that_the_adapter_lacks_is_its_bases(trained):
    (trained / "adapter" / "tokenizer_config.json").unlink()
    path = bases.tokenizer(str(trained / "adapter"))
    assert path == json.loads((trained / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"]
