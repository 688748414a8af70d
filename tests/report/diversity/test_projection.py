from __future__ import annotations

import numpy as np

from curate.report.diversity.folder import SHOWN, points, principal_axes

RNG = np.random.default_rng(3)


def test_the_first_axis_is_where_the_rows_spread_most():
    rows = RNG.normal(size=(200, 8)) * [1, 9, 1, 1, 5, 1, 1, 1]
    flat = principal_axes(rows)
    assert flat.var(axis=0)[0] > flat.var(axis=0)[1]
    assert abs(np.corrcoef(flat[:, 0], flat[:, 1])[0, 1]) < 1e-6


def test_points_lie_in_the_frame_and_know_what_was_chosen():
    rows = RNG.normal(size=(5_000, 4))
    found = np.array(points(rows, 2_000, [f"r{i}" for i in range(5_000)]))
    assert len(found) == 2 * SHOWN
    assert found[:, 2].sum() == SHOWN
    assert found[:, :2].min() >= 0
    assert found[:, :2].max() <= 1


def test_the_order_of_the_rows_does_not_matter():
    rows, ids = RNG.normal(size=(50, 4)), [f"r{i}" for i in range(50)]
    turn = RNG.permutation(50)
    assert sorted(points(rows, 0, ids)) == sorted(points(rows[turn], 0, [ids[i] for i in turn]))


def test_rows_that_are_all_the_same():
    assert points([[1.0, 0.0]] * 3, 1, None) == [[0.0, 0.0, 0], [0.0, 0.0, 0], [0.0, 0.0, 1]]
