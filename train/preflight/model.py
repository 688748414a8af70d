"""The model: new tokens, tied embeddings, adapters, dropout that a config shows and a model lacks, the reference."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from curate.train.base import tokenizer
from curate.train.data import Row
from curate.train.findings import Finding, stop, warn
from curate.train.models import tokenizer_args
from curate.train.preflight.context import Context
from curate.train.residual_dropout import NAME

_NOT_IN_VLLM = ("use_dora", "lora_bias", "layer_replication", "alora_invocation_tokens", "trainable_token_indices")
_SAMPLE = 64  # rows among which those of the shortest prompts are taken
_LETTERS = 200  # of each answer: a wrong reference shows in the beginnings too, and on a CPU a long pair takes a minute


def _new_to_the_model(context: Context) -> dict[str, int]:
    """List the tokens that the model has to learn: those its own tokenizer does not have, and a new end of turn."""
    from transformers import AutoTokenizer

    base = AutoTokenizer.from_pretrained(tokenizer(context.config.model), **tokenizer_args(context.config))
    before, now = base.get_vocab(), context.tokenizer.get_vocab()
    tokens = {token: i for token, i in now.items() if token not in before}
    end = context.config.end_of_turn
    if end and base.eos_token != end:
        tokens[end] = now[end]
    return dict(sorted(tokens.items(), key=lambda item: item[1]))


def new_tokens(context: Context) -> Iterator[Finding]:
    """Find new tokens whose rows are not trained: plain LoRA leaves the embeddings alone."""
    tokens, model = _new_to_the_model(context), context.model
    for side, layer in {"input": model.get_input_embeddings(), "output": model.get_output_embeddings()}.items():
        frozen = [token for token, i in tokens.items() if layer is not None and not _trains(layer, i)]
        if frozen:
            yield stop(
                "new tokens",
                f"{', '.join(frozen)} are new to the model and their {side} embeddings are not trained: set lora "
                "modules_to_save: [embed_tokens, lm_head] and ensure_weight_tying: true (merged weights are what "
                "vLLM takes)",
                tokens=frozen,
                side=side,
            )
            return


def _trains(layer: Any, token: int) -> bool:
    """Say whether training can change a token's row: the layer is trained, or an adapter of it."""
    indices = getattr(getattr(layer, "token_adapter", None), "token_indices", None)
    if indices is not None:
        return any(token in some for some in indices.values())
    return any(weight.requires_grad for weight in layer.parameters())


def untied(context: Context) -> Iterator[Finding]:
    """Find embeddings that are one matrix in the model and are trained as two: the merged model is another one."""
    model, out = context.model, context.model.get_output_embeddings()
    config = getattr(model, "config", None)
    if not config or out is None or not getattr(config.get_text_config(), "tie_word_embeddings", False):
        return
    if weight_of(model.get_input_embeddings()).data_ptr() != weight_of(out).data_ptr():
        yield stop(
            "tied embeddings",
            "the model's input and output embeddings are one matrix, and LoRA trains them as two: set lora "
            "ensure_weight_tying: true",
        )


def weight_of(layer: Any) -> Any:
    """Find the matrix that a layer of embeddings works with, inside what peft puts around it."""
    copies = getattr(layer, "modules_to_save", None)
    if copies:
        return next(iter(copies.values())).weight
    adapter = getattr(layer, "token_adapter", None)
    inner = adapter if adapter is not None else layer
    return inner.get_base_layer().weight if hasattr(inner, "get_base_layer") else inner.weight


def vllm_adapter(context: Context) -> Iterator[Finding]:
    """Say which adapters vLLM does not take, as its LoRA loader lists them (vllm 0.32)."""
    for config in getattr(context.trainer.model, "peft_config", {}).values():
        settings = [name for name in _NOT_IN_VLLM if getattr(config, name, None)]
        if set(getattr(config, "modules_to_save", None) or []) - {"classifier", "score"}:
            settings.append("modules_to_save")
        if settings:
            yield warn(
                "adapter",
                f"vLLM does not take an adapter with {', '.join(settings)}: answer with the merged model, OUT/merged.",
                because=settings,
            )


