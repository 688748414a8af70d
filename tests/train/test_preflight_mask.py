from __future__ import annotations

import io

import pytest

from curate.train.preflight import masks, show
from curate.train.preflight.rows import stretches
from tests.train import plain, tiny

ROWS = tiny.answers(4)
ROWS[0]["completion"][0]["content"] = "Gewiß 🙂, 你好."


def printed(masked, **console):
    from rich.console import Console

    screen = io.StringIO()
    show(masked, Console(file=screen, width=200, **console))
    return screen.getvalue()


def test_what_is_trained_is_shown_as_it_is_read(base, tmp_path):
    found = masks(plain.sft(tmp_path, *plain.loaded(base), ROWS))
    assert [row.id for row in found] == ["row0", "row1", "row2"]
    assert stretches(found[0].tokens) == [
        ("<|im_start|>user\nWhat is 0 and 0?<|im_end|>\n<|im_start|>assistant\n", False),
        ("Gewiß 🙂, 你好.<|im_end|>\n", True),
    ]
    assert ("<|im_end|>", True) in found[0].tokens
    assert ("🙂", True) in found[0].tokens  # of four tokens


def test_both_sides_of_a_pair_are_shown(base, tmp_path):
    found = masks(plain.dpo(tmp_path, *plain.loaded(base), tiny.pairs(4)), rows=1)
    assert [(row.id, row.answer) for row in found] == [("pair0", "chosen"), ("pair0", "rejected")]
    assert stretches(found[1].tokens)[1] == ("The sum amounts to 0.<|im_end|>\n", True)


def test_fewer_rows_than_wanted_are_all_shown(base, tmp_path):
    assert len(masks(plain.sft(tmp_path, *plain.loaded(base), ROWS), rows=9)) == 4


def test_it_is_legible_without_colour(base, tmp_path):
    text = printed(masks(plain.sft(tmp_path, *plain.loaded(base), ROWS), rows=1))
    assert "\x1b[" not in text
    assert "<|im_start|>assistant\n[[Gewiß 🙂, 你好.<|im_end|>\n]]" in text
    assert "row0, completion: " in text


def test_what_is_trained_is_green_and_the_rest_is_dim(base, tmp_path):
    text = printed(masks(plain.sft(tmp_path, *plain.loaded(base), ROWS), rows=1), force_terminal=True)
    assert "\x1b[32m[[Gewiß" in text
    assert "\x1b[2m<|im_start|>user" in text


@pytest.mark.parametrize("mark", ["[bold]", "[/]", "[[x]]"])
def test_brackets_of_a_text_stay(mark, base, tmp_path):
    rows = tiny.answers(1)
    rows[0]["prompt"][0]["content"] = mark
    assert mark in printed(masks(plain.sft(tmp_path, *plain.loaded(base), rows)))


def test_the_middle_of_what_is_long_is_left_out(base, tmp_path):
    rows = tiny.answers(1)
    rows[0]["prompt"][0]["content"] = "one two three " * 60
    (row,) = masks(plain.sft(tmp_path, *plain.loaded(base), rows))
    assert len(row.tokens) > 200
    text = printed([row])
    assert "tokens …" in text
    assert "one two three " * 10 not in text
