"""The page of a training run: one HTML file that opens offline and says what was trained, on what, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from curate.report.html import DASH, Html, el, join, number, table
from curate.report.lines import STYLE, Figure, draw
from curate.report.page import Build, built, page
from curate.train._log import Log
from curate.train._page_top import Findings, get, headline, name_of
from curate.train.plots import Grades, figures, summary


def training_page(
    log: Log | Path, record: Mapping[str, Any], findings: Findings | None = None, grades: Grades | None = None
) -> str:
    """Write the page of a run.

    The same arguments give the same bytes: nothing of the clock goes in. What the record lacks is left out.

    Args:
        log: `trainer.state.log_history`, or the path of log.jsonl.
        record: record.json as it is.
        findings: preflight.json as it is: mappings of `check`, `level` and `message`; None if nothing was checked.
        grades: What a judge gave each checkpoint; see `curate.train.plots.plots`.

    Raises:
        LogError: The log cannot be read.
    """
    drawn = figures(log, grades)
    sections: list[tuple[str, str, Build]] = [
        ("course", "Course", lambda: _words(log, grades)),
        ("plots", "Plots", lambda: _plots(drawn) if drawn else None),
        ("grades", "Grades", lambda: _graded(grades) if grades else None),
        ("data", "Data and model", lambda: _facts(record)),
        ("config", "Config", lambda: _config(record)),
    ]
    there = built(sections, {})
    foot = "This page loads nothing from anywhere. The plots stand beside it as files, the numbers in log.jsonl."
    return page(f"{name_of(record)}: training", headline(record, findings), there, foot, STYLE)


def _words(log: Log | Path, grades: Grades | None) -> Html:
    lines = summary(log, grades)
    said = el("ul", *(el("li", line) for line in lines)) if lines else el("p", "Nothing was logged.", class_="note")
    return join([el("h2", "How it went"), said])


def _plots(drawn: Sequence[Figure]) -> Html:
    thick = "Where values jump from step to step, the thick line is their mean over a twentieth of the run."
    note = el("p", thick, class_="note")
    return join([el("h2", "Plots"), note, el("div", *map(_shown, drawn), class_="figures")])


def _shown(figure: Figure) -> Html:
    wrong = (el("span", note, class_="why") for note in figure.notes)
    caption = el("figcaption", el("b", figure.title), el("span", figure.hint), *wrong)
    return el("figure", caption, el("div", draw(figure), class_="plot"))


def _graded(grades: Grades) -> Html:
    heads = [("checkpoint", "name"), ("epoch", "n"), ("grade", "n"), ("95 % interval", "n")]
    best = max((grade["grade"] for grade in grades if grade["grade"] is not None), default=None)
    body: list[list[object]] = []
    for given in grades:
        shown = number(given["grade"], 2)
        low, high = number(given.get("low"), 2), number(given.get("high"), 2)
        span = DASH if DASH in (low, high) else f"{low} to {high}"
        value = el("strong", shown) if given["grade"] == best else shown
        body.append([Path(str(given["checkpoint"])).name, number(given["epoch"], 2), value, span])
    caption = "Mean grade of each checkpoint's answers to the dev prompts; the highest is bold."
    return join([el("h2", "Grades by epoch"), table(caption, heads, body)])


def _facts(record: Mapping[str, Any]) -> Html | None:
    data = record.get("data", {})
    told = {
        "data file": data.get("file"),
        "its SHA-256": data.get("sha256"),
        "rows in the file": number(data.get("rows_in_file")),
        "rows taken": number(data.get("rows_in")),
        "rows trained": number(data.get("rows_trained")),
        "tokens": number(data.get("tokens")),
        "tokens trained on": number(data.get("tokens_trained")),
        "chat template's SHA-256": record.get("template_sha256"),
        "model in": get(record, "model_in", "path"),
        "its weights": get(record, "model_in", "weights"),
        "model out": get(record, "model_out", "path"),
        "its weights ": get(record, "model_out", "weights"),
        "processes": record.get("world_size"),
        "seed": record.get("seed"),
        "versions": ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items()),
    }
    rows: list[list[object]] = [[name, value] for name, value in told.items() if value not in (None, DASH, "")]
    if not rows:
        return None
    return join([el("h2", "Data and model"), table("From record.json.", [("what", ""), ("is", "long")], rows)])


def _config(record: Mapping[str, Any]) -> Html | None:
    config = record.get("config")
    if not config:
        return None
    given = {key: value for key, value in config.items() if value not in (None, {}, [])}
    text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    return join([el("h2", "Config"), el("p", "As it was resolved.", class_="note"), el("pre", text)])
