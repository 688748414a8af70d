from __future__ import annotations

import json

import polars as pl
import pytest

from curate.cache import Cache
from curate.evaluate.answers import SCHEMA
from curate.evaluate.grades import GradesError, grade, read_answers, read_comparisons, read_grades, write_lines
from curate.models.judges import verdict
from tests.evaluate.grades.made import LENGTH, answers, dialogue
from tests.models.judges.scripted import scripted
from tests.train import tiny


def test_what_curate_answers_is_read_as_it_is(tmp_path):
    rows = pl.concat([answers("a", None), dialogue("Yes.", "No.")])
    (tmp_path / "mine").mkdir()
    file = tiny.write(tmp_path / "mine" / "answers.jsonl", rows.to_dicts())
    result = read_answers([file])
    assert result.select(list(SCHEMA)).equals(rows)
    assert result["arm"].unique().to_list() == ["mine"]
    assert read_answers([f"yours={file}"])["arm"].unique().to_list() == ["yours"]


def test_answers_of_other_programs_get_ids_and_samples(tmp_path):
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi?"}]
    lines = [{"prompt": "Why?", "response": text} for text in ("a", "b")] + [{"prompt": turns, "response": "c", "x": 1}]
    result = read_answers([tiny.write(tmp_path / "other.jsonl", lines)])
    assert result["sample"].to_list() == [0, 1, 0]
    assert result["id"].n_unique() == 2
    assert result["system"].to_list() == [None, None, "Be brief."]
    assert set(result["arm"]) == {"other"}
    parquet = tmp_path / "other.parquet"
    pl.DataFrame([{"prompt": "Why?", "response": "a"}]).write_parquet(parquet)
    assert read_answers([parquet])["id"][0] == result["id"][0]


def test_arms_and_checkpoints_are_part_of_the_name(tmp_path):
    lines = [{"prompt": "Why?", "response": "a", "checkpoint": f"checkpoint-{n}", "epoch": n} for n in (1, 2)]
    lines.append({"prompt": "Why?", "response": "a", "arm": "random", "seed": 2})
    result = read_answers([tiny.write(tmp_path / "run.jsonl", lines)])
    assert result.select("arm", "seed").rows() == [("run checkpoint-1", 0), ("run checkpoint-2", 0), ("run random", 2)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"response": "a"}, "row 1 has no prompt", id="no prompt"),
        pytest.param({"prompt": "Why?"}, "row 1 is no answer", id="no answer"),
        pytest.param({"prompt": "Why?", "response": ["a"]}, "row 1 is no answer", id="a list"),
        pytest.param({"prompt": "Why?", "response": "a", "turn": 1}, "row 1 is turn 1 of a dialogue, without `history`", id="a turn alone"),
        pytest.param({"prompt": "Why?", "response": "a", "tokens": "many"}, "something else than answers", id="a wrong type"),
        pytest.param(["Why?"], "row 1 is no object", id="a list for a row"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(tmp_path, row, message):
    with pytest.raises(GradesError) as error:
        read_answers([tiny.write(tmp_path / "x.jsonl", [row])])
    assert message in str(error.value)


def test_two_files_of_one_name_and_none_at_all(tmp_path):
    file = tiny.write(tmp_path / "x.jsonl", [{"prompt": "Why?", "response": None}])
    with pytest.raises(GradesError, match="both be called x: name them, as NAME="):
        read_answers([file, file])
    assert read_answers([file])["failed"].to_list() == ["the file has none"]
    with pytest.raises(GradesError, match="cannot be read"):
        read_answers([tmp_path / "nothing.jsonl"])
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(GradesError, match="is empty"):
        read_answers([tmp_path / "empty.jsonl"])


def test_grades_are_written_and_read_back_the_same(tmp_path):
    model, _ = scripted(lambda ask: '{"verdict": "pass"}')
    result = grade(answers("a\u2028b", None), None, verdict(generator=model), Cache(tmp_path / "s"), arm="x")
    file = write_lines(result, tmp_path / "out" / "grades.jsonl")
    assert read_grades(file).equals(result)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    assert lines[0]["parts"] == {"fail": 0.0, "pass": 1.0, "excellent": 0.0}
    assert list(file.parent.iterdir()) == [file]


def test_what_are_no_grades_is_told(tmp_path):
    file = write_lines(grade(answers("a"), None, LENGTH, Cache(tmp_path / "s")), tmp_path / "grades.jsonl")
    with pytest.raises(GradesError, match="holds no comparisons: row 1 has no `verdict`"):
        read_comparisons(file)
    with pytest.raises(GradesError, match="holds no grades"):
        read_grades(tiny.write(tmp_path / "x.jsonl", [{"id": "p", "score": "high"}]))
