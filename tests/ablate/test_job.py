"""What is taken down of a set."""

from __future__ import annotations

import polars as pl
import pytest

from curate.ablate.job import properties
from curate.errors import UserError

MANIFEST = {"table": [{"source": "mine", "taken": 2}, {"source": "none", "taken": 0}], "generators": {}}
ROWS = pl.DataFrame({"id": ["b", "a"], "prompt": ["How are tides made?", "Tea?"], "response": ["By the moon.", "Yes."]})


@pytest.fixture
def measured(monkeypatch):
    """Stand in for the models behind the two measures: what they find is theirs to test."""
    monkeypatch.setattr("curate.ablate.job._vendi", lambda rows: rows.height - 0.123456)
    monkeypatch.setattr("curate.ablate.job._near", lambda rows: 0.5)


def test_properties(measured):
    found = properties(ROWS, MANIFEST)
    assert {**found, "ids_sha256": ""} == {
        **{"rows": 2, "prompt_chars": 11.5, "response_chars": 8.0, "response_tokens": None, "diversity": 1.8765},
        **{"near_duplicates": 0.5, "sources": {"mine": 2}, "ids_sha256": "", "generator_models": [], "why": {}},
    }
    assert properties(ROWS.reverse(), MANIFEST)["ids_sha256"] == found["ids_sha256"]


def test_of_pairs_the_chosen_answer_counts(measured):
    assert properties(ROWS.rename({"response": "chosen"}), MANIFEST)["response_chars"] == 8.0


def test_what_cannot_be_measured_says_why(monkeypatch):
    def missing(rows: pl.DataFrame) -> float:
        raise UserError("pip install 'curate-lm[embed]'")

    monkeypatch.setattr("curate.ablate.job._vendi", missing)
    monkeypatch.setattr("curate.ablate.job._near", missing)
    found = properties(ROWS, MANIFEST)
    assert (found["diversity"], found["near_duplicates"]) == (None, None)
    assert found["why"]["diversity"] == "pip install 'curate-lm[embed]'"


def test_near_duplicates_are_counted_for_real(monkeypatch):
    monkeypatch.setattr("curate.ablate.job._vendi", lambda rows: 1.0)
    asked = ["How do I keep basil alive on a dark window sill?", "How do I keep basil alive on a dark window?", "Tea?"]
    rows = pl.DataFrame({"id": list("abc"), "prompt": asked, "response": ["x", "y", "z"]})
    assert properties(rows, MANIFEST)["near_duplicates"] == pytest.approx(1 / 3, abs=1e-4)
