import polars as pl
import pytest

np = pytest.importorskip("numpy", reason="a map needs the extra `embed`")

from curate.report.diversity.regions import regions  # noqa: E402

BEER, CODE = "a {} beer for a party of friends", "a {} function for a list of numbers"


def two_heaps(n=40):
    """Rows of two kinds, each in a corner of its own; all of the set are of the first kind."""
    left = np.linspace([0.0, 0.0], [0.1, 0.1], n)
    plane = np.vstack([left, 1 - left])
    words = ("pale", "dark", "cold", "red")
    texts = [kind.format(words[i % 4]) for kind in (BEER, CODE) for i in range(n)]
    return plane, pl.DataFrame({"text": texts, "domain": ["beer.example"] * n + ["a", "b"] * (n // 2)})


def test_regions_are_named_by_the_words_that_others_lack_and_a_domain_that_has_most():
    plane, rows = two_heaps()
    result = regions(plane, 10, np.arange(len(plane)), rows)
    near = [region for region in result if region["x"] < 0.5]
    far = [region for region in result if region["x"] > 0.5]
    assert sum(r["set"] for r in near) == pytest.approx(1) and sum(r["set"] for r in far) == 0
    assert sum(r["pool"] for r in result) == pytest.approx(1, abs=1e-3)
    assert all(region["name"].startswith("beer.example") for region in near)
    assert not any("example" in region["name"] for region in far)


def test_a_word_that_is_in_most_texts_names_nothing():
    plane, rows = two_heaps()
    names = " ".join(region["name"] for region in regions(plane, 10, np.arange(len(plane)), rows))
    assert "for" not in names.split() and "party" not in names.split(), "half of all texts have it"


def test_the_order_of_rows_does_not_matter_and_rows_without_texts_have_domains():
    plane, rows = two_heaps()
    turn = np.concatenate([np.random.default_rng(1).permutation(10), 10 + np.random.default_rng(2).permutation(70)])
    every = np.arange(len(plane))
    assert regions(plane, 10, every, rows) == regions(plane[turn], 10, np.argsort(turn), rows[turn])
    assert {r["name"] for r in regions(plane, 10, every, rows.drop("text"))} <= {"beer.example", "a", "b", ""}
