import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curate.models.embeddings.quantised import LENGTH, SQUARE, cosine, quantise

numbers = st.floats(-1e300, 1e300, allow_subnormal=False)
tables = arrays.arrays(np.float64, st.tuples(st.integers(0, 6), st.integers(1, 40)), elements=numbers)


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        pytest.param([1.0, 0.0], [4080, 0], id="a unit vector"),
        pytest.param([-3.0, 4.0], [-2448, 3264], id="only the direction counts"),
        pytest.param([3e-200, 4e-200], [2448, 3264], id="squares too small for a double"),
        pytest.param([3e200, 4e200], [2448, 3264], id="squares too large for a double"),
        pytest.param([0.0, 0.0], [0, 0], id="no direction stays zero"),
        pytest.param([3, 4], [2448, 3264], id="whole numbers"),
    ],
)
def test_a_vector_becomes_whole_numbers_of_one_length(vector, expected):
    assert quantise([vector]).tolist() == [expected]
    assert quantise([vector]).dtype == np.int16


def test_what_is_quantised_stays_as_it_is():
    there = quantise(np.eye(3))
    assert quantise(there) is there


@pytest.mark.parametrize("factor", [2, 0.5])
def test_whole_numbers_of_another_length_are_refused(factor):
    wrong = (quantise(np.eye(5)) * factor).astype(np.int16)
    with pytest.raises(ValueError, match=f"row 0 has length {4080 * factor:.0f}"):
        quantise(wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_vector_without_a_direction_is_refused_and_its_row_named(value):
    vectors = np.ones((20_000, 2), dtype=np.float32)
    vectors[17_000, 1] = value
    with pytest.raises(ValueError, match="row 17000 holds NaN or infinity"):
        quantise(vectors)


@pytest.mark.parametrize("vectors", [np.ones(3), np.ones((2, 2, 2)), 1.0])
def test_anything_but_a_table_is_refused(vectors):
    with pytest.raises(ValueError, match="a table of"):
        quantise(vectors)


@given(tables)
def test_products_are_whole_numbers_that_float32_holds(vectors):
    q = quantise(vectors)
    assert q.shape == vectors.shape
    exact = q.astype(np.int64) @ q.astype(np.int64).T
    assert np.array_equal(q.astype(np.float32) @ q.astype(np.float32).T, exact)
    assert exact.max(initial=0) < 2**24


def test_cosines_are_those_of_the_vectors_to_one_in_ten_thousand():
    vectors = np.random.default_rng(0).standard_normal((500, 384))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    q = quantise(vectors).astype(np.float64)
    error = cosine(q @ q.T) - unit @ unit.T
    assert np.sqrt((error**2).mean()) < 1.2e-4
    assert cosine(SQUARE) == 1.0 and SQUARE == LENGTH**2


def test_rows_are_turned_each_by_itself():
    vectors = np.random.default_rng(1).standard_normal((40_000, 8)).astype(np.float32)
    assert np.array_equal(quantise(vectors)[30_000:], quantise(vectors[30_000:]))
