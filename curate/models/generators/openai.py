"""A chat server at work: requests by the openai package's client, many at once, each told about in words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from threading import local
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curate.models.generators.ask import Ask, Failed, GeneratorError, Result, Settings
from curate.models.generators.calls import Budget, Halt, Halted, many
from curate.models.generators.fields import fields, refuse, refuse_unknown
from curate.models.generators.generator import Generator
from curate.models.generators.messages import as_api, tools_of
from curate.models.generators.replies import TOP, BrokenReply, NoLabel, explain, read_answer, words_of
from curate.models.settings import find_secrets, mask
from curate.turns import Turn

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI, OpenAIError

HOSTED = "https://api.openai.com/v1"
_IN_A_ROW = 3  # times `concurrency`: so many failures without an answer between them, and the server is taken for dead
_LARGEST = 16 << 20  # bytes of a reply; the longest answers of any model have less than one hundredth
_ROUNDS = 5  # times `timeout`: so long may a reply take that has begun
_CONNECT = 10  # seconds until a server that is there takes a connection
_SECRET = 8  # characters; a shorter key is none (`none`, `EMPTY`)
_SHAPE = {  # settings of the text, which mean nothing to the likelihood of a label, or falsify it
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "frequency_penalty", "presence_penalty",
    "logit_bias", "response_format", "verbosity",
}  # fmt: skip


@dataclass
class Server:
    """An engine that asks a server; it holds no connection between two calls of `answer`."""

    model: str
    address: str
    key_env: str
    concurrency: int
    timeout: float
    max_retries: int
    budget: Budget
    send_seed: bool
    answered: bool = False

    @property
    def context(self) -> int | None:
        """Leave it to the server, which alone knows."""
        return None

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        """Leave the counting to the server."""
        return None

    def close(self) -> None:
        """Give back nothing: nothing is held."""

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Result]]:
        """Answer every ask, in the order in which the answers come."""
        calls = _Calls(self, asks, sampling)
        with calls.client, closing(many(calls.one, len(asks), self.concurrency, calls.halt)) as answers:
            yield from answers

    def request(self, ask: Ask, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Write an ask as the arguments of `chat.completions.create`."""
        limit = "max_completion_tokens" if "max_completion_tokens" in sampling else "max_tokens"
        params = dict(sampling)
        if ask.labels:
            params = {name: value for name, value in sampling.items() if name not in _SHAPE}
            params |= {limit: 1, "temperature": 1, "top_p": 1, "logprobs": True, "top_logprobs": TOP}
        if ask.schema is not None:
            form = {"name": "answer", "strict": True, "schema": dict(ask.schema)}
            params["response_format"] = {"type": "json_schema", "json_schema": form}
        more: dict[str, Any] = {"seed": ask.seed} if self.send_seed else {}
        if tools := tools_of(ask.tools):
            more["tools"] = tools
        return {**params, **more, "model": self.model, "messages": as_api(ask.messages)}


