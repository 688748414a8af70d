"""Turns: conversations checked and cut at their last question."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from curate.sources.columns import Record, describe

ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")


class Dialogue(NamedTuple):
    """A conversation cut at its last question."""

    system: str | None
    history: list[dict[str, str]] | None
    prompt: str
    answer: str


def dialogue(turns: object, name: str) -> Dialogue:
    """Check a conversation and cut it: system, earlier turns, the last question, its answer.

    `turns` is a list of {role, content} or {from, value}.

    Raises:
        ValueError: names the turn and what is wrong with it.
    """
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{name}: expected a list of turns, got {describe(turns)}")
    messages = [_turn(turn, f"{name}, turn {i}") for i, turn in enumerate(turns, 1)]
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else None
    for i, turn in enumerate(messages):
        expected = "assistant" if i % 2 else "user"
        if turn["role"] != expected:
            place = f"{name}, turn {i + 1 + (system is not None)}"
            raise ValueError(f"{place}: expected a turn of the {expected}, got one of the {turn['role']}")
    if not messages or messages[-1]["role"] != "assistant":
        raise ValueError(f"{name}: the last turn is not the assistant's")
    return Dialogue(system, messages[:-2] or None, messages[-2]["content"], messages[-1]["content"])


def _turn(turn: object, place: str) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise ValueError(f"{place}: expected a role and its text, got {describe(turn)}")
    name = turn.get("role") or turn.get("from")
    role = ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        raise ValueError(f"{place}: the role {name!r} is none of {', '.join(ROLES)}")
    text = turn.get("content") if turn.get("content") is not None else turn.get("value")
    if not isinstance(text, (str, type(None))):
        raise ValueError(f"{place}: expected text, got {describe(text)}")
    if not text or text.isspace():
        raise ValueError(f"{place}: the {role}'s text is empty")
    return {"role": role, "content": text}


def user(text: object) -> Record:
    """Make a turn of the user."""
    return {"role": "user", "content": text}


def assistant(text: object) -> Record:
    """Make a turn of the assistant."""
    return {"role": "assistant", "content": text}


def as_turns(value: object, speaker: Callable[[object], Record]) -> list[Any]:
    """Take turns as they are, and a text as one turn of the speaker."""
    return value if isinstance(value, list) else [] if value is None else [speaker(value)]


def transcript(text: str, name: str) -> list[Record]:
    """Cut an HH-RLHF transcript ("Human: …", "Assistant: …", an empty line before each) into turns.

    Raises:
        ValueError: when it starts with something else.
    """
    before, *pieces = _SPEAKER.split(text.strip())
    if before.strip() or not pieces:
        raise ValueError(f"{name}: a transcript starts with 'Human:', this one with {describe(text)}")
    speakers = {"Human": user, "Assistant": assistant}
    return [speakers[who](text.strip()) for who, text in zip(pieces[::2], pieces[1::2], strict=True)]


Shape = Literal["plain", "alpaca", "sharegpt", "messages", "prompt_completion", "preference", "ultrafeedback", "hh"]

# What files call the standard columns; the first that is there counts, when the column itself is not there.
ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("instruction", "question", "query", "input"),
    "response": ("answer", "output", "completion"),
    "system": ("system_prompt",),
}
# What each shape reads or writes over; no other column of a row matters to it.
_SAID = ("prompt", "response", "system", "history")
_PAIRED = ("prompt", "chosen", "rejected", "system", "history")
TOUCHED: dict[Shape, tuple[str, ...]] = {
    "plain": (),
    "alpaca": ("instruction", "input", "output", *_SAID),
    "sharegpt": ("conversations", *_SAID),
    "messages": ("messages", *_SAID),
    "prompt_completion": ("completion", *_SAID),
    "preference": _PAIRED,
    "ultrafeedback": ("instruction", "prompt", "completions", "response", "score", "answers"),
    "hh": _PAIRED,
}


def detect(records: list[Record]) -> Shape:
    """Name the shape of records by their keys and the kinds of values under them.

    >>> detect([{"conversations": []}]), detect([{"instruction": "i", "output": "o"}])
    ('sharegpt', 'plain')
    """
    sample: Record = {}
    for record in records:
        for key, value in record.items():
            if sample.get(key) is None:
                sample[key] = value
    if {"chosen", "rejected"} <= sample.keys():
        return _preference_kind(sample)
    for key, shape in (("conversations", "sharegpt"), ("messages", "messages")):
        if isinstance(sample.get(key), list):
            return shape  # type: ignore[return-value]
    if isinstance(sample.get("completions"), list) and sample.keys() & {"instruction", "prompt"}:
        return "ultrafeedback"
    if {"instruction", "input"} <= sample.keys() and "prompt" not in sample:
        return "alpaca"
    if any(isinstance(sample.get(key), list) for key in ("prompt", "completion")):
        return "prompt_completion"
    return "plain"


def _preference_kind(sample: Record) -> Shape:
    if any(isinstance(sample.get(key), list) for key in ("prompt", "chosen", "rejected")):
        return "preference"
    named = sample.keys() & {"prompt", *ALIASES["prompt"]}
    first = sample["prompt"] if isinstance(sample.get("prompt"), str) else "" if named else sample["chosen"]
    return "hh" if isinstance(first, str) and first.lstrip().startswith("Human:") else "plain"


def renames(keys: set[str]) -> Record:
    """Say which column of the file is which standard one, for plain rows.

    >>> renames({"question", "answer", "url"})
    {'question': 'prompt', 'answer': 'response'}
    """
    result: Record = {}
    for name, others in ALIASES.items():
        columns = {name, "chosen"} if name == "response" else {name}
        if not columns & keys and (other := next((o for o in others if o in keys - result.keys()), None)):
            result[other] = name
    return result


def normalise(record: Record, shape: Shape) -> Record:
    r"""Bring one record of a public shape to the standard columns; every other column stays.

    The last user turn is the prompt, the assistant turn after it the response, what comes before is history.
    A standard column that was there with another value stays as `file_NAME`.

    Raises:
        ValueError: says in words what is wrong with the record.

    >>> turns = [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]
    >>> normalise({"conversations": turns}, "sharegpt")
    {'prompt': '2+2?', 'response': '4'}
    >>> normalise({"instruction": "Add.", "input": "2, 2", "output": "4"}, "alpaca")
    {'instruction': 'Add.', 'input': '2, 2', 'prompt': 'Add.\n\n2, 2', 'response': '4'}
    """
    return _SHAPES[shape](dict(record))


def _put(record: Record, **values: object) -> Record:
    """Write standard columns, keeping what they push out."""
    for name, value in values.items():
        if value is None:
            continue
        old = record.pop(name, None)
        if old not in (None, "", [], value):
            record[f"file_{name}"] = old
        record[name] = value
    return record


def _plain(record: Record) -> Record:
    names = renames(set(record))
    return {names.get(key, key): value for key, value in record.items()}


def _alpaca(record: Record) -> Record:
    """Join instruction and input by an empty line, as the paper's inference prompt keeps them apart."""
    instruction, extra = (_text(record, key) for key in ("instruction", "input"))
    if not instruction.strip():
        raise ValueError("instruction is empty")
    answer = record.pop("output", None)
    turns = record.get("history")
    if isinstance(turns, list) and all(isinstance(t, (list, tuple)) and len(t) == 2 for t in turns):
        record["history"] = [turn for ask, say in turns for turn in (user(ask), assistant(say))] or None
    return _put(record, prompt=f"{instruction}\n\n{extra}" if extra.strip() else instruction, response=answer)


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    if not isinstance(value, (str, type(None))):
        raise ValueError(f"{key}: expected text, got {describe(value)}")
    return value or ""


