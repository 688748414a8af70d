"""What the intervals cover, and how often nothing is taken for something: simulated grades whose truth is known.

    python -m benchmarks.statistics [--draws 4000]

A grade is a latent number, rounded and cut to 1-6: 3.5, plus the effect of the arm, plus normal variation of the prompt
(standard deviation 1, the same for all arms), of prompt and arm (0.5), of the training seed (none, small 0.1, large
0.4), of prompt and seed (0.3), and of the sample (1). Where nothing else is said, 50 prompts have 5 samples each; all
intervals are of 95 %. `prompts alone` is the interval that takes the models as given, and `half` the median of half the
width.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from math import erf, log, log2, sqrt
from typing import Any

import numpy as np
import polars as pl

from curate.ablate.contrasts import design
from curate.ablate.reading import check
from curate.ablate.report.numbers import COLUMNS, results
from curate.evaluate.statistics import bootstrap, compare, holm, mean
from curate.evaluate.statistics.compare import at_equal_length
from curate.evaluate.statistics.crossed import Contrast, contrast, seeds_of
from curate.evaluate.statistics.multiplier import read_off
from curate.recipe.places import Places

PROMPTS, SAMPLES, LEVEL = 50, 5, 0.95
OF_PROMPT, OF_BOTH, OF_PLACE, OF_SAMPLE = 1.0, 0.5, 0.3, 1.0
SEED_SD = {"none": 0.0, "small": 0.1, "large": 0.4}


def graded(
    rng: np.random.Generator,
    draws: int,
    seeds: int,
    seed_sd: Sequence[float],
    effects: Sequence[float] = (),
    prompts: int = PROMPTS,
) -> list[np.ndarray]:
    """Draw the grades of arms, one `seed_sd` each: arrays of (draws, prompts, seeds, samples)."""
    of_prompt = rng.normal(3.5, OF_PROMPT, (draws, prompts, 1, 1))
    found = []
    for sd, effect in zip(seed_sd, effects or [0.0] * len(seed_sd), strict=True):
        latent = of_prompt + effect + rng.normal(0, OF_BOTH, (draws, prompts, 1, 1))
        latent = latent + rng.normal(0, sd, (draws, 1, seeds, 1)) + rng.normal(0, OF_PLACE, (draws, prompts, seeds, 1))
        latent = latent + OF_SAMPLE * rng.standard_normal((draws, prompts, seeds, SAMPLES))
        found.append(np.clip(np.rint(latent), 1, 6))
    return found


def truth(effect: float = 0.0, seed_sd: float = 0.0) -> float:
    """Give the mean of such grades over all prompts, seeds and samples: 1 and the chance to be above each border."""
    sd = sqrt(OF_PROMPT**2 + OF_BOTH**2 + OF_PLACE**2 + OF_SAMPLE**2 + seed_sd**2)
    return 1 + sum(0.5 + 0.5 * erf((3.5 + effect - border) / sd / sqrt(2)) for border in (1.5, 2.5, 3.5, 4.5, 5.5))


def covered(found: Contrast, true: float) -> float:
    return float((abs(found.mean - true) <= found.half(LEVEL)).mean())


def alone(cells: Sequence[np.ndarray], weights: Sequence[float]) -> Contrast:
    """Take the models as given."""
    return contrast([cell.mean(-1, keepdims=True) for cell in cells], weights)


def of_one_model(draws: int, seed: int = 1) -> dict[str, float]:
    """Cover the mean grade of one model: clustered by prompt, by a bootstrap of prompts, and as if all were alike."""
    rng = np.random.default_rng(seed)
    [grades] = graded(rng, draws, 1, [0.0])
    cells, true = grades.mean(-1), truth()
    flat = grades.reshape(draws, -1)
    naive = contrast([flat[..., None]], [1])
    some = [bootstrap(cell[:, 0].tolist(), draws=999) for cell in cells[: max(draws // 4, 1)]]
    return {
        "clustered by prompt": covered(contrast([cells], [1]), true),
        "bootstrap of prompts": float(np.mean([one.low <= true <= one.high for one in some])),
        "250 grades as independent": covered(naive, true),
    }


def of_seeds(draws: int, seeds: int, sds: tuple[float, float], seed: int = 2) -> dict[str, float]:
    """Cover the mean of an arm and the difference of two, where seeds vary."""
    rng = np.random.default_rng(seed)
    a, b = (each.mean(-1) for each in graded(rng, draws, seeds, sds, (0.3, 0.0)))
    true = truth(0.3, sds[0]) - truth(0.0, sds[1])
    found = contrast([a, b], [1, -1])
    return {
        "mean": covered(contrast([a], [1]), truth(0.3, sds[0])),
        "difference": covered(found, true),
        "half": float(np.median(found.half(LEVEL))),
        "prompts alone": covered(alone([a, b], [1, -1]), true),
    }


def claims(ablations: int, arms: Sequence[int], seeds: int, seed_sd: float, seed: int = 3) -> dict[str, float]:
    """Give the share of ablations without any effect that claim one (Holm over all comparisons with the first arm)."""
    drawn = [g.mean(-1) for g in graded(np.random.default_rng(seed), ablations, seeds, [seed_sd] * max(arms))]
    return {f"{count} arms": _claims(drawn[:count]) for count in arms}


def _claims(cells: list[np.ndarray]) -> float:
    among = seeds_of(cells)
    p = np.stack([contrast([other, cells[0]], [1, -1], among).p() for other in cells[1:]], axis=-1)
    return float(np.mean([min(holm(row)) < 1 - LEVEL for row in p.tolist()]))


def claims_from_files(ablations: int, arms: int, seeds: int, seed_sd: float, seed: int = 4) -> float:
    """Do the same the whole way, from a table of grades through `compare`."""
    grades = np.stack(graded(np.random.default_rng(seed), ablations, seeds, [seed_sd] * arms), axis=1)
    arm, prompt, run, _ = (axis.ravel() for axis in np.indices(grades.shape[1:]))
    frame = pl.DataFrame({"arm": arm.astype(str), "id": prompt.astype(str), "seed": run})
    frame = frame.with_columns(pl.lit(9).alias("tokens"))
    tables = (frame.with_columns(score=pl.Series(one.ravel())) for one in grades)
    return float(np.mean([any(c.shown for c in compare(table, "0")) for table in tables]))


# Rows, and the effect there: more data help less and less, as far as they help at all.
SIZES = (500, 1000, 2000, 4000)
CURVES = {"steep": (-1.2, -0.5, 0.0, 0.3), "flat": (-0.3, -0.1, 0.0, 0.1)}


def of_multiplier(draws: int, rows: float, curve: str, seeds: int, seed_sd: float, seed: int = 5) -> dict[str, float]:
    """Cover the rows that the curve needs for an arm as good as the curve would be at `rows`; beside it a bootstrap.

    The bootstrap draws prompts and seeds with replacement and takes the percentiles of the sizes read off.
    """
    effects = CURVES[curve]
    wanted = np.interp(log(rows), np.log(SIZES), [truth(effect, seed_sd) for effect in effects])
    steps = np.linspace(-1.5, 0.5, 2001)
    effect = float(np.interp(wanted, [truth(step, seed_sd) for step in steps], steps))
    rng = np.random.default_rng(seed)
    drawn = [g.mean(-1) for g in graded(rng, draws, seeds, [seed_sd] * 5, (effect, *effects))]
    found = [read_off(drawn[0][i], [cell[i] for cell in drawn[1:]], SIZES) for i in range(draws)]
    resampled = [_resampled(rng, [cell[i] for cell in drawn]) for i in range(draws)]
    return {
        "covers": float(np.mean([(m.low or 0) <= rows <= (m.high or np.inf) for m in found])),
        "bounded on both sides": float(np.mean([m.low is not None and m.high is not None for m in found])),
        "bounded on one": float(np.mean([(m.low is None) != (m.high is None) for m in found])),
        "says about": float(np.mean([m.label == "about" for m in found])),
        "bootstrap covers": float(np.mean([low <= rows <= high for low, high in resampled])),
    }


def _resampled(rng: np.random.Generator, cells: list[np.ndarray]) -> tuple[float, float]:
    """Resample prompts and seeds; an end at the smallest or largest size is taken for open."""
    prompts, seeds = cells[0].shape
    counts = rng.multinomial(prompts, np.full(prompts, 1 / prompts), 400) / prompts
    means = [np.take_along_axis(counts @ cell, rng.integers(0, seeds, (400, seeds)), 1).mean(1) for cell in cells]
    curve = np.maximum.accumulate(np.stack(means[1:], 1), axis=1) + 1e-9 * np.arange(len(SIZES))
    read = [np.interp(grade, each, np.log(SIZES)) for grade, each in zip(means[0], curve, strict=True)]
    low, high = np.exp(np.quantile(read, [0.025, 0.975]))
    return (0.0 if low < SIZES[0] * 1.0001 else low), (np.inf if high > SIZES[-1] * 0.9999 else high)


def of_length(draws: int, seeds: int, seed_sd: float, liking: float = 0.5, seed: int = 6) -> dict[str, float]:
    """Cover the difference at equal length, where a judge adds `liking` for each doubling and one arm writes more."""
    rng = np.random.default_rng(seed)
    a, b = (g.mean(-1) for g in graded(rng, draws, seeds, [seed_sd] * 2, (0.3, 0.0)))
    lengths = [rng.normal(middle, 0.5, (draws, PROMPTS, seeds)) for middle in (0.5, 0.0)]
    a, b = (cell + liking * length for cell, length in zip((a, b), lengths, strict=True))
    true = truth(0.3, seed_sd) - truth(0.0, seed_sd)
    tokens = [100 * 2**length for length in lengths]
    found = [at_equal_length([a[i], b[i]], [tokens[0][i], tokens[1][i]]) or mean([0.0]) for i in range(draws)]
    return {
        "at equal length": float(np.mean([one.low <= true <= one.high for one in found])),
        "as it is": covered(contrast([a, b], [1, -1]), true),
    }


DOUBLING = 0.25  # that every doubling of the rows adds
ROWS = (1000, 2000, 4000, 8000)
PLANTED = {
    "name": "planted",
    "random": "random",
    "sets": {"data": {"recipe": {"sources": {"pool": {"read": {"jsonl": {"path": "pool.jsonl"}}}}}}},
    "train": {"sft": {"config": {"stage": "sft", "model": "org/model"}}},
    "answer": {"prompts": "prompts.jsonl"},
    "judges": {"form": {"rules": {"min_words": 20}}},
}
CHOICE = {"filtered": {"sets": {"data": {"draw": 1}}}, "random": {}}


def of_factors(
    ablations: int,
    compare: Sequence[str] = (),
    seeds: int = 3,
    seed_sd: float = 0.1,
    sizes: Sequence[int] = ROWS,
    prompts: int = PROMPTS,
    seed: int = 7,
) -> dict[str, float]:
    """Plan and grade ablations in which the choice does nothing and each doubling of the rows `DOUBLING`; compare.

    `claims of choice` is the share that says filtered and random rows differ at any size; the others are the shares
    that find the planted effect of so many times the rows, in either choice.
    """
    planted = plan(sizes, compare)
    found = shown(planted, grades_of(planted, ablations, seeds, seed_sd, prompts, seed))
    kinds = np.array([one["factor"] for one in planted["contrasts"]])
    result = {"claims of choice": float(found[:, kinds == "choice"].any(axis=1).mean())} if "choice" in kinds else {}
    for rows in sizes[1:] if "size" in planted["compare"] else ():
        pair = [one["factor"] == "size" and one["arm"].endswith(f"@{rows}") for one in planted["contrasts"]]
        result[f"{rows // sizes[0]} times"] = float(found[:, pair].mean())
    return result


def plan(sizes: Sequence[int], compare: Sequence[str]) -> dict[str, Any]:
    """Plan the ablation as `curate ablate` does."""
    factors = {"choice": CHOICE, "size": list(sizes)}
    return design(check({**PLANTED, "factors": factors, "compare": list(compare)}, Places("planted.yaml")))


def grades_of(
    planted: dict[str, Any], ablations: int, seeds: int, seed_sd: float, prompts: int = PROMPTS, seed: int = 7
) -> list[np.ndarray]:
    """Draw the grades of its arms: the rows alone have an effect."""
    rows = [arm["x"] for arm in planted["arms"]]
    effects = [DOUBLING * log2(one / min(rows)) for one in rows]
    return graded(np.random.default_rng(seed), ablations, seeds, [seed_sd] * len(rows), effects, prompts)


def shown(planted: dict[str, Any], drawn: list[np.ndarray]) -> np.ndarray:
    """Say which contrasts each ablation shows: (ablations, contrasts)."""
    cells = {arm["arm"]: grades.mean(-1) for arm, grades in zip(planted["arms"], drawn, strict=True)}
    among = seeds_of(list(cells.values()))
    pairs = ([cells[one["arm"]], cells[one["against"]]] for one in planted["contrasts"])
    p = np.stack([contrast(pair, [1, -1], among).p() for pair in pairs], axis=-1)
    return np.array([holm(row) for row in p.tolist()]) < 1 - LEVEL


def shown_in_reports(planted: dict[str, Any], drawn: list[np.ndarray]) -> np.ndarray:
    """Do the same the whole way, from a table of grades through the report of `curate ablate`."""
    grades = np.stack(drawn, axis=1)
    arm, prompt, run, sample = (axis.ravel() for axis in np.indices(grades.shape[1:]))
    names = np.array([each["arm"] for each in planted["arms"]])[arm]
    frame = pl.DataFrame({"arm": names, "seed": run, "id": prompt.astype(str), "sample": sample, "tokens": 9})
    frame = frame.with_columns(pl.lit(None, COLUMNS[name]).alias(name) for name in COLUMNS if name not in frame.columns)
    tables = (frame.with_columns(score=pl.Series(scores.ravel())) for scores in grades)
    reports = [results({"name": "planted", **planted}, one)["differences"] for one in tables]
    return np.array([[one["shown"] for one in report] for report in reports])


def table(heading: str, lines: Iterator[tuple[str, dict[str, float]]]) -> None:
    """Print one table, with the columns of its first line: shares in per cent, `half` as it is."""
    print(f"\n{heading}\n")
    heads: list[str] = []
    for name, found in lines:
        if not heads:
            print(f"{'':28}" + "".join(f"{head:>27}" for head in found))
        heads = heads or list(found)
        cells = (f"{found[head]:27.2f}" if head == "half" else f"{_share(found.get(head)):>27}" for head in heads)
        print(f"{name:28}" + "".join(cells), flush=True)


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=4000)
    draws, began = parser.parse_args().draws, time.perf_counter()
    some = max(draws // 4, 1)
    table("(a) One model: how often the interval of its mean holds the truth", iter([("", of_one_model(draws))]))
    cases = {name: (sd, sd) for name, sd in SEED_SD.items()} | {"none and large": (0.0, 0.4)}
    table(
        "(b) Training seeds: coverage by their number and how much they vary",
        ((f"{n} seeds, {name}", of_seeds(draws, n, sds)) for n in (1, 2, 3, 5) for name, sds in cases.items()),
    )
    table(
        f"(c) {some:,} ablations without any effect: how many claim one",
        (
            (f"{n} seeds, {name}", claims(some, (3, 4, 5, 6), n, sd))
            for n in (1, 2, 3, 5)
            for name, sd in SEED_SD.items()
        ),
    )
    whole = {"4 arms, from the table of grades": claims_from_files(some, 4, 3, SEED_SD["small"])}
    table("", iter([("3 seeds, small", whole)]))
    table(
        "(d) The multiplier, three seeds, on a curve of 500 to 4,000 rows",
        (
            (f"{curve}, {rows:,} rows, {name}", of_multiplier(max(some // 2, 1), rows, curve, 3, sd))
            for curve in CURVES
            for rows in (700, 1500)
            for name, sd in SEED_SD.items()
        ),
    )
    table(
        "(e) A judge that likes length",
        ((f"{n} seeds, {name}", of_length(some, n, sd)) for n, name, sd in ((1, "none", 0.0), (3, "small", 0.1))),
    )
    settings: dict[str, dict[str, Any]] = {
        "3 seeds, small": {},
        "3 seeds, none": {"seed_sd": 0.0},
        "3 seeds, large": {"seed_sd": 0.4},
        "2 seeds, small": {"seeds": 2},
        "5 seeds, small": {"seeds": 5},
        "5 seeds, large": {"seeds": 5, "seed_sd": 0.4},
        "sizes 1,000 and 8,000": {"sizes": (1000, 8000)},
        "sizes 1,000 to 4,000": {"sizes": (1000, 2000, 4000)},
        "sizes 1,000 to 16,000": {"sizes": (1000, 2000, 4000, 8000, 16000)},
        "about choice alone": {"compare": ("choice",)},
        "about size alone": {"compare": ("size",)},
        "200 prompts": {"prompts": 200},
        "5 seeds, 200 prompts": {"seeds": 5, "prompts": 200},
        "5 seeds, 400 prompts": {"seeds": 5, "prompts": 400},
        "10 seeds, 200 prompts": {"seeds": 10, "prompts": 200},
        "10 seeds, large": {"seeds": 10, "seed_sd": 0.4},
    }
    table(
        f"(f) {some:,} ablations of choice, which does nothing, and size, {DOUBLING} a doubling",
        ((name, of_factors(some, **setting)) for name, setting in settings.items()),
    )
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
