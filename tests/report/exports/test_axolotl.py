from __future__ import annotations

import json

import pytest
import yaml

from curate.report.exports import axolotl
from tests.report.exports import sets
from tests.report.exports.documented import AXOLOTL_DATASET, undocumented


def written(to):
    rows = [json.loads(line) for line in (to / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    return rows, yaml.safe_load((to / "axolotl.yaml").read_text(encoding="utf-8"))


def test_answers_are_messages_of_which_the_assistants_are_trained(tmp_path):
    assert [file.name for file in axolotl(sets.answers(tmp_path / "out"), tmp_path / "to")] == [
        "train.jsonl",
        "axolotl.yaml",
    ]
    rows, config = written(tmp_path / "to")
    dataset = config["datasets"][0]
    assert undocumented(dataset, AXOLOTL_DATASET) == []
    assert (dataset["type"], dataset["path"], dataset["roles_to_train"]) == (
        "chat_template",
        "train.jsonl",
        ["assistant"],
    )
    assert "rl" not in config
    assert [[turn["role"] for turn in row[dataset["field_messages"]]] for row in rows] == [
        ["system", "user", "assistant"],
        ["user", "assistant", "user", "assistant"],
        ["user", "assistant"],
    ]
    assert rows[0]["messages"][-1]["content"] == "Light scatters — mostly the blue."


def test_pairs_have_one_turn_each_and_rl_is_dpo(tmp_path):
    axolotl(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path))
    rows, config = written(tmp_path / "to")
    dataset = config["datasets"][0]
    assert undocumented(dataset, AXOLOTL_DATASET) == []
    assert (config["rl"], dataset["type"], config["sample_packing"]) == ("dpo", "chat_template.default", False)
    assert rows[0][dataset["field_chosen"]] == {"role": "assistant", "content": "Fine, thanks!"}
    assert rows[0][dataset["field_rejected"]] == {"role": "assistant", "content": "I am operational."}
    assert [turn["role"] for turn in rows[0][dataset["field_messages"]]] == ["system", "user"]


def test_the_numbers_of_the_config_are_those_written(tmp_path):
    axolotl(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path))
    _, config = written(tmp_path / "to")
    assert {
        "base_model": "org/model-7b", "adapter": "lora", "lora_r": 8, "lora_alpha": 4, "lora_dropout": 0.05,
        "lora_target_linear": True, "learning_rate": 2e-4, "num_epochs": 1, "micro_batch_size": 2,
        "gradient_accumulation_steps": 8, "optimizer": "adamw_bnb_8bit", "warmup_steps": 10, "rl_beta": 0.1,
        "sequence_len": 1024, "seed": 7,
    }.items() <= config.items()  # fmt: skip


CASES = [
    pytest.param({"lora": None}, {}, {"adapter", "lora_r"}, id="all weights"),
    pytest.param({"trainer": {"warmup_steps": 0.03}}, {"warmup_ratio": 0.03}, {"warmup_steps"}, id="a share of warm-up"),
    pytest.param({"trainer": {"loss_type": "sigmoid"}}, {"rl": "dpo"}, {"loss_type"}, id="the loss that DPO is"),
    pytest.param({"lora": {"target_modules": ["q_proj"]}}, {"lora_target_modules": ["q_proj"]}, {"lora_target_linear"}, id="modules by name"),
    pytest.param({"quantization": {"load_in_4bit": True}}, {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": {"bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False}}, {"load_in_8bit"}, id="4 bits as BitsAndBytesConfig has them"),
    pytest.param({"held_out": 0.1}, {"val_set_size": 0.1}, set(), id="a share held out"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "there", "absent"), CASES)
def test_a_setting_by_its_other_name(more, there, absent, tmp_path):
    axolotl(sets.pairs(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, **more))
    _, config = written(tmp_path / "to")
    assert there.items() <= config.items()
    assert not absent & set(config)


def test_a_loss_it_has_another_way_for_is_left_out_and_said(tmp_path):
    said: list[str] = []
    config = sets.config(tmp_path, trainer={"loss_type": "ipo"})
    axolotl(sets.pairs(tmp_path / "out"), tmp_path / "to", config, said.append)
    assert "  trainer.loss_type: ipo" in said
