"""Models of many architectures, a few thousand weights each, built from their configs alone."""

from __future__ import annotations

from typing import Any

LAYERS, VOCABULARY = 3, 64

_USUAL: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_EXPERTS = {"num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}

# What differs from the usual; None takes a key away.
_AS_USUAL = (
    *("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "gpt2", "gpt_neox"),
    *("stablelm", "olmo", "olmo2", "smollm3", "granite", "cohere", "cohere2", "glm", "glm4", "starcoder2", "nemotron"),
    *("persimmon", "mamba"),
)
ARCHITECTURES: dict[str, dict[str, Any]] = {
    **{name: {} for name in _AS_USUAL},
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss", "olmoe", "granitemoe"), _EXPERTS),
    "modernbert-decoder": {"num_key_value_heads": None},
    "deepseek_v3": {
        **_EXPERTS,
        **{"n_routed_experts": 4, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "q_lora_rank": 8},
        **{"kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8, "head_dim": 4},
        "num_key_value_heads": 4,
    },
    "minimax": _EXPERTS,
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 48},
    "falcon": {"head_dim": None},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    "gpt_neo": {"attention_types": [[["global"], LAYERS]], "num_layers": LAYERS, "num_heads": 4},
    "bloom": {"n_layer": LAYERS, "n_head": 4, "num_hidden_layers": None, "head_dim": None},
    "mpt": {"n_layers": LAYERS, "d_model": 32, "n_heads": 4, "num_hidden_layers": None, "head_dim": None},
}


def build(name: str, **more: Any) -> Any:
    """Build a model of this architecture, the same weights every time."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    given = {**_USUAL, **ARCHITECTURES[name], **more}
    config = AutoConfig.for_model(name, **{key: value for key, value in given.items() if value is not None})
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config)
