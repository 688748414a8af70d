"""The part of the page about the arms' grades: each arm by itself, as LIMA's figure 5 has it."""

from __future__ import annotations

from typing import Any

from curate.ablate.report.sentences import shown
from curate.ablate.report.strips import axis, interval, ruler, strip
from curate.report.html import DASH, Html, el, join, number, plural, table

_NOTE = (
    "Means over the prompts, each prompt's answers averaged first, with 95 % intervals clustered by prompt. Two "
    "intervals that overlap do not show that arms are alike: arms are compared below, prompt by prompt. “Worst” is "
    "the mean of each prompt's worst answer."
)


def grades(results: dict[str, Any]) -> Html:
    """Show each arm's mean grade with its interval, worst answers and lengths; by seed, and by turn of dialogues."""
    there = [arm for arm in results["arms"] if arm["grade"]]
    heads = [("arm", "arm"), ("mean grade", "bars"), ("grade", "n"), ("95 % interval", "n"), ("worst", "n")]
    heads += [("tokens", "n"), ("prompts", "n"), ("graded", "n")]
    on = axis(arm["grade"] for arm in there)
    rows = [_row(arm, results["against"], on) for arm in results["arms"]]
    foot: list[object] = ["", ruler(on), "", "", "", "", "", ""]
    shown_ = table("Mean grade of each arm, with its 95 % interval.", heads, rows, foot, kind="stack strips")
    return join([el("h2", "Grades"), el("p", _NOTE, class_="note"), shown_, _seeds(there), _turns(there)])


def _row(arm: dict[str, Any], against: str, on: Any) -> list[object]:
    grade, count = arm["grade"], arm["answers"]
    if grade is None:
        return [arm["arm"], el("span", "no grade", class_="why"), DASH, DASH, DASH, DASH, DASH, number(count["graded"])]
    drawn = strip(grade, on, "three" if arm["arm"] == against else "one")
    worst, tokens = arm["worst"], arm["tokens"]
    cells = [shown(grade["mean"]), interval(grade), shown(worst["mean"]), number(tokens and round(tokens["mean"]))]
    return [arm["arm"], drawn, *cells, number(grade["n"]), number(count["graded"])]


def _seeds(there: list[dict[str, Any]]) -> Html | None:
    """Show the grades of each seed's model: how far they lie apart is the noise of training."""
    seeds = sorted({one["seed"] for arm in there for one in arm["seeds"]})
    if len(seeds) < 2:
        return None
    heads = [("arm", "arm"), *((f"seed {seed}", "n") for seed in seeds)]
    return _grid("By seed: how far one arm's models lie apart is noise.", heads, there, "seeds", "seed", seeds)


def _turns(there: list[dict[str, Any]]) -> Html | None:
    """Show the grades of each turn of the dialogues (LIMA, section 6)."""
    turns = sorted({one["turn"] for arm in there for one in arm["turns"]})
    if not turns:
        return None
    heads = [("arm", "arm"), *((f"turn {turn + 1}", "n") for turn in turns)]
    said = f"By turn, in dialogues of up to {plural(turns[-1] + 1, 'turn')}: the model's own answers stand before it."
    return _grid(said, heads, there, "turns", "turn", turns)


def _grid(
    said: str, heads: list[tuple[str, str]], there: list[dict[str, Any]], of: str, key: str, values: list[int]
) -> Html:
    rows: list[list[object]] = []
    for arm in there:
        own = {one[key]: one for one in arm[of]}
        rows.append([arm["arm"], *(shown(own[v]["mean"]) if v in own else DASH for v in values)])
    return table(said, heads, rows)
