from __future__ import annotations

import json

import pytest
from scipy.stats import binomtest

from curate.evaluate.vote import VoteError, read


def model(name):
    return lambda item: name


def first(item):
    return item["left"]


def wins(name, n):
    """Choose a model on the first n items, then nothing."""
    return lambda item: name if int(item["id"][1:]) < n else None


def assert_approx(row, **expected):
    assert {k: row[k] for k in expected} == pytest.approx(expected, abs=1e-9)


def test_the_selection_rate_is_that_of_the_votes_that_chose(vote, saved):
    key, file = vote(n=20)
    ties = {"p18", "p19"}
    counts = read(
        file, [saved(key, lambda i: "tie" if i["id"] in ties else "formal" if i["id"] in ("p0", "p1") else "warm")]
    )
    warm, formal = counts["models"]
    assert (counts["votes"], counts["ties"]) == (20, 2)
    wilson = binomtest(16, 18).proportion_ci(method="wilson")
    assert_approx(warm, chosen=16, decided=18, ties=2, rate=16 / 18, low=wilson.low, high=wilson.high)
    assert_approx(formal, chosen=2, decided=18, ties=2, rate=2 / 18, low=1 - wilson.high, high=1 - wilson.low)
    assert "by_prompt" not in warm


def test_several_votes_on_a_prompt_are_one_trial(vote, saved):
    key, file = vote(n=10)
    files = [saved(key, lambda i: "warm" if int(i["id"][1:]) < 8 else "formal", voter=f"v{v}") for v in range(5)]
    counts = read(file, files)
    warm = counts["models"][0]
    for row, k, n in ((warm, 40, 50), (warm["by_prompt"], 8, 10)):
        wilson = binomtest(k, n).proportion_ci(method="wilson")
        assert_approx(row, rate=0.8, low=wilson.low, high=wilson.high)


def test_several_models_are_compared_by_pair(vote, saved):
    key, file = vote("x", "y", "z", n=6)
    counts = read(file, [saved(key, lambda i: min(i["left"], i["right"]))])
    assert [(m["model"], m["chosen"], m["decided"]) for m in counts["models"]] == [
        ("x", 12, 12),
        ("y", 6, 12),
        ("z", 0, 12),
    ]
    assert [(p["a"], p["b"], p["chosen"], p["decided"]) for p in counts["pairs"]] == [
        ("x", "y", 6, 6),
        ("x", "z", 6, 6),
        ("y", "z", 6, 6),
    ]


@pytest.mark.parametrize(
    ("choose", "rate", "words"),
    [
        pytest.param(
            first, 1.0, "the answer shown first was chosen more often than the other: 100% of the time", id="first"
        ),
        pytest.param(lambda i: i["right"], 0.0, "chosen less often than the other: 0% of the time", id="second"),
        pytest.param(model("warm"), 0.5, "", id="always one model, whichever side it is on"),
    ],
)
def test_a_voter_who_goes_by_the_side_is_seen(choose, rate, words, vote, saved):
    key, file = vote(n=20)
    counts = read(file, [saved(key, choose)])
    assert counts["position"]["rate"] == counts["voters"][0]["rate"] == rate
    assert words in "".join(counts["notices"]) and bool(words) == bool(counts["notices"])


@pytest.mark.parametrize(
    ("other", "agreement", "kappa"),
    [
        pytest.param(lambda i: "warm" if int(i["id"][1:]) % 2 else "formal", 1.0, 1.0, id="the same votes"),
        pytest.param(lambda i: "formal" if int(i["id"][1:]) % 2 else "warm", 0.0, -1.0, id="the opposite votes"),
        pytest.param(model("tie"), 0.5, 0.0, id="nothing but ties"),
        pytest.param(
            lambda i: None if int(i["id"][1:]) else "formal", 1.0, None, id="one vote: chance would agree too"
        ),
    ],
)
def test_voters_agree_with_each_other_and_with_a_judge(other, agreement, kappa, vote, saved, write_jsonl):
    def ours(item):
        return "warm" if int(item["id"][1:]) % 2 else "formal"

    key, file = vote(n=10)
    theirs = saved(key, other, voter="v2")
    counts = read(file, [saved(key, ours), theirs])["agreement"][0]
    assert (counts["agreement"], counts["kappa"]) == (agreement, kappa)
    # The judge's file may have the models the other way round.
    verdict = {"warm": "b", "formal": "a"}
    lines = [
        {"id": i["id"], "sample": 0, "a": "formal", "b": "warm", "verdict": verdict[ours(i)]}
        for i in key["items"].values()
    ]
    judged = read(file, [theirs], write_jsonl("comparisons.jsonl", lines))["judge"]
    assert (judged["all"]["agreement"], judged["all"]["kappa"]) == (agreement, kappa)
    assert judged["voters"][0]["n"] == judged["all"]["n"]


