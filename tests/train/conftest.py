"""One small model and its rows, made once; one thread, so that tests neither wait for each other nor differ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.train import tiny


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
    return {
        "model": str(base),
        "data": str(rows),
        "trainer": {
            "per_device_train_batch_size": 4,
            "num_train_epochs": 2,
            "learning_rate": 1e-2,
            "save_strategy": "no",
            "disable_tqdm": True,
        },
    }


@pytest.fixture
def pairs(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """DPO of the tiny model on 16 pairs in 8 steps."""
    return {**config, "data": str(tiny.write(tmp_path / "pairs.jsonl", tiny.pairs(16)))}


LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}
