"""The page of a vote: one file that loads nothing, sends nothing, and may run nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.html import Html, el, join, plural, text
from curate.report.style import STYLE
from curate.vote.script import SCRIPT
from curate.vote.style import VOTE_STYLE

_STYLE = STYLE + VOTE_STYLE
RESULT_FORMAT = "curate vote result 1"


def page(vote: str, question: str, items: Sequence[Mapping[str, Any]]) -> str:
    """Build the page: `items` with `item`, `prompt`, `left_text`, `right_text`, in the order they are shown.

    All texts are escaped and shown as they are, Markdown too, without the empty lines around them.
    """
    top = [
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy()),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", question),
        el("style", Html(_STYLE)),
    ]
    parts = [
        el("noscript", el("p", "This page needs JavaScript, which is switched off here.", class_="notices")),
        _head(question, len(items)),
        _start(len(items)),
        el("main", *(_item(item, question) for item in items)),
        _end(),
        _bar(),
        el("script", Html(SCRIPT)),
    ]
    body = el("body", join(parts, "\n"), data_vote=vote, data_format=RESULT_FORMAT)
    return "<!doctype html>\n" + el("html", el("head", *top), "\n", body, lang="en") + "\n"


def _policy() -> str:
    """Allow this style and script by their hashes: markup that slipped in could load and run nothing."""
    rights = [f"{name}-src 'sha256-{_digest(own)}'" for name, own in (("style", _STYLE), ("script", SCRIPT))]
    return "; ".join(["default-src 'none'", *rights, "base-uri 'none'", "form-action 'none'"])


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _head(question: str, n: int) -> Html:
    where = el("p", el("span", id="where", role="status"), _button("save", "Save", "S", quiet=True), class_="where")
    return el("header", el("h1", question), where, el("progress", max=n, value=0, id="done", aria_label="Voted on"))


def _start(n: int) -> Html:
    keys = {
        "answer 1": "1\N{LEFTWARDS ARROW}",
        "answer 2": "2\N{RIGHTWARDS ARROW}",
        "tie": "0",
        "undo": "U",
        "save": "S",
    }
    rules = (
        f"You will see a prompt and two answers by different models, {plural(n, 'time')}. Which model wrote which is "
        "not in this page. Read both, then choose one, or a tie where neither is better."
    )
    kept = (
        "Your votes stay in this browser: close the page and go on later. Nothing is sent. At the end you save a file "
        "with your votes and the name you give here, and hand it to whoever asked you."
    )
    name = el("label", "Your name or initials, if you like", el("input", id="name", autocomplete="off", maxlength=40))
    begin = _button("begin", "Begin", "Enter")
    told = el(
        "p", *(el("span", *(el("kbd", key) for key in either), says) for says, either in keys.items()), class_="keys"
    )
    return el("section", el("p", rules), el("p", kept), told, name, begin, id="start", hidden=True)


def _item(item: Mapping[str, Any], question: str) -> Html:
    asked = el("section", el("h2", "Prompt", tabindex=-1), _text(item["prompt"]), class_="prompt")
    sides = (("Answer 1", item["left_text"]), ("Answer 2", item["right_text"]))
    answers = (el("section", el("h2", name), _text(said), class_="answer") for name, said in sides)
    return el("article", asked, el("div", *answers, class_="sides"), data_item=item["item"], hidden=True)


def _text(said: str) -> Html:
    if not said.strip():
        return el("p", "(nothing: the answer is empty)", class_="note")
    return el("div", text(said.strip()), class_="text")


def _end() -> Html:
    copy = [
        el("summary", "If no file is saved"),
        el("p", "Copy this text into a mail:"),
        el("textarea", id="copy", readonly=True, rows=4, aria_label="Results"),
    ]
    parts = [
        el("h2", "All voted on. Thank you!", tabindex=-1),
        el("p", "Save your votes, and hand the file to whoever asked you."),
        el("label", "Your name or initials, if you like", el("input", id="name_end", autocomplete="off", maxlength=40)),
        _button("save_end", "Save the results", "S"),
        el("details", *copy),
        _button("again", "Start over as another voter", quiet=True),
    ]
    return el("section", *parts, id="end", hidden=True)


def _bar() -> Html:
    unkept = el(
        "p", "This browser keeps nothing: vote in one go, and save before you close the page.", id="unkept", hidden=True
    )
    choices = [
        _button("left", "Answer 1", "1"),
        _button("tie", "Tie", "0"),
        _button("right", "Answer 2", "2"),
        _button("undo", "Undo", "U", quiet=True),
    ]
    return el("footer", unkept, el("div", *choices, role="group", aria_label="Your choice"), id="bar", hidden=True)


def _button(name: str, says: str, key: str = "", *, quiet: bool = False) -> Html:
    return el(
        "button", says, el("kbd", key) if key else None, id=name, type="button", class_="quiet" if quiet else None
    )