def test_what_the_judge_did_not_judge_is_counted(vote, saved, write_jsonl):
    key, file = vote(n=4)
    about = {"sample": 0, "a": "warm", "b": "formal"}
    lines = [{"id": "p0", "verdict": "a", **about}, {"id": "p1", "verdict": None, **about}]
    judged = read(file, [saved(key, model("warm"))], write_jsonl("c.jsonl", lines))["judge"]
    assert (judged["no_verdict"], judged["not_judged"], judged["all"]["n"]) == (1, 3, 1)
    none = read(file, [saved(key, model("warm"))], write_jsonl("c.jsonl", [{**lines[0], "a": "others"}]))
    assert "judges none of the answers voted on" in none["notices"][0]


def test_of_two_files_of_a_voter_the_later_one_counts(vote, saved):
    key, file = vote()
    early = saved(key, wins("formal", 2), saved="2026-01-01")
    late = saved(key, model("warm"), saved="2027-01-01", name="AB")
    for files in ([early, late], [late, early]):
        counts = read(file, files)
        assert counts["models"][0]["chosen"] == counts["votes"] == 4
        assert counts["notices"] == ["v12026.json is left out: v12027.json is of the same voter, saved later"]
    assert read(file, [late, late])["votes"] == 4


def test_two_voters_of_one_name_are_two(vote, saved):
    key, file = vote()
    counts = read(file, [saved(key, model("warm"), voter=v, name="AB") for v in ("1a", "2b")])
    assert [v["voter"] for v in counts["voters"]] == ["AB (1a)", "AB (2b)"]
    assert counts["notices"] == ["2 voters call themselves AB: they count as 2"]


def test_votes_that_are_all_ties_have_no_rate(vote, saved):
    key, file = vote()
    counts = read(file, [saved(key, model("tie"))])
    assert counts["ties"] == 4 and "rate" not in counts["models"][0] and "rate" not in counts["position"]


def test_an_interrupted_vote_counts_as_far_as_it_went(vote, saved):
    key, file = vote(n=10)
    counts = read(file, [saved(key, wins("warm", 3), name="AB")])
    assert counts["votes"] == 3 and counts["voters"][0]["open"] == 7
    assert counts["notices"] == ["AB (v1) left 7 of 10 open"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"vote": "other"}, r"v1\.json is of the vote other, and the key is of \w+", id="another vote"),
        pytest.param({"format": "x"}, r"v1\.json is no result of a vote: name the file that the page", id="no result"),
        pytest.param({"votes": {"99": "left"}}, r'has been changed: {"99": "left"} is no vote', id="an item not there"),
        pytest.param({"votes": {"1": "both"}}, r'has been changed: {"1": "both"} is no vote', id="a choice not there"),
        pytest.param({"votes": {"1": ["left"]}}, "has been changed", id="a choice that is no text"),
        pytest.param({"votes": ["left"]}, "has been changed", id="votes that are a list"),
        pytest.param({"votes": {}}, "nobody has voted on anything", id="no votes"),
    ],
)
def test_what_is_no_result_of_this_vote_is_refused(change, words, vote, saved):
    key, file = vote()
    with pytest.raises(VoteError, match=words):
        read(file, [saved(key, model("warm"), **change)])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("key", None, "the key .* cannot be read: No such file", id="no key"),
        pytest.param("key", "{}", r"is no key of a vote: name the \.key\.json", id="another file as key"),
        pytest.param(
            "result", '{"format": "cur', r"the result .*x\.json is no JSON: was it saved whole", id="half a result"
        ),
        pytest.param("result", "[]", r"x\.json is no result of a vote", id="a list as result"),
        pytest.param("comparisons", "{}", "holds no comparisons", id="no comparisons"),
        pytest.param("comparisons", None, "the comparisons .* cannot be read", id="no file of comparisons"),
    ],
)
def test_what_cannot_be_read_is_named(name, text, words, vote, saved, tmp_path):
    key, file = vote()
    other = tmp_path / "x.json"
    if text is not None:
        other.write_text(text, encoding="utf-8")
    files = {"key": file, "result": saved(key, model("warm")), "comparisons": None} | {name: other}
    with pytest.raises(VoteError, match=words):
        read(files["key"], [files["result"]], files["comparisons"])


def test_a_vote_needs_files(vote):
    with pytest.raises(VoteError, match="name the files that the voters' pages saved"):
        read(vote()[1], [])


def test_what_is_read_is_data(vote, saved):
    key, file = vote()
    counts = read(file, [saved(key, model("warm"))])
    assert json.loads(json.dumps(counts)) == counts
