from __future__ import annotations

import pytest

from curate.train.config import TrainConfig
from curate.train.data import load
from curate.train.preflight import raw
from tests.train import tiny


def found(base, tmp_path, rows, stage="sft", **trainer):
    form = "prompt_completion" if stage == "sft" else "preference"
    given = load(str(tiny.write(tmp_path / "rows.jsonl", rows)), form).rows
    return raw(TrainConfig(stage=stage, model=str(base), data="rows.jsonl", trainer=trainer), given)


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_prompt_of_ten_thousand_tokens_is_named_before_a_model_is_loaded(stage, base, tmp_path, monkeypatch):
    from transformers import AutoModelForCausalLM

    monkeypatch.delattr(AutoModelForCausalLM, "from_pretrained")
    rows = tiny.answers(4) if stage == "sft" else tiny.pairs(4)
    rows[2]["prompt"][0]["content"] = "? " * 5_000
    (finding,) = found(base, tmp_path, rows, stage)
    assert finding.level == "stop"
    assert f"fill max_length 1,024 by themselves, and trl would drop these rows without a word: {rows[2]['id']} (line 3) (10,0" in finding.message  # fmt: skip
    assert finding.detail["ids"] == [rows[2]["id"]]


def test_a_prompt_is_measured_as_it_is_asked(base, tmp_path):
    (finding,) = found(base, tmp_path, tiny.answers(1), max_length=10)
    (tokens,) = finding.detail["tokens"]
    assert found(base, tmp_path, tiny.answers(1), max_length=tokens)
    assert found(base, tmp_path, tiny.answers(1), max_length=tokens + 1) == []


def test_plain_texts_are_measured_too(base, tmp_path):
    rows = [{"id": "a", "prompt": "? " * 600, "completion": "b"}, {"id": "c", "prompt": "d", "completion": "e"}]
    assert found(base, tmp_path, rows)[0].detail["ids"] == ["a"]


@pytest.mark.parametrize("trainer", [{"max_length": None}, {"truncation_mode": "keep_end"}, {"max_length": 20_000}])
def test_where_nothing_is_dropped_nothing_is_found(trainer, base, tmp_path):
    rows = tiny.answers(2)
    rows[1]["prompt"][0]["content"] = "? " * 5_000
    assert found(base, tmp_path, rows, **trainer) == []
