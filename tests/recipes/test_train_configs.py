"""The training configs: every one is right, says the paper's numbers, and trl takes what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from curate.train import data
from curate.train.chains import plan
from curate.train.config import TrainConfig, read, resolve
from curate.train.run import check, defaults, run_config
from curate.train.stages import stage_of
from tests.train import tiny

FOLDER = Path(__file__).parents[2] / "recipes" / "train"
STAGE = {"lima": "sft", "human_like_dpo": "dpo", "alpaca": "sft", "qlora": "sft"}
CHAINS = ("zephyr", "smollm2_cpu")


def load(name: str) -> dict[str, TrainConfig]:
    file = FOLDER / f"{name}.yaml"
    return plan(file, Path("out")) if name in CHAINS else {STAGE[name]: resolve(STAGE[name], *read(file))}


def arguments(config: TrainConfig, folder: Path) -> Any:
    return stage_of(config.stage).of_trl("Config")(
        output_dir=str(folder), seed=config.seed, **{**defaults(), **config.trainer}
    )


def test_no_config_is_left_out():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*STAGE, *CHAINS}


@pytest.mark.parametrize("name", [*STAGE, *CHAINS])
def test_every_config_is_right_and_trl_takes_it(name, tmp_path):
    for stage, config in load(name).items():
        args = arguments(config, tmp_path)
        assert config.stage == stage
        for key, value in config.trainer.items():
            assert getattr(args, key) == value or key in ("optim", "lr_scheduler_type"), key
        if config.lora:
            from peft import LoraConfig

            assert LoraConfig(**config.lora).r == config.lora["r"]


@pytest.mark.parametrize(
    ("name", "stage", "numbers"),
    [
        pytest.param(
            "lima",
            "sft",
            {
                "learning_rate": 1e-5,
                "num_train_epochs": 15,
                "adam_beta1": 0.9,
                "adam_beta2": 0.95,
                "weight_decay": 0.1,
                "warmup_steps": 0,
                "max_length": 2048,
                "batch": 32,
            },
            id="LIMA, section 3",
        ),
        pytest.param(
            "human_like_dpo",
            "dpo",
            {"learning_rate": 2e-4, "num_train_epochs": 1, "beta": 0.1, "warmup_steps": 10, "batch": 16},
            id="2501.05032, section 3",
        ),
        pytest.param(
            "alpaca",
            "sft",
            {"learning_rate": 2e-5, "num_train_epochs": 3, "max_length": 512, "batch": 128},
            id="Alpaca",
        ),
        pytest.param(
            "qlora",
            "sft",
            {"learning_rate": 2e-4, "adam_beta2": 0.999, "max_grad_norm": 0.3, "batch": 16},
            id="QLoRA, appendix B.2",
        ),
        pytest.param(
            "zephyr", "sft", {"learning_rate": 2e-5, "warmup_steps": 0.1, "max_length": 2048}, id="Zephyr, SFT"
        ),
        pytest.param(
            "zephyr", "dpo", {"learning_rate": 5e-7, "beta": 0.1, "num_train_epochs": 3, "batch": 32}, id="Zephyr, DPO"
        ),
    ],
)
def test_the_papers_numbers(name, stage, numbers, tmp_path):
    args = arguments(load(name)[stage], tmp_path)
    found = {key: getattr(args, key) for key in numbers if key != "batch"}
    if "batch" in numbers:
        found["batch"] = args.per_device_train_batch_size * args.gradient_accumulation_steps
    assert found == numbers


def test_limas_rate_falls_in_a_line_to_its_floor(tmp_path):
    from transformers import get_scheduler

    args = arguments(load("lima")["sft"], tmp_path)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=args.learning_rate)
    given = {"num_warmup_steps": 0, "num_training_steps": 100, "scheduler_specific_kwargs": args.lr_scheduler_kwargs}
    schedule, rates = get_scheduler(args.lr_scheduler_type, optimizer, **given), []
    for _ in range(100):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(1e-5)
    assert rates[50] == pytest.approx(5.5e-6)
    assert schedule.get_last_lr()[0] == pytest.approx(1e-6)


def test_the_adapter_of_2501_05032_keeps_its_dropout():
    lora = load("human_like_dpo")["dpo"].lora
    assert lora is not None
    assert {name: lora[name] for name in ("r", "lora_alpha", "lora_dropout")} == {
        "r": 8,
        "lora_alpha": 4,
        "lora_dropout": 0.05,
    }


ROWS = [
    {"instruction": "Add.", "input": f"{i} and {i}", "output": f"It is {2 * i}.", "text": "…"} if i % 2 else
    {"instruction": f"What is twice {i}?", "input": "", "output": f"It is {2 * i}.", "text": "…"}
    for i in range(16)
]  # fmt: skip


@pytest.mark.slow
def test_alpacas_two_forms_are_what_the_model_sees_and_is_asked_by(tmp_path, monkeypatch):
    """A base model without a template, trained by the config as it is but for its size."""
    from transformers import AutoTokenizer

    monkeypatch.chdir(FOLDER.parents[1])
    config = load("alpaca")["sft"]
    small = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "num_train_epochs": 1}
    given = {
        "model": str(tiny.save_model(tmp_path / "base", template=None)),
        "data": str(tiny.write(tmp_path / "train.alpaca.jsonl", ROWS)),
        "trainer": {**config.trainer, **small, "disable_tqdm": True},
    }
    run_config(config.model_copy(update=given), tmp_path / "out")
    words = AutoTokenizer.from_pretrained(tmp_path / "out" / "merged")
    rows = data.load(given["data"], "prompt_completion").rows
    seen = [words.apply_chat_template([*r.record["prompt"], *r.record["completion"]], tokenize=False) for r in rows[:2]]
    assert seen == [
        "### Instruction:\nWhat is twice 0?\n\n### Response:\nIt is 0.<|im_end|>",
        "### Instruction:\nAdd.\n\n### Input:\n1 and 1\n\n### Response:\nIt is 2.<|im_end|>",
    ]
    asked = words.apply_chat_template(rows[1].record["prompt"], tokenize=False, add_generation_prompt=True)
    assert seen[1].startswith(asked)
    assert asked.endswith("### Response:\n")


ACCELERATE = sorted((FOLDER / "accelerate").glob("*.yaml"))


@pytest.mark.parametrize("file", ACCELERATE, ids=lambda file: file.stem)
def test_accelerate_takes_the_configs_for_several_gpus(file):
    """By the check that `accelerate launch` does before it starts anything, and the environment it then sets."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

    command = ["--config_file", str(file), "--num_processes", "4", "-m", "curate", "train", "sft", "lima.yaml"]
    args, defaults, _ = _validate_launch_command(launch_command_parser().parse_args(command))
    assert (args.num_processes, args.mixed_precision, args.use_cpu) == (4, "bf16", False)
    if args.use_deepspeed:
        args.deepspeed_fields_from_accelerate_config = ",".join(defaults.deepspeed_config)
        _, env = prepare_deepspeed_cmd_env(args)
        assert env["ACCELERATE_DEEPSPEED_ZERO_STAGE"] == "3"
        assert env["ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL"] == "true"
    else:
        env = prepare_multi_gpu_env(args)
        assert (env["ACCELERATE_USE_FSDP"], env["FSDP_VERSION"]) == ("true", "2")
        assert env["FSDP_STATE_DICT_TYPE"] == "FULL_STATE_DICT"
    known = vars(launch_command_parser().parse_args(["x"]))
    block = defaults.deepspeed_config or defaults.fsdp_config
    assert set(block) <= set(known), "what accelerate does not know it would take without a word"


