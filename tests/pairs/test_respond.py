"""One answer to every row."""

from __future__ import annotations

import pytest

from curate.models.generators.ask import Answer, Failed
from curate.pairs import respond
from tests.pairs.own import Reply, conserved, generator, said
from tests.pairs.test_styles import rows


def test_every_prompt_is_answered_once():
    model, asked = generator(lambda ask: f"Why, {said(ask)}", name="mine")
    made = respond(rows("Tea?", "Rain?"), generator=model)
    assert made.columns["response"].to_list() == ["Why, Tea?", "Why, Rain?"]
    assert made.ledger.row(0, named=True) == {"generator": "mine", "finish": "stop", "prompt_tokens": 10, "tokens": 5}
    assert made.notes == {"answers": 2, "prompt tokens": 20, "tokens": 10, "rows answered": 2}
    assert [len(call) for call in asked] == [2]


@pytest.mark.parametrize(
    ("system", "asked_with", "kept"),
    [
        pytest.param(None, "Be a pirate.", True, id="the row's own is asked with, and stays"),
        pytest.param("Be brief.", "Be brief.", False, id="one for all stands in its place, and no row keeps any"),
    ],
)
def test_the_system_prompt(system, asked_with, kept):
    model, asked = generator(lambda ask: "Aye.")
    made = respond(rows("Tea?", system=["Be a pirate."]), generator=model, system=system)
    assert asked[0][0].messages[0] == {"role": "system", "content": asked_with}
    assert kept == ("system" not in made.columns.columns)
    assert kept or made.columns["system"][0] is None


def test_faults_drop_the_row_with_their_reason():
    replies: dict[str, Reply] = {"a": "", "b": Answer("Well", "length", 5, 9), "c": Failed("down", True), "d": "Fine."}
    there = rows(*replies, None)
    made = respond(there, generator=generator(lambda ask: replies[said(ask)])[0])
    assert made.why.to_list() == ["empty", "cut off at the limit of tokens", "down", None, "no prompt"]
    assert made.failed.to_list() == made.again.to_list() == [False, False, True, False, False]
    assert conserved(there, made, "response")


def test_a_blank_system_prompt_is_refused():
    with pytest.raises(ValueError, match="the system prompt is blank"):
        respond(rows("Tea?"), generator=generator(said)[0], system=" ")
