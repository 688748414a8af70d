"""The packaged examples."""

import json

import polars as pl
import pytest

from curate.rows import SourceMissing
from curate.sources.authored import authored
from curate.turns import lean


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """Put invented examples in the place of the packaged ones."""
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    (tmp_path / "authored").mkdir()

    def write(split, *records):
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        (tmp_path / f"authored/{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_single_turns_and_dialogues_are_what_to_train_on(packaged):
    packaged("train", {"prompt": "Hi?", "response": "Hello.", "domain": "talk", "license": "Apache-2.0"})
    turns = [turn("user", "A?"), turn("assistant", "A."), turn("user", "B?"), turn("assistant", "B.")]
    packaged("dialogues", {"messages": turns, "domain": "talk"})
    train, dialogues = authored()
    assert (train.name, dialogues.name) == ("train", "dialogues")
    [batch] = train.read(10)
    assert batch.rows.row(0, named=True) == {
        "prompt": "Hi?",
        "response": "Hello.",
        "domain": "talk",
        "license": "Apache-2.0",
    }
    [batch] = dialogues.read(10)
    row = batch.rows.row(0, named=True)
    assert (row["prompt"], row["response"], list(map(lean, row["history"]))) == ("B?", "B.", turns[:2])


def test_prompts_to_test_with_have_no_response(packaged):
    packaged("test", {"prompt": "Hi?", "sensitive": True}, {"prompt": "Ho?", "sensitive": False})
    [part] = authored(split="test")
    [batch] = part.read(10)
    assert batch.rows.to_dict(as_series=False) == {"prompt": ["Hi?", "Ho?"], "sensitive": [True, False]}


def test_a_broken_line_costs_itself_only(packaged):
    packaged("dev", {"prompt": "Hi?"}, "{", {"prompt": "Ho?"})
    [part] = authored(split="dev")
    [batch] = part.read(10)
    assert batch.rows["prompt"].to_list() == ["Hi?", "Ho?"]
    assert [bad.where for bad in batch.bad] == ["line 2"]


def test_a_package_without_them_is_said_in_words(packaged):
    with pytest.raises(SourceMissing, match=r"the packaged examples lack test\.jsonl"):
        authored(split="test")


@pytest.mark.parametrize("split", ["train", "dialogues", "dev", "test"])
def test_the_packaged_files_are_whole(split):
    try:
        [part] = authored(split=split)
    except SourceMissing as missing:
        pytest.skip(str(missing))
    batches = list(part.read(7))
    found = pl.concat([batch.rows for batch in batches])
    assert not [bad for batch in batches for bad in batch.bad]
    assert found["prompt"].null_count() == 0
    assert split in {"dev", "test"} or found["response"].null_count() == 0
