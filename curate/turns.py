"""Turns: what a conversation is made of, how a row holds one, and how it is put together again.

A row holds a conversation cut at its last question: `system`, `history` (the turns before that question), `prompt` (the
question), and the text of the answer in `response`, or of a pair's two in `chosen` and `rejected`. Most answers are
nothing but a text. One that is more, with thoughts, calls of tools or several turns, has all turns after the prompt
in `response_turns` (`chosen_turns`, `rejected_turns`); the last of them leaves its content to `response`, so that every
text stands in one place. `prompt_name` names the user who asks, and `tools` describes the tools, as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

Turn: TypeAlias = dict[str, Any]  # the fields of TURN; one that is null is left out

CALL = pl.Struct({"id": pl.String(), "name": pl.String(), "arguments": pl.String()})  # arguments: JSON
TURN = pl.Struct(
    {
        "role": pl.String(),  # system, user, assistant, tool
        "content": pl.String(),
        "thinking": pl.String(),  # of the assistant, before its answer
        "tool_calls": pl.List(CALL),  # of the assistant
        "tool_call_id": pl.String(),  # of a tool: the call that it answers
        "name": pl.String(),  # of a user or a tool
        "loss": pl.Boolean(),  # of the assistant: whether the turn is trained on; null: it is
    }
)
TURNS = pl.List(TURN)
ANSWERS = ("response", "chosen", "rejected")

# What a row holds only if its source has it, beside the standard columns that every row has.
OPTIONAL: dict[str, pl.DataType] = {
    "prompt_name": pl.String(),
    "tools": pl.String(),
    **{f"{answer}_turns": TURNS for answer in ANSWERS},
}


def are_turns(dtype: pl.DataType | None) -> bool:
    """Tell whether a column of this type holds turns, some of whose fields may be missing."""
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    fields = {f.name: f.dtype for f in inner.fields} if isinstance(inner, pl.Struct) else {}
    whole = TURN.to_schema()
    return "role" in fields and all(whole.get(name) == dtype or dtype == pl.Null for name, dtype in fields.items())


def whole_turns(column: pl.Series) -> pl.Series:
    """Give turns the fields that they lack, in the order of TURN.

    >>> whole_turns(pl.Series([[{"content": "Hi", "role": "user"}]])).dtype == TURNS
    True
    """
    inner = column.dtype.inner  # type: ignore[attr-defined]
    names = {field.name for field in inner.fields}
    fields = [
        (pl.element().struct[name] if name in names else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in TURN.to_schema().items()
    ]
    return column.list.eval(pl.struct(fields))


def turn(role: str, content: str | None = None, **fields: Any) -> Turn:
    """Make a turn of the fields that hold something.

    >>> turn("assistant", "4", thinking=None)
    {'role': 'assistant', 'content': '4'}
    """
    return lean({"role": role, "content": content, **fields})


def lean(fields: Mapping[str, Any]) -> Turn:
    """Leave out the fields of a turn that hold nothing; those of its calls too."""
    result = {name: value for name, value in fields.items() if value is not None and value != []}
    if "tool_calls" in result:
        result["tool_calls"] = [{k: v for k, v in call.items() if v is not None} for call in result["tool_calls"]]
    return result


def question(row: Mapping[str, Any], column: str = "prompt", system: str | None = None) -> list[Turn]:
    """Put together what a row asks: system prompt, earlier turns, the user's turn.

    A system prompt that is given stands in place of the row's own.

    >>> question({"prompt": "And now?", "history": [turn("user", "Hi"), turn("assistant", "Hm.")]}, system="Be brief.")
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hi'},
     {'role': 'assistant', 'content': 'Hm.'}, {'role': 'user', 'content': 'And now?'}]
    """
    system = system if system is not None else row.get("system")
    turns = [turn("system", system)] if system else []
    turns += map(lean, row.get("history") or [])
    return [*turns, turn("user", row[column], name=row.get("prompt_name"))]


def lines(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    """Say what turns hold as pairs of who speaks and what: thoughts, text, and each call with its arguments.

    >>> call = {"name": "add", "arguments": '{"a": 2}'}
    >>> lines([turn("assistant", "I add.", tool_calls=[call]), turn("tool", "4", name="add")])
    [('assistant', 'I add.'), ('assistant calls add', '{"a": 2}'), ('tool add', '4')]
    """
    result = []
    for t in turns:
        who = " ".join([t["role"], *(t.get("name") or "").split()])
        calls = t.get("tool_calls") or []
        thoughts = [(f"{who} thinks", t["thinking"])] if t.get("thinking") else []
        text = [(who, t.get("content") or "")] if t.get("content") or not calls + thoughts else []
        called = [(f"{who} calls {' '.join((c.get('name') or '').split())}", c.get("arguments") or "") for c in calls]
        result += [*thoughts, *text, *called]
    return result


def without_thoughts(turns: Iterable[Turn]) -> list[Turn]:
    """Leave out of turns what nobody sees but who trains on them: thoughts, and whether the loss counts.

    >>> without_thoughts([turn("assistant", "4", thinking="2 + 2", loss=False)])
    [{'role': 'assistant', 'content': '4'}]
    """
    return [{name: value for name, value in t.items() if name not in ("thinking", "loss")} for t in turns]


def drop_thoughts(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave the thoughts out of all turns of rows; an answer that is nothing but a text then has no turns.

    >>> turns = pl.Series("response_turns", [[turn("assistant", thinking="2 + 2")]], dtype=TURNS)
    >>> drop_thoughts(pl.DataFrame({"response": ["4"], "response_turns": turns})).row(0)
    ('4', None)
    """
    columns = [
        name for name in ("history", *(f"{answer}_turns" for answer in ANSWERS)) if rows.schema.get(name) == TURNS
    ]
    without = pl.element().struct.with_fields(thinking=pl.lit(None, pl.String))
    turns = {name: pl.col(name).list.eval(without) for name in columns}
    bare = pl.lit([{"role": "assistant"}], dtype=TURNS)
    return rows.with_columns(**{name: pl.when(value != bare).then(value) for name, value in turns.items()})


