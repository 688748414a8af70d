"""The parts of a sentence-transformers model: its tokens, and its run in torch on batches of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Run: TypeAlias = "Callable[[list[str], int], NDArray[np.float32]]"

_PROBES = ["tea", "How do I mend a Bicycle tyre?", "Steep the leaves for four minutes. " * 12]
_ALIKE = 0.999  # least cosine to the model's own encode on the probes


def limit(net: Any) -> int:
    """Say how many tokens the model reads of a text."""
    return int(net.max_seq_length or getattr(net.tokenizer, "model_max_length", 2**31))


def dimensions(net: Any) -> int:
    """Say how many dimensions the model's vectors have."""
    return int(getattr(net, "get_embedding_dimension", net.get_sentence_embedding_dimension)())


def lengths(net: Any, texts: list[str]) -> list[int]:
    """Count the tokens of texts, default prompt included; zeros where the model has no tokenizer to ask."""
    if not callable(getattr(net, "tokenizer", None)):
        return [0] * len(texts)
    given = [_prompt(net) + text for text in texts]
    return [len(ids) for ids in net.tokenizer(given, truncation=False, verbose=False)["input_ids"]]


def _prompt(net: Any) -> str:
    return (net.prompts or {}).get(net.default_prompt_name or "") or ""


def features(net: Any, texts: list[str], length: int) -> dict[str, Any]:
    """Tokenize texts, all padded to one length, to tensors of (texts, length) by name."""
    return dict(net.tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt"))


def runner(net: Any) -> Run:
    """Give what runs texts in torch: in batches of one length, or as the model's own `encode` where that differs."""
    import torch

    def run(texts: list[str], length: int) -> Any:
        with torch.inference_mode():
            given = {name: tensor.to(net.device) for name, tensor in features(net, texts, length).items()}
            return net(given)["sentence_embedding"].float().cpu().numpy()

    try:
        hold_against(net, run)
    except Exception:  # models that do more with a text than tokenize it, of whatever make
        return lambda texts, length: _encode(net, texts)
    return run


def _encode(net: Any, texts: list[str]) -> Any:
    return net.encode(texts, show_progress_bar=False, convert_to_numpy=True)


def hold_against(net: Any, run: Run) -> None:
    """Raise ValueError where `run` gives other vectors than the model's own `encode`."""
    import numpy as np

    for probe, length in zip(_PROBES, lengths(net, _PROBES), strict=True):
        ours, theirs = run([probe], min(length, limit(net)))[0], _encode(net, [probe])[0]
        if ours.shape != theirs.shape:
            raise ValueError(f"vectors have {ours.size} dimensions, not {theirs.size}")
        cosine = float(ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs)))
        if not cosine >= _ALIKE:
            raise ValueError(f"vectors differ from the original's: cosine {cosine:.4f}")
