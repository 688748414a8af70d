"""Ends and prompts in the loss: an answer without its end token trains a model that never stops, with a fine loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.models.weights import find_model
from curate.train.findings import Finding
from curate.train.models import TOKENIZER_ONLY
from curate.train.preflight.seen import Answers, Seen

_BLANK = 4  # tokens of white space that a template may write after the end of a turn


def stops(seen: Seen) -> dict[int, str]:
    """List the tokens at which generation stops: the tokenizer's end token, and those of the generation config."""
    model = seen.trainer.accelerator.unwrap_model(seen.trainer.model)
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    if seen.words.eos_token_id is not None:
        ends.insert(0, seen.words.eos_token_id)
    return {end: seen.words.decode([end]) for end in ends}


def last(answers: Answers, words: Any) -> Any:
    """Find where each row's last token stands that is not white space."""
    import numpy as np

    at = answers.starts[1:] - 1
    for _ in range(_BLANK):
        blank = [token for token in np.unique(answers.tokens[at]) if words.decode([token]).isspace()]
        step = np.isin(answers.tokens[at], blank) & (at > answers.starts[:-1])
        at = at - step
    return at


def unended(seen: Seen) -> Iterator[Finding]:
    """Find answers that do not end in a token at which generation stops, or whose end is not in the loss."""
    import numpy as np

    if seen.stage == "reward":
        return  # it grades, and writes nothing
    ends = stops(seen)
    for answers in seen.answers:
        if not len(answers.ids):
            continue
        at = last(answers, seen.words)
        whole = answers.full < (seen.limit or np.inf)  # what is cut is told by lost.cut
        ended = np.isin(answers.tokens[at], list(ends))
        without = [answers.ids[i] for i in (whole & ~ended).nonzero()[0]]
        if without:
            yield _unended(seen, answers, without, answers.tokens[at][whole & ~ended], ends)
        masked = [answers.ids[i] for i in (whole & ended & ~answers.trained[at]).nonzero()[0]]
        if masked:
            yield Finding(
                "end of turn",
                "stop",
                f"{len(masked):,} {answers.name} answers end in a token that is not in the loss, so that the model is "
                f"not taught to stop: {seen.named(masked)}; is the end outside the template's generation marks?",
                {"ids": masked},
            )


def _unended(seen: Seen, answers: Answers, ids: list[str], tokens: Any, ends: dict[int, str]) -> Finding:
    import numpy as np

    said, counts = np.unique(tokens, return_counts=True)
    common = [seen.words.decode([token]) for token in said[np.argsort(-counts)][:3]]
    return Finding(
        "end of turn",
        "stop",
        f"{len(ids):,} of {len(answers.ids):,} {answers.name} answers end in {', '.join(map(repr, common))}, and "
        f"generation stops at {', '.join(map(repr, ends.values())) or 'nothing'}: a model trained so never stops "
        f"({seen.named(ids)}); set end_of_turn, or use a chat template that ends its turns.",
        {"ids": ids, "ends_in": common, "stops_at": list(ends.values())},
    )


def prompts_in_loss(seen: Seen) -> Iterator[Finding]:
    """Find rows whose first token is trained on: with prompts in the loss, a model learns to ask as its users do."""
    if seen.stage not in ("sft", "dpo", "kto"):
        return
    for answers in seen.answers:
        some = answers.starts[:-1][answers.lengths > 0]
        ids = [i for i, n in zip(answers.ids, answers.lengths, strict=True) if n > 0]
        found = [ids[i] for i in answers.trained[some].nonzero()[0]]
        if found:
            yield Finding(
                "prompts in the loss",
                "stop",
                f"the prompts of {len(found):,} rows are trained on like answers: {seen.named(found)}; "
                "give prompt and completion, with completion_only_loss",
                {"ids": found},
            )
            return


_LOOKED = 64  # rows among which the shortest and the longest are taken


def batch(seen: Seen) -> Iterator[Finding]:
    """Find tokens that are trained in the set and not in a batch: a collator that masks by token takes the end away."""
    if seen.packed or not seen.answers or not seen.answers[0].ids:
        return
    lengths = seen.answers[0].lengths[:_LOOKED]
    picked = sorted({int(lengths.argmin()), int(lengths.argmax())})
    made = seen.trainer.data_collator([_features(seen, i) for i in picked])
    meant = sum(int(answers.row(i)[1].sum()) for answers in seen.answers for i in picked)
    found = trained_in(made)
    if found is not None and found != meant:
        ids = [seen.answers[0].ids[i] for i in picked]
        yield Finding(
            "padding",
            "stop",
            f"of the {meant:,} tokens to be trained on in {seen.named(ids)} a batch has {found:,}: the collator masks "
            f"by token, and the pad token is {seen.words.pad_token!r}; give the tokenizer a pad token of its own",
            {"ids": ids, "meant": meant, "in_batch": found},
        )
    elif seen.words.pad_token_id is not None and seen.words.pad_token_id == seen.words.eos_token_id:
        yield from _same_token(seen)


def trained_in(made: Any) -> int | None:
    """Count the trained tokens of a batch; None where a batch has no mask."""
    if "labels" in made and "input_ids" in made:
        return int((made["labels"] != -100).sum())
    return int(made["completion_mask"].sum()) if "completion_mask" in made else None


def _features(seen: Seen, i: int) -> dict[str, Any]:
    row = seen.trainer.train_dataset[i]
    return {name: value for name, value in row.items() if name.endswith("_ids") or name in ("labels", "label")}


def _same_token(seen: Seen) -> Iterator[Finding]:
    pad = seen.words.pad_token
    if seen.stage == "reward" and any(
        (a.tokens[a.starts[1:] - 1] == seen.words.pad_token_id).any() for a in seen.answers
    ):
        yield Finding(
            "padding",
            "stop",
            f"the pad token is the end token ({pad!r}), and a reward model scores the last token that is not padding: "
            "it would look at the one before the end; give the tokenizer a pad token of its own",
        )
        return
    yield Finding(
        "padding",
        "warn",
        f"the pad token is the end token ({pad!r}): trl pads by position, and the end stays in the loss (looked at in "
        "a batch), but tools that mask by token would never train it",
    )


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
