"""Tiny transformers with random weights, made in a folder: as real as large ones, and as fast as a test should be."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}"
    "<|{{ m.role }}|>{{ m.content }}{% endfor %}<|end|>"
)


def write(
    folder: Path, *, head: bool = True, labels: int = 1, pad: bool = True, template: bool = True, seed: int = 0
) -> Path:
    """Write a decoder of two layers that reads bytes; with or without a head, a padding token, a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    plain = Tokenizer(models.BPE(vocab=letters, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<|pad|>", eos_token="<|end|>")
    if template:
        tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id if pad else None,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    config.num_labels = labels
    (LlamaForSequenceClassification if head else LlamaForCausalLM)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
