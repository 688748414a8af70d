"""The page of a training: what was trained, its figures, and what the checks before training found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from curate.report.lines import draw
from curate.report.page import Section, page
from curate.report.words import DASH, number
from curate.train.plots import Grades, Log, figures, summary

_STAGES = {
    "sft": "supervised fine-tuning",
    "dpo": "direct preference optimisation",
    "reward": "a reward model",
    "rloo": "reinforcement learning (RLOO)",
    "grpo": "reinforcement learning (GRPO)",
    "kto": "learning from single verdicts (KTO)",
    "orpo": "odds-ratio preference optimisation (ORPO)",
}
_NAMES = {"course": "Course", "plots": "Plots", "grades": "Grades", "data": "Data and model", "config": "Config"}
Findings: TypeAlias = Sequence[Mapping[str, Any]]
Data: TypeAlias = dict[str, Any]


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
    parts: dict[str, Callable[[], Data | None]] = {
        "course": lambda: {"lines": summary(log, grades)},
        "plots": lambda: {"figures": [(figure, draw(figure)) for figure in drawn]} if drawn else None,
        "grades": lambda: _grades(grades) if grades else None,
        "data": lambda: _facts(record),
        "config": lambda: _config(record),
    }
    sections = [Section(part, _NAMES[part], "training.html", data) for part, data in parts.items()]
    header = Section("header", name_of(record), "training.html", lambda: _header(record, findings))
    foot = "This page loads nothing from anywhere. The plots stand beside it as files, the numbers in log.jsonl."
    return page(f"{name_of(record)}: training", header, sections, foot, styles=["lines.css"])


def name_of(record: Mapping[str, Any]) -> str:
    """Name a run: its model and its stage."""
    stage = str(record.get("stage", "training"))
    model = get(record, "model_in", "name") or get(record, "config", "model")
    return f"{Path(str(model)).name} {stage.upper()}" if model else stage.upper()


def get(record: Mapping[str, Any], *path: str) -> Any:
    """Look into nested mappings; None where something is missing."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _header(record: Mapping[str, Any], findings: Findings | None) -> Data:
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
    return {
        "name": name_of(record),
        "sentence": _sentence(record),
        "facts": {name: value for name, value in facts.items() if value != DASH},
        "findings": _findings(record.get("forced", []), findings),
    }


def _sentence(record: Mapping[str, Any]) -> str:
    stage = str(record.get("stage", "training"))
    text = _STAGES.get(stage, stage)
    if "config" in record:
        text += " with LoRA" if get(record, "config", "lora") else ", all weights,"
    if file := get(record, "data", "file"):
        files = [one["file"] for one in get(record, "data", "sets") or []] or [file]
        text += f" on {' and '.join('/'.join(Path(one).parts[-2:]) for one in files)}"
    return f"{text[0].upper()}{text[1:].rstrip(',')}."


def _time(seconds: float) -> str:
    """Show a duration.

    >>> _time(8.6), _time(754), _time(8400)
    ('9 s', '12.6 min', '2.3 h')
    """
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{number(seconds / length)} {unit}"
    return f"{seconds:.0f} s"


def _findings(forced: Findings, findings: Findings | None) -> list[tuple[str, str]] | None:
    """List findings, those that stop a training first; None where nothing was checked."""
    # Those of the raw rows are not in preflight.json: it is written by the checks after them.
    levels = {(one["check"], one["message"]): one["level"] for one in [*forced, *(findings or [])]}
    if not levels and findings is None:
        return None
    was_forced = {(one["check"], one["message"]) for one in forced}
    ordered = sorted(levels, key=lambda finding: levels[finding] != "stop")
    return [(f"{one[0].replace('_', ' ')}{', forced' if one in was_forced else ''}:", one[1]) for one in ordered]


def _grades(grades: Grades) -> Data:
    best = max((grade["grade"] for grade in grades if grade["grade"] is not None), default=None)
    rows: list[list[object]] = []
    for grade in grades:
        value, low, high = (number(grade.get(key), 2) for key in ("grade", "low", "high"))
        interval = DASH if DASH in (low, high) else f"{low} to {high}"
        cell = {"best": value} if grade["grade"] == best else value
        rows.append([Path(str(grade["checkpoint"])).name, number(grade["epoch"], 2), cell, interval])
    return {"rows": rows}


def _facts(record: Mapping[str, Any]) -> Data | None:
    data = record.get("data", {})
    facts = {
        "data file": " + ".join(one["file"] for one in data.get("sets") or []) or data.get("file"),
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
    rows = [[name, value] for name, value in facts.items() if value not in (None, DASH, "")]
    return {"rows": rows} if rows else None


def _config(record: Mapping[str, Any]) -> Data | None:
    config = record.get("config")
    if not config:
        return None
    settings = {key: value for key, value in config.items() if value not in (None, {}, [])}
    return {"config": yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)}
