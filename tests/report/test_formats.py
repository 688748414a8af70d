from __future__ import annotations

import json

import polars as pl
import pytest

from curate.report.formats import FORMATS, records, to_jsonl
from curate.rows import standardise

HISTORY = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
U, A = ({"role": role, "content": text} for role, text in (("user", "p"), ("assistant", "r")))


def only(format_, **row):
    result = list(records(standardise(pl.DataFrame([row]), "s"), format_))
    return [{k: v for k, v in record.items() if k != "id"} for record in result]


@pytest.mark.parametrize(
    ("format_", "row", "expected"),
    [
        pytest.param("prompt_completion", {}, [{"prompt": [U], "completion": [A]}], id="a single turn"),
        pytest.param(
            "prompt_completion",
            {"history": HISTORY, "system": "s"},
            [
                {"prompt": [{"role": "system", "content": "s"}, HISTORY[0]], "completion": [HISTORY[1]]},
                {"prompt": [{"role": "system", "content": "s"}, *HISTORY, U], "completion": [A]},
            ],
            id="a dialogue: a record for each answer",
        ),
        pytest.param("messages", {"history": HISTORY}, [{"messages": [*HISTORY, U, A]}], id="messages"),
        pytest.param("alpaca", {}, [{"instruction": "p", "input": "", "output": "r", "text": "### Instruction:\np\n\n### Response:\nr"}], id="alpaca"),
        pytest.param(
            "alpaca",
            {"instruction": "i", "input": "x"},
            [{"instruction": "i", "input": "x", "output": "r", "text": "### Instruction:\ni\n\n### Input:\nx\n\n### Response:\nr"}],
            id="alpaca with an input",
        ),
        pytest.param("sharegpt", {"system": "s"}, [{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "p"}, {"from": "gpt", "value": "r"}]}], id="sharegpt"),
    ],
)  # fmt: skip
def test_formats(format_, row, expected):
    assert only(format_, prompt="p", response="r", **row) == expected


def test_preference():
    result = only("preference", prompt="p", chosen="r", rejected="x")
    assert result == [{"prompt": [U], "chosen": [A], "rejected": [{"role": "assistant", "content": "x"}]}]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_row_that_a_format_cannot_hold_is_named(format_):
    row = (
        {"prompt": "p", "response": None, "chosen": None}
        if format_ != "alpaca"
        else {"prompt": "p", "response": "r", "history": HISTORY}
    )
    with pytest.raises(ValueError, match=f"row .* '{format_}'"):
        only(format_, **row)


def test_lines_are_json_whatever_the_text_holds():
    text = 'line\u2028separator "quoted"\n\ttab é 🎉'
    rows = standardise(pl.DataFrame({"prompt": [text], "response": ["r"]}), "s")
    lines = to_jsonl(rows, "messages").split("\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["messages"][0]["content"] == text
