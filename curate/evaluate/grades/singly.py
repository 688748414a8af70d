"""Answers graded one by one, each with the conversation before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import Cache, Entry
from curate.evaluate.grades.files import GRADES, shaped
from curate.models.generators.generator import Progress
from curate.models.judges.judge import Case, Grade, Judge, Pairing, answer_of
from curate.pairs.samples import UNANSWERED
from curate.thoughts import split
from curate.turns import are_turns, question, whole_turns, without_thoughts

_GRADE = {name: GRADES[name] for name in ("score", "parts", "why")}


def grade(
    answers: pl.DataFrame,
    prompts: pl.DataFrame | None,
    judge: Judge,
    stages: Cache,
    *,
    arm: str = "",
    seed: int = 0,
    tell: Progress | None = None,
) -> pl.DataFrame:
    """Grade answers, a line each and in their order (`GRADES`); what has no grade says why.

    The grades of a judge for these answers are a stage, and what a judge asked of a generator is in its journal:
    neither is asked for twice, wherever the answers stand.

    Args:
        answers: as `curate.evaluate.answers` gives them: `id`, `prompt`, `response`, and `failed` where there is none;
            `system` and `history` are the conversation before the prompt.
        prompts: `id`, `system`, `history`, for answers that do not have these columns themselves.
        judge: who grades. One that only compares gives no grade, and says so.
        stages: the folder that keeps grades and what judges said.
        arm: the name of those that answered, where the answers have no column `arm`.
        seed: of the training, where the answers have no column `seed`.
        tell: hears how far it is, as a generator tells it.

    >>> import tempfile
    >>> from curate.models.judges import rules
    >>> answers = pl.DataFrame({"id": ["1"], "prompt": ["Why is it dark?"], "response": ["It is dark at night."]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     graded = grade(answers, None, rules(min_words=5), Cache(Path(folder)), arm="mine")
    >>> graded.select("arm", "id", "score", "why", "judge").row(0)
    ('mine', '1', 1.0, None, 'rules')
    """
    set_up(judge, stages, tell)
    grades = iter(_stage(cases_of(answers, prompts), judge, stages).iter_rows())
    lines = [
        next(grades) if why is None else (None, None, f"no answer: {why}")
        for why in map(why_none, answers.iter_rows(named=True))
    ]
    own = {"arm": arm, "seed": seed}
    names = {name: own[name] for name in own if name not in answers.columns} | {"judge": name_of(judge)}
    rows = answers.with_columns(pl.lit(value).alias(name) for name, value in names.items()).drop(_GRADE, strict=False)
    return shaped(rows.hstack(pl.DataFrame(lines, schema=_GRADE, orient="row")), GRADES)


def cases_of(answers: pl.DataFrame, prompts: pl.DataFrame | None = None) -> list[Case]:
    """List what a judge is asked: each answer with the conversation before it."""
    rows = with_before(answers, prompts).iter_rows(named=True)
    return [
        Case(row["id"], without_thoughts(question(row)), text, turns, row.get("tools"))
        for row, (turns, text) in ((row, answer_of(row)) for row in rows)
        if text is not None and row.get("failed") is None
    ]


def set_up(judge: Judge, stages: Cache, tell: Progress | None = None) -> None:
    """Keep what a judge's generators answer beside the stages, and have them report their progress."""
    for generator in judge.generators:
        generator.journal, generator.tell = stages.folder / "answers", tell or generator.tell


def name_of(judge: Judge) -> str:
    """Name a judge as its file does, or by what it is."""
    return judge.name or str(judge.describe().get("judge", "judge"))


def with_before(answers: pl.DataFrame, prompts: pl.DataFrame | None) -> pl.DataFrame:
    """Give answers the conversation before their prompts, where `prompts` have it and they do not."""
    names = [name for name in ("system", "history", "tools") if prompts is not None and name in prompts.columns]
    if prompts is None or not names:
        return answers
    whole = prompts.select("id", *(whole_turns(prompts[n]) if are_turns(prompts[n].dtype) else n for n in names))
    joined = answers.join(whole.unique("id"), on="id", how="left", maintain_order="left")
    both = {name: f"{name}_right" for name in names if name in answers.columns}
    return joined.with_columns(pl.coalesce(own, other) for own, other in both.items()).drop(both.values())


def why_none(row: Mapping[str, Any]) -> str | None:
    """Say why a row has no answer; null where it has one.

    >>> why_none({"response": "<think>Hm"}), why_none({"response": "4"})
    ("the model's thoughts were cut before an answer", None)
    """
    if row.get("failed") is not None or answer_of(row)[1] is not None:
        return row.get("failed")
    thought = row["response"] is not None and split(row["response"]).thinking
    return UNANSWERED if thought else "it is empty"


def _stage(cases: Sequence[Case], judge: Judge, stages: Cache) -> pl.DataFrame:
    """Have cases graded, unless that was done."""

    def build(folder: Path) -> dict[str, Any]:
        grades = judge.grade(cases)
        _table(grades).write_parquet(folder / "grades.parquet")
        return {"again": any(one.again for one in grades)}

    stage = judge_stage("grades", judge, cases, stages, build)
    return pl.read_parquet(stage.folder / "grades.parquet")


def _table(grades: Sequence[Grade]) -> pl.DataFrame:
    lines = [(one.score, json.dumps(dict(one.parts)) if one.parts else None, one.why) for one in grades]
    return pl.DataFrame(lines, schema=_GRADE, orient="row")


def _lean(case: Case | Pairing) -> list[Any]:
    """Leave out the fields at the end that hold nothing, as cases did without that had none of them."""
    fields = list(case)
    while not fields[-1] and fields[-1] != "":
        fields.pop()
    return fields


def judge_stage(
    name: str,
    judge: Judge,
    cases: Sequence[Case] | Sequence[Pairing],
    stages: Cache,
    build: Callable[[Path], dict[str, Any]],
) -> Entry:
    """Find or build what a judge says of cases; what `build` calls `again` is not kept for the next time."""
    about = dict(judge.describe())
    # A function that stands in no file could be another one next time.
    lasting = about.get("code", "") is not None
    depends = {"judge": about, "cases": hashlib.sha256(json.dumps(list(map(_lean, cases))).encode()).hexdigest()}
    return stages.get(name, depends, build, keep=lambda meta: lasting and not meta["again"])
