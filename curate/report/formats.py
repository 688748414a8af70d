"""Training formats: a curated row as the records that trainers read.

A format that has no place for something in a row refuses the row; none leaves a part of it out. `messages` has a place
for all that an answer may be, `preference` for all that a pair may be.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl
from pydantic_core import to_json

from curate.report import texts
from curate.report.messages import NoPlaceError, Row, fit, is_pair, messages, tools_of, unnamed, without
from curate.report.tables import FLAG, INPUT, JSON, MESSAGES, TEXT, Fields, fields_of
from curate.turns import ANSWERS, OPTIONAL, TURNS, Turn, answer, conversation, question

# All that the formats hold; a set may have many columns more.
_COLUMNS = ("id", "system", "history", "prompt", *ANSWERS, "instruction", "input", "label", *OPTIONAL)


_CHOSEN = ("chosen", "chosen_turns")
_SLICE = 10_000  # rows that are lines at a time


class Format(NamedTuple):
    """A format: how a row becomes records, the fields they may have, the columns it cannot do without.

    A format of answers that takes pairs too needs `of_pairs` of a set of pairs, whose records have `pair_fields` where
    these are others. One that `trains` on turns needs one whose loss counts. `id`: whether records have the row's id.
    `columns` makes the one record of a row that holds nothing but texts, of many rows at once.
    """

    convert: Callable[[Row], Iterator[Row]]
    fields: Fields
    needs: tuple[str, ...] = ("prompt", "response")
    of_pairs: tuple[str, ...] = ()
    trains: bool = False
    id: bool = True
    pair_fields: Fields | None = None
    columns: Mapping[str, pl.Expr] | None = None


def records(rows: pl.DataFrame, format_: str) -> Iterator[Row]:
    """Turn rows into records of a format (`FORMATS`), each with the row's `id` in front, where its readers take one.

    Raise ValueError when a row lacks what the format holds, or has what it does not hold: nothing is left out without a
    word.

    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Hi?"], "response": ["Hello."]})
    >>> next(records(rows, "messages"))["messages"][1]
    {'role': 'assistant', 'content': 'Hello.'}
    """
    form = FORMATS[format_]
    sides = needs(format_, pairs=any(rows[name].count() for name in _CHOSEN if name in rows.columns))
    for row in rows.select(name for name in _COLUMNS if name in rows.columns).iter_rows(named=True):
        missing = [name for name in sides if row.get(name) is None and not row.get(f"{name}_turns")]
        if missing:
            raise ValueError(f"row {row['id']} has no {missing[0]}, which the format '{format_}' needs")
        try:
            for record in form.convert(row):
                yield {"id": row["id"], **record} if form.id else record
        except NoPlaceError as error:
            whole = "preference" if is_pair(row) else "messages"
            message = f"row {row['id']}: {error}, which the format '{format_}' has no place for; '{whole}' has"
            raise ValueError(message) from None


def to_jsonl(rows: pl.DataFrame, format_: str) -> str:
    """Write rows as JSON lines of a format."""
    return b"".join(lines(rows, format_)).decode()


def lines(rows: pl.DataFrame, format_: str) -> Iterator[bytes]:
    """Yield rows as JSON lines of a format, some at a time; raise ValueError as `records` does."""
    for some in rows.iter_slices(_SLICE):
        if plain(some.lazy(), format_):
            text = io.BytesIO()
            in_columns(some.lazy(), format_).select(pl.struct(pl.all()).struct.json_encode()).collect().write_csv(
                text, include_header=False, quote_style="never"
            )
            yield text.getvalue()
        else:
            yield b"".join(to_json(record) + b"\n" for record in records(some, format_))


def plain(rows: pl.LazyFrame, format_: str) -> bool:
    """Tell whether `in_columns` has the records of rows: they hold the texts that the format needs, and no more."""
    form, schema = FORMATS[format_], rows.collect_schema()
    if form.columns is None or not schema.keys() >= set(form.needs):
        return False
    more = [pl.col(name).is_null().all() for name in ("system", "history", *OPTIONAL) if name in schema]
    texts = [pl.col(name).is_not_null().all() for name in form.needs]
    return bool(rows.select(pl.all_horizontal(*more, *texts)).collect(engine="streaming").item())


def in_columns(rows: pl.LazyFrame, format_: str) -> pl.LazyFrame:
    """Turn rows that hold nothing but texts into records, each a row of the result."""
    columns = FORMATS[format_].columns
    assert columns is not None
    return rows.select("id", **columns)


# The formats of TRL.


def _messages(row: Row) -> Iterator[Row]:
    yield {"messages": messages(conversation(row)), **tools_of(row)}


def _prompt_completion(row: Row) -> Iterator[Row]:
    """Give one record an assistant turn that is trained on, so that each answer of a dialogue is."""
    turns = conversation(row)
    whole, tools = messages(turns), tools_of(row)
    for i, turn in enumerate(turns):
        if turn["role"] == "assistant" and turn.get("loss", True):
            yield {"prompt": whole[:i], "completion": [whole[i]], **tools}


def _preference(row: Row) -> Iterator[Row]:
    yield {"prompt": messages(question(row)), **_answers(row), **tools_of(row)}


def _answers(row: Row) -> Row:
    return {side: messages(answer(row, side)) for side in ("chosen", "rejected")}


def _implicit(row: Row) -> Iterator[Row]:
    """Give both answers as whole conversations, the prompt in each."""
    yield {**{side: messages(conversation(row, side)) for side in ("chosen", "rejected")}, **tools_of(row)}


def _unpaired(row: Row) -> Iterator[Row]:
    """Give a pair as two records, a good one and a bad one; an answer by its own label."""
    sides = {"chosen": True, "rejected": False} if is_pair(row) else {"response": row.get("label")}
    for side, label in sides.items():
        if label not in (True, False):
            raise ValueError(f"row {row.get('id')}: 'label' is true or false, not {label!r}")
        completion = messages(answer(row, side))
        yield {"prompt": messages(question(row)), "completion": completion, "label": bool(label), **tools_of(row)}


def _prompts(row: Row) -> Iterator[Row]:
    yield {"prompt": messages(question(row)), **tools_of(row)}


# OpenAI's fine-tuning files: https://platform.openai.com/docs/api-reference/fine-tuning, chat and preference input.


def _openai(row: Row) -> Iterator[Row]:
    tools = functions_of(row)
    if not is_pair(row):
        yield {"messages": _chat(conversation(row)), **tools}
        return
    prompt = {"messages": _chat(question(row)), **tools}
    yield {
        "input": prompt,
        "preferred_output": _output(row, "chosen"),
        "non_preferred_output": _output(row, "rejected"),
    }


def _output(row: Row, side: str) -> list[Row]:
    """Write one answer of a pair, which is one turn."""
    turns = answer(row, side)
    if len(turns) > 1:
        raise NoPlaceError(f"{side} has {len(turns)} turns")
    fit(turns, "content", "tool_calls")
    return _chat([without(turn, "loss") for turn in turns])


def _chat(turns: Sequence[Turn]) -> list[Row]:
    """Write turns by OpenAI's rules: a tool's answer has no name, which is that of the call; thoughts have no place."""
    turns = unnamed(turns)
    for number, turn in enumerate(turns, 1):
        name = () if turn["role"] == "tool" else ("name",)
        fit([turn], "content", "tool_calls", "tool_call_id", "loss", *name, first=number)
        alone = turn["role"] == "tool" and "tool_call_id" not in turn
        if alone or any("id" not in call for call in turn.get("tool_calls", ())):
            raise NoPlaceError(f"turn {number} has a call without an id")
    return messages(turns, text=True)


def functions_of(row: Row) -> Row:
    """Write tools as functions, which is what some files have without saying so."""
    tools = tools_of(row)
    if isinstance(tools.get("tools"), list):
        tools["tools"] = [t if "type" in t else {"type": "function", "function": t} for t in tools["tools"]]
    return tools


def _turns(**columns: str) -> pl.Expr:
    """Make turns of role and content of columns, by role."""
    turns = [pl.struct(role=pl.lit(role), content=pl.col(column)) for role, column in columns.items()]
    return pl.concat_list(turns)


_PAIR = ("prompt", "chosen", "rejected")
_ASKED = _turns(user="prompt")
_TOOLS: Fields = {"tools": JSON}
_SIDES: Fields = {"chosen": MESSAGES, "rejected": MESSAGES, **_TOOLS}
_CONVERSATION: Fields = {"messages": MESSAGES, **_TOOLS}
FORMATS: dict[str, Format] = {
    "prompt_completion": Format(
        _prompt_completion,
        {"prompt": MESSAGES, "completion": MESSAGES, **_TOOLS},
        trains=True,
        columns={"prompt": _ASKED, "completion": _turns(assistant="response")},
    ),
    "messages": Format(
        _messages, _CONVERSATION, trains=True, columns={"messages": _turns(user="prompt", assistant="response")}
    ),
    "openai": Format(
        _openai,
        _CONVERSATION,
        of_pairs=_PAIR,
        trains=True,
        id=False,
        pair_fields={"input": INPUT, "preferred_output": MESSAGES, "non_preferred_output": MESSAGES},
    ),
    "alpaca": Format(texts.alpaca, texts.ALPACA),
    "sharegpt": Format(texts.sharegpt, texts.SHAREGPT, of_pairs=_PAIR, pair_fields=texts.SHAREGPT_PAIR),
    "preference": Format(
        _preference,
        {"prompt": MESSAGES, **_SIDES},
        _PAIR,
        columns={"prompt": _ASKED, "chosen": _turns(assistant="chosen"), "rejected": _turns(assistant="rejected")},
    ),
    "implicit": Format(_implicit, _SIDES, _PAIR),
    "unpaired": Format(
        _unpaired,
        {"prompt": MESSAGES, "completion": MESSAGES, "label": FLAG, **_TOOLS},
        ("prompt", "response", "label"),
        of_pairs=_PAIR,
    ),
    "prompts": Format(_prompts, {"prompt": MESSAGES, **_TOOLS}, ("prompt",)),
    "hh": Format(texts.hh, {"chosen": TEXT, "rejected": TEXT}, _PAIR),
}


def fields(format_: str, rows: pl.LazyFrame) -> Fields:
    """Name the fields that a set's records of a format have, with their types: those of a table (`tables`)."""
    form, schema = FORMATS[format_], rows.collect_schema()
    named = form.pair_fields if form.pair_fields and any(name in schema for name in _CHOSEN) else form.fields
    return fields_of(rows, {"id": TEXT, **named} if form.id else named)


