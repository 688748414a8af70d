from __future__ import annotations

import json
import shutil

import pytest

import curate.train
from curate.train import preflight, run
from curate.train.config import read, resolve
from curate.train.findings import TrainError, stop, warn
from tests.train import tiny
from tests.train.conftest import EOT, log_of


def test_the_record_says_what_went_in_and_what_came_out(sft_run):
    _, out, record = sft_run
    assert record == json.loads((out / "record.json").read_text(encoding="utf-8"))
    counts = {name: record["data"][name] for name in ("rows_in_file", "rows_in", "rows_trained", "rows_cut")}
    assert counts == {"rows_in_file": 16, "rows_in": 12, "rows_trained": 12, "rows_cut": 0}
    assert 0 < record["data"]["tokens_trained"] < record["data"]["tokens"]
    assert (record["seed"], record["world_size"], record["effective_batch"], record["steps"]) == (7, 1, 4, 6)
    assert record["metrics"]["loss"] < record["metrics"]["first_loss"]
    assert record["config"]["trainer"]["learning_rate"] == 1e-2
    assert {"torch", "transformers", "trl", "peft", "python"} <= set(record["versions"])
    assert record["model_in"]["weights"] != record["model_out"]["weights"]
    files = {f.name for f in out.iterdir()}
    assert files >= {"adapter", "merged", "checkpoints", "record.json", "log.jsonl", "preflight.json"}
    assert not (out / "adapter" / "training_args.bin").exists()


def test_every_epoch_leaves_a_checkpoint_and_a_held_out_loss(sft_run):
    _, out, record = sft_run
    assert {f.name for f in (out / "checkpoints").glob("checkpoint-*")} == {"checkpoint-3", "checkpoint-6"}
    assert [entry["epoch"] for entry in log_of(out) if "eval_loss" in entry] == [1.0, 2.0]
    assert record["metrics"]["eval_loss"] > 0


def test_the_rate_falls_linearly_to_a_floor_by_trls_own_keys(sft_run):
    rates = [entry["learning_rate"] for entry in log_of(sft_run[1]) if "learning_rate" in entry]
    assert rates == pytest.approx([1e-2 - i * 9e-3 / 6 for i in range(6)])


def test_only_the_answer_and_its_end_are_trained_on(config, tmp_path):
    trainer = run.build(run.prepare(resolve("sft", *read({**config, "end_of_turn": EOT}))), tmp_path)
    tokenizer = trainer.processing_class
    for row, example in zip(tiny.answers(16), trainer.train_dataset, strict=True):
        trained = [label for label in example["labels"] if label != -100]
        assert tokenizer.decode(trained) == row["completion"][0]["content"] + EOT
        assert example["labels"][-1] == tokenizer.eos_token_id != tokenizer.pad_token_id


def test_a_finished_run_is_run_again_only_when_it_would_be_another_one(sft_run, tmp_path):
    config, out = sft_run[0], shutil.copytree(sft_run[1], tmp_path / "out")
    when = (out / "record.json").stat().st_mtime_ns
    moved = str(shutil.copy(config["data"], tmp_path / "elsewhere.jsonl"))
    for same in (config, {**config, "data": moved}):  # names do not count, contents do
        assert curate.train.sft(same, out)["reused"]
    assert (out / "record.json").stat().st_mtime_ns == when
    again = curate.train.sft(config, out, fresh=True)
    assert "reused" not in again
    assert again["model_out"]["weights"] == sft_run[2]["model_out"]["weights"], "the same seed gives the same model"
    tiny.write(tmp_path / "elsewhere.jsonl", tiny.answers(20))
    other = curate.train.sft({**config, "data": moved, "rows": None, "lora": None}, out)
    assert other["data"]["rows_in"] == 20
    assert not (out / "adapter").exists(), "nothing of another run stays"


def test_another_seed_gives_another_model(sft_run, tmp_path):
    record = curate.train.sft({**sft_run[0], "seed": 1}, tmp_path / "out")
    assert record["model_out"]["weights"] != sft_run[2]["model_out"]["weights"]


@pytest.fixture
def short(config):
    return {**config, "trainer": {**config["trainer"], "max_steps": 1}}


def test_broken_rows_stop_the_run_before_a_model_is_loaded_unless_forced(short, tmp_path):
    bad = tiny.answers(8)
    bad[3] = {"id": "row3", "prompt": "What is 3?", "response": " "}
    broken = {**short, "data": str(tiny.write(tmp_path / "bad.jsonl", bad)), "model": "no/such-model"}
    with pytest.raises(TrainError, match=r"1 rows of .* have no turn to train on .*: row3 \(line 4\)"):
        curate.train.sft(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    record = curate.train.sft({**broken, "model": short["model"]}, tmp_path / "out", force=True)
    assert [forced["detail"]["ids"] for forced in record["forced"]] == [["row3"]]


def test_what_is_forced_hides_nothing_else(short, tmp_path):
    bad = tiny.answers(8)
    bad[3] = {"id": "row3", "prompt": "What is 3?", "response": " "}
    bad[5]["completion"][0]["content"] = "Yes.<|im_end|> No."
    record = curate.train.sft(
        {**short, "data": str(tiny.write(tmp_path / "bad.jsonl", bad))}, tmp_path / "out", force=True
    )
    assert [(forced["check"], forced["detail"]["ids"]) for forced in record["forced"]] == [
        ("rows", ["row3"]),
        ("control tokens", ["row5"]),
    ]


def test_what_the_preflight_stops_is_not_trained(short, tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "preflight", lambda context: [stop("end", "No end."), warn("warmup", "Long.")])
    with pytest.raises(TrainError, match="end: No end"):
        curate.train.sft(short, tmp_path / "out")
    assert not (tmp_path / "out" / "merged").exists()
    findings = json.loads((tmp_path / "out" / "preflight.json").read_text(encoding="utf-8"))
    assert [finding["check"] for finding in findings] == ["end", "warmup"]
    record = curate.train.sft(short, tmp_path / "out", force=True)
    assert [forced["check"] for forced in record["forced"]] == ["end"]
    assert [warned["check"] for warned in record["warned"]] == ["warmup"]


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
