"""What the page of a vote adds to the look of the report."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.html import Html, el, join, plural, text
from curate.report.page import source

VOTE_STYLE = """
body { display: flex; flex-direction: column; min-height: 100vh; min-height: 100dvh; padding-bottom: 0 }
[hidden] { display: none !important }
header h1 { font-size: clamp(1.35rem, 4vw, 1.9rem) }
.where { display: flex; align-items: center; justify-content: space-between; gap: 1rem; margin: .4rem 0 }
.where span { color: var(--soft); font-variant-numeric: tabular-nums }
progress { appearance: none; width: 100%; height: .4rem; border: 0; border-radius: .2rem; background: var(--track) }
progress::-webkit-progress-bar { background: var(--track); border-radius: .2rem }
progress::-webkit-progress-value { background: var(--kept); border-radius: .2rem }
progress::-moz-progress-bar { background: var(--kept); border-radius: .2rem }
main { flex: 1 }
article { border: 0; padding: 1rem 0 }
article h2 { font-size: .85rem; color: var(--soft); letter-spacing: 0; margin: 0 0 .4rem }
[tabindex="-1"]:focus { outline: none }
.text { max-width: none; tab-size: 4 }
.prompt { border-left: .3rem solid var(--line); padding: .1rem 0 .1rem 1rem; margin-bottom: 1.25rem }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1.25rem }
.answer {
  min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1.1rem;
}
#start, #end { max-width: 46rem; flex: 1; margin-top: 1rem }
.keys { color: var(--soft); display: flex; flex-wrap: wrap; gap: .4rem 1.4rem }
.keys kbd { margin: 0 .4rem 0 0 }
label { display: block; margin: 1.25rem 0 .75rem; color: var(--soft) }
input, textarea {
  display: block; width: 100%; font: inherit; color: var(--ink); background: var(--card);
  border: 1px solid var(--pool); border-radius: .4rem; padding: .5rem .7rem; margin-top: .25rem;
}
input { max-width: 20rem }
textarea { font: .85rem ui-monospace, Menlo, Consolas, monospace; margin-bottom: 1rem }
button {
  font: inherit; font-weight: 600; min-height: 2.9rem; padding: .4rem 1.2rem; border-radius: .5rem; cursor: pointer;
  color: var(--ink); background: var(--card); border: 1px solid var(--pool); touch-action: manipulation;
}
button:hover { border-color: var(--ink) }
button:disabled { opacity: .45; cursor: default; border-color: var(--line) }
button.quiet { font-weight: 400; color: var(--soft); border-color: transparent; background: none; padding: .4rem .6rem }
button.quiet:hover { color: var(--ink) }
#begin, #save_end { background: var(--kept); border-color: var(--kept); color: var(--page) }
#begin kbd, #save_end kbd { border-color: currentColor; color: inherit }
kbd {
  font: .75rem ui-monospace, Menlo, Consolas, monospace; border: 1px solid var(--line); border-radius: .25rem;
  padding: .05rem .35rem; margin-left: .5rem; color: var(--soft);
}
#end details { margin: 1.25rem 0 }
#bar {
  position: sticky; bottom: 0; margin: 1rem -1.25rem 0; background: var(--page); border-top: 1px solid var(--line);
  padding: .7rem 1.25rem calc(.7rem + env(safe-area-inset-bottom));
}
#bar p { margin: 0 0 .5rem; color: var(--alarm) }
#undo { grid-column: 4 }
#tie { min-width: 4rem }
#bar div { display: grid; grid-template-columns: 1fr auto 1fr auto; gap: .6rem }
@media (max-width: 44rem) {
  .sides { grid-template-columns: 1fr }
  #bar { margin: 1rem -1rem 0; padding-left: 1rem; padding-right: 1rem }
  #bar button { padding: .4rem .5rem }
}
@media (hover: none) { kbd, .keys { display: none } }
"""


# State is the list of votes in their order, so undo is its last entry. `detail` counts the clicks at one place: the
# second tap of a double tap would vote on answers that nobody has seen.
SCRIPT = """
const { vote, format } = document.body.dataset;
const at = (id) => document.getElementById(id);
const items = [...document.querySelectorAll('article')];
const place = `curate-vote-${vote}`;
const names = [at('name'), at('name_end')];
const bytes = () => [...crypto.getRandomValues(new Uint8Array(8))];
const anyone = () => bytes().map((byte) => byte.toString(16).padStart(2, '0')).join('');
const fresh = () => ({ voter: anyone(), name: '', begun: false, votes: [] });

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(place));
    return found && Array.isArray(found.votes) ? found : fresh();
  } catch {
    return fresh();
  }
}

