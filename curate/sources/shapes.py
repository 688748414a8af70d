"""Shapes: how public files lay out conversations and pairs, and each brought to the standard columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, get_args

from curate.sources.columns import Record, describe
from curate.sources.dialogue import (
    MEDIA,
    Notes,
    as_turns,
    assistant,
    dialogue,
    exchange,
    refuse_media,
    tools,
    transcript,
    unpacked,
    user,
)
from curate.turns import ANSWERS, Turn, cut, reply

Shape = Literal[
    "plain", "rows", "alpaca", "sharegpt", "messages", "prompt_completion",
    "preference", "openai_preference", "ultrafeedback", "hh",
]  # fmt: skip

# What files call the standard columns; the first that is there counts, when the column itself is not there.
ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("instruction", "question", "query", "input"),
    "response": ("answer", "output", "completion"),
    "system": ("system_prompt",),
}
# What each shape reads or writes over; no other column of a row matters to it.
_ASKED = ("prompt", "system", "history", "prompt_name", "tools", "functions", *MEDIA)
_SAID = (*_ASKED, "response", "response_turns")
_PAIRED = (*_ASKED, "chosen", "rejected", "chosen_turns", "rejected_turns")
TOUCHED: dict[Shape, tuple[str, ...]] = {
    "plain": (),
    "rows": ("prompt", "history", "prompt_name", *ANSWERS, *(f"{answer}_turns" for answer in ANSWERS)),
    "alpaca": ("instruction", "input", "output", "prompt", "response", "system", "history"),
    "sharegpt": ("conversations", *_SAID),
    "messages": ("messages", *_SAID),
    "prompt_completion": ("completion", *_SAID),
    "preference": ("messages", "conversations", *_PAIRED),
    "openai_preference": ("input", "preferred_output", "non_preferred_output", *_PAIRED),
    "ultrafeedback": ("instruction", "prompt", "completions", "response", "score", "answers"),
    "hh": ("prompt", "chosen", "rejected", "system", "history", "prompt_name", "chosen_turns", "rejected_turns"),
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
    if {"preferred_output", "non_preferred_output"} <= sample.keys():
        return "openai_preference"
    for key, shape in (("conversations", "sharegpt"), ("messages", "messages")):
        if isinstance(unpacked(sample.get(key)), list):
            return shape  # type: ignore[return-value]
    if isinstance(sample.get("completions"), list) and sample.keys() & {"instruction", "prompt"}:
        return "ultrafeedback"
    earlier = isinstance(sample.get("history"), list)
    if "instruction" in sample and "prompt" not in sample and ("input" in sample or (earlier and "output" in sample)):
        return "alpaca"
    if any(isinstance(unpacked(sample.get(key)), list) for key in ("prompt", "completion")):
        return "prompt_completion"
    return "rows" if _has_turns(sample) else "plain"


def _has_turns(sample: Record) -> bool:
    return any(isinstance(sample.get(name), list) for name in ("history", *(f"{answer}_turns" for answer in ANSWERS)))


def _preference_kind(sample: Record) -> Shape:
    if any(isinstance(unpacked(sample.get(key)), (list, dict)) for key in ("prompt", "chosen", "rejected")):
        return "preference"
    if {"instruction", "input"} <= sample.keys() and "prompt" not in sample:
        return "alpaca"
    named = sample.keys() & {"prompt", *ALIASES["prompt"]}
    first = sample["prompt"] if isinstance(sample.get("prompt"), str) else "" if named else sample["chosen"]
    hh = isinstance(first, str) and first.lstrip().startswith("Human:")
    return "hh" if hh else "rows" if _has_turns(sample) else "plain"


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


def normalise(record: Record, shape: Shape, notes: Notes | None = None) -> Record:
    r"""Bring one record of a public shape to the standard columns; every other column stays.

    The last user turn is the prompt, the assistant turn after it the response, what comes before is history.
    A standard column that was there with another value stays as `file_NAME`. What cannot be held is left out and
    counted in `notes`.

    Raises:
        ValueError: says in words what is wrong with the record.

    >>> turns = [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]
    >>> normalise({"conversations": turns}, "sharegpt")
    {'prompt': '2+2?', 'response': '4'}
    >>> normalise({"instruction": "Add.", "input": "2, 2", "output": "4"}, "alpaca")
    {'instruction': 'Add.', 'input': '2, 2', 'prompt': 'Add.\n\n2, 2', 'response': '4'}
    """
    return _SHAPES[shape](dict(record), Counter() if notes is None else notes)


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


def _plain(record: Record, notes: Notes) -> Record:
    names = renames(set(record))
    return {names.get(key, key): value for key, value in record.items()}


def _rows(record: Record, notes: Notes) -> Record:
    """Check the turns of rows that curate wrote, or of plain ones with a history."""
    record = _plain(record, notes)
    prompt = record["prompt"] if isinstance(record.get("prompt"), str) and record["prompt"].strip() else "?"
    before = [*_earlier(record), user(prompt) | {"name": record.get("prompt_name")}]
    question = dialogue(before, "history", notes)
    if "history" in record:
        record["history"] = question[:-1] or None
    for column in ANSWERS:
        turns = record.get(f"{column}_turns")
        if isinstance(turns, list) and turns and isinstance(turns[-1], dict):
            last = turns[-1] if record.get(column) is None else turns[-1] | {"content": record[column]}
            if turns[-1].get("content") not in (None, last.get("content")):
                raise ValueError(f"{column}_turns: its last text is another one than that of {column}")
            whole = dialogue([*before, *turns[:-1], last], f"{column}_turns", notes, after=len(before))
            record |= reply(whole[len(question) :], column)
    return record


def _earlier(record: Record) -> list[Any]:
    """List earlier turns, which some files hold as pairs of question and answer."""
    turns = as_turns(record.get("history"), user)
    if all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in turns):
        return [turn for ask, say in turns for turn in (user(ask), assistant(say))]
    return turns


def _alpaca(record: Record, notes: Notes) -> Record:
    """Join instruction and input by an empty line, as the paper's inference prompt keeps them apart."""
    instruction, extra = (_text(record, key) for key in ("instruction", "input"))
    if not instruction.strip():
        raise ValueError("instruction is empty")
    prompt = f"{instruction}\n\n{extra}" if extra.strip() else instruction
    answer = record.pop("output", None)
    if "history" in record:
        record["history"] = dialogue([*_earlier(record), user(prompt)], "history", notes)[:-1] or None
    return _put(record, prompt=prompt, response=answer)


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    if not isinstance(value, (str, type(None))):
        raise ValueError(f"{key}: expected text, got {describe(value)}")
    return value or ""


