"""Any server that speaks the OpenAI chat API: a hosted one, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from curate.generators.calls import Budget
from curate.generators.contract import GeneratorError, Settings
from curate.generators.fields import fields, refuse, refuse_unknown
from curate.generators.generator import Generator
from curate.generators.server import HOSTED, Server
from curate.settings import find_secrets, mask

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
    given = dict(sampling or {})
    refuse(given, _REASONS)
    refuse(given.get("extra_body") or {}, _REASONS)
    known = fields("openai", "resources/chat/completions/completions.py", "Completions", "create")
    refuse_unknown(given, known, "the arguments of chat.completions.create")
    _refuse_below(1, concurrency=concurrency, max_requests=max_requests, max_tokens_spent=max_tokens_spent)
    _refuse_below(0, max_retries=max_retries)
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}: it must be above 0")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", api_key_env) or list(find_secrets(api_key_env)):
        raise ValueError("api_key_env is the name of an environment variable that holds the key, not the key itself")
    address = _address(base_url)
    limit = given.get("max_completion_tokens") or given.get("max_tokens")
    settings = Settings("openai", model, {} if send_seed else {"send_seed": False}, given, address, limit)
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
        there = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        there = None
    if not there:
        raise GeneratorError(f"base_url '{mask(address)}' is no address: it looks like http://localhost:8000/v1")
    if parts.username or parts.password:
        raise GeneratorError("base_url holds a password: keep it out, and the key in an environment variable")
    if parts.query or parts.fragment:
        raise GeneratorError(
            "base_url has a query or fragment, which may hold a secret: it ends with its path, and the key is in the "
            "environment variable that `api_key_env` names"
        )
    return address
