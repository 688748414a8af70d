"""Real models small enough for a test: two layers, a byte-level tokenizer, a chat template; and rows to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = [
    "Warm air rises because it is less dense than cold air.",
    "The moon pulls the sea, and so the tide comes in.",
] * 8


def tokenizer(template: str | None = CHATML, eos: str = "<|im_end|>") -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(_TEXT, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=eos, pad_token="<|endoftext|>")
    fast.chat_template = template
    return fast


def save_model(folder: Path, *, tied: bool = True, template: str | None = CHATML, hidden: int = 32) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer(template)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=tied,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def answers(n: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"row{i}",
            "prompt": [{"role": "user", "content": f"What is {i} and {i % 5}?"}],
            "completion": [{"role": "assistant", "content": f"It is {i + i % 5}, as you can count."}],
        }
        for i in range(n)
    ]


def pairs(n: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"pair{i}",
            "prompt": [{"role": "user", "content": f"What is {i} and {i % 5}?"}],
            "chosen": [{"role": "assistant", "content": f"Oh, that is {i + i % 5}!"}],
            "rejected": [{"role": "assistant", "content": f"The sum amounts to {i + i % 5}."}],
        }
        for i in range(n)
    ]


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
