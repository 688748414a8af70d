from __future__ import annotations

import json

import pytest
import yaml

from curate.report.exports import llamafactory
from tests.report.exports import sets
from tests.report.exports.documented import COLUMNS, LLAMAFACTORY_DATASET, TAGS, undocumented


def written(to):
    rows = [json.loads(line) for line in (to / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    info = json.loads((to / "dataset_info.json").read_text(encoding="utf-8"))
    return rows, info, yaml.safe_load((to / "llamafactory.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", [sets.answers, sets.pairs], ids=["answers", "pairs"])
def test_the_dataset_is_described_by_documented_fields_that_the_rows_have(kind, tmp_path):
    files = llamafactory(kind(tmp_path / "out"), tmp_path / "to")
    assert [file.name for file in files] == ["train.jsonl", "dataset_info.json", "llamafactory.yaml"]
    rows, info, config = written(tmp_path / "to")
    described = info[config["dataset"]]
    assert undocumented(described, LLAMAFACTORY_DATASET) == []
    assert set(described["columns"]) <= COLUMNS
    assert set(described["tags"]) <= TAGS
    assert all(column in row for column in described["columns"].values() for row in rows)
    tags = described["tags"]
    roles = {tags[name] for name in ("user_tag", "assistant_tag", "system_tag")}
    assert all(
        turn[tags["role_tag"]] in roles and turn[tags["content_tag"]] for row in rows for turn in row["messages"]
    )


def test_turns_alternate_after_the_system_turn_as_sharegpt_wants(tmp_path):
    """User turns stand in odd places, the assistant's in even ones; a pair's turns end with the user's."""
    llamafactory(sets.answers(tmp_path / "a"), tmp_path / "sft")
    llamafactory(sets.pairs(tmp_path / "b"), tmp_path / "dpo")
    for folder, ends in (("sft", 0), ("dpo", 1)):
        for row in written(tmp_path / folder)[0]:
            roles = [turn["role"] for turn in row["messages"] if turn["role"] != "system"]
            assert roles[::2] == ["user"] * len(roles[::2])
            assert roles[1::2] == ["assistant"] * len(roles[1::2])
            assert len(roles) % 2 == ends


def test_pairs_are_ranked_and_the_stage_is_dpo(tmp_path):
    llamafactory(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path))
    rows, info, config = written(tmp_path / "to")
    assert info["curated"]["ranking"] is True
    assert (config["stage"], config["pref_beta"]) == ("dpo", 0.1)
    assert rows[0]["chosen"] == {"role": "assistant", "content": "Fine, thanks!"}


def test_the_numbers_of_the_config_are_those_written(tmp_path):
    llamafactory(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path))
    *_, config = written(tmp_path / "to")
    assert {
        "model_name_or_path": "org/model-7b", "finetuning_type": "lora", "lora_rank": 8, "lora_alpha": 4,
        "lora_dropout": 0.05, "lora_target": "all", "learning_rate": 2e-4, "num_train_epochs": 1,
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 8, "optim": "adamw_bnb_8bit",
        "warmup_steps": 10, "cutoff_len": 1024, "seed": 7, "bf16": True,
    }.items() <= config.items()  # fmt: skip


CASES = [
    pytest.param({"lora": None}, {"finetuning_type": "full"}, {"lora_rank"}, id="all weights"),
    pytest.param({"trainer": {"warmup_steps": 0.03}}, {"warmup_ratio": 0.03}, {"warmup_steps"}, id="a share of warm-up"),
    pytest.param({"trainer": {"loss_type": ["hinge"]}}, {"pref_loss": "hinge"}, set(), id="a loss by the same name"),
    pytest.param({"trainer": {"gradient_checkpointing": False}}, {"disable_gradient_checkpointing": True}, set(), id="no checkpointing"),
    pytest.param({"lora": {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["lm_head"]}}, {"lora_target": "q_proj,v_proj", "additional_target": "lm_head"}, set(), id="modules by name"),
    pytest.param({"quantization": {"load_in_4bit": True}}, {"quantization_bit": 4, "quantization_type": "fp4", "double_quantization": False}, set(), id="4 bits as BitsAndBytesConfig has them"),
    pytest.param({"held_out": 0.1, "trainer": {"eval_strategy": "epoch"}}, {"val_size": 0.1, "eval_strategy": "epoch"}, set(), id="a share held out"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "there", "absent"), CASES)
def test_a_setting_by_its_other_name(more, there, absent, tmp_path):
    llamafactory(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, **more))
    *_, config = written(tmp_path / "to")
    assert there.items() <= config.items()
    assert not absent & set(config)


def test_a_loss_it_does_not_have_is_left_out_and_said(tmp_path):
    said: list[str] = []
    config = sets.config(tmp_path, trainer={"loss_type": ["sigmoid", "sft"]})
    llamafactory(sets.pairs(tmp_path / "out"), tmp_path / "to", config, said.append)
    assert "  trainer.loss_type: ['sigmoid', 'sft']" in said
    assert "pref_loss" not in written(tmp_path / "to")[2]
