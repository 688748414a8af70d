"""Forms: a row of any shape as the records that a stage learns from, in the turns that chat templates read.

The shapes are those of `curate.sources.shapes`. A plain prompt beside a plain completion stays text, for models without
a template; all else becomes turns. A dialogue is one record for each turn of the assistant whose loss counts, so that
what is masked, and what tools answer, is only ever context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any, TypeAlias

from curate import calls
from curate.sources.shapes import Shape, detect, normalise
from curate.turns import Turn, answer, conversation, examples, question

Record: TypeAlias = dict[str, Any]

THOUGHTS = ("reasoning_content", "thinking")  # what chat templates call the thoughts of a turn; each reads its own key
_ANSWER = {"role": "assistant", "content": "…"}  # stands in for the answer where only the prompt is asked for


def records(source: Record, form: str) -> list[Record]:
    """Read a record of a file in a stage's form: none if it has no turn to train on.

    Raises:
        ValueError: says in words what is wrong with it.
    """
    source = {name: _turns(value) for name, value in source.items() if value is not None}
    return list(FORMS[form](source, detect([source])))


def _turns(value: Any) -> Any:
    """Leave out the fields of turns that are null, as all of a Parquet file's are that a turn does not have."""
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in turn.items() if v is not None} if isinstance(turn, dict) else turn for turn in value]


def prompt_completion(source: Record, shape: Shape) -> Iterator[Record]:
    """Give each answer whose loss counts, with the turns before it; of turns that are cut already, the completion's."""
    if _is_text(source):
        yield {"prompt": source["prompt"], "completion": source["completion"]}
        return
    row = _row(source, shape)
    if source.get("chosen") is not None and not answer(row):
        raise _lacks(source, "completion")
    cut = source["prompt"] if shape == "prompt_completion" else []
    start = 1 if isinstance(cut, str) else len(cut)
    for before, turn in examples(conversation(row)):
        if len(before) >= start:
            yield {"prompt": [*map(message, before)], "completion": [message(turn)], **_tools(row)}


def preference(source: Record, shape: Shape) -> Iterator[Record]:
    """Give a prompt with a chosen and a rejected answer; the turns in which both begin alike are the prompt's."""
    row = _row(source, shape)
    sides = [answer(row, name) for name in ("chosen", "rejected")]
    for name, turns in zip(("chosen", "rejected"), sides, strict=True):
        if not turns:
            raise _lacks(source, name)
    alike = [*takewhile(lambda pair: pair[0] == pair[1], zip(*(side[:-1] for side in sides), strict=False))]
    while alike and alike[-1][0]["role"] == "assistant":
        alike.pop()
    prompt = question(row) + [turn for turn, _ in alike]
    chosen, rejected = ([*map(message, side[len(alike) :])] for side in sides)
    yield {"prompt": [*map(message, prompt)], "chosen": chosen, "rejected": rejected, **_tools(row)}


def unpaired(source: Record, shape: Shape) -> Iterator[Record]:
    """Give a prompt and its completion with a label, good or not; a row of two answers stays as it is."""
    if source.get("label") is None and source.get("chosen") is not None:
        yield from preference(source, shape)
        return
    if source.get("label") is None:
        raise _lacks(source, "label")
    if source["label"] not in (True, False):  # 1 and 0 among them
        raise ValueError(f"'label' says whether the completion is good: true or false, not {source['label']!r}")
    label = bool(source["label"])
    if _is_text(source):
        yield {"prompt": source["prompt"], "completion": source["completion"], "label": label}
        return
    row = _row(source, shape)
    if turns := answer(row):
        prompt, completion = ([*map(message, part)] for part in (question(row), turns))
        yield {"prompt": prompt, "completion": completion, "label": label, **_tools(row)}


def prompts(source: Record, shape: Shape) -> Iterator[Record]:
    """Give a prompt alone; plain text becomes a user's turn, unless its completion is plain text too."""
    if _is_text(source):
        yield {"prompt": source["prompt"]}
        return
    if isinstance(source.get("prompt"), list) and "chosen" not in source:
        row = _row({**source, "completion": [_ANSWER]}, "prompt_completion")
        yield {"prompt": [*map(message, conversation(row)[:-1])], **_tools(row)}
        return
    row = _row(source, shape)
    yield {"prompt": [*map(message, question(row))], **_tools(row)}


FORMS: dict[str, Callable[[Record, Shape], Iterator[Record]]] = {
    "prompt_completion": prompt_completion,
    "preference": preference,
    "unpaired": unpaired,
    "prompts": prompts,
}


def message(turn: Turn) -> Record:
    """Write a turn with the keys that chat templates read.

    >>> message({"role": "assistant", "tool_calls": [{"id": "1", "name": "add", "arguments": '{"a": 2}'}]})
    ... # doctest: +NORMALIZE_WHITESPACE
    {'role': 'assistant', 'content': '',
     'tool_calls': [{'id': '1', 'type': 'function', 'function': {'name': 'add', 'arguments': {'a': 2}}}]}
    """
    result = {"role": turn["role"], "content": turn.get("content") or ""}
    if turn.get("thinking"):
        result |= dict.fromkeys(THOUGHTS, turn["thinking"])
    if turn.get("tool_calls"):
        result["tool_calls"] = [calls.write(call) for call in turn["tool_calls"]]
    return result | {name: turn[name] for name in ("tool_call_id", "name") if turn.get(name)}


def _tools(row: Record) -> Record:
    tools = row.get("tools")
    text = tools if isinstance(tools, str) or tools is None else json.dumps(tools, ensure_ascii=False)
    try:
        return {"tools": text} if text and json.loads(text) else {}  # templates write about tools for an empty list
    except ValueError:
        raise ValueError("'tools' is not JSON") from None


def _is_text(source: Record) -> bool:
    """Tell whether a row is two plain texts, and nothing that only turns can hold."""
    texts = all(isinstance(source.get(name), str) for name in ("prompt", "completion"))
    return texts and not any(source.get(name) for name in ("system", "history", "tools"))


def _row(source: Record, shape: Shape) -> Record:
    """Bring a record to the columns of a row; a blank answer is none."""
    row = normalise(source, shape)
    if shape == "alpaca" and str(source.get("input") or "").strip():
        # Alpaca's own form has a heading over the input.
        row["prompt"] = f"{source['instruction']}\n\n### Input:\n{source['input']}"
    if row.get("prompt") is None:
        raise _lacks(source, "prompt")
    for name in ("prompt", "response", "chosen", "rejected", "system"):
        if not isinstance(row.get(name), str | None):
            raise ValueError(f"'{name}' is neither text nor a list of turns, each with role and content as text")
    history = row.get("history") or []
    if not isinstance(history, list) or not all(
        isinstance(t, dict) and isinstance(t.get("role"), str) for t in history
    ):
        raise ValueError("'history' is not a list of turns, each with role and content as text")
    return row if (row.get("response") or "").strip() else row | {"response": None}


def _lacks(source: Record, name: str) -> ValueError:
    present = ", ".join(sorted(name for name in source if source[name] is not None))
    return ValueError(f"has no '{name}' (it has: {present})")