def lora_dropout(context: Context) -> Iterator[Finding]:
    """Find a lora_dropout of the config that is off in the model."""
    configs = getattr(context.trainer.model, "peft_config", {}).values()
    dropouts = [getattr(config, "lora_dropout", 0) or 0 for config in configs]
    dropout = max(*dropouts, 0, (context.config.lora or {}).get("lora_dropout", 0))
    actual = _rates(context.trainer.model, "lora_dropout")
    if dropout and max(actual, default=0) != dropout:
        yield stop(
            "lora_dropout",
            f"lora_dropout is {dropout} in the config and {max(actual, default=0)} in the model: trl's "
            "disable_dropout, which is on by default in DPO, KTO and reward, sets it to 0; set "
            "trainer.disable_dropout: false, or lora_dropout: 0",
            config=dropout,
            model=actual,
        )


def residual_dropout(context: Context) -> Iterator[Finding]:
    """Find a residual_dropout that does not rise to the config's; its self-test refuses a model by itself."""
    dropout = context.config.residual_dropout
    actual = _rates(context.trainer.model, NAME)
    if dropout and max(actual, default=0) != dropout:
        yield stop(
            NAME,
            f"residual_dropout is {dropout} in the config and {max(actual, default=0)} in the model; is "
            "disable_dropout set?",
            config=dropout,
            model=actual,
        )


def _rates(model: Any, name: str) -> list[float]:
    """List the different probabilities of the dropouts under a name.

    >>> from torch import nn
    >>> _rates(nn.ModuleDict({"lora_dropout": nn.Dropout(0.1), "other": nn.Dropout(0.5)}), "lora_dropout")
    [0.1]
    """
    rates = {
        float(module.p)
        for path, module in model.named_modules()
        if name in path.split(".") and type(module).__name__ == "Dropout"
    }
    return sorted(rates)


def reference(context: Context) -> Iterator[Finding]:
    """Find a reference that is not the model training starts from, by trl's own evaluation of a few short rows.

    Their answers are cut short. Every process of a run must call it, since trl gathers from all.
    """
    count = context.stage.rows_at_start * context.trainer.args.world_size
    ids = set(context.answers[0].ids) if context.answers else set()
    rows = [row for row in context.rows[:_SAMPLE] if row.id in ids]
    if not count or not rows:
        return
    rows = sorted(rows, key=lambda row: len(json.dumps(row.record["prompt"])))[:count]
    metrics = metrics_at_start(context.trainer, [_short(row) for row in rows])
    wrong = {name: value for name, value in metrics.items() if name != "loss" and value != 0}
    if wrong:
        values = ", ".join(f"{name} {value:.4g}" for name, value in wrong.items())
        yield stop(
            "reference",
            f"the rewards before the first step are not 0 ({values}), so the reference is not the model that training "
            "starts from: give the path of the saved model, so that both are read from it",
            **metrics,
        )
    elif context.trainer.args.loss_type == ["sigmoid"] and not math.isclose(metrics["loss"], math.log(2), rel_tol=1e-3):
        yield stop("reference", f"the loss before the first step is {metrics['loss']}, not ln 2", **metrics)


def metrics_at_start(trainer: Any, rows: list[Row]) -> dict[str, float]:
    """Evaluate rows before the first step: with the right reference each reward is exactly 0.

    Call it inside `curate.train.run.undisturbed`. Every process of a run must call it, since trl gathers from all.
    """
    from datasets import Dataset

    metrics = trainer.evaluate(Dataset.from_list([row.record for row in rows]))
    names = ("rewards/chosen", "rewards/rejected", "rewards/margins", "loss")
    return {name: metrics[f"eval_{name}"] for name in names if f"eval_{name}" in metrics}


def _short(row: Row) -> Row:
    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [{**turn, "content": turn["content"][:_LETTERS]} for turn in value]
        return value[:_LETTERS] if isinstance(value, str) else value

    return row._replace(record={name: value if name == "prompt" else cut(value) for name, value in row.record.items()})
