"""Dialogues are held turn by turn: what the model said stands before what it is asked next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli.answer import answer as command
from curate.evaluate import dialogues
from curate.evaluate.answers import SCHEMA, AnswerError
from curate.evaluate.answers import answers as answer_prompts
from curate.evaluate.dialogues import answers, read_dialogues
from curate.evaluate.prompts import PromptsError
from curate.models.generators.ask import Answer, Failed
from tests.models.judges.scripted import scripted
from tests.train import tiny

TWO = pl.DataFrame({"id": ["a", "b"], "turns": [["Hi?", "More?", "And?"], ["Why?"]]})
AUTHORED = Path(__file__).parents[2] / "recipes" / "authored"


def test_each_turn_is_asked_after_the_answers_before_it():
    model, asked = scripted(lambda ask: f"{len(ask.messages)}: {ask.messages[-1]['content']}")
    found = answers(model, TWO)
    assert found["response"].to_list() == ["1: Hi?", "3: More?", "5: And?", "1: Why?"]
    assert found["turn"].to_list() == [0, 1, 2, 0]
    last = next(ask for ask in asked if ask.messages[-1]["content"] == "And?")
    assert [turn["content"] for turn in last.messages] == ["Hi?", "1: Hi?", "More?", "3: More?", "And?"]
    assert found["history"][2].to_list() == last.messages[:-1], "a line says itself what stood before it"
    assert found.schema == pl.Schema(SCHEMA)


def test_dialogues_go_on_together_a_turn_at_a_time():
    model, asked = scripted(lambda ask: "Yes.")
    told: list[tuple[str, int]] = []
    answers(model, TWO, samples=2, tell=lambda name, done, of, tokens: told.append((name, of)))
    assert [len(ask.messages) for ask in asked] == [1, 1, 1, 1, 3, 3, 5, 5]
    assert {name for name, _ in told} == {"script, turn 1", "script, turn 2", "script, turn 3"}
    assert len({ask.seed for ask in asked}) == 8, "each with a seed of its own"


def test_the_first_turn_is_drawn_as_a_prompt_by_itself():
    model, _ = scripted(lambda ask: str(ask.seed))
    alone = answer_prompts(model, pl.DataFrame({"id": ["a"], "prompt": ["Hi?"]}), seed=4)
    assert answers(model, TWO, seed=4)["response"][0] == alone["response"][0]


def test_after_a_turn_without_an_answer_there_is_none_and_it_is_said():
    def reply(ask):
        long = ask.messages[-1]["content"] == "More?"
        return Failed("too long", again=False) if long else Answer("Well", "length", 5, 5)

    model, asked = scripted(reply)
    found = answers(model, TWO)
    assert found["failed"].to_list() == [None, "too long", "turn 2 had no answer", None]
    assert found["response"].to_list() == ["Well", None, None, "Well"]
    assert len(asked) == 3


def test_nothing_is_asked_twice(tmp_path):
    model, asked = scripted(lambda ask: str(ask.seed))
    first = answers(model, TWO, journal=tmp_path)
    again, asked_again = scripted(lambda ask: "other")
    assert answers(again, TWO, journal=tmp_path).equals(first)
    assert (len(asked), asked_again) == (4, [])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([], "holds no dialogues", id="an empty file"),
        pytest.param([{"turns": ["Hi?"]}, {"prompt": "Hi?"}], "row 2 is no dialogue", id="a prompt"),
        pytest.param([{"turns": []}], "row 1 is no dialogue", id="no turns"),
        pytest.param([{"turns": "Hi?"}], "row 1 is no dialogue", id="a text"),
        pytest.param([{"turns": ["Hi?", " "]}], "row 1 is no dialogue", id="an empty turn"),
        pytest.param([{"turns": [{"role": "user", "content": "Hi?"}]}], "row 1 is no dialogue", id="both sides"),
    ],
)
def test_what_is_no_dialogue_is_named(tmp_path, rows, message):
    with pytest.raises(PromptsError, match=message):
        read_dialogues(tiny.write(tmp_path / "d.jsonl", rows))


def test_a_dialogue_twice_is_held_once_and_an_id_is_kept(tmp_path):
    file = tiny.write(tmp_path / "d.jsonl", [{"id": 7, "turns": ["Hi?"]}, {"turns": ["Why?"]}, {"turns": ["Why?"]}])
    found = read_dialogues(file)
    assert found["turns"].to_list() == [["Hi?"], ["Why?"]]
    assert (found["id"][0], len(found["id"][1])) == ("7", 32)
    assert read_dialogues(file, limit=1).height == 1
    with pytest.raises(AnswerError, match="samples"):
        answers(scripted(lambda ask: "")[0], found, samples=0)


def test_a_line_may_hold_marks_that_other_programs_take_for_its_end(tmp_path):
    file = tmp_path / "d.jsonl"
    file.write_text(json.dumps({"turns": ["One\u2028two?"]}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_dialogues(file)["turns"].to_list() == [["One\u2028two?"]]
    file.write_text('{"turns": ["Hi?"]}\n{"turns"\n')
    with pytest.raises(PromptsError, match="line 2, is no JSON"):
        read_dialogues(file)


def test_the_packaged_dialogues_are_ten_of_three_or_four_turns():
    turns = read_dialogues(AUTHORED / "test_dialogues.jsonl")["turns"].to_list()
    assert len(turns) == 10
    assert {len(one) for one in turns} == {3, 4}


def test_the_packaged_dialogues_are_held_out_of_all_else_that_is_packaged():
    held = [_words(turn) for one in read_dialogues(AUTHORED / "test_dialogues.jsonl")["turns"] for turn in one]
    others = [
        _words(text)
        for name in ("train", "dialogues", "dev", "test")
        for line in (AUTHORED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for text in _texts(json.loads(line))
    ]
    runs = {tuple(words[i : i + 8]) for words in others for i in range(len(words) - 7)}
    assert not [w for w in held for i in range(len(w) - 7) if tuple(w[i : i + 8]) in runs]


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def _texts(row: dict[str, Any]) -> list[str]:
    return (
        [turn["content"] for turn in row["messages"]] if "messages" in row else [row["prompt"], row.get("response", "")]
    )


def test_the_command_holds_dialogues_and_prompts(tmp_path, monkeypatch):
    model, _ = scripted(lambda ask: "Yes.")
    monkeypatch.setattr("curate.evaluate.answers._generator", lambda *_: model)
    talks = tiny.write(tmp_path / "d.jsonl", TWO.to_dicts())
    prompts = tiny.write(tmp_path / "p.jsonl", [{"prompt": "Hi?"}])
    given = ["org/model", "--out", str(tmp_path / "out"), "--dialogues", str(talks), "--json"]
    alone = CliRunner().invoke(command, given)
    assert alone.exit_code == 0, alone.output
    assert [json.loads(line)["turn"] for line in alone.output.splitlines()] == [0, 1, 2, 0]
    both = CliRunner().invoke(command, [*given, "--prompts", str(prompts)])
    assert [json.loads(line)["turn"] for line in both.output.splitlines()] == [None, 0, 1, 2, 0]
    assert dialogues.read_dialogues(talks).height == 2
