"""The first screen of a report: what a set is, whether it is clean, what was lost."""

import json

from curate.report import report
from tests.pages import Page
from tests.report.small_run import step


def test_the_first_screen_says_what_was_looked_for_and_what_was_not(run):
    rows, ledger, manifest = run
    manifest = json.loads(json.dumps(manifest))
    manifest["counts"] |= {
        "forum": {**manifest["counts"]["forum"], "quarantined": 2},
        "blog": {"read": 5, "kept": 0, "dropped": 5, "quarantined": 0},
    }
    manifest["steps"]["forum"].append(step("drop", "refuses", column="response"))
    manifest |= {"unjudged": {"at_least: 'score' holds text": 3}, "notes": {"judge": {"cut off": 4.0, "pairs": 9.0}}}
    missing: dict[str, str] = {}
    text = Page(report(rows, ledger, manifest, missing=missing)).text.partition("What the set is made of")[0]
    assert not missing
    for line in (
        "Records: 2 records could not be read: 2 of forum.",
        f"Duplicates: {manifest['funnel'][2]['fails']} rows removed.",
        "Refusals: none found; not looked for in blog.",
        "No verdict: a step cannot judge what it was given: at_least: 'score' holds text (3 rows).",
        "Cut: judge: 4 cut off.",
        "Not looked for by any step: contamination; profanity, toxicity; personal data; broken characters.",
    ):
        assert line in text


def test_the_first_screen_names_the_steps_that_removed_most_with_the_way_to_them(run, page):
    first = {row["step"]: row["first"] for row in run[2]["funnel"]}
    lost = page.text.partition("What was lost?")[2]
    assert f"{400 - run[0].height} of 400 rows that were read: 90 %." in lost
    order = sorted(first, key=lambda name: -first[name])
    names = [("passed, not drawn" if name == "sample" else name) for name in order]
    assert " ".join(f"{name} {first[step]}" for name, step in zip(names, order, strict=True)) in lost
    assert ("a", "href", "#funnel-0") in page.attributes and ("a", "href", "#near") in page.attributes


def test_sources_that_were_not_there_take_one_line(run):
    rows, ledger, manifest = run
    manifest = json.loads(json.dumps(manifest))
    for name in ("wiki", "reddit"):
        manifest["counts"][name] = dict.fromkeys(("read", "kept", "dropped", "quarantined"), 0)
        manifest["steps"][name] = [step("keep", "length", column="response", min=77)]
        manifest["table"].append({**dict.fromkeys(manifest["table"][0]), "source": name, "asked": 5, "available": 0})
        manifest["table"][-1]["taken"] = 0
        manifest["absent"][name] = f"there is no {name}.csv"
    page = Page(report(rows, ledger, manifest))
    assert "Not there: wiki: there is no wiki.csv; reddit: there is no reddit.csv" in page.text
    assert page.table(["source", "asked"])[1][:4] == ["not there: wiki, reddit", "10", "0", "0\n −10"]
    assert "Nothing was read of wiki, reddit." in page.text and "min 77" not in page.text