def answer(row: Mapping[str, Any], column: str = "response") -> list[Turn]:
    """Put together the turns of a row's answer; there are none if it has no answer.

    >>> row = {"response": "4", "response_turns": [{"role": "assistant", "thinking": "2 + 2"}]}
    >>> answer(row), answer({"response": None})
    ([{'role': 'assistant', 'thinking': '2 + 2', 'content': '4'}], [])
    """
    turns = [lean(fields) for fields in row.get(f"{column}_turns") or []]
    if row.get(column) is not None:
        turns = [*turns[:-1], (turns[-1] if turns else turn("assistant")) | {"content": row[column]}]
    return turns


def conversation(row: Mapping[str, Any], column: str = "response") -> list[Turn]:
    """Put together the whole conversation that a row holds, with one of its answers.

    >>> [t["role"] for t in conversation({"system": "Be brief.", "prompt": "2+2?", "response": "4"})]
    ['system', 'user', 'assistant']
    """
    return question(row) + answer(row, column)


def examples(turns: Sequence[Turn]) -> Iterator[tuple[list[Turn], Turn]]:
    """Give each turn of the assistant whose loss counts, with the turns before it.

    >>> dialogue = [turn("user", "2+2?"), turn("assistant", "5", loss=False), turn("user", "?"), turn("assistant", "4")]
    >>> [(len(before), answer["content"]) for before, answer in examples(dialogue)]
    [(3, '4')]
    """
    for i, t in enumerate(turns):
        if t["role"] == "assistant" and t.get("loss") is not False:
            yield list(turns[:i]), t


def cut(turns: Sequence[Turn], column: str = "response") -> dict[str, Any]:
    """Cut a conversation at its last question, into the columns of a row.

    `conversation` puts it together again. A last answer that holds nothing is none.

    Raises:
        ValueError: names the turn that is empty, or stands where it cannot.

    >>> cut([turn("user", "2+2?"), turn("assistant", "4")]) # doctest: +NORMALIZE_WHITESPACE
    {'system': None, 'history': None, 'prompt': '2+2?', 'prompt_name': None, 'response': '4', 'response_turns': None}
    >>> cut([turn("user", "2+2?"), turn("user", "Hello?")])
    Traceback (most recent call last):
    ValueError: turn 2: expected a turn of the assistant, got one of the user
    """
    check(turns)
    last = max(i for i, t in enumerate(turns) if t["role"] == "user")
    before, prompt = list(turns[:last]), turns[last]
    plain = bool(before) and before[0].keys() == {"role", "content"} and before[0]["role"] == "system"
    system = before.pop(0)["content"] if plain else None
    row = {"system": system, "history": before or None, "prompt": prompt["content"], "prompt_name": prompt.get("name")}
    return row | reply(turns[last + 1 :], column)


def reply(turns: Sequence[Turn], column: str = "response") -> dict[str, Any]:
    """Cut the turns after a prompt into the columns of an answer: its text, and its turns if it is more than a text.

    >>> reply([turn("assistant", "4", thinking="2 + 2")], "chosen")
    {'chosen': '4', 'chosen_turns': [{'role': 'assistant', 'thinking': '2 + 2'}]}
    """
    if not turns:
        return {column: None, f"{column}_turns": None}
    *before, last = turns
    rest = {name: value for name, value in last.items() if name != "content"}
    more = bool(before) or rest.keys() != {"role"}
    return {column: last.get("content"), f"{column}_turns": [*before, rest] if more else None}


# Who may speak after whom; a turn of the assistant that calls a tool is a `call` here.
_NEXT = {
    "": ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user", "system"),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}


def check(turns: Sequence[Turn]) -> None:
    """Check who speaks after whom, and that every turn but the last says something.

    System first, then user and assistant by turns; after a call of a tool what it answers, and then the assistant. A
    system turn may stand before any question. The last turn is the user's, or the assistant's.

    Raises:
        ValueError: names the first turn that is wrong, and what is wrong with it.
    """
    before = ""
    for number, t in enumerate(turns, 1):
        role = t["role"]
        if role not in _NEXT[before]:
            raise ValueError(
                f"turn {number}: expected a turn of the {' or '.join(_NEXT[before])}, got one of the {role}"
            )
        before = "call" if t.get("tool_calls") else role
        empty = t.get("content") is None and before != "call"
        if empty and (role != "assistant" or number < len(turns)):
            raise ValueError(f"turn {number}: the {role}'s text is empty")
    if before not in ("user", "assistant", "call"):
        what = f"the last turn is the {before}'s" if before else "there are no turns"
        raise ValueError(f"{what}; a conversation ends with the user or the assistant")
