"""What training left: its record, its checkpoints, and a generator that answers as one of them would."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from curate.errors import UserError
from curate.models.generators import transformers, vllm
from curate.models.generators.ask import Engine
from curate.models.generators.generator import Generator
from curate.models.generators.transformers import Transformers
from curate.models.generators.vllm import VLLM
from curate.rows import hash_file

BACKENDS: Mapping[str, Callable[..., Generator]] = {"vllm": vllm, "transformers": transformers}
_RECORD, _MARK = "record.json", "whole"
# Transformers answers eight prompts together.
_ENGINES: Mapping[str, Callable[..., Engine]] = {"vllm": VLLM, "transformers": partial(Transformers, batch_size=8)}
# What a checkpoint answers by; the rest of it (optimiser, random states) is what training goes on from.
_ANSWERS_BY = (".safetensors", ".json", ".jinja", ".model", ".txt")
_OF_TRAINING = ("trainer_state.json", "training_args.json")


class TrainedError(UserError):
    """Say why a folder has no model to answer with, and what would be right."""


@dataclass(frozen=True)
class Checkpoint:
    """A model as it was after so many epochs: a folder that training wrote, whole."""

    folder: Path
    step: int
    epoch: float

    @property
    def name(self) -> str:
        """Name it as training does: `checkpoint-40`."""
        return self.folder.name

    @property
    def adapter(self) -> bool:
        """Tell whether it holds an adapter, or a model of its own."""
        return (self.folder / "adapter_config.json").is_file()

    def weights(self) -> str:
        """Hash what it answers by."""
        files = sorted(f for f in self.folder.iterdir() if f.suffix in _ANSWERS_BY and f.name not in _OF_TRAINING)
        return hashlib.sha256("".join(f"{f.name} {hash_file(f)}\n" for f in files).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Training:
    """A finished training folder."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def merged(self) -> Path:
        """The model that training ended with."""
        return self.folder / "merged"

    @property
    def data(self) -> Path:
        """The folder of the set that it read."""
        return Path(self.record["data"]["file"]).parent

    @property
    def before(self) -> Training | None:
        """The training that its model came from, where it is still there (SFT before DPO)."""
        source = Path(self.record["model_in"]["path"])
        exists = source.name == "merged" and source.parent != self.folder and is_training(source.parent)
        return open_training(source.parent) if exists else None

    def checkpoints(self) -> list[Checkpoint]:
        """List the whole checkpoints in their order."""
        marked = (f.parent for f in (self.folder / "checkpoints").glob(f"checkpoint-*/{_MARK}"))
        checkpoints = (Checkpoint(folder, int(folder.name.rpartition("-")[2]), _epoch(folder)) for folder in marked)
        return sorted(checkpoints, key=lambda checkpoint: checkpoint.step)


def is_training(folder: Path) -> bool:
    """Tell a training folder from a model's."""
    return (folder / _RECORD).is_file()


def open_training(folder: Path) -> Training:
    """Open a finished training folder; raise TrainedError where there is none, or nothing in it that answers."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        stages = [name for name in ("dpo", "sft") if is_training(folder / name)]
        if stages:
            raise TrainedError(f"{folder} holds a chain of trainings: name one, such as {folder / stages[0]}") from None
        hint = "training did not end there" if folder.is_dir() else "there is no such folder"
        raise TrainedError(f"{folder} is not a finished training folder: {hint}") from None
    if record["stage"] == "reward":
        raise TrainedError(f"{folder} holds a reward model: it grades answers and gives none")
    return Training(folder, record)


def generator_of(
    training: Training, checkpoint: Checkpoint, *, backend: str, engine: dict[str, Any], sampling: dict[str, Any]
) -> Generator:
    """Make a generator of a checkpoint.

    A checkpoint that is an adapter is merged into a temporary folder (`TMPDIR` says where) when the engine opens, which
    goes when it closes: vLLM takes no adapter with trained embeddings, and so both backends see the same weights. Where
    all answers are in the journal, nothing is merged.

    Raises ValueError for settings that the backend does not take.
    """
    from curate.train.base import find

    config = training.record["config"]
    base = BACKENDS[backend](find(config["model"], config.get("model_args")), engine=engine, sampling=sampling)
    name = str(checkpoint.folder.resolve())
    start = partial(_ENGINES[backend], engine=engine)
    opened = partial(_merged, training, checkpoint, start) if checkpoint.adapter else partial(start, name)
    return Generator(replace(base.settings, model=name, weights=checkpoint.weights()), opened)


def merge(training: Training, checkpoint: Checkpoint, to: Path) -> Path:
    """Merge a checkpoint's adapter into a whole model, in the precision that it was trained with."""
    from curate.train.base import merge as merged

    if not checkpoint.adapter:
        raise TrainedError(f"{checkpoint.folder} is a whole model already")
    return merged(checkpoint.folder, to, **training.record["config"].get("model_args", {}))


def _epoch(checkpoint: Path) -> float:
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return round(float(state["epoch"]), 4)


def _merged(training: Training, checkpoint: Checkpoint, start: Callable[[str], Engine]) -> Engine:
    """Start an engine over weights that are merged for it, and go when it closes."""
    folder = tempfile.mkdtemp(prefix="curate-merged-")
    try:
        engine = start(str(merge(training, checkpoint, Path(folder))))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    clear, close = weakref.finalize(engine, shutil.rmtree, folder, ignore_errors=True), engine.close

    def close_and_clear() -> None:
        try:
            close()
        finally:
            clear()

    engine.close = close_and_clear  # type: ignore[method-assign] # of this engine alone
    return engine
