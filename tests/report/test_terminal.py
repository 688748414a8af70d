"""What `curate show` prints of a row: all that it says, in its order."""

from __future__ import annotations

import time
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


WHOLE = "0:01:10 passed, time left unknown: stage 1 of 4, read a"


@pytest.mark.parametrize(
    ("whole", "told", "line"),
    [
        pytest.param(None, [("answers", 10, 100), ("answers", 10, 100)], "answers: 20 of 100, some 0:09:20 left", id="of a total"),
        pytest.param(None, [("a: b.jsonl", 10, None)], "a: b.jsonl: 10 rows", id="rows"),
        pytest.param(None, [("answers", 100, 100)], "answers: 100 of 100", id="all of them"),
        pytest.param(WHOLE, [("read a", 0, None)], WHOLE, id="a stage that has only begun"),
        pytest.param(WHOLE, [("b", 5, None), ("c", 7, None), ("b", 1, None)], f"{WHOLE}; b: 6 rows", id="the last of several"),
    ],
)  # fmt: skip
def test_off_a_terminal_there_is_a_line_a_minute(whole, told, line, monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(terminal, "monotonic", lambda: now[0])
    monkeypatch.setattr(terminal, "_EVERY", 0.01)
    lines: list[str] = []
    with terminal.progress(whole and (lambda: whole)) as tell:
        for what, rows, total in told:
            tell(what, rows, total=total)
            now[0] += 70
        for _ in range(1000):
            lines += capsys.readouterr().err.splitlines()
            if line in lines:
                break
            time.sleep(0.01)
    assert line in lines


def test_nothing_is_said_where_all_is_done_within_a_minute_or_nobody_asks(monkeypatch, capsys):
    with terminal.progress(lambda: "all") as tell:
        tell("answers", 1)
    monkeypatch.setattr(terminal, "_EVERY", 0.01)
    monkeypatch.setattr(console, "quiet", True)
    with terminal.progress(lambda: "all") as tell:
        tell("answers", 1)
        time.sleep(0.1)
    assert capsys.readouterr().err == ""
