from __future__ import annotations

import json

import pytest

from curate.evaluate.vote import VoteError, make
from curate.evaluate.vote.make import key_file
from curate.evaluate.vote.page import page
from tests.evaluate.vote.conftest import answer
from tests.pages import Page, check_alone

ITEM = {"item": "1", "prompt": "Why?", "left_text": "Because.", "right_text": "Ask."}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<script>alert(1)</script>", id="a script"),
        pytest.param("</div></article><img src=x onerror=alert(1)>", id="an end of the element"),
        pytest.param('" onload="alert(1)', id="a quote"),
        pytest.param("&lt;b&gt; & co", id="what looks escaped already"),
    ],
)
def test_texts_are_escaped_everywhere(text):
    document = page("v", text, [ITEM | {"prompt": text, "left_text": text}])
    assert text not in document
    assert document.count("<script>") == 1


def test_an_empty_answer_is_said_to_be_empty():
    assert "(nothing: the answer is empty)" in page("v", "?", [ITEM | {"left_text": " \n"}])


def test_the_page_may_load_nothing():
    check_alone(Page(page("v", "?", [ITEM])))


def test_names_are_in_the_key_and_not_in_the_page(answers, tmp_path):
    lines = [answer(i, f"said {name}") for i, name in enumerate("abc")]
    other = [answer(i, "other") for i in range(3)]
    out = tmp_path / "deep/vote.html"
    key = make([answers("secret-sft", lines=lines), answers("secret-dpo", lines=other)], out, question="Nicer?")
    text = out.read_text(encoding="utf-8")
    assert "secret" not in text and "p0" not in text
    assert json.loads(key_file(out).read_text(encoding="utf-8")) == key
    assert key["models"] == ["secret-sft", "secret-dpo"] and key["question"] == "Nicer?"
    assert text.count("<article") == len(key["items"]) == 3


def test_the_same_files_make_the_same_page(answers, tmp_path):
    files = [answers("x"), answers("y")]
    for name in ("one", "two"):
        make(files, tmp_path / f"{name}.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    other = make(files, tmp_path / "three.html", seed=1)
    assert other["vote"] not in (tmp_path / "one.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "out", "words"),
    [
        pytest.param(["x"], "vote.html", "between two models or more; the files hold answers of x", id="one model"),
        pytest.param(["x", "none"], "vote.html", "no prompt has two different answers by x, none", id="other prompts"),
        pytest.param(["x", "y"], "vote.pdf", r"the page is an \.html file", id="no page"),
    ],
)
def test_no_vote_without_two_models(names, out, words, answers, tmp_path):
    files = [answers(n, lines=[answer(9, "other prompts")] if n == "none" else None) for n in names]
    with pytest.raises(VoteError, match=words):
        make(files, tmp_path / out)


CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}


def test_the_whole_conversation_is_shown_and_no_thoughts(answers, tmp_path):
    more = {
        "system": "Be brief & kind.",
        "history": [{"role": "user", "content": "Weather?", "name": "ann"}, {"role": "assistant", "content": "Where?"}],
        "tools": "[]",
    }
    called = [
        {"role": "assistant", "tool_calls": [CALL], "thinking": "I must look"},
        {"role": "tool", "content": "12 degrees", "tool_call_id": "1"},
        {"role": "assistant", "thinking": "so it is"},
    ]
    one = [answer(0, "12.", response_turns=called, **more)]
    other = [answer(0, "<think>no idea</think>It rains.", **more)]
    out = tmp_path / "vote.html"
    make([answers("one", lines=one), answers("other", lines=other)], out)
    document = out.read_text(encoding="utf-8")
    shown = ["Be brief &amp; kind.", "user ann", "Weather?", "Where?", "Question 0?", "assistant calls weather"]
    shown += ["{&#34;city&#34;: &#34;Bergen&#34;}", "12 degrees", "12.", "It rains."]
    assert [text for text in shown if text not in document] == []
    assert not any(text in document for text in ("I must look", "so it is", "no idea", "think&gt;"))
    assert [document.index(text) for text in shown[:5]] == sorted(document.index(text) for text in shown[:5])


def test_thoughts_alone_are_no_answer_to_vote_on(answers, tmp_path):
    lines = [answer(0, "<think>hm"), answer(1, "4")]
    key = make([answers("one", lines=lines), answers("other", 2)], tmp_path / "vote.html")
    assert key["left_out"] == {"no answer": 1}


def test_a_prompt_by_itself_is_called_one():
    document = page("v", "?", [ITEM])
    assert ">Prompt</h2>" in document and "Conversation" not in document


def test_answers_to_other_conversations_are_left_out(answers, tmp_path):
    lines = [answer(0, "a", system="Be brief."), answer(1, "a")]
    key = make([answers("one", lines=lines), answers("other", 2)], tmp_path / "vote.html")
    assert key["left_out"] == {"answers to other conversations": 1} and len(key["items"]) == 1
