from __future__ import annotations

import io

import pytest

from curate.train.preflight import Masked, masks, show
from curate.train.preflight.mask import stretches
from tests.train import tiny

ROWS = tiny.answers(4)
ROWS[0]["completion"][0]["content"] = "Gewiß 🙂, 你好."
MASKED = Masked("row0", "completion", [("Ask ", False), ("Gewiß", True), ("<|im_end|>", True)])


def printed(masked, **console):
    from rich.console import Console

    screen = io.StringIO()
    show([masked], Console(file=screen, width=200, **console))
    return screen.getvalue()


def test_the_first_rows_are_read_as_the_loss_sees_them(context):
    trainer = context(ROWS).trainer
    first, *others = masks(trainer)
    assert [row.id for row in (first, *others)] == ["row0", "row1", "row2"]
    assert len(masks(trainer, rows=9)) == 4
    assert stretches(first.tokens) == [
        ("<|im_start|>user\nWhat is 0 and 0?<|im_end|>\n<|im_start|>assistant\n", False),
        ("Gewiß 🙂, 你好.<|im_end|>\n", True),
    ]
    assert ("<|im_end|>", True) in first.tokens
    assert ("🙂", True) in first.tokens  # of four tokens


def test_both_sides_of_a_pair_are_read(context):
    sides = masks(context(tiny.pairs(4), "dpo").trainer, rows=1)
    assert [(row.id, row.answer) for row in sides] == [("pair0", "chosen"), ("pair0", "rejected")]
    assert stretches(sides[1].tokens)[1] == ("The sum amounts to 0.<|im_end|>\n", True)


@pytest.mark.parametrize(
    ("masked", "console", "parts"),
    [
        pytest.param(MASKED, {}, ["row0, completion: 2 of 3 tokens\nAsk [[Gewiß<|im_end|>]]"], id="without colour"),
        pytest.param(MASKED, {"force_terminal": True}, ["\x1b[32m[[Gewiß", "\x1b[2mAsk"], id="green and dim"),
        pytest.param(Masked("a", "b", [("[bold] [/] [[x]]", False)]), {}, ["[bold] [/] [[x]]"], id="brackets of a text"),
    ],
)  # fmt: skip
def test_rows_are_printed_as_they_are_read(masked, console, parts):
    text = printed(masked, **console)
    assert all(part in text for part in parts)
    assert ("\x1b[" in text) == bool(console)


def test_the_middle_of_what_is_long_is_left_out():
    text = printed(Masked("a", "b", [(f"{i} ", False) for i in range(200)]))
    assert " 23  … 152 tokens … 176 " in text
