"""Formats whose turns are nothing but texts: Alpaca, ShareGPT, transcripts as in HH-RLHF."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from curate.calls import as_object
from curate.report.messages import PLAIN, NoPlaceError, Row, fit, is_pair, unnamed, without
from curate.report.tables import TEXT, Fields
from curate.thoughts import Parts, split
from curate.turns import Turn, conversation, question

_PAIRS = pl.List(pl.List(TEXT))
ALPACA: Fields = dict.fromkeys(("instruction", "input", "output", "system"), TEXT) | {"history": _PAIRS, "text": TEXT}


def alpaca(row: Row) -> Iterator[Row]:
    """Write a row as instruction, input and output; a dialogue has a system prompt and pairs of earlier turns too."""
    if row.get("tools"):
        raise NoPlaceError("it has tools")
    turns = conversation(row)
    system = turns.pop(0)["content"] if turns[0]["role"] == "system" else None
    texts = _texts(turns, ("user", "assistant"))
    before, [prompt, output] = texts[:-2], texts[-2:]
    instruction, context = _instruction(row, prompt)
    record = {"instruction": instruction, "input": context, "output": output}
    if before or system is not None:
        pairs = [list(pair) for pair in zip(before[::2], before[1::2], strict=True)]
        yield {**record, **({"system": system} if system is not None else {}), **({"history": pairs} if pairs else {})}
        return
    middle = f"### Input:\n{context}\n\n" if context else ""
    yield {**record, "text": f"### Instruction:\n{instruction}\n\n{middle}### Response:\n{output}"}


def _instruction(row: Row, prompt: str) -> tuple[str, str]:
    """Give instruction and input as the file had them, where they still are what the prompt says."""
    instruction, context = row.get("instruction") or "", row.get("input") or ""
    whole = f"{instruction}\n\n{context}" if context.strip() else instruction
    return (instruction, context) if whole == prompt else (prompt, "")


_SPEECH = pl.Struct({"from": TEXT, "value": TEXT})
SHAREGPT: Fields = {"conversations": pl.List(_SPEECH), "tools": TEXT}
SHAREGPT_PAIR: Fields = {"conversations": pl.List(_SPEECH), "chosen": _SPEECH, "rejected": _SPEECH, "tools": TEXT}
_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def sharegpt(row: Row) -> Iterator[Row]:
    """Write turns as LLaMA-Factory and axolotl read them: a call is a turn of its own, and one answer follows it.

    A pair has the turns before its answers, and each answer as one turn.
    """
    tools = {"tools": row["tools"]} if row.get("tools") else {}
    if not is_pair(row):
        yield {"conversations": _speak(conversation(row)), **tools}
        return
    count = len(question(row))
    sides = {side: _speak(conversation(row, side)) for side in ("chosen", "rejected")}
    for side, turns in sides.items():
        if len(turns) > count + 1:
            raise NoPlaceError(f"{side} has {len(turns) - count} turns")
    answers = {side: turns[-1] for side, turns in sides.items()}
    yield {"conversations": sides["chosen"][:-1], **answers, **tools}


def _speak(turns: list[Turn]) -> list[Row]:
    roles = [turn["role"] for turn in turns]
    if "system" in roles[1:]:
        raise NoPlaceError(f"turn {roles.index('system', 1) + 1} is a system turn after the first")
    speakers = ["function_call" if "tool_calls" in turn else _SPEAKERS[turn["role"]] for turn in turns]
    texts = _texts(_calls(turns) if "function_call" in speakers else turns, tuple(_SPEAKERS))
    return [{"from": speaker, "value": text} for speaker, text in zip(speakers, texts, strict=True)]


def _calls(turns: list[Turn]) -> list[Turn]:
    """Make the text of each call that of its turn."""
    turns = _unlinked(unnamed(turns))
    return [
        {"role": turn["role"], "content": _call(number, turn)} if "tool_calls" in turn else turn
        for number, turn in enumerate(turns, 1)
    ]


def _call(number: int, turn: Turn) -> str:
    if len(turn["tool_calls"]) > 1:
        raise NoPlaceError(f"turn {number} has several calls at once")
    if "content" in turn:
        raise NoPlaceError(f"turn {number} has a text beside its call")
    fit([{name: value for name, value in turn.items() if name != "thinking"}], "tool_calls", first=number)
    [call] = turn["tool_calls"]
    arguments = as_object(call.get("arguments"))
    if not isinstance(arguments, dict):
        raise NoPlaceError(f"turn {number} has a call whose arguments are no object")
    value = json.dumps({"name": call.get("name"), "arguments": arguments}, ensure_ascii=False)
    return _thought(number, turn.get("thinking"), value)


def hh(row: Row) -> Iterator[Row]:
    """Write both answers as transcripts, as in HH-RLHF."""
    if row.get("tools"):
        raise NoPlaceError("it has tools")
    yield {side: _transcript(conversation(row, side)) for side in ("chosen", "rejected")}


_SPEAKER = re.compile(r"\n\n(Human|Assistant):")


def _transcript(turns: list[Turn]) -> str:
    names = {"user": "Human", "assistant": "Assistant"}
    texts = _texts(turns, tuple(names), thoughts=False)
    for number, text in enumerate(texts, 1):
        if text != text.strip() or _SPEAKER.search(text):
            raise NoPlaceError(f"turn {number} has white space around it, or a paragraph that begins as a turn does")
    return "".join(f"\n\n{names[turn['role']]}: {text}" for turn, text in zip(turns, texts, strict=True))


def _texts(turns: Iterable[Turn], roles: tuple[str, ...], *, thoughts: bool = True) -> list[str]:
    r"""Take turns as nothing but texts; thoughts stand in tags before the answer.

    >>> _texts([{"role": "assistant", "content": "4", "thinking": "2 + 2"}], ("assistant",))
    ['<think>\n2 + 2\n</think>\n\n4']
    """
    texts = []
    for number, turn in enumerate(turns, 1):
        if turn["role"] in roles and turn.keys() == PLAIN:  # by far the most
            texts.append(turn["content"])
            continue
        if turn["role"] not in roles:
            raise NoPlaceError(f"turn {number} is one of the {turn['role']}")
        fit([turn], "content", *(("thinking",) if thoughts else ()), first=number)
        if "content" not in turn:
            raise NoPlaceError(f"turn {number} has no text")
        texts.append(_thought(number, turn.get("thinking"), turn["content"]))
    return texts


def _thought(number: int, thinking: str | None, text: str) -> str:
    if thinking is None:
        return text
    whole = f"<think>\n{thinking}\n</think>\n\n{text}"
    if split(whole) != Parts(thinking, text):
        raise NoPlaceError(f"turn {number} has thoughts that tags would not part from its text")
    return whole


def _unlinked(turns: Sequence[Turn]) -> list[Turn]:
    """Leave out the id by which a tool answers, where the call is in the turn before."""
    linked = list(turns)
    for i, turn in enumerate(turns):
        calls = turns[i - 1].get("tool_calls", ()) if i else ()
        if turn["role"] == "tool" and [call.get("id") for call in calls] == [turn.get("tool_call_id")]:
            linked[i] = without(turn, "tool_call_id")
    return linked
