"""The page of an ablation: one HTML file that opens offline, with the answer at its top and all numbers below."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from curate.ablate.report.sentences import decimal, family, interval, signed, worth
from curate.report.lines import Figure, draw, spell, ticks
from curate.report.page import Section, page
from curate.report.words import DASH, number, percent, plural
from curate.train.plots import LogError, figures

_KINDS = ("one", "two", "three")  # classes of colours
_FIGURES = ("evaluation", "margins")  # the figures of a training that bear on an ablation
Data = dict[str, Any]


def ablation_page(ablation: Data, results: Data, out: Path) -> str:
    """Write the page; the same folder gives the same bytes, nothing of the clock goes in.

    `results` are those of `curate.ablate.report.write`; under `out` stand the logs of the trainings.
    """
    parts: dict[str, Callable[[], Data | None]] = {
        "grades": lambda: _grades(results),
        "differences": lambda: _differences(results) if results["differences"] else None,
        "quantity": lambda: _quantity(results),
        "training": lambda: _training(ablation, out),
        "data": lambda: _data(ablation),
        "answers": lambda: _answers(ablation, results),
        "recipe": lambda: {"recipe": _yaml(ablation["recipe"])} if ablation.get("recipe") else None,
    }
    sections = [Section(part, part.capitalize(), "ablation.html", data) for part, data in parts.items()]
    header = Section("header", ablation["name"], "ablation.html", lambda: _header(ablation, results))
    foot = "This page loads nothing from anywhere. Grades stand in grades.jsonl beside it, its numbers in results.json."
    return page(f"{ablation['name']}: ablation", header, sections, foot, styles=("lines.css", "ablation.css"))


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _header(ablation: Data, results: Data) -> Data:
    """Give the answer first, then what speaks against it, then the figures.

    Of several factors the first is shown, the others are folded.
    """
    arms = results["arms"]
    rows = {one["arm"]: worth(one) for one in results["multipliers"]}
    items = [{**one, "worth": rows.pop(one["arm"], None)} for one in results["sentences"]]
    first = next((item["factor"] for item in items if item["factor"]), None)
    folded = [item for item in items if item["arm"] and item["factor"] not in (None, first)]
    return {
        "name": ablation["name"],
        "question": ablation.get("question"),
        "family": family(results),
        "sentences": [item for item in items if item not in folded],
        "folded": folded,
        "warnings": [(f"{one['kind']}:", f"{one['text']}.") for one in results["warnings"]],
        "facts": {
            "arms": number(len(arms)),
            "comparisons": number(len(results["differences"])),
            "seeds": number(len(ablation.get("seeds") or [])),
            "prompts": number(max((arm["answers"]["prompts"] for arm in arms), default=0)),
            "grades": number(sum(arm["answers"]["graded"] for arm in arms)),
            "judge": results["judge"] or DASH,
            "scale": _scale(ablation) or DASH,
        },
    }


def _scale(ablation: Data) -> str | None:
    scale = ablation.get("scale")
    return f"{scale[0]:g} to {scale[1]:g}" if scale else None


class Axis(NamedTuple):
    """An axis from its first to its last tick; `zero` is the place that rows are compared with, if there is one."""

    ticks: list[float]
    zero: float | None = None

    def place(self, value: float) -> float:
        """Give a value's place in per cent of the width, with room for a number at both ends."""
        return 5 + 90 * (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])

    def names(self) -> Iterator[tuple[float, str | None]]:
        """Give the ticks with their numbers; a narrow column has room for five of these."""
        every = 2 if len(self.ticks) > 5 else 1
        first = self.ticks.index(self.zero) if self.zero in self.ticks else 0
        for i, tick in enumerate(self.ticks):
            yield tick, spell(tick) if (i - first) % every == 0 else None


def axis(results: Iterable[Mapping[str, Any] | None], zero: float | None = None) -> Axis:
    """Find an axis that holds all means and intervals, and `zero`.

    >>> axis([{"mean": 0.4, "low": -0.1, "high": 0.9}, None], zero=0.0).ticks
    [-0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
    """
    values = [one[key] for one in results if one for key in ("mean", "low", "high") if one[key] is not None]
    values += [] if zero is None else [zero]
    return Axis(ticks(min(values), max(values)) if values else [0.0, 1.0], zero)


