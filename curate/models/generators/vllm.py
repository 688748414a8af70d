"""A running vLLM engine: requests go in as others come out, so that it is never idle and nothing waits for a batch."""

from __future__ import annotations

import gc
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError, Result, Settings
from curate.models.generators.fields import fields, refuse, refuse_unknown
from curate.models.generators.generator import Generator
from curate.models.generators.labels import Tokens, logprobs, prefixes
from curate.models.generators.process import Running, start
from curate.models.generators.tokenizers import apart, rendered, special_tokens
from curate.models.weights import first_line
from curate.turns import Turn

_AHEAD = 4  # times as many requests as the engine works on at once are with it: it never idles, and memory is bounded
_AT_ONCE = 20  # tokens whose probability one request may ask for: vLLM's `max_logprobs`


class VLLM:
    """A running engine; it starts again by itself after its process has died."""

    def __init__(self, model: str, engine: Mapping[str, Any]) -> None:
        self._model, self._engine = model, engine
        self._running: Running | None = None
        self._start()

    def _start(self) -> None:
        self._running = start(self._model, weights.find_model(self._model), self._engine)
        self.tokenizer = self.llm.get_tokenizer()
        self.special = special_tokens(self.tokenizer)

    @property
    def llm(self) -> Any:
        """Give vLLM's own object; None while no process runs."""
        return self._running and self._running.llm

    @property
    def context(self) -> int:
        """Tell how many tokens a prompt and its answer may have together: `max_model_len`."""
        if self.llm is None:  # its process died with an earlier call
            self._start()
        return int(self.llm.llm_engine.model_config.max_model_len)

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        """Count the tokens of a prompt in the model's chat template; None where the template refuses it."""
        with suppress(Exception):  # a template may raise anything; `answer` says what it was
            return len(self.tokens(self.prompt(messages, tools)))
        return None

    def prompt(self, messages: Sequence[Turn], tools: str | None = None) -> str:
        """Give the text that the model sees."""
        return rendered(self.tokenizer, messages, tools, chat_template=self.llm.chat_template)

    def tokens(self, text: str) -> list[int]:
        """Give the tokens of a text, without those that begin and end a prompt: the template has put them there."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Result]]:
        """Keep the engine full, and give each answer when it is whole."""
        if self.llm is None:
            self._start()
        stream, died = _Stream(self, asks, sampling), False
        try:
            yield from stream.run()
        except _EngineDied:
            died = True
        finally:
            stream.drop()
        if died:
            reason = f"vLLM's process ended: {self._running.cause() if self._running else 'it was closed'}"
            self.close()
            yield from ((position, Failed(reason, again=True)) for position in stream.unanswered())

    def close(self) -> None:
        """End the engine's process."""
        running, self._running = self._running, None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves its sockets to the garbage collector
            if running:
                running.end()
            del running
            gc.collect()


class _EngineDied(Exception):
    pass