def _spread(record: Record, turns: Dialogue) -> Record:
    return _put(record, system=turns.system, history=turns.history, prompt=turns.prompt, response=turns.answer)


def _prompt_completion(record: Record) -> Record:
    prompt, answer = record.pop("prompt", None), record.pop("completion", None)
    if isinstance(prompt, (str, type(None))) and isinstance(answer, (str, type(None))):
        return _put(record, prompt=prompt, response=answer)
    return _spread(record, dialogue(as_turns(prompt, user) + as_turns(answer, assistant), "prompt and completion"))


def _preference(record: Record) -> Record:
    prompt, answers = record.pop("prompt", None), [record.pop(key, None) for key in ("chosen", "rejected")]
    if all(isinstance(value, (str, type(None))) for value in (prompt, *answers)):
        return _put(record, prompt=prompt, chosen=answers[0], rejected=answers[1])
    sides = [_one_side(prompt, answer, name) for answer, name in zip(answers, ("chosen", "rejected"), strict=True)]
    return _pair(record, *sides)


def _one_side(prompt: object, answer: object, name: str) -> Dialogue:
    """Read one answer of a pair: alone, after its prompt, or with the whole conversation in it."""
    turns, before = as_turns(answer, assistant), as_turns(prompt, user)
    roles = [ROLES.get(str(turn.get("role", turn.get("from")))) for turn in turns if isinstance(turn, dict)]
    if "user" not in roles:
        return dialogue(before + turns, name)
    conversation = dialogue(turns, name)
    prompts = {conversation.prompt.strip(), *(turn["content"].strip() for turn in conversation.history or [])}
    if isinstance(prompt, str) and prompt.strip() not in prompts:
        raise ValueError(f"{name} does not answer the prompt beside it")
    return conversation


