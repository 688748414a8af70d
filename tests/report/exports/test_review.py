"""What people are asked about a set, elsewhere; what Argilla and Label Studio make of it was tried with their libraries."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from curate.report.exports import REVIEWS
from curate.report.exports.config import ExportError
from tests.report.exports import sets

FILES = {"argilla": ["records.jsonl", "settings.json"], "label_studio": ["tasks.json", "labels.xml"]}
SIDES = {"Fine, thanks!", "I am operational."}


def export(tool, kind, folder):
    files = REVIEWS[tool](kind(folder / "out"), folder / "to")
    assert [file.name for file in files] == FILES[tool]
    return [file.read_text(encoding="utf-8") for file in files]


def records(kind, folder):
    return [json.loads(line) for line in export("argilla", kind, folder)[0].splitlines()]


def test_an_answer_asks_for_a_rating(tmp_path):
    system = [{"role": "system", "content": "Be brief."}]
    first, second, _ = records(sets.answers, tmp_path)
    assert first == {
        "id": "a",
        "prompt": [*system, {"role": "user", "content": "Why is the sky blue?"}],
        "response": "Light scatters — mostly the blue.",
    }
    assert second["prompt"] == [*sets.TURNS, {"role": "user", "content": "And at night?"}]


def test_a_pair_asks_for_the_better_side_and_suggests_the_chosen_one(tmp_path):
    first, second = records(sets.pairs, tmp_path)
    assert {first["response_1"], first["response_2"]} == SIDES
    assert first[first["preference"]] == "Fine, thanks!"
    assert second[second["preference"]] == "Yes, please!"


def test_the_order_of_sides_is_that_of_a_hash(tmp_path):
    many = [{"id": f"{i}", "prompt": "p", "chosen": "c", "rejected": "r"} for i in range(200)]
    sides = [record["preference"] for record in records(lambda folder: sets._write(folder, many), tmp_path)]
    assert 70 < sides.count("response_1") < 130


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(sets.answers, "rating", id="answers"), pytest.param(sets.pairs, "preference", id="pairs")],
)
def test_settings_name_all_that_records_have(kind, name, tmp_path):
    lines, settings = export("argilla", kind, tmp_path)
    settings = json.loads(settings)
    named = {one["name"] for part in ("fields", "questions", "metadata") for one in settings[part]}
    assert {key for line in lines.splitlines() for key in json.loads(line)} - {"id"} <= named
    assert [one["name"] for one in settings["questions"]] == [name]
    assert not any(one["settings"]["use_markdown"] for one in settings["fields"])  # which would load pictures


@pytest.mark.parametrize("kind", [sets.answers, sets.pairs])
def test_labels_name_what_tasks_have(kind, tmp_path):
    tasks, labels = export("label_studio", kind, tmp_path)
    tree = ElementTree.fromstring(labels)
    shown = {one.get("value") for one in tree if one.tag in ("Text", "Paragraphs")}
    names = {one.get("name") for one in tree}
    for task in json.loads(tasks):
        assert shown <= {f"${key}" for key in task["data"]}
        for result in (one for prediction in task.get("predictions", ()) for one in prediction["result"]):
            assert {result["from_name"], result["to_name"]} <= names
            assert result["value"]["choices"][0] in {one.get("value") for one in tree.iter("Choice")}


@pytest.mark.parametrize("tool", REVIEWS)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        pytest.param(sets.calls, "row a: it has tools", id="tools"),
        pytest.param(sets.thoughtful_pairs, "row a: turn 1 has thoughts", id="thoughts"),
        pytest.param(sets.rich, "row a: it has tools", id="calls"),
    ],
)
def test_what_has_no_place_is_refused(tool, kind, reason, tmp_path):
    with pytest.raises(ExportError, match=f"{reason}, which the format '{tool}' has no place for"):
        export(tool, kind, tmp_path)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("tool", REVIEWS)
def test_a_row_without_an_answer_is_named(tool, tmp_path):
    with pytest.raises(ExportError, match="row a has no response"):
        export(tool, sets.unanswered, tmp_path)
