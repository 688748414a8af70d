"""A loaded model that answers batches of prompts; every row draws from its own seed."""

from __future__ import annotations

import gc
import importlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from importlib.util import find_spec
from typing import Any, NamedTuple

from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError, Turn
from curate.models.generators.labels import Tokens, places, scores

INSTALL = "pip install 'curate-lm[transformers]'"
# What narrows down a draw, in the order in which `generate` applies it, and transformers' class for each.
SAMPLERS = {
    "temperature": "TemperatureLogitsWarper",
    "top_h": "TopHLogitsWarper",
    "top_k": "TopKLogitsWarper",
    "top_p": "TopPLogitsWarper",
    "min_p": "MinPLogitsWarper",
    "typical_p": "TypicalLogitsWarper",
    "epsilon_cutoff": "EpsilonLogitsWarper",
    "eta_cutoff": "EtaLogitsWarper",
}
_IDLE = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "typical_p": 1.0, "epsilon_cutoff": 0.0, "eta_cutoff": 0.0}


class _Row(NamedTuple):
    position: int
    prompt: list[int]
    ask: Ask
    place: Tokens = ()  # of an ask for labels: what is said of the answer already


class Transformers:
    """A model in memory."""

    def __init__(self, model: str, engine: Mapping[str, Any], batch_size: int) -> None:
        missing = [name for name in ("torch", "transformers") if not find_spec(name)]
        if missing:
            raise GeneratorError(f"transformers needs {' and '.join(missing)}: {INSTALL}")
        path = weights.find_model(model)
        library: Any = importlib.import_module("transformers")
        try:
            with redirect_stderr(io.StringIO()):  # progress bars
                # Said outright: else transformers asks at the terminal whether to run a model's own code.
                given = {"trust_remote_code": False, **engine}
                trust = {"trust_remote_code": given["trust_remote_code"]}
                self._tokenizer = library.AutoTokenizer.from_pretrained(path, padding_side="left", **trust)
                self._model = library.AutoModelForCausalLM.from_pretrained(path, **given).eval()
        except Exception as error:  # transformers', torch's, the hub's
            raise GeneratorError(f"transformers cannot load {model}: {_first_line(error)}") from error
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._batch_size = batch_size
        self._own = {k: v for k, v in self._model.generation_config.to_dict().items() if v is not None}

    @property
    def context(self) -> int | None:
        """Tell how many tokens a prompt and its answer may have together, where the model's configuration says so."""
        return getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    def prompt_tokens(self, messages: Sequence[Turn]) -> int | None:
        """Count the tokens of a prompt in the model's chat template; None where the template refuses it."""
        with suppress(Exception):  # a template may raise anything; `answer` says what it was
            return len(self._rendered(messages))
        return None

    def _rendered(self, messages: Sequence[Turn]) -> list[int]:
        text = self._tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False)
        return self._tokens(text)

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Answer | Failed]]:
        """Answer batch by batch, short prompts first."""
        rows = []
        for position, ask in enumerate(asks):
            try:
                rows.append(_Row(position, self._rendered(ask.messages), ask))
            except Exception as error:  # a template may raise anything
                yield position, Failed(f"the chat template does not take it: {_first_line(error)}", again=False)
        yield from self._labels([row for row in rows if row.ask.labels is not None])
        settings = {**self._own, **sampling}
        for structured in (False, True):
            said = [row for row in rows if row.ask.labels is None and (row.ask.schema is not None) is structured]
            for batch in self._batches(said):
                yield from self._answered(batch, settings)

    def _batches(self, rows: Iterable[_Row]) -> Iterator[list[_Row]]:
        ordered = sorted(rows, key=lambda row: (len(row.prompt), row.position))
        for i in range(0, len(ordered), self._batch_size):
            yield ordered[i : i + self._batch_size]

    def _answered(self, batch: list[_Row], settings: dict[str, Any]) -> Iterator[tuple[int, Answer | Failed]]:
        plain = {k: v for k, v in settings.items() if k not in SAMPLERS} | {"do_sample": False}
        try:
            filters = [*self._grammars(batch), *(self._drawing(batch, settings) if settings.get("do_sample") else ())]
            said = self._generate(batch, plain, filters)
        except RuntimeError as error:  # out of memory, first of all
            for row in batch:
                yield row.position, Failed(f"transformers failed: {_first_line(error)}", again=True)
            return
        except (ValueError, TypeError) as error:
            raise GeneratorError(f"transformers does not take the sampling settings: {_first_line(error)}") from error
        for row, tokens in zip(batch, said[:, -self._new(batch, said) :].tolist(), strict=True):
            yield row.position, self._answer(row, tokens, settings)

    @staticmethod
    def _new(batch: list[_Row], said: Any) -> int:
        return int(said.shape[1]) - max(len(row.prompt) for row in batch)

    def _generate(self, batch: list[_Row], settings: dict[str, Any], filters: Sequence[Any] = ()) -> Any:
        import torch

        library: Any = importlib.import_module("transformers")
        padded = self._tokenizer.pad({"input_ids": [row.prompt for row in batch]}, return_tensors="pt")
        # What is set nowhere else, `generate` takes from the model's own settings: so these are set there.
        config = {"pad_token_id": self._tokenizer.pad_token_id, "eos_token_id": self._ends(), **settings}
        self._model.generation_config = library.GenerationConfig(**config)
        with torch.inference_mode():
            return self._model.generate(
                **padded.to(self._model.device),
                logits_processor=library.LogitsProcessorList(filters),
                tokenizer=self._tokenizer,
            )

    def _ends(self) -> list[int]:
        ends = self._own.get("eos_token_id", self._tokenizer.eos_token_id)
        return ends if isinstance(ends, list) else [ends]

    def _answer(self, row: _Row, tokens: list[int], settings: Mapping[str, Any]) -> Answer:
        """Cut an answer at its end: after it stands padding, which may be the same token as the end."""
        ends = {*self._ends(), self._tokenizer.pad_token_id}
        length = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
        text = self._tokenizer.decode(tokens[:length], skip_special_tokens=True)
        stops = settings.get("stop_strings") or ()
        stopped = text.endswith((stops,) if isinstance(stops, str) else tuple(stops))
        full = length == len(tokens) or stopped  # no end of turn among them
        reason = "length" if length == settings["max_new_tokens"] and not stopped else "stop"
        return Answer(text, reason, len(row.prompt), length if full else length + 1)

    def _drawing(self, batch: list[_Row], settings: Mapping[str, Any]) -> list[Any]:
        library: Any = importlib.import_module("transformers")
        given = {name: settings[name] for name in SAMPLERS if settings.get(name) not in (None, _IDLE.get(name))}
        from curate.models.generators.transformers_draw import Draw

        return [
            *(getattr(library, SAMPLERS[name])(value) for name, value in given.items()),
            Draw([r.ask.seed for r in batch]),
        ]

    def _grammars(self, batch: list[_Row]) -> list[Any]:
        """Hold answers to their JSON Schemas, one each."""
        if batch[0].ask.schema is None:
            return []
        if not find_spec("xgrammar"):
            raise GeneratorError(
                "transformers needs xgrammar for answers in JSON: pip install 'curate-lm[transformers]'"
            )
        import xgrammar
        from xgrammar.contrib.hf import LogitsProcessor

        size = self._model.config.get_text_config().vocab_size
        compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=size))
        return [LogitsProcessor([compiler.compile_json_schema(json.dumps(row.ask.schema)) for row in batch])]

    def _labels(self, rows: list[_Row]) -> Iterator[tuple[int, Answer | Failed]]:
        """Look at each place where labels go on; give an ask's answer with its last place."""
        wanted = {row.position: places(self._tokens(label) for label in row.ask.labels or ()) for row in rows}
        seen: dict[int, dict[Tokens, dict[int, float]]] = {row.position: {} for row in rows}
        looks = [
            _Row(row.position, [*row.prompt, *place], row.ask, place) for row in rows for place in wanted[row.position]
        ]
        once = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
        for batch in self._batches(looks):
            likely = self._generate(batch, once).logits[0].float().log_softmax(-1)
            for row, all_ in zip(batch, likely, strict=True):
                tokens = wanted[row.position][row.place]
                seen[row.position][row.place] = dict(zip(tokens, all_[tokens].tolist(), strict=True))
                if len(seen[row.position]) == len(wanted[row.position]):
                    yield row.position, self._labelled(row, seen.pop(row.position))

    def _labelled(self, row: _Row, seen: dict[Tokens, dict[int, float]]) -> Answer:
        found = scores({label: self._tokens(label) for label in row.ask.labels or ()}, seen)
        best = max(found, key=lambda label: found[label])
        return Answer(best, "stop", len(row.prompt) - len(row.place), len(seen), found)

    def close(self) -> None:
        """Give back the model's memory."""
        self._model = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
