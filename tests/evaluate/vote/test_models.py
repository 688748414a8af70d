from __future__ import annotations

import pytest

from curate.evaluate.vote.make import VoteError, read_answers
from tests.evaluate.vote.conftest import answer


@pytest.mark.parametrize(
    ("lines", "models", "left_out"),
    [
        pytest.param([answer(0, "a"), answer(1, "b")], ["m", "m"], {}, id="answers of one model"),
        pytest.param(
            [answer(0, "a", checkpoint=c) for c in ("checkpoint-2", "checkpoint-4")],
            ["m checkpoint-2", "m checkpoint-4"],
            {},
            id="every checkpoint is a model",
        ),
        pytest.param(
            [answer(0, "a", arm=arm) for arm in ("random", "filtered")],
            ["m random", "m filtered"],
            {},
            id="every arm is a model",
        ),
        pytest.param(
            [answer(0, None), answer(1, "")], ["m"], {"no answer": 1}, id="an empty answer is one, none is not"
        ),
        pytest.param(
            [answer(0, "a", turn=None), answer(0, "b", sample=1, turn=1)],
            ["m"],
            {"a turn of a dialogue": 1},
            id="dialogues are left out",
        ),
        pytest.param(
            [answer(0, "a", arm="x", seed=seed) for seed in (0, 1)],
            ["m x"],
            {"another answer of this model, prompt and sample": 1},
            id="of several training seeds the first",
        ),
    ],
)
def test_files_hold_models(lines, models, left_out, answers):
    found, lost = read_answers([answers("m", lines=lines)])
    assert (found["model"].to_list(), lost) == (models, left_out)


def test_a_model_is_called_as_its_file_or_folder_or_as_one_says(answers, tmp_path):
    (tmp_path / "sft").mkdir()
    plain = answers("warm").rename(tmp_path / "sft/answers.jsonl")
    other = answers("formal")
    found, _ = read_answers([plain, other, f"mine={other}"])
    assert found["model"].unique(maintain_order=True).to_list() == ["sft", "formal", "mine"]


def test_an_answer_may_hold_any_line_break_of_unicode(answers):
    found, _ = read_answers([answers("m", lines=[answer(0, "one\u2028two\x85three")])])
    assert found["response"].to_list() == ["one\u2028two\x85three"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "{}\n", "m.jsonl, line 1 is no answer: a JSON object with `id`, `prompt`, `response`", id="no answer"
        ),
        pytest.param('{"prompt": "p", "response": "r"}\nhello\n', "m.jsonl, line 2 is no answer", id="no JSON"),
        pytest.param('{"prompt": "p", "response": 3}\n', "line 1 is no answer", id="a number is no answer"),
        pytest.param("[]\n", "line 1 is no answer", id="a list is no answer"),
        pytest.param(None, "m.jsonl cannot be read: No such file or directory", id="no file"),
    ],
)
def test_what_is_no_answer_is_named(text, words, tmp_path):
    if text is not None:
        (tmp_path / "m.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(VoteError, match=words):
        read_answers([tmp_path / "m.jsonl"])


def test_two_files_do_not_share_a_name(answers):
    with pytest.raises(VoteError, match=r"would both be called m: name them, as NAME=.*m\.jsonl"):
        read_answers([answers("m"), answers("m")])