def _strip(result: Data, kind: str, second: Data | None = None) -> Data:
    label = decimal(result["mean"]) + ("" if result["low"] is None else f", {interval(result)}")
    return {"result": result, "kind": kind, "second": second, "label": label}


def _grades(results: Data) -> Data:
    """Show each arm by itself, as LIMA's figure 5 has it; by seed, and by turn of dialogues (LIMA, section 6)."""
    arms = [arm for arm in results["arms"] if arm["grade"]]
    seeds, turns = _means(arms, "seed", 0), _means(arms, "turn", 1)
    return {
        "rows": [_grade(arm, _controls(results)) for arm in results["arms"]],
        "axis": axis(arm["grade"] for arm in arms),
        # How far the models of an arm's seeds lie apart is the noise of training: one seed tells nothing of it.
        "seeds": seeds if len(seeds["heads"]) > 1 else None,
        "turns": turns if turns["heads"] else None,
    }


def _controls(results: Data) -> list[str]:
    """List the arms that others are compared with."""
    return list(dict.fromkeys(one["against"] for one in results["differences"]))


def _grade(arm: Data, controls: list[str]) -> list[object]:
    grade, tokens, graded = arm["grade"], arm["tokens"], arm["answers"]["graded"]
    if grade is None:
        return [arm["arm"], {"result": None, "label": "no grade"}, None, None, None, None, None, graded]
    drawn = _strip(grade, "three" if arm["arm"] in controls else "one")
    cells = [decimal(grade["mean"]), interval(grade), decimal(arm["worst"]["mean"]), tokens and round(tokens["mean"])]
    return [arm["arm"], drawn, *cells, grade["n"], graded]


def _means(arms: list[Data], key: str, first: int) -> Data:
    """Lay out the mean grades of each seed or turn; the first turn is called 1."""
    values = sorted({one[key] for arm in arms for one in arm[f"{key}s"]})
    means = {arm["arm"]: {one[key]: decimal(one["mean"]) for one in arm[f"{key}s"]} for arm in arms}
    rows = [[name, *(own.get(value, DASH) for value in values)] for name, own in means.items()]
    heads = [(f"{key} {value + first}", "n") for value in values]
    return {"heads": heads, "rows": rows, "last": values[-1] + first if values else None}


def _differences(results: Data) -> Data:
    """Show each arm's paired difference to the arm it is compared with, and who won how many prompts."""
    pairs, controls = results["differences"], _controls(results)
    if len(controls) > 1:
        pairs = [{**pair, "arm": f"{pair['arm']} to {pair['against']}"} for pair in pairs]
    return {
        "against": controls[0] if len(controls) == 1 else "the other arm",
        "axis": axis([one for pair in pairs for one in (pair, pair["length_controlled"])], zero=0.0),
        "rows": [_difference(pair) for pair in pairs],
        "wins": [_wins(pair) for pair in pairs],
    }


def _difference(pair: Data) -> list[object]:
    kind = "three" if not pair["shown"] else "one" if pair["mean"] > 0 else "two"
    level = pair["length_controlled"]
    cells: list[object] = [signed(pair["mean"]), interval(pair), _p(pair["p_holm"])]
    cells.append(f"{signed(level['mean'])} ({interval(level)})" if level else DASH)
    cells.append(DASH if pair["smallest"] is None else decimal(pair["smallest"]))
    return [pair["arm"], _strip(pair, kind, level), *cells, pair["prompts"]]


def _p(value: float | None) -> str:
    """Write a p value.

    >>> _p(0.0004), _p(0.0312), _p(None) == DASH
    ('< .001', '0.031', True)
    """
    if value is None or value != value:
        return DASH
    return "< .001" if value < 0.001 else f"{value:.3f}"


def _wins(pair: Data) -> list[object]:
    counts = [pair["win"], pair["tie"], pair["lose"]]
    label = f"{pair['arm']} wins {counts[0]}, ties {counts[1]}, loses {counts[2]} prompts"
    shares = [n / (sum(counts) or 1) for n in counts]
    return [pair["arm"], {"parts": list(zip(shares, ("kept", "pool", "gone"), strict=True)), "label": label}, *counts]


_PLOT, _TOP = 220, 22  # pixels: the plot of the quantity, and its name above
_APART = 9  # per cent of the width that a number on the axis needs


