from __future__ import annotations

import pytest

from curate.train.preflight import rows as lost
from tests.train import plain, tiny


def sft_rows(**longer):
    rows = tiny.answers(8)
    for row in rows:
        for name in ("prompt", "completion"):
            row[name][0]["content"] += " and so on" * longer.get(f"{row['id']}_{name}", 0)
    return rows


def pair_rows(**longer):
    rows = tiny.pairs(8)
    for row in rows:
        for name in ("prompt", "chosen", "rejected"):
            row[name][0]["content"] += " and so on" * longer.get(f"{row['id']}_{name}", 0)
    return rows


def test_trl_drops_rows_and_says_nothing(base, tmp_path):
    rows = sft_rows(row2_prompt=20, row5_prompt=30)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, max_length=80)
    trainer.train()  # without a word
    assert len(trainer.train_dataset) == 6
    (found,) = lost.vanished(plain.seen(trainer, "sft", rows, base))
    assert found.level == "stop"
    assert found.message == (
        "2 of the 8 rows are not in the set that trl trains on, since max_length is 80 and their prompts fill it: "
        "row2 (line 3), row5 (line 6)."
    )
    assert found.detail == {"ids": ["row2", "row5"], "rows": 8, "trained": 6}


def test_trl_drops_pairs_and_says_nothing(base, tmp_path):
    rows = pair_rows(pair3_prompt=20)
    trainer = plain.dpo(tmp_path, *plain.loaded(base), rows, max_length=80)
    trainer.train()  # without a word
    assert len(trainer.train_dataset) == 7
    (found,) = lost.vanished(plain.seen(trainer, "dpo", rows, base))
    assert "pair3 (line 4)" in found.message


def test_rows_of_the_same_id_are_counted(base, tmp_path):
    rows = sft_rows(row2_prompt=20)
    rows[2]["id"] = "row1"
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, max_length=80)
    (found,) = lost.vanished(plain.seen(trainer, "sft", rows, base))
    assert found.detail["ids"] == ["row1"]


def test_trl_cuts_answers_off_and_says_nothing(base, tmp_path):
    rows = sft_rows(row2_completion=20, row5_completion=30)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, max_length=80)
    trainer.train()  # without a word
    (found,) = lost.cut(plain.seen(trainer, "sft", rows, base))
    assert found.level == "stop"
    assert found.message.startswith("2 of the 8 rows are cut at max_length 80 (the longest has ")
    assert "their answers lose their ends" in found.message
    assert found.message.endswith("row2 (line 3), row5 (line 6).")
    assert min(found.detail["tokens"]) > 80


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_either_side_of_a_pair_may_be_cut(side, base, tmp_path):
    rows = pair_rows(**{f"pair3_{side}": 20})
    trainer = plain.dpo(tmp_path, *plain.loaded(base), rows, max_length=80)
    (found,) = lost.cut(plain.seen(trainer, "dpo", rows, base))
    assert found.detail["ids"] == ["pair3"]


@pytest.mark.filterwarnings("ignore:The `'keep_end'` truncation mode:FutureWarning")  # it is there until trl 2
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_rows_that_lose_their_beginning_are_told_as_that(stage, base, tmp_path):
    rows = sft_rows(row2_prompt=20) if stage == "sft" else pair_rows(pair2_prompt=20)
    trainer = getattr(plain, stage)(tmp_path, *plain.loaded(base), rows, max_length=80, truncation_mode="keep_end")
    seen = plain.seen(trainer, stage, rows, base)
    (found,) = lost.cut(seen)
    assert "their prompts lose their beginnings" in found.message
    assert list(lost.vanished(seen)) == []


def length(base, tmp_path, row):
    return len(plain.sft(tmp_path, *plain.loaded(base), [row]).train_dataset[0]["input_ids"])


def test_a_row_of_exactly_max_length_is_whole(base, tmp_path):
    rows = sft_rows(row2_completion=20)
    longest = length(base, tmp_path, rows[2])
    whole = plain.seen(plain.sft(tmp_path, *plain.loaded(base), rows, max_length=longest), "sft", rows, base)
    assert [*lost.cut(whole), *lost.vanished(whole)] == []
    cut = plain.seen(plain.sft(tmp_path, *plain.loaded(base), rows, max_length=longest - 1), "sft", rows, base)
    assert next(lost.cut(cut)).detail["ids"] == ["row2"]


def test_packing_cuts_what_is_longer_than_a_pack(base, tmp_path):
    rows = sft_rows(row2_completion=20)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, packing=True, max_length=80)
    seen = plain.seen(trainer, "sft", rows, base)
    assert list(lost.vanished(seen)) == []
    assert next(lost.cut(seen)).detail["ids"] == ["row2"]


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_nothing_is_lost_where_all_fits(stage, base, tmp_path):
    rows = sft_rows() if stage == "sft" else pair_rows()
    for limit in (None, 512):
        seen = plain.seen(
            getattr(plain, stage)(tmp_path, *plain.loaded(base), rows, max_length=limit), stage, rows, base
        )
        assert [*lost.cut(seen), *lost.vanished(seen), *lost.too_long(seen)] == []


def test_rows_longer_than_the_model_knows_positions_are_found(base, tmp_path):
    rows = sft_rows(row2_completion=300)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows, max_length=4096)
    (found,) = lost.too_long(plain.seen(trainer, "sft", rows, base))
    assert found.message.startswith("1 rows are longer than the 512 positions the model knows: row2 (line 3)")
