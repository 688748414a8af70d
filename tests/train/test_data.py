from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings

from curate.report.formats import to_jsonl
from curate.train.data import broken, dataset, hold_out, load
from curate.train.findings import TrainError, refuse
from curate.turns import OPTIONAL, TURNS, cut, reply, turn
from tests.conversations import conversations
from tests.train import tiny


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def records(row, form, tmp_path, name="rows.jsonl"):
    file = tmp_path / name
    if name.endswith(".parquet"):
        optional = {key: dtype for key, dtype in OPTIONAL.items() if key in row}
        pl.DataFrame(
            [row], schema_overrides={**optional, **({"history": TURNS} if "history" in row else {})}
        ).write_parquet(file)
    else:
        tiny.write(file, [row])
    return [row.record for row in load(str(file), form).rows]


SYSTEM = {"role": "system", "content": "Be brief."}
DIALOGUE = [SYSTEM, user("Hi?"), assistant("Yes."), user("So?"), assistant("No.")]
TWO = [
    {"prompt": DIALOGUE[:2], "completion": DIALOGUE[2:3]},
    {"prompt": DIALOGUE[:4], "completion": DIALOGUE[4:]},
]
PAIR = {"prompt": [user("Hi?")], "chosen": [assistant("Oh, hi!")], "rejected": [assistant("Good day.")]}


