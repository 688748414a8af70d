import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report import charts

numbers = st.lists(
    st.floats(-1e6, 1e6) | st.integers(-1000, 1000).map(float) | st.just(float("nan")) | st.none(),
    max_size=60,
)


@pytest.mark.slow
@settings(deadline=None)  # the first use of polars takes its time
@given(numbers, numbers, st.lists(st.floats(-1e7, 1e7), max_size=2))
def test_a_histogram_counts_every_number_once(first, second, marks):
    groups = [pl.Series(values, dtype=pl.Float64) for values in (first, second)]
    on = charts.scale(groups, marks)
    if on is None:
        assert not any(charts.finite(group).len() for group in groups)
        return
    assert on.step > 0 and 1 <= on.bins <= 3 * charts.BINS
    for group in groups:
        assert sum(charts.counts(group, on)) == charts.finite(group).len()
    drawn = charts.figure("name", [("kept", "all", group) for group in groups], [("m", m) for m in marks], "unit")
    chart = drawn["chart"] if drawn else {}
    bars = [bar for panel in chart["panels"] for bar in panel["bars"]]
    places = [place["x"] for place in (*bars, *chart["marks"], *chart["ticks"])] + [
        bar["x"] + bar["width"] for bar in bars
    ]
    assert all(0 <= round(place, 2) <= 100 for place in places)


def test_a_threshold_far_away_does_not_press_the_numbers_into_a_corner():
    on = charts.scale([pl.Series(range(1000))], [1_000_000])
    assert on and on.high <= 1100
