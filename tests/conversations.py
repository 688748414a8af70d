"""Conversations drawn by hypothesis: all that a row can hold, in every order that is allowed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from curate.thoughts import may_think
from curate.turns import Turn, turn

# No marks of thoughts: hypothesis takes some from the library's own source, and they are read as such.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and not may_think(text)
)
NAMES = st.from_regex(r"[a-z][a-z_]{0,7}", fullmatch=True)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), WORDS, st.lists(st.integers(0, 9), max_size=2)
)


def maybe(strategy: st.SearchStrategy[Any], wanted: bool = True) -> st.SearchStrategy[Any]:
    """Draw a value, or none; always none if it is not wanted."""
    return st.none() | strategy if wanted else st.none()


@st.composite
def _exchange(draw: Any, *, rich: bool) -> list[Turn]:
    """Draw a question, calls of tools with their answers, and the assistant's turn."""
    turns = [turn("user", draw(WORDS), name=draw(maybe(NAMES, rich)))]
    for _ in range(draw(st.integers(0, 2)) if rich else 0):
        calls = [
            {
                "id": f"call_{len(turns)}{i}",
                "name": draw(NAMES),
                "arguments": json.dumps(draw(st.dictionaries(NAMES, _VALUES, max_size=2)), ensure_ascii=False),
            }
            for i in range(draw(st.integers(1, 2)))
        ]
        turns.append(_spoken(draw, draw(maybe(WORDS)), rich, tool_calls=calls))
        turns += [
            turn("tool", draw(WORDS), tool_call_id=call["id"], name=draw(maybe(st.just(call["name"]))))
            for call in calls
        ]
    return [*turns, _spoken(draw, draw(WORDS), rich)]


def _spoken(draw: Any, content: str | None, rich: bool, **fields: Any) -> Turn:
    thinking = draw(maybe(WORDS.map(str.strip), rich))
    return turn("assistant", content, thinking=thinking, loss=draw(maybe(st.just(False), rich)), **fields)


@st.composite
def conversations(draw: Any, *, rich: bool = True, most: int = 3) -> list[Turn]:
    """Draw a conversation that ends with an answer; one that is not `rich` is roles and texts alone."""
    system = draw(maybe(WORDS))
    exchanges = draw(st.lists(_exchange(rich=rich), min_size=1, max_size=most))
    return [*([turn("system", system)] if system else []), *(t for exchange in exchanges for t in exchange)]
