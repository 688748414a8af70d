"""What both exports share: the same settings by other names, and nothing lost in silence."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml

from curate.report.exports import EXPORTERS
from curate.report.exports.config import DEFAULTS, ExportError
from tests.report.exports import sets
from tests.report.exports.documented import AXOLOTL, LLAMAFACTORY, undocumented

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


def read(folder, tool):
    return yaml.safe_load((folder / f"{tool}.yaml").read_text(encoding="utf-8"))


@TOOLS
@KINDS
@pytest.mark.parametrize("more", CONFIGS)
def test_only_documented_fields_are_written_with_values_they_take(more, kind, tool, tmp_path):
    config = sets.config(tmp_path, **more)
    files = EXPORTERS[tool](kind(tmp_path / "out"), tmp_path / "to", config)
    assert all(file.is_file() for file in files)
    assert undocumented(read(tmp_path / "to", tool), TABLES[tool]) == []


def test_the_table_finds_what_is_not_documented():
    assert undocumented({"learning_rate": "2e-4", "lerning_rate": 1.0, "bf16": "auto", "seed": True}, AXOLOTL) == [
        "learning_rate: '2e-4'",
        "lerning_rate: 1.0",
        "seed: True",
    ]


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
    said: list[str] = []
    EXPORTERS[tool](kind(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, **more), said.append)
    comments = [line for line in (tmp_path / "to" / f"{tool}.yaml").read_text().splitlines() if line.startswith("#")]
    left = {
        "residual_dropout: 0.3", "end_of_turn: <|eot|>", "eval_data: out/dev", "trainer.use_cpu: True",
        "trainer.activation_offloading: True", "lora.bias: all", "lora.layers_to_transform: [0]",
        "model_args.dtype: bfloat16",
    }  # fmt: skip
    assert {line.strip() for line in said if line.startswith("  ")} == left
    assert {line.removeprefix("#").strip() for line in comments} >= left
    assert "it was not run here" in said[0]
    assert any(f"{tool}.yaml" in line for line in said)


@TOOLS
def test_without_a_config_the_model_and_trls_defaults_are_said(tool, tmp_path):
    said: list[str] = []
    EXPORTERS[tool](sets.pairs(tmp_path / "out"), tmp_path / "to", None, said.append)
    written = read(tmp_path / "to", tool)
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in written.values()
    assert written["learning_rate"] == 1e-6
    assert [line for line in said if "No training config was given" in line]
    assert not [line for line in said if "Without a counterpart" in line]


@TOOLS
def test_a_chain_gives_the_block_of_the_set(tool, tmp_path):
    chain = tmp_path / "chain.yaml"
    blocks = {"sft": {"model": "SmolLM2-135M-Instruct", "data": "a", "trainer": {"learning_rate": 3e-5}}, "dpo": {"data": "b", "trainer": {"learning_rate": 4e-6}}}  # fmt: skip
    chain.write_text(yaml.safe_dump(blocks), encoding="utf-8")
    said: list[str] = []
    EXPORTERS[tool](sets.answers(tmp_path / "a"), tmp_path / "sft", chain)
    EXPORTERS[tool](sets.pairs(tmp_path / "b"), tmp_path / "dpo", chain, said.append)
    assert [read(tmp_path / stage, tool)["learning_rate"] for stage in ("sft", "dpo")] == [3e-5, 4e-6]
    assert all("HuggingFaceTB/SmolLM2-135M-Instruct" in read(tmp_path / s, tool).values() for s in ("sft", "dpo"))
    assert [line for line in said if "DPO starts from what SFT saved" in line]


@TOOLS
def test_rows_are_those_that_the_config_takes(tool, tmp_path):
    said: list[str] = []
    EXPORTERS[tool](sets.answers(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, rows=2), said.append)
    written = (tmp_path / "to" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in written] == ["a", "b"]
    assert "rows: the data file holds the first 2 rows, as the config takes them." in said


WRONG = [
    pytest.param(sets.pairs, {"stage": "sft"}, "is a config for sft, and the set holds pairs", id="pairs for SFT"),
    pytest.param(sets.answers, {"stage": "dpo"}, "is a config for dpo, and the set holds answers", id="answers for DPO"),
    pytest.param(sets.pairs, {"stage": "rloo"}, "name a config for dpo", id="a stage that has no export"),
    pytest.param(sets.pairs, {"sft": {"model": "m"}}, "has no block 'dpo'", id="a chain without the block"),
]  # fmt: skip


@TOOLS
@pytest.mark.parametrize(("kind", "more", "message"), WRONG)
def test_a_config_for_something_else_is_told(kind, more, message, tool, tmp_path):
    with pytest.raises(ExportError, match=message):
        EXPORTERS[tool](kind(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, **more))


@TOOLS
def test_a_folder_without_a_set_is_told(tool, tmp_path):
    with pytest.raises(ExportError, match=r"holds no train\.parquet: name the folder of a finished run"):
        EXPORTERS[tool](tmp_path, tmp_path / "to")


@TOOLS
def test_a_row_that_lacks_its_answer_is_named(tool, tmp_path):
    import polars as pl

    out = sets.answers(tmp_path / "out")
    rows = pl.read_parquet(out / "train.parquet")
    rows.with_columns(pl.lit(None, dtype=pl.String).alias("response")).write_parquet(out / "train.parquet")
    with pytest.raises(ExportError, match="row a has no response"):
        EXPORTERS[tool](out, tmp_path / "to")


def test_a_model_of_this_machine_is_named_whole(tmp_path):
    (tmp_path / "model").mkdir()
    EXPORTERS["axolotl"](
        sets.answers(tmp_path / "out"), tmp_path / "to", sets.config(tmp_path, model=str(tmp_path / "model"))
    )
    assert read(tmp_path / "to", "axolotl")["base_model"] == str((tmp_path / "model").resolve())


@pytest.mark.parametrize("stage", DEFAULTS)
def test_the_defaults_are_trls_own(stage):
    trl = pytest.importorskip("trl.trainer", reason="trl's defaults are compared where trl is")
    taken = {"sft": trl.SFTConfig, "dpo": trl.DPOConfig}[stage]
    fields = {field.name: field.default for field in dataclasses.fields(taken)}
    assert {name: fields[name] for name in DEFAULTS[stage]} == DEFAULTS[stage]
