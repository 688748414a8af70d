"""Models in and out: loaded from a path with tokenizer, LoRA or quantisation, saved as adapter and as a whole."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import UserError
from curate.train import base, end_of_turn, launch
from curate.train.base import TRUST, from_pretrained, merge
from curate.train.config import TrainConfig
from curate.train.findings import TrainError
from curate.train.stages import Job

TOKENIZER_ARGS = {"revision", "trust_remote_code", "subfolder", "cache_dir", "token"}  # what both loaders understand


def needs(config: TrainConfig) -> None:
    """Say in one sentence what is not installed, before anything is loaded."""
    optim = str(config.trainer.get("optim", ""))
    by_optim = f"optim: {optim}" if any(mark in optim for mark in ("8bit", "bnb", "paged")) else ""
    setting = "quantization" if config.quantization else by_optim
    if setting and not find_spec("bitsandbytes"):
        raise TrainError(f"{setting} needs bitsandbytes, which is not installed here: pip install 'curate-lm[qlora]'")


def tokenizer_args(config: TrainConfig) -> dict[str, Any]:
    """Pick from model_args what a tokenizer's loader takes too."""
    return {**TRUST, **{key: value for key, value in config.model_args.items() if key in TOKENIZER_ARGS}}


def load_tokenizer(config: TrainConfig) -> tuple[Any, end_of_turn.EndOfTurn | None]:
    """Load the tokenizer, with the end-of-turn token in it when the config names one."""
    from transformers import AutoTokenizer

    path = base.tokenizer(config.model)
    tokenizer = _load(lambda: AutoTokenizer.from_pretrained(path, **tokenizer_args(config)), config)
    return tokenizer, end_of_turn.add(tokenizer, config.end_of_turn) if config.end_of_turn else None


def load_model(job: Job) -> Any:
    """Load the model in float32, unless model_args name another dtype; quantised when the config says so.

    float32 because training in the bfloat16 that most checkpoints are stored in loses small updates: mixed precision
    (`trainer: {bf16: true}`, trl's default on a GPU) is what saves time there. With QLoRA the dtype is that of what
    stays unquantised.
    """
    import torch
    import transformers

    config, kind = job.config, job.stage.architecture
    path = base.find(config.model, config.model_args)
    args = {"dtype": "float32", **TRUST, **config.model_args}
    if config.quantization:
        quantized: Any = transformers.BitsAndBytesConfig
        args["quantization_config"] = quantized(**config.quantization)
        if torch.cuda.is_available():  # quantised weights go to their device as they are loaded
            args.setdefault("device_map", {"": launch.local_rank()})
    if job.stage.grades:
        transformers.set_seed(config.seed)  # its head is new
    model = _load(lambda: from_pretrained(kind, path, args), config)
    if job.end:
        end_of_turn.fit(model, job.tokenizer, job.end)
    return model


def lora(job: Job) -> Any:
    """Make peft's config, with the embeddings trained whole where there is a new token; None for full fine-tuning."""
    config = job.config
    if config.lora is None:
        if config.quantization:
            raise TrainError("quantization needs lora: quantised weights cannot be trained themselves")
        return None
    from peft import LoraConfig

    args = {"task_type": job.stage.task, **config.lora}
    if job.end and job.end.new:
        if args.get("trainable_token_indices"):
            raise TrainError("end_of_turn trains the embeddings whole: leave trainable_token_indices out of lora")
        whole = end_of_turn.trained_whole(job.model)
        modules = sorted({*(args.get("modules_to_save") or []), *whole["modules_to_save"]})
        args |= {**whole, "modules_to_save": modules}
    try:
        return LoraConfig(**args)
    except (TypeError, ValueError) as error:
        raise TrainError(f"peft refuses lora: {error}") from None


def save(trainer: Any, job: Job, out: Path) -> None:
    """Save the adapter, where there is one, and the whole model, each with tokenizer and chat template.

    Every process calls it: where weights are sharded, trl gathers them from all; only the first one writes.
    """
    if job.residual:
        job.residual.remove()
    adapted = job.peft_config is not None
    folder = out / ("adapter" if adapted else "merged")
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle: no part of a model
    if adapted and (job.config.quantization or trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        merge(folder, out / "merged", kind=job.stage.architecture, **job.config.model_args)
    elif adapted:
        model = trainer.accelerator.unwrap_model(trainer.model)
        model.merge_and_unload().save_pretrained(out / "merged")
        job.tokenizer.save_pretrained(out / "merged")


def _load(load: Callable[[], Any], config: TrainConfig) -> Any:
    try:
        return load()
    except UserError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainError(f"the model {config.model} cannot be loaded: {reason}") from None
