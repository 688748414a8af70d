"""The questions of a topics file as prompts."""

from __future__ import annotations

import polars as pl
import pytest

from curate.rows import SourceError, SourceMissing
from curate.sources import topics


def read(*parts, batch_rows=1000):
    return pl.concat([batch.rows for part in parts for batch in part.read(batch_rows)])


def test_the_packaged_questions_are_prompts_by_topic():
    rows = read(*topics())
    assert rows.height >= 200
    assert rows["domain"].n_unique() >= 100
    assert rows["prompt"].str.contains(r"[?.!…]$").all()
    assert set(rows["license"]) == {"Apache-2.0"}
    assert read(*topics(), batch_rows=7).equals(rows)
    brief = read(*topics(ask="{question} Be brief."))
    assert brief["prompt"].to_list() == [f"{prompt} Be brief." for prompt in rows["prompt"]]


def test_a_file_of_ones_own_has_no_licence_but_its_owner_s(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("food: {soup: ['Is borscht cold?'], tea: ['How hot?', 'With milk?']}\n", encoding="utf-8")
    (part,) = topics(path=file)
    assert part.name == "mine"
    assert read(part).rows() == [
        ("Is borscht cold?", "soup", "food", None),
        ("How hot?", "tea", "food", None),
        ("With milk?", "tea", "food", None),
    ]


def test_what_is_not_there_or_is_no_list_of_topics_is_said(tmp_path):
    with pytest.raises(SourceMissing, match="there is no topics file"):
        topics(path=tmp_path / "none.yaml")
    with pytest.raises(SourceError, match=r"ask has no \{question\}"):
        topics(ask="Be brief.")
    file = tmp_path / "mine.yaml"
    file.write_text("- one\n- two\n", encoding="utf-8")
    with pytest.raises(SourceError, match="there are no topics"):
        read(*topics(path=file))
