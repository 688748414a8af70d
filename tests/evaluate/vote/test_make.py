from __future__ import annotations

from collections import Counter
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.evaluate.vote.make import VoteError, draw, read_answers
from tests.evaluate.vote.conftest import answer

COLUMNS = ["model", "id", "prompt", "sample", "response"]


def answers_of(models="xy", prompts=4, samples=1, response="{m}{i}{s}"):
    rows = [
        (m, f"p{i}", f"{i}?", s, response.format(m=m, i=i, s=s))
        for m in models
        for i in range(prompts)
        for s in range(samples)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def pairs(items):
    return Counter(zip(items["a"], items["b"], strict=True))


@pytest.mark.slow
@given(st.integers(2, 4), st.integers(1, 9), st.integers(1, 60), st.integers(0, 5))
def test_comparisons_are_spread_evenly(models, prompts, n, seed):
    names = "wxyz"[:models]
    items, left_out = draw(answers_of(names, prompts), n, seed)
    kinds = list(combinations(names, 2))
    assert items.height == min(n, prompts * len(kinds))
    assert left_out == {}
    per_prompt = Counter(items["id"])
    assert max(per_prompt.values()) - min(per_prompt.get(f"p{i}", 0) for i in range(prompts)) <= 1
    assert items.select("id", "a", "b").n_unique() == items.height
    if n >= prompts * len(kinds):
        assert set(pairs(items).values()) == {prompts}


@pytest.mark.slow
@given(st.integers(1, 20), st.integers(0, 50))
def test_each_model_of_a_pair_stands_first_in_half_of_them(prompts, seed):
    items, _ = draw(answers_of("xyz", prompts), 1000, seed)
    for a, b in combinations("xyz", 2):
        of_pair = items.filter((pl.col("a") == a) & (pl.col("b") == b))
        assert abs(2 * (of_pair["left"] == a).sum() - of_pair.height) <= 1


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_the_rows_does_not_matter(random, seed):
    answers = answers_of("xy", 6, samples=2)
    order = list(range(answers.height))
    random.shuffle(order)
    shuffled = pl.concat([answers[order].filter(pl.col("model") == m) for m in "xy"])
    assert draw(shuffled, 4, seed)[0].equals(draw(answers, 4, seed)[0])


def test_a_seed_draws_prompts_order_sides_and_samples():
    drawn = [draw(answers_of("xy", 40, samples=3), 20, seed)[0] for seed in range(2)]
    for column in ("id", "left", "sample"):
        assert drawn[0][column].to_list() != drawn[1][column].to_list()
    assert set(drawn[0]["sample"]) == {0, 1, 2}


def test_texts_stand_where_the_models_do():
    for row in draw(answers_of("xyz", 8, samples=2), 99, 1)[0].iter_rows(named=True):
        assert row["left_text"] == f"{row['left']}{row['id'][1:]}{row['sample']}"
        assert row["right_text"] == f"{row['right']}{row['id'][1:]}{row['sample']}"
        assert {row["left"], row["right"]} == {row["a"], row["b"]}


@pytest.mark.parametrize(
    ("answers", "height", "left_out"),
    [
        pytest.param(answers_of(response="same"), 0, {"equal answers": 4}, id="equal answers leave nothing to choose"),
        pytest.param(answers_of(response="{s}", samples=2), 0, {"equal answers": 4}, id="a prompt is counted once"),
        pytest.param(pl.concat([answers_of("x", 4), answers_of("y", 2)]), 2, {}, id="only prompts that both answered"),
        pytest.param(
            pl.concat([answers_of("x"), answers_of("y").with_columns(sample=pl.col("sample") + 1)]),
            0,
            {},
            id="only equal samples",
        ),
    ],
)
def test_what_cannot_be_compared(answers, height, left_out):
    items, missing = draw(answers, 50)
    assert (items.height, missing) == (height, left_out)


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
    rows, missing = read_answers([answers("m", lines=lines)])
    assert (rows["model"].to_list(), missing) == (models, left_out)


def test_a_model_is_called_as_its_file_or_folder_or_as_one_says(answers, tmp_path):
    (tmp_path / "sft").mkdir()
    plain = answers("warm").rename(tmp_path / "sft/answers.jsonl")
    other = answers("formal")
    rows, _ = read_answers([plain, other, f"mine={other}"])
    assert rows["model"].unique(maintain_order=True).to_list() == ["sft", "formal", "mine"]


def test_an_answer_may_hold_any_line_break_of_unicode(answers):
    rows, _ = read_answers([answers("m", lines=[answer(0, "one\u2028two\x85three")])])
    assert rows["response"].to_list() == ["one\u2028two\x85three"]


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
