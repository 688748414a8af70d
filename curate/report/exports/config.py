"""What a training config asks for, by trl's and peft's names, with trl's defaults where it says nothing."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping
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
OURS = {"save_strategy": "epoch", "logging_steps": 1}  # what `curate train` takes for what is left out
# Not settings of the training: where its data are, or what no other tool has to be told.
_HERE = {"stage", "data", "model", "trainer", "lora", "quantization", "model_args", "rows", "seed", "held_out"}
_SWITCHES = ("save_strategy", "eval_strategy", "logging_strategy")
_NOTHING: dict[str, Any] = {"use_cpu": False, "report_to": "none", "disable_tqdm": False, "dataloader_pin_memory": True}


class ExportError(UserError):
    """Say what cannot be exported, and what would be right."""


@dataclass(frozen=True)
class Asked:
    """A training config for a set of one kind; `lora` and `quantization` are None where the config has none.

    `without` collects, as `key: value`, what the other tool has no counterpart for; `said` what should be known of it.
    """

    stage: Stage
    model: str
    trainer: dict[str, Any]
    lora: dict[str, Any] | None
    quantization: dict[str, Any] | None
    model_args: dict[str, Any]
    rows: int | None
    seed: int
    held_out: float | None
    without: list[str]
    said: list[str]


def asked(config: Path | None, stage: Stage) -> Asked:
    """Read a training config as far as an export needs it; of a chain, the block of this stage."""
    data, said = _block(config, stage)
    wanted = data.get("stage", stage)
    if wanted != stage:
        rows = {"sft": "answers", "dpo": "pairs"}[stage]
        raise ExportError(f"{config} is a config for {wanted}, and the set holds {rows}: name a config for {stage}")
    trainer = _numbers(data.get("trainer")) or {}
    trainer |= {key: "no" for key in _SWITCHES if trainer.get(key) is False}  # as YAML reads the word
    without = [f"{key}: {value}" for key, value in data.items() if key not in _HERE and value is not None]
    for key, unsaid in _NOTHING.items():
        if key in trainer and trainer.pop(key) != unsaid:
            without.append(f"trainer.{key}: {data['trainer'][key]}")
    return Asked(
        stage,
        _model(data.get("model"), said),
        {**DEFAULTS[stage], **OURS, **trainer},
        _numbers(data.get("lora")),
        _numbers(data.get("quantization")),
        dict(data.get("model_args") or {}),
        data.get("rows"),
        int(data.get("seed", 0)),
        data.get("held_out"),
        without,
        said,
    )


def _block(config: Path | None, stage: Stage) -> tuple[dict[str, Any], list[str]]:
    if config is None:
        return {}, [f"No training config was given: the model is {_HUB} and the numbers are trl's defaults."]
    data, _ = read_yaml(config)
    if not isinstance(data.get(stage), Mapping) and isinstance(data.get("dpo" if stage == "sft" else "sft"), Mapping):
        raise ExportError(f"{config} has no block '{stage}', which is what the set is for")
    if not isinstance(data.get(stage), Mapping):
        return data, []
    block = dict(data[stage])
    if stage == "dpo" and "model" not in block:
        block["model"] = data["sft"].get("model") if isinstance(data.get("sft"), Mapping) else None
        return block, ["In the chain DPO starts from what SFT saved: put that folder in the place of the model."]
    return block, []


def _model(name: str | None, said: list[str]) -> str:
    if name is None:
        return _HUB
    if Path(name).is_dir():
        said.append("The model is a folder of this machine.")
        return str(Path(name).resolve())
    return _HUB if name == SMALL else name


def _numbers(block: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if block is None else {key: _number(value) for key, value in block.items()}


def _number(value: Any) -> Any:
    """Read what YAML takes for text: 1e-5 has no point, so it is none of its numbers.

    >>> _number("1e-5"), _number("linear"), _number(3)
    (1e-05, 'linear', 3)
    """
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def warm_up(asked: Asked) -> dict[str, Any]:
    """Give the warm-up by the name that the other tools have: below 1 it is a share of all steps."""
    steps = asked.trainer["warmup_steps"]
    return {"warmup_ratio": steps} if 0 < steps < 1 else {"warmup_steps": int(steps)}


def taken(block: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Take the settings that have another name, or the same one, elsewhere."""
    return {new: block[old] for old, new in names.items() if old in block}


def left(asked: Asked, block: str, values: Mapping[str, Any], known: set[str]) -> None:
    """Note the settings of a block that have no counterpart."""
    asked.without.extend(f"{block}.{key}: {value}" for key, value in values.items() if key not in known)


BY = "export"
Say = Callable[[str], None]


def read(out: Path) -> tuple[pl.DataFrame, Stage]:
    """Read a finished set; say whether it holds answers or pairs."""
    file = out / "train.parquet"
    if not file.is_file():
        raise ExportError(f"{out} holds no train.parquet: name the folder of a finished run")
    rows = pl.read_parquet(file)
    return rows, "dpo" if "chosen" in rows.columns else "sft"


def rows_of(rows: pl.DataFrame, asked: Asked) -> list[dict[str, Any]]:
    """Give the records to write: those of `messages`, or of `preference`, as many as the config takes."""
    some = rows if asked.rows is None else rows.head(asked.rows)
    if asked.rows is not None:
        asked.said.append(f"rows: the data file holds the first {some.height:,} rows, as the config takes them.")
    try:
        return list(records(some, "messages" if asked.stage == "sft" else "preference"))
    except ValueError as error:
        raise ExportError(str(error)) from None


def write_rows(to: Path, name: str, rows: Iterable[dict[str, Any]]) -> Path:
    """Write records as JSON lines."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return put_text(to, BY, name, text)


def write_json(to: Path, name: str, value: Any) -> Path:
    """Write a JSON file."""
    return put_text(to, BY, name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_config(
    to: Path, name: str, config: dict[str, Any], asked: Asked, tool: str, run: str, say: Say | None
) -> Path:
    """Write a config with comments above it that say how to run it and what has no counterpart; say the same."""
    lines = [f"For {tool}, written by its documentation: it was not run here.", f"In this folder: {run}", *asked.said]
    if asked.without:
        lines += [f"Without a counterpart in {tool}, so left out:", *(f"  {one}" for one in asked.without)]
    if say:
        for line in lines:
            say(line)
    comments = "".join(f"# {part}\n" for line in lines for part in _wrapped(line))
    return put_text(to, BY, name, comments + yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 116, subsequent_indent="    ", break_long_words=False) or [""]
