"""Why a request failed, in words, and what follows from it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING, NamedTuple

from curate.generators.replies import BrokenReply, said

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, OpenAIError

PATIENCE = 120  # seconds of Retry-After up to which the openai package waits and tries again

_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|too long|too many (input |prompt )?tokens|maximum .{0,40}(length|input tokens)",
    re.IGNORECASE,
)


class Trouble(NamedTuple):
    """Why there is no answer, whether to ask again in a later run, and whether all requests would fare the same."""

    reason: str
    again: bool
    halts: bool = False


def trouble(error: OpenAIError, *, model: str, address: str, timeout: float, key: str, answered: bool) -> Trouble:
    """Explain a failed request.

    `key` says where the key comes from. `answered` says whether the server has answered any request yet: if so, what it
    refuses lies in this one.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return Trouble(f"the server was silent for {timeout:g} s", again=True)
    if isinstance(error, APIConnectionError):
        return Trouble(_lost(error), again=True)
    if isinstance(error, APIStatusError):
        return _refused(error, f"the model '{model}' at {address}", key, answered)
    return Trouble(f"the request failed: {said(str(error))}", again=True)


def _lost(error: APIConnectionError) -> str:
    cause = error.__cause__
    if cause is not None and isinstance(cause.__cause__, BrokenReply):
        return str(cause)
    return f"the connection was lost: {said(str(cause or '')) or type(cause or error).__name__}"


def _refused(error: APIStatusError, where: str, key: str, answered: bool) -> Trouble:
    status, words = error.status_code, said(error.body)
    says = f"the server answered {status}" + (f": {words}" if words else "")
    wait = retry_after(error.response.headers)
    if status == 401:
        return Trouble(f"{says}; the key is {key}", again=True, halts=True)
    if status == 404:
        return Trouble(f"{says}; asked for {where}", again=True, halts=True)
    if status == 402 or error.code == "insufficient_quota":
        return Trouble(f"{says}; what was paid for is used up", again=True, halts=True)
    if wait is not None and wait > PATIENCE and (status == 429 or status >= 500):
        return Trouble(f"{says}; it asks to wait {wait:,.0f} s: run again then", again=True, halts=True)
    if status == 429 or status >= 500 or status in (408, 409):
        return Trouble(says, again=True)
    if status == 413 or _TOO_LONG.search(f"{words} {error.code} {error.type}"):
        return Trouble(f"the prompt is too long for the model: {says}", again=False)
    if error.code in ("content_filter", "content_policy_violation"):
        return Trouble(f"the server's filter refuses the prompt: {says}", again=False)
    if re.search(r"\bseed\b", words):
        says += "; `send_seed: false` asks without one"
    return Trouble(says, again=not answered, halts=not answered and status in (403, 405))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait, given as a number or a date.

    >>> retry_after({"retry-after": "30"}), retry_after({"retry-after": "soon"}), retry_after({})
    (30.0, None, None)
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
        return seconds if math.isfinite(seconds) else None
    except ValueError:
        with suppress(ValueError, OverflowError, IndexError, TypeError):  # a date far beyond any clock
            date = parsedate_tz(value)
            return None if date is None else mktime_tz(date) - time.time()
    return None