def _curves(results: Data) -> dict[str, list[Data]]:
    """Collect the arms of each curve in order of their rows; one arm alone is no line."""
    lines: dict[str, list[Data]] = {}
    for arm in results["arms"]:
        if arm["curve"] and arm["x"] and arm["grade"]:
            lines.setdefault(arm["curve"], []).append(arm)
    return {name: sorted(arms, key=lambda arm: arm["x"]) for name, arms in lines.items() if len(arms) > 1}


def _quantity(results: Data) -> Data | None:
    """Show the grade by rows on a logarithmic axis, as LIMA's figure 6 has it, and what a choice is worth in rows."""
    lines = _curves(results)
    if not lines:
        return None
    arms = [arm for line in lines.values() for arm in line]
    values = [arm["grade"][key] for arm in arms for key in ("mean", "low", "high") if arm["grade"][key] is not None]
    grades, sizes = ticks(min(values), max(values)), sorted({arm["x"] for arm in arms})

    def x(rows: float) -> float:
        return 4 + 92 * math.log(rows / sizes[0]) / math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else 50.0

    def y(grade: float | None) -> float | None:
        return None if grade is None else _TOP + _PLOT * (grades[-1] - grade) / (grades[-1] - grades[0])

    def place(arm: Data) -> Data:
        return {"x": x(arm["x"]), **{key: y(arm["grade"][key]) for key in ("mean", "low", "high")}}

    drawn = []
    for i, (name, line) in enumerate(lines.items()):
        places = [place(arm) for arm in line]
        drawn.append({"key": (_KINDS[i % len(_KINDS)], name), "places": places, "steps": list(pairwise(places))})
    named, last = [], -math.inf
    for size in sizes:  # names that would lie over each other are left out
        fits = x(size) - last >= _APART
        last = x(size) if fits else last
        named.append((x(size), number(size) if fits else None))
    return {
        "curves": drawn,
        "grades": [(y(value), spell(value)) for value in grades],
        "sizes": named,
        "label": "; ".join(f"{a['arm']}: {number(a['x'])} rows, grade {decimal(a['grade']['mean'])}" for a in arms),
        "rows": [[a["arm"], a["x"], decimal(a["grade"]["mean"]), interval(a["grade"])] for a in arms],
        "worth": [worth(one) for one in results["multipliers"]],
    }


def _training(ablation: Data, out: Path) -> Data | None:
    """Show each training's facts, and of the logs under `out` the courses that matter here.

    The figures of each arm's first seed are shown; the others, which should look alike, wait to be unfolded.
    """
    jobs = [(arm["arm"], job) for arm in ablation["arms"] for job in arm.get("jobs") or []]
    stages = [(name, job["seed"], stage, _choice(stage, out)) for name, job in jobs for stage in job.get("train") or []]
    if not stages:
        return None
    first = {name: seed for name, seed, *_ in reversed(stages)}
    drawn: dict[bool, list[Data]] = {True: [], False: []}
    for name, seed, stage, choice in stages:
        drawn[first[name] == seed] += _plots(f"{name}, seed {seed}, {stage['stage']}", stage, choice, out)
    return {"figures": drawn[True], "others": drawn[False], "rows": [_facts(*stage) for stage in stages]}


def _facts(arm: str, seed: int, stage: Data, choice: Data) -> list[object]:
    keys = ("steps", "effective_batch", "rows_trained", "tokens_trained", "seconds")
    counts = [number(stage.get(key), 0) for key in keys]
    losses = [_digits(stage.get(key), 3) for key in ("first_loss", "loss", "eval_loss")]
    return [arm, str(seed), stage["stage"], *counts, *losses, choice.get("chosen", DASH)]


def _digits(value: float | None, digits: int) -> str:
    return DASH if value is None or value != value else spell(float(f"{value:.{digits}g}"))


def _plots(name: str, stage: Data, choice: Data, out: Path) -> list[Data]:
    if not stage.get("log"):
        return []
    try:
        drawn = figures(out / stage["log"], choice.get("grades"))
    except LogError as error:
        return [{"error": f"{name}: {error}"}]
    return [{"error": None, **_plot(name, figure)} for figure in drawn if figure.key in _FIGURES]


