"""What TRL logs of a training: figures by step and by epoch, as files, and a few lines of words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from curate.errors import UserError
from curate.report.lines import Figure, Line, Panel, file, spell

__all__ = ["figures", "plots", "summary"]

Log: TypeAlias = Sequence[Mapping[str, Any]]
Grades: TypeAlias = Sequence[Mapping[str, Any]]


class LogError(UserError):
    """A log that cannot be read; the message names file and line."""


def read(log: Log | Path) -> Log:
    """Read log.jsonl, or take the list as it is (`trainer.state.log_history`).

    Raises:
        LogError: There is no such file, or a line of it is not a JSON object.
    """
    if not isinstance(log, Path):
        return log
    try:
        lines = log.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise LogError(f"{log} cannot be read: {error.strerror}") from None
    return [_entry(log, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _entry(file: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise LogError(f"{file}:{number}: a line of a log is a JSON object, such as {{'loss': 1.5, 'step': 1}}")
    return entry


def course(log: Log, key: str, along: str = "step") -> list[tuple[float, float]]:
    """Give the values of a key as (step or epoch, value) in order; NaN where the value is no finite number.

    Of two values at one place, as after a resume, the later counts.

    >>> course([{"loss": 2, "step": 1}, {"eval_loss": 1, "step": 1}, {"loss": None, "step": 2}], "loss")
    [(1.0, 2.0), (2.0, nan)]
    """
    values = {number(entry[along]): number(entry[key]) for entry in log if key in entry and along in entry}
    return sorted((x, y) for x, y in values.items() if math.isfinite(x))


def number(value: object) -> float:
    """Take a finite number as it is; NaN for anything else."""
    finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if finite else math.nan  # type: ignore[arg-type]


def gaps(log: Log, keys: Sequence[str]) -> list[str]:
    """Say of which keys values are no numbers, and at which steps.

    >>> gaps([{"loss": float("nan"), "step": 7}], ["loss"])
    ['loss is not a number at step 7']
    """
    messages = []
    for key in keys:
        steps = [f"{x:,.0f}" for x, y in course(log, key) if math.isnan(y)]
        if steps:
            more = f" and {len(steps) - 5:,} more" if len(steps) > 5 else ""
            at = "step" if len(steps) == 1 else "steps"
            messages.append(f"{key} is not a number at {at} {', '.join(steps[:5])}{more}")
    return messages


_COURSES = {
    "loss": ("loss",),
    "held-out loss": ("eval_loss",),
    "reward margin": ("rewards/margins", "margin"),
    "accuracy": ("rewards/accuracies", "accuracy"),
    "log-probability of chosen answers": ("logps/chosen",),
    "log-probability of rejected answers": ("logps/rejected",),
    "reward": ("reward",),
    "divergence (KL)": ("kl",),
}


def summary(log: Log | Path, grades: Grades | None = None) -> list[str]:
    """Say in a few lines how a run went: first and last values, and what should not be.

    The last value is the mean of the last tenth of the entries: one batch says little.

    >>> summary([{"loss": 2.0, "step": 1}, {"loss": 1.5, "step": 2}])
    ['loss 2 → 1.5 over 2 steps']

    Raises:
        LogError: The log cannot be read.
    """
    log = read(log)
    lines = [f"{name} {words}" for name, keys in _COURSES.items() if (words := _course(log, keys))]
    steps = max((number(entry.get("step")) for entry in log if "loss" in entry), default=math.nan)
    if lines and math.isfinite(steps):
        lines[0] += f" over {steps:,.0f} steps"
    return [*lines, *_chosen(log, grades or []), *(f"look at this: {line}" for line in _wrong(log))]


def _course(log: Log, keys: tuple[str, ...]) -> str:
    values = [y for _, y in _first(log, keys) if math.isfinite(y)]
    if len(values) < 2:
        return "".join(map(_short, values))
    last = values[-max(len(values) // 10, 1) :]
    return f"{_short(values[0])} \N{RIGHTWARDS ARROW} {_short(sum(last) / len(last))}"


def _first(log: Log, keys: Sequence[str]) -> list[tuple[float, float]]:
    """Give the course of the first key that was logged."""
    return next(filter(None, (course(log, key) for key in keys)), [])


def _chosen(log: Log, grades: Grades) -> list[str]:
    graded = [grade for grade in grades if math.isfinite(number(grade["grade"]))]
    if not graded:
        return []
    best = max(graded, key=lambda grade: number(grade["grade"]))
    low, high = _span(best)
    span = f" ({_short(low)} to {_short(high)})" if math.isfinite(low + high) else ""
    value = _short(number(best["grade"]))
    line = f"dev grade is highest at epoch {best['epoch']:g}: {value}{span}, {best['checkpoint']}"
    losses = [(y, x) for x, y in course(log, "eval_loss", "epoch") if math.isfinite(y)]
    return [f"{line}; the held-out loss is lowest at epoch {min(losses)[1]:g}" if losses else line]


def _wrong(log: Log) -> list[str]:
    """Name what a run should not show: values that are no numbers, and margins that do not start at 0."""
    keys = [key for names in _COURSES.values() for key in names]
    wrong = gaps(log, [*keys, "grad_norm"])
    margins = course(log, "rewards/margins")
    # Only the first step's margin is that of the untouched model; a mean over several steps is not.
    if margins and margins[0][0] == 1 and abs(margins[0][1]) > 1e-2:
        first = _short(margins[0][1])
        wrong.append(f"the reward margin starts at {first}, not at 0: the reference is not the model that was trained")
    return wrong


def _short(value: float) -> str:
    return spell(float(f"{value:.3g}") + 0.0)  # no minus before a zero


class _Lines(NamedTuple):
    """A panel: its name, and each line's name with the keys that it may be logged under."""

    name: str
    logged: Mapping[str, tuple[str, ...]]
    include: tuple[float, ...] = ()
    marks: tuple[tuple[str, float], ...] = ()


