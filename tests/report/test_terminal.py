"""What `curate show` prints of a row: all that it says, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from curate.report import terminal
from curate.report.terminal import console, show_rows
from curate.turns import turn

ROW = {"id": "0123456789abcdef", "source": "mine", "domain": None}
CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        pytest.param(
            {"prompt": "Hi?", "response": "Hello."}, ["prompt", "Hi?", "response", "Hello."], id="a question, an answer"
        ),
        pytest.param(
            {"system": "Be brief.", "history": [turn("user", "Hi?"), turn("assistant", "Yes?")], "prompt": "So?"},
            ["system", "Be brief.", "user", "Hi?", "assistant", "Yes?", "prompt", "So?"],
            id="a dialogue",
        ),
        pytest.param(
            {"prompt": "Hi?", "chosen": "Hello.", "rejected": "No.", "rejected_turns": [turn("assistant", thinking="a b")]},
            ["prompt", "Hi?", "chosen", "Hello.", "rejected: assistant thinks", "(2 words)", "rejected", "No."],
            id="a pair, one with thoughts",
        ),
        pytest.param(
            {
                "tools": "[]",
                "prompt": "Weather?",
                "prompt_name": "ann",
                "response": "12.",
                "response_turns": [
                    turn("assistant", tool_calls=[CALL]),
                    turn("tool", "12", tool_call_id="1", name="weather"),
                    turn("assistant", thinking="so"),
                ],
            },
            [
                "tools", "[]", "prompt ann", "Weather?", "response: assistant calls weather", '{"city": "Bergen"}',
                "response: tool weather", "12", "response: assistant thinks", "(1 word)", "response", "12.",
            ],
            id="calls of tools",
        ),
    ],
)  # fmt: skip
def test_rows_are_shown_whole(row: dict[str, Any], lines: list[str]):
    with console.capture() as capture:
        show_rows([ROW | row])
    head, *shown = [line.strip() for line in capture.get().splitlines() if line.strip()]
    assert head == "0123456789ab  mine, no domain"
    assert shown == lines


def test_off_a_terminal_there_is_a_line_a_minute(monkeypatch, capsys):
    now = iter([0.0, 10.0, 70.0, 75.0, 131.0])
    monkeypatch.setattr(terminal, "monotonic", lambda: next(now))
    with terminal.progress() as tell:
        for _ in range(4):
            tell("answers", 10, total=100)
    assert capsys.readouterr().err.splitlines() == [
        "0:01:10 answers: 20 of 100, some 0:04:00 left",
        "0:02:11 answers: 40 of 100, some 0:03:02 left",
    ]
