from __future__ import annotations

import json

import pytest

import curate.train
from curate.train import run
from curate.train.config import read, resolve
from curate.train.findings import Finding, TrainError
from tests.train import tiny
from tests.train.conftest import LORA


def prepared(config, out):
    checked = resolve("sft", *read(config))
    stage, rows, held_out = run._rows(checked)
    return run.build(checked, stage, rows, held_out, out)


def test_the_record_says_what_went_in_and_what_came_out(config, tmp_path):
    asked = {**config, "lora": LORA, "end_of_turn": "<|eot|>", "rows": 12, "seed": 7}
    record = curate.train.sft(asked, tmp_path / "out")
    assert record == json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    counts = {name: record["data"][name] for name in ("rows_in_file", "rows_in", "rows_trained", "rows_cut")}
    assert counts == {"rows_in_file": 16, "rows_in": 12, "rows_trained": 12, "rows_cut": 0}
    assert (record["seed"], record["world_size"], record["effective_batch"], record["steps"]) == (7, 1, 4, 6)
    assert record["metrics"]["loss"] < record["metrics"]["first_loss"]
    assert record["config"]["trainer"]["learning_rate"] == 1e-2
    assert {"torch", "transformers", "trl", "peft", "python"} <= set(record["versions"])
    assert record["model_in"]["weights"] != record["model_out"]["weights"]
    there = {f.name for f in (tmp_path / "out").iterdir()}
    assert there >= {"adapter", "merged", "checkpoints", "record.json", "log.jsonl", "preflight.json"}
    assert "training_args.bin" not in {f.name for f in (tmp_path / "out" / "adapter").iterdir()}


def test_only_the_answer_and_its_end_are_trained_on(config, tmp_path):
    _, trainer = prepared({**config, "end_of_turn": "<|eot|>"}, tmp_path)
    words = trainer.processing_class
    for row, example in zip(tiny.answers(16), trainer.train_dataset, strict=True):
        trained = [label for label in example["labels"] if label != -100]
        assert words.decode(trained) == row["completion"][0]["content"] + "<|eot|>"
        assert example["labels"][-1] == words.eos_token_id
        assert words.pad_token_id != words.eos_token_id


def test_a_checkpoint_is_kept_for_every_epoch(config, tmp_path):
    asked = {**config, "trainer": {k: v for k, v in config["trainer"].items() if k != "save_strategy"}}
    curate.train.sft(asked, tmp_path / "out")
    assert sorted(f.name for f in (tmp_path / "out" / "checkpoints").glob("checkpoint-*")) == [
        "checkpoint-4",
        "checkpoint-8",
    ]


def test_a_finished_run_is_run_again_only_when_it_would_be_another_one(config, tmp_path):
    out = tmp_path / "out"
    curate.train.sft(config, out)
    when = (out / "record.json").stat().st_mtime_ns
    assert curate.train.sft(config, out)["reused"]
    assert (out / "record.json").stat().st_mtime_ns == when
    moved = tmp_path / "elsewhere.jsonl"
    moved.write_bytes((tmp_path / "answers.jsonl").read_bytes())
    assert curate.train.sft({**config, "data": str(moved)}, out)["reused"]  # names do not count, contents do
    assert "reused" not in curate.train.sft(config, out, fresh=True)
    tiny.write(moved, tiny.answers(20))
    assert curate.train.sft({**config, "data": str(moved)}, out)["data"]["rows_in"] == 20
    adapted = curate.train.sft({**config, "lora": LORA}, out)
    assert "reused" not in adapted
    assert (out / "adapter").is_dir()
    curate.train.sft(config, out)
    assert not (out / "adapter").exists()  # nothing of another run stays


def test_the_same_seed_gives_the_same_model_and_another_seed_another(config, tmp_path):
    made = [
        curate.train.sft({**config, "lora": LORA, "seed": seed}, tmp_path / f"{i}")["model_out"]["weights"]
        for i, seed in enumerate([0, 0, 1])
    ]
    assert made[0] == made[1] != made[2]


def test_broken_rows_stop_the_run_before_a_model_is_loaded_unless_forced(config, tmp_path):
    bad = tiny.answers(8)
    bad[3]["completion"][0]["content"] = " "
    asked = {**config, "data": str(tiny.write(tmp_path / "bad.jsonl", bad)), "model": "no/such-model"}
    with pytest.raises(TrainError, match=r"the completion is empty in 1 of the rows of .*: row3 \(line 4\)"):
        curate.train.sft(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    record = curate.train.sft({**asked, "model": config["model"]}, tmp_path / "out", force=True)
    assert [forced["detail"]["ids"] for forced in record["forced"]] == [["row3"]]


def test_what_the_preflight_stops_is_not_trained(config, tmp_path, monkeypatch):
    stop, warn = Finding("end", "stop", "No end."), Finding("warmup", "warn", "Long.")
    monkeypatch.setattr(run, "preflight", lambda trainer, job, rows, tell: [stop, warn])
    with pytest.raises(TrainError, match="end: No end"):
        curate.train.sft(config, tmp_path / "out")
    assert not (tmp_path / "out" / "merged").exists()
    told = json.loads((tmp_path / "out" / "preflight.json").read_text(encoding="utf-8"))
    assert [finding["check"] for finding in told] == ["end", "warmup"]
    record = curate.train.sft(config, tmp_path / "out", force=True)
    assert [forced["check"] for forced in record["forced"]] == ["end"]


def test_a_held_out_set_is_evaluated_every_epoch(config, tmp_path):
    held_out = tiny.write(tmp_path / "dev.jsonl", tiny.answers(4))
    record = curate.train.sft({**config, "eval_data": str(held_out)}, tmp_path / "out")
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log if "eval_loss" in entry] == [1.0, 2.0]
    assert record["metrics"]["eval_loss"] > 0


def test_rows_that_were_cut_are_counted(config, tmp_path):
    long = tiny.answers(8)
    long[5]["completion"][0]["content"] = "a b c d e f g h i j k l m n o p " * 4
    asked = {**config, "data": str(tiny.write(tmp_path / "long.jsonl", long))}
    asked["trainer"] = {**asked["trainer"], "max_length": 64, "max_steps": 1}
    assert curate.train.sft(asked, tmp_path / "out", force=True)["data"]["rows_cut"] == 1


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        pytest.param({"completion_only_loss": False}, "trains on the prompts too", id="the loss on prompts"),
        pytest.param({"lr_scheduler_type": "straight"}, "trl refuses this sft config", id="a value trl does not know"),
    ],
)
def test_a_contradiction_is_told_in_a_sentence(trainer, message, config, tmp_path):
    with pytest.raises(TrainError, match=message):
        curate.train.sft({**config, "trainer": {**config["trainer"], **trainer}}, tmp_path / "out")


def test_the_rate_falls_linearly_to_a_floor_by_trls_own_keys(config, tmp_path):
    floor = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-3, "power": 1.0}}
    curate.train.sft({**config, "trainer": {**config["trainer"], **floor}}, tmp_path / "out")
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    rates = [entry["learning_rate"] for entry in log if "learning_rate" in entry]
    assert rates == pytest.approx([1e-2 - i * 9e-3 / 8 for i in range(8)])
