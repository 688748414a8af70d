import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from curate.report import charts, histogram

numbers = st.lists(
    st.floats(-1e6, 1e6) | st.integers(-1000, 1000).map(float) | st.just(float("nan")) | st.none(),
    max_size=60,
)


@given(numbers, numbers, st.lists(st.floats(-1e7, 1e7), max_size=2))
def test_a_histogram_counts_every_number_once(first, second, marks):
    groups = [pl.Series(values, dtype=pl.Float64) for values in (first, second)]
    on = histogram.scale(groups, marks)
    if on is None:
        assert not any(histogram.finite(group).len() for group in groups)
        return
    assert on.step > 0 and 1 <= on.bins <= 3 * histogram.BINS
    for group in groups:
        assert sum(histogram.counts(group, on)) == histogram.finite(group).len()
    drawn = charts.histogram(
        [charts.Panel("all", histogram.counts(groups[0], on), "kept")],
        on,
        [("m", m) for m in marks],
        "says",
        "unit",
    )
    places = [float(place) for place in re.findall(r' x[12]?="([^"]*)%"', drawn)]
    assert all(0 <= place <= 100 for place in places)


def test_a_threshold_far_away_does_not_press_the_numbers_into_a_corner():
    on = histogram.scale([pl.Series(range(1000))], [1_000_000])
    assert on and on.high <= 1100
