"""One small model and its rows, made once; one thread, so that tests neither wait for each other nor differ."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.train import plain, tiny

LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}
EOT = "<|eot|>"
TRAINER = {"per_device_train_batch_size": 4, "num_train_epochs": 2, "learning_rate": 1e-2, "disable_tqdm": True}


# The rate falls in a line to a floor, by trl's own keys.
FLOOR = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-3, "power": 1.0}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests: nearly all of them train the tiny model."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("model")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import datasets
    import torch
    from transformers.utils import logging

    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a ChatML template and tied embeddings."""
    return tiny.save_model(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def config(base: Path, tmp_path: Path) -> dict[str, Any]:
    """SFT of the tiny model on 16 rows in 8 steps, as a mapping."""
    rows = tiny.write(tmp_path / "answers.jsonl", tiny.answers(16))
    return {"model": str(base), "data": str(rows), "trainer": {**TRAINER, "save_strategy": "no"}}


@pytest.fixture
def pairs(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """DPO of the tiny model on 16 pairs in 8 steps."""
    return {**config, "data": str(tiny.write(tmp_path / "pairs.jsonl", tiny.pairs(16)))}


@pytest.fixture(scope="session")
def sft_run(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, dict[str, Any]]:
    """A finished SFT with LoRA, an end-of-turn token and a checkpoint an epoch; only to look at, or to copy."""
    import curate.train

    folder = tmp_path_factory.mktemp("sft_run")
    data = tiny.write(folder / "answers.jsonl", tiny.answers(16))
    held_out = tiny.write(folder / "dev.jsonl", tiny.answers(4))
    config = {"model": str(base), "data": str(data), "eval_data": str(held_out), "rows": 12, "seed": 7}
    config |= {"lora": LORA, "end_of_turn": EOT, "trainer": {**TRAINER, **FLOOR}}
    return config, folder / "out", curate.train.sft(config, folder / "out")


@pytest.fixture
def context(base: Path, tmp_path: Path) -> Callable[..., Any]:
    """What the checks read, of a trainer as people make one with plain trl."""

    def make(
        rows: list[dict[str, Any]],
        stage: str = "sft",
        lora: dict[str, Any] | None = None,
        *,
        base: Path = base,
        template: str | None = None,
        loaded: tuple[Any, Any] | None = None,
        config: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Any:
        from curate.train.config import TrainConfig
        from curate.train.data import Row
        from curate.train.preflight import Context

        model, tokenizer = loaded or plain.load(base)
        tokenizer.chat_template = template or tokenizer.chat_template
        trainer = plain.trainer(stage, tmp_path, model, tokenizer, rows, lora, **settings)
        numbered = [Row(r["id"], f"line {i}", {k: v for k, v in r.items() if k != "id"}) for i, r in enumerate(rows, 1)]
        checked = TrainConfig(stage=stage, model=str(base), data="rows.jsonl", **(config or {}))
        return Context(trainer, checked, numbered)

    return make


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
