"""The report as a whole: what is planted comes first, what is not there is not found, and nothing depends on order."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the linear model needs the extra `shortcuts`")

from curate.pairs.shortcuts import ShortcutError, shortcuts
from curate.rows import hash01
from tests.conftest import seconds
from tests.pairs.shortcuts.sets import drawn, pairs


def emoji(said):
    return f"{said} 🎉" if drawn(said) % 2 else f"😊 {said}"


@pytest.fixture(scope="module")
def planted():
    return shortcuts(pairs(300, chosen=emoji))


def swapped(frame, seed=0):
    turn = hash01("id", seed, "swap") < 0.5
    sides = {a: pl.when(turn).then(b).otherwise(a) for a, b in (("chosen", "rejected"), ("rejected", "chosen"))}
    return frame.with_columns(**sides)


def test_a_planted_emoji_is_named_first(planted):
    first = planted["rules"][0]
    assert (first["rule"], first["direction"], first["accuracy"], first["ties"]) == ("emoji", "more emoji", 1.0, 0.0)
    assert planted["warned"] == ["emoji"]
    assert planted["verdict"][0] == (
        "A rule that takes the answer with more emoji gets 100 % right by itself: a model may learn that instead of what "
        "you mean."
    )


def test_the_other_rules_and_the_words_know_nothing_of_it(planted):
    others = [
        rule for rule in planted["rules"] if rule["rule"] not in {"emoji", "words", "characters", "sentence_length"}
    ]
    assert all(rule["low"] <= 0.5 for rule in others)
    assert planted["words"]["low"] <= 0.5 <= planted["words"]["high"]


def test_sides_swapped_at_random_leave_nothing_to_learn():
    frame = pairs(400, chosen=lambda t: f"Oh, {t} 😊 You know what?", rejected=lambda t: f"As an AI, {t}")
    assert len(shortcuts(frame)["warned"]) > 5
    found = shortcuts(swapped(frame))
    assert found["warned"] == []
    assert [rule["rule"] for rule in found["rules"] if rule["low"] > 0.5] == []
    assert found["words"]["low"] <= 0.5 <= found["words"]["high"]


def test_the_order_of_the_rows_does_not_matter_and_the_data_is_plain(planted):
    frame = pairs(300, chosen=emoji)
    for turned in (frame.reverse(), frame.sample(fraction=1, shuffle=True, seed=1)):
        assert shortcuts(turned) == planted
    assert json.loads(json.dumps(planted))["verdict"] == planted["verdict"]
    without = frame.drop("id")
    assert shortcuts(without.reverse()) == shortcuts(without)


def test_the_seed_draws_the_folds():
    frame = pairs(100, chosen=lambda t: f"Well {t}" if drawn(t) % 3 else t)
    learnt = [next(r for r in shortcuts(frame, seed=s)["rules"] if r["rule"] == "opening_word") for s in range(4)]
    assert len({json.dumps(one) for one in learnt}) > 1


def test_columns_of_other_names_and_pairs_without_prompts(planted):
    frame = pairs(300, chosen=emoji).rename({"chosen": "a", "rejected": "b", "prompt": "q"})
    assert shortcuts(frame, chosen="a", rejected="b", prompt="q") == planted
    bare = shortcuts(frame.select(chosen="a", rejected="b"))
    assert (bare["prompts"], bare["rules"][0]["rule"]) == (300, "emoji")


def test_rows_without_both_answers_are_left_out_and_said():
    frame = pairs(60).with_columns(rejected=pl.when(pl.int_range(pl.len()) >= 10).then("rejected"))
    found = shortcuts(frame)
    assert (found["pairs"], found["left_out"]) == (50, 10)
    assert "10 rows without both answers are left out." in found["verdict"][-1]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pl.DataFrame({"chosen": ["a"]}), "no column 'rejected'"),
        (pl.DataFrame({"chosen": [["a"]], "rejected": ["b"]}), "'chosen' holds List(String), where text is needed"),
        (pl.DataFrame({"chosen": ["a", None], "rejected": [None, "b"]}), "no row has both answers"),
        (pl.DataFrame({"chosen": [], "rejected": []}, schema={"chosen": pl.String, "rejected": pl.String}), "no row"),
    ],
)
def test_what_is_no_set_of_pairs_is_said(frame, why):
    with pytest.raises(ShortcutError, match=why.replace("(", r"\(").replace(")", r"\)")):
        shortcuts(frame)


TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=30))
def test_any_texts_give_sound_figures_whatever_their_order(made):
    frame = pl.DataFrame(made, schema=["prompt", "chosen", "rejected"], orient="row")
    found = shortcuts(frame)
    for rule in found["rules"]:
        assert rule["chosen"] + rule["rejected"] + rule["ties"] == pytest.approx(1, abs=2e-4)
        assert rule["accuracy"] == pytest.approx(rule["chosen"] + rule["ties"] / 2, abs=2e-4)
        assert 0 <= rule["low"] <= rule["accuracy"] <= rule["high"] <= 1
        assert rule["accuracy"] >= 0.5 or rule["rule"] == "opening_word"
    assert shortcuts(frame.reverse()) == found
    # Turned round, every rule that does not learn is as good, the other way.
    turned = {
        rule["rule"]: rule for rule in shortcuts(frame.rename({"chosen": "rejected", "rejected": "chosen"}))["rules"]
    }
    assert all(turned[r["rule"]]["accuracy"] == r["accuracy"] for r in found["rules"] if r["rule"] != "opening_word")


def test_one_pair():
    found = shortcuts(pl.DataFrame({"prompt": ["?"], "chosen": ["Yes 😊"], "rejected": ["No"]}))
    assert found["warned"] == [] and found["words"] is None
    assert "needs at least 20 pairs" in found["verdict"][1] and "1 pair intervals are wide" in found["verdict"][2]


@pytest.mark.slow
def test_human_like_answers_of_the_world_are_told_by_their_emoji(data):
    file = data / "human_like_pairs_sample.jsonl"
    if not file.is_file():
        pytest.skip(f"{file.name} is not among the data")
    rows = pl.DataFrame([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()])
    found = shortcuts(rows)
    best = {rule["rule"]: rule for rule in found["rules"]}
    assert best["emoji"]["chosen"] > 0.95 and best["emoji"]["rejected"] == 0
    assert {"emoji", "questions", "says_ai", "opening_word", "linear_model"} <= set(found["warned"])
    controls = [shortcuts(swapped(rows.with_columns(id="chosen"), seed), seed=seed) for seed in range(5)]
    assert all(control["warned"] == [] for control in controls)
    accuracies = [control["words"]["accuracy"] for control in controls]
    assert sum(accuracies) / 5 == pytest.approx(0.5, abs=0.04)


@pytest.mark.slow
def test_five_hundred_pairs_take_less_than_two_seconds():
    frame = pairs(500, chosen=lambda t: f"{t} {t} {t}", rejected=lambda t: f"{t} {t} {t}")
    shortcuts(frame.head(30))  # scikit-learn is imported once
    assert seconds(lambda: shortcuts(frame)) < 2


def test_thoughts_are_no_part_of_an_answer():
    rows = pl.DataFrame(
        {"prompt": ["1?", "2?"], "chosen": ["<think>🎉</think>One", "Two"], "rejected": ["Un", "<think>Hm"]}
    )
    report = shortcuts(rows)
    assert (report["pairs"], report["left_out"]) == (1, 1)
    assert not any(rule["rule"] == "emoji" and rule["direction"] for rule in report["rules"])
