"""The preflight as a run asks it: by default nothing is trained, with force it is and the record says why."""

from __future__ import annotations

import pytest

import curate.train
from curate.train import preflight, run
from curate.train.config import read, resolve
from curate.train.findings import Finding, TrainError
from tests.conftest import seconds
from tests.train import tiny
from tests.train.conftest import EOT, FLOOR, LORA


def ready(stage, config, out):
    job = run.prepare(resolve(stage, *read(config)))
    return preflight.Context(run.build(job, out), job.config, job.rows.rows)


def answers(times=1, **turns):
    rows = tiny.answers(8)
    rows[3]["prompt"][0]["content"] *= times
    rows[3] |= turns
    return rows


def sides(**sides):
    rows = tiny.pairs(8)
    rows[3] |= sides
    return rows


EMPTY = [{"role": "assistant", "content": ""}]
SIDE = [{"role": "assistant", "content": "It is 3."}]
DIALOGUE = [{"role": "user", "content": "Another question?"}, *SIDE]


@pytest.mark.parametrize(
    ("stage", "rows"),
    [
        pytest.param("sft", answers(completion=EMPTY), id="an empty answer"),
        pytest.param("sft", answers(times=500), id="a prompt of ten thousand tokens"),
        pytest.param("sft", answers(prompt=SIDE), id="roles out of order"),
        pytest.param("dpo", sides(chosen=SIDE, rejected=SIDE), id="chosen equal to rejected"),
        pytest.param("dpo", sides(rejected=EMPTY), id="an empty side"),
        pytest.param("dpo", sides(rejected=DIALOGUE), id="a side with a prompt of its own"),
    ],
)
def test_one_broken_row_is_named_by_its_id_and_nothing_is_trained(stage, rows, config, tmp_path):
    broken = {**config, "data": str(tiny.write(tmp_path / "rows.jsonl", rows))}
    with pytest.raises(TrainError, match=rf"{rows[3]['id']} \(line 4\)"):
        getattr(curate.train, stage)(broken, tmp_path / "out")
    assert not (tmp_path / "out" / "merged").exists()


def test_what_is_forced_is_trained_and_stands_in_the_record(config, tmp_path):
    long = answers(times=9)
    long[5]["completion"][0]["content"] = "a b c d e f g h i j k l m n o p " * 4
    forced = {**config, "data": str(tiny.write(tmp_path / "long.jsonl", long))}
    forced["trainer"] = {**config["trainer"], "max_length": 80, "warmup_steps": 5}
    with pytest.raises(TrainError, match="row3"):
        curate.train.sft(forced, tmp_path / "out")
    record = curate.train.sft(forced, tmp_path / "out", force=True)
    assert [finding["check"] for finding in record["forced"]] == ["long prompts", "vanished rows", "cut rows"]
    assert (record["data"]["rows_in"], record["data"]["rows_trained"], record["data"]["rows_cut"]) == (8, 7, 1)
    assert "the warm-up takes 5 of 4 steps" in (tmp_path / "out" / "preflight.json").read_text(encoding="utf-8")


def test_a_template_without_marks_is_refused_where_marks_are_needed(config, tmp_path):
    marked = {**config, "trainer": {**config["trainer"], "assistant_only_loss": True}}
    with pytest.raises(TrainError, match=r"trl refuses this sft config: .*template"):
        curate.train.sft(marked, tmp_path / "out")


LIMA = {"lora": LORA, "end_of_turn": EOT, "residual_dropout": 0.3, "trainer": FLOOR}


@pytest.mark.parametrize(
    ("stage", "more", "warnings"),
    [
        *((stage, more, set()) for stage in ("sft", "dpo", "kto", "reward") for more in ({}, {"lora": LORA})),
        pytest.param("sft", LIMA, {"adapter"}, id="every part of LIMA's recipe"),
    ],
)
def test_a_good_run_of_every_stage_passes(stage, more, warnings, config, pairs, tmp_path):
    good = {**(config if stage == "sft" else pairs), **more}
    good["trainer"] = {**config["trainer"], **more.get("trainer", {})}
    context = ready(stage, good, tmp_path / "out")
    with run.undisturbed(context.trainer):
        findings = preflight.preflight(context)
    assert [finding for finding in findings if finding.level == "stop"] == []
    assert not warnings or {finding.check for finding in findings} == warnings
    assert preflight.long_prompts(context.config, context.rows) == []
    assert len(preflight.masks(context.trainer)) == (6 if stage in ("dpo", "reward") else 3)


def test_the_checks_of_a_set_are_of_all_its_rows_at_once(config, tmp_path):
    """Rows by the thousand in a moment: what is slow is trl's own tokenising."""
    from curate.train.preflight import rows, template, tokens

    many = [{**row, "id": f"row{i}"} for i, row in enumerate(tiny.answers(50) * 40)]
    context = ready("sft", {**config, "data": str(tiny.write(tmp_path / "many.jsonl", many))}, tmp_path / "out")
    checks = (rows.vanished, rows.cut, rows.too_long, tokens.no_end, tokens.prompts_in_loss, template.prefix)
    findings: list[Finding] = []
    assert seconds(lambda: findings.extend(finding for check in checks for finding in check(context))) < 3
    assert findings == []