def test_fsdps_settings_make_its_plugin(monkeypatch):
    import yaml
    from accelerate import FullyShardedDataParallelPlugin

    block = yaml.safe_load((FOLDER / "accelerate" / "fsdp.yaml").read_text())["fsdp_config"]
    for key, value in block.items():
        monkeypatch.setenv(key.upper(), str(value).lower() if isinstance(value, bool) else str(value))
    plugin = FullyShardedDataParallelPlugin()
    assert (plugin.fsdp_version, plugin.reshard_after_forward, plugin.cpu_ram_efficient_loading) == (2, True, True)
    assert plugin.state_dict_type.name == "FULL_STATE_DICT"


def test_the_lines_for_several_processes_name_them():
    from curate.train import launch

    lines = launch.lines("sft", "lima.yaml", 4)
    named = [Path(line.split("--config_file ")[1].split()[0]) for line in lines if "--config_file" in line]
    assert [file.resolve() for file in named] == [file.resolve() for file in reversed(ACCELERATE)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:bitsandbytes.*autograd kernel was not registered:UserWarning")  # its CPU kernels
def test_the_config_of_4_bits_passes_the_preflight_on_a_small_model(tmp_path):
    pytest.importorskip("bitsandbytes")
    config = load("qlora")["sft"]
    small = {
        "model": str(tiny.save_model(tmp_path / "base", hidden=64)),
        "data": str(tiny.write(tmp_path / "rows.jsonl", tiny.answers(8))),
        "trainer": {**config.trainer, "max_length": 256, "disable_tqdm": True},
    }
    findings = check(config.model_copy(update=small), tmp_path / "out")
    assert [finding for finding in findings if finding.level == "stop"] == []
