"""The recipes that make answers and pairs, run with a real engine and on real dumps."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.pairs.shortcuts import rows_of
from curate.recipe.load import load
from curate.run.check import verify
from curate.run.run import run_recipe
from tests.conftest import seconds

RECIPES = Path(__file__).parents[2] / "recipes"
pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]  # warnings of vLLM


@pytest.fixture(scope="module")
def human_like(smollm2, tmp_path_factory):
    """The recipe at a small size, some minutes of a CPU; its engine is the one that all tests share."""
    out = tmp_path_factory.mktemp("human_like") / "out"
    return run_recipe(load(RECIPES / "human_like_dpo.yaml", ("size=100",)), out), out


def test_a_hundred_pairs_of_many_topics(human_like):
    manifest, out = human_like
    made = pl.read_parquet(out / "train.parquet")
    assert made.height == 100 and made["domain"].n_unique() >= 40
    assert (made["chosen"].str.len_chars() >= 40).all() and (made["rejected"].str.len_chars() >= 40).all()
    assert (made["chosen"] != made["rejected"]).all() and made["prompt"].is_unique().all()
    assert manifest["shortcuts"]["pairs"] == made.height and rows_of(manifest["shortcuts"])
    assert "SmolLM2-135M-Instruct" in (out / "README.md").read_text(encoding="utf-8")


def test_the_same_seeds_give_the_same_pairs_from_what_was_said(human_like):
    manifest, out = human_like
    again = run_recipe(load(RECIPES / "human_like_dpo.yaml", ("size=100",)), out.parent / "again", fresh=True)
    assert again["outputs"]["train.jsonl"] == manifest["outputs"]["train.jsonl"]
    assert set(verify(out).values()) == {"same"}


def test_trl_takes_the_file_as_it_is(human_like, tmp_path):
    from datasets import load_dataset
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from curate.models.weights import find_model

    folder = find_model("SmolLM2-135M-Instruct")
    shape = AutoConfig.from_pretrained(folder, hidden_size=16, intermediate_size=32, num_hidden_layers=1)
    shape.num_attention_heads = shape.num_key_value_heads = 2
    shape.head_dim = 8
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path / "tiny")
    rows = load_dataset("json", data_files=str(human_like[1] / "train.jsonl"), split="train", cache_dir=str(tmp_path))
    args = DPOConfig(str(tmp_path / "run"), max_steps=1, use_cpu=True, bf16=False, report_to="none", max_length=1024)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trainer = DPOTrainer(str(tmp_path / "tiny"), args=args, train_dataset=rows, processing_class=tokenizer)
    assert trainer.train_dataset.num_rows == rows.num_rows == 100
    assert trainer.train().training_loss == pytest.approx(0.6931, abs=1e-3)


def test_votes_on_the_dumps_make_even_pairs_without_a_model(data, tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(data))
    manifests = []
    assert seconds(lambda: manifests.append(run_recipe(load(RECIPES / "votes_dpo.yaml"), tmp_path / "out"))) < 20
    [manifest] = manifests
    made = pl.read_parquet(tmp_path / "out/train.parquet")
    notes = manifest["notes"]["votes"]
    assert made.height >= 500 and notes["mean gap"] > 2 and 0.4 < notes["chosen longer"] < 0.6
    assert manifest["generators"] == {} and manifest["shortcuts"]["warned"] == []
    assert (made["chosen_score"] - made["rejected_score"] >= 2).all()
    for side in ("chosen", "rejected"):
        assert not made[side].str.contains("<p>", literal=True).any()
    assert made["license"].str.contains("CC BY-SA").all() and made["url"].is_not_null().all()


def test_judged_pairs_of_four_generators(smollm2, tmp_path):
    manifest = run_recipe(load(RECIPES / "zephyr_ultrafeedback.yaml", ("size=6",)), tmp_path / "out")
    made = pl.read_parquet(tmp_path / "out/train.parquet")
    assert 1 <= made.height <= 6 and (made["chosen_score"] > made["rejected_score"]).all()
    assert set(manifest["generators"]) == {"a", "b", "c", "d", "judge"}
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet").filter(pl.col("judged").is_not_null())
    assert ledger.height == 12  # twice the size, and no more prompts were answered


def test_rejection_sampling_makes_a_set_for_sft(smollm2, tmp_path):
    run_recipe(load(RECIPES / "rejection_sampling.yaml", ("size=6",)), tmp_path / "out")
    made = pl.read_parquet(tmp_path / "out/train.parquet")
    assert 1 <= made.height <= 6 and (made["score"] >= 0.6).all()
    record = json.loads((tmp_path / "out/train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["completion"][0]["role"] == "assistant"
