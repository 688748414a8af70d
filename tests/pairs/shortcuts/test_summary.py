"""Shortcuts in words: what is warned of, what is hedged, and the same figures on card and screen."""

from __future__ import annotations

import pytest

from curate.pairs.shortcuts.summary import card_lines, interval, percent, rows_of, verdict, warned


def rule(name="emoji", accuracy=0.93, low=0.9, direction="more emoji", **more):
    shares = {"chosen": 0.9, "rejected": 0.04, "ties": 0.06}
    return (
        {"rule": name, "counts": "Counts.", "direction": direction, "accuracy": accuracy, "low": low, "high": 0.95}
        | shares
        | more
    )


def report(*rules, words=None, pairs=1000, prompts=1000, left_out=0):
    found = {
        "pairs": pairs,
        "prompts": prompts,
        "left_out": left_out,
        "rules": list(rules),
        "openings": [],
        "words": words,
    }
    found |= {"no_words": None if words else "the linear model needs more", "verdict": [], "warned": []}
    found["warned"] = warned(found)
    found["verdict"] = verdict(found)
    return found


def words(accuracy=0.66, low=0.62, pairs=1000, alike=None):
    share = {"accuracy": accuracy, "low": low, "high": min(accuracy + 0.03, 1), "pairs": pairs}
    return share | {"alike": alike, "chosen": [("you know", 1.5)], "rejected": [("inquiries", -1.2), ("as", -1.0)]}


@pytest.mark.parametrize(
    ("accuracy", "low", "is_warned"),
    [
        pytest.param(0.93, 0.9, True, id="far over both thresholds"),
        pytest.param(0.76, 0.61, True, id="just over both"),
        pytest.param(0.75, 0.7, False, id="not over 75 %"),
        pytest.param(0.9, 0.6, False, id="too few pairs to be sure"),
    ],
)
def test_the_thresholds_of_a_warning(accuracy, low, is_warned):
    found = report(rule(accuracy=accuracy, low=low))
    assert found["warned"] == (["emoji"] if is_warned else [])
    assert ("may learn that" in found["verdict"][0]) == is_warned
    assert ("linear_model" in report(rule(accuracy=0.5), words=words(accuracy, low))["warned"]) == is_warned


def test_the_best_rule_is_told_first_and_the_others_after_it():
    others = [rule(f"r{i}", 0.9 - i / 100, direction=f"more r{i}") for i in range(8)]
    said = report(rule(), *others)["verdict"][0]
    assert said.startswith("A rule that takes the answer with more emoji gets 93 % right by itself: a model may learn")
    assert said.endswith(
        "So do more r0 (90 %), more r1 (89 %), more r2 (88 %), more r3 (87 %), more r4 (86 %), more r5 (85 %), 2 more."
    )


def test_without_a_warning_the_best_rule_is_told_with_its_interval():
    assert report(rule(accuracy=0.58, low=0.55))["verdict"][0] == (
        "No one-line rule stands out: the best, “more emoji”, gets 58 % right (55–95 %)."
    )
    assert report(rule(accuracy=0.5, direction=None))["verdict"][0] == "No one-line rule stands out: all are ties."


def test_words_are_told_with_what_is_left_at_one_length():
    alike = {"accuracy": 0.56, "low": 0.51, "high": 0.61, "pairs": 120}
    said = report(rule(), words=words(alike=alike))["verdict"][1]
    assert said == (
        "A linear model on words gets 66 % right (62–69 %) on prompts that it has not seen. Where the answers are nearly of "
        "one length it gets 56 % right (51–61 %) (120 pairs)."
    )
    strong = report(rule(), words=words(0.97, 0.95, pairs=900))["verdict"][1]
    assert "(learnt from 900 of the pairs): wording alone tells the two sides apart." in strong
    assert report(rule())["verdict"][1] == "The linear model needs more."


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"pairs": 40, "prompts": 40}, "With 40 pairs intervals are wide (± 15 points): read the figures as hints."),
        ({"prompts": 300}, "The pairs share 300 prompts, so that the figures are less certain than intervals say."),
        ({"left_out": 7}, "7 rows without both answers are left out."),
    ],
)
def test_doubts_are_told(more, said):
    assert report(rule(), **more)["verdict"][-1] == said
    assert len(report(rule())["verdict"]) == 2


def test_rows_and_card_hold_the_same_figures():
    found = report(*(rule(f"rule_{i}", 0.9 - i / 20) for i in range(12)), words=words())
    rows, card = rows_of(found), card_lines(found)
    assert rows[0] == ("rule 0", "more emoji", "90 %", "90–95 %", "90 %", "4 %", "6 %")
    assert rows[-1] == ("linear model", "words, learnt", "66 %", "62–69 %", "", "", "")
    assert len(rows) == 13 and {len(row) for row in rows} == {7}
    assert card[0] == found["verdict"][0]
    assert "| rule 0 | more emoji | 90 % | 90–95 % | 6 % |" in card
    assert sum(line.startswith("| ") for line in card) == 1 + 8 + 1
    assert "Words towards rejected: `inquiries`, `as`." in card


def test_a_card_without_words():
    assert not [line for line in card_lines(report(rule())) if line.startswith("Words towards")]


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.5, "50 %"), (0.996, "99.6 %"), (0.99996, "100.00 %"), (0.004, "0.4 %"), (0.0, "0 %"), (1.0, "100 %")],
)
def test_percent(share, said):
    assert percent(share) == said


def test_an_interval_is_rounded_outwards_and_not_by_binary_fractions():
    assert interval({"accuracy": 0.5, "low": 0.29, "high": 0.7101, "pairs": 9}) == "29–72 %"
