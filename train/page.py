"""The top of a training page: what was trained, its figures, and what the checks before training found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from curate.report.html import DASH, Build, Html, built, el, join, number, page, table
from curate.report.lines import Figure, draw
from curate.train.plots import Grades, Log, figures, summary

_STAGES = {
    "sft": "supervised fine-tuning",
    "dpo": "direct preference optimisation",
    "reward": "a reward model",
    "rloo": "reinforcement learning (RLOO)",
    "kto": "learning from single verdicts (KTO)",
}
Findings: TypeAlias = Sequence[Mapping[str, Any]]


def name_of(record: Mapping[str, Any]) -> str:
    """Name a run: its model and its stage."""
    stage = str(record.get("stage", "training"))
    model = get(record, "model_in", "name") or get(record, "config", "model")
    return f"{Path(str(model)).name} {stage.upper()}" if model else stage.upper()


def headline(record: Mapping[str, Any], findings: Findings | None) -> Html:
    """Say what was trained, on what, in figures, and what was found before."""
    seconds = record.get("seconds")
    facts = {
        "rows trained": number(get(record, "data", "rows_trained")),
        "tokens trained": number(get(record, "data", "tokens_trained")),
        "steps": number(record.get("steps")),
        "epochs": number(record.get("epochs"), 2),
        "rows a step": number(record.get("effective_batch")),
        "time": DASH if seconds is None else _time(seconds),
    }
    tiles = [el("div", el("dt", name), el("dd", value)) for name, value in facts.items() if value != DASH]
    return el(
        "header",
        el("p", "curate training", class_="kicker"),
        el("h1", name_of(record)),
        el("p", _sentence(record), class_="lede"),
        el("dl", *tiles, class_="facts") if tiles else None,
        _notices(record, findings),
    )


def _sentence(record: Mapping[str, Any]) -> str:
    stage = str(record.get("stage", "training"))
    said = _STAGES.get(stage, stage)
    if "config" in record:
        said += " with LoRA" if get(record, "config", "lora") else ", all weights,"
    if file := get(record, "data", "file"):
        said += f" on {'/'.join(Path(file).parts[-2:])}"
    return f"{said[0].upper()}{said[1:].rstrip(',')}."


def _time(seconds: float) -> str:
    """Show a duration.

    >>> _time(8.6), _time(754), _time(8400)
    ('9 s', '12.6 min', '2.3 h')
    """
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{number(seconds / length)} {unit}"
    return f"{seconds:.0f} s"


def _notices(record: Mapping[str, Any], findings: Findings | None) -> Html | None:
    forced = {(finding["check"], finding["message"]) for finding in record.get("forced", [])}
    # Those of the raw rows are not in preflight.json: it is written by the checks after them.
    said = {(f["check"], f["message"]): f["level"] for f in [*record.get("forced", []), *(findings or [])]}
    if not said and findings is None:
        return None
    if not said:
        return el("p", "The checks before training found nothing.", class_="fine")
    items = [
        el(
            "li",
            el("strong", f"{check.replace('_', ' ')}{', forced' if (check, message) in forced else ''}:"),
            " ",
            message,
        )
        for (check, message), _ in sorted(said.items(), key=lambda item: item[1] != "stop")
    ]
    return el("section", el("h2", "The checks before training say"), el("ul", *items), class_="notices")


def get(record: Mapping[str, Any], *path: str) -> Any:
    """Look into nested mappings; None where something is missing."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


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
    return page(f"{name_of(record)}: training", headline(record, findings), there, foot)


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