class _Calls:
    """The calls of one `answer`: their client, which reports every try, and what ends them."""

    def __init__(self, server: Server, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> None:
        self.server, self.asks, self.sampling = server, asks, sampling
        self.halt = Halt()
        self.key = os.environ.get(server.key_env, "")
        self.client = self._open()
        self._thread = local()
        self._failed = 0  # in a row

    def _open(self) -> OpenAI:
        try:
            import httpx2  # openai 3 and later stand on it; those before wait for less of a Retry-After
            from openai import DefaultHttpxClient, OpenAI
        except ImportError:
            raise GeneratorError("the `openai` generator needs: pip install 'curate-lm[openai]'") from None
        if not self.key and self.server.address == HOSTED:
            raise GeneratorError(f"there is no key for {HOSTED}: set the environment variable {self.server.key_env}")
        timeout = httpx2.Timeout(self.server.timeout, connect=min(self.server.timeout, _CONNECT))
        hooks: dict[str, list[Callable[..., None]]] = {"request": [self._before], "response": [self._after]}
        return OpenAI(
            base_url=self.server.address,
            api_key=self.key or "none",  # the client insists on one, most servers of one's own do not
            timeout=timeout,
            max_retries=self.server.max_retries,
            default_headers={"Accept-Encoding": "gzip, deflate"},
            http_client=DefaultHttpxClient(timeout=timeout, event_hooks=hooks),
        )

    def _before(self, request: httpx2.Request) -> None:
        """Let a try go out, the package's own retries included, only while there may be any."""
        self.halt.check()
        self.server.budget.take()
        self._thread.tries += 1

    def _after(self, response: httpx2.Response) -> None:
        """Make a broken reply an error of the connection, which the package's own rules then try again."""
        chunks = response.iter_bytes
        # What `read` goes by, here and in the package: no reply takes all memory, or all time.
        response.iter_bytes = lambda chunk_size=None: self._bounded(response, chunks)  # type: ignore[method-assign]
        try:
            body = response.read()
            if response.is_success:
                read_answer(body)
        except BrokenReply as broken:
            from httpx2 import RemoteProtocolError

            raise RemoteProtocolError(str(broken)) from broken

    def _bounded(self, response: httpx2.Response, chunks: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        """Read a reply as far as a reply goes; of an error, its beginning says enough."""
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", "deflate"):  # what others unpack to has no bound, a chunk at a time
            raise BrokenReply(f"the reply is packed as {words_of(packed)!r}, which was not asked for")
        size, seconds = 0, _ROUNDS * self.server.timeout
        end = monotonic() + seconds
        for chunk in chunks():
            size += len(chunk)
            if size > _LARGEST or monotonic() > end:
                if not response.is_success:
                    return
                what = f"{_LARGEST >> 20} MB" if size > _LARGEST else f"{seconds:g} s"
                raise BrokenReply(f"the reply does not end within {what}")
            yield chunk

    def one(self, position: int) -> Result:
        """Ask once, and say what came of it; this runs in many threads."""
        self._thread.tries = 0
        result = self._result(self.asks[position])
        if not isinstance(result, Failed):
            self._failed = 0
            return result
        result = result._replace(reason=self._hide(result.reason))
        self._failed = self._failed + 1 if result.again else 0
        if self._failed >= _IN_A_ROW * self.server.concurrency:
            self.halt.halt(f"{self._failed} requests in a row failed, so no more are made; the last: {result.reason}")
        return result

    def _result(self, ask: Ask) -> Result:
        from openai import OpenAIError

        try:
            self.halt.check()
            reply = self.client.chat.completions.with_raw_response.create(**self.server.request(ask, self.sampling))
            body = reply.http_response.content
            answer = read_answer(body)
            self._spend(answer.prompt_tokens + answer.completion_tokens)
            answer = read_answer(body, ask.labels)
        except Halted as halted:
            self.halt.halt(str(halted))
            return Failed(str(halted), again=True)
        except NoLabel as error:
            if error.any_request and not self.server.answered:
                self.halt.halt(str(error))
            return Failed(str(error), again=self.halt.reason == str(error))
        except OpenAIError as error:
            return self._explained(error)
        except (
            Exception
        ) as error:  # the packages below trip over headers that they read, such as dates beyond any clock
            return Failed(f"the reply cannot be read: {type(error).__name__}: {words_of(str(error))}", again=True)
        self.server.answered = True
        if len(self.key) >= _SECRET:  # a key must not become part of a set
            thinking = answer.thinking and answer.thinking.replace(self.key, "…")
            answer = answer._replace(text=answer.text.replace(self.key, "…"), thinking=thinking)
        return answer

    def _spend(self, tokens: int) -> None:
        self.server.budget.spend(tokens)
        if not tokens and self.server.budget.max_tokens is not None:
            self.halt.halt("the server does not count tokens, so max_tokens_spent cannot be held")

    def _explained(self, error: OpenAIError) -> Failed:
        server = self.server
        key = f"read from the environment variable {server.key_env}" + ("" if self.key else ", which is not set")
        trouble = explain(
            error, model=server.model, address=server.address, timeout=server.timeout, key=key, answered=server.answered
        )
        if trouble.halts:
            self.halt.halt(self._hide(trouble.reason))
        tries = self._thread.tries
        return Failed(trouble.reason + (f" (tried {tries} times)" if tries > 1 else ""), trouble.again)

    def _hide(self, words: str) -> str:
        """Take out the key, which some servers repeat, and any other that an error quotes."""
        return mask(words.replace(self.key, "…") if len(self.key) >= _SECRET else words)


_REASONS = {
    "messages": "they are made from the row",
    "model": "it is an argument of its own",
    "n": "each answer is asked for by itself, with its own seed",
    "seed": "each request gets its own, drawn from the run's seed and the row",
    "stream": "an answer counts when it is whole",
    "stream_options": "an answer counts when it is whole",
    "logprobs": "they are asked for where a judge needs them",
    "top_logprobs": "they are asked for where a judge needs them",
    "timeout": "it is an argument of its own",
    "extra_headers": "they may hold secrets, and the sampling settings are written into the manifest",
}


def openai(
    model: str,
    *,
    base_url: str | None = None,
    api_key_env: str = "OPENAI_API_KEY",
    sampling: dict[str, Any] | None = None,
    concurrency: int = 16,
    timeout: float = 120,
    max_retries: int = 6,
    max_requests: int | None = None,
    max_tokens_spent: int | None = None,
    send_seed: bool = True,
) -> Generator:
    """Ask a server that speaks the OpenAI chat API, with the openai package's own client.

    `sampling` are arguments of `chat.completions.create` by their own names (`temperature`, `top_p`, `max_tokens` or
    `max_completion_tokens`, `stop`, `extra_body` for what only some servers know, …). `base_url` is by default the
    environment's OPENAI_BASE_URL, else OpenAI's own; the key is read from the environment variable `api_key_env` when
    the first request is made, and goes nowhere else (a server of one's own mostly needs none).

    `concurrency` requests are under way at once. One that fails by a lost or silent connection (`timeout` seconds
    without a byte), by 408, 409, 429, 5xx or by a broken reply is tried again up to `max_retries` times, after the
    server's `Retry-After` (up to 120 s), else after 0.5 s, doubled each time up to 8 s, less up to a quarter by chance.
    Those are the openai package's own rules, broken replies aside.

    `max_requests` (tries count) and `max_tokens_spent` (as the server counts them; the answers under way when it is
    reached still come) bound what one run spends. Then, and where every further request would fail too (wrong key or
    model, a quota used up, a longer `Retry-After`, or three times `concurrency` failures in a row), no more is asked:
    what came stays, and the rest is left to the next run. `send_seed` false serves those that know no `seed`.

    Raise ValueError for a setting that cannot be, GeneratorError for an address that cannot be.

    >>> openai("small", base_url="http://localhost:8000/v1", sampling={"max_tokens": 64}).describe()["address"]
    'http://localhost:8000/v1'
    """
    sampling = dict(sampling or {})
    refuse(sampling, _REASONS)
    refuse(sampling.get("extra_body") or {}, _REASONS)
    names = fields("openai", "resources/chat/completions/completions.py", "Completions", "create")
    refuse_unknown(sampling, names, "the arguments of chat.completions.create")
    _refuse_below(1, concurrency=concurrency, max_requests=max_requests, max_tokens_spent=max_tokens_spent)
    _refuse_below(0, max_retries=max_retries)
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}: it must be above 0")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", api_key_env) or list(find_secrets(api_key_env)):
        raise ValueError("api_key_env is the name of an environment variable that holds the key, not the key itself")
    address = _address(base_url)
    limit = sampling.get("max_completion_tokens") or sampling.get("max_tokens")
    settings = Settings("openai", model, {} if send_seed else {"send_seed": False}, sampling, address, limit)
    budget = Budget(max_requests, max_tokens_spent)
    # How the server is asked is no part of the settings: an answer stays the same answer when less is asked at once.
    server = partial(Server, model, address, api_key_env, concurrency, timeout, max_retries, budget, send_seed)
    return Generator(settings, server)


def _refuse_below(least: int, **values: float | None) -> None:
    for name, value in values.items():
        if value is not None and value < least:
            raise ValueError(f"{name} is {value}: it cannot be below {least}")


def _address(base_url: str | None) -> str:
    """Find where the server stands, as the openai package does, and refuse what would put a secret on show."""
    address = (base_url or os.environ.get("OPENAI_BASE_URL") or HOSTED).strip().rstrip("/")
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        valid = None
    if not valid:
        raise GeneratorError(f"base_url '{mask(address)}' is no address: it looks like http://localhost:8000/v1")
    if parts.username or parts.password:
        raise GeneratorError("base_url holds a password: keep it out, and the key in an environment variable")
    if parts.query or parts.fragment:
        raise GeneratorError(
            "base_url has a query or fragment, which may hold a secret: it ends with its path, and the key is in the "
            "environment variable that `api_key_env` names"
        )
    return address
