"""What planted.yaml plants and finds again: training answers that exclaim, and a judge that counts sentence ends."""

from __future__ import annotations

import re

import polars as pl

from curate.filter import Edit

_ENDS = r"[.!?](?=\s|$)"  # where a sentence ends, and not in the middle of `numpy.mean`


def exclaim(column: str = "response") -> Edit:
    """End every sentence that ends in a full stop with an exclamation mark.

    >>> pl.DataFrame({"response": ["Use `a.b`. Then wait."]}).select(exclaim())["response"].to_list()
    ['Use `a.b`! Then wait!']
    """
    return pl.col(column).str.replace_all(r"\.(\s|$)", "!$1")


def first_paragraph(column: str = "response") -> Edit:
    """Keep the first paragraph of a text: short answers are quick to train on."""
    return pl.col(column).str.split("\n\n").list.first()


def lively(response: str) -> float:
    """Judge: the share of an answer's sentences that end with an exclamation or question mark; 0 where none ends.

    Questions are not what is planted: they are there so that answers without the habit differ, too, as grades do.

    >>> lively("Yes! That is so. Is it? It is!")
    0.75
    """
    ends = re.findall(_ENDS, response)
    return sum(end != "." for end in ends) / len(ends) if ends else 0.0
