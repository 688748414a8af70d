from __future__ import annotations

import io

import pytest
from rich.console import Console

from curate.evaluate.bench.bench import against, tables
from curate.evaluate.bench.results import Score


def score(task, value, stderr=0.01, measure="acc"):
    return Score(task, measure, value, stderr, 100, True, {})


def printed(before, after):
    rows = [
        {"task": s.task, "measure": s.measure, "value": s.value, "stderr": s.stderr, "n": s.n, "share": s.share}
        for s in before
    ]
    found = {"before": "base", "tasks": rows, "after": [{"model": "dpo"} | against(before, after)] if after else []}
    text = io.StringIO()
    out = Console(file=text, width=150)
    for table in tables(found):
        out.print(table)
    return text.getvalue()


BEFORE = [score("ifeval", 0.6), score("bbh", 0.2), score("musr", 0.4), score("bleu", 27.0, 0.5, "bleu")]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["base, then dpo"], id="who is compared"),
        pytest.param(["ifeval", "acc", "100", "60.0", "50.0", "-10.0", "-12.8 to -7.2", "unpaired"], id="shares in percent"),
        pytest.param(["bleu", "bleu", "100", "27", "26.9", "-0.1", "-1.486 to +1.286", "unpaired"], id="others as they are"),
        pytest.param(["average", "3 tasks", "40.0", "30.0", "-10.0", "-11.6 to -8.4", "unpaired"], id="the average"),
        pytest.param(["average without IFEval", "2 tasks", "30.0", "20.0", "-10.0", "-12.0 to -8.0"], id="without IFEval"),
    ],
)  # fmt: skip
def test_a_line_of_the_table(words):
    said = printed(BEFORE, [s._replace(value=s.value - 0.1) for s in BEFORE])
    assert any(all(word in line for word in words) for line in said.splitlines()), said


def test_what_has_no_standard_error_has_no_interval():
    said = printed([score("f1", 0.5, None)], [score("f1", 0.6, None)])
    assert "no standard error" in said and "│ +10.0 │" in said.replace("     ", "")


def test_a_model_alone_is_shown_alone():
    assert "standard error" in printed(BEFORE[:1], []) and "difference" not in printed(BEFORE[:1], [])


@pytest.mark.parametrize(
    ("before", "averages"),
    [
        pytest.param({"leaderboard_ifeval": 0.6, "bbh": 0.2, "musr": 0.4}, {"average": 0.4, "average without IFEval": 0.3}, id="with IFEval"),
        pytest.param({"bbh": 0.2, "musr": 0.4}, {"average": 0.3}, id="there is no IFEval"),
        pytest.param({"ifeval": 0.6}, {}, id="nothing but IFEval: one task is no average"),
        pytest.param({"a": 0.2, "b": 0.4, "bleu": 27.0}, {"average": 0.3}, id="another scale is no part of an average"),
        pytest.param({"bleu": 27.0}, {}, id="nothing to average"),
    ],
)  # fmt: skip
def test_averages_with_and_without_ifeval(before, averages):
    scores = [score(task, value) for task, value in before.items()]
    found = against(scores, [s._replace(value=s.value - 0.1) for s in scores])["averages"]
    assert {row["name"]: row["before"] for row in found} == pytest.approx(averages)
    assert all(row["difference"] == pytest.approx(-0.1) for row in found)
