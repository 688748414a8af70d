from __future__ import annotations

import pytest

from curate.train.preflight import rows as checks
from tests.train import tiny

KINDS = {"sft": tiny.answers, "dpo": tiny.pairs}


def rows(stage="sft", **longer):
    """Eight rows; `row2_prompt=20` makes the prompt of one twenty times as long."""
    some = KINDS[stage](8)
    for row in some:
        for name in row.keys() - {"id"}:
            row[name][0]["content"] += " and so on" * longer.get(f"{row['id']}_{name}", 0)
    return some


def test_trl_drops_rows_and_says_nothing(context):
    ready = context(rows(row2_prompt=20, row5_prompt=30), max_length=80)
    ready.trainer.train()  # without a word
    assert len(ready.trainer.train_dataset) == 6
    (finding,) = checks.vanished(ready)
    assert finding.level == "stop"
    assert finding.message == (
        "2 of the 8 rows are not in the set that trl trains on, since max_length is 80 and their prompts fill it: "
        "row2 (line 3), row5 (line 6)."
    )
    assert finding.detail == {"ids": ["row2", "row5"], "rows": 8, "trained": 6}


def test_trl_drops_pairs_and_says_nothing(context):
    ready = context(rows("dpo", pair3_prompt=20), "dpo", max_length=80)
    ready.trainer.train()  # without a word
    assert len(ready.trainer.train_dataset) == 7
    assert "pair3 (line 4)" in next(checks.vanished(ready)).message


def test_rows_of_the_same_id_are_counted(context):
    some = rows(row2_prompt=20)
    some[2]["id"] = "row1"
    assert next(checks.vanished(context(some, max_length=80))).detail["ids"] == ["row1"]


def test_trl_cuts_answers_off_and_says_nothing(context):
    ready = context(rows(row2_completion=20, row5_completion=30), max_length=80)
    ready.trainer.train()  # without a word
    (finding,) = checks.cut(ready)
    assert finding.level == "stop"
    assert finding.message.startswith("2 of the 8 rows are cut at max_length 80 (the longest has ")
    assert "their answers lose their ends" in finding.message
    assert finding.message.endswith("row2 (line 3), row5 (line 6).")
    assert min(finding.detail["tokens"]) > 80


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_either_side_of_a_pair_may_be_cut(side, context):
    ready = context(rows("dpo", **{f"pair3_{side}": 20}), "dpo", max_length=80)
    assert next(checks.cut(ready)).detail["ids"] == ["pair3"]


@pytest.mark.filterwarnings("ignore:The `'keep_end'` truncation mode:FutureWarning")  # it is there until trl 2
@pytest.mark.parametrize(("stage", "longer"), [("sft", {"row2_prompt": 20}), ("dpo", {"pair2_prompt": 20})])
def test_rows_that_lose_their_beginning_are_called_that(stage, longer, context):
    ready = context(rows(stage, **longer), stage, max_length=80, truncation_mode="keep_end")
    assert "their prompts lose their beginnings" in next(checks.cut(ready)).message
    assert list(checks.vanished(ready)) == []


def test_a_row_of_exactly_max_length_is_whole(context):
    some = rows(row2_completion=20)
    longest = max(map(len, context(some).trainer.train_dataset["input_ids"]))
    whole = context(some, max_length=longest)
    assert [*checks.cut(whole), *checks.vanished(whole)] == []
    assert next(checks.cut(context(some, max_length=longest - 1))).detail["ids"] == ["row2"]


def test_packing_cuts_what_is_longer_than_a_pack(context):
    ready = context(rows(row2_completion=20), packing=True, max_length=80)
    assert list(checks.vanished(ready)) == []
    assert next(checks.cut(ready)).detail["ids"] == ["row2"]


@pytest.mark.parametrize("limit", [None, 512])
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_nothing_is_lost_where_all_fits(stage, limit, context):
    ready = context(rows(stage), stage, max_length=limit)
    assert [*checks.cut(ready), *checks.vanished(ready), *checks.too_long(ready)] == []


def test_rows_longer_than_the_models_positions_are_named(context):
    (finding,) = checks.too_long(context(rows(row2_completion=300), max_length=4096))
    assert finding.message.startswith("1 rows are longer than the 512 positions the model knows: row2 (line 3)")


@pytest.mark.parametrize(
    ("chosen", "rejected", "message"),
    [
        pytest.param(lambda i: 40, lambda i: 10, "are longer in 100% of the pairs", id="long"),
        pytest.param(lambda i: 10, lambda i: 40, "are shorter in 100% of the pairs", id="short"),
        pytest.param(lambda i: 20 + (i > 0), lambda i: 20, "are longer in 90% of the pairs", id="always a little"),
        pytest.param(lambda i: 100 if i < 2 else 9, lambda i: 10, "have 2.", id="a few that are very long"),
        pytest.param(lambda i: 20 + 3 * (i % 2), lambda i: 21, None, id="the same"),
    ],
)
def test_chosen_answers_of_another_length_are_a_warning(chosen, rejected, message, context):
    some = tiny.pairs(10)
    for i, row in enumerate(some):
        row["chosen"][0]["content"] = "x " * chosen(i) + "a"
        row["rejected"][0]["content"] = "x " * rejected(i) + "b"
    findings = list(checks.length_ratio(context(some, "dpo")))
    assert [finding.level for finding in findings] == ["warn"] * (message is not None)
    for finding in findings:
        assert message in finding.message
        ends = 3  # tokens after the last x, without the prompt
        means = [sum(2 * side(i) + ends for i in range(10)) for side in (chosen, rejected)]
        assert finding.detail["ratio"] == pytest.approx(means[0] / means[1], rel=0.1)


def test_answers_without_another_side_have_no_ratio(context):
    assert list(checks.length_ratio(context(rows()))) == []
