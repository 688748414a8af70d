"""Chunks on disk: what is put is found again, by whom it may be put, and where all that stands."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

np = pytest.importorskip("numpy", reason="embeddings need the extra `embed`")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from curate.models import store  # noqa: E402


def chunk(keys, value=1):
    made = np.zeros(len(keys), dtype=store.record(("vector", "<i2", (2,))))
    made["key"], made["vector"] = keys, value
    return made


def lookup(folder, keys):
    ordered = np.array(sorted(keys), dtype="S16")
    return {
        bytes(ordered[i]): int(row["vector"][0])
        for at, rows in store.take(folder, ordered)
        for i, row in zip(at, rows, strict=True)
    }


KEYS = st.binary(min_size=16, max_size=16).map(lambda b: bytes(np.array([b], dtype="S16")[0]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(put=st.lists(st.sets(KEYS, min_size=1), max_size=4), queries=st.sets(KEYS, min_size=1))
def test_what_was_put_is_found_and_nothing_else(put, queries, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    for keys in put:
        store.put(folder, chunk(sorted(keys)))
    stored = set().union(*put) if put else set()
    assert set(lookup(folder, queries | stored)) == stored
    assert set(lookup(folder, queries)) == queries & stored


def test_of_two_vectors_for_one_text_always_the_same_is_taken(tmp_path):
    one, two = chunk([b"a", b"b"], 1), chunk([b"b", b"c"], 2)
    for folder, order in ((tmp_path / "x", (one, two)), (tmp_path / "y", (two, one))):
        for part in order:
            store.put(folder, part)
    assert lookup(tmp_path / "x", [b"a", b"b", b"c"]) == lookup(tmp_path / "y", [b"a", b"b", b"c"])


def test_the_same_chunk_twice_is_one_file(tmp_path):
    store.put(tmp_path, chunk([b"a"]))
    store.put(tmp_path, chunk([b"a"]))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_chunk_that_was_read_is_read_again_only_for_what_it_holds(tmp_path, monkeypatch):
    for key in (b"a", b"b", b"c"):
        store.put(tmp_path, chunk([key]))
    lookup(tmp_path, [b"nowhere"])
    spy = Mock(wraps=store._read)
    monkeypatch.setattr(store, "_read", spy)
    assert lookup(tmp_path, [b"b", b"nowhere"]) == {b"b": 1}
    assert spy.call_count == 1
