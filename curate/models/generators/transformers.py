"""A model in this program through transformers' `generate`: for small models, where vLLM is not to be had."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, NamedTuple

from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError, Result, Settings
from curate.models.generators.fields import fields, refuse, refuse_unknown
from curate.models.generators.generator import Generator
from curate.models.generators.labels import Tokens, logprobs, prefixes
from curate.models.generators.tokenizers import apart, rendered, special_tokens
from curate.models.weights import first_line
from curate.turns import Turn

_INSTALL = "pip install 'curate-lm[transformers]'"
_LIMIT = 1024  # tokens of an answer by default: transformers' own 20 cuts every answer off
_REFUSED = {
    "num_return_sequences": "every sample is asked for by itself, so that each has a seed and a place in the journal",
    "max_length": "it counts the prompt too; set max_new_tokens",
    "return_dict_in_generate": "answers are texts",
}
# What narrows down a draw, in the order in which `generate` applies it: transformers' class, and the value without
# effect.
_SAMPLERS: dict[str, tuple[str, float | None]] = {
    "temperature": ("TemperatureLogitsWarper", 1.0),
    "top_h": ("TopHLogitsWarper", None),
    "top_k": ("TopKLogitsWarper", 0),
    "top_p": ("TopPLogitsWarper", 1.0),
    "min_p": ("MinPLogitsWarper", None),
    "typical_p": ("TypicalLogitsWarper", 1.0),
    "epsilon_cutoff": ("EpsilonLogitsWarper", 0.0),
    "eta_cutoff": ("EtaLogitsWarper", 0.0),
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

    Raise ValueError for a setting that cannot be, ModelError where the model is not there; when first asked,
    GeneratorError where transformers is not there or cannot load the model.

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
    names = fields("transformers", "generation/configuration_utils.py", "GenerationConfig", "__init__")
    refuse_unknown(sampling, names, "transformers' GenerationConfig")
    idle = sorted(sampling.keys() & _SAMPLERS.keys())
    if idle and sampling.get("do_sample") is not True:
        raise ValueError(f"sampling: {', '.join(idle)} has no effect unless do_sample is true")
    if sampling.get("do_sample") and sampling.get("num_beams", 1) != 1:
        raise ValueError("sampling: num_beams and do_sample exclude one another here, since each row has its own seed")
    names = fields("transformers", "modeling_utils.py", "PreTrainedModel", "from_pretrained")
    names |= fields("transformers", "models/auto/auto_factory.py", "_BaseAutoModelClass", "from_pretrained")
    # Any setting of a model's configuration may be given too, so only what looks like a slip is refused.
    slips = [name for name in engine if get_close_matches(name, names, 1, 0.8)]
    refuse_unknown(slips, names, "from_pretrained's arguments")


class _Row(NamedTuple):
    position: int
    prompt: list[int]
    ask: Ask
    prefix: Tokens = ()  # of an ask for labels: how the answer begins
    text: str = ""  # of the prompt


class Transformers:
    """A model in memory that answers batches of prompts."""

    def __init__(self, model: str, engine: Mapping[str, Any], batch_size: int) -> None:
        missing = [name for name in ("torch", "transformers") if not find_spec(name)]
        if missing:
            raise GeneratorError(f"transformers needs {' and '.join(missing)}: {_INSTALL}")
        path = weights.find_model(model)
        self._library: Any = importlib.import_module("transformers")
        # Set outright: else transformers asks at the terminal whether to run a model's own code.
        engine = {"trust_remote_code": False, **engine}
        try:
            with redirect_stderr(io.StringIO()):  # progress bars
                self._tokenizer = self._library.AutoTokenizer.from_pretrained(
                    path, padding_side="left", trust_remote_code=engine["trust_remote_code"]
                )
                self._model = self._library.AutoModelForCausalLM.from_pretrained(path, **engine).eval()
        except Exception as error:  # transformers', torch's, the hub's
            raise GeneratorError(f"transformers cannot load {model}: {first_line(error)}") from error
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._batch_size, self._special = batch_size, special_tokens(self._tokenizer)
        self._defaults = {k: v for k, v in self._model.generation_config.to_dict().items() if v is not None}
        ends = self._defaults.get("eos_token_id", self._tokenizer.eos_token_id)
        self._ends: list[int] = ends if isinstance(ends, list) else [ends]

    @property
    def context(self) -> int | None:
        """Tell how many tokens a prompt and its answer may have together, where the model's configuration says so."""
        return getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        """Count the tokens of a prompt in the model's chat template; None where the template refuses it."""
        with suppress(Exception):  # a template may raise anything; `answer` says what it was
            return len(self._tokens(rendered(self._tokenizer, messages, tools)))
        return None

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Result]]:
        """Answer batch by batch, short prompts first."""
        rows = []
        for position, ask in enumerate(asks):
            try:
                text = rendered(self._tokenizer, ask.messages, ask.tools)
                rows.append(_Row(position, self._tokens(text), ask, text=text))
            except Exception as error:  # a template may raise anything
                yield position, Failed(f"the chat template does not take it: {first_line(error)}", again=False)
        yield from self._labels([row for row in rows if row.ask.labels is not None])
        settings = {**self._defaults, **sampling}
        for structured in (False, True):
            texts = [row for row in rows if row.ask.labels is None and (row.ask.schema is not None) is structured]
            for batch in self._batches(texts):
                yield from self._answer_batch(batch, settings)

    def _batches(self, rows: Iterable[_Row]) -> Iterator[list[_Row]]:
        ordered = sorted(rows, key=lambda row: (len(row.prompt), row.position))
        for i in range(0, len(ordered), self._batch_size):
            yield ordered[i : i + self._batch_size]

    def _answer_batch(self, batch: list[_Row], settings: dict[str, Any]) -> Iterator[tuple[int, Result]]:
        plain = {k: v for k, v in settings.items() if k not in _SAMPLERS} | {"do_sample": False}
        try:
            processors = [*self._grammars(batch), *(self._draw(batch, settings) if settings.get("do_sample") else ())]
            output = self._generate(batch, plain, processors)
        except RuntimeError as error:  # out of memory, first of all
            for row in batch:
                yield row.position, Failed(f"transformers failed: {first_line(error)}", again=True)
            return
        except (ValueError, TypeError) as error:
            raise GeneratorError(f"transformers does not take the sampling settings: {first_line(error)}") from error
        longest = max(len(row.prompt) for row in batch)
        for row, tokens in zip(batch, output[:, longest:].tolist(), strict=True):
            yield row.position, self._answer(row, tokens, settings)

    def _generate(self, batch: list[_Row], settings: dict[str, Any], processors: Sequence[Any] = ()) -> Any:
        import torch

        padded = self._tokenizer.pad({"input_ids": [row.prompt for row in batch]}, return_tensors="pt")
        # What is set nowhere else, `generate` takes from the model's own settings: so these are set there.
        config = {"pad_token_id": self._tokenizer.pad_token_id, "eos_token_id": self._ends, **settings}
        self._model.generation_config = self._library.GenerationConfig(**config)
        with torch.inference_mode():
            return self._model.generate(
                **padded.to(self._model.device),
                logits_processor=self._library.LogitsProcessorList(processors),
                tokenizer=self._tokenizer,
            )

    def _answer(self, row: _Row, tokens: list[int], settings: Mapping[str, Any]) -> Answer:
        """Cut an answer at its end: after it stands padding, which may be the same token as the end."""
        ends = {*self._ends, self._tokenizer.pad_token_id}
        length = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
        plain = row.ask.schema is not None or not self._special
        text = self._tokenizer.decode(tokens[:length], skip_special_tokens=plain)
        stops = settings.get("stop_strings") or ()
        stopped = text.endswith((stops,) if isinstance(stops, str) else tuple(stops))
        full = length == len(tokens) or stopped  # no end of turn among them
        reason = "length" if length == settings["max_new_tokens"] and not stopped else "stop"
        answer = Answer(text, reason, len(row.prompt), length if full else length + 1)
        return apart(self._tokenizer, self._special, row.ask, row.text, answer)

    def _draw(self, batch: list[_Row], settings: Mapping[str, Any]) -> list[Any]:
        warpers = [
            getattr(self._library, kind)(settings[name])
            for name, (kind, idle) in _SAMPLERS.items()
            if settings.get(name) not in (None, idle)
        ]
        return [*warpers, Draw([row.ask.seed for row in batch])]

    def _grammars(self, batch: list[_Row]) -> list[Any]:
        """Hold answers to their JSON Schemas, one each."""
        if batch[0].ask.schema is None:
            return []
        if not find_spec("xgrammar"):
            raise GeneratorError(f"transformers needs xgrammar for answers in JSON: {_INSTALL}")
        import xgrammar
        from xgrammar.contrib.hf import LogitsProcessor

        size = self._model.config.get_text_config().vocab_size
        compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=size))
        return [LogitsProcessor([compiler.compile_json_schema(json.dumps(row.ask.schema)) for row in batch])]

    def _labels(self, rows: list[_Row]) -> Iterator[tuple[int, Result]]:
        """Ask for the next token after each beginning of a label; give an ask's answer with its last one."""
        following = {row.position: prefixes(self._tokens(label) for label in row.ask.labels or ()) for row in rows}
        steps: dict[int, dict[Tokens, dict[int, float]]] = {row.position: {} for row in rows}
        single = [
            _Row(row.position, [*row.prompt, *prefix], row.ask, prefix)
            for row in rows
            for prefix in following[row.position]
        ]
        once = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
        for batch in self._batches(single):
            scores = self._generate(batch, once).logits[0].float().log_softmax(-1)
            for row, every in zip(batch, scores, strict=True):
                tokens, own = following[row.position][row.prefix], steps[row.position]
                own[row.prefix] = dict(zip(tokens, every[tokens].tolist(), strict=True))
                if len(own) == len(following[row.position]):
                    likely = logprobs({label: self._tokens(label) for label in row.ask.labels or ()}, own)
                    best = max(likely, key=lambda label: likely[label])
                    yield row.position, Answer(best, "stop", len(row.prompt) - len(row.prefix), len(own), likely)

    def close(self) -> None:
        """Give back the model's memory."""
        self._model = None
        weights.free_memory()


class Draw:
    """Draw each row's next token from a seed of its own, as the last of the processors of `generate`.

    `generate` itself draws for all rows from one stream of random numbers, so that a row's answer would depend on how
    many rows stand before it. Here each row has its stream, one number a token, and takes the token at which the
    probabilities, added up in the order of the vocabulary, pass that number.
    """

    def __init__(self, seeds: Iterable[int]) -> None:
        import torch

        self._streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Give scores that are 0 for the drawn token of each row and minus infinity for all others."""
        import torch

        sums = scores.to("cpu", torch.float64).softmax(-1).cumsum(-1)
        draws = torch.stack([torch.rand(1, generator=stream, dtype=torch.float64) for stream in self._streams])
        tokens = torch.searchsorted(sums, draws * sums[:, -1:], right=True).clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens.to(scores.device), 0.0)
