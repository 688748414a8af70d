"""The same question under two system prompts."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.models.generators.ask import Answer, Failed, seed_of
from curate.pairs import styles
from tests.pairs.own import Reply, by_id, conserved, generator, said

PROMPTS = {"chosen": "Be warm.", "rejected": "Be formal."}


def echo(ask):
    return f"{ask.messages[0]['content']} {said(ask)}"


def rows(*prompts, **more):
    ids = [f"r{i}" for i in range(len(prompts))]
    return pl.DataFrame({"id": ids, "prompt": prompts, **more}, schema_overrides={"prompt": pl.String})


def test_both_styles_are_asked_in_one_call():
    model, asked = generator(echo)
    made = styles(rows("Tea?", "Rain?"), generator=model, **PROMPTS)
    assert made.columns.select("chosen", "rejected").rows() == [
        ("Be warm. Tea?", "Be formal. Tea?"),
        ("Be warm. Rain?", "Be formal. Rain?"),
    ]
    assert [len(call) for call in asked] == [4]
    assert made.why.null_count() == 2


def test_the_rows_own_system_prompt_goes_and_the_history_stays():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    model, _ = generator(lambda ask: " | ".join(turn["content"] for turn in ask.messages))
    made = styles(rows("Tea?", system=["Be a pirate."], history=[turns]), generator=model, **PROMPTS)
    assert made.columns["chosen"][0] == "Be warm. | Hi | Hello. | Tea?"
    assert made.columns.schema["system"] == pl.String
    assert made.columns["system"][0] is None
    assert "history" not in made.columns.columns, "what the row has stays as it is"


def test_a_seed_is_drawn_from_row_and_style():
    model, asked = generator(echo)
    styles(rows("Tea?", "Tea?"), generator=model, **PROMPTS)
    styles(rows("Tea?", "Tea?"), generator=model, **PROMPTS, seed=1)
    seeds = [ask.seed for call in asked for ask in call]
    assert len(set(seeds)) == 8
    assert seed_of(0, "r0", "prompt/chosen") not in seeds, "the generator's settings are part of it"


def test_another_generator_may_answer_in_the_unwanted_style():
    warm, warm_asked = generator(echo, "large", model="a")
    cold, cold_asked = generator(lambda ask: "No.", "small", model="b")
    made = styles(rows("Tea?"), generator=warm, rejected_generator=cold, chosen="Be warm.", rejected="Be warm.")
    assert by_id(rows("Tea?"), made)["r0"] | {} == {
        "chosen": "Be warm. Tea?", "rejected": "No.", "chosen_generator": "large", "rejected_generator": "small",
        "why": None, "again": False, "failed": False,
        "ledger chosen_generator": "large", "ledger chosen_finish": "stop", "ledger chosen_prompt_tokens": 10, "ledger chosen_tokens": 5,
        "ledger rejected_generator": "small", "ledger rejected_finish": "stop", "ledger rejected_prompt_tokens": 10, "ledger rejected_tokens": 5,
    }  # fmt: skip
    assert len(warm_asked) == len(cold_asked) == 1


@pytest.mark.parametrize(
    ("reply", "why", "failed", "again"),
    [
        pytest.param("The same.", "the two answers are the same", False, False, id="both styles say the same"),
        pytest.param(" \n", "chosen: empty", False, False, id="nothing but white space"),
        pytest.param(Answer("Well, the", "length", 9, 3), "chosen: cut off at the limit of tokens", False, False, id="cut off"),
        pytest.param(Answer("Well", "content_filter", 9, 1), "chosen: withheld by the server", False, False, id="withheld"),
        pytest.param(Failed("the prompt is too long", False), "chosen: the prompt is too long", True, False, id="too long"),
        pytest.param(Failed("timed out", True), "chosen: timed out", True, True, id="a later run may get it"),
    ],
)  # fmt: skip
def test_a_fault_drops_the_pair_with_its_reason(reply, why, failed, again):
    model, _ = generator(lambda ask: reply)
    made = styles(rows("Tea?"), generator=model, **PROMPTS)
    assert (made.why[0], made.failed[0], made.again[0]) == (why, failed, again)
    assert made.columns.select("chosen", "rejected").row(0) == (None, None)


def test_a_fault_of_one_side_is_enough():
    model, _ = generator(lambda ask: "" if "formal" in ask.messages[0]["content"] else "Yes!")
    made = styles(rows("Tea?"), generator=model, **PROMPTS)
    assert made.why[0] == "rejected: empty"
    assert made.ledger["chosen_tokens"][0] == 5, "what it cost is known all the same"
    assert made.notes["empty"] == 1


def test_cut_answers_may_be_kept_and_are_counted():
    model, _ = generator(lambda ask: Answer(echo(ask), "length", 9, 3))
    made = styles(rows("Tea?"), generator=model, **PROMPTS, cut="keep")
    assert made.why[0] is None
    assert made.ledger["chosen_finish"][0] == "length"
    assert made.notes["cut off"] == 2


@pytest.mark.parametrize("prompt", [None, "", " \n"], ids=["null", "empty", "blank"])
def test_a_row_without_a_prompt_is_not_asked(prompt):
    model, asked = generator(echo)
    made = styles(rows("Tea?", prompt), generator=model, **PROMPTS)
    assert (made.why[1], made.failed[1], made.again[1]) == ("no prompt", False, False)
    assert [len(call) for call in asked] == [2]


def test_white_space_around_an_answer_is_no_part_of_it():
    model, _ = generator(lambda ask: f"\n {echo(ask)} \n")
    assert styles(rows("Tea?"), generator=model, **PROMPTS).columns["chosen"][0] == "Be warm. Tea?"


def test_another_column_may_be_what_is_asked():
    model, _ = generator(echo)
    made = styles(rows(None, title=["Why tea?"]), generator=model, **PROMPTS, column="title")
    assert made.columns["chosen"][0] == "Be warm. Why tea?"


def test_no_rows_make_no_pairs_and_open_no_engine():
    model, asked = generator(echo)
    made = styles(rows("Tea?").clear(), generator=model, **PROMPTS)
    assert made.columns.schema == dict.fromkeys(made.columns.columns, pl.String)
    assert asked == []
    assert made.notes["pairs"] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"chosen": " "}, "chosen is blank", id="blank"),
        pytest.param({"rejected": "Be warm. "}, "the same system prompt", id="the same twice"),
        pytest.param({"column": "title"}, "no column 'title'", id="no such column"),
    ],
)
def test_styles_refuses(change, sentence):
    model, _ = generator(echo)
    with pytest.raises(ValueError, match=sentence):
        styles(rows("Tea?"), generator=model, **(PROMPTS | change))


REPLIES: list[Reply] = [
    "Yes.",
    "No.",
    "",
    "Perhaps so.",
    Answer("Cut", "length", 5, 9),
    Failed("down", True),
    Failed("too long", False),
]
DRAWN = lambda ask: REPLIES[ask.seed % len(REPLIES)]  # noqa: E731


@settings(max_examples=40, deadline=None)
@given(prompts=st.lists(st.sampled_from(["Tea?", "Rain?", "", None]), max_size=8), order=st.randoms())
def test_every_row_is_accounted_for_and_their_order_does_not_matter(prompts, order):
    there = rows(*prompts)
    places = list(range(len(prompts)))
    order.shuffle(places)
    made = [styles(frame, generator=generator(DRAWN)[0], **PROMPTS) for frame in (there, there[places])]
    assert conserved(there, made[0], "chosen", "rejected")
    assert by_id(there, made[0]) == by_id(there[places], made[1])
    assert made[0].notes == made[1].notes
