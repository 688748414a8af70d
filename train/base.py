"""The model that a training starts from: a model as it is, what another training left, or an adapter on its base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate import cache
from curate.models.weights import digest, find_model, read_json
from curate.models.weights import weights as weights_of
from curate.train import end_of_turn
from curate.train.findings import TrainError
from curate.train.stages import LANGUAGE_MODEL, REWARD_MODEL

TRUST = {"trust_remote_code": False}  # explicit, or transformers asks at the terminal; model_args decide
_ADAPTER = "adapter_config.json"
_MERGED_BY = ("peft", "torch", "transformers")


def source(model: str) -> str:
    """Find the weights that a folder of a training left: `merged`, else `adapter`; any other name is given back."""
    left = [folder for name in ("merged", "adapter") if _holds_model(folder := Path(model) / name)]
    return str(left[0]) if left and not _holds_model(Path(model)) else model


def find(model: str, model_args: dict[str, Any] | None = None) -> str:
    """Give the path of a model to load, or its name of the hub; an adapter is merged onto its base, once, on disk.

    The merged model lies in the folder for caches, since trl reads references from a path (`curate.train.stages.dpo`).
    Raise TrainError, or ModelError, in words.
    """
    path = source(model)
    if not _is_adapter(path):
        return find_model(path)
    adapter, args = Path(path), {k: v for k, v in (model_args or {}).items() if k != "device_map"}
    kind = REWARD_MODEL if _adapter(adapter).get("task_type") == "SEQ_CLS" else LANGUAGE_MODEL

    def build(folder: Path) -> dict[str, str]:
        merge(adapter, folder, kind=kind, **args)
        return {}

    code, models = cache.library("base.py", "end_of_turn.py"), cache.Cache(cache.home() / "models")
    try:
        return str(models.get("merged", [weights(model), args], build, code=code, packages=_MERGED_BY).folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainError(f"the adapter {path} cannot be merged onto {_base(adapter)}: {_first(error)}") from None


def weights(model: str) -> str | None:
    """Name what a model holds, as `curate.models.weights` does: of an adapter, what it and its base hold."""
    path = source(model)
    if not _is_adapter(path):
        return weights_of(path)
    base = _base(Path(path))
    return cache.key_of([digest(Path(path)), weights_of(base) or base])


def tokenizer(model: str) -> str:
    """Say where the tokenizer is: with the adapter, or else with its base."""
    path = source(model)
    if not _is_adapter(path):
        return find_model(path)
    return path if (Path(path) / "tokenizer_config.json").is_file() else find_model(_base(Path(path)))


def notes(model: str) -> list[str]:
    """Say which weights are taken, where the config names a folder that is not itself a model."""
    path = source(model)
    if _is_adapter(path):
        return [f"the adapter {path} is merged onto {_base(Path(path))}, and training starts from the whole model"]
    return [f"training starts from {path}, which the training in {model} left"] if path != model else []


def merge(adapter: Path, to: Path, *, kind: str = LANGUAGE_MODEL, **model_args: Any) -> Path:
    """Merge a saved adapter, or a checkpoint of one, into full weights read anew, as a whole model with its tokenizer.

    Into 4 bits an adapter would be rounded away, and vLLM takes no adapter with trained embeddings.
    """
    from peft import PeftModel
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(tokenizer(str(adapter)))
    model = from_pretrained(kind, find_model(_base(adapter)), {"dtype": "float32", **TRUST, **model_args})
    if len(words) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(words), mean_resizing=False)
    if words.eos_token_id is not None:
        end_of_turn.stop_at(model, words.eos_token_id)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(to)
    words.save_pretrained(to)
    return to


def from_pretrained(kind: str, path: str, args: dict[str, Any]) -> Any:
    """Load a model; one of rewards has one output, and nobody is warned that its head is new: it will be trained."""
    import transformers

    auto: Any = getattr(transformers, kind)
    if kind != REWARD_MODEL:
        return auto.from_pretrained(path, **args)
    from trl.trainer.reward_trainer import suppress_seqcls_warning

    with suppress_seqcls_warning():
        return auto.from_pretrained(path, **{**args, "num_labels": 1})


def _holds_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() or _is_adapter(str(folder))


def _is_adapter(path: str) -> bool:
    """Tell an adapter alone: transformers saves a whole model's config beside none."""
    folder = Path(path)
    return (folder / _ADAPTER).is_file() and not (folder / "config.json").is_file()


def _adapter(folder: Path) -> dict[str, Any]:
    config = read_json(folder / _ADAPTER)
    return config if isinstance(config, dict) else {}


def _base(folder: Path) -> str:
    base = _adapter(folder).get("base_model_name_or_path")
    if not base:
        raise TrainError(f"{folder / _ADAPTER} does not name the base of its adapter: base_model_name_or_path")
    return str(base)


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
