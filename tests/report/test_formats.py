"""Rows as the records that trainers read; what a format has no place for is refused, never left out."""

from __future__ import annotations

import json
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from curate.recipe.plan import Format
from curate.report import formats
from curate.report.formats import FORMATS, UNTRAINED, lack, records, to_jsonl
from curate.report.tables import tables
from curate.rows import standardise
from curate.turns import OPTIONAL, TURNS, cut, reply, turn

HISTORY = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
S, U, A, X = ({"role": role, "content": text} for role, text in (("system", "s"), ("user", "p"), ("assistant", "r"), ("assistant", "x")))  # fmt: skip
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}
ASKS = turn("assistant", tool_calls=[CALL])
RAIN = turn("tool", "rain", tool_call_id="1", name="weather")
SCHEMA = {"system": pl.String(), "history": TURNS, "prompt": pl.String(), "response": pl.String(), **OPTIONAL}


def only(format_: str, **row: Any) -> list[dict[str, Any]]:
    schema = {name: dtype for name, dtype in SCHEMA.items() if name in row}
    rows = standardise(pl.DataFrame([row], schema_overrides=schema), "s")
    return [{k: v for k, v in record.items() if k != "id"} for record in records(rows, format_)]


def of(*turns: dict[str, Any], tools: list[Any] | None = None) -> dict[str, Any]:
    """Cut turns into a row, without the columns that hold nothing."""
    row = cut(turns) | ({"tools": json.dumps(tools)} if tools else {})
    return {name: value for name, value in row.items() if value is not None}


def call(arguments: Any) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": "weather", "arguments": arguments}}


MASK = {**A, "loss": False}
THOUGHT = {**A, "thinking": "Hm."}
WEATHER = [U, ASKS, RAIN, A]
OBJECT = {"role": "assistant", "tool_calls": [call({"city": "Bergen"})]}
PLAIN = {"instruction": "p", "input": "", "output": "r"}
ALPACA = {**PLAIN, "text": "### Instruction:\np\n\n### Response:\nr"}
TEXT = {"role": "assistant", "tool_calls": [call('{"city": "Bergen"}')]}