def _plot(name: str, figure: Figure) -> Data:
    """Draw a figure, with its numbers as a table of at most a hundred rows: log.jsonl has them all."""
    lines = [(panel.name, line) for panel in figure.panels for line in panel.lines]
    values = [dict(line.points) for _, line in lines]
    at = sorted({x for one in values for x in one})
    return {
        "title": f"{figure.title}: {name}",
        "name": figure.title,
        "hint": figure.hint,
        "notes": figure.notes,
        "drawing": draw(figure),
        "heads": [(figure.x, "n"), *((f"{panel}: {line.name}", "n") for panel, line in lines)],
        "rows": [[spell(x), *(_digits(one.get(x), 4) for one in values)] for x in at[:: -(-len(at) // 100)]],
    }


def _choice(stage: Data, out: Path) -> Data:
    """Read which checkpoint was chosen, and what the judge gave each; empty where none was to be chosen."""
    if not stage.get("choice"):
        return {}
    try:
        choice = json.loads((out / stage["choice"]).read_text(encoding="utf-8"))
        return {"chosen": f"epoch {choice['epoch']:g}", "grades": choice["grades"]}
    except (OSError, ValueError, KeyError) as error:
        return {"chosen": f"{stage['choice']} cannot be read: {error}", "grades": []}


def _data(ablation: Data) -> Data | None:
    """Show the properties of each arm's data: is it only the one in question that differs?"""
    sets = _sets(ablation)
    if not sets:
        return None
    every = [one for own in sets.values() for one in own]
    reasons = {f"No {name.replace('_', '-')}: {why}" for one in every for name, why in (one.get("why") or {}).items()}
    names = sorted({name for one in every for name in one.get("sources") or {}})
    shares: list[list[object]] = []
    for arm, own in sets.items():
        counts = [sum((one.get("sources") or {}).get(name, 0) for one in own) for name in names]
        shares.append([arm, *(percent(n, sum(counts)) for n in counts)])
    overlap = ablation.get("overlap")
    leaks = [[arm, one["id"], one["how"], one["of"]] for arm, rows in (overlap or {}).items() for one in rows]
    return {
        "rows": [_set(name, own) for name, own in sets.items()],
        "unmeasured": sorted(reason.rstrip(".") for reason in reasons),
        "sources": {"heads": [(name, "n") for name in names], "rows": shares} if names else None,
        "leaks": None if overlap is None else leaks,
    }


def _sets(ablation: Data) -> dict[str, list[Data]]:
    """Collect each arm's sets, one a seed; an arm that trains on several has a line for each of them."""
    sets: dict[str, list[Data]] = {}
    for arm in ablation["arms"]:
        for job in arm.get("jobs") or []:
            several = job.get("sets") or {}
            named = several if len(several) > 1 else {"": job["set"]} if job.get("set") else {}
            for name, own in named.items():
                sets.setdefault(f"{arm['arm']}: {name}" if name else arm["arm"], []).append(own)
    return sets


def _set(name: str, own: list[Data]) -> list[object]:
    keys = ("rows", "prompt_chars", "response_chars", "response_tokens")
    near, distinct = _mean(own, "near_duplicates", 9), len({one.get("ids_sha256") for one in own})
    cells = [*(_mean(own, key, 0) for key in keys), _mean(own, "diversity", 1)]
    return [name, *cells, near if near is None else percent(near, 1), f"{distinct} of {plural(len(own), 'seed')}"]


def _mean(own: list[Data], key: str, digits: int) -> float | None:
    values = [one[key] for one in own if one.get(key) is not None]
    return round(sum(values) / len(values), digits) if values else None


def _answers(ablation: Data, results: Data) -> Data:
    """Count what became of the answers, and say with what they were drawn and graded."""
    rows = []
    for arm in results["arms"]:
        count = arm["answers"]
        cells = [count[key] for key in ("asked", "failed", "cut", "ungraded", "graded")]
        rows.append([arm["arm"], *cells, percent(count["asked"] - count["graded"], count["asked"])])
    jobs = [job for arm in ablation["arms"] for job in arm.get("jobs") or [] if job.get("answers")]
    sampling = [job["answers"].get("sampling") for job in jobs]
    settings = {
        "judge": ablation.get("judge"),
        "sampling": sampling[0] if sampling and all(one == sampling[0] for one in sampling) else sampling,
        "generators": ablation.get("generator_models"),
        "judge models": ablation.get("judge_models"),
        "versions": ablation.get("versions"),
    }
    shown = {name: value for name, value in settings.items() if value}
    return {"judge": results["judge"], "scale": _scale(ablation), "rows": rows, "settings": _yaml(shown)}