def _turns(key: str) -> Callable[[Record, Notes], Record]:
    """Make the reader of a shape that has a whole conversation in one column."""
    return lambda record, notes: _spread(record, record.pop(key, None), key, notes)


def _spread(record: Record, turns: object, name: str, notes: Notes) -> Record:
    refuse_media(record)
    described = tools(record)
    if texts := exchange(turns):
        return _put(record, prompt=texts[0], response=texts[1], tools=described)
    return _put(record, **cut(dialogue(turns, name, notes)), tools=described)


def _prompt_completion(record: Record, notes: Notes) -> Record:
    prompt, answer = (unpacked(record.pop(key, None)) for key in ("prompt", "completion"))
    if isinstance(prompt, (str, type(None))) and isinstance(answer, (str, type(None))):
        return _put(record, prompt=prompt, response=answer, tools=tools(record))
    turns = as_turns(prompt, user) + as_turns(answer, assistant)
    return _spread(record, turns, "prompt and completion", notes)


def _preference(record: Record, notes: Notes) -> Record:
    prompt, *answers = (unpacked(record.pop(key, None)) for key in ("prompt", "chosen", "rejected"))
    if all(isinstance(value, (str, type(None))) for value in (prompt, *answers)):
        return _put(record, prompt=prompt, chosen=answers[0], rejected=answers[1], tools=tools(record))
    if prompt is None and not any(_is_whole(as_turns(answer, assistant)) for answer in answers):
        prompt = next((record.pop(key) for key in ("messages", "conversations") if record.get(key)), None)
    refuse_media(record)
    before = as_turns(prompt, user)
    chosen = _side(before, answers[0], "chosen", notes)
    return _pair(record, chosen, _side(before, answers[1], "rejected", notes, after=len(before)))


def _openai_preference(record: Record, notes: Notes) -> Record:
    question = record.pop("input", None)
    if not isinstance(question, dict):
        raise ValueError(f"input: expected an object with messages, got {describe(question)}")
    prompt, answers = question.pop("messages", None), ("preferred_output", "non_preferred_output")
    chosen, rejected = (record.pop(key, None) for key in answers)
    return _preference({**question, **record, "prompt": prompt, "chosen": chosen, "rejected": rejected}, notes)


def _is_whole(turns: list[Any]) -> bool:
    """Tell whether an answer has its question in it."""
    first = turns[0] if turns and isinstance(turns[0], dict) else {}
    return str(first.get("role") or first.get("from")) in ("system", "developer", "user", "human")


