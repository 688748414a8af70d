"""Which columns hold prompts and answers, guessed from names and texts, and never from ids."""

from __future__ import annotations

import pytest

from curate.sources.guess import guess

LONG = "It is so because the air is warm, and warm air rises."


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        pytest.param({"uid": "a1", "question": "Why?", "answer": "So."}, "question answer", id="usual names"),
        pytest.param({"Antwort": "So.", "Frage": LONG}, "Frage Antwort", id="German, and the question is longer"),
        pytest.param({"Réponse": "Ici.", "Question": LONG}, "Question Réponse", id="French"),
        pytest.param({"回答": "因为。", "问题": LONG}, "问题 回答", id="Chinese"),
        pytest.param({"a": LONG, "b": "Why is it so?"}, "b a", id="the longer text is the answer"),
        pytest.param({"info": {"question": "Why?"}, "answers": [{"text": LONG}]}, "info.question answers.0.text", id="nested"),
        pytest.param({"questionTitle": "Why?", "bestReply": "So."}, "questionTitle bestReply", id="joined words"),
        pytest.param({"instuction": "Why?", "outptu": "So."}, "instuction outptu", id="misspelt"),
        pytest.param({"question_id": "q7", "title": "Why?", "body": LONG}, "title body", id="an id is no prompt"),
        pytest.param({"url": "https://a.example/b c", "text": LONG}, "text", id="plain texts"),
        pytest.param({"output": LONG}, "output", id="one text alone is a prompt"),
    ],
)  # fmt: skip
def test_prompts_and_answers(record, columns):
    assert list(guess([record]).values()) == columns.split()


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        pytest.param({"n": 3, "uid": "a1", "url": "b"}, {}, id="no text"),
        pytest.param({"dialog": [{"role": "user", "content": "Why?"}]}, {"messages": "dialog"}, id="turns"),
        pytest.param({"x": {"chat": [{"from": "human", "value": "?"}]}}, {"conversations": "x.chat"}, id="turns inside"),
        pytest.param(
            {"ask": "Why?", "better": LONG, "worse": "No."},
            {"prompt": "ask", "chosen": "better", "rejected": "worse"},
            id="pairs",
        ),
        pytest.param({"ask": "Why?", "winner": LONG}, {"prompt": "ask", "response": "winner"}, id="half a pair is none"),
    ],
)  # fmt: skip
def test_other_layouts(record, columns):
    assert guess([record]) == columns
