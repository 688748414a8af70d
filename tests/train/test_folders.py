"""A training writes into a folder that is empty or its own, and removes nothing that somebody else put there."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import curate.train
from curate.cli import main
from curate.evaluate.epochs import choose
from curate.folders import HOME, FolderError
from curate.models.generators.generator import close_all
from curate.models.judges import function
from curate.train.config import read, resolve
from curate.train.launch import alone
from curate.train.run import check
from tests.evaluate.test_answers import PROMPTS, trained  # noqa: F401 - a fixture
from tests.test_folders import FOREIGN, fill, tree


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("more", [pytest.param([], id="train"), pytest.param(["--preflight"], id="preflight")])
def test_a_folder_that_is_not_ours_stays_as_it_is(make, more, config, tmp_path):
    make(tmp_path / "theirs")
    file = tmp_path / "sft.yaml"
    file.write_text(yaml.safe_dump(config))
    before = tree(tmp_path)
    done = CliRunner().invoke(main, ["train", "sft", str(file), "--out", str(tmp_path / "theirs"), *more])
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit), done.output
    assert "theirs" in done.stderr.strip().splitlines()[-1]
    assert tree(tmp_path) == before


def test_a_chain_refuses_the_folder_of_a_stage(config, pairs, tmp_path):
    both = {"sft": config, "dpo": {key: value for key, value in pairs.items() if key != "model"}}
    fill(tmp_path / "out", "sft/README.md")
    before = tree(tmp_path)
    with pytest.raises(FolderError, match=r"sft holds files that curate did not write \(README\.md\)"):
        curate.train.chain(both, tmp_path / "out")
    assert tree(tmp_path) == before


@pytest.fixture
def finished(sft_run, tmp_path):
    """A finished LoRA training with checkpoints, to change."""
    return sft_run[0], shutil.copytree(sft_run[1], tmp_path / "out")


def append(name: str):
    def change(out: Path) -> str:
        with (out / name).open("a") as file:
            file.write("\n")
        return name

    return change


def new(name: str):
    def change(out: Path) -> str:
        fill(out, name)
        return name

    return change


def linked(out: Path) -> str:
    (out / "merged").rename(out.parent / "disk")
    (out / "merged").symlink_to(out.parent / "disk")
    return "merged"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(append("README.md"), "was changed", id="the card was changed"),
        pytest.param(append("merged/README.md"), "was changed", id="the model's card was changed"),
        pytest.param(append("merged/config.json"), "was changed", id="the model's config was changed"),
        pytest.param(append("adapter/adapter_config.json"), "was changed", id="the adapter was changed"),
        pytest.param(append("plots/loss.svg"), "was changed", id="a plot was changed"),
        pytest.param(new("merged/model.gguf"), "was not written", id="another form of the model beside it"),
        pytest.param(new("checkpoints/notes.txt"), "was not written", id="notes among the checkpoints"),
        pytest.param(new("chosen/model.safetensors"), "was not written", id="an own folder named chosen"),
        pytest.param(new("grades.jsonl"), "was not written", id="own grades"),
        pytest.param(linked, "is a link", id="the model was moved, and a link left"),
    ],
)
def test_another_training_does_not_remove_what_somebody_changed(change, reason, finished):
    config, out = finished
    name = change(out)
    before = tree(out.parent)
    for fresh in (True, False):
        with pytest.raises(FolderError, match=f"{name} {reason}.*, and would be lost: move it away"):
            curate.train.sft({**config, "seed": 1}, out, force=True, fresh=fresh)
    assert tree(out.parent) == before
    if name == "merged/config.json":  # it is not what training left there, so it is not used, and not overwritten
        with pytest.raises(FolderError, match=f"{name} {reason}"):
            curate.train.sft(config, out, force=True)
        assert tree(out.parent) == before
    else:
        assert curate.train.sft(config, out, force=True)["reused"], "what is finished is used all the same"


@pytest.mark.parametrize("older", [pytest.param(False, id="new"), pytest.param(True, id="older")])
def test_another_training_takes_the_place_of_ours_and_own_notes_stay(older, finished):
    config, out = finished
    if older:
        shutil.rmtree(out / HOME)
    fill(out, "notes.txt", "my/notes.md")
    later = {**config, "lora": None, "trainer": {**config["trainer"], "max_steps": 1}}
    for seed in (1, 2):
        record = curate.train.sft({**later, "seed": seed}, out, force=True)
        assert record["seed"] == seed and not record.get("reused")
    assert not (out / "adapter").exists(), "an earlier training's"
    assert (out / "notes.txt").read_text() == "my own notes.txt" and (out / "my/notes.md").is_file()


@pytest.mark.parametrize("older", [pytest.param(False, id="new"), pytest.param(True, id="older")])
def test_a_training_that_was_stopped_goes_on_beside_own_notes(older, finished):
    config, out = finished
    (out / "record.json").unlink()
    if older:
        shutil.rmtree(out / HOME)
    fill(out, "notes.txt")
    assert curate.train.sft(config, out, force=True)["resumed_from_step"] == 6
    assert (out / "notes.txt").is_file()


def test_a_preflight_leaves_a_finished_training_and_what_changed_in_it(finished):
    config, out = finished
    fill(out, "merged/model.gguf")
    before = tree(out)
    check(resolve("sft", *read({**config, "seed": 1})), out)
    assert before.items() <= tree(out).items()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(new("chosen/model.safetensors"), "chosen/model.safetensors was not written", id="own chosen"),
        pytest.param(new("grades.jsonl"), "grades.jsonl was not written", id="own grades"),
        pytest.param(append("training.html"), "training.html was changed", id="the page was changed"),
        pytest.param(append("merged/README.md"), "merged/README.md was changed", id="the model's card was changed"),
    ],
)
def test_choosing_refuses_before_it_asks_the_model(change, reason, trained, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    shutil.copytree(trained, out)
    change(out)
    before = tree(out)
    with pytest.raises(FolderError, match=f"{reason}.*, and would be lost: move it away and start again"):
        choose(out, PROMPTS, function(_length), backend="transformers", first_epoch=1, last_epoch=3)
    assert tree(out) == before


def test_choosing_again_and_training_again_are_no_question(trained, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    shutil.copytree(trained, out)
    how = {"backend": "transformers", "sampling": {"max_new_tokens": 4}, "merged": True}
    for first, last in ((1, 2), (1, 3)):
        choose(out, PROMPTS, function(_length), first_epoch=first, last_epoch=last, **how)
    config = json.loads((out / "record.json").read_text())["config"]
    curate.train.sft({**{k: v for k, v in config.items() if v is not None}, "seed": 1}, out, force=True)
    assert not (out / "chosen").exists() and not (out / "choice.json").exists()


def _length(prompt: str, response: str) -> float:
    return float(len(response))


def test_two_trainings_into_one_folder_take_turns(tmp_path):
    at_work, most = [], []

    def train() -> None:
        with alone(tmp_path / "out"):
            at_work.append(1)
            most.append(len(at_work))
            time.sleep(0.1)
            at_work.pop()

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
    assert not (tmp_path / "out").exists(), "the folder may be somebody else's"
