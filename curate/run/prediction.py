"""What a recipe would yield, predicted: its steps are tried on rows drawn at random from each source.

How many rows pass what looks at each of them alone is a share of a sample, with Wilson's interval, narrowed by how much
of all rows the sample is. Two rows that say the same are both in the sample more rarely than one of them is, so a share
of duplicates grows with the sample: with the share f of all rows drawn, and r of those dropped, the share of all rows
is at least r, and at most r / f (in expectation; for groups of any size, since r is concave in f and 0 at 0). What any
other selector keeps is not predicted, unless it keeps a number that the recipe says.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.cache import Cache
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.own import unrun
from curate.pairs.shortcuts.scoring import wilson
from curate.recipe.plan import Read, Recipe, Source
from curate.recipe.step import Step
from curate.rows import Batch, Part, SourceMissing, beside, free, hash01, stack, standardise
from curate.run.budget import scale
from curate.run.held_out import held_out_of
from curate.run.ledger import INCOMPLETE
from curate.run.parts import plan_parts
from curate.run.run import leading, read_sources, run
from curate.run.state import Run, collect

_MOST = 200_000  # rows of a source that are read to draw from: no try takes longer than that
_ROWS = 10_000  # that are read at a time
_DUPLICATES = {"exact_duplicates", "near_duplicates", "semantic_duplicates"}


class Count(NamedTuple):
    """How many rows a source has left: as expected, at least, at most; `why` says what is not predicted."""

    expected: int | None
    low: int
    high: int
    why: str | None = None


def sample_yield(recipe: Recipe, rows: int, seed: int | None = None) -> list[dict[str, Any]]:
    """Try a recipe on rows drawn at random from each source, and predict what it leaves of all.

    A line a source: `asked`; `read`, its different rows, or those of the beginning of its parts where it has more than
    200,000 (`whole` is false then, and the prediction is of these alone); `sampled`, of which its steps `kept` some;
    `quarantined`; `unjudged`, by step how many it cannot judge (of the steps of all sources, how many of all sources);
    `absent`, why it is not there; `steps`, with what each leaves, and `left` by all: Count as a dict.
    Steps that ask a model are left out, and all after them. The draw is by `seed`, or the recipe's.
    """
    loose = _without_models(
        Recipe(**{**vars(recipe), "size": None, "dev": None, "max_bad": 1.0, "shortfall": "accept"})
    )
    if not loose.sources:
        return []
    with beside(recipe.folder), tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        # What is wrong is said of all sources at once: first where they are, then what their steps ask of them.
        collect(partial(plan_parts, Run(loose, cache), source, leading(source)) for source in loose.sources)
        draws = {source.name: _draw(source, rows, recipe.seed if seed is None else seed) for source in loose.sources}
        sources = tuple(replace(s, read=draws[s.name] or s.read, take=None, sample=None) for s in loose.sources)
        alone = [replace(loose, sources=(source,), steps=()) for source in sources]
        runs = {each.sources[0].name: Run(each, cache) for each in alone}
        collect(partial(read_sources, each) for each in runs.values())
        state = Run(replace(loose, sources=sources), cache)
        pool = run(state).pool
        ledger = pl.concat(list(pool.ledger.frames(Path(folder))), how="diagonal_relaxed")
    share = min((draw.sampled / draw.size for draw in draws.values() if draw and draw.size), default=1.0)
    lines = [_line(recipe, loose, source, draws[source.name], ledger, state, share) for source in loose.sources]
    own = {what for each in runs.values() for what in each.unjudged}
    together = {what: count for what, count in state.unjudged.items() if what not in own}
    return [{**line, "unjudged": {**runs[line["source"]].unjudged, **together}} for line in lines]


def _line(
    recipe: Recipe, loose: Recipe, source: Source, draw: _Drawn | None, ledger: pl.DataFrame, state: Run, share: float
) -> dict[str, Any]:
    own = ledger.filter(pl.col("source") == source.name)
    size = draw.size if draw else 0
    counts = _predict(own, source.steps, loose.steps, size, share)
    given = next(s for s in recipe.sources if s.name == source.name)
    cut = len(source.steps) < len(given.steps) or len(loose.steps) < len(recipe.steps)
    left = next(reversed(counts.values()))
    return {
        "source": source.name,
        "asked": given.take,
        "read": size,
        "whole": draw is None or draw.whole,
        "sampled": own.height,
        "kept": int(own["kept"].sum()),
        "quarantined": draw.bad if draw else 0,
        "absent": state.absent.get(source.name),
        "steps": {label: count._asdict() for label, count in counts.items()},
        "left": left._replace(why="steps that ask a model, and those after", low=0, expected=None)._asdict()
        if cut
        else left._asdict(),
    }


def _predict(
    rows: pl.DataFrame, own: tuple[Step, ...], after: tuple[Step, ...], size: int, share: float
) -> dict[str, Count]:
    """Predict what each step leaves of a source with `size` rows; `share` of a pool of several sources was drawn."""
    n = rows.height
    alive = pl.repeat(True, n, dtype=pl.Boolean, eager=True)
    low, high, limit = 1.0, 1.0, size  # of what passes the steps that look at each row alone, the share that is left
    worth, why, counts = 1.0, None, {"read": Count(size, size, size)}  # a row alive stands for so many
    every: list[tuple[Step | None, float]] = [(step, n / size if size else 1.0) for step in own]
    every += [(step, share) for step in after if n]
    every += [(None, 1.0)] if INCOMPLETE in rows.columns else []
    for step, f in every:
        label = step.label if step else INCOMPLETE
        if step and step.verb in {"edit", "score"}:
            continue
        asked = rows[label].is_not_null() & alive
        failed = asked & ~rows[label].fill_null(True)
        before, alive = alive, alive & ~failed
        if step and step.verb == "select":
            fixed = step.params.get("n")
            if f == 1:
                pass
            elif step.name in _DUPLICATES:
                count, gone = int(asked.sum()), int(failed.sum())
                least, most = wilson(gone, count)
                low, high = low * (1 - min(1.0, most / f)), high * (1 - least)
                worth *= count / max(count - gone, 1)
            else:  # what it drops of a sample says nothing of the whole
                alive = before
                low = low if hasattr(step.function, "ranking") and fixed is not None else 0.0
                limit = limit if fixed is None else min(limit, int(fixed))
                why = why or f"which rows {label} keeps of the whole pool, and so what later steps leave"
        counts[label] = _count(int(alive.sum()), worth, n, size, (low, high), limit, why)
    return counts


def _count(
    alive: int, worth: float, n: int, size: int, factor: tuple[float, float], limit: int, why: str | None
) -> Count:
    """Say of all rows what the sample says of `n`: `alive` are left, each of which is `worth` some without repeats."""
    if n == size:  # all of them
        return Count(alive, alive, alive)
    # A sample that is much of the whole tells more than one of as many rows from a larger whole (finite population).
    more = (size - 1) / (size - n)
    least, most = wilson(min(alive * worth, n) * more, int(n * more))
    low = min(int(least * size * factor[0]), limit)
    high = min(int(most * size * factor[1]) + 1, limit, size)
    known = worth == 1 and factor[0] > 0
    return Count(min(round(alive * size / n), limit) if known else None, low, high, why)


@dataclass(frozen=True)
class _Drawn(Read):
    """What was drawn from a source, read like any other; `size` is how many rows it was drawn from."""

    rows: pl.DataFrame = field(default_factory=pl.DataFrame, compare=False)
    size: int = 0
    bad: int = 0
    whole: bool = True

    @property
    def sampled(self) -> int:
        """Count the rows drawn."""
        return self.rows.height

    def parts(self) -> list[Part]:
        """Give the rows drawn as one part."""
        return [Part("sample", (), lambda size: map(Batch, self.rows.iter_slices(size)))]


def _draw(source: Source, n: int, seed: int) -> _Drawn | None:
    """Draw rows from a source, whatever part they stand in, each record once; None where it is not there."""
    try:
        parts = source.read.parts()
    except SourceMissing:
        return None  # which the run says in its own words
    most = max(n, _MOST // max(len(parts), 1))
    size, bad, whole, seen = 0, 0, True, set[str]()
    drawn = pl.DataFrame()
    for part in parts:
        at = 0
        for batch in source.read.batches(part, _ROWS):
            bad += len(batch.bad)
            if not batch.rows.height:
                continue
            ids = standardise(batch.rows, source.name)["id"]
            new = ids.is_first_distinct() & ~pl.Series([i in seen for i in ids], dtype=pl.Boolean)
            seen.update(ids)
            size += int(new.sum())
            places = pl.DataFrame({"place": [f"{part.name}:{at + i}" for i in range(ids.len())]})
            draw = places.select(hash01("place", seed, "check")).to_series()
            column = free("_draw", [*batch.rows.columns])
            rows = batch.rows.with_columns(draw.alias(column)).filter(new).rename({column: "_draw"})
            drawn = stack([drawn, rows] if drawn.width else [rows]).bottom_k(n, by="_draw")
            at += ids.len()
            if at >= most:
                whole = whole and batch.rows.height < _ROWS
                break
    how = {name: getattr(source.read, name) for name in ("name", "function", "params", "place", "objects")}
    return _Drawn(**how, rows=drawn.drop("_draw", strict=False), size=size, bad=bad, whole=whole)


def size_reached(recipe: Recipe, sample: list[dict[str, Any]]) -> str | None:
    """Say in a sentence whether the predicted rows reach the recipe's size; None where nothing can be said.

    Of a source whose `sample` takes some rows of each domain all that are left count.
    """
    known = {row["source"]: row for row in sample if row["whole"]}
    if recipe.size is None or set(known) != {source.name for source in recipe.sources}:
        return None
    size = recipe.size + held_out_of(recipe, recipe.size)
    asked = {s.name: 0 if known[s.name]["absent"] and s.take is None else s.take for s in recipe.sources}

    def reached(which: str) -> bool:
        available = {name: int(row["left"][which]) for name, row in known.items()}
        goal = scale(asked, available, size, recipe.seed)
        if recipe.shortfall == "redistribute":
            return sum(available.values()) >= sum(goal.values())
        return all(available[name] >= goal[name] for name in goal)

    if reached("low"):
        return f"Its size, {recipe.size:,}, is reached."
    if reached("high"):
        return f"Its size, {recipe.size:,}, may not be reached: it lies within the intervals."
    return f"Its size, {recipe.size:,}, is not reached."


def _without_models(recipe: Recipe) -> Recipe:
    """Leave out what would ask a model or was not loaded: such sources whole, the first such step and all after."""
    loaded = [source for source in recipe.sources if source.read.function is not unrun]
    sources = [replace(s, steps=_before(s.steps)) for s in loaded if not asks_models(s.read.objects)]
    cut = any(len(s.steps) < len(o.steps) for s in sources for o in recipe.sources if s.name == o.name)
    return replace(recipe, sources=tuple(sources), steps=() if cut else _before(recipe.steps))


def _before(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(takewhile(lambda step: not _asks(step), steps))


def _asks(step: Step) -> bool:
    """Tell whether a step asks a model that takes a second a row, or was not loaded."""
    return step.function is unrun or asks_models(step.objects) or (step.verb == "score" and step.costly)


def asks_models(objects: dict[str, Any]) -> bool:
    """Tell whether a generator or a judge is among what parameters name."""
    things = [one for thing in objects.values() for one in (thing if isinstance(thing, list) else [thing])]
    return any(isinstance(thing, Generator | Judge) for thing in things)
