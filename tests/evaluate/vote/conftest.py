"""Answers of invented models, the vote on them, and what voters' pages would save."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curate.evaluate.vote import make
from curate.evaluate.vote.make import key_file
from curate.evaluate.vote.page import RESULT_FORMAT


def answer(i: int, response: str | None, **more: Any) -> dict[str, Any]:
    """A line of answers.jsonl, as `curate answer` writes it."""
    failed = "no reply" if response is None else None
    row = {"id": f"p{i}", "prompt": f"Question {i}?", "sample": 0, "response": response, "finish_reason": "stop"}
    return row | {"tokens": 3, "failed": failed, "checkpoint": None, "epoch": None} | more


@pytest.fixture
def answers(write_jsonl: Callable[..., Path]) -> Callable[..., Path]:
    """Write a model's answers: to n prompts, or the lines given."""

    def write(name: str, n: int = 4, lines: list[dict[str, Any]] | None = None) -> Path:
        default = [answer(i, f"{name} says {i}") for i in range(n)]
        return write_jsonl(f"{name}.jsonl", default if lines is None else lines)

    return write


@pytest.fixture
def vote(answers: Callable[..., Path], tmp_path: Path) -> Callable[..., tuple[dict[str, Any], Path]]:
    """Make a vote between models; give its key and the key's file."""

    def make_one(*names: str, n: int = 4) -> tuple[dict[str, Any], Path]:
        page = tmp_path / "vote.html"
        key = make([answers(name, n) for name in names or ("warm", "formal")], page, n=100)
        return key, key_file(page)

    return make_one


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Write what a voter's page saves; `choose` says for an item of the key which model, or `tie`, or None for open."""

    def write(
        key: dict[str, Any], choose: Callable[[dict[str, Any]], str | None], voter: str = "v1", **more: Any
    ) -> Path:
        votes = {item: _side(about, choose(about)) for item, about in key["items"].items()}
        result = {
            "format": RESULT_FORMAT,
            "vote": key["vote"],
            "voter": voter,
            "name": "",
            "saved": "2026-01-01T00:00:00Z",
        }
        result["votes"] = {item: side for item, side in votes.items() if side}
        file = tmp_path / f"{voter}{more.get('saved', '')[:4]}.json"
        file.write_text(json.dumps(result | more), encoding="utf-8")
        return file

    return write


def _side(item: dict[str, Any], chosen: str | None) -> str | None:
    return chosen if chosen in (None, "tie") else "left" if item["left"] == chosen else "right"