def _pair(record: Record, chosen: Dialogue, rejected: Dialogue) -> Record:
    if chosen[:3] != rejected[:3]:
        raise ValueError("chosen and rejected answer different prompts")
    _put(record, system=chosen.system, history=chosen.history, prompt=chosen.prompt)
    return _put(record, chosen=chosen.answer, rejected=rejected.answer)


def _hh(record: Record) -> Record:
    prompt = _text(record, "prompt")
    record.pop("prompt", None)
    sides = []
    for name in ("chosen", "rejected"):
        text = _text(record, name)
        record.pop(name, None)
        sides.append(dialogue(transcript(text if "Human:" in text[:10] else prompt + text, name), name))
    return _pair(record, *sides)


def _ultrafeedback(record: Record) -> Record:
    completions = record.pop("completions", None)
    prompt = record.pop("instruction", None) or record.pop("prompt", None)
    if not isinstance(completions, list) or not all(isinstance(c, dict) for c in completions):
        raise ValueError(f"completions: expected a list of objects, got {describe(completions)}")
    answers = [
        {"response": _text(c, "response"), "score": _rating(c), "model": _text(c, "model") or None} for c in completions
    ]
    rated = [answer for answer in answers if answer["score"] is not None]
    best = max(rated or answers, key=lambda answer: answer["score"] or 0.0, default=None)
    if best is None:
        raise ValueError("completions: there is none")
    return _put(record, prompt=prompt, response=best["response"], score=best["score"], answers=answers)


def _rating(completion: Record) -> float | None:
    """Take the overall score; without one, the mean of the aspects' ratings (1 to 5)."""
    overall = _number(completion.get("overall_score"))
    if overall is not None:
        return overall
    aspects = completion.get("annotations")
    if not isinstance(aspects, dict):
        return None
    ratings = [_number(a.get("Rating")) for a in aspects.values() if isinstance(a, dict)]
    numbers = [rating for rating in ratings if rating is not None]
    return sum(numbers) / len(numbers) if numbers else None


def _number(value: object) -> float | None:
    """Read a number, or a number written as text; 'N/A' is none."""
    try:
        return float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


_SHAPES: dict[str, Callable[[Record], Record]] = {
    "plain": _plain,
    "alpaca": _alpaca,
    "sharegpt": lambda record: _spread(record, dialogue(record.pop("conversations", None), "conversations")),
    "messages": lambda record: _spread(record, dialogue(record.pop("messages", None), "messages")),
    "prompt_completion": _prompt_completion,
    "preference": _preference,
    "ultrafeedback": _ultrafeedback,
    "hh": _hh,
}
assert set(get_args(Shape)) == set(_SHAPES)
