"""A model in this program through transformers' `generate`: for small models, where vLLM is not to be had."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from curate.models import weights
from curate.models.generators.ask import Settings
from curate.models.generators.fields import fields, refuse, refuse_unknown
from curate.models.generators.generator import Generator
from curate.models.generators.transformers_engine import SAMPLERS, Transformers

_LIMIT = 1024  # tokens of an answer, where nothing else is said: transformers' own 20 cuts every answer off
_ASKED_ALONE = "every sample is asked for by itself, so that each has a seed and a place in the journal"
_REFUSED = {
    "num_return_sequences": _ASKED_ALONE,
    "max_length": "it counts the prompt too; set max_new_tokens",
    "return_dict_in_generate": "answers are texts",
}


def transformers(
    model: str,
    *,
    engine: dict[str, Any] | None = None,
    sampling: dict[str, Any] | None = None,
    batch_size: int = 8,
) -> Generator:
    """Ask a model through transformers.

    `model` is a folder, a name of the Hugging Face hub, or the packaged `SmolLM2-135M-Instruct`. `engine` holds
    arguments of `AutoModelForCausalLM.from_pretrained` (`dtype`, `device_map`, …), `sampling` those of
    `GenerationConfig` (`max_new_tokens`, `do_sample`, `temperature`, `top_p`, …), under their own names; what is not
    given is as the model's own generation_config.json has it. `max_new_tokens` is 1,024 unless given, or half of what
    the model takes if that is less. Up to `batch_size` prompts of like length are answered together; each row draws
    from a seed of its own, so its answer does not depend on the others, but for the rounding of the arithmetic.

    Raise ValueError for a setting that cannot be, GeneratorError where the model or transformers is not there.

    >>> transformers("org/model", sampling={"do_sample": True, "temperature": 0.8}).settings.limit
    1024
    >>> transformers("org/model", sampling={"temperature": 0.8})
    Traceback (most recent call last):
    ValueError: sampling: temperature has no effect unless do_sample is true
    """
    engine, sampling = engine or {}, sampling or {}
    _check(engine, sampling)
    if batch_size < 1:
        raise ValueError(f"batch_size is a number of prompts, at least 1, not {batch_size}")
    context = weights.config_of(model).get("max_position_embeddings") or 2 * _LIMIT
    sampling = {"max_new_tokens": min(_LIMIT, int(context) // 2), **sampling}
    limit = sampling["max_new_tokens"]
    settings = Settings("transformers", model, engine, sampling, limit=limit, weights=weights.weights(model))
    return Generator(settings, lambda: Transformers(model, engine, batch_size))


def _check(engine: dict[str, Any], sampling: dict[str, Any]) -> None:
    refuse(sampling, _REFUSED)
    known = fields("transformers", "generation/configuration_utils.py", "GenerationConfig", "__init__")
    refuse_unknown(sampling, known, "transformers' GenerationConfig")
    idle = sorted(sampling.keys() & SAMPLERS.keys())
    if idle and sampling.get("do_sample") is not True:
        raise ValueError(f"sampling: {', '.join(idle)} has no effect unless do_sample is true")
    if sampling.get("do_sample") and sampling.get("num_beams", 1) != 1:
        raise ValueError("sampling: num_beams and do_sample exclude one another here, since each row has its own seed")
    loading = fields("transformers", "modeling_utils.py", "PreTrainedModel", "from_pretrained")
    loading |= fields("transformers", "models/auto/auto_factory.py", "_BaseAutoModelClass", "from_pretrained")
    # Any setting of a model's configuration may be given too, so only what looks like a slip is refused.
    refuse_unknown(
        [name for name in engine if get_close_matches(name, loading, 1, 0.8)], loading, "from_pretrained's arguments"
    )
