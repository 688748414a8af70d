"""What a training config asks for, by trl's and peft's names, with trl's defaults where it says nothing."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

from curate.errors import UserError
from curate.folders import put_text
from curate.recipe.places import read_yaml
from curate.report.formats import records

Stage = Literal["sft", "dpo"]
Say = Callable[[str], None]
BY = "export"
SMALL = "SmolLM2-135M-Instruct"
_HUB = f"HuggingFaceTB/{SMALL}"  # where other tools find it

# trl 1.16: what SFTConfig and DPOConfig take for what is left out, and other tools take something else for.
_SHARED: dict[str, Any] = {
    "num_train_epochs": 3.0,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "optim": "adamw_torch_fused",
    "lr_scheduler_type": "linear",
    "warmup_steps": 0,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "max_length": 1024,
    "gradient_checkpointing": True,
}
DEFAULTS: dict[Stage, dict[str, Any]] = {
    "sft": {"learning_rate": 2e-5, **_SHARED},
    "dpo": {"learning_rate": 1e-6, **_SHARED, "beta": 0.1},
}
_OURS = {"save_strategy": "epoch", "logging_steps": 1}  # what `curate train` takes for what is left out
_PEFT = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
# Not settings of the training: where its data are, or what no other tool has to be told.
_HERE = {"stage", "data", "model", "trainer", "lora", "quantization", "model_args", "rows", "seed", "held_out"}
_SWITCHES = ("save_strategy", "eval_strategy", "logging_strategy")
_NOTHING: dict[str, Any] = {"use_cpu": False, "report_to": "none", "disable_tqdm": False, "dataloader_pin_memory": True}


class ExportError(UserError):
    """Say what cannot be exported, and what would be right."""


@dataclass(frozen=True)
class Settings:
    """A training config for a set of one kind; `lora` and `quantization` are None where the config has none.

    `unsupported` collects, as `key: value`, what the other tool has no counterpart for; `notes` what a reader should
    know of the written config.
    """

    stage: Stage
    model: str
    trainer: dict[str, Any]
    lora: dict[str, Any] | None
    quantization: dict[str, Any]
    model_args: dict[str, Any]
    rows: int | None
    seed: int
    held_out: float | None
    unsupported: list[str]
    notes: list[str]

    def renamed(self, block: str, values: Mapping[str, Any], names: Mapping[str, str], *others: str) -> dict[str, Any]:
        """Give the values of a block by the other tool's names; note those without a name, but for `others`."""
        unknown = (key for key in values if key not in names and key not in others)
        self.unsupported.extend(f"{block}.{key}: {values[key]}" for key in unknown)
        return {new: values[old] for old, new in names.items() if old in values}

    def warm_up(self) -> dict[str, Any]:
        """Give the warm-up by the name that the other tools have: below 1 it is a share of all steps."""
        steps = self.trainer["warmup_steps"]
        return {"warmup_ratio": steps} if 0 < steps < 1 else {"warmup_steps": int(steps)}

    def adapter(self) -> tuple[dict[str, Any], Any]:
        """Give the settings of LoRA with peft's defaults, and its target modules; None stands for all linear layers."""
        lora = {**_PEFT, **(self.lora or {})}
        modules = lora.pop("target_modules", None)
        if modules is None:
            self.notes.append("target_modules: peft would choose by architecture; here all linear layers are meant.")
        return lora, None if modules == "all-linear" else modules


def same(names: str) -> dict[str, str]:
    """Map settings to themselves: the other tool calls them by the same names."""
    return {name: name for name in names.split()}