@pytest.mark.parametrize(
    ("format_", "row", "expected"),
    [
        pytest.param("prompt_completion", of(U, A), [{"prompt": [U], "completion": [A]}], id="a single turn"),
        pytest.param("prompt_completion", of(S, *HISTORY, U, A), [{"prompt": [S, HISTORY[0]], "completion": [HISTORY[1]]}, {"prompt": [S, *HISTORY, U], "completion": [A]}], id="a dialogue: a record for each answer"),
        pytest.param("prompt_completion", of(U, MASK, U, A), [{"prompt": [U, {**A, "weight": 0}, U], "completion": [A]}], id="a masked turn: no record"),
        pytest.param("prompt_completion", of(*WEATHER, tools=[TOOL]), [{"prompt": [U], "completion": [OBJECT], "tools": [TOOL]}, {"prompt": [U, OBJECT, RAIN], "completion": [A], "tools": [TOOL]}], id="a call is an answer of its own"),
        pytest.param("messages", of(*HISTORY, U, A), [{"messages": [*HISTORY, U, A]}], id="messages"),
        pytest.param("messages", of({**U, "name": "Jo"}, {**THOUGHT, "loss": False}, tools=[TOOL]), [{"messages": [{**U, "name": "Jo"}, {**A, "reasoning_content": "Hm.", "weight": 0}], "tools": [TOOL]}], id="all that a turn has"),
        pytest.param("messages", of(U, turn("assistant", tool_calls=[{**CALL, "arguments": "{city"}])), [{"messages": [U, {"role": "assistant", "tool_calls": [call("{city")]}]}], id="arguments that are no object stay text"),
        pytest.param("openai", of(U, MASK, U, A), [{"messages": [U, {**A, "weight": 0}, U, A]}], id="OpenAI: a weight"),
        pytest.param("openai", of(*WEATHER, tools=[TOOL]), [{"messages": [U, TEXT, {k: v for k, v in RAIN.items() if k != "name"}, A], "tools": [TOOL]}], id="OpenAI: arguments are text, a tool has no name"),
        pytest.param("openai", of(U, A, tools=[TOOL["function"]]), [{"messages": [U, A], "tools": [TOOL]}], id="OpenAI: tools are functions"),
        pytest.param("openai", {"prompt": "p", "chosen": "r", "rejected": "x"}, [{"input": {"messages": [U]}, "preferred_output": [A], "non_preferred_output": [X]}], id="OpenAI: pairs"),
        pytest.param("alpaca", of(U, A), [ALPACA], id="alpaca"),
        pytest.param("alpaca", {"instruction": "i", "input": "x", "prompt": "i\n\nx", "response": "r"}, [{"instruction": "i", "input": "x", "output": "r", "text": "### Instruction:\ni\n\n### Input:\nx\n\n### Response:\nr"}], id="alpaca with an input"),
        pytest.param("alpaca", {"instruction": "ask Jo Ek", "input": "x", "prompt": "p", "response": "r"}, [ALPACA], id="alpaca: the prompt that an edit left"),
        pytest.param("alpaca", of(S, *HISTORY, U, A), [{**PLAIN, "system": "s", "history": [["a", "b"]]}], id="alpaca: a dialogue"),
        pytest.param("alpaca", of(U, THOUGHT), [{**ALPACA, "output": "<think>\nHm.\n</think>\n\nr", "text": "### Instruction:\np\n\n### Response:\n<think>\nHm.\n</think>\n\nr"}], id="alpaca: thoughts in tags"),
        pytest.param("sharegpt", of(S, U, A), [{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "p"}, {"from": "gpt", "value": "r"}]}], id="sharegpt"),
        pytest.param("sharegpt", of(*WEATHER, tools=[TOOL]), [{"conversations": [{"from": "human", "value": "p"}, {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Bergen"}}'}, {"from": "observation", "value": "rain"}, {"from": "gpt", "value": "r"}], "tools": json.dumps([TOOL])}], id="sharegpt: a call"),
        pytest.param("sharegpt", {"prompt": "p", "system": "s", "chosen": "r", "rejected": "x"}, [{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "p"}], "chosen": {"from": "gpt", "value": "r"}, "rejected": {"from": "gpt", "value": "x"}}], id="sharegpt: a pair"),
        pytest.param("preference", {"prompt": "p", "chosen": "r", "rejected": "x"}, [{"prompt": [U], "chosen": [A], "rejected": [X]}], id="preference"),
        pytest.param("preference", {"prompt": "p", "tools": json.dumps([TOOL])} | reply([ASKS, RAIN, A], "chosen") | reply([X], "rejected"), [{"prompt": [U], "chosen": [OBJECT, RAIN, A], "rejected": [X], "tools": [TOOL]}], id="preference: an answer of several turns"),
        pytest.param("implicit", {"prompt": "p", "system": "s", "chosen": "r", "rejected": "x"}, [{"chosen": [S, U, A], "rejected": [S, U, X]}], id="implicit"),
        pytest.param("unpaired", {"prompt": "p", "chosen": "r", "rejected": "x"}, [{"prompt": [U], "completion": [A], "label": True}, {"prompt": [U], "completion": [X], "label": False}], id="unpaired: of a pair, two"),
        pytest.param("unpaired", {"prompt": "p", "response": "r", "label": False}, [{"prompt": [U], "completion": [A], "label": False}], id="unpaired: by its label"),
        pytest.param("prompts", of(S, *HISTORY, U), [{"prompt": [S, *HISTORY, U]}], id="prompts"),
        pytest.param("hh", {"prompt": "p", "history": HISTORY, "chosen": "r", "rejected": "x"}, [{side: f"\n\nHuman: a\n\nAssistant: b\n\nHuman: p\n\nAssistant: {text}" for side, text in (("chosen", "r"), ("rejected", "x"))}], id="hh"),
    ],
)  # fmt: skip
def test_formats(format_, row, expected):
    assert only(format_, **row) == expected


@pytest.mark.parametrize("format_", [name for name in FORMATS if name != "prompts"])
def test_a_row_that_lacks_a_side_is_named(format_):
    with pytest.raises(ValueError, match=f"row .* has no .*'{format_}'"):
        only(format_, prompt="p", response=None, chosen=None)


TWICE = turn("assistant", tool_calls=[CALL, {**CALL, "id": "2"}])
PAIR = {"prompt": "p", "chosen": "r", "rejected": "x"}


@pytest.mark.parametrize(
    ("format_", "row", "reason"),
    [
        pytest.param("openai", of(U, THOUGHT), "turn 2 has thoughts", id="OpenAI: thoughts"),
        pytest.param("openai", of(U, turn("assistant", tool_calls=[{"name": "f"}])), "turn 2 has a call without an id", id="OpenAI: a call without an id"),
        pytest.param("openai", of(U, ASKS, {**RAIN, "name": "other"}, A), "turn 3 has a name", id="OpenAI: a tool of another name than its call"),
        pytest.param("openai", PAIR | reply([ASKS, RAIN, A], "chosen"), "chosen has 3 turns", id="OpenAI: an answer of several turns"),
        *(pytest.param(format_, of(U, MASK, U, A), "turn 2 has a loss that does not count", id=f"{format_}: a mask") for format_ in ("alpaca", "sharegpt")),
        *(pytest.param(format_, of({**U, "name": "Jo"}, A), "turn 1 has a name", id=f"{format_}: a name") for format_ in ("alpaca", "sharegpt")),
        pytest.param("alpaca", of(*WEATHER), "turn 2 has calls of tools", id="alpaca: a call"),
        pytest.param("alpaca", of(U, A, tools=[TOOL]), "it has tools", id="alpaca: tools"),
        pytest.param("alpaca", of(U, {**THOUGHT, "content": " r"}), "turn 2 has thoughts that tags would not part", id="alpaca: white space behind the thoughts"),
        pytest.param("sharegpt", of(U, TWICE, RAIN, {**RAIN, "tool_call_id": "2"}, A), "turn 2 has several calls at once", id="sharegpt: two calls"),
        pytest.param("sharegpt", of(U, {**ASKS, "content": "I look."}, RAIN, A), "turn 2 has a text beside its call", id="sharegpt: a text beside a call"),
        pytest.param("sharegpt", of(*HISTORY, S, U, A), "turn 3 is a system turn after the first", id="sharegpt: a late system turn"),
        pytest.param("sharegpt", PAIR | reply([ASKS, RAIN, A], "chosen"), "chosen has 3 turns", id="sharegpt: an answer of several turns"),
        pytest.param("hh", PAIR | {"system": "s"}, "turn 1 is one of the system", id="hh: a system prompt"),
        pytest.param("hh", PAIR | {"chosen": "r\n\nHuman: Hi"}, "turn 2 has white space around it, or", id="hh: what looks like a turn"),
    ],
)  # fmt: skip
def test_what_a_format_has_no_place_for_is_refused_and_one_that_has_is_named(format_, row, reason):
    whole = "preference" if "chosen" in row else "messages"
    with pytest.raises(ValueError, match=rf"row \w+: {reason}.*'{format_}' has no place for; '{whole}' has"):
        only(format_, **row)


@pytest.mark.parametrize("tools", ["[", '[{"a": NaN}]', '{"a": 1, "a": 2}', "[" * 9000])
def test_tools_that_are_no_json_are_told(tools):
    with pytest.raises(ValueError, match="its tools are no JSON"):
        only("messages", prompt="p", response="r", tools=tools)


def test_a_recipe_names_every_format():
    assert set(get_args(Format)) == set(FORMATS)


def test_ids_stand_in_front_but_where_no_other_keys_are_allowed():
    rows = standardise(pl.DataFrame({"prompt": ["p"], "response": ["r"]}), "s")
    first = {name: next(iter(next(records(rows, name)))) for name in ("prompt_completion", "messages", "sharegpt")}
    assert set(first.values()) == {"id"}
    assert list(next(records(rows, "openai"))) == ["messages"]


def test_lines_are_json_whatever_the_text_holds():
    text = 'line\u2028separator "quoted"\n\ttab é 🎉'
    rows = standardise(pl.DataFrame({"prompt": [text], "response": ["r"]}), "s")
    lines = to_jsonl(rows, "messages").split("\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["messages"][0]["content"] == text


ROWS = pl.DataFrame(
    [
        {"prompt": "p", "response": "r", "chosen": "r", "rejected": "x", "label": True},
        {"prompt": None, "response": "r", "chosen": "r", "rejected": "x", "label": None},
        {"prompt": "p", "response": " \n", "chosen": "r", "rejected": "", "label": None},
        {"prompt": "p", "response": None, "response_turns": [ASKS], "chosen": None, "rejected": "x", "label": True},
        {"prompt": "p", "response": "r", "response_turns": [MASK], "chosen": "r", "rejected": "x", "label": True},
        {"prompt": "p", "response": "r", "history": HISTORY, "response_turns": [MASK], "chosen": "r", "rejected": "x", "label": True},
    ],
    schema=SCHEMA | {"chosen": pl.String(), "rejected": pl.String(), "label": pl.Boolean()},
)  # fmt: skip
A_PROMPT, AN_ANSWER = [None, "no prompt", *[None] * 4], [None, "no prompt", "no response", None]


@pytest.mark.parametrize(
    ("formats", "pairs", "expected"),
    [
        pytest.param(["prompts"], False, A_PROMPT, id="prompts"),
        pytest.param(["alpaca"], False, [*AN_ANSWER, None, None], id="an answer; a call is one"),
        pytest.param(["messages"], False, [*AN_ANSWER, UNTRAINED, None], id="a turn whose loss counts"),
        pytest.param(["prompts", "messages"], False, [*AN_ANSWER, UNTRAINED, None], id="two formats"),
        pytest.param(["preference"], True, [None, "no prompt", "no rejected", "no chosen", None, None], id="pairs"),
        pytest.param(
            ["openai"], True, [None, "no prompt", "no rejected", "no chosen", None, None], id="OpenAI's pairs"
        ),
        pytest.param(["unpaired"], False, [*AN_ANSWER, None, None], id="a label"),
    ],
)
def test_what_a_row_lacks(formats, pairs, expected):
    why = ROWS.select(lack(formats, ROWS.schema, pairs=pairs).alias("why"))["why"].to_list()
    assert why == expected


def test_a_column_that_is_not_there_is_lacking():
    rows = pl.DataFrame({"prompt": ["p"], "response": ["r"]})
    assert rows.select(lack(["unpaired"], rows.schema, pairs=False))[0, 0] == "no label"


IN_COLUMNS = [name for name, form in FORMATS.items() if form.columns]


@pytest.mark.parametrize("format_", IN_COLUMNS)
@given(data=st.data())
def test_many_rows_of_texts_are_the_records_of_each(tmp_path_factory, format_, data):
    needs = formats.needs(format_, pairs=False)
    texts = st.fixed_dictionaries({name: st.text().map("{}.".format) for name in needs})
    more = st.fixed_dictionaries(
        {}, optional={"system": st.none() | st.text(), "history": st.none() | st.just(HISTORY)}
    )
    of_row = st.tuples(texts, st.just({}) | more).map(lambda both: both[0] | both[1])
    schema = {name: pl.String() for name in needs} | {"system": pl.String(), "history": TURNS}
    set_ = standardise(pl.DataFrame(data.draw(st.lists(of_row, max_size=5)), schema=schema), "s")
    each = [to_json(record).decode() for record in records(set_, format_)]
    assert to_jsonl(set_, format_).split("\n")[:-1] == each
    if formats.plain(set_.lazy(), format_):
        lines = tmp_path_factory.mktemp("lines") / "train.jsonl"
        lines.write_text(to_jsonl(set_, format_), encoding="utf-8", newline="\n")
        [table] = tables(lines, formats.fields(format_, set_.lazy()))
        assert formats.in_columns(set_.lazy(), format_).collect().equals(table)
        assert table.schema == formats.in_columns(set_.lazy(), format_).collect_schema()


def test_the_set_of_most_recipes_is_written_in_columns():
    assert IN_COLUMNS == ["prompt_completion", "messages", "preference"]
