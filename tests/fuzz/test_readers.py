"""No mutant of a file ends a run in a traceback or loses a record in silence."""

from __future__ import annotations

import pytest

from tests.fuzz.readers import READERS, fuzz

pytestmark = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_mutants_give_rows_bad_records_or_one_sentence(name):
    tally = fuzz(READERS[name], seed=7, n=120)
    assert tally.faults == []
    assert tally.slowest < 5, tally.slowest_input[:200]
