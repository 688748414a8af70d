"""Which columns of a file are likely to hold prompts and answers, when their names are none that are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from curate.sources.columns import Record
from curate.sources.dialogue import unpacked

# Words in a name, the likeliest first; tables of other countries have their own.
_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": (
        *("prompt", "instruction", "question", "query", "problem", "ask", "request", "user", "human", "input"),
        *("frage", "pregunta", "domanda", "pergunta", "vraag", "pytanie", "вопрос", "问题", "質問"),
        *("title", "headline", "text", "body", "content"),
    ),
    "response": (
        *("response", "answer", "reply", "output", "completion", "solution", "assistant", "bot", "gpt", "target"),
        *("antwort", "respuesta", "réponse", "risposta", "resposta", "antwoord", "odpowiedź", "ответ", "回答", "答案"),
        *("summary", "text", "body", "content"),
    ),
    "chosen": ("chosen", "preferred", "accepted", "winner", "better"),
    "rejected": ("rejected", "dispreferred", "loser", "worse"),
}
_NO_TEXT = {"id", "uid", "uuid", "url", "link", "hash", "date", "time", "lang", "language", "license", "model", "type"}
_DEEPEST = 4


def guess(records: Iterable[Record]) -> dict[str, str]:
    """Say where prompts and answers are likely to stand: name here -> column there, or a path inside one.

    A list of turns comes first; then the names of columns; of columns whose names say nothing, the one with the longest
    texts holds answers, and the first other one prompts. Empty where there is no text.

    >>> guess([{"uid": "a1", "info": {"question": "Why is it so?"}, "reply": "Because it is."}])
    {'prompt': 'info.question', 'response': 'reply'}
    >>> guess([{"uid": "a1", "dialog": [{"role": "user", "content": "Why?"}]}])
    {'messages': 'dialog'}
    """
    leaves: dict[str, list[str]] = {}
    for record in records:
        for path, value in _leaves(record):
            if isinstance(value, list):
                return {"messages" if "role" in value[0] else "conversations": path}
            leaves.setdefault(path, []).append(value)
    texts = {path: values for path, values in leaves.items() if not _NO_TEXT & set(_words(path)[-1:])}
    result: dict[str, str] = {}
    for name, words in _NAMES.items():
        free = [path for path in texts if path not in result.values()]
        ranks = {path: _rank(path, words) for path in free}
        if (best := min(free, key=lambda path: ranks[path], default=None)) and ranks[best] < len(words):
            result[name] = best
    if ("chosen" in result) != ("rejected" in result):
        result.pop("chosen", result.pop("rejected", None))
    return _with_prose(result, texts)


def _with_prose(result: dict[str, str], texts: dict[str, list[str]]) -> dict[str, str]:
    """Add what names do not tell: of the columns that hold sentences the longest, and the first."""
    prose = [p for p, values in texts.items() if sum(" " in v for v in values) > len(values) / 2]
    free = [path for path in prose if path not in result.values()]
    if "response" not in result and "chosen" not in result and len(free) > ("prompt" not in result):
        result["response"] = max(free, key=lambda path: sum(map(len, texts[path])) / len(texts[path]))
        free.remove(result["response"])
    others = [path for path in texts if path not in result.values()]
    if "prompt" not in result and (free or others):
        result["prompt"] = (free or others)[0]
    if "prompt" not in result and "response" in result:  # one text alone
        result["prompt"] = result.pop("response")
    order = ("prompt", "response", "chosen", "rejected")
    return {name: result[name] for name in order if name in result and not (name == "response" and "chosen" in result)}


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """List the texts and the lists of turns in a record, each with its path; of other lists the first item."""
    turns = unpacked(value)
    if isinstance(turns, list) and turns and _is_turn(turns[0]):
        yield path, turns
    elif isinstance(value, str) and re.search(r"[^\W\d_]", value):
        yield path, value
    elif depth < _DEEPEST and isinstance(value, dict):
        for key, inner in value.items():
            if "." not in str(key) or not path:
                yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif depth < _DEEPEST and isinstance(value, list) and value:
        yield from _leaves(value[0], f"{path}.0", depth + 1)


def _is_turn(value: object) -> bool:
    keys = value.keys() if isinstance(value, dict) else set()
    return bool({"role", "from"} & keys) and bool({"content", "value"} & keys)


def _words(path: str) -> list[str]:
    """Part a path into words, whatever joins them."""
    return [word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", path)]


def _rank(path: str, words: tuple[str, ...]) -> int:
    near = (get_close_matches(word, words, n=1, cutoff=0.8) for word in _words(path))
    return min((words.index(match) for matches in near for match in matches), default=len(words))
