"""Thoughts taken apart from answers: every spelling, every way to end, and texts that only speak of them."""

from __future__ import annotations

import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate import thoughts
from curate.thoughts import Parts, opened_by, reply, split

MARKS = sorted(thoughts._MARKS.items())
HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}"

# Words of thoughts and answers: no code, which may hide a mark, and nothing that ends one.
WORDS = st.text(st.sampled_from("ab Z\n.,<>|/äß中\u3000"), min_size=1, max_size=20).map(str.strip).filter(str.strip)


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        pytest.param("<think>hm</think>4", "hm", "4", id="a block"),
        pytest.param("\n <think>\nhm\n</think>\n\n4\n", "hm", "4", id="white space around is no part"),
        pytest.param("<THINK>hm</Think>4", "hm", "4", id="any capitals"),
        pytest.param("hm</think>4", "hm", "4", id="the template opened it"),
        pytest.param("hm\n</think>\n\n4", "hm", "4", id="the template opened it, on lines"),
        pytest.param("So it is 4. </think> It is 4.", "So it is 4.", "It is 4.", id="after a sentence"),
        pytest.param("use `x` and `y`\n</think>\n4", "use `x` and `y`", "4", id="opened by the template, code in it"),
        pytest.param("a ` alone\n</think>\n4", "a ` alone", "4", id="a sign of code that nothing closes"),
        pytest.param("```\nx\n</think>\n4", "```\nx", "4", id="a fence that nothing closes"),
        pytest.param("He asks of <think> tags.\n</think>\n4", "He asks of <think> tags.", "4", id="speaks of one"),
        pytest.param('He says "no."</think>"Yes."', 'He says "no."', '"Yes."', id="between quotations"),
        pytest.param("</think>\n\n4", None, "4", id="no thoughts, and the mark that ends them"),
        pytest.param("<think>\n\n</think>\n\n4", None, "4", id="an empty block"),
        pytest.param("<think>hm", "hm", None, id="left open"),
        pytest.param("<think>", None, None, id="left open at once"),
        pytest.param("<think>hm</think>", "hm", None, id="nothing after it"),
        pytest.param("<think>a</think>\n<think>b</think>\n4", "a\n\nb", "4", id="two blocks"),
        pytest.param("a</think><think>b</think>4", "a\n\nb", "4", id="two blocks, the first opened by the template"),
        pytest.param("<think><think>a</think>4", "a", "4", id="opened twice"),
        pytest.param("<think>a</think></think>4", "a", "4", id="closed twice"),
        pytest.param("<think>a</thinking>4", "a", "4", id="closed by another mark"),
        pytest.param("<think>a</think>4 <think>b</think>", "a", "4 <think>b</think>", id="a later one stays"),
        pytest.param(HARMONY.format("hm", "4"), "hm", "4", id="channels"),
        pytest.param("<|start|>assistant" + HARMONY.format("hm", "4<|return|>"), "hm", "4", id="channels, whole"),
        pytest.param("<|channel|>analysis<|message|>hm", "hm", None, id="a channel left open"),
        pytest.param("<|channel|>analysis", None, None, id="a channel cut in its head"),
        pytest.param(
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f "
            "<|constrain|>json<|message|>{}<|call|>",
            "a\n\n{}",
            None,
            id="a call in the commentary is no answer",
        ),
        pytest.param("<|channel|>final<|message|>4<|return|>", None, "4", id="the final channel alone"),
        pytest.param("analysisWe add.assistantfinal4", "We add.", "4", id="channels whose tokens are left out"),
        pytest.param("<|channel>thought\nhm\n<channel|>4", "hm", "4", id="Gemma's channel"),
        pytest.param("hm\n<channel|>4", "hm", "4", id="Gemma's channel, opened by the template"),
        pytest.param(
            "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>4<|END_RESPONSE|>", "hm", "4", id="marked answer"
        ),
    ],
)
def test_parts(text, thinking, answer):
    assert split(text) == Parts(thinking, answer)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" 4\n", id="an answer, white space and all"),
        pytest.param("Cut at `</think>`, then strip.", id="in code"),
        pytest.param("Cut at ``x`</think>``.", id="in code with a sign in it"),
        pytest.param("As here:\n```\nhm\n</think>\n\n4\n```\nSo.", id="in a fence"),
        pytest.param("As here:\n~~~\nhm</think>4\n~~~", id="in a fence of tildes"),
        pytest.param("As here:\n\n    hm\n    </think>\n\n4", id="in an indented block"),
        pytest.param("As here:\n\n\ttext.split('</think>')\n", id="in a block indented by a tab"),
        pytest.param("As <code>hm</think></code> shows.", id="in HTML's code"),
        pytest.param("<pre>\nhm\n</think>\n</pre>\nSo.", id="in HTML's block of code"),
        pytest.param('It ends with "</think>".', id="in quotes"),
        pytest.param("It ends with **</think>**, always.", id="in bold letters"),
        pytest.param("It ends (</think>) there.", id="in brackets"),
        pytest.param("text.split('</think>')[1]", id="in a call without a fence"),
        pytest.param("The </think> tag ends thoughts.", id="a word of a sentence"),
        pytest.param("It ends with </think>.\nThen comes the answer.", id="the last word of a sentence"),
        pytest.param("It begins with <think> and ends with </think>.", id="both"),
        pytest.param("Here is one: <think>hm</think>4", id="a block in the middle"),
        pytest.param("<b>x</b> <thoughtless>", id="another tag"),
        pytest.param("gpt-oss writes <|channel|>analysis<|message|>hm", id="a channel in a sentence"),
        pytest.param("analysis of variance", id="analysis"),
        pytest.param("<thought\u017f>x", id="a letter whose capital is an S"),
    ],
)
def test_an_ordinary_answer_stays_whole(text):
    assert split(text) == Parts(None, text)


