"""vLLM in this program, on a GPU or a CPU: the fastest way to ask a model many thousand times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curate.generators import models
from curate.generators.contract import Settings
from curate.generators.fields import fields, refuse, refuse_unknown
from curate.generators.generator import Generator
from curate.generators.vllm_engine import VLLM

_LIMIT = 1024  # tokens of an answer, where nothing else is said: vLLM's own 16 cuts every answer off
_REFUSED = {
    "n": "every sample is asked for by itself, so that each has a seed and a place in the journal",
    "seed": "it is drawn for every row and sample from the seed of the recipe or the call",
    "output_kind": "answers are taken when they are whole",
}


def vllm(model: str, *, engine: dict[str, Any] | None = None, sampling: dict[str, Any] | None = None) -> Generator:
    """Ask a model through vLLM's offline engine.

    `model` is a folder, a name of the Hugging Face hub, or the packaged `SmolLM2-135M-Instruct`. `engine` holds
    arguments of `vllm.LLM` (`dtype`, `max_model_len`, `tensor_parallel_size`, …), `sampling` those of
    `vllm.SamplingParams` (`temperature`, `top_p`, `max_tokens`, …), under their own names and with their own defaults,
    but for one: `max_tokens` is 1,024, or half of what the model takes if that is less, where vLLM has 16. `n` and
    `seed` are the run's. The engine starts when it is first asked, in a process of its own, which ends with this one.

    Raise ValueError for a setting that vLLM does not have, GeneratorError where the model or vLLM is not there.

    >>> vllm("org/model", sampling={"temperature": 0.8}).settings.sampling
    {'max_tokens': 1024, 'temperature': 0.8}
    >>> vllm("org/model", sampling={"n": 4})
    Traceback (most recent call last):
    ValueError: sampling cannot set 'n': every sample is asked for by itself, so that each has a seed and a place in the journal
    """  # noqa: E501
    engine, sampling = engine or {}, sampling or {}
    refuse(sampling, _REFUSED)
    refuse_unknown(sampling, fields("vllm", "sampling_params.py", "SamplingParams"), "vLLM's SamplingParams")
    known = fields("vllm", "engine/arg_utils.py", "EngineArgs") | fields(
        "vllm", "entrypoints/llm.py", "LLM", "__init__"
    )
    refuse_unknown(engine, known, "the arguments of vllm.LLM")
    sampling = {"max_tokens": _limit(model, engine), **sampling}
    settings = Settings("vllm", model, engine, sampling, limit=sampling["max_tokens"], weights=models.weights(model))
    return Generator(settings, lambda: VLLM(model, engine))


def _limit(model: str, engine: Mapping[str, Any]) -> int:
    context = engine.get("max_model_len") or models.config_of(model).get("max_position_embeddings") or 2 * _LIMIT
    return min(_LIMIT, int(context) // 2)
