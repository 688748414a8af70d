"""The page of an ablation: one HTML file that opens offline, with the answer at its top and all numbers below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from curate.ablate.report.answers_part import answers
from curate.ablate.report.data_part import data
from curate.ablate.report.differences_part import differences
from curate.ablate.report.grades_part import grades
from curate.ablate.report.numbers import said
from curate.ablate.report.quantity_part import quantity
from curate.ablate.report.training_part import trainings
from curate.report.html import DASH, Build, Html, built, el, join, number, page

# Marks of verdicts are words with a shape: colour alone would not reach everyone.
_STYLE = """
svg .reach { stroke-width: 2.5 }
.strips .bars { width: 20rem; min-width: 11rem }
.strips td, .strips th { vertical-align: middle }
.legend .one { background: var(--kept) } .legend .two { background: var(--gone) }
.legend .three { background: var(--pool) }
.arm { min-width: 8rem; overflow-wrap: break-word }
.strips .bar { display: block }
.answer + details, .notices { margin-bottom: 1.4rem }
.answer { list-style: none; margin: 0 0 1.4rem; padding: 0; max-width: 52rem }
.answer li { border-left: .4rem solid var(--pool); padding: .15rem 0 .15rem 1rem; margin: .6rem 0; font-size: 1.1rem }
.answer .better { border-color: var(--kept) } .answer .worse { border-color: var(--gone) }
.answer .failed { border-color: var(--alarm) }
.facts { margin-top: 1.4rem }
@media (max-width: 44rem) {
  .strips .bars { min-width: 0 }
  .strips caption { display: block }
  .strips tr { grid-template-columns: repeat(3, minmax(0, 1fr)) }
  .strips td.n { white-space: normal }
  .strips td .bar { width: 100% }
  .answer li { font-size: 1rem }
}
"""


def ablation_page(ablation: dict[str, Any], results: dict[str, Any], out: Path) -> str:
    """Write the page; the same folder gives the same bytes, nothing of the clock goes in.

    `results` are those of `curate.ablate.report.write`; under `out` stand the logs of the trainings.
    """
    sections: list[tuple[str, str, Build]] = [
        ("grades", "Grades", lambda: grades(results)),
        ("differences", "Differences", lambda: differences(results)),
        ("quantity", "Quantity", lambda: quantity(results)),
        ("training", "Training", lambda: trainings(ablation, out)),
        ("data", "Data", lambda: data(ablation)),
        ("answers", "Answers", lambda: answers(ablation, results)),
        ("recipe", "Recipe", lambda: _recipe(ablation)),
    ]
    there = built(sections, {})
    foot = "This page loads nothing from anywhere. Grades stand in grades.jsonl beside it, its numbers in results.json."
    return page(f"{ablation['name']}: ablation", _headline(ablation, results), there, foot, _STYLE)


def _headline(ablation: dict[str, Any], results: dict[str, Any]) -> Html:
    """Give the answer first, then what speaks against it, then the figures."""
    return el(
        "header",
        el("p", "curate ablation", class_="kicker"),
        el("h1", ablation["name"]),
        el("p", ablation["question"], class_="lede") if ablation.get("question") else None,
        _answer(results),
        _notices(results["warnings"]),
        _facts(ablation, results),
    )


def _answer(results: dict[str, Any]) -> Html:
    """List the sentences; a curve's sizes, which are steps of one answer, are folded where there are other arms."""
    sizes = {arm["arm"] for arm in results["arms"] if arm["curve"] and arm["arm"] != results["against"]}
    if sizes >= {arm["arm"] for arm in results["arms"]} - {results["against"]}:
        sizes = set()
    worth = {one["arm"]: el("span", said(one), class_="params") for one in results["multipliers"]}
    items: dict[bool, list[Html]] = {True: [], False: []}
    for one in results["sentences"]:
        line = el("li", one["text"], worth.get(one["arm"]), class_=one["verdict"].split()[0])
        items[one["arm"] in sizes].append(line)
    more = el("details", el("summary", f"{len(sizes)} more sizes"), el("ul", *items[True], class_="answer"))
    return join([el("ul", *items[False], class_="answer"), more if sizes else None])


def _notices(warnings: list[dict[str, str]]) -> Html:
    if not warnings:
        return el("p", "Nothing was found that speaks against this answer.", class_="fine")
    items = (el("li", el("strong", f"{one['kind']}:"), " ", one["text"], ".") for one in warnings)
    return el("section", el("h2", "Before you believe it"), el("ul", *items), class_="notices")


def _facts(ablation: dict[str, Any], results: dict[str, Any]) -> Html:
    arms = results["arms"]
    scale = ablation.get("scale")
    facts = {
        "arms": number(len(arms)),
        "seeds": number(len(ablation.get("seeds") or [])),
        "prompts": number(max((arm["answers"]["prompts"] for arm in arms), default=0)),
        "grades": number(sum(arm["answers"]["graded"] for arm in arms)),
        "judge": results["judge"] or DASH,
        "scale": f"{scale[0]:g} to {scale[1]:g}" if scale else DASH,
    }
    return el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in facts.items()), class_="facts")


def _recipe(ablation: dict[str, Any]) -> Html | None:
    if not ablation.get("recipe"):
        return None
    text = yaml.safe_dump(ablation["recipe"], sort_keys=False, allow_unicode=True)
    return join([el("h2", "Recipe"), el("p", "As it was resolved.", class_="note"), el("pre", text)])