def _side(before: list[Any], answer: object, name: str, notes: Notes, *, after: int = 0) -> list[Turn]:
    """Read one answer of a pair: alone, after its prompt, or with the whole conversation in it."""
    turns = as_turns(answer, assistant)
    if not _is_whole(turns):
        return dialogue(before + turns, name, notes, after=after)
    conversation = dialogue(turns, name, notes)
    filled = [t for t in before if not (isinstance(t, dict) and t.get("content") in ("", None) and "value" not in t)]
    prompt = dialogue(filled, "prompt", Counter()) if filled else []
    questions = {t["content"].strip() for t in conversation if t["role"] == "user"}
    if any(t["content"].strip() not in questions for t in prompt if t["role"] == "user"):
        raise ValueError(f"{name} does not answer the prompt beside it")
    lacks_system = prompt[:1] and prompt[0]["role"] == "system" != conversation[0]["role"]
    return [prompt[0], *conversation] if lacks_system else conversation


def _pair(record: Record, chosen: list[Turn], rejected: list[Turn]) -> Record:
    """Cut two conversations at the last question that they share, whatever comes after it."""
    same = next((i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), None)
    shared = chosen[: min(len(chosen), len(rejected)) if same is None else same]
    asked = max((i for i, t in enumerate(shared, 1) if t["role"] == "user"), default=0)
    if not asked:
        raise ValueError("chosen and rejected answer different prompts")
    row = {name: value for name, value in cut(chosen[:asked]).items() if not name.startswith("response")}
    for name, turns in (("chosen", chosen[asked:]), ("rejected", rejected[asked:])):
        if turns and turns[-1]["role"] != "assistant":
            raise ValueError(f"{name} ends with a turn of the {turns[-1]['role']}, where an answer is needed")
        row |= reply(turns, name)
    return _put(record, **row, tools=tools(record))


def _hh(record: Record, notes: Notes) -> Record:
    prompt = _text(record, "prompt")
    record.pop("prompt", None)
    sides = []
    for name in ("chosen", "rejected"):
        text = _text(record, name)
        record.pop(name, None)
        sides.append(dialogue(transcript(text if "Human:" in text[:10] else prompt + text, name), name, notes))
    return _pair(record, *sides)


def _ultrafeedback(record: Record, notes: Notes) -> Record:
    completions = record.pop("completions", None)
    prompt = record.pop("instruction", None) or record.pop("prompt", None)
    if not isinstance(completions, list) or not all(isinstance(c, dict) for c in completions):
        raise ValueError(f"completions: expected a list of objects, got {describe(completions)}")
    scores = _scores(completions, notes)
    answers = [
        {"response": _text(c, "response"), "score": score, "model": _text(c, "model") or None}
        for c, score in zip(completions, scores, strict=True)
    ]
    rated = [answer for answer in answers if answer["score"] is not None]
    best = max(rated or answers, key=lambda answer: answer["score"] or 0.0, default=None)
    if best is None:
        raise ValueError("completions: there is none")
    return _put(record, prompt=prompt, response=best["response"], score=best["score"], answers=answers)


# An overall score of nine or ten beside aspects of one and two: a slip of the grader, known of this set.
_PRAISE, _BLAME = 9, 2


def _scores(completions: list[Record], notes: Notes) -> list[float | None]:
    """Take the overall scores (1 to 10); where no completion has one, the means of the aspects (1 to 5)."""
    overall = [_number(c.get("overall_score")) for c in completions]
    aspects = [_aspects(c) for c in completions]
    if not any(c.get("overall_score") is not None for c in completions):
        return aspects
    for i, (score, mean) in enumerate(zip(overall, aspects, strict=True)):
        if score is not None and mean is not None and score >= _PRAISE and mean <= _BLAME:
            notes["overall scores that contradict all aspects, whose mean is taken instead"] += 1
            overall[i] = mean
    return overall


def _aspects(completion: Record) -> float | None:
    aspects = completion.get("annotations")
    ratings = [a.get("Rating") for a in aspects.values() if isinstance(a, dict)] if isinstance(aspects, dict) else []
    numbers = [number for rating in ratings if (number := _number(rating)) is not None]
    return sum(numbers) / len(numbers) if numbers else None


def _number(value: object) -> float | None:
    """Read a number, or a number written as text; 'N/A' is none, and so is 'nan'."""
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None


_SHAPES: dict[str, Callable[[Record, Notes], Record]] = {
    "plain": _plain,
    "rows": _rows,
    "alpaca": _alpaca,
    "sharegpt": _turns("conversations"),
    "messages": _turns("messages"),
    "prompt_completion": _prompt_completion,
    "preference": _preference,
    "openai_preference": _openai_preference,
    "ultrafeedback": _ultrafeedback,
    "hh": _hh,
}
assert set(get_args(Shape)) == set(_SHAPES)
