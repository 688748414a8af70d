"""Before and after: each model at each task, what it was asked before taken from the cache, and the table of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from curate.evaluate.bench.lm_eval import BenchError, Model, Settings, run, versions
from curate.evaluate.bench.results import Difference, Score, average, difference, read_scores
from curate.evaluate.trained import is_training, open_training
from curate.folders import claim, hold, put_text
from curate.models.weights import find_model, weights
from curate.report.words import plural

BY, RESULT, LOGS = "bench-model", "bench.json", "logs"
Told = Callable[[str], None]


def bench(
    before: str | Path,
    after: Sequence[str | Path],
    tasks: Sequence[str],
    out: str | Path,
    *,
    settings: Settings | None = None,
    measures: Sequence[str] = (),
    tell: Told | None = None,
) -> dict[str, Any]:
    """Run tasks of lm-eval with a model and with what became of it; write OUT/bench.json and return what is in it.

    Style training costs instruction following (arXiv 2501.05032, tables 6 and 7: IFEval falls by 3 to 9 points where
    the average of the others stays), so averages are given with and without IFEval.

    Args:
        before: a model's folder or name, or a training folder, whose merged model is taken.
        after: the same, none or several.
        tasks: names of lm-eval, local ones too (`Settings.include_path`).
        out: the folder for the table and the logs of what failed. Results are kept beside it, in `.stages`, by weights,
            task and settings: no model is asked twice.
        settings: backend, limit and lm-eval's own options.
        measures: which measures stand for their tasks, before `MEASURES`.
        tell: hears what is run.

    Raises BenchError in words; what was run until then is kept.
    """
    settings, folder = settings or Settings(), Path(out)
    models = [find(name) for name in (before, *after)]
    if not tasks:
        raise BenchError("there are no tasks: name some of lm-eval's, as ifeval")
    releases = versions(settings.backend)
    claim(folder, BY, [RESULT, f"{LOGS}/"])
    hold(folder, BY, [f"{LOGS}/"])
    scores: list[list[Score]] = []
    runs = []
    for model in models:
        scores.append([])
        for task in tasks:
            if tell:
                tell(f"{task} with {model.name}")
            done = run(model, task, settings, folder.parent / ".stages", folder / LOGS)
            scores[-1] += read_scores(done.folder, measures)
            about = {"model": model.name, "path": model.path, "weights": model.weights, "task": task}
            runs.append(about | {"reused": done.reused, "seconds": done.seconds, "log": str(done.log)})
    result = {
        "backend": settings.backend,
        "limit": settings.limit,
        "versions": releases,
        "runs": runs,
        "before": models[0].name,
        "tasks": [_score(score) for score in scores[0]],
        "after": [
            {"model": model.name} | against(scores[0], own) for model, own in zip(models[1:], scores[1:], strict=True)
        ],
        "notices": _notices(scores[0], settings),
    }
    put_text(folder, BY, RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return result


def find(model: str | Path) -> Model:
    """Find a model by its folder, its name, or the folder of its training."""
    name, folder = str(model), Path(model)
    trained = is_training(folder) or (folder.is_dir() and not (folder / "config.json").is_file())
    path = str(open_training(folder).merged.resolve()) if trained else find_model(name)
    return Model(name, path, weights(path) or path)


def against(before: Sequence[Score], after: Sequence[Score]) -> dict[str, Any]:
    """Put a model's scores beside those from before, task by task, and their averages."""
    by_task = {score.task: score for score in after}
    pairs = [(score, by_task[score.task]) for score in before if score.task in by_task]
    rows = [_score(new) | _difference(difference(old, new)) for old, new in pairs]
    shares = [pair for pair in pairs if pair[0].share and pair[1].share]
    others = [pair for pair in shares if "ifeval" not in pair[0].task.lower()]
    kinds = {"average": shares, "average without IFEval": others if len(others) < len(shares) else []}
    averages = [_average(name, some) for name, some in kinds.items() if some and len(shares) > 1]
    return {"tasks": rows, "averages": averages}


def _average(name: str, pairs: Sequence[tuple[Score, Score]]) -> dict[str, Any]:
    before, after = (sum(score.value for score in scores) / len(pairs) for scores in zip(*pairs, strict=True))
    return {"name": name, "tasks": len(pairs), "before": before, "after": after} | _difference(average(pairs))


def _score(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in ("task", "measure", "value", "stderr", "n", "share")}


def _difference(of: Difference) -> dict[str, Any]:
    return {"difference": of.value, "low": of.low, "high": of.high, "how": of.how}


def _notices(scores: Sequence[Score], settings: Settings) -> list[str]:
    notices = []
    others = [score.task for score in scores if not score.share]
    if others:
        notices.append(f"not in the averages, since their measures are no shares of what is right: {', '.join(others)}")
    if settings.limit:
        notices.append(f"only {settings.limit:g} of each task: fit to try it out, not to report")
    if not any("ifeval" in score.task.lower() for score in scores):
        notices.append("IFEval is not among the tasks: training for style costs instruction following first")
    return notices


_HEADS = ("measure", "prompts", "before", "after", "difference", "95 % interval", "")


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Lay out the result of `bench`: a table for each model after, or one of the model before alone."""
    before = {row["task"]: row for row in result["tasks"]}
    if not result["after"]:
        table = _table(result["before"], ("measure", "prompts", "value", "standard error"))
        for row in before.values():
            table.add_row(
                row["task"], row["measure"], f"{row['n']:,}", _value(row["value"], row), _value(row["stderr"], row)
            )
        return [table]
    return [_after(result["before"], before, after) for after in result["after"]]


def _after(name: str, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Any]) -> Table:
    table = _table(f"{name}, then {after['model']}", _HEADS)
    for row in after["tasks"]:
        values = (_value(each["value"], row) for each in (before[row["task"]], row))
        table.add_row(row["task"], row["measure"], f"{row['n']:,}", *values, *_cells(row, row))
    share = {"share": True}
    for i, row in enumerate(after["averages"]):
        values = (_value(row[when], share) for when in ("before", "after"))
        if i == 0:
            table.add_section()
        table.add_row(row["name"], plural(row["tasks"], "task"), "", *values, *_cells(row, share))
    return table


def _cells(row: Mapping[str, Any], scale: Mapping[str, Any]) -> tuple[str, str, str]:
    inside = "-" if row["low"] is None else f"{_value(row['low'], scale, '+')} to {_value(row['high'], scale, '+')}"
    return _value(row["difference"], scale, "+"), inside, row["how"]


def _table(title: str, heads: tuple[str, ...]) -> Table:
    table = Table("task", title=title, title_justify="left")
    for head in heads:
        table.add_column(head, justify="left" if head in ("measure", "") else "right")
    return table


def _value(value: float | None, row: Mapping[str, Any], sign: str = "") -> str:
    if value is None:
        return "-"
    return format(100 * value, f"{sign}.1f") if row["share"] else format(value, f"{sign}.4g")
