"""Models in and out: loaded from a path with tokenizer, LoRA or quantisation, saved as adapter and as a whole."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import UserError
from curate.models.weights import find_model
from curate.train import end_of_turn, launch
from curate.train.config import TrainConfig
from curate.train.findings import TrainError
from curate.train.stages import Job

_TRUST = {"trust_remote_code": False}  # said outright, for else transformers asks at the terminal; model_args decide
REWARDS = "AutoModelForSequenceClassification"
TOKENIZER_ONLY = {"revision", "trust_remote_code", "subfolder", "cache_dir", "token"}  # what both loaders understand


def needs(config: TrainConfig) -> None:
    """Say in one sentence what is not installed, before anything is loaded."""
    optim = str(config.trainer.get("optim", ""))
    of_bnb = any(mark in optim for mark in ("8bit", "bnb", "paged"))
    wants = "quantization" if config.quantization else f"optim: {optim}" if of_bnb else ""
    if wants and not find_spec("bitsandbytes"):
        raise TrainError(f"{wants} needs bitsandbytes, which is not installed here: pip install 'curate-lm[qlora]'")


def load_tokenizer(config: TrainConfig) -> tuple[Any, end_of_turn.EndOfTurn | None]:
    """Load the tokenizer, with the end-of-turn token in it when the config names one."""
    from transformers import AutoTokenizer

    path = find_model(config.model)
    args = {**_TRUST, **{key: value for key, value in config.model_args.items() if key in TOKENIZER_ONLY}}
    tokenizer = _loaded(lambda: AutoTokenizer.from_pretrained(path, **args), config)
    end = end_of_turn.add(tokenizer, config.end_of_turn) if config.end_of_turn else None
    return tokenizer, end


def load_model(config: TrainConfig, end: end_of_turn.EndOfTurn | None, tokenizer: Any, kind: str) -> Any:
    """Load the model in float32, unless model_args name another dtype; quantised when the config says so.

    float32 because training in the bfloat16 that most checkpoints are stored in loses small updates: mixed precision
    (`trainer: {bf16: true}`, trl's default on a GPU) is what saves time there. With QLoRA the dtype is that of what
    stays unquantised.
    """
    import torch
    import transformers

    path = find_model(config.model)
    args = {"dtype": "float32", **_TRUST, **config.model_args, **_head(kind)}
    if config.quantization:
        quantized: Any = transformers.BitsAndBytesConfig
        args["quantization_config"] = quantized(**config.quantization)
        if torch.cuda.is_available():  # quantised weights go to their device as they are loaded
            args.setdefault("device_map", {"": launch.local_rank()})
    if kind == REWARDS:
        transformers.set_seed(config.seed)  # its head is new
    with _expected_keys(kind):
        model = _loaded(lambda: getattr(transformers, kind).from_pretrained(path, **args), config)
    if end:
        end_of_turn.fit(model, tokenizer, end)
    return model


def lora(config: TrainConfig, model: Any, end: end_of_turn.EndOfTurn | None, task: str = "CAUSAL_LM") -> Any:
    """Make peft's config, with the embeddings trained whole where there is a new token; None for full fine-tuning."""
    if config.lora is None:
        if config.quantization:
            raise TrainError("quantization needs lora: quantised weights cannot be trained themselves")
        return None
    from peft import LoraConfig

    given = {"task_type": task, **config.lora}
    if end and end.new:
        if given.get("trainable_token_indices"):
            raise TrainError("end_of_turn trains the embeddings whole: leave trainable_token_indices out of lora")
        whole = end_of_turn.trained_whole(model)
        given["modules_to_save"] = sorted({*(given.get("modules_to_save") or []), *whole.pop("modules_to_save")})
        given |= whole
    try:
        return LoraConfig(**given)
    except (TypeError, ValueError) as error:
        raise TrainError(f"peft refuses lora: {error}") from None


def save(trainer: Any, job: Job, kind: str, out: Path) -> None:
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
        merge(folder, out / "merged", kind=kind, **job.config.model_args)
    elif adapted:
        model = trainer.accelerator.unwrap_model(trainer.model)
        model.merge_and_unload().save_pretrained(out / "merged")
        job.tokenizer.save_pretrained(out / "merged")


def merge(adapter: Path, to: Path, *, kind: str = "AutoModelForCausalLM", **model_args: Any) -> Path:
    """Merge a saved adapter, or a checkpoint of one, into full weights read anew, as a whole model with its tokenizer.

    Into 4 bits an adapter would be rounded away, and vLLM takes no adapter with trained embeddings.
    """
    import transformers
    from peft import PeftConfig, PeftModel

    tokenizer = transformers.AutoTokenizer.from_pretrained(adapter)
    base = PeftConfig.from_pretrained(str(adapter)).base_model_name_or_path
    with _expected_keys(kind):
        model = getattr(transformers, kind).from_pretrained(
            base, **{"dtype": "float32", **_TRUST, **model_args, **_head(kind)}
        )
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if tokenizer.eos_token_id is not None:
        end_of_turn.stop_at(model, tokenizer.eos_token_id)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(to)
    tokenizer.save_pretrained(to)
    return to


def _head(kind: str) -> dict[str, Any]:
    """Give a model of rewards its one output; transformers would give it two."""
    return {"num_labels": 1} if kind == REWARDS else {}


def _expected_keys(kind: str) -> AbstractContextManager[Any]:
    """Keep transformers from reporting that a language model has no head for rewards: it is what will be trained."""
    if kind != REWARDS:
        return nullcontext()
    from trl.trainer.reward_trainer import suppress_seqcls_warning

    return suppress_seqcls_warning()


def _loaded(load: Any, config: TrainConfig) -> Any:
    try:
        return load()
    except UserError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainError(f"the model {config.model} cannot be loaded: {reason}") from None
