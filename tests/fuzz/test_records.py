"""Records and recipes of any shape that hypothesis thinks of: each record is a row or quarantined, each recipe one screen."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import UserError
from curate.recipe.load import load
from curate.recipe.overrides import Overrides
from curate.run.parts import pass_over
from curate.sources import jsonl

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["prompt", "response", "messages", "history", "system", "score", "id", "^a$", "*", "role", ""])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["user", "assistant", "\u2028", "\x00"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.dictionaries(NAMES | TEXTS, VALUES, max_size=5) | VALUES
quick = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@quick
@given(st.lists(RECORDS, min_size=1, max_size=6))
def test_every_record_is_a_row_or_quarantined(records):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        try:
            [part] = jsonl(file)
            count = pass_over(part.read(4), [], "a", Path(folder), lambda rows: None, Overrides())
        except UserError as error:
            assert str(error).count("\n") < 24
        else:
            assert count["read"] + count["bad"] == len(records)
            assert count["kept"] == count["read"]


KEYS = st.sampled_from(["name", "size", "sources", "steps", "read", "keep", "as", "sample", "output", "generators"])
STEPS = st.sampled_from(["length", "toxic", "exact_duplicates", "nothing", "os:system", {"length": {"min": 1}}])
RECIPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | STEPS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXTS, inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.slow
@quick
@given(st.dictionaries(KEYS, RECIPES, max_size=6), st.booleans())
def test_every_recipe_is_checked_or_refused_on_one_screen(data, begun):
    whole = {"name": "x", "sources": {"a": {"read": {"jsonl": {"path": "a.jsonl"}}}}} if begun else {}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "r.yaml"
        file.write_text(yaml.safe_dump(whole | data, allow_unicode=True), encoding="utf-8")
        try:
            load(file)
        except UserError as error:
            assert str(error).count("\n") <= 24
