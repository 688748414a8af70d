"""What a chat server's reply says: an answer, or in words why it is none."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.models.generators.ask import Answer

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, OpenAIError

UNLIKELY = -9999.0  # what the API itself gives a token that is not among the most likely
TOP = 20  # the most alternatives that the API shows
_REASON = re.compile(r"\w{1,40}", re.ASCII)  # stop, length, content_filter, …
_MOST_TOKENS = 10**12  # of one answer; what is above is no count
_READ = 10_000  # characters of a server's own words that are looked at
_SHOWN = 200  # characters of a server's own words that are repeated


class BrokenReply(ValueError):
    """Say in words what a reply lacks; asking again may mend it."""


class NoLabel(ValueError):
    """Say in words why a reply tells nothing about the labels; asking again would not mend it.

    `any_request` says whether it would be so for every request to this server.
    """

    def __init__(self, why: str, any_request: bool = False) -> None:
        super().__init__(why)
        self.any_request = any_request


def _read(body: bytes) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Take from a reply its first choice and its counts of tokens; raise BrokenReply if it has no choice to use.

    >>> read_answer(b'{"choices": []}')
    Traceback (most recent call last):
    curate.models.generators.replies.BrokenReply: the reply has no choices
    """
    try:
        reply = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        start = words_of(body.decode(errors="replace"))
        raise BrokenReply(f"the reply is no whole JSON: {start[:60]!r} ({len(body)} bytes)") from None
    if not isinstance(reply, dict):
        raise BrokenReply("the reply is JSON of another kind")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        words = words_of(reply.get("error") or "")
        raise BrokenReply(f"the reply has no choices{words and ', but says: '}{words}")
    choice = choices[0]
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        raise BrokenReply("the reply's first choice has no message")
    if choice.get("finish_reason") == "error":
        raise BrokenReply(f"the server gave up on it: {words_of(choice.get('error') or 'no reason given')}")
    text_of(choice["message"])
    usage = reply.get("usage")
    return choice, usage if isinstance(usage, dict) else {}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def text_of(message: Mapping[str, Any]) -> str:
    """Give the text of a message, which may come in parts; raise BrokenReply where it is none.

    >>> text_of({"content": [{"type": "thinking", "thinking": "2 + 2"}, {"type": "text", "text": "4"}]})
    '4'
    """
    text = message.get("content")
    if isinstance(text, list) and len(_parts(text)) == len(text):
        spoken = (part.get("text") for part in _parts(text) if not _is_thought(part))
        return "".join(part for part in spoken if isinstance(part, str))
    if text is None:  # a refusal, or a model that ended before it said anything
        text = message.get("refusal") or ""
    if not isinstance(text, str):
        raise BrokenReply("the reply's text is none")
    return text


# Where servers put thoughts: vLLM and DeepSeek, vLLM from 0.11 on and OpenRouter, Ollama.
_FIELDS = ("reasoning_content", "reasoning", "thinking")
_LISTS = ("reasoning_details", "thinking_blocks", "content")  # OpenRouter; LiteLLM; Mistral and Anthropic's blocks
_OF_A_PART = ("thinking", "text", "summary", "content")  # what of a part, or of a part of it, is a thought's text


def thinking_of(message: Mapping[str, Any]) -> str | None:
    """Give the thoughts that a message holds beside its text: in a field of their own, or in parts.

    >>> thinking_of({"content": "4", "reasoning_content": "2 + 2"}), thinking_of({"content": "4"})
    ('2 + 2', None)
    """
    fields = (message.get(name) for name in _FIELDS)
    if thought := next((field for field in fields if _is_text(field)), None):
        return str(thought).strip()
    for name in _LISTS:
        thoughts = [_thought(part) for part in _parts(message.get(name)) if name != "content" or _is_thought(part)]
        if any(thoughts):
            return "\n\n".join(filter(None, thoughts))
    return None


