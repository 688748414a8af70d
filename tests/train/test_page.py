from __future__ import annotations

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from curate.train.page import training_page
from tests.train import logs

RECORD: dict[str, Any] = {
    "stage": "sft",
    "config": {"model": "SmolLM2-135M-Instruct", "lora": {"r": 8}, "eval_data": None, "residual_dropout": 0.3},
    "data": {
        "file": "out/lima1k/train.jsonl",
        "rows_in_file": 1000,
        "rows_in": 64,
        "rows_trained": 61,
        "tokens": 40123,
    },
    "versions": {"trl": "1.16.0", "torch": "2.13.0"},
    "model_in": {"name": "SmolLM2-135M-Instruct", "path": "models/smollm2", "weights": "ab" * 8},
    "steps": 24,
    "epochs": 3.0,
    "seconds": 754.0,
    "effective_batch": 16,
    "world_size": 1,
    "seed": 0,
    "forced": [],
}
CUT = {"check": "cut_rows", "level": "stop", "message": "3 of 64 rows are cut: 3f0a, 9d1c, 77ab.", "detail": {}}
LONG = {"check": "length_ratio", "level": "warn", "message": "Chosen answers are 2.4 times as long.", "detail": {}}


class Reader(HTMLParser):
    """Collects the text, the tags and the anchors; fails where a tag is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self.ids |= {values["id"]} if "id" in values else set()
        self.links |= {values["href"]} if "href" in values else set()
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += f" {data}"


@pytest.mark.parametrize(
    "log", [logs.sft(), logs.dpo(), logs.reward(), logs.rloo(), []], ids=["sft", "dpo", "reward", "rloo", "nothing"]
)
def test_the_page_is_whole_and_loads_nothing(log):
    page = training_page(log, RECORD, [], logs.grades())
    read = Reader(page)
    assert read.open == []
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert not [attrs for _, attrs in read.tags if {"src", "style", "onclick"} & set(attrs)]
    assert "http" not in page.replace("http-equiv", "")


def test_the_policy_allows_the_pages_own_style_and_script_and_no_other():
    page = training_page(logs.dpo(), RECORD, [])
    policy = html.unescape(re.findall(r'content="(default-src[^"]*)"', page)[0])
    own = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", page, flags=re.S)
    hashes = {base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in own}
    assert set(re.findall(r"'sha256-([^']*)'", policy)) == hashes and len(own) == 2


def test_it_says_what_was_trained_on_what_and_how_it_went():
    text = re.sub(r"\s+", " ", Reader(training_page(logs.sft(), RECORD, [], logs.grades())).text)
    for words in (
        "SmolLM2-135M-Instruct SFT",
        "Supervised fine-tuning with LoRA on lima1k/train.jsonl.",
        "rows trained 61",
        "time 12.6 min",
        "The checks before training found nothing.",
        "loss 3.92 → 2.04 over 24 steps",
        "trl 1.16.0, torch 2.13.0",
        "residual_dropout: 0.3",
    ):
        assert words in text, words
    assert "eval_data" not in text, "what was not set is not shown"


@pytest.mark.parametrize(
    ("record", "log", "sections"),
    [
        pytest.param({}, [], ["course"], id="nothing is known"),
        pytest.param({}, logs.dpo(), ["course", "plots"], id="a log alone"),
        pytest.param(RECORD, [], ["course", "data", "config"], id="a run that logged nothing"),
    ],
)
def test_a_page_leaves_out_what_nothing_is_known_of(record, log, sections):
    page = training_page(log, record)
    assert [attrs["id"] for tag, attrs in Reader(page).tags if tag == "section" and "id" in attrs] == sections
    assert "None" not in page and "The checks before training" not in page


def test_findings_stand_at_the_top_the_forced_ones_first():
    page = training_page(logs.dpo(), {**RECORD, "forced": [CUT]}, [LONG, CUT])
    items = re.findall(r"<li><strong>(.*?)</strong> (.*?)</li>", page)
    assert items == [("cut rows, forced:", CUT["message"]), ("length ratio:", LONG["message"])]


def test_a_finding_that_was_forced_before_the_checks_is_shown_too():
    assert CUT["message"] in training_page([], {**RECORD, "forced": [CUT]}, [])


def test_the_highest_grade_is_bold():
    page = training_page(logs.sft(), RECORD, [], [*logs.grades(), {"checkpoint": "c", "epoch": 4.0, "grade": None}])
    assert re.findall(r"<td[^>]*><strong>(.*?)</strong>", page) == ["4.20"]


def test_nothing_of_the_run_is_markup():
    evil = "</style><script>alert(1)</script>"
    record = {**RECORD, "config": {"model": evil}, "model_in": {"name": evil}, "stage": evil}
    page = training_page(
        logs.sft(),
        record,
        [{**CUT, "message": evil, "check": evil}],
        [{"checkpoint": evil, "epoch": 1.0, "grade": 1.0}],
    )
    assert "<script>alert" not in page and page.count("<script>") == 1 and page.count("</style>") == 1


def test_the_same_run_gives_the_same_bytes():
    assert training_page(logs.sft(), RECORD, [CUT]) == training_page(logs.sft(), RECORD, [CUT])


def test_a_value_that_is_no_number_is_named_under_its_plot_and_in_words():
    log = [*logs.sft(), {"loss": float("nan"), "step": 25, "epoch": 3.1}]
    assert training_page(log, RECORD, []).count("loss is not a number at step 25") == 2
