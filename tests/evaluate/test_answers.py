"""Answers of a real trained model, tiny: every checkpoint by itself, nothing asked twice, the turn's end respected."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli.answer import answer as command
from curate.evaluate.answers import AnswerError, answers, decoding
from curate.evaluate.prompts import PromptsError, read_prompts
from curate.evaluate.trained import TrainedError, merge, open_training
from curate.models.generators.generator import close_all
from curate.pairs.example import says
from tests.train import tiny

BRIEF = {"max_new_tokens": 12}
PROMPTS = pl.DataFrame({"id": ["a", "b"], "prompt": ["What is 3 and 3?", "What is 4 and 4?"]})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA on a tiny model with LIMA's end-of-turn token, a checkpoint an epoch, three of them."""
    from curate.train import sft

    folder = tmp_path_factory.mktemp("trained")
    config = {
        "model": str(tiny.save_model(folder / "base")),
        "data": str(tiny.write(folder / "rows.jsonl", tiny.answers(16))),
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"},
        "end_of_turn": "<|eot|>",
        "trainer": {
            "per_device_train_batch_size": 4,
            "num_train_epochs": 3,
            "learning_rate": 1e-2,
            "disable_tqdm": True,
        },
    }
    sft(config, folder / "out", force=True)  # two tiny sets of rows are no lesson, and the checks may say so
    return folder / "out"


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


def told(model: Any, **more: Any) -> pl.DataFrame:
    return answers(model, PROMPTS, backend="transformers", sampling=BRIEF, **more)


def test_the_last_checkpoint_answers_as_the_merged_model_does(trained, tmp_path):
    each = open_training(trained).checkpoints()
    assert [(c.name, c.epoch) for c in each] == [("checkpoint-4", 1.0), ("checkpoint-8", 2.0), ("checkpoint-12", 3.0)]
    last, whole = told(trained, checkpoint=each[-1]), told(trained)
    assert last["response"].to_list() == whole["response"].to_list()
    assert last["checkpoint"].to_list() == ["checkpoint-12"] * 2
    assert whole["checkpoint"].to_list() == [None] * 2


def test_checkpoints_differ_and_each_is_merged_only_while_it_answers(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    said = {c.name: told(trained, checkpoint=c)["response"].to_list() for c in open_training(trained).checkpoints()}
    assert len({tuple(texts) for texts in said.values()}) > 1
    assert len(list((tmp_path / "temporary").iterdir())) == 1, "one model at a time"
    close_all()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_nothing_is_asked_or_merged_again(trained, tmp_path, monkeypatch):
    first = open_training(trained).checkpoints()[0]
    before = told(trained, checkpoint=first, journal=tmp_path)
    monkeypatch.setattr("curate.evaluate.trained.merge", lambda *_: pytest.fail("merged again"))
    close_all()
    assert told(trained, checkpoint=first, journal=tmp_path).equals(before)


def test_the_end_of_turn_token_ends_an_answer(trained, tmp_path):
    """The very same weights, told nothing of the token, run on to the limit."""
    ended = told(trained, samples=8).filter(pl.col("finish_reason") == "stop")
    assert ended.height, "it has not learnt to stop"
    deaf = shutil.copytree(trained / "merged", tmp_path / "deaf")
    settings = json.loads((deaf / "generation_config.json").read_text(encoding="utf-8"))
    (deaf / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [0]}))
    on = told(deaf, samples=8).join(ended, on=["id", "sample"])
    assert (on["tokens"] > on["tokens_right"]).all()
    assert all(long.startswith(short) for long, short in on.select("response", "response_right").iter_rows())


def test_a_model_trained_anew_at_its_place_is_not_taken_for_the_old_one(trained, tmp_path):
    folder = shutil.copytree(trained / "merged", tmp_path / "model")
    before = told(folder)
    training = open_training(trained)
    merge(training, training.checkpoints()[0], folder)
    assert not told(folder)["response"].equals(before["response"])


def test_samples_of_a_prompt_differ_and_are_the_same_again(trained):
    one, two = told(trained, samples=3), told(trained, samples=3)
    assert one.equals(two)
    assert one["sample"].to_list() == [0, 1, 2] * 2
    assert one.filter(pl.col("id") == "a")["response"].n_unique() > 1
    assert not told(trained, samples=3, seed=1)["response"].equals(one["response"])


def test_a_generator_of_ones_own_answers_too():
    found = answers(says(lambda ask: ask.messages[-1]["content"].upper()), PROMPTS)
    assert found["response"].to_list() == ["WHAT IS 3 AND 3?", "WHAT IS 4 AND 4?"]


@pytest.mark.parametrize(
    ("backend", "engine", "given", "settled"),
    [
        pytest.param(
            "vllm",
            {},
            {},
            {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2, "max_tokens": 2048},
            id="LIMA's decoding",
        ),
        pytest.param(
            "transformers",
            {},
            {"do_sample": False},
            {"do_sample": False, "repetition_penalty": 1.2, "max_new_tokens": 2048},
            id="greedy, nothing is drawn",
        ),
        pytest.param(
            "vllm",
            {"max_model_len": 512},
            {"temperature": 0, "top_p": None, "repetition_penalty": None},
            {"temperature": 0, "max_tokens": 256},
            id="settings of one's own, and a short context",
        ),
    ],
)
def test_decoding_is_limas_unless_said_otherwise(backend, engine, given, settled):
    assert decoding(backend, "org/model", engine, given) == settled


PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi?"}]


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        pytest.param({"prompt": "Hi?"}, {"prompt": "Hi?"}, id="a text"),
        pytest.param({"prompt": PROMPT}, {"prompt": "Hi?", "system": "Be brief."}, id="turns, as TRL has them"),
        pytest.param(
            {"prompt": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes?"}, PROMPT[1]]},
            {
                "prompt": "Hi?",
                "history": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes?"}],
            },
            id="a dialogue",
        ),
    ],
)
def test_prompts_are_texts_or_turns(tmp_path, row, asked):
    found = read_prompts(tiny.write(tmp_path / "p.jsonl", [row])).to_dicts()[0]
    assert len(found.pop("id")) == 32
    assert found == asked


def test_a_folder_gives_its_dev_prompts_and_a_row_twice_is_asked_once(tmp_path):
    tiny.write(tmp_path / "test_prompts.jsonl", [{"prompt": "Of the test?"}])
    assert read_prompts(tmp_path)["prompt"].to_list() == ["Of the test?"]
    tiny.write(tmp_path / "dev.jsonl", [{"id": i, "prompt": f"{i}?"} for i in (7, 3, 7)])
    assert read_prompts(tmp_path).to_dicts() == [{"id": "7", "prompt": "7?"}, {"id": "3", "prompt": "3?"}]
    assert read_prompts(tmp_path, limit=1).height == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([], "holds no prompts", id="an empty file"),
        pytest.param([{"prompt": "Hi?"}, {"question": "Hi?"}], "row 2 has no prompt", id="another column"),
        pytest.param(
            [{"prompt": [{"role": "assistant", "content": "Hi"}]}], "row 1 has no prompt", id="no user's turn"
        ),
        pytest.param(["text"], "row 1 has no prompt", id="no object"),
    ],
)
def test_what_is_no_prompt_is_named(tmp_path, rows, message):
    with pytest.raises(PromptsError, match=message):
        read_prompts(tiny.write(tmp_path / "p.jsonl", rows))


def test_wrong_names_are_told_in_words(trained, tmp_path):
    with pytest.raises(PromptsError, match="there are no prompts"):
        read_prompts(tmp_path / "nothing")
    with pytest.raises(PromptsError, match="holds no dev prompts"):
        read_prompts(tmp_path)
    with pytest.raises(AnswerError, match="no backend 'vlm'"):
        answers(str(trained), PROMPTS, backend="vlm")
    with pytest.raises(AnswerError, match="have no 'temperatur': did you mean 'temperature'"):
        answers(trained, PROMPTS, backend="transformers", sampling={"temperatur": 1})
    with pytest.raises(AnswerError, match="samples"):
        answers(trained, PROMPTS, samples=0)
    with pytest.raises(TrainedError, match="is not a finished training folder: there is no such folder"):
        open_training(tmp_path / "nothing")
    (tmp_path / "chain" / "dpo").mkdir(parents=True)
    (tmp_path / "chain" / "dpo" / "record.json").write_text('{"stage": "dpo"}')
    with pytest.raises(TrainedError, match=r"holds a chain of trainings: name one, such as .*dpo"):
        open_training(tmp_path / "chain")
    (tmp_path / "chain" / "record.json").write_text('{"stage": "reward"}')
    with pytest.raises(TrainedError, match="a reward model"):
        open_training(tmp_path / "chain")


def call(*args: Any, code: int = 0) -> str:
    done = CliRunner().invoke(command, [str(a) for a in args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def test_the_command_answers_with_every_checkpoint(trained, tmp_path):
    prompts = tiny.write(tmp_path / "p.jsonl", PROMPTS.to_dicts())
    options = ["--prompts", prompts, "--backend", "transformers", "--sampling", "max_new_tokens=8"]
    options += ["--out", tmp_path / "out"]
    said = call(trained, "--checkpoints", *options)
    assert "checkpoint-4, epoch 1: 2 answers: " in said
    assert "repetition_penalty=1.05" in said, "what keeps answers from ending is told where they do not"
    options += ["--sampling", "repetition_penalty=1.1"]
    assert "repetition_penalty=1.05" not in call(trained, *options)
    call(trained, "--checkpoints", *options)
    lines = [json.loads(line) for line in (tmp_path / "out/answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["checkpoint"] for line in lines] == [f"checkpoint-{n}" for n in (4, 4, 8, 8, 12, 12)]
    assert {"id", "prompt", "sample", "response", "finish_reason", "tokens"} <= lines[0].keys()
    again = call(trained, "--checkpoints", *options, "--json")
    assert [json.loads(line) for line in again.splitlines()] == lines
    assert "--sampling takes KEY=VALUE" in call(trained, *options, "--sampling", "hot", code=2)
    assert "--prompts" in call("org/model", code=2)
    assert "holds no dev prompts" in str(CliRunner().invoke(command, [str(trained)]).exception)


def test_prompts_that_are_not_named_are_those_held_out_of_what_was_trained_on(trained, tmp_path):
    """DPO's pairs hold none out, so those of the SFT before it are asked."""
    second = shutil.copytree(trained, tmp_path / "second")
    record = json.loads((second / "record.json").read_text(encoding="utf-8"))
    record |= {"data": {"file": str(tmp_path / "pairs.jsonl")}, "model_in": {"path": str(trained / "merged")}}
    (second / "record.json").write_text(json.dumps(record), encoding="utf-8")
    held_out = tiny.write(trained.parent / "dev.jsonl", PROMPTS.to_dicts())
    try:
        said = call(second, "--backend", "transformers", "--sampling", "max_new_tokens=4", "--limit", "1", "--json")
        assert json.loads(said)["prompt"] == "What is 3 and 3?"
    finally:
        held_out.unlink()
