"""Models in and out: loaded from a path with tokenizer, LoRA or quantisation, saved as adapter and as a whole."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import UserError
from curate.models.weights import find_model
from curate.train import end_of_turn, launch
from curate.train.config import TrainConfig
from curate.train.findings import TrainError
from curate.train.stages import LANGUAGE_MODEL, REWARD_MODEL, Job

_TRUST = {"trust_remote_code": False}  # explicit, or transformers asks at the terminal; model_args decide
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
    return {**_TRUST, **{key: value for key, value in config.model_args.items() if key in TOKENIZER_ARGS}}


def load_tokenizer(config: TrainConfig) -> tuple[Any, end_of_turn.EndOfTurn | None]:
    """Load the tokenizer, with the end-of-turn token in it when the config names one."""
    from transformers import AutoTokenizer

    path = find_model(config.model)
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
    path = find_model(config.model)
    args = {"dtype": "float32", **_TRUST, **config.model_args}
    if config.quantization:
        quantized: Any = transformers.BitsAndBytesConfig
        args["quantization_config"] = quantized(**config.quantization)
        if torch.cuda.is_available():  # quantised weights go to their device as they are loaded
            args.setdefault("device_map", {"": launch.local_rank()})
    if job.stage.grades:
        transformers.set_seed(config.seed)  # its head is new
    model = _load(lambda: _from_pretrained(kind, path, args), config)
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


def merge(adapter: Path, to: Path, *, kind: str = LANGUAGE_MODEL, **model_args: Any) -> Path:
    """Merge a saved adapter, or a checkpoint of one, into full weights read anew, as a whole model with its tokenizer.

    Into 4 bits an adapter would be rounded away, and vLLM takes no adapter with trained embeddings.
    """
    from peft import PeftConfig, PeftModel
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(adapter)
    base = str(PeftConfig.from_pretrained(str(adapter)).base_model_name_or_path)
    model = _from_pretrained(kind, base, {"dtype": "float32", **_TRUST, **model_args})
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if tokenizer.eos_token_id is not None:
        end_of_turn.stop_at(model, tokenizer.eos_token_id)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(to)
    tokenizer.save_pretrained(to)
    return to


def _from_pretrained(kind: str, path: str, args: dict[str, Any]) -> Any:
    """Load a model; one of rewards has one output, and nobody is warned that its head is new: it will be trained."""
    import transformers

    auto: Any = getattr(transformers, kind)
    if kind != REWARD_MODEL:
        return auto.from_pretrained(path, **args)
    from trl.trainer.reward_trainer import suppress_seqcls_warning

    with suppress_seqcls_warning():
        return auto.from_pretrained(path, **{**args, "num_labels": 1})


def _load(load: Callable[[], Any], config: TrainConfig) -> Any:
    try:
        return load()
    except UserError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainError(f"the model {config.model} cannot be loaded: {reason}") from None