let state = kept();

function keep() {
  try {
    localStorage.setItem(place, JSON.stringify(state));
  } catch {
    at('unkept').hidden = false;
  }
}

function open() {
  const done = new Set(state.votes.map(([item]) => item));
  return items.find((item) => !done.has(item.dataset.item));
}

function results() {
  const votes = Object.fromEntries(state.votes);
  const { voter, name } = state;
  return JSON.stringify({ format, vote, voter, name, saved: new Date().toISOString(), votes }, null, 1) + '\\n';
}

function show() {
  const next = open();
  const voting = state.begun && next;
  at('start').hidden = state.begun;
  at('end').hidden = !state.begun || Boolean(next);
  at('bar').hidden = !state.begun;
  for (const item of items) item.hidden = !voting || item !== next;
  for (const id of ['left', 'tie', 'right']) at(id).hidden = !voting;
  at('undo').disabled = !state.votes.length;
  at('save').hidden = !voting;
  at('save').disabled = !state.votes.length;
  document.querySelector('main').hidden = !voting;
  at('done').value = state.votes.length;
  const number = Math.min(state.votes.length + 1, items.length);
  at('where').textContent = state.begun ? `${number} of ${items.length}` : `${items.length} in all`;
  for (const field of names) if (field.value !== state.name) field.value = state.name;
  at('copy').value = next ? '' : results();
  window.scrollTo(0, 0);
  const heading = (voting ? next : at('end')).querySelector('h2');
  if (state.begun) heading.focus({ preventScroll: true });
}

function change(how) {
  how();
  keep();
  show();
}

function choose(choice) {
  const next = open();
  if (state.begun && next) change(() => state.votes.push([next.dataset.item, choice]));
}

function save() {
  const link = document.createElement('a');
  const who = state.name.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '') || state.voter;
  link.href = URL.createObjectURL(new Blob([results()], { type: 'application/json' }));
  link.download = `vote-${vote}-${who}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const acts = {
  left: () => choose('left'),
  right: () => choose('right'),
  tie: () => choose('tie'),
  undo: () => state.votes.length && change(() => state.votes.pop()),
  begin: () => state.begun || change(() => { state.begun = true; }),
  save: () => state.votes.length && save(),
  save_end: save,
  again: () => confirm('Forget these votes here? Save them first.') && change(() => { state = fresh(); }),
};
const keys = {
  1: 'left', ArrowLeft: 'left', 2: 'right', ArrowRight: 'right', 0: 'tie', 3: 'tie', t: 'tie',
  u: 'undo', Backspace: 'undo', s: 'save', Enter: 'begin',
};

for (const [id, act] of Object.entries(acts)) {
  const votes = ['left', 'tie', 'right'].includes(id);
  at(id).addEventListener('click', (event) => (votes && event.detail > 1) || act());
}
for (const field of names) {
  field.addEventListener('input', () => { state.name = field.value.trim(); keep(); at('copy').value = results(); });
}
document.addEventListener('keydown', (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target.matches('input, textarea');
  const onButton = event.target.matches('button, summary');
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act || (inField && event.key !== 'Enter') || (onButton && event.key === 'Enter')) return;
  event.preventDefault();
  acts[act]();
});
keep();
show();
"""


_STYLE = source("style.css") + Html(VOTE_STYLE)
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
    return "<!doctype html>\n" + str(el("html", el("head", *top), "\n", body, lang="en")) + "\n"


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