@pytest.mark.parametrize(
    ("form", "row", "read"),
    [
        pytest.param(
            "prompt_completion",
            {"prompt": "Hi?", "response": "Yes.", "system": "Be brief.", "url": None},
            TWO[:1],
            id="a curated row becomes turns",
        ),
        pytest.param(
            "prompt_completion",
            {"system": "Be brief.", "history": DIALOGUE[1:3], "prompt": "So?", "response": "No."},
            TWO,
            id="a dialogue is a record an answer",
        ),
        pytest.param("prompt_completion", {"messages": DIALOGUE}, TWO, id="messages"),
        pytest.param(
            "prompt_completion",
            {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yes."}]},
            [{"prompt": [user("Hi?")], "completion": [assistant("Yes.")]}],
            id="ShareGPT",
        ),
        pytest.param(
            "prompt_completion",
            {"instruction": "Add.", "input": "2, 2", "output": "4", "text": "…"},
            [{"prompt": [user("Add.\n\n### Input:\n2, 2")], "completion": [assistant("4")]}],
            id="Alpaca, with the heading of its own form",
        ),
        pytest.param(
            "prompt_completion",
            {"instruction": "So?", "input": "", "output": "No.", "history": [["Hi?", "Yes."]]},
            [
                {"prompt": [user("Hi?")], "completion": [assistant("Yes.")]},
                {"prompt": [user("Hi?"), assistant("Yes."), user("So?")], "completion": [assistant("No.")]},
            ],
            id="Alpaca with earlier turns",
        ),
        pytest.param(
            "prompt_completion",
            {"question": "Hi?", "answer": "Yes."},
            [{"prompt": [user("Hi?")], "completion": [assistant("Yes.")]}],
            id="columns of other names",
        ),
        pytest.param("prompt_completion", TWO[1], TWO[1:], id="turns that are cut already: the completion alone"),
        pytest.param(
            "prompt_completion",
            {"prompt": "### Instruction:\nHi\n", "completion": "Yes."},
            [{"prompt": "### Instruction:\nHi\n", "completion": "Yes."}],
            id="plain text stays plain text",
        ),
        pytest.param(
            "prompt_completion",
            {"prompt": [{**user("Hi?"), "name": None}], "completion": "Yes."},
            [{"prompt": [user("Hi?")], "completion": [assistant("Yes.")]}],
            id="a text beside turns, and nulls",
        ),
        pytest.param("preference", {**PAIR, "prompt": "Hi?", "chosen": "Oh, hi!", "rejected": "Good day."}, [PAIR], id="a pair of plain texts"),
        pytest.param("preference", {**PAIR, "chosen": "Oh, hi!"}, [PAIR], id="a pair of a text and turns"),
        pytest.param(
            "preference",
            {"chosen": [user("Hi?"), assistant("Oh, hi!")], "rejected": [user("Hi?"), assistant("Good day.")]},
            [PAIR],
            id="whole conversations without a prompt (B15)",
        ),
        pytest.param(
            "preference",
            {"prompt": "Hi?", "chosen": [user("Hi?"), assistant("Oh, hi!")], "rejected": [user("Hi?"), assistant("Good day.")]},
            [PAIR],
            id="whole conversations beside their prompt (UltraFeedback binarised)",
        ),
        pytest.param(
            "preference",
            {"chosen": "\n\nHuman: Hi?\n\nAssistant: Oh, hi!", "rejected": "\n\nHuman: Hi?\n\nAssistant: Good day."},
            [PAIR],
            id="transcripts",
        ),
        pytest.param("unpaired", {**TWO[0], "label": 1}, [{**TWO[0], "label": True}], id="a verdict on turns"),
        pytest.param("unpaired", {"messages": DIALOGUE, "label": False}, [{**TWO[1], "label": False}], id="on a dialogue"),
        pytest.param("unpaired", {"prompt": "a", "completion": "b", "label": True}, [{"prompt": "a", "completion": "b", "label": True}], id="on text"),
        pytest.param("prompts", {"prompt": DIALOGUE[:4]}, [{"prompt": DIALOGUE[:4]}], id="a prompt in turns"),
        pytest.param("prompts", {"prompt": "Hi?"}, [{"prompt": [user("Hi?")]}], id="a prompt"),
        pytest.param("prompts", TWO[1], [{"prompt": DIALOGUE[:4]}], id="the prompt of an answer"),
        pytest.param("prompts", {"messages": DIALOGUE}, [{"prompt": DIALOGUE[:4]}], id="the prompt of a dialogue"),
        pytest.param("prompts", PAIR, [{"prompt": [user("Hi?")]}], id="the prompt of a pair"),
    ],
)  # fmt: skip
def test_rows_are_read_in_the_form_a_stage_takes(form, row, read, tmp_path):
    assert records(row, form, tmp_path) == read


CALL = turn("assistant", tool_calls=[{"id": "call00001", "name": "weather", "arguments": '{"city": "Bergen"}'}])
CALLED = {"role": "assistant", "content": "", "tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "weather", "arguments": {"city": "Bergen"}}}]}  # fmt: skip
RAIN = {"role": "tool", "content": "rain", "tool_call_id": "call00001"}
TOOLS = '[{"type": "function", "function": {"name": "weather"}}]'
WEATHER = [user("Bergen?"), CALL, RAIN, turn("assistant", "It rains.", thinking="Rain, then.")]
RAINS = {"role": "assistant", "content": "It rains.", "reasoning_content": "Rain, then.", "thinking": "Rain, then."}


@pytest.mark.parametrize(
    ("form", "row", "read"),
    [
        pytest.param(
            "prompt_completion",
            {**cut(WEATHER), "tools": TOOLS},
            [
                {"prompt": WEATHER[:1], "completion": [CALLED], "tools": TOOLS},
                {"prompt": [WEATHER[0], CALLED, RAIN], "completion": [RAINS], "tools": TOOLS},
            ],
            id="what a tool answers is context, the call and the answer are trained",
        ),
        pytest.param(
            "prompt_completion",
            {**cut([*DIALOGUE[:2], turn("assistant", "Bad.", loss=False), *DIALOGUE[3:]]), "tools": "[]"},
            [{"prompt": [*DIALOGUE[:2], assistant("Bad."), user("So?")], "completion": [assistant("No.")]}],
            id="a masked turn is context; an empty list of tools is none",
        ),
        pytest.param(
            "preference",
            {**cut(WEATHER, "chosen"), **reply([*WEATHER[1:3], turn("assistant", "No idea.")], "rejected"), "tools": TOOLS},
            [{"prompt": [WEATHER[0], CALLED, RAIN], "chosen": [RAINS], "rejected": [assistant("No idea.")], "tools": TOOLS}],
            id="the turns in which both answers begin are the prompt's",
        ),
        pytest.param("prompts", {**cut(WEATHER), "tools": TOOLS}, [{"prompt": WEATHER[:1], "tools": TOOLS}], id="a prompt with tools"),
        pytest.param(
            "unpaired",
            {**cut(WEATHER), "label": True},
            [{"prompt": WEATHER[:1], "completion": [CALLED, RAIN, RAINS], "label": True}],
            id="all of an answer has one verdict",
        ),
    ],
)  # fmt: skip
def test_calls_thoughts_and_masks_of_a_set_are_read(form, row, read, tmp_path):
    assert records({k: v for k, v in row.items() if v is not None}, form, tmp_path, "train.parquet") == read


def test_the_answers_of_a_dialogue_have_names_of_their_own(tmp_path):
    rows = [{"id": "a", "messages": DIALOGUE}, {"id": "b", "messages": DIALOGUE[:3]}]
    data = load(str(tiny.write(tmp_path / "a.jsonl", rows)), "prompt_completion")
    assert [row.name for row in data.rows] == ["a (line 1, turn 3)", "a/2 (line 1, turn 5)", "b (line 2)"]
    cut_already = tiny.write(tmp_path / "b.jsonl", [{"id": "a", **record} for record in TWO])
    assert [row.id for row in load(str(cut_already), "prompt_completion").rows] == ["a", "a/2"]
    assert data.in_file == 3


def test_a_dialogue_is_held_out_whole(tmp_path):
    rows = [{"id": str(i), "messages": [user(f"{i}?"), *DIALOGUE[2:]]} for i in range(40)]
    rest, held_out = hold_out(load(str(tiny.write(tmp_path / "a.jsonl", rows)), "prompt_completion"), 0.3)
    sides = [{row.record["prompt"][0]["content"] for row in side.rows} for side in (rest, held_out)]
    assert not sides[0] & sides[1]
    assert sum(map(len, sides)) == 40


def test_rows_with_no_turn_to_train_on_are_counted(tmp_path):
    masked = {"id": "masked", **cut([user("Hi?"), turn("assistant", "Bad.", loss=False)])}
    unanswered = {"id": "blank", **cut([user("Hi?"), assistant(" ")])}
    rows = [masked, unanswered, {"id": "good", **cut([user("Hi?"), assistant("Yes.")])}]
    pl.DataFrame(rows, schema_overrides=OPTIONAL).write_parquet(tmp_path / "train.parquet")
    data = load(str(tmp_path), "prompt_completion")
    (finding,) = broken(data)
    assert [row.id for row in data.rows] == ["good"]
    assert finding.detail == {"ids": ["masked", "blank"]}
    assert "2 rows of" in finding.message
    assert "masked (row 1), blank (row 2)" in finding.message


def test_turns_reach_trl_with_their_own_fields_alone(tmp_path):
    pl.DataFrame([{"id": "plain", **cut(DIALOGUE)}, {"id": "weather", **cut(WEATHER), "tools": TOOLS}], schema_overrides=OPTIONAL).write_parquet(tmp_path / "train.parquet")  # fmt: skip
    rows = load(str(tmp_path), "prompt_completion").rows
    table = dataset(rows)
    assert [{k: v for k, v in row.items() if v is not None} for row in table] == [
        {"id": r.id, **r.record} for r in rows
    ]
    assert table[0]["tools"] is None  # the first row has none, the third one has
    assert table[2]["tools"] == TOOLS


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.parquet"])
def test_files_of_each_kind_are_read(name, tmp_path):
    rows = [{"id": "a", "messages": DIALOGUE}]
    file = tmp_path / name
    if name.endswith("parquet"):
        pl.DataFrame(rows).write_parquet(file)
    else:
        file.write_text(json.dumps(rows) if name == "rows.json" else json.dumps(rows[0]), encoding="utf-8")
    assert [row.record for row in load(str(file), "prompt_completion").rows] == TWO


@pytest.mark.parametrize("format_", ["prompt_completion", "messages", "sharegpt"])
def test_every_format_of_a_set_trains_the_same(format_, tmp_path):
    row = {"id": "a", **cut(DIALOGUE)}
    (tmp_path / "train.jsonl").write_text(to_jsonl(pl.DataFrame([row], schema_overrides=OPTIONAL), format_), "utf-8")
    rows = load(str(tmp_path), "prompt_completion").rows
    assert [row.record for row in rows] == TWO
    assert [row.id for row in rows] == ["a", "a/2"]


@pytest.mark.parametrize(
    ("form", "formats"),
    [
        ("prompt_completion", ["prompt_completion", "messages"]),
        ("preference", ["preference", "implicit"]),
        ("unpaired", ["unpaired"]),
        ("prompts", ["prompts"]),
    ],
)
@settings(max_examples=20, deadline=None)
@given(turns=conversations())
def test_whatever_a_set_holds_trains_the_same_from_every_format(form, formats, turns, tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    sides = {"chosen": "a", "rejected": "b", "chosen_turns": None, "rejected_turns": None}
    row = {"id": "a", **cut(turns), "tools": TOOLS, "label": True}
    if form == "preference":
        row |= {**sides, **reply(turns[-1:], "chosen"), "response": None, "response_turns": None}
    rows = pl.DataFrame([row], schema_overrides=OPTIONAL | {"history": TURNS, "response": pl.String})
    rows.write_parquet(folder / "train.parquet")
    whole = trained(folder / "train.parquet", form)
    for format_ in formats:
        (folder / "train.jsonl").write_text(to_jsonl(rows, format_), encoding="utf-8")
        assert trained(folder / "train.jsonl", form) == whole


def trained(file, form):
    try:
        return [row.record for row in load(str(file), form).rows]
    except TrainError as error:
        assert "holds no rows" in str(error)  # all of its turns are masked
        return []


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        pytest.param("prompt_completion", "{not json", "line 2: is not a JSON object", id="not JSON"),
        pytest.param("prompt_completion", "[1]", "line 2: is not a JSON object", id="a list"),
        pytest.param("prompt_completion", '{"response": "Hi"}', "line 2: ", id="no prompt"),
        pytest.param("prompt_completion", '{"prompt": [{"role": "user"}], "completion": []}', "line 2: prompt", id="a turn without content"),
        pytest.param("prompt_completion", '{"prompt": [{"role": "assistant", "content": "a"}], "completion": "b"}', "line 2: ", id="answer first"),
        pytest.param("prompt_completion", '{"prompt": "Hi", "completion": [1]}', "line 2: ", id="no turn"),
        pytest.param("preference", '{"prompt": "a", "chosen": "b"}', "line 2: ", id="half a pair"),
        pytest.param("preference", '{"chosen": [1], "rejected": "c"}', "line 2: ", id="a number for a turn"),
        pytest.param("unpaired", '{"prompt": [{"role": "user", "content": "a"}], "completion": "b"}', r"line 2: has no 'label' \(it has: completion, prompt\)", id="no verdict"),
        pytest.param("unpaired", '{"prompt": "a", "completion": "b", "label": "good"}', "true or false, not 'good'", id="a word for a verdict"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named(form, line, message, tmp_path):
    file = tmp_path / "rows.jsonl"
    verdict = {**tiny.answers(1)[0], "label": True}
    tiny.write(file, {"prompt_completion": tiny.answers(1), "preference": tiny.pairs(1), "unpaired": [verdict]}[form])
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(TrainError, match=message):
        load(str(file), form)


ROW = {"prompt": "b", "response": "c"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"prompt": 3, "response": "a"}, "line 1: .*prompt", id="a number"),
        pytest.param({"prompt": "a", "response": "b", "history": "c"}, "line 1", id="a text for turns"),
        pytest.param({"prompt": "a", "response": "b", "tools": "c"}, "line 1: .*tools", id="tools"),
        pytest.param({**ROW, "history": [assistant("a")]}, "line 1", id="answer first"),
        pytest.param({**ROW, "history": [user("a")]}, "line 1", id="two questions"),
        pytest.param({**ROW, "history": [user("a"), SYSTEM]}, "line 1", id="a late system turn"),
        pytest.param({**ROW, "history": [user("a"), assistant("")]}, "line 1", id="an empty turn"),
    ],
)  # fmt: skip
def test_turns_and_columns_that_cannot_be_are_named(row, message, tmp_path):
    with pytest.raises(TrainError, match=message):
        refuse(broken(load(str(tiny.write(tmp_path / "rows.jsonl", [row])), "prompt_completion")), force=False)


def test_rows_of_two_forms_are_no_set(tmp_path):
    rows = [{"prompt": "a", "completion": "b"}, {"prompt": "a", "response": "b"}]
    with pytest.raises(
        TrainError, match="line 1 has prompt, completion as text; line 2 has prompt, completion as turns"
    ):
        load(str(tiny.write(tmp_path / "rows.jsonl", rows)), "prompt_completion")


SAME = {"prompt": "Hi", "chosen": "Yes", "rejected": "Yes "}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"prompt": "", "response": "Yes"}, "the prompt is empty", id="no question"),
        pytest.param({"prompt": " ", "completion": "Yes"}, "the prompt is empty", id="empty text"),
        pytest.param({"prompt": "Hi", "completion": " "}, "the completion is empty", id="empty answer"),
        pytest.param(SAME, "chosen and rejected are equal in 1 of the rows", id="chosen like rejected"),
        pytest.param({**SAME, "rejected": ""}, "the rejected is empty", id="half a pair"),
    ],
)  # fmt: skip
def test_a_row_that_teaches_nothing_is_named_by_its_id(row, message, tmp_path):
    form = "preference" if "chosen" in row else "prompt_completion"
    good = {"preference": {**SAME, "rejected": "No"}, "prompt_completion": ROW}[form]
    if "completion" in row:
        good = {"prompt": "a", "completion": "b"}
    data = load(str(tiny.write(tmp_path / "rows.jsonl", [good, good, {"id": "bad", **row}])), form)
    findings = [finding for finding in broken(data) if message in finding.message]
    assert [finding.level for finding in findings] == ["stop"]
    assert "(line 3" in findings[0].message
    assert findings[0].detail["ids"][-1].startswith("bad")