def of_set(formats: tuple[str, ...], *, pairs: bool) -> tuple[str, ...]:
    """Choose the formats of a set: those of the recipe, except that a set of pairs is a preference set."""
    return ("preference",) if pairs and formats == ("prompt_completion",) else formats


def needs(format_: str, *, pairs: bool) -> tuple[str, ...]:
    """Name the columns that a format cannot do without, in a set of answers or one of pairs."""
    form = FORMATS[format_]
    return form.of_pairs if pairs and form.of_pairs else form.needs


UNTRAINED = "no turn whose loss counts"


def lack(formats: Sequence[str], schema: Mapping[str, pl.DataType], *, pairs: bool) -> pl.Expr:
    """Say what each row lacks that one of the formats needs; null for a row that is complete.

    A blank text is none, and an answer that ends with a call is one.

    >>> rows = pl.DataFrame({"prompt": ["Hi?", "Hi?", " "], "response": ["Hello.", "", None]})
    >>> rows.select(lack(["messages"], rows.schema, pairs=False).alias("why"))["why"].to_list()
    [None, 'no response', 'no prompt']
    """
    columns = dict.fromkeys(name for format_ in formats for name in needs(format_, pairs=pairs))
    reasons = [pl.when(~_there(name, schema)).then(pl.lit(f"no {name}")) for name in columns]
    if any(FORMATS[f].trains and "response" in needs(f, pairs=pairs) for f in formats) and _has_turns(
        schema, "response"
    ):
        counts = _counts("response_turns") | (_counts("history") if schema.get("history") == TURNS else pl.lit(False))
        reasons.append(pl.when(pl.col("response_turns").is_not_null() & ~counts).then(pl.lit(UNTRAINED)))
    return pl.coalesce([*reasons, pl.lit(None, pl.String)])


def _has_turns(schema: Mapping[str, pl.DataType], answer_: str) -> bool:
    return schema.get(f"{answer_}_turns") == TURNS


def _there(name: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    if name not in schema:
        return pl.lit(False)
    if schema[name] != pl.String:
        return pl.col(name).is_not_null()
    text = pl.col(name).str.contains(r"\S").fill_null(False)
    if name in ANSWERS and _has_turns(schema, name):
        calls = pl.col(f"{name}_turns").list.last().struct.field("tool_calls").list.len()
        return text | (calls > 0).fill_null(False)
    return text


def _counts(turns: str) -> pl.Expr:
    field = pl.element().struct.field
    counts = (field("role") == "assistant") & field("loss").fill_null(True)
    return pl.col(turns).list.eval(counts).list.any().fill_null(False)