def _parts(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_thought(part: Mapping[str, Any]) -> bool:
    return any(word in str(part.get("type")) for word in ("thinking", "reasoning"))


def _thought(part: Mapping[str, Any]) -> str:
    """Take the text of a thought, which may come in parts itself; what is encrypted has none."""
    for name in _OF_A_PART:
        value = part.get(name)
        texts = [value] if isinstance(value, str) else [inner.get("text") for inner in _parts(value)]
        if thought := "".join(text for text in texts if isinstance(text, str)).strip():
            return thought
    return ""


def _thinking_tokens(usage: Mapping[str, Any]) -> int | None:
    """Read how many tokens the server counts as thoughts; none is no count, since many servers always say so."""
    details = (usage.get(f"{name}_tokens_details") for name in ("completion", "output"))
    counts = (_count(one.get("reasoning_tokens")) for one in (*details, usage) if isinstance(one, Mapping))
    return next(filter(None, counts), None)


def read_answer(body: bytes, labels: Sequence[str] | None = None) -> Answer:
    """Read an answer from a reply.

    Text that the model gave as a refusal ends with the finish reason `refusal`, and a reply that calls a tool with
    `tool_calls`, whatever it says beside; one without a finish reason ended for an `unknown` one. Raise BrokenReply, or
    NoLabel when labels were asked about.

    >>> read_answer(b'{"choices": [{"message": {"content": "Hi."}}], "usage": {"prompt_tokens": 9}}')[:4]
    ('Hi.', 'unknown', 9, 0)
    """
    choice, usage = _read(body)
    message, reason = choice["message"], choice.get("finish_reason")
    if message.get("content") is None and message.get("refusal"):
        reason = "refusal"
    elif message.get("tool_calls") or message.get("function_call"):
        reason = "tool_calls"
    elif not isinstance(reason, str) or not _REASON.fullmatch(reason):
        reason = "unknown"
    prompt, completion = (_count(usage.get(f"{part}_tokens")) for part in ("prompt", "completion"))
    likely = label_logprobs(choice, labels) if labels else None
    thinking = thinking_of(message)
    return Answer(text_of(message), reason, prompt, completion, likely, thinking, _thinking_tokens(usage))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else 0


def label_logprobs(choice: Mapping[str, Any], labels: Sequence[str]) -> dict[str, float]:
    """Read how likely each label is as the first token, white space around it aside.

    One that is not among the 20 most likely gets -9999, the API's own value for that. Raise NoLabel when none is, or
    when a label seems to be more than one token of this model: then its likelihood cannot be read.
    """
    try:
        top = {_str(one["token"]): _logprob(one) for one in choice["logprobs"]["content"][0]["top_logprobs"]}
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise NoLabel("the server shows no log-probabilities", any_request=True) from None
    matches = {label: [p for token, p in top.items() if token.strip() == label] for label in labels}
    first = max(top, key=lambda token: top[token], default="").strip()
    starts = {label for label, values in matches.items() if values} | ({first} if first else set())
    for label in labels:
        if not matches[label] and any(label.startswith(start) for start in starts):
            raise NoLabel(f"the label {label!r} seems to be more than one token of this model: take shorter labels")
    if not any(matches.values()):
        raise NoLabel(
            f"none of the labels is among the {len(top)} most likely first tokens; the likeliest is {first!r}"
        )
    return {label: _log_of_sum(values) if values else UNLIKELY for label, values in matches.items()}


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a token is no text")
    return value


def _logprob(token: Mapping[str, Any]) -> float:
    """Take the log of a probability, which rounding may have put above 0; those below -9999 count as that."""
    value = float(token["logprob"])
    if math.isnan(value):
        raise ValueError("a log-probability is no number")
    return max(min(value, 0.0), UNLIKELY)


def _log_of_sum(logs: Sequence[float]) -> float:
    most = max(logs)  # exp(-9999) alone is 0, which has no log
    return most + math.log(sum(math.exp(value - most) for value in logs))


def words_of(error: Any) -> str:
    r"""Take a server's own words from what it sent as an error, on one line and cut.

    >>> words_of({"error": {"message": "No such\n model.", "type": "x"}}), words_of({"detail": "Not Found"})
    ('No such model.', 'Not Found')
    """
    while isinstance(error, Mapping):
        error = next((error[key] for key in ("error", "message", "detail") if error.get(key)), "")
    if error is None:
        return ""
    try:
        words = error if isinstance(error, str) else json.dumps(error, default=str)
    except (ValueError, RecursionError):
        return "an error in a form of its own"
    words = re.sub(r"\s+", " ", words[:_READ].encode(errors="backslashreplace").decode()).strip()
    return words if len(words) <= _SHOWN else words[:_SHOWN].rstrip() + " …"


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


def explain(error: OpenAIError, *, model: str, address: str, timeout: float, key: str, answered: bool) -> Trouble:
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
    return Trouble(f"the request failed: {words_of(str(error))}", again=True)


def _lost(error: APIConnectionError) -> str:
    cause = error.__cause__
    if cause is not None and isinstance(cause.__cause__, BrokenReply):
        return str(cause)
    return f"the connection was lost: {words_of(str(cause or '')) or type(cause or error).__name__}"


def _refused(error: APIStatusError, where: str, key: str, answered: bool) -> Trouble:
    status, words = error.status_code, words_of(error.body)
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
    value = headers.get("retry-after", "")
    with suppress(ValueError):
        return float(value) if math.isfinite(float(value)) else None
    with suppress(ValueError, OverflowError, IndexError, TypeError):  # a date far beyond any clock
        return parsedate_to_datetime(value).timestamp() - time.time()
    return None
