from __future__ import annotations

import polars as pl
import pytest

from curate.train.data import broken, load
from curate.train.findings import TrainError
from tests.train import tiny


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def record(row, form, tmp_path):
    return load(str(tiny.write(tmp_path / "rows.jsonl", [row])), form).rows[0].record


@pytest.mark.parametrize(
    ("form", "row", "read"),
    [
        pytest.param(
            "prompt_completion",
            {"prompt": "Hi?", "response": "Yes.", "system": "Be brief.", "url": None},
            {"prompt": [{"role": "system", "content": "Be brief."}, user("Hi?")], "completion": [assistant("Yes.")]},
            id="a curated row becomes turns",
        ),
        pytest.param(
            "prompt_completion",
            {"prompt": "And?", "response": "No.", "history": [user("Hi?"), assistant("Yes.")]},
            {"prompt": [user("Hi?"), assistant("Yes."), user("And?")], "completion": [assistant("No.")]},
            id="a dialogue's last answer",
        ),
        pytest.param(
            "prompt_completion",
            {"prompt": "### Instruction:\nHi\n", "completion": "Yes."},
            {"prompt": "### Instruction:\nHi\n", "completion": "Yes."},
            id="plain text stays plain text",
        ),
        pytest.param(
            "prompt_completion",
            {"prompt": [{**user("Hi?"), "name": None}], "completion": [assistant("Yes.")]},
            {"prompt": [user("Hi?")], "completion": [assistant("Yes.")]},
            id="turns keep their two keys",
        ),
        pytest.param(
            "preference",
            {"prompt": "Hi?", "chosen": "Oh, hi!", "rejected": "Good day."},
            {"prompt": [user("Hi?")], "chosen": [assistant("Oh, hi!")], "rejected": [assistant("Good day.")]},
            id="a pair of plain texts becomes turns",
        ),
        pytest.param(
            "preference",
            {"prompt": [user("Hi?")], "chosen": "Oh, hi!", "rejected": [assistant("Good day.")]},
            {"prompt": [user("Hi?")], "chosen": [assistant("Oh, hi!")], "rejected": [assistant("Good day.")]},
            id="a text beside turns",
        ),
    ],
)
def test_rows_are_read_in_the_form_a_stage_takes(form, row, read, tmp_path):
    assert record(row, form, tmp_path) == read


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        pytest.param("prompt_completion", "{not json", "line 2: is not a JSON object", id="not JSON"),
        pytest.param("prompt_completion", "[1]", "line 2: is not a JSON object", id="a list"),
        pytest.param(
            "prompt_completion", '{"prompt": "Hi"}', r"has no 'completion' \(it has: prompt\)", id="no answer"
        ),
        pytest.param("prompt_completion", '{"response": "Hi"}', "has no 'prompt'", id="no prompt"),
        pytest.param(
            "prompt_completion", '{"messages": []}', r"write the set with formats: \[prompt_completion\]", id="messages"
        ),
        pytest.param(
            "prompt_completion",
            '{"prompt": [{"role": "user"}], "completion": []}',
            "'prompt' is not a list of turns, each with role and content as text",
            id="a turn without content",
        ),
        pytest.param("prompt_completion", '{"prompt": "Hi", "completion": [1]}', "'prompt' is not a list", id="mixed"),
        pytest.param("preference", '{"prompt": "a", "chosen": "b"}', "has no 'rejected'", id="half a pair"),
        pytest.param(
            "preference", '{"prompt": 3, "chosen": "b", "rejected": "c"}', "'prompt' is not a list", id="number"
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(form, line, message, tmp_path):
    file = tmp_path / "rows.jsonl"
    good = {"prompt_completion": tiny.answers(1), "preference": tiny.pairs(1)}[form]
    tiny.write(file, good)
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(TrainError, match=message):
        load(str(file), form)


SAME = {"prompt": [user("Hi")], "chosen": [assistant("Yes")], "rejected": [assistant("Yes ")]}
LATE = [user("a"), {"role": "system", "content": "b"}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"prompt": [user("Hi")], "completion": [assistant(" \n")]}, "the completion is empty", id="empty"),
        pytest.param({"prompt": [user("")], "completion": [assistant("Yes")]}, "the prompt is empty", id="no question"),
        pytest.param({"prompt": " ", "completion": "Yes"}, "the prompt is empty", id="empty text"),
        pytest.param({"prompt": [user("a")], "completion": []}, "the completion is empty", id="no turn at all"),
        pytest.param({"prompt": [assistant("a")], "completion": [assistant("b")]}, "roles are out of", id="answer first"),
        pytest.param({"prompt": [user("a")] * 2, "completion": [assistant("b")]}, "roles are out of", id="two questions"),
        pytest.param({"prompt": LATE, "completion": [assistant("c")]}, "roles are out of", id="a late system turn"),
        pytest.param({"prompt": [user("Hi")], "completion": [user("Yes")]}, "roles are out of", id="user answers"),
        pytest.param(SAME, "chosen and rejected are equal in 1 of the rows", id="chosen like rejected"),
    ],
)  # fmt: skip
def test_a_row_that_teaches_nothing_is_named_by_its_id(row, message, tmp_path):
    form, rows = ("preference", tiny.pairs(2)) if "chosen" in row else ("prompt_completion", tiny.answers(2))
    if isinstance(row["prompt"], str):
        rows = [{"prompt": "a", "completion": "b"}] * 2
    (finding,) = broken(load(str(tiny.write(tmp_path / "rows.jsonl", [*rows, {"id": "bad", **row}])), form))
    assert finding.level == "stop"
    assert message in finding.message
    assert "bad (line 3)" in finding.message
    assert finding.detail == {"ids": ["bad"]}


@pytest.mark.parametrize("form", ["prompt_completion", "preference"])
def test_good_rows_pass(form, tmp_path):
    rows = tiny.answers(4) if form == "prompt_completion" else tiny.pairs(4)
    rows[0]["prompt"] = [{"role": "system", "content": "Be brief."}, user("Hi"), assistant("Hi"), user("So?")]
    assert broken(load(str(tiny.write(tmp_path / "rows.jsonl", rows)), form)) == []


def test_a_row_without_an_id_goes_by_its_line(tmp_path):
    file = tiny.write(tmp_path / "rows.jsonl", [{"prompt": "Hi", "response": ""}])
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
    assert data.file.name == "train.parquet"
    assert data.rows[2].record == {"prompt": [user("2?")], "completion": [assistant("2.")]}
    tiny.write(tmp_path / "train.prompt_completion.jsonl", tiny.answers(2))
    assert load(str(tmp_path), "prompt_completion").in_file == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no data nothing: name a folder"),
        ("empty", "holds no train.jsonl: is its run finished?"),
        ("rows.txt", "is neither .jsonl nor .parquet"),
        ("none.jsonl", "holds no rows"),
        ("broken.parquet", "cannot be read"),
    ],
)
def test_data_that_is_not_there_is_told_in_a_sentence(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("rows.txt", "none.jsonl"):
        (tmp_path / file).write_text("\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(TrainError, match=message):
        load(name, "prompt_completion")