@pytest.mark.parametrize(("opening", "closing"), MARKS)
@given(thinking=WORDS, answer=WORDS)
def test_parts_put_together_come_apart_again(opening, closing, thinking, answer):
    assert split(f"{opening}\n{thinking}\n{closing}\n\n{answer}") == (thinking, answer)
    assert split(f"{thinking}\n{closing}\n\n{answer}") == (thinking, answer)
    assert split(f"{opening}{thinking}") == (thinking, None)
    assert split(answer) == (None, answer)


@given(thinking=WORDS, answer=WORDS)
def test_channels_put_together_come_apart_again(thinking, answer):
    assert split(HARMONY.format(thinking, answer)) == (thinking, answer)


PIECES = [
    *(mark for pair in MARKS for mark in pair),
    "`",
    "```\n",
    "\n",
    " ",
    "a",
    "“",
    "<|message|>",
    "<|end|>",
    "    ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_is_lost_but_marks_and_white_space(text):
    parts = split(text)
    if parts.thinking is None and parts.answer == text:
        return

    def letters(part: str | None) -> str:
        return "".join(c for c in _without_marks(part or "") if c in "a`“")

    assert letters(parts.thinking) + letters(parts.answer) == letters(text)


def _without_marks(text: str) -> str:
    for mark in sorted((mark for pair in MARKS for mark in pair), key=len, reverse=True):
        text = text.replace(mark, "\0")
    return text


HOSTILE = [
    "<think>", "</think>", "`", "`` ", "```\n", "~~~\n", "\n```", "<code>", "<pre>", "    x\n", "<|channel|>", "<|start|>",
    "<|channel|>a<|message|>", "<|end|>", " </think> a", '"</think>"', "a </think> `", " ", "\n", "<", "analysis",
    "<|START_RESPONSE|>", "<think>a</think>", "<|end|> ", "*", "`a``",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize(
    ("begin", "end"), [("", ""), ("a", "</think>"), ("<think>", "x"), ("<|channel|>analysis", "x")]
)
def test_a_hostile_megabyte_takes_no_second(begin, piece, end):
    text = begin + piece * (1_000_000 // len(piece)) + end
    start = time.process_time()
    split(text)
    assert time.process_time() - start < 5  # what grows with the square takes hours


@pytest.mark.parametrize(
    ("prompt", "text", "parts"),
    [
        pytest.param(
            "<|im_start|>assistant\n<think>\n", "hm the </think> 4", ("hm the", "4"), id="opened by the prompt"
        ),
        pytest.param("<|Assistant|><think>", "hm", ("hm", None), id="left open"),
        pytest.param("<|im_start|>assistant\n", "hm the </think> 4", (None, "hm the </think> 4"), id="not opened"),
        pytest.param("<think>\n\n</think>\n\n", "4", (None, "4"), id="closed by the prompt too"),
        pytest.param("<|start|>assistant<|channel|>analysis<|message|>", "hm", ("hm", None), id="a channel"),
        pytest.param("<|turn>model\n<|channel>thought\n", "hm<channel|>4", ("hm", "4"), id="Gemma's"),
    ],
)
def test_a_prompt_may_open_thoughts(prompt, text, parts):
    assert split(reply(text, prompt)) == parts
    assert bool(opened_by(prompt)) == (reply(text, prompt) != text)


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_answers_of_a_column_are_those_of_its_texts(text):
    assert thoughts.answers(pl.Series([text, None])).to_list() == [split(text).answer, None]


@pytest.mark.parametrize("mark", sorted({*thoughts.MARKS, "<|channel|>", "analysis x assistantfinal"}))
def test_what_marks_thoughts_is_quick_to_find(mark):
    texts = [mark] if "x" in mark else [mark, mark.upper(), mark.capitalize()]
    assert pl.Series(texts).str.contains(thoughts.SIGNS).all()
    assert all(map(thoughts.may_think, texts))
