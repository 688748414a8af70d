"""The linear model: it finds wording that is planted, finds nothing where there is nothing, and says why it is not there."""

from __future__ import annotations

import sys

import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the linear model needs the extra `shortcuts`")

from curate.pairs.shortcuts.analysis import _pairs
from curate.pairs.shortcuts.words import words
from curate.rows import hash01
from tests.pairs.shortcuts.sets import pairs


def learnt(frame, seed=0):
    return words(_pairs(frame, "chosen", "rejected", "prompt", seed))


def test_planted_words_are_found_and_named_for_their_side():
    found = learnt(pairs(200, chosen=lambda t: f"{t} You know it.", rejected=lambda t: f"{t} Inquiries are welcome."))
    assert found["accuracy"] == 1.0 and found["pairs"] == 200
    assert {word for word, _ in found["chosen"][:4]} <= {"you", "know", "it", "you know", "know it"}
    assert {"inquiries", "welcome"} <= {word for word, _ in found["rejected"][:6]}
    assert all(weight > 0 for _, weight in found["chosen"]) and all(weight < 0 for _, weight in found["rejected"])


def test_sides_swapped_at_random_are_a_coin():
    planted = pairs(400, chosen=lambda t: f"{t} You know it.", rejected=lambda t: f"{t} Inquiries are welcome.")
    for seed in range(3):
        turn = hash01("id", seed, "swap") < 0.5
        swapped = planted.with_columns(
            chosen=pl.when(turn).then("rejected").otherwise("chosen"),
            rejected=pl.when(turn).then("chosen").otherwise("rejected"),
        )
        found = learnt(swapped, seed)
        assert found["low"] <= 0.5 <= found["high"], found["accuracy"]


def test_what_is_known_of_a_prompt_does_not_help_with_its_other_pairs():
    # Each prompt has a word that is in all of its chosen answers, and no other prompt has it.
    own = pl.col("prompt").str.extract(r"(\d+)").str.replace_many(list("0123456789"), list("abcdefghij"))
    frame = pairs(300, a_prompt=30).with_columns(pl.col("chosen") + " x" + own)
    found = learnt(frame)
    assert found["low"] <= 0.5 <= found["high"], found["accuracy"]
    assert found["chosen"][0][0].split()[-1].startswith("x"), "though the words themselves are learnt"


def test_length_alone_is_told_apart_from_words():
    longer = pairs(
        300, chosen=lambda t: f"{t} {t.split()[0]} river stone window garden market letter silver", a_prompt=3
    )
    found = learnt(longer)
    assert found["accuracy"] > 0.9
    alike = learnt(pairs(300))["alike"]
    assert alike and 30 <= alike["pairs"] < 300


def test_it_is_the_same_for_a_seed_and_another_draw_for_another():
    frame = pairs(150, chosen=lambda t: f"well {t}" if "river" in t else t)
    assert learnt(frame) == learnt(frame)
    assert learnt(frame, 1)["chosen"] == learnt(frame)["chosen"], "all pairs are learnt from for the weights"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        pytest.param(pairs(19), "at least 20 pairs", id="few pairs"),
        pytest.param(pairs(60, a_prompt=20), "at least 5 prompts", id="few prompts"),
        pytest.param(pairs(30, lambda t: "😊", lambda t: "1"), "nothing for a linear model", id="no words"),
    ],
)
def test_too_little_to_learn_from_is_said(frame, why):
    assert why in learnt(frame)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert "pip install 'curate-lm[shortcuts]'" in learnt(pairs(30))


def test_of_many_pairs_whole_prompts_are_drawn(monkeypatch):
    monkeypatch.setattr("curate.pairs.shortcuts.words._MOST_PAIRS", 50)
    assert learnt(pairs(200))["pairs"] == 50
    monkeypatch.setattr("curate.pairs.shortcuts.words._MOST_BYTES", 20_000)
    assert 20 < learnt(pairs(200))["pairs"] < 50
