"""The model card: the record's facts and the data's, nothing invented, and an AI that says it is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from curate.train import chain, sft
from curate.train.card import Trained, card, write_card
from curate.train.pages import draw
from tests.train import tiny


def record(stage: str = "sft", **more: Any) -> dict[str, Any]:
    return {
        "stage": stage,
        "config": {"trainer": {"learning_rate": 1e-5, "num_train_epochs": 15}, "lora": {"r": 8}},
        "said": [],
        "data": {"file": "out/lima1k/train.jsonl", "rows_in_file": 1022, "rows_in": 64, "rows_trained": 64},
        "versions": {"trl": "1.16.0", "torch": "2.13.0"},
        "seed": 0,
        "world_size": 1,
        "effective_batch": 8,
        "steps": 16,
        "epochs": 2.0,
        "model_in": {"name": "SmolLM2-135M-Instruct", "path": "/cache/model"},
        "forced": [],
        "metrics": {"first_loss": 2.5, "loss": 1.5},
        **more,
    }


STYLES = {"verb": "pair", "filter": "styles", "label": "styles"}
BEST = {"verb": "pair", "filter": "best_of", "label": "best_of"}


def manifest(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    makers = {"answers": {"model": "SmolLM2-135M-Instruct", "backend": "vllm"}} if steps else {}
    return {"name": name, "steps": {"one": [], "all": list(steps)}, "generators": makers}


def front(text: str) -> dict[str, Any]:
    return yaml.safe_load(text.split("---")[1])


def test_the_front_matter_names_base_data_and_licence():
    assert front(card(record(), manifest("lima1k"))) == {
        "base_model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "license": "apache-2.0",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "datasets": ["lima1k"],
        "tags": ["curate", "trl", "sft"],
    }


@pytest.mark.parametrize(
    ("name", "base"),
    [
        pytest.param("org/model", {"base_model": "org/model"}, id="a name of the hub, whose licence is not known here"),
        pytest.param("{folder}", {"base_model": "org/first", "license": "mit"}, id="a folder with a card"),
        pytest.param("{folder}/bare", {}, id="a folder without one"),
    ],
)
def test_the_card_says_of_the_base_only_what_is_known(tmp_path, name, base):
    (tmp_path / "bare").mkdir()
    (tmp_path / "README.md").write_text("---\nbase_model: org/first\nlicense: mit\n---\n# First\n", encoding="utf-8")
    text = card(record(model_in={"name": name.format(folder=tmp_path), "path": ""}))
    fields = front(text)
    assert {key: fields[key] for key in ("base_model", "license") if key in fields} == base
    assert str(tmp_path) not in text, "folders of this machine are nobody's business"


def test_numbers_settings_licences_and_forced_findings_are_in_the_card():
    finding = {"check": "rows_cut", "level": "stop", "message": "Three rows lose their end: a, b, c."}
    licences = [("authored", "Apache-2.0", 90), ("wikihow", None, 200)]
    text = card(record(forced=[finding]), manifest("lima1k"), licences=licences)
    for words in (
        "64 of 1,022 rows, 16 steps of 8 rows, 2 epochs, from `SmolLM2-135M-Instruct`, on 1 process.",
        "- LoRA: r 8",
        "- learning_rate 1e-05, num_train_epochs 15, seed 0",
        "| loss, first and last step | 2.5, 1.5 |",
        "| wikihow | not stated | 200 |",
        "- rows cut: Three rows lose their end: a, b, c.",
        "trl 1.16.0, torch 2.13.0",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("steps", "says", "not_"),
    [
        pytest.param([STYLES], "It was trained to sound human", "Let those who use it know", id="made by styles"),
        pytest.param(
            [BEST], "Let those who use it know that they talk to an AI", "sound human", id="written by a model"
        ),
        pytest.param([], "# SmolLM2", "This is an AI", id="written by people"),
    ],
)
def test_a_model_that_learnt_from_a_model_says_that_it_is_an_ai(steps, says, not_):
    text = card(record("dpo"), manifest("pairs", *steps))
    assert says in text
    assert not_ not in text
    assert ("by SmolLM2-135M-Instruct (vllm)" in text) is bool(steps)


def test_what_came_before_is_part_of_the_card():
    first = Trained(record(), manifest("lima1k"), [("authored", "Apache-2.0", 90)])
    text = card(
        record("dpo", model_in={"name": "out/sft/merged", "path": ""}), manifest("human", STYLES), before=[first]
    )
    assert front(text)["datasets"] == ["lima1k", "human"]
    assert front(text)["tags"][-2:] == ["sft", "dpo"]
    assert "# SmolLM2-135M-Instruct SFT + DPO" in text
    assert text.index("## This is an AI") < text.index("## SFT on lima1k") < text.index("## DPO on human")
    assert "from the model above" in text


def test_a_reward_model_is_not_taken_for_one_that_talks():
    text = card(record("reward"), manifest("pairs", STYLES))
    assert front(text)["pipeline_tag"] == "text-classification"
    assert "It knows nothing of truth" in text
    assert "sound human" not in text


def test_the_choice_among_epochs_says_what_its_grade_is_not():
    text = card(record(), choice={"said": "checkpoint-40 (epoch 5) has the highest mean grade, 4.2 over 50 prompts"})
    assert "no measure of the model" in text


def test_a_chain_leaves_cards_that_follow_it_back(config, pairs, tmp_path):
    dpo = {key: value for key, value in pairs.items() if key != "model"}
    chain({"sft": config, "dpo": dpo}, tmp_path / "out", force=True)
    text = (tmp_path / "out/dpo/README.md").read_text(encoding="utf-8")
    assert front(text)["tags"] == ["curate", "trl", "sft", "dpo"]
    assert (tmp_path / "out/dpo/merged/README.md").read_text(encoding="utf-8") == text
    assert "## SFT on answers.jsonl" in text
    for name in ("training.html", "plots/loss.svg", "plots/margins.svg"):
        assert (tmp_path / "out/dpo" / name).is_file()
    record_ = json.loads((tmp_path / "out/dpo/record.json").read_text(encoding="utf-8"))
    from curate.models.weights import weights

    assert record_["model_out"]["weights"] == weights(str(tmp_path / "out/dpo/merged")), "a card changes no weights"


def test_what_a_kill_left_out_is_drawn_by_the_next_run(config, tmp_path):
    config["trainer"]["max_steps"] = 1
    sft(config, tmp_path / "out", force=True)
    before = (tmp_path / "out/training.html").read_text(encoding="utf-8")
    (tmp_path / "out/training.html").unlink()
    (tmp_path / "out/README.md").unlink()
    assert sft(config, tmp_path / "out")["reused"]
    assert (tmp_path / "out/training.html").read_text(encoding="utf-8") == before
    assert (tmp_path / "out/README.md").is_file()


def test_the_data_card_s_facts_are_read_from_beside_the_data(config, tmp_path):
    import polars as pl

    folder = tmp_path / "set"
    folder.mkdir()
    tiny.write(folder / "train.jsonl", tiny.answers(8))
    (folder / "manifest.json").write_text(json.dumps(manifest("mine", BEST)), encoding="utf-8")
    pl.DataFrame({"source": ["a", "a"], "license": ["MIT", None]}).write_parquet(folder / "train.parquet")
    config |= {"data": str(folder), "trainer": {**config["trainer"], "max_steps": 1}}
    sft(config, tmp_path / "out", force=True)
    text = write_card(tmp_path / "out").read_text(encoding="utf-8")
    assert front(text)["datasets"] == ["mine"]
    assert "| a | MIT | 1 |" in text
    assert "Written by language models, not by people: both answers of a pair" in text
    assert next(path.name for path in draw(tmp_path / "out")) == "loss.svg"
