"""Texts of turns: which there are, where they stand, and what is said of a row of several."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate import apply, batched, drop, edit, keep, texts
from curate.filters import first_person, length, replace_opening, strip_links
from curate.turns import ANSWERS, OPTIONAL, TURNS, Turn, answer, conversation, cut, reply, turn
from tests.conversations import conversations

SCHEMA = {"id": pl.String, "system": pl.String, "history": TURNS, "prompt": pl.String}
SCHEMA |= dict.fromkeys(ANSWERS, pl.String) | OPTIONAL


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"id": str(i), **row} for i, row in enumerate(rows)], schema=SCHEMA)


def of_kind(turns: list[Turn], kind: str) -> list[tuple[int, str]]:
    """List the texts of a kind in a conversation by hand, each with the number of its turn."""
    role = {"assistant_turns": "assistant", "user_turns": "user", "thoughts": "assistant"}.get(kind)
    field = "thinking" if kind == "thoughts" else "content"
    return [(n, t[field]) for n, t in enumerate(turns, 1) if role in (None, t["role"]) and t.get(field) is not None]


def by_hand(row: dict[str, Any], kind: str) -> list[tuple[int, str]]:
    """List a row's texts of a kind: of two answers to one question turn by turn."""
    some = [column for column in ANSWERS if answer(row, column)] or ["response"]
    shared = conversation(row, "none")
    rest = [(n, i, text) for i, c in enumerate(some) for n, text in of_kind(conversation(row, c), kind)]
    own = [(n, text) for n, _, text in sorted(rest) if n > len(shared)]
    return [*of_kind(shared, kind), *own]


@st.composite
def rows(draw: Any) -> dict[str, Any]:
    row = cut(draw(conversations(most=2)))
    if draw(st.booleans()):
        row |= {name.replace("response", "chosen"): row.pop(name) for name in ("response", "response_turns")}
        row |= reply(draw(st.lists(st.just(turn("assistant", "No.")), max_size=1)), "rejected")
    return row


@settings(max_examples=60, deadline=None)
@given(st.lists(rows(), max_size=4), st.sampled_from(texts.KINDS))
def test_lines_are_the_texts_by_hand_each_with_the_number_of_its_turn(some, kind):
    data = frame(*some)
    lines = texts.lines(data, kind, ["id"])
    listed = lines.frame.with_columns(lines.row.alias("row"), lines.at.alias("at")).sort("row", "at")
    assert listed["id"].to_list() == listed["row"].cast(pl.String).to_list()
    for i, row in enumerate(some):
        own = listed.filter(pl.col("row") == i)
        turns = own.select(texts.turn_of(pl.col("at"))).to_series().to_list()
        assert list(zip(turns, own[kind].to_list(), strict=True)) == by_hand(row, kind)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows(), max_size=4), st.sampled_from(texts.KINDS))
def test_an_edit_changes_every_text_of_its_kind_where_it_stands_and_nothing_else(some, kind):
    data = frame(*some)
    result = data.with_columns(texts.edited(data, (pl.lit("<") + pl.col(kind)).alias(kind)))
    assert result.schema == data.schema
    role = {"assistant_turns": "assistant", "user_turns": "user", "thoughts": "assistant"}.get(kind)
    field = "thinking" if kind == "thoughts" else "content"
    for before, after in zip(data.to_dicts(), result.to_dicts(), strict=True):
        for column in ANSWERS:
            expected = [
                {**t, field: f"<{t[field]}"} if role in (None, t["role"]) and t.get(field) is not None else t
                for t in conversation(before, column)
            ]
            assert conversation(after, column) == expected
    untouched = [name for name in ("id", "tools", "prompt_name") if name in data.columns]
    assert result[untouched].equals(data[untouched])


@settings(max_examples=60, deadline=None)
@given(st.lists(rows(), max_size=4), st.sampled_from(texts.KINDS), st.integers(1, 6))
def test_a_property_holds_for_a_row_if_it_holds_for_each_of_its_texts_alone_and_in_a_batch(some, kind, least):
    data = frame(*some)
    expr = pl.col(kind).str.len_chars() >= least
    expected = []
    for row in some:
        own = [len(text) >= least for _, text in by_hand(row, kind)]
        expected.append(all(own) if own else None)
    assert apply(expr, data).to_list() == expected
    assert [apply(expr, data[i : i + 1]).item() for i in range(data.height)] == expected
    every = [[text for _, text in by_hand(row, kind)] for row in some]
    assert texts.joined(data, kind).to_list() == ["\n\n".join(own) if own else None for own in every]


@pytest.mark.parametrize(
    ("verdicts", "holds"),
    [
        pytest.param([True, True], True, id="each"),
        pytest.param([True, False, None], False, id="one fails"),
        pytest.param([True, None], None, id="one is not known"),
        pytest.param([None, None], None, id="none is known"),
    ],
)
def test_what_is_not_known_of_a_text(verdicts, holds):
    turns = [t for v in verdicts for t in (turn("user", "?"), turn("assistant", str(v)))]
    words = {"True": True, "False": False, "None": None}
    expr = pl.col("assistant_turns").replace_strict(words, return_dtype=pl.Boolean)
    assert apply(expr, frame(cut(turns))).item() is holds


