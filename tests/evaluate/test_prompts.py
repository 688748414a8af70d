"""Prompts and dialogues are read whole, each with an id, and what is none is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curate.evaluate.prompts import PromptsError, read_dialogues, read_prompts
from curate.turns import lean, turn
from tests.train import tiny

AUTHORED = Path(__file__).parents[2] / "recipes" / "authored"
BRIEF, HI, YES = (
    {"role": role, "content": text} for role, text in (("system", "Be brief."), ("user", "Hi?"), ("assistant", "Yes?"))
)


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        pytest.param({"prompt": "Hi?"}, {"prompt": "Hi?"}, id="a text"),
        pytest.param({"prompt": [BRIEF, HI]}, {"prompt": "Hi?", "system": "Be brief."}, id="turns, as TRL has them"),
        pytest.param({"prompt": [HI, YES, HI]}, {"prompt": "Hi?", "history": [HI, YES]}, id="a dialogue"),
    ],
)
def test_prompts_are_texts_or_turns(tmp_path, row, prompt):
    [read] = read_prompts(tiny.write(tmp_path / "p.jsonl", [row])).to_dicts()
    assert len(read.pop("id")) == 32
    history = read.pop("history", None)
    assert read | ({"history": list(map(lean, history))} if history else {}) == prompt


def test_a_folder_gives_its_dev_prompts_and_a_row_twice_is_asked_once(tmp_path):
    tiny.write(tmp_path / "test_prompts.jsonl", [{"prompt": "Of the test?"}])
    assert read_prompts(tmp_path)["prompt"].to_list() == ["Of the test?"]
    tiny.write(tmp_path / "dev.jsonl", [{"id": i, "prompt": f"{i}?"} for i in (7, 3, 7)])
    assert read_prompts(tmp_path).to_dicts() == [{"id": "7", "prompt": "7?"}, {"id": "3", "prompt": "3?"}]
    assert read_prompts(tmp_path, limit=1).height == 1


def test_other_prompts_and_dialogues_under_one_id_are_all_asked(tmp_path):
    rows = [{"id": 1, "prompt": text} for text in ("Why?", "How?", "Why?", "Who?")]
    asked = read_prompts(tiny.write(tmp_path / "some.jsonl", rows))
    assert asked["prompt"].to_list() == ["Why?", "How?", "Who?"]
    assert asked["id"].n_unique() == 3 and asked["id"][0] == "1"
    talks = [{"id": "a", "turns": turns} for turns in (["Hi!"], ["Hi!", "And?"], ["Hi!"])]
    assert read_dialogues(tiny.write(tmp_path / "talks.jsonl", talks))["turns"].to_list() == [["Hi!"], ["Hi!", "And?"]]


def test_a_dialogue_twice_is_held_once_and_an_id_is_kept(tmp_path):
    file = tiny.write(tmp_path / "d.jsonl", [{"id": 7, "turns": ["Hi?"]}, {"turns": ["Why?"]}, {"turns": ["Why?"]}])
    rows = read_dialogues(file)
    assert rows["turns"].to_list() == [["Hi?"], ["Why?"]]
    assert (rows["id"][0], len(rows["id"][1])) == ("7", 32)
    assert read_dialogues(file, limit=1).height == 1


@pytest.mark.parametrize(
    ("read", "rows", "message"),
    [
        pytest.param(read_prompts, [], "holds no prompts", id="no prompts"),
        pytest.param(read_prompts, [{"prompt": "Hi?"}, {"question": "Hi?"}], "row 2 has no prompt", id="another column"),
        pytest.param(read_prompts, [{"prompt": [YES]}], "row 1 has no prompt", id="no user's turn"),
        pytest.param(read_prompts, ["text"], "row 1 has no prompt", id="no object"),
        pytest.param(read_dialogues, [], "holds no dialogues", id="no dialogues"),
        pytest.param(read_dialogues, [{"turns": ["Hi?"]}, {"prompt": "Hi?"}], "row 2 is no dialogue", id="a prompt"),
        pytest.param(read_dialogues, [{"turns": []}], "row 1 is no dialogue", id="no turns"),
        pytest.param(read_dialogues, [{"turns": "Hi?"}], "row 1 is no dialogue", id="a text for turns"),
        pytest.param(read_dialogues, [{"turns": ["Hi?", " "]}], "row 1 is no dialogue", id="an empty turn"),
        pytest.param(read_dialogues, [{"turns": [HI]}], "row 1 is no dialogue", id="both sides"),
    ],
)  # fmt: skip
def test_a_row_that_is_none_is_named(tmp_path, read, rows, message):
    with pytest.raises(PromptsError, match=message):
        read(tiny.write(tmp_path / "p.jsonl", rows))


def test_prompts_that_are_not_there_are_told(tmp_path):
    for path, message in ((tmp_path / "nothing", "there are no prompts"), (tmp_path, "holds no dev prompts")):
        with pytest.raises(PromptsError, match=message):
            read_prompts(path)


def test_a_line_may_hold_marks_that_other_programs_take_for_its_end(tmp_path):
    file = tmp_path / "d.jsonl"
    file.write_text(json.dumps({"turns": ["One\u2028two?"]}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_dialogues(file)["turns"].to_list() == [["One\u2028two?"]]
    file.write_text('{"turns": ["Hi?"]}\n{"turns"\n')
    with pytest.raises(PromptsError, match="line 2, is no JSON"):
        read_dialogues(file)


def test_the_packaged_dialogues_are_ten_of_three_or_four_turns_and_held_out_of_all_else():
    dialogues = read_dialogues(AUTHORED / "test_dialogues.jsonl")["turns"].to_list()
    assert len(dialogues) == 10
    assert {len(turns) for turns in dialogues} == {3, 4}
    others = [
        text
        for name in ("train", "dialogues", "dev", "test")
        for line in (AUTHORED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for text in _texts(json.loads(line))
    ]
    assert not _runs(turn for turns in dialogues for turn in turns) & _runs(others)


def _runs(texts: Any) -> set[tuple[str, ...]]:
    """Collect the runs of eight words."""
    split = ("".join(c if c.isalnum() else " " for c in text.lower()).split() for text in texts)
    return {tuple(words[i : i + 8]) for words in split for i in range(len(words) - 7)}


def _texts(row: dict[str, Any]) -> list[str]:
    turns = row.get("messages") or [{"content": row["prompt"]}, {"content": row.get("response", "")}]
    return [turn["content"] for turn in turns]


def test_turns_of_a_prompt_are_read_whole(tmp_path):
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Bergen"}}}
    called = {"role": "assistant", "content": None, "reasoning_content": "look", "tool_calls": [call]}
    result = {"role": "tool", "content": "12", "tool_call_id": "1", "name": "weather"}
    asked = {"role": "user", "content": "And now?", "name": "ann"}
    row = {"prompt": [BRIEF, HI, called, result, YES, asked], "tools": [{"name": "weather"}]}
    [read] = read_prompts(tiny.write(tmp_path / "p.jsonl", [row])).to_dicts()
    written = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}
    assert list(map(lean, read["history"])) == [
        HI, turn("assistant", thinking="look", tool_calls=[written]), result, YES,
    ]  # fmt: skip
    assert (read["system"], read["prompt"], read["prompt_name"]) == ("Be brief.", "And now?", "ann")
    assert json.loads(read["tools"]) == [{"name": "weather"}]
