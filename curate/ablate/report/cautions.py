"""What speaks against an ablation's answer: said above it, not below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from curate.ablate.report.numbers import rows_of
from curate.ablate.report.sentences import decimal
from curate.evaluate import statistics
from curate.report.words import percent, plural

# Our own bounds: below them what is lost does not move a mean by what these intervals could show.
_LOST = 0.05  # share of answers without a grade
_CUT = 0.2  # share of answers that ran into the limit
_LONGER = 0.2  # difference of mean lengths
_SEEDS = 3  # fewer say little of the noise between trainings


def cautions(ablation: dict[str, Any], grades: pl.DataFrame, results: dict[str, Any]) -> list[dict[str, str]]:
    """List what a reader must know before the answer, the worst first: each has a `kind` and a `text`."""
    kinds: list[tuple[str, Iterator[str]]] = [
        ("unfinished", _unfinished(ablation)),
        ("leak", _leaks(ablation)),
        ("judge", _judge(ablation)),
        ("random", _random(ablation)),
        ("seeds", _seeds(ablation, results)),
        ("lost", _lost(results)),
        ("length", _lengths(grades, results)),
        ("size", _sizes(ablation)),
        ("steps", _steps(ablation)),
    ]
    return [{"kind": kind, "text": text} for kind, texts in kinds for text in texts]


def _unfinished(ablation: dict[str, Any]) -> Iterator[str]:
    for arm in ablation["arms"]:
        jobs = arm.get("jobs", [])
        open_ = [job for job in jobs if job["status"] != "done"]
        for status, verb in (("failed", "failed"), ("not run", "was not run")):
            seeds = [str(job["seed"]) for job in open_ if job["status"] == status]
            if seeds:
                why = next((job["why"] for job in open_ if job["status"] == status and job.get("why")), None)
                first = f": {why.strip().splitlines()[0]}" if why else ""
                yield f"{arm['arm']} {verb} with {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}{first}"
        if not jobs:
            yield f"{arm['arm']} was not run"


def _leaks(ablation: dict[str, Any]) -> Iterator[str]:
    for arm, pairs in (ablation.get("overlap") or {}).items():
        if pairs:
            same = len({pair["id"] for pair in pairs if pair.get("how") == "same"})
            prompts = len({pair["id"] for pair in pairs})
            verb = "stands" if prompts == 1 else "stand"
            yield (
                f"{plural(prompts, 'test prompt')} {verb} in the set of {arm} ({same:,} word for word): what was "
                "learned by heart counts as skill"
            )


def _judge(ablation: dict[str, Any]) -> Iterator[str]:
    both = sorted(set(ablation.get("generator_models") or []) & set(ablation.get("judge_models") or []))
    if both:
        yield f"judge and generator are one model ({', '.join(both)}): models like what they wrote themselves"
    if (ablation.get("judge") or {}).get("judge") == "rules":
        yield "the judge goes by rules of form alone: whether an answer is right or of use it cannot tell"


def _random(ablation: dict[str, Any]) -> Iterator[str]:
    if not ablation.get("random"):
        yield "no arm is a random draw of the same size: that a difference comes from the choice cannot be told"


def _seeds(ablation: dict[str, Any], results: dict[str, Any]) -> Iterator[str]:
    """Say how big a difference is noise where few seeds tell of it."""
    seeds = min((one["seeds"] for one in results["differences"]), default=len(ablation.get("seeds") or [0]))
    if seeds >= _SEEDS:
        return
    text = f"{plural(seeds, 'seed')} only, where three are the least"
    deviations = [one["seed_sd"] for one in results["differences"] if one.get("seed_sd") is not None]
    smallest = [one["smallest"] for one in results["differences"] if one.get("smallest") is not None]
    if deviations:
        text += (
            f": a difference of two arms varies by {decimal(max(deviations))} (standard deviation) from seed to seed"
        )
    elif seeds == 1:
        text += ": how much another training would change is not known, and no interval here holds it"
    if smallest:
        text += f"; differences below {decimal(max(smallest))} are noise to these prompts"
    yield text


def _lost(results: dict[str, Any]) -> Iterator[str]:
    for arm in results["arms"]:
        count = arm["answers"]
        asked, answered = count["asked"], count["asked"] - count["failed"]
        for n, whole, most, text in (
            (count["failed"], asked, _LOST, "of its questions have no answer"),
            (count["ungraded"], answered, _LOST, "of its answers have no grade"),
            (count["cut"], answered, _CUT, "of its answers are cut at the longest length"),
        ):
            if n > most * whole:
                yield f"{arm['arm']}: {percent(n, whole)} {text} ({n:,} of {whole:,})"
    for one in results["differences"]:
        asked = max(arm["answers"]["prompts"] for arm in results["arms"])
        if one["prompts"] < (1 - _LOST) * asked:
            pair = f"{one['arm']} and {one['against']}"
            yield f"{pair} are compared on {one['prompts']:,} of {asked:,} prompts: those with a grade of every seed"


def _lengths(grades: pl.DataFrame, results: dict[str, Any]) -> Iterator[str]:
    """Compare lengths as grades are compared: paired by prompt, Bonferroni over the pairs; or by a fifth."""
    pairs = [(one["arm"], one["against"]) for one in results["differences"]]
    lengths = {name: _lengths_of(grades, name) for pair in pairs for name in pair}
    level = 1 - 0.05 / max(len(pairs), 1)
    for name, against in pairs:
        both = [(lengths[name][i], lengths[against][i]) for i in sorted(lengths[name].keys() & lengths[against].keys())]
        if len(both) < 2:
            continue
        gap = statistics.mean([a - b for a, b in both], level)
        base = statistics.mean([b for _, b in both]).mean
        clear = gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0)
        if clear or abs(gap.mean) > _LONGER * base:
            way = "longer" if gap.mean > 0 else "shorter"
            yield (
                f"answers of {name} are {percent(abs(gap.mean), base)} {way} than those of {against} "
                f"({gap.mean + base:,.0f} to {base:,.0f} tokens): judges like length; see the number at equal length"
            )


def _lengths_of(grades: pl.DataFrame, arm: str) -> dict[str, float]:
    own = grades.filter(pl.col("arm") == arm, pl.col("tokens").is_not_null())
    return dict(own.group_by("id").agg(pl.col("tokens").mean()).iter_rows())


def _sizes(ablation: dict[str, Any]) -> Iterator[str]:
    """Find sets that were meant to be of one size and are not."""
    for one in _meant_alike(ablation):
        own, other = rows_of(ablation, one["arm"]), rows_of(ablation, one["against"])
        if own is not None and other is not None and own != other:
            yield (
                f"the sets are not of one size (rows: {one['arm']} {own:,.0f}, {one['against']} {other:,.0f}): size "
                f"and {one['factor']} are one in this comparison"
            )


def _steps(ablation: dict[str, Any]) -> Iterator[str]:
    """Compare the steps of each stage that two arms have in common."""
    steps: dict[str, dict[str, int]] = {}
    for arm in ablation["arms"]:
        stages = [stage for job in arm.get("jobs") or [] for stage in job.get("train") or []]
        steps[arm["arm"]] = {stage["stage"]: stage["steps"] for stage in stages if stage.get("steps") is not None}
    for one in _meant_alike(ablation):
        own, other = steps[one["arm"]], steps[one["against"]]
        for stage in (stage for stage in own if stage in other and own[stage] != other[stage]):
            counts = f"{stage}: {one['arm']} {own[stage]:,}, {one['against']} {other[stage]:,}"
            yield f"the arms were not trained for the same number of steps ({counts})"


def _meant_alike(ablation: dict[str, Any]) -> list[dict[str, Any]]:
    """Take the contrasts of arms that were asked to be of one size: others differ in it by intent."""
    asked = {arm["arm"]: arm.get("x") for arm in ablation["arms"]}
    return [one for one in ablation["contrasts"] if asked[one["arm"]] == asked[one["against"]]]