DIALOGUE = [
    turn("user", "Hi?"),
    turn("assistant", "I [see](http://a.b)."),
    turn("user", "And?"),
    turn("assistant", "No."),
]
SHORT = [turn("user", "Why so?"), turn("assistant", "Warm air rises.")]
OPEN = [turn("user", "Anyone?")]


@pytest.mark.parametrize("whole", ["messages", "conversations"])
def test_whole_conversations_in_one_column(whole):
    data = pl.DataFrame({whole: [DIALOGUE, SHORT, OPEN]})
    assert apply(first_person(), data).to_list() == [False, False, None]
    edited = edit(data, strip_links("turns"))[whole].to_list()
    assert edited == [[DIALOGUE[0], turn("assistant", "I see."), *DIALOGUE[2:]], SHORT, OPEN]


def test_a_lazy_frame_stays_lazy_and_later_steps_see_what_is_edited():
    lazy = frame(*map(cut, [DIALOGUE, SHORT, OPEN])).with_columns(n=pl.int_range(1, 4)).lazy()
    lazy = edit(lazy, replace_opening("user_turns", old="Hi", new="Hello"))
    kept = keep(lazy, length("user_turns", min=6)).select("n")
    assert isinstance(kept, pl.LazyFrame)
    assert kept.collect()["n"].to_list() == [2, 3]


def test_texts_alone_are_judged_each_whatever_the_column_is_called():
    assert apply(first_person(), ["I see.", "No.", None]) == [True, False, None]
    assert keep(["I see.", "No."], first_person()) == ["I see."]
    assert edit("See [it](http://a.b).", strip_links("turns")) == "See it."


def test_the_default_on_a_table_that_has_only_one_of_the_columns():
    assert apply(first_person(), pl.DataFrame({"response": ["I see.", None]})).to_list() == [True, None]
    pairs = pl.DataFrame({"chosen": ["No.", "No."], "rejected": ["I see.", "No."]})
    assert drop(pairs, first_person()).height == 1


def test_prompts_and_answers_that_are_lists_of_turns():
    chosen, rejected = [turn("assistant", "No.")], [turn("assistant", "I see.")]
    pairs = pl.DataFrame(
        {"prompt": [[turn("user", "Hi?")]] * 2, "chosen": [chosen] * 2, "rejected": [rejected, chosen]}
    )
    assert apply(~first_person(), pairs).to_list() == [False, True]
    lines = texts.lines(pairs, "turns")
    assert lines.frame.select(texts.turn_of(lines.at)).to_series().to_list() == [1, 1, 2, 2, 2, 2]
    strict = edit(pairs, replace_opening("assistant_turns", old="I", new="We"))
    assert strict["rejected"].to_list() == [[turn("assistant", "We see.")], chosen]


def test_a_whole_conversation_beside_its_first_prompt():
    rows = pl.DataFrame({"prompt": ["Hi?"], "messages": [DIALOGUE]})
    assert apply(~first_person(), rows).to_list() == [False]
    assert texts.joined(rows, "user_turns").to_list() == ["Hi?\n\nAnd?"]


def test_a_number_is_the_mean_over_turns_and_texts_are_a_list():
    data = frame(cut(DIALOGUE), cut(OPEN))
    assert apply(pl.col("assistant_turns").str.len_chars(), data).to_list() == [11.5, None]
    assert apply(strip_links("assistant_turns"), data).to_list() == [["I see.", "No."], None]


def test_another_column_is_read_beside_each_turn():
    data = frame(cut(DIALOGUE)).with_columns(most=pl.lit(19))
    assert apply(pl.col("assistant_turns").str.len_chars() <= pl.col("most"), data).item() is False
    assert batched(length("turns", min=3))({c: data[c].to_list() for c in ("prompt", "response", "history")}) == [True]


@pytest.mark.parametrize(
    ("data", "expr", "sentence"),
    [
        pytest.param({"response": ["a"]}, length("turns", min=1) & first_person(), "one filter reads assistant_turns and turns: look at each", id="two kinds"),
        pytest.param({"n": [1]}, first_person(), "the rows have no assistant turns: these are texts of prompt, ", id="no turns"),
        pytest.param({"response": ["a"]}, length("asistant_turns", min=1), "no column 'asistant_turns'; did you mean 'assistant_turns'", id="a misspelt kind"),
        pytest.param({"response": ["a"], "turns": [3]}, length("turns", min=1), "'turns' names the texts of turns, but the rows have a column", id="a column of that name"),
        pytest.param({"response": ["a"]}, length("user_turns", min=1), "the rows have no user turns", id="no turns of this kind"),
        pytest.param({"prompt": [["a"]], "response": [1]}, first_person(), "the rows have no assistant turns", id="no texts"),
        pytest.param({"messages": [[{"from": "human", "value": "Hi"}]]}, first_person(), "the rows have no assistant turns", id="turns with other keys"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_said_in_one_sentence(data, expr, sentence):
    with pytest.raises((texts.TurnsError, texts.ColumnError), match=sentence):
        keep(pl.DataFrame(data), expr)


def test_an_edit_replaces_what_it_reads():
    with pytest.raises(texts.TurnsError, match="an edit of 'short' reads turns"):
        edit(frame(cut(SHORT)), strip_links("turns").alias("short"))
    with pytest.raises(texts.TurnsError, match="gives UInt32, where text is needed"):
        edit(frame(cut(SHORT)), pl.col("turns").str.len_chars())
