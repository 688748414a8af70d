"""Plots of a run from TRL's own log history: what was learned, and whether it may be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from curate.report.lines import Figure, Line, Panel, file
from curate.train._log import Log, course, lost, number, read
from curate.train._summary import summary

__all__ = ["figures", "plots", "summary"]

Grades: TypeAlias = Sequence[Mapping[str, Any]]


class _Lines(NamedTuple):
    """A panel to be: its name, what is logged (the first of each group that is there) under which name."""

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
    made = [_figure(log, *figure) for figure in _FIGURES]
    made.insert(1, _evaluation(log, grades or []))
    return [figure for figure in made if figure.panels]


def _figure(log: Log, key: str, title: str, hint: str, wanted: list[_Lines]) -> Figure:
    if key == "loss" and any(_PAIR in entry for entry in log):
        hint, wanted = "falls; DPO with the sigmoid loss starts at ln 2 = 0.69", [wanted[0]._replace(name="loss")]
    panels = [panel for lines in wanted if (panel := _panel(log, lines)).lines]
    logged = [name for lines in wanted for names in lines.logged.values() for name in names]
    return Figure(key, title, hint, "step", panels, tuple(lost(log, logged + [f"eval_{name}" for name in logged])))


def _panel(log: Log, wanted: _Lines) -> Panel:
    lines = []
    for name, kind in zip(wanted.logged, _KINDS, strict=False):
        points = next(filter(None, (course(log, key) for key in wanted.logged[name])), [])
        lines.append(Line(name, points, kind))
    if list(wanted.logged) == ["training"]:
        held_out = (course(log, f"eval_{key}") for key in wanted.logged["training"])
        lines.append(Line("held-out", next(filter(None, held_out), []), "two"))
    return Panel(wanted.name, [line for line in lines if line.points], wanted.include, wanted.marks)


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
