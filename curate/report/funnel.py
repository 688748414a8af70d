"""The funnel of each source: what every step left, and what it removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.report.charts import bar
from curate.report.html import Html, el, join, number, percent, table
from curate.report.steps import Line, lines

_NOTE = (
    "“Removed here” counts the rows that the step is the first to refuse, “fails” all that it refuses, also "
    "where another step had removed them already. “Alone” counts the rows that nothing else refuses: so many more "
    "would be left for the steps below if this one were taken out. Cheap steps judge every row; a step that "
    "looks at the whole pool, or runs a model, is asked only about what is left."
)
_BARS = (("kept", "left"), ("gone", "removed here"))


def funnels(manifest: dict[str, Any]) -> Html:
    """Show for each source what every step left, removed first and alone would remove."""
    made = (_funnel(manifest, source, lines(manifest, source)) for source in manifest["counts"])
    return join([el("h2", "Funnel"), el("p", _NOTE, class_="note"), legend(_BARS), *made])


def _funnel(manifest: dict[str, Any], source: str, steps: list[Line]) -> Html:
    count = manifest["counts"][source]
    read, kept = count["read"], count["kept"]
    heads = [("step", "step"), ("left", "bars"), ("removed here", "n"), ("fails", "n"), ("alone", "n")]
    rows: list[list[object]] = [["read", _bar(read, 0, read), "", "", ""]]
    rows += [_step(step, read) for step in steps]
    total: list[object] = ["kept", _bar(kept, 0, read), "", "", ""]
    said = f"{read:,} read, {kept:,} kept ({percent(kept, read)})"
    caption = f"Funnel of {source}: {said}"
    return join([el("h3", source, " ", el("small", said)), table(caption, heads, rows, total, kind="stack funnel")])


def _step(step: Line, read: int) -> list[object]:
    said = [el("b", f"{step.verb} {step.name}"), el("code", step.label) if step.label != step.name else None]
    name = join([join(said, " "), el("span", step.words, class_="params") if step.words else None])
    if step.first is None:
        return [name, _unasked(step), "", "", ""]
    return [name, _bar(step.left, step.first, read), *map(number, (step.first, step.fails, step.alone))]


def _unasked(step: Line) -> Html:
    why = {"edit": "changes text, removes nothing", "score": "measures, removes nothing"}
    return el("span", why.get(step.verb, "no row was left to ask about"), class_="quiet")


def _bar(left: int, removed: int, read: int) -> Html:
    whole = read or 1
    says = f"{left:,} of {read:,} left" + (f", {removed:,} removed here" if removed else "")
    return join(
        [
            el("span", number(left), class_="left"),
            bar([(left / whole, "kept"), (removed / whole, "gone")], says),
        ]
    )


def legend(keys: Sequence[tuple[str, str]]) -> Html:
    """Name the colours of bars: (colour's class, what it stands for)."""
    return el("p", *(el("span", el("i", class_=kind), f" {name}") for kind, name in keys), class_="legend")
