"""The same settings and rows by the names of other tools, and nothing lost in silence."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml

from curate.report.exports import EXPORTERS
from curate.report.exports.config import DEFAULTS, ExportError
from tests.report.exports import sets
from tests.report.exports.documented import (
    AXOLOTL,
    AXOLOTL_DATASET,
    COLUMNS,
    LLAMAFACTORY,
    LLAMAFACTORY_DATASET,
    TAGS,
    undocumented,
)

TABLES = {"axolotl": AXOLOTL, "llamafactory": LLAMAFACTORY}
TOOLS = pytest.mark.parametrize("tool", EXPORTERS)
KINDS = pytest.mark.parametrize("kind", [sets.answers, sets.pairs], ids=["answers", "pairs"])

NOTHING = {"lora": None, "trainer": None}
CONFIGS = [
    pytest.param({}, id="2501.05032"),
    pytest.param(NOTHING, id="what trl takes by default, all weights"),
    pytest.param({"lora": {}}, id="what peft takes by default"),
    pytest.param({"lora": {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["lm_head"], "use_dora": True}}, id="more of LoRA"),
    pytest.param({"quantization": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}}, id="QLoRA in 4 bits"),
    pytest.param({"quantization": {"load_in_8bit": True}}, id="QLoRA in 8 bits"),
    pytest.param({"held_out": 0.1, "trainer": {"eval_strategy": "epoch", "warmup_steps": 0.1, "save_strategy": False}}, id="held out, a share of warm-up, no checkpoints"),
    pytest.param({"trainer": {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-6, "power": 1.0}, "adam_beta2": 0.95}}, id="LIMA's rate"),
    pytest.param({"trainer": {"gradient_checkpointing": False, "bf16": False, "neftune_noise_alpha": 5, "max_steps": 9}}, id="switches"),
    pytest.param({"model_args": {"revision": "abc", "trust_remote_code": True}}, id="arguments of the model"),
]  # fmt: skip


def export(tool, kind, folder, **more):
    """Export a set with a config; give the written config, the rows, and the lines for the reader."""
    lines: list[str] = []
    files = EXPORTERS[tool](kind(folder / "out"), folder / "to", sets.config(folder, **more), lines.append)
    assert all(file.is_file() for file in files)
    return read(folder / "to", tool), rows_in(folder / "to"), lines


def read(folder, tool):
    return yaml.safe_load((folder / f"{tool}.yaml").read_text(encoding="utf-8"))


def rows_in(folder):
    return [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]


@TOOLS
@KINDS
@pytest.mark.parametrize("more", CONFIGS)
def test_only_documented_fields_are_written_with_values_they_take(more, kind, tool, tmp_path):
    assert undocumented(export(tool, kind, tmp_path, **more)[0], TABLES[tool]) == []


def test_the_table_finds_what_is_not_documented():
    fields = {"learning_rate": "2e-4", "lerning_rate": 1.0, "bf16": "auto", "seed": True}
    assert undocumented(fields, AXOLOTL) == ["learning_rate: '2e-4'", "lerning_rate: 1.0", "seed: True"]


@TOOLS
@KINDS
def test_what_has_no_counterpart_is_in_the_file_and_said(kind, tool, tmp_path):
    more = {
        "residual_dropout": 0.3,
        "end_of_turn": "<|eot|>",
        "eval_data": "out/dev",
        "trainer": {"learning_rate": 1e-5, "use_cpu": True, "activation_offloading": True, "report_to": "none"},
        "lora": {"r": 4, "target_modules": "all-linear", "bias": "all", "layers_to_transform": [0]},
        "model_args": {"dtype": "bfloat16"},
    }
    _, _, lines = export(tool, kind, tmp_path, **more)
    comments = [line for line in (tmp_path / "to" / f"{tool}.yaml").read_text().splitlines() if line.startswith("#")]
    unsupported = {
        "residual_dropout: 0.3", "end_of_turn: <|eot|>", "eval_data: out/dev", "trainer.use_cpu: True",
        "trainer.activation_offloading: True", "lora.bias: all", "lora.layers_to_transform: [0]",
        "model_args.dtype: bfloat16",
    }  # fmt: skip
    assert {line.strip() for line in lines if line.startswith("  ")} == unsupported
    assert {line.removeprefix("#").strip() for line in comments} >= unsupported
    assert "it was not run here" in lines[0]
    assert any(f"{tool}.yaml" in line for line in lines)


@TOOLS
def test_without_a_config_the_model_and_trls_defaults_are_said(tool, tmp_path):
    lines: list[str] = []
    EXPORTERS[tool](sets.pairs(tmp_path / "out"), tmp_path / "to", None, lines.append)
    fields = read(tmp_path / "to", tool)
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in fields.values()
    assert fields["learning_rate"] == 1e-6
    assert [line for line in lines if "No training config was given" in line]
    assert not [line for line in lines if "Without a counterpart" in line]


@TOOLS
def test_a_chain_gives_the_block_of_the_set(tool, tmp_path):
    blocks = {"sft": {"model": "SmolLM2-135M-Instruct", "data": "a", "trainer": {"learning_rate": 3e-5}}, "dpo": {"data": "b", "trainer": {"learning_rate": 4e-6}}}  # fmt: skip
    for kind, rate in ((sets.answers, 3e-5), (sets.pairs, 4e-6)):
        (tmp_path / kind.__name__).mkdir()
        chain = {"model": None, "data": None, "seed": None, "lora": None, "trainer": None, **blocks}
        fields, _, lines = export(tool, kind, tmp_path / kind.__name__, **chain)
        assert fields["learning_rate"] == rate
        assert "HuggingFaceTB/SmolLM2-135M-Instruct" in fields.values()
        assert any("DPO starts from what SFT saved" in line for line in lines) is (kind is sets.pairs)


@TOOLS
def test_rows_are_those_that_the_config_takes(tool, tmp_path):
    _, rows, lines = export(tool, sets.answers, tmp_path, rows=2)
    assert [row["id"] for row in rows] == ["a", "b"]
    assert "rows: the data file holds the first 2 rows, as the config takes them." in lines


WRONG = [
    pytest.param(sets.pairs, {"stage": "sft"}, "is a config for sft, and the set holds pairs", id="pairs for SFT"),
    pytest.param(sets.answers, {"stage": "dpo"}, "is a config for dpo, and the set holds answers", id="answers for DPO"),
    pytest.param(sets.pairs, {"stage": "rloo"}, "name a config for dpo", id="a stage that has no export"),
    pytest.param(sets.pairs, {"sft": {"model": "m"}}, "has no block 'dpo'", id="a chain without the block"),
    pytest.param(lambda folder: folder, {}, r"holds no train\.parquet: name the folder of a finished run", id="no set"),
    pytest.param(sets.unanswered, {}, "row a has no response", id="a row without its answer"),
]  # fmt: skip


@TOOLS
@pytest.mark.parametrize(("kind", "more", "message"), WRONG)
def test_what_cannot_be_exported_is_told(kind, more, message, tool, tmp_path):
    with pytest.raises(ExportError, match=message):
        export(tool, kind, tmp_path, **more)


def test_a_model_of_this_machine_is_named_whole(tmp_path):
    (tmp_path / "model").mkdir()
    fields, _, _ = export("axolotl", sets.answers, tmp_path, model=str(tmp_path / "model"))
    assert fields["base_model"] == str((tmp_path / "model").resolve())


@pytest.mark.parametrize("stage", DEFAULTS)
def test_the_defaults_are_trls_own(stage):
    trl = pytest.importorskip("trl.trainer", reason="trl's defaults are compared where trl is")
    config = {"sft": trl.SFTConfig, "dpo": trl.DPOConfig}[stage]
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    assert {name: fields[name] for name in DEFAULTS[stage]} == DEFAULTS[stage]


A, L = "axolotl", "llamafactory"
MODULES = {"lora": {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["lm_head"]}}
FOUR = {"quantization": {"load_in_4bit": True}}
CASES = [
    pytest.param(A, {}, {
        "base_model": "org/model-7b", "adapter": "lora", "lora_r": 8, "lora_alpha": 4, "lora_dropout": 0.05,
        "lora_target_linear": True, "learning_rate": 2e-4, "num_epochs": 1, "micro_batch_size": 2,
        "gradient_accumulation_steps": 8, "optimizer": "adamw_bnb_8bit", "warmup_steps": 10, "rl_beta": 0.1,
        "sequence_len": 1024, "seed": 7,
    }, set(), id="the numbers of the config"),
    pytest.param(L, {}, {
        "model_name_or_path": "org/model-7b", "finetuning_type": "lora", "lora_rank": 8, "lora_alpha": 4,
        "lora_dropout": 0.05, "lora_target": "all", "learning_rate": 2e-4, "num_train_epochs": 1,
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 8, "optim": "adamw_bnb_8bit",
        "warmup_steps": 10, "cutoff_len": 1024, "seed": 7, "bf16": True, "stage": "dpo", "pref_beta": 0.1,
    }, set(), id="the numbers of the config"),
    pytest.param(A, {"lora": None}, {}, {"adapter", "lora_r"}, id="all weights"),
    pytest.param(L, {"lora": None}, {"finetuning_type": "full"}, {"lora_rank"}, id="all weights"),
    *(pytest.param(tool, {"trainer": {"warmup_steps": 0.03}}, {"warmup_ratio": 0.03}, {"warmup_steps"}, id="a share of warm-up") for tool in (A, L)),
    pytest.param(A, {"trainer": {"loss_type": "sigmoid"}}, {"rl": "dpo"}, {"loss_type"}, id="the loss that DPO is"),
    pytest.param(L, {"trainer": {"loss_type": ["hinge"]}}, {"pref_loss": "hinge"}, set(), id="a loss by the same name"),
    pytest.param(L, {"trainer": {"gradient_checkpointing": False}}, {"disable_gradient_checkpointing": True}, set(), id="no checkpointing"),
    pytest.param(A, MODULES, {"lora_target_modules": ["q_proj", "v_proj"]}, {"lora_target_linear"}, id="modules by name"),
    pytest.param(L, MODULES, {"lora_target": "q_proj,v_proj", "additional_target": "lm_head"}, set(), id="modules by name"),
    pytest.param(A, FOUR, {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": {"bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False}}, {"load_in_8bit"}, id="4 bits as BitsAndBytesConfig has them"),
    pytest.param(L, FOUR, {"quantization_bit": 4, "quantization_type": "fp4", "double_quantization": False}, set(), id="4 bits as BitsAndBytesConfig has them"),
    pytest.param(A, {"held_out": 0.1}, {"val_set_size": 0.1}, set(), id="a share held out"),
    pytest.param(L, {"held_out": 0.1, "trainer": {"eval_strategy": "epoch"}}, {"val_size": 0.1, "eval_strategy": "epoch"}, set(), id="a share held out"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "more", "fields", "absent"), CASES)
def test_a_setting_by_its_other_name(tool, more, fields, absent, tmp_path):
    config, _, _ = export(tool, sets.pairs, tmp_path, **more)
    assert fields.items() <= config.items()
    assert not absent & set(config)


@pytest.mark.parametrize(("tool", "loss"), [(A, "ipo"), (L, ["sigmoid", "sft"])])
def test_a_loss_it_does_not_have_is_left_out_and_said(tool, loss, tmp_path):
    config, _, lines = export(tool, sets.pairs, tmp_path, trainer={"loss_type": loss})
    assert f"  trainer.loss_type: {loss}" in lines
    assert not {"pref_loss", "loss_type"} & set(config)


def test_axolotl_trains_the_assistants_turns_of_answers(tmp_path):
    config, rows, _ = export(A, sets.answers, tmp_path)
    [dataset] = config["datasets"]
    assert undocumented(dataset, AXOLOTL_DATASET) == []
    assert (dataset["type"], dataset["path"]) == ("chat_template", "train.jsonl")
    assert (dataset["roles_to_train"], "rl" in config) == (["assistant"], False)
    assert [[turn["role"] for turn in row[dataset["field_messages"]]] for row in rows] == [
        ["system", "user", "assistant"],
        ["user", "assistant", "user", "assistant"],
        ["user", "assistant"],
    ]
    assert rows[0]["messages"][-1]["content"] == "Light scatters — mostly the blue."


def test_axolotl_takes_pairs_as_one_turn_each_and_rl_is_dpo(tmp_path):
    config, rows, _ = export(A, sets.pairs, tmp_path)
    [dataset] = config["datasets"]
    assert undocumented(dataset, AXOLOTL_DATASET) == []
    assert (config["rl"], dataset["type"], config["sample_packing"]) == ("dpo", "chat_template.default", False)
    assert rows[0][dataset["field_chosen"]] == {"role": "assistant", "content": "Fine, thanks!"}
    assert rows[0][dataset["field_rejected"]] == {"role": "assistant", "content": "I am operational."}
    assert [turn["role"] for turn in rows[0][dataset["field_messages"]]] == ["system", "user"]


@KINDS
def test_llamafactorys_dataset_is_described_by_documented_fields_that_the_rows_have(kind, tmp_path):
    config, rows, _ = export(L, kind, tmp_path)
    info = json.loads((tmp_path / "to" / "dataset_info.json").read_text(encoding="utf-8"))
    dataset = info[config["dataset"]]
    tags = dataset["tags"]
    assert undocumented(dataset, LLAMAFACTORY_DATASET) == []
    assert set(dataset["columns"]) <= COLUMNS and set(tags) <= TAGS
    assert all(column in row for column in dataset["columns"].values() for row in rows)
    assert dataset.get("ranking", False) is (kind is sets.pairs)
    roles = {tags[name] for name in ("user_tag", "assistant_tag", "system_tag")}
    turns = [turn for row in rows for turn in row[dataset["columns"]["messages"]]]
    assert all(turn[tags["role_tag"]] in roles and turn[tags["content_tag"]] for turn in turns)


@KINDS
def test_llamafactorys_turns_alternate_after_the_system_turn_as_sharegpt_wants(kind, tmp_path):
    """User turns stand in odd places, the assistant's in even ones; a pair's turns end with the user's."""
    for row in export(L, kind, tmp_path)[1]:
        speakers = [turn["from"] for turn in row["conversations"] if turn["from"] != "system"]
        assert speakers == ["human", "gpt"] * (len(speakers) // 2) + ["human"] * (kind is sets.pairs)


def test_calls_and_masks_reach_axolotl(tmp_path):
    config, rows, _ = export(A, sets.rich, tmp_path)
    [dataset] = config["datasets"]
    assert undocumented(dataset, AXOLOTL_DATASET) == []
    assert dataset["message_field_training"] == "weight"
    assert [[turn.get("weight") for turn in row["messages"]] for row in rows] == [[None] * 4, [None, 0, None, None]]
    assert rows[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"city": "Bergen"}
    assert rows[0]["tools"][0]["function"]["name"] == "weather"


def test_a_call_is_a_turn_of_its_own_for_llamafactory(tmp_path):
    _, rows, _ = export(L, sets.calls, tmp_path)
    info = json.loads((tmp_path / "to" / "dataset_info.json").read_text(encoding="utf-8"))["curated"]
    assert info["columns"] == {"messages": "conversations", "tools": "tools"}
    speakers = [turn["from"] for turn in rows[0]["conversations"]]
    assert speakers == [info["tags"][f"{who}_tag"] for who in ("user", "function", "observation", "assistant")]
    assert json.loads(rows[0]["conversations"][1]["value"]) == {"name": "weather", "arguments": {"city": "Bergen"}}


@pytest.mark.parametrize(
    ("tool", "kind", "message"),
    [
        pytest.param(L, sets.rich, "row b: turn 2 has a loss that does not count, .* 'messages' has", id="a mask"),
        pytest.param(A, sets.thoughtful_pairs, "row a has reasoning_content in a turn, which axolotl", id="thoughts"),
        pytest.param(A, sets.calling_pairs, "row a has an answer of several turns, which axolotl", id="a call"),
        pytest.param(L, sets.calling_pairs, "row a: chosen has 3 turns, .* 'preference' has", id="a call"),
    ],
)
def test_what_a_tool_does_not_read_is_refused(tool, kind, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export(tool, kind, tmp_path)


def test_thoughts_stand_in_tags_for_llamafactory(tmp_path):
    _, rows, _ = export(L, sets.thoughtful_pairs, tmp_path)
    assert rows[0]["chosen"] == {"from": "gpt", "value": "<think>\nA greeting.\n</think>\n\nFine!"}
