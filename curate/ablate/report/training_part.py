"""The part of the page about the trainings: what each took, and whether its course may be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.report.html import DASH, Html, el, join, number, plural, table
from curate.report.lines import Figure, draw, spell
from curate.train.plots import LogError, figures

_NOTE = (
    "The held-out loss does not choose a checkpoint, the dev grade does (LIMA, appendix B). A margin that grows while "
    "the chosen answers become less likely is no gain."
)
_DRAWN = ("evaluation", "margins")  # the figures of a training that bear on an ablation


def trainings(ablation: dict[str, Any], out: Path) -> Html | None:
    """Show each training's facts, and of the logs under `out` the courses that matter here; None without trainings."""
    jobs = [(arm["arm"], job) for arm in ablation["arms"] for job in arm.get("jobs") or []]
    stages = [(name, job["seed"], stage) for name, job in jobs for stage in job.get("train") or []]
    if not stages:
        return None
    return join([el("h2", "Training"), el("p", _NOTE, class_="note"), _figures(stages, out), _facts(stages, out)])


def _facts(stages: list[tuple[str, int, dict[str, Any]]], out: Path) -> Html:
    names = ("steps", "effective_batch", "rows_trained", "tokens_trained", "seconds")
    losses = ("first_loss", "loss", "eval_loss")
    heads = [("arm", "arm"), ("seed", "n"), ("stage", ""), ("steps", "n"), ("rows a step", "n"), ("rows", "n")]
    heads += [("tokens", "n"), ("seconds", "n"), ("first loss", "n"), ("last loss", "n"), ("held-out loss", "n")]
    heads += [("chosen", "")]
    rows: list[list[object]] = []
    for arm, seed, stage in stages:
        counts = [number(stage.get(name), 0) for name in names]
        ends = [DASH if stage.get(name) is None else spell(float(f"{stage[name]:.3g}")) for name in losses]
        rows.append([arm, seed, stage["stage"], *counts, *ends, _choice(stage, out).get("chosen", DASH)])
    return table("The trainings.", heads, rows, sortable=True)


def _figures(stages: list[tuple[str, int, dict[str, Any]]], out: Path) -> Html | None:
    """Draw each arm's first seed; the others, which should look alike, wait to be unfolded."""
    first = {name: seed for name, seed, _ in reversed(stages)}
    shown: list[Html] = []
    more: list[Html] = []
    for name, seed, stage in stages:
        told = f"{name}, seed {seed}, {stage['stage']}"
        (shown if first[name] == seed else more).extend(_drawn(told, stage, out))
    if not shown:
        return None
    others = (
        el("details", el("summary", f"{plural(len(more), 'figure')} of other seeds"), _grid(more)) if more else None
    )
    return join([_grid(shown), others])


def _grid(drawn: list[Html]) -> Html:
    return el("div", *drawn, class_="figures")


def _drawn(told: str, stage: dict[str, Any], out: Path) -> list[Html]:
    if not stage.get("log"):
        return []
    try:
        found = figures(out / stage["log"], _choice(stage, out).get("grades"))
    except LogError as error:
        return [el("p", f"{told}: {error}", class_="why")]
    return [_figure(told, figure) for figure in found if figure.key in _DRAWN]


def _figure(told: str, figure: Figure) -> Html:
    wrong = (el("span", note, class_="why") for note in figure.notes)
    caption = el("figcaption", el("b", f"{figure.title}: {told}"), el("span", figure.hint), *wrong)
    return el("figure", caption, el("div", draw(figure), class_="plot"), _data(figure))


def _data(figure: Figure) -> Html:
    """Put a figure's numbers into a table, at most a hundred rows: log.jsonl has them all."""
    lines = [(panel.name, line) for panel in figure.panels for line in panel.lines]
    values = [dict(line.points) for _, line in lines]
    at = sorted({x for one in values for x in one})
    some = at[:: -(-len(at) // 100)]
    heads = [(figure.x, "n"), *((f"{panel}: {line.name}", "n") for panel, line in lines)]
    rows: list[list[object]] = [[spell(x), *(_number(one.get(x)) for one in values)] for x in some]
    return el("details", el("summary", "The numbers of the figure"), table(figure.title, heads, rows))


def _number(value: float | None) -> str:
    return DASH if value is None or value != value else spell(float(f"{value:.4g}"))


def _choice(stage: dict[str, Any], out: Path) -> dict[str, Any]:
    """Read which checkpoint was chosen, and what the judge gave each; empty where none was to be chosen."""
    if not stage.get("choice"):
        return {}
    try:
        found = json.loads((out / stage["choice"]).read_text(encoding="utf-8"))
        return {"chosen": f"epoch {found['epoch']:g}", "grades": found["grades"]}
    except (OSError, ValueError, KeyError) as error:
        return {"chosen": f"{stage['choice']} cannot be read: {error}", "grades": []}