@pytest.mark.parametrize("form", ["prompt_completion", "preference"])
def test_good_rows_pass(form, tmp_path):
    rows = tiny.answers(4) if form == "prompt_completion" else tiny.pairs(4)
    rows[0]["prompt"] = [{"role": "system", "content": "Be brief."}, user("Hi"), assistant("Hi"), user("So?")]
    assert broken(load(str(tiny.write(tmp_path / "rows.jsonl", rows)), form)) == []


def test_a_row_without_an_id_goes_by_its_line(tmp_path):
    file = tiny.write(tmp_path / "rows.jsonl", [{"prompt": "", "response": "Hi"}])
    assert "line 1." in broken(load(str(file), "prompt_completion"))[0].message


def test_the_first_rows_are_taken(tmp_path):
    file = str(tiny.write(tmp_path / "rows.jsonl", tiny.answers(10)))
    some = load(file, "prompt_completion", 4)
    assert [row.id for row in some.rows] == ["row0", "row1", "row2", "row3"]
    assert some.in_file == 10
    with pytest.raises(TrainError, match=r"rows: 11 are asked for, and .* holds 10"):
        load(file, "prompt_completion", 11)


def test_a_folder_gives_the_file_whose_form_fits(tmp_path):
    curated = [{"id": str(i), "prompt": f"{i}?", "response": f"{i}."} for i in range(3)]
    pl.DataFrame(curated).write_parquet(tmp_path / "train.parquet")
    messages = [{"id": r["id"], "messages": [user(r["prompt"]), assistant(r["response"])]} for r in curated]
    tiny.write(tmp_path / "train.jsonl", messages)
    data = load(str(tmp_path), "prompt_completion")
    assert data.file.name == "train.jsonl"
    assert data.rows[2].record == {"prompt": [user("2?")], "completion": [assistant("2.")]}
    tiny.write(tmp_path / "train.prompt_completion.jsonl", tiny.answers(2))
    assert load(str(tmp_path), "prompt_completion").in_file == 2
    pl.DataFrame([{**row, "chosen": "a", "rejected": "b"} for row in curated]).write_parquet(tmp_path / "train.parquet")
    assert load(str(tmp_path), "preference").file.name == "train.parquet"
    tiny.write(tmp_path / "train.kto.jsonl", [{**tiny.answers(1)[0], "label": True}])
    assert load(str(tmp_path), "unpaired").file.name == "train.kto.jsonl"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no data nothing: name a folder"),
        ("empty", "holds no train.jsonl: is its run finished?"),
        ("rows.txt", "is neither .jsonl, .json nor .parquet"),
        ("rows.json", "is not a JSON list of rows"),
        ("none.jsonl", "holds no rows"),
        ("broken.parquet", "cannot be read"),
    ],
)
def test_data_that_is_not_there_is_told_in_a_sentence(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("rows.txt", "none.jsonl", "rows.json"):
        (tmp_path / file).write_text("\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(TrainError, match=message):
        load(name, "prompt_completion")
