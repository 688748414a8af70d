"""What settings may not hold: secrets, since settings are written into manifests and pages, and names of code.

One rule for all secrets: each is the value of an environment variable, and what is written down names the variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

Path = tuple[str | int, ...]

_RULE = "a setting is written into manifests and reports"
# The whole name of a setting or of a query parameter, in words: `max_tokens` and `api_key_env` are none.
_NAMES = re.compile(
    r"(.* )?(api key|apikey|access key( id)?|secret( .*)?|private key|account key|subscription key"
    r"|password|passwd|passphrase"
    r"|authorization|proxy authorization|credentials?|cookie|auth token|access token|refresh token|bearer( token)?"
    r"|(hub|hf|id|session|security|api|wandb) token|x amz .*)"
    r"|token|auth|key|pwd|sig|signature"
)
# Of transformers and vLLM: each takes code from a model's folder, or imports what it names.
_CODE = {
    "trust_remote_code", "auto_map", "worker_cls", "worker_extension_cls", "scheduler_cls", "logits_processors",
    "tool_parser_plugin", "reasoning_parser_plugin", "io_processor_plugin", "kv_connector_module_path", "middleware",
    "custom_generate",
}  # fmt: skip
_PLAIN = {"key", "auth", "sig", "signature"}  # secrets in an address, but words of their own in settings
_LOOKS = re.compile(
    r"\b[srp]k-(?=[\w-]*\d)[\w-]{16,}|\b(hf|gsk|ghp|gho|ghu|ghs|ghr|github_pat)_\w{16,}|\b(xai|glpat)-[\w-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bxox[abpr]-[\w-]{10,}|\b(Bearer|Basic) +(?=\S*\d)[\w+/=.-]{8,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
)
_USER = re.compile(r"(?<=://)[^/?#@\s]+@")
_QUERY = re.compile(r"([?&#])([\w.%-]{1,60})=([^&#\s'\"<>]*)")


def find_secrets(settings: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Find secrets in settings, as (where, sentence); a sentence quotes nothing of the secret.

    >>> [(path, sentence[:42]) for path, sentence in find_secrets({"base_url": "http://host/v1?api_key=sk-x", "n": 5})]
    [(('base_url',), "holds a secret, 'api_key' in an address: a")]
    """
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            if isinstance(value, str) and value.strip() and _secret_name(str(name)) and str(name) not in _PLAIN:
                yield (*path, str(name)), _sentence(f"'{name}'")
            else:
                yield from find_secrets(value, (*path, str(name)))
    elif isinstance(settings, list | tuple):
        for i, value in enumerate(settings):
            yield from find_secrets(value, (*path, i))
    elif isinstance(settings, str):
        what = _in_text(settings)
        if what:
            yield path, _sentence(what)


def find_code(settings: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Find settings by which another library would import code that they name, as (where, sentence)."""
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            if str(name) in _CODE and value:
                yield (*path, str(name)), f"'{name}' would run code that is neither this library's nor a file of yours"
            else:
                yield from find_code(value, (*path, str(name)))
    elif isinstance(settings, list | tuple):
        for i, value in enumerate(settings):
            yield from find_code(value, (*path, i))


def mask(text: str) -> str:
    """Take secrets out of a text that quotes an address or a header, such as another library's error.

    >>> mask("GET https://me:pw@host/v1?api_key=sk-x&n=1 failed")
    'GET https://…@host/v1?api_key=…&n=1 failed'
    """
    return _LOOKS.sub("…", _QUERY.sub(_masked, _USER.sub("…@", text)))


def _masked(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}=…" if _secret_name(match[2]) else match[0]


def _sentence(what: str) -> str:
    return (
        f"holds a secret, {what}: {_RULE}. Set it as an environment variable (`api_key_env` names it), or leave it out"
    )


def _in_text(text: str) -> str:
    if _USER.search(text):
        return "a user or password in an address"
    for match in _QUERY.finditer(text):
        if match[3] and _secret_name(unquote(match[2])):
            return f"'{match[2]}' in an address"
    return "what looks like a key" if _LOOKS.search(text) else ""


def _secret_name(name: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return bool(_NAMES.fullmatch(" ".join(re.split(r"[\W_]+", words)).strip().lower()))
