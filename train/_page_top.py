"""The top of a training page: what was trained, its figures, and what the checks before training found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from curate.report.html import DASH, Html, el, number

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
