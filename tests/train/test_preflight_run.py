"""The preflight as a run asks it: by default nothing is trained, with force it is and the record says why."""

from __future__ import annotations

import json

import pytest

import curate.train
from curate.train import preflight, run
from curate.train.config import read, resolve
from curate.train.findings import Finding, TrainError
from tests.conftest import seconds
from tests.train import tiny
from tests.train.conftest import LORA


def ready(stage, config, out):
    checked = resolve(stage, *read(config))
    kind, rows, held_out = run._rows(checked)
    _, trainer = run.build(checked, kind, rows, held_out, out)
    return trainer, checked, rows.rows


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
    asked = {**config, "data": str(tiny.write(tmp_path / "rows.jsonl", rows))}
    with pytest.raises(TrainError, match=rf"{rows[3]['id']} \(line 4\)"):
        getattr(curate.train, stage)(asked, tmp_path / "out")
    assert not (tmp_path / "out" / "merged").exists()


def test_what_is_forced_is_trained_and_stands_in_the_record(config, tmp_path):
    asked = {**config, "data": str(tiny.write(tmp_path / "long.jsonl", answers(times=9)))}
    asked["trainer"] = {**asked["trainer"], "max_length": 80, "warmup_steps": 5}
    with pytest.raises(TrainError, match="row3"):
        curate.train.sft(asked, tmp_path / "out")
    record = curate.train.sft(asked, tmp_path / "out", force=True)
    assert "vanished rows" in [forced["check"] for forced in record["forced"]]
    told = (tmp_path / "out" / "preflight.json").read_text(encoding="utf-8")
    assert "the warm-up takes 5 of 4 steps" in told
    assert json.loads(told)


def test_a_template_without_marks_is_refused_where_marks_are_needed(config, tmp_path):
    asked = {**config, "trainer": {**config["trainer"], "assistant_only_loss": True}}
    with pytest.raises(TrainError, match=r"trl refuses this sft config: .*template"):
        curate.train.sft(asked, tmp_path / "out")


@pytest.mark.parametrize("stage", ["sft", "dpo", "kto", "reward"])
@pytest.mark.parametrize("more", [{}, {"lora": LORA}], ids=["all weights", "LoRA"])
def test_a_good_run_of_every_stage_is_not_stopped(stage, more, config, pairs, tmp_path):
    asked = {**(config if stage == "sft" else pairs), **more}
    trainer, checked, rows = ready(stage, asked, tmp_path / "out")
    with run.undisturbed(trainer):
        found = preflight.preflight(trainer, stage, checked, rows)
        shown = preflight.masks(trainer)
    assert [finding for finding in found if finding.level == "stop"] == []
    assert preflight.raw(checked, rows) == []
    assert len(shown) == (6 if stage in ("dpo", "reward") else 3)


def test_every_part_of_limas_recipe_passes(config, tmp_path):
    floor = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-3, "power": 1.0}}
    asked = {**config, "lora": LORA, "end_of_turn": "<|eot|>", "residual_dropout": 0.3}
    asked["trainer"] = {**config["trainer"], **floor}
    trainer, checked, rows = ready("sft", asked, tmp_path / "out")
    with run.undisturbed(trainer):
        found = preflight.preflight(trainer, "sft", checked, rows)
    assert [(finding.check, finding.level) for finding in found] == [("adapter", "warn")]


def test_the_checks_of_a_set_are_of_all_its_rows_at_once(config, tmp_path):
    """Rows by the thousand in a moment: what is slow is trl's own tokenising."""
    from curate.train.preflight import rows as lost
    from curate.train.preflight import template, tokens
    from curate.train.preflight.seen import Seen

    rows = [{**row, "id": f"row{i}"} for i, row in enumerate(tiny.answers(50) * 40)]
    asked = {**config, "data": str(tiny.write(tmp_path / "many.jsonl", rows))}
    asked["trainer"] = {**config["trainer"], "max_steps": 1}
    trainer, checked, given = ready("sft", asked, tmp_path / "out")
    seen = Seen(trainer, "sft", checked, given)
    checks = (lost.vanished, lost.cut, lost.too_long, tokens.unended, tokens.prompts_in_loss, template.prefix)
    findings: list[Finding] = []
    assert seconds(lambda: findings.extend(finding for check in checks for finding in check(seen))) < 3
    assert findings == []
