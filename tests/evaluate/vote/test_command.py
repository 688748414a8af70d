from __future__ import annotations

import json

from click.testing import CliRunner

from curate.cli.vote import vote as command


def called(*args):
    done = CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_vote_from_files_to_tables(answers, saved, tmp_path, write_jsonl):
    page = tmp_path / "vote.html"
    output = called(
        "make", answers("warm", 12), answers("formal", 12), "--out", page, "--n", 10, "--question", "Nicer?"
    )
    assert output.startswith("10 comparisons: 10 of warm and formal\n")
    key_path = tmp_path / "vote.key.json"
    assert str(key_path) in output
    key = json.loads(key_path.read_text(encoding="utf-8"))
    results = [saved(key, lambda item: "warm", voter=v, name=v) for v in ("ann", "bob")]
    lines = [{"id": i["id"], "sample": 0, "a": "warm", "b": "formal", "verdict": "a"} for i in key["items"].values()]
    output = called("read", key_path, *results, "--grades", write_jsonl("comparisons.jsonl", lines))
    for words in ("Models", "warm", "100.0%", "Voters", "ann (ann)", "all votes and the judge"):
        assert words in output
    data = json.loads(called("read", key_path, *results, "--json"))
    assert (data["models"][0]["chosen"], data["models"][0]["rate"]) == (20, 1.0)


def test_what_was_left_out_is_said(answers, tmp_path):
    from tests.evaluate.vote.conftest import answer

    other = answers("formal", lines=[answer(0, None), answer(1, "warm says 1"), answer(2, "other")])
    output = called("make", answers("warm"), other, "--out", tmp_path / "v.html")
    assert output.startswith("1 comparison: 1 of warm and formal; 1 left out: no answer; 1 left out: equal answers\n")