class _Stream:
    """The asks of one call: those that wait, and the requests that the engine has.

    An ask for a completion is one request; one for labels is a request for each beginning of a label.
    """

    def __init__(self, engine: VLLM, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> None:
        self.engine, self.asks, self.sampling = engine, asks, _checked(sampling)
        self.llm = engine.llm
        self.waiting = deque(range(len(asks)))
        self.requests: dict[str, tuple[int, Tokens]] = {}  # number of a request -> its ask, and a label's beginning
        self.steps: dict[int, dict[Tokens, dict[int, float]]] = {}  # of asks for labels
        self.prompts: dict[int, str] = {}  # of asks for an answer
        self.at_once = _AHEAD * int(self.llm.llm_engine.vllm_config.scheduler_config.max_num_seqs)

    def run(self) -> Iterator[tuple[int, Result]]:
        while self.waiting or self.requests:
            while self.waiting and len(self.requests) < self.at_once:
                position = self.waiting.popleft()
                failed = self._add(position)
                if failed:
                    yield position, failed
            for output in self._step() if self.requests else ():
                position, prefix = self.requests.pop(_number(output.request_id), (-1, ()))
                result = self._result(position, prefix, output) if position >= 0 else None
                if result:
                    yield position, result

    def _add(self, position: int) -> Failed | None:
        """Give an ask to the engine; say what is wrong with it."""
        ask = self.asks[position]
        try:
            text = self.engine.prompt(ask.messages, ask.tools)
            prompt = self.engine.tokens(text)
            if ask.labels is None:
                self.prompts[position] = text
                self._enqueue(position, (), prompt, self._params(ask))
                return None
            self.steps[position] = {}
            for prefix, tokens in prefixes(map(self.engine.tokens, ask.labels)).items():
                for i in range(0, len(tokens), _AT_ONCE):
                    params = {"max_tokens": 1, "temperature": 0.0, "logprob_token_ids": tokens[i : i + _AT_ONCE]}
                    self._enqueue(position, prefix, [*prompt, *prefix], params)
        except Exception as error:  # of the template, the schema, the engine's own checks
            if type(error).__name__ in ("EngineDeadError", "EngineGenerateError"):
                self.waiting.appendleft(position)
                raise _EngineDied from error
            self._forget(position)
            return Failed(f"vLLM does not take it: {first_line(error)}", again=False)
        return None

    def _params(self, ask: Ask) -> dict[str, Any]:
        params = {**self.sampling, "seed": ask.seed}
        if self.engine.special and ask.schema is None:
            params["skip_special_tokens"] = False
        if ask.schema is not None:
            from vllm.sampling_params import StructuredOutputsParams

            params["structured_outputs"] = StructuredOutputsParams(json=dict(ask.schema))
        return params

    def _enqueue(self, position: int, prefix: Tokens, prompt: list[int], params: dict[str, Any]) -> None:
        from vllm import SamplingParams

        [name] = self.llm.enqueue({"prompt_token_ids": prompt}, SamplingParams(**params), use_tqdm=False)
        self.requests[_number(name)] = position, prefix

    def _step(self) -> list[Any]:
        try:
            return [output for output in self.llm.llm_engine.step() if output.finished]
        except Exception as error:  # whatever breaks a step, no answer comes after it
            raise _EngineDied from error

    def _result(self, position: int, prefix: Tokens, output: Any) -> Result | None:
        ask, [completion], prompt = self.asks[position], output.outputs, len(output.prompt_token_ids)
        if completion.finish_reason not in ("stop", "length", "repetition"):
            self._forget(position)
            return Failed(f"vLLM broke it off: {completion.finish_reason}", again=True)
        if ask.labels is None:
            answer = Answer(completion.text, completion.finish_reason, prompt, len(completion.token_ids))
            return apart(self.engine.tokenizer, self.engine.special, ask, self.prompts.pop(position), answer)
        step = self.steps[position].setdefault(prefix, {})
        step.update((token, float(entry.logprob)) for token, entry in completion.logprobs[0].items())
        if any(position == other for other, _ in self.requests.values()):
            return None
        steps = self.steps.pop(position)
        likely = logprobs({label: self.engine.tokens(label) for label in ask.labels}, steps)
        return Answer(max(likely, key=lambda label: likely[label]), "stop", prompt - len(prefix), len(steps), likely)

    def _forget(self, position: int) -> None:
        self.steps.pop(position, None)
        self.prompts.pop(position, None)
        self.requests = {name: of for name, of in self.requests.items() if of[0] != position}

    def unanswered(self) -> list[int]:
        """List the asks that have no answer."""
        return sorted({position for position, _ in self.requests.values()} | set(self.waiting))

    def drop(self) -> None:
        """Take back what the engine still has, so that the next call does not wait for it."""
        if self.requests and self.engine.llm is not None:
            with suppress(Exception):
                self.llm.llm_engine.abort_request(list(self.requests))
        self.llm = None


def _checked(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Have vLLM check the settings once, and make what a recipe can write into what vLLM takes."""
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    params = dict(sampling)
    try:
        if isinstance(params.get("structured_outputs"), dict):
            params["structured_outputs"] = StructuredOutputsParams(**params["structured_outputs"])
        SamplingParams(**params)
    except Exception as error:
        raise GeneratorError(f"vLLM does not take the sampling settings: {first_line(error)}") from None
    return params


def _number(name: str) -> str:
    return name.partition("-")[0]  # vLLM's own name of a request has a random end, its output's name has not


_LIMIT = 1024  # tokens of an answer, by default: vLLM's own 16 cuts every answer off
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

    Raise ValueError for a setting that vLLM does not have, ModelError where the model is not there; when first asked,
    GeneratorError where vLLM is not there or cannot start.

    >>> vllm("org/model", sampling={"temperature": 0.8}).settings.sampling
    {'max_tokens': 1024, 'temperature': 0.8}
    >>> vllm("org/model", sampling={"n": 4})
    Traceback (most recent call last):
    ValueError: sampling cannot set 'n': every sample is asked for by itself, so that each has a seed and a place in the journal
    """  # noqa: E501
    engine, sampling = engine or {}, sampling or {}
    refuse(sampling, _REFUSED)
    refuse_unknown(sampling, fields("vllm", "sampling_params.py", "SamplingParams"), "vLLM's SamplingParams")
    names = fields("vllm", "engine/arg_utils.py", "EngineArgs")
    names |= fields("vllm", "entrypoints/llm.py", "LLM", "__init__")
    refuse_unknown(engine, names, "the arguments of vllm.LLM")
    context = engine.get("max_model_len") or weights.config_of(model).get("max_position_embeddings") or 2 * _LIMIT
    sampling = {"max_tokens": min(_LIMIT, int(context) // 2), **sampling}
    settings = Settings("vllm", model, engine, sampling, limit=sampling["max_tokens"], weights=weights.weights(model))
    return Generator(settings, lambda: VLLM(model, engine))