_PAIR = "rewards/margins"
_LOSS = "falls steeply at first, then slowly; steps down where an epoch begins: rows are learned by heart"
_FIGURES: list[tuple[str, str, str, list[_Lines]]] = [
    ("loss", "Loss", _LOSS, [_Lines("nats a token", {"training": ("loss",)})]),
    (
        "margins",
        "Reward margin and log-probabilities",
        "margins start at 0 and rise; chosen answers should not become much less likely",
        [
            _Lines("reward margin, chosen less rejected", {"training": (_PAIR, "margin")}, (0.0,)),
            _Lines("log-probability of the answer", {"chosen": ("logps/chosen",), "rejected": ("logps/rejected",)}),
        ],
    ),
    (
        "rewards",
        "Rewards of chosen and rejected answers",
        "both start at 0 and part; where both fall, the margin alone looks like success",
        [_Lines("reward", {"chosen": ("rewards/chosen",), "rejected": ("rewards/rejected",)}, (0.0,))],
    ),
    (
        "accuracies",
        "Accuracy",
        "rises above chance; where all rewards are equal, as at DPO's first step, it is 0",
        [
            _Lines(
                "share of pairs whose chosen answer has the higher reward",
                {"training": ("rewards/accuracies", "accuracy")},
                (0.0, 1.0),
                (("chance", 0.5),),
            )
        ],
    ),
    (
        "scores",
        "Scores of the reward model",
        "stay in a range and keep apart; a drift of all of them says nothing",
        [_Lines("reward", {"highest": ("max_reward",), "mean": ("mean_reward",), "lowest": ("min_reward",)})],
    ),
    (
        "reward",
        "Reward, divergence and length",
        "the reward rises while the divergence stays small; answers that only grow longer are no gain",
        [
            _Lines("reward", {"training": ("reward",)}),
            _Lines("divergence from the reference (KL)", {"training": ("kl",)}, (0.0,)),
            _Lines("tokens an answer", {"training": ("completions/mean_length",)}, (0.0,)),
            _Lines(
                "share of answers cut at the longest length", {"training": ("completions/clipped_ratio",)}, (0.0, 1.0)
            ),
        ],
    ),
    (
        "learning_rate",
        "Learning rate",
        "the schedule as asked for: warm-up, then the way to its floor",
        [_Lines("learning rate", {"training": ("learning_rate",)}, (0.0,))],
    ),
    (
        "gradient_norm",
        "Gradient norm",
        "keeps its size; a spike is a batch worth looking at",
        [_Lines("norm before clipping", {"training": ("grad_norm",)}, (0.0,))],
    ),
    (
        "tokens",
        "Token accuracy and entropy",
        "accuracy rises and entropy falls with the loss; an entropy near 0 is a model that always says the same",
        [
            _Lines("share of tokens foretold", {"training": ("mean_token_accuracy",)}),
            _Lines("entropy, nats a token", {"training": ("entropy",)}, (0.0,)),
        ],
    ),
]
_KINDS = ("one", "two", "three")


