"""Before and after: each model at each task, what it was asked before taken from the cache, and the table of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.evaluate.bench.lm_eval import BenchError, Model, Run, Settings, run, versions
from curate.evaluate.bench.results import Difference, Score, average, difference, read_scores
from curate.evaluate.trained import is_training, open_training
from curate.folders import claim, hold, put_text
from curate.models.weights import find_model, weights

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
    known = versions(settings.backend)
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
            runs.append(_about(model, task, done))
    found: dict[str, Any] = {"backend": settings.backend, "limit": settings.limit, "versions": known, "runs": runs}
    found |= {"before": models[0].name, "tasks": [_score(score) for score in scores[0]]}
    found["after"] = [
        {"model": m.name} | against(scores[0], own) for m, own in zip(models[1:], scores[1:], strict=True)
    ]
    found["notices"] = _notices(scores[0], settings)
    put_text(folder, BY, RESULT, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


def find(given: str | Path) -> Model:
    """Find a model by its folder, its name, or the folder of its training."""
    name, folder = str(given), Path(given)
    trained = is_training(folder) or (folder.is_dir() and not (folder / "config.json").is_file())
    path = str(open_training(folder).merged.resolve()) if trained else find_model(name)
    return Model(name, path, weights(path) or path)


def against(before: Sequence[Score], after: Sequence[Score]) -> dict[str, Any]:
    """Put a model's scores beside those from before, task by task, and their averages."""
    theirs = {score.task: score for score in after}
    pairs = [(score, theirs[score.task]) for score in before if score.task in theirs]
    rows = [_score(new) | _told(difference(old, new)) for old, new in pairs]
    averaged = [pair for pair in pairs if pair[0].share and pair[1].share]
    others = [pair for pair in averaged if "ifeval" not in pair[0].task.lower()]
    kinds = {"average": averaged, "average without IFEval": others if len(others) < len(averaged) else []}
    kinds = kinds if len(averaged) > 1 else {}
    return {"tasks": rows, "averages": [_average(name, found) for name, found in kinds.items() if found]}


def _average(name: str, pairs: Sequence[tuple[Score, Score]]) -> dict[str, Any]:
    before, after = (sum(score.value for score in scores) / len(pairs) for scores in zip(*pairs, strict=True))
    return {"name": name, "tasks": len(pairs), "before": before, "after": after} | _told(average(pairs))


def _score(score: Score) -> dict[str, Any]:
    about = ("task", "measure", "value", "stderr", "n", "share")
    return {name: getattr(score, name) for name in about}


def _told(found: Difference) -> dict[str, Any]:
    return {"difference": found.value, "low": found.low, "high": found.high, "how": found.how}


def _about(model: Model, task: str, done: Run) -> dict[str, Any]:
    about: Mapping[str, Any] = {"model": model.name, "path": model.path, "weights": model.weights, "task": task}
    return {**about, "reused": done.reused, "seconds": done.seconds, "log": str(done.log)}


def _notices(scores: Sequence[Score], settings: Settings) -> list[str]:
    told = []
    left = [score.task for score in scores if not score.share]
    if left:
        told.append(f"not in the averages, since their measures are no shares of what is right: {', '.join(left)}")
    if settings.limit:
        told.append(f"only {settings.limit:g} of each task: fit to try it out, not to report")
    if not any("ifeval" in score.task.lower() for score in scores):
        told.append("IFEval is not among the tasks: training for style costs instruction following first")
    return told
