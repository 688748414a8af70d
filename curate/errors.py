"""The one ancestor of every error that a user can mend; the command prints it as one screen, without a trace."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

LINE = 60  # characters of a value that a message repeats
_MOST = 40  # names listed at once


class UserError(Exception):
    """Say in words what is wrong, where, and what would be right."""


def missing_package(error: BaseException) -> str | None:
    """Say in words which package is not installed; None for any other error, and for a module of this library.

    >>> missing_package(ModuleNotFoundError("No module named 'numpy'", name="numpy"))
    'the package numpy is not installed; `curate doctor` says which extra brings it'
    """
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in ("", "curate"):
        return None
    return f"the package {package} is not installed; `curate doctor` says which extra brings it"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or list them all when none is near.

    >>> did_you_mean("lenght", ["length", "toxic"])
    "did you mean 'length'?"
    >>> did_you_mean("zzz", ["length", "toxic"])
    'known: length, toxic'
    >>> did_you_mean("zzz", [])
    'known: none'
    """
    known = list(known)
    near = meant(word, known)
    more = f" and {len(known) - _MOST:,} more" if len(known) > _MOST else ""
    listed = ", ".join(map(cut, sorted(known)[:_MOST])) or "none"
    return f"did you mean '{near}'?" if near else f"known: {listed}{more}"


def meant(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that is nearest, if any is near."""
    return next(iter(get_close_matches(word, list(known), n=1)), None)


def cut(text: str) -> str:
    """Cut a text to what a line of a message holds, with signs that cannot be shown as escapes."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= LINE else f"{text[: LINE - 1]}…"


# Controls but tab and newline; format characters, fillers and line separators; half surrogate pairs.
_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    "\ud800-\udfff"
)
# Joiners belong between the letters of some scripts and in emoji, variation selectors behind ideographs: nowhere else.
ACTS = re.compile(
    f"[{_ALWAYS}]"
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"
    "|(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
)
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])")
_INFINITE = "infinity 7f1c0d"  # no text of anybody's
_ENTITY = re.compile(r"&(?=#?\w+;)")


def visible(text: object) -> str:
    r"""Write what would act or hide as an escape; newlines and tabs stay.

    >>> print(visible("a\x1b[31m b\u202ec"))
    a\x1b[31m b\u202ec
    """
    return ACTS.sub(_escape, str(text).replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def as_json(data: Any) -> str:
    r"""Write JSON whose texts can be read, but do nothing to a terminal.

    >>> print(as_json({"name": "Åse\u202e"}))
    {
     "name": "Åse\u202e"
    }
    """
    return escape_json(dump(data))


def dump(value: Any) -> str:
    """Write data as JSON, which has no NaN (null stands for it) and no infinity (but 1e999, which reads as one).

    >>> dump([float("nan"), float("-inf"), 1.5]).split()
    ['[', 'null,', '-1e999,', '1.5', ']']
    """
    text = json.dumps(_finite(value), indent=1, ensure_ascii=False, default=str)
    return text.replace(f'"{_INFINITE}"', "1e999").replace(f'"-{_INFINITE}"', "-1e999")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else f"{'-' if value < 0 else ''}{_INFINITE}"
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def escape_json(written: str) -> str:
    """Escape what would act on a terminal in JSON that is written already; it stays the same data."""
    return ACTS.sub(lambda match: json.dumps(match.group())[1:-1], written)


def markdown(text: object) -> str:
    r"""Write a text as one line of Markdown that says just this: no markup, no link, no cell or heading of its own.

    >>> print(markdown("a|b\n<img> [x](y) some_name"))
    a\|b \<img\> \[x\](y) some_name
    """
    line = " ".join(visible(text).split())
    return _MARKDOWN.sub(r"\\\g<0>", _ENTITY.sub("&amp;", line))


def code(text: object) -> str:
    """Write a text as a code span of Markdown, whatever backticks it holds itself.

    >>> code("keep"), code("a `b`")
    ('`keep`', '`` a `b` ``')
    """
    line = " ".join(visible(text).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    room = " " if len(fence) > 1 or not line else ""
    return f"{fence}{room}{line}{room}{fence}"
