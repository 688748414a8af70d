"""Answers of a real trained model, tiny: every checkpoint by itself, nothing asked twice, the turn's end respected.

Dialogues are held turn by turn: what the model answered stands before what it is asked next.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli.answer import answer as command
from curate.evaluate.answers import SCHEMA, AnswerError, answers, decoding
from curate.evaluate.trained import TrainedError, merge, open_training
from curate.models.generators.ask import Answer, Failed
from curate.models.generators.generator import close_all
from curate.pairs.example import says
from curate.pairs.samples import CALLS, UNANSWERED
from curate.turns import lean, turn, without_thoughts
from tests.models.judges.scripted import scripted
from tests.train import tiny

pytestmark = pytest.mark.model

BRIEF = {"max_new_tokens": 12}
TWO = pl.DataFrame({"id": ["a", "b"], "turns": [["Hi?", "More?", "And?"], ["Why?"]]})
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


def respond(model: Any, **more: Any) -> pl.DataFrame:
    return answers(model, PROMPTS, backend="transformers", sampling=BRIEF, **more)


def test_the_last_checkpoint_answers_as_the_merged_model_does(trained, tmp_path):
    each = open_training(trained).checkpoints()
    assert [(c.name, c.epoch) for c in each] == [("checkpoint-4", 1.0), ("checkpoint-8", 2.0), ("checkpoint-12", 3.0)]
    last, whole = respond(trained, checkpoint=each[-1]), respond(trained)
    assert last["response"].to_list() == whole["response"].to_list()
    assert last["checkpoint"].to_list() == ["checkpoint-12"] * 2
    assert whole["checkpoint"].to_list() == [None] * 2


def test_checkpoints_differ_and_each_is_merged_only_while_it_answers(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    texts = {c.name: respond(trained, checkpoint=c)["response"].to_list() for c in open_training(trained).checkpoints()}
    assert len({tuple(texts) for texts in texts.values()}) > 1
    assert len(list((tmp_path / "temporary").iterdir())) == 1, "one model at a time"
    close_all()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_nothing_is_asked_or_merged_again(trained, tmp_path, monkeypatch):
    first = open_training(trained).checkpoints()[0]
    before = respond(trained, checkpoint=first, journal=tmp_path)
    monkeypatch.setattr("curate.evaluate.trained.merge", lambda *_: pytest.fail("merged again"))
    close_all()
    assert respond(trained, checkpoint=first, journal=tmp_path).equals(before)


def test_the_end_of_turn_token_ends_an_answer(trained, tmp_path):
    """The very same weights, told nothing of the token, run on to the limit."""
    ended = respond(trained, samples=8).filter(pl.col("finish_reason") == "stop")
    assert ended.height, "it has not learnt to stop"
    deaf = shutil.copytree(trained / "merged", tmp_path / "deaf")
    settings = json.loads((deaf / "generation_config.json").read_text(encoding="utf-8"))
    (deaf / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [0]}))
    on = respond(deaf, samples=8).join(ended, on=["id", "sample"])
    assert (on["tokens"] > on["tokens_right"]).all()
    assert all(long.startswith(short) for long, short in on.select("response", "response_right").iter_rows())


def test_a_model_trained_anew_at_its_place_is_not_taken_for_the_old_one(trained, tmp_path):
    folder = shutil.copytree(trained / "merged", tmp_path / "model")
    before = respond(folder)
    training = open_training(trained)
    merge(training, training.checkpoints()[0], folder)
    assert not respond(folder)["response"].equals(before["response"])


def test_samples_of_a_prompt_differ_and_are_the_same_again(trained):
    one, two = respond(trained, samples=3), respond(trained, samples=3)
    assert one.equals(two)
    assert one["sample"].to_list() == [0, 1, 2] * 2
    assert one.filter(pl.col("id") == "a")["response"].n_unique() > 1
    assert not respond(trained, samples=3, seed=1)["response"].equals(one["response"])


def test_a_generator_of_ones_own_answers_too():
    lines = answers(says(lambda ask: ask.messages[-1]["content"].upper()), PROMPTS)
    assert lines["response"].to_list() == ["WHAT IS 3 AND 3?", "WHAT IS 4 AND 4?"]


@pytest.mark.parametrize(
    ("backend", "engine", "sampling", "settings"),
    [
        pytest.param("vllm", {}, {}, {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2, "max_tokens": 2048}, id="LIMA's decoding"),
        pytest.param("transformers", {}, {"do_sample": False}, {"do_sample": False, "repetition_penalty": 1.2, "max_new_tokens": 2048}, id="greedy, nothing is drawn"),
        pytest.param("vllm", {"max_model_len": 512}, {"temperature": 0, "top_p": None, "repetition_penalty": None}, {"temperature": 0, "max_tokens": 256}, id="settings of one's own, and a short context"),
    ],
)  # fmt: skip
def test_decoding_is_limas_unless_said_otherwise(backend, engine, sampling, settings):
    assert decoding(backend, "org/model", engine, sampling) == settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"backend": "vlm"}, "no backend 'vlm'", id="a backend"),
        pytest.param({"sampling": {"temperatur": 1}}, "have no 'temperatur': did you mean 'temperature'", id="a setting"),
        pytest.param({"samples": 0}, "samples are at least 1, not 0", id="no samples"),
    ],
)  # fmt: skip
def test_wrong_settings_are_told_in_words(trained, options, message):
    for rows in (PROMPTS, TWO):
        with pytest.raises(AnswerError, match=message):
            answers(trained, rows, **{"backend": "transformers", **options})


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param({}, "is not a finished training folder: there is no such folder", id="nothing"),
        pytest.param({"dpo/": "dpo"}, r"holds a chain of trainings: name one, such as .*dpo", id="a chain"),
        pytest.param({"": "reward"}, "a reward model", id="a reward model"),
    ],
)
def test_a_folder_that_has_no_model_to_answer_is_told(record, message, tmp_path):
    for place, stage in record.items():
        (tmp_path / "out" / place).mkdir(parents=True)
        (tmp_path / "out" / place / "record.json").write_text(json.dumps({"stage": stage}))
    with pytest.raises(TrainedError, match=message):
        open_training(tmp_path / "out")


def call(*args: Any, code: int = 0) -> str:
    done = CliRunner().invoke(command, [str(a) for a in args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def test_the_command_answers_with_every_checkpoint(trained, tmp_path):
    prompts = tiny.write(tmp_path / "p.jsonl", PROMPTS.to_dicts())
    options = ["--prompts", prompts, "--backend", "transformers", "--sampling", "max_new_tokens=8"]
    options += ["--out", tmp_path / "out"]
    output = call(trained, "--checkpoints", *options)
    assert "checkpoint-4, epoch 1: 2 answers: " in output
    assert "repetition_penalty=1.05" in output, "what keeps answers from ending is told where they do not"
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
        output = call(second, "--backend", "transformers", "--sampling", "max_new_tokens=4", "--limit", "1", "--json")
        assert json.loads(output)["prompt"] == "What is 3 and 3?"
    finally:
        held_out.unlink()


def test_each_turn_is_asked_after_the_answers_before_it():
    model, asked = scripted(lambda ask: f"{len(ask.messages)}: {ask.messages[-1]['content']}")
    lines = answers(model, TWO)
    assert lines["response"].to_list() == ["1: Hi?", "3: More?", "5: And?", "1: Why?"]
    assert lines["turn"].to_list() == [0, 1, 2, 0]
    last = next(ask for ask in asked if ask.messages[-1]["content"] == "And?")
    assert [turn["content"] for turn in last.messages] == ["Hi?", "1: Hi?", "More?", "3: More?", "And?"]
    assert list(map(lean, lines["history"][2])) == last.messages[:-1], "a line says itself what stood before it"
    assert lines.schema == pl.Schema(SCHEMA)


def test_dialogues_go_on_together_a_turn_at_a_time():
    model, asked = scripted(lambda ask: "Yes.")
    progress: list[tuple[str, int]] = []
    answers(model, TWO, samples=2, tell=lambda name, done, of, tokens: progress.append((name, of)))
    assert [len(ask.messages) for ask in asked] == [1, 1, 1, 1, 3, 3, 5, 5]
    assert {name for name, _ in progress} == {"script, turn 1", "script, turn 2", "script, turn 3"}
    assert len({ask.seed for ask in asked}) == 8, "each with a seed of its own"


def test_the_first_turn_is_drawn_as_a_prompt_by_itself():
    model, _ = scripted(lambda ask: str(ask.seed))
    alone = answers(model, pl.DataFrame({"id": ["a"], "prompt": ["Hi?"]}), seed=4)
    assert answers(model, TWO, seed=4)["response"][0] == alone["response"][0]


def test_after_a_turn_without_an_answer_there_is_none_and_it_is_said():
    def reply(ask):
        long = ask.messages[-1]["content"] == "More?"
        return Failed("too long", again=False) if long else Answer("Well", "length", 5, 5)

    model, asked = scripted(reply)
    lines = answers(model, TWO)
    assert lines["failed"].to_list() == [None, "too long", "turn 2 had no answer", None]
    assert lines["response"].to_list() == ["Well", None, None, "Well"]
    assert len(asked) == 3


def test_nothing_is_asked_twice(tmp_path):
    model, asked = scripted(lambda ask: str(ask.seed))
    first = answers(model, TWO, journal=tmp_path)
    again, asked_again = scripted(lambda ask: "other")
    assert answers(again, TWO, journal=tmp_path).equals(first)
    assert (len(asked), asked_again) == (4, [])


def test_the_command_holds_dialogues_and_prompts(tmp_path, monkeypatch):
    model, _ = scripted(lambda ask: "Yes.")
    monkeypatch.setattr("curate.evaluate.answers._open", lambda *_: model)
    talks = tiny.write(tmp_path / "d.jsonl", TWO.to_dicts())
    prompts = tiny.write(tmp_path / "p.jsonl", [{"prompt": "Hi?"}])
    arguments = ["org/model", "--out", str(tmp_path / "out"), "--dialogues", str(talks), "--json"]
    alone = CliRunner().invoke(command, arguments)
    assert alone.exit_code == 0, alone.output
    assert [json.loads(line)["turn"] for line in alone.output.splitlines()] == [0, 1, 2, 0]
    both = CliRunner().invoke(command, [*arguments, "--prompts", str(prompts)])
    assert [json.loads(line)["turn"] for line in both.output.splitlines()] == [None, 0, 1, 2, 0]


CALL = {"id": "1", "name": "weather", "arguments": "{}"}
BEFORE = [
    turn("user", "Weather?", name="ann"),
    turn("assistant", thinking="look", tool_calls=[CALL]),
    turn("tool", "12", tool_call_id="1"),
    turn("assistant", "12."),
]


def test_a_prompt_is_asked_with_all_that_stands_before_it():
    model, asked = scripted(lambda ask: "13.")
    rows = pl.DataFrame(
        [{"id": "a", "prompt": "And now?", "history": BEFORE, "tools": '[{"name": "weather"}]', "prompt_name": "ann"}],
        infer_schema_length=None,
    )
    [line] = answers(model, rows).to_dicts()
    assert list(asked[0].messages) == [*without_thoughts(BEFORE), turn("user", "And now?", name="ann")]
    assert asked[0].tools == line["tools"] == '[{"name": "weather"}]'
    assert (line["prompt_name"], line["response"], line["response_turns"]) == ("ann", "13.", None)


@pytest.mark.parametrize(
    ("reply", "response", "thinking", "failed"),
    [
        pytest.param("<think>hm</think>4", "4", "hm", None, id="thoughts"),
        pytest.param(Answer("<think>hm", "length", 5, 5), None, "hm", UNANSWERED, id="thoughts alone"),
        pytest.param(Answer("", "length", 5, 5, None, None, 5), None, None, UNANSWERED, id="thoughts nobody is shown"),
        pytest.param(Answer("I look.", "tool_calls", 5, 5), None, None, CALLS, id="a call of a tool"),
        pytest.param("", "", None, None, id="an empty answer"),
    ],
)
def test_thoughts_stand_beside_the_answer(reply, response, thinking, failed):
    model, _ = scripted(lambda ask: reply)
    [line] = answers(model, pl.DataFrame({"id": ["a"], "prompt": ["2+2?"]})).to_dicts()
    thoughts = line["response_turns"] and line["response_turns"][0]["thinking"]
    assert (line["response"], thoughts, line["failed"]) == (response, thinking, failed)
    assert line["tokens"] is not None


def test_thoughts_of_earlier_turns_are_not_asked_again():
    model, asked = scripted(lambda ask: "<think>hm</think>Yes.")
    answers(model, TWO)
    assert not any("hm" in (turn["content"] or "") for ask in asked for turn in ask.messages)
    assert any(turn["content"] == "Yes." for ask in asked for turn in ask.messages)
