"""New tokens: a row of the embeddings that no gradient reaches stays what it was, and the model never says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.generators.models import find_model
from curate.train.findings import Finding
from curate.train.models import TOKENIZER_ONLY
from curate.train.preflight.seen import Seen

_REFUSED = ("use_dora", "lora_bias", "layer_replication", "alora_invocation_tokens", "trainable_token_indices")


def new(seen: Seen) -> dict[str, int]:
    """List the tokens that the model has to learn: those its own tokenizer does not have, and a new end of turn."""
    from transformers import AutoTokenizer

    args = {key: value for key, value in seen.config.model_args.items() if key in TOKENIZER_ONLY}
    base = AutoTokenizer.from_pretrained(find_model(seen.config.model), **args)
    before, now = base.get_vocab(), seen.words.get_vocab()
    found = {token: i for token, i in now.items() if token not in before}
    end = seen.config.end_of_turn
    if end and base.eos_token != end:
        found[end] = now[end]
    return dict(sorted(found.items(), key=lambda item: item[1]))


def untrained(seen: Seen) -> Iterator[Finding]:
    """Find new tokens whose rows are not trained: plain LoRA leaves the embeddings alone."""
    tokens = new(seen)
    model = seen.trainer.accelerator.unwrap_model(seen.trainer.model)
    sides = {"input": model.get_input_embeddings(), "output": model.get_output_embeddings()}
    for side, layer in sides.items():
        frozen = [token for token, i in tokens.items() if layer is not None and not trains(layer, i)]
        if frozen:
            yield Finding(
                "new tokens",
                "stop",
                f"{', '.join(frozen)} are new to the model and their {side} embeddings are not trained: set lora "
                "modules_to_save: [embed_tokens, lm_head] and ensure_weight_tying: true (merged weights are what "
                "vLLM takes)",
                {"tokens": frozen, "side": side},
            )
            return


def trains(layer: Any, token: int) -> bool:
    """Say whether training can change a token's row: the layer is trained, or an adapter of it."""
    indices = getattr(getattr(layer, "token_adapter", None), "token_indices", None)
    if indices is not None:
        return any(token in some for some in indices.values())
    return any(weight.requires_grad for weight in layer.parameters())


def untied(seen: Seen) -> Iterator[Finding]:
    """Find embeddings that are one matrix in the model and are trained as two: the merged model is another one."""
    model = seen.trainer.accelerator.unwrap_model(seen.trainer.model)
    config = getattr(model, "config", None)
    out = model.get_output_embeddings()
    if not config or out is None or not getattr(config.get_text_config(), "tie_word_embeddings", False):
        return
    if used(model.get_input_embeddings()).data_ptr() != used(out).data_ptr():
        yield Finding(
            "tied embeddings",
            "stop",
            "the model's input and output embeddings are one matrix, and LoRA trains them as two: set lora "
            "ensure_weight_tying: true",
        )


def used(layer: Any) -> Any:
    """Find the matrix that a layer of embeddings works with, inside what peft puts around it."""
    saved = getattr(layer, "modules_to_save", None)
    if saved:
        return next(iter(saved.values())).weight
    adapter = getattr(layer, "token_adapter", None)
    inner = adapter if adapter is not None else layer
    return inner.get_base_layer().weight if hasattr(inner, "get_base_layer") else inner.weight


def refused_by_vllm(seen: Seen) -> Iterator[Finding]:
    """Say which adapters vLLM does not take, as its LoRA loader lists them (vllm 0.32)."""
    for config in getattr(seen.trainer.model, "peft_config", {}).values():
        found = [name for name in _REFUSED if getattr(config, name, None)]
        if set(getattr(config, "modules_to_save", None) or []) - {"classifier", "score"}:
            found.append("modules_to_save")
        if found:
            yield Finding(
                "adapter",
                "warn",
                f"vLLM does not take an adapter with {', '.join(found)}: answer with the merged model, OUT/merged.",
                {"because": found},
            )