def plots(log: Log | Path, out: Path, grades: Grades | None = None) -> list[Path]:
    """Write an SVG file into `out` for each figure that the log has values for, and return their paths.

    Args:
        log: `trainer.state.log_history`, or the path of log.jsonl.
        out: A folder; it is made where it is missing.
        grades: What a judge gave each checkpoint: mappings of `checkpoint`, `epoch`, `grade`, and `low` and `high`, the
            ends of its interval.

    Raises:
        LogError: The log cannot be read.
    """
    drawn = figures(log, grades)
    out.mkdir(parents=True, exist_ok=True)
    for key in {"evaluation", *(figure[0] for figure in _FIGURES)}:
        (out / f"{key}.svg").unlink(missing_ok=True)  # an earlier run's
    paths = [out / f"{figure.key}.svg" for figure in drawn]
    for path, figure in zip(paths, drawn, strict=True):
        path.write_text(file(figure), encoding="utf-8", newline="\n")
    return paths


def figures(log: Log | Path, grades: Grades | None = None) -> list[Figure]:
    """Make the figures that the log has values for."""
    log = read(log)
    every = [_figure(log, *figure) for figure in _FIGURES]
    every.insert(1, _evaluation(log, grades or []))
    return [figure for figure in every if figure.panels]


def _figure(log: Log, key: str, title: str, hint: str, panels: list[_Lines]) -> Figure:
    if key == "loss" and any(_PAIR in entry for entry in log):
        hint, panels = "falls; DPO with the sigmoid loss starts at ln 2 = 0.69", [panels[0]._replace(name="loss")]
    drawn = [panel for lines in panels if (panel := _panel(log, lines)).lines]
    keys = [name for lines in panels for names in lines.logged.values() for name in names]
    return Figure(key, title, hint, "step", drawn, tuple(gaps(log, keys + [f"eval_{name}" for name in keys])))


def _panel(log: Log, panel: _Lines) -> Panel:
    lines = [
        Line(name, _first(log, keys), kind) for (name, keys), kind in zip(panel.logged.items(), _KINDS, strict=False)
    ]
    if list(panel.logged) == ["training"]:
        lines.append(Line("held-out", _first(log, [f"eval_{key}" for key in panel.logged["training"]]), "two"))
    return Panel(panel.name, [line for line in lines if line.points], panel.include, panel.marks)


def _evaluation(log: Log, grades: Grades) -> Figure:
    """Set the dev grade beside the held-out loss, by epoch (LIMA, appendix B: the one does not follow the other)."""
    at = sorted((number(grade["epoch"]), number(grade["grade"]), *_span(grade)) for grade in grades)
    graded = Line("grade", [(x, y) for x, y, _, _ in at], "two", tuple((low, high) for _, _, low, high in at))
    panels = [
        Panel("dev grade with its interval", [graded]),
        Panel("held-out loss", [Line("loss", course(log, "eval_loss", "epoch"))]),
    ]
    return Figure(
        "evaluation",
        "Held-out loss and dev grade" if at else "Held-out loss by epoch",
        "the loss does not choose the checkpoint: answers may get better while it rises (LIMA)",
        "epoch",
        [panel for panel in panels if panel.lines[0].points],
    )


def _span(grade: Mapping[str, Any]) -> tuple[float, float]:
    return number(grade.get("low")), number(grade.get("high"))