def read_config(config: Path | None, stage: Stage) -> Settings:
    """Read a training config as far as an export needs it; of a chain, the block of this stage."""
    data, notes = _block(config, stage)
    if data.get("stage", stage) != stage:
        rows = {"sft": "answers", "dpo": "pairs"}[stage]
        raise ExportError(
            f"{config} is a config for {data['stage']}, and the set holds {rows}: name a config for {stage}"
        )
    trainer = _numbers(data.get("trainer"))
    trainer |= {key: "no" for key in _SWITCHES if trainer.get(key) is False}  # as YAML reads the word
    unsupported = [f"{key}: {value}" for key, value in data.items() if key not in _HERE and value is not None]
    for key, default in _NOTHING.items():
        if key in trainer and trainer.pop(key) != default:
            unsupported.append(f"trainer.{key}: {data['trainer'][key]}")
    return Settings(
        stage,
        _model(data.get("model"), notes),
        {**DEFAULTS[stage], **_OURS, **trainer},
        None if data.get("lora") is None else _numbers(data["lora"]),
        _numbers(data.get("quantization")),
        dict(data.get("model_args") or {}),
        data.get("rows"),
        int(data.get("seed", 0)),
        data.get("held_out"),
        unsupported,
        notes,
    )


def _block(config: Path | None, stage: Stage) -> tuple[dict[str, Any], list[str]]:
    if config is None:
        return {}, [f"No training config was given: the model is {_HUB} and the numbers are trl's defaults."]
    data, _ = read_yaml(config)
    blocks = {name: dict(data[name]) for name in DEFAULTS if isinstance(data.get(name), Mapping)}
    if stage not in blocks:
        if blocks:
            raise ExportError(f"{config} has no block '{stage}', which is what the set is for")
        return data, []
    if stage == "dpo" and "model" not in blocks["dpo"]:
        model = blocks.get("sft", {}).get("model")
        note = "In the chain DPO starts from what SFT saved: put that folder in the place of the model."
        return {**blocks["dpo"], "model": model}, [note]
    return blocks[stage], []


def _model(name: str | None, notes: list[str]) -> str:
    if name is not None and Path(name).is_dir():
        notes.append("The model is a folder of this machine.")
        return str(Path(name).resolve())
    return _HUB if name in (None, SMALL) else str(name)


def _numbers(block: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: _number(value) for key, value in (block or {}).items()}


def _number(value: Any) -> Any:
    """Read what YAML takes for text: 1e-5 has no point, so it is none of its numbers.

    >>> _number("1e-5"), _number("linear"), _number(3)
    (1e-05, 'linear', 3)
    """
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def read_set(out: Path) -> tuple[pl.DataFrame, Stage]:
    """Read a finished set; say whether it holds answers or pairs."""
    file = out / "train.parquet"
    if not file.is_file():
        raise ExportError(f"{out} holds no train.parquet: name the folder of a finished run")
    rows = pl.read_parquet(file)
    return rows, "dpo" if "chosen" in rows.columns else "sft"


def records_of(rows: pl.DataFrame, settings: Settings, format_: str) -> list[dict[str, Any]]:
    """Give the records to write in a format, as many as the config takes."""
    if settings.rows is not None:
        rows = rows.head(settings.rows)
        settings.notes.append(f"rows: the data file holds the first {rows.height:,} rows, as the config takes them.")
    try:
        return list(records(rows, format_))
    except ValueError as error:
        raise ExportError(str(error)) from None


def write_records(to: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """Write records as JSON lines."""
    return put_text(to, BY, name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_config(
    to: Path, name: str, config: dict[str, Any], settings: Settings, tool: str, command: str, say: Say | None
) -> Path:
    """Write a config with comments above it that say how to run it and what has no counterpart; say the same."""
    lines = [f"For {tool}, written by its documentation: it was not run here.", f"In this folder: {command}"]
    lines += settings.notes
    if settings.unsupported:
        lines += [f"Without a counterpart in {tool}, so left out:", *(f"  {one}" for one in settings.unsupported)]
    if say:
        for line in lines:
            say(line)
    wrapped = (textwrap.wrap(line, 116, subsequent_indent="    ", break_long_words=False) or [""] for line in lines)
    comments = "".join(f"# {part}\n" for parts in wrapped for part in parts)
    return put_text(to, BY, name, comments + yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
