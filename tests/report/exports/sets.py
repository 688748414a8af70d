"""Finished sets and a training config, as small as a test needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from curate.turns import OPTIONAL
from curate.turns import TURNS as TURNS_TYPE

TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Good morning."}]


def answers(folder: Path) -> Path:
    rows = [
        {"id": "a", "prompt": "Why is the sky blue?", "response": "Light scatters — mostly the blue.", "system": "Be brief.", "history": None},
        {"id": "b", "prompt": "And at night?", "response": "There is no light to scatter.", "system": None, "history": TURNS},
        {"id": "c", "prompt": "Thanks", "response": "You're welcome.", "system": None, "history": None},
    ]  # fmt: skip
    return _write(folder, rows)


def pairs(folder: Path) -> Path:
    rows = [
        {"id": "a", "prompt": "How are you?", "chosen": "Fine, thanks!", "rejected": "I am operational.", "system": "Be warm."},
        {"id": "b", "prompt": "Tea?", "chosen": "Yes, please!", "rejected": "Affirmative.", "system": None},
    ]  # fmt: skip
    return _write(folder, rows)


CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}
TOOLS = '[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]'
ASKS = [
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "content": "rain", "tool_call_id": "1", "name": "weather"},
    {"role": "assistant"},
]


def calls(folder: Path) -> Path:
    """A tool is called before the answer."""
    return _write(folder, [_asks("response")])


def rich(folder: Path) -> Path:
    """A tool is called, and an earlier answer is not trained on."""
    masked = [TURNS[0], {**TURNS[1], "loss": False}]
    return _write(folder, [_asks("response"), {"id": "b", "prompt": "And?", "response": "Rain.", "history": masked}])


def calling_pairs(folder: Path) -> Path:
    return _write(folder, [{**_asks("chosen"), "rejected": "Look outside."}])


def thoughtful_pairs(folder: Path) -> Path:
    thought = [{"role": "assistant", "thinking": "A greeting."}]
    row = {"id": "a", "prompt": "How are you?", "chosen": "Fine!", "chosen_turns": thought, "rejected": "Functional."}
    return _write(folder, [row])


def _asks(answer: str) -> dict[str, Any]:
    return {"id": "a", "prompt": "Weather in Bergen?", answer: "It rains.", f"{answer}_turns": ASKS, "tools": TOOLS}


def unanswered(folder: Path) -> Path:
    """A row lacks its answer."""
    rows = pl.read_parquet(answers(folder) / "train.parquet")
    rows.with_columns(response=pl.lit(None, pl.String)).write_parquet(folder / "train.parquet")
    return folder


def _write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    names = {name for row in rows for name in row}
    types = {name: dtype for name, dtype in {"history": TURNS_TYPE, **OPTIONAL}.items() if name in names}
    pl.DataFrame(rows, schema_overrides=types).write_parquet(folder / "train.parquet")
    return folder


def config(folder: Path, **more: Any) -> Path:
    """Write 2501.05032's settings, with some keys that no other tool has."""
    settings = {
        "model": "org/model-7b",
        "data": "out/pairs",
        "seed": 7,
        "lora": {"r": 8, "lora_alpha": 4, "lora_dropout": 0.05, "target_modules": "all-linear"},
        "trainer": {
            "learning_rate": "2e-4",
            "num_train_epochs": 1,
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 8,
            "optim": "adamw_bnb_8bit",
            "warmup_steps": 10,
        },
        **more,
    }
    file = folder / "train.yaml"
    file.write_text(yaml.safe_dump({k: v for k, v in settings.items() if v is not None}), encoding="utf-8")
    return file
