import polars as pl

from curate.run.examples import examples, merge
from tests.report.small_run import make, texts


def test_samples_of_parts_merge_to_the_sample_of_the_whole():
    _, ledger, _ = make()
    whole = texts(ledger)
    parts = [texts(part) for part in ledger.sample(fraction=1, shuffle=True, seed=1).iter_slices(17)]
    assert (
        merge(parts).equals(whole) and merge(parts[::-1]).equals(whole) and merge([merge(parts), whole]).equals(whole)
    )
    assert whole.group_by("source", "step").len()["len"].to_list() == [3, 3]
    assert whole["response"].str.len_chars().max() == 301 and whole["response"].str.ends_with("…").all()


def test_no_example_is_shown_twice_and_all_dropped_each_step_has_some():
    _, ledger, _ = make()
    twice = pl.concat([ledger, ledger])
    found = examples(twice, None)
    assert not found.select("source", "step", "id").is_duplicated().any()
    assert set(found["step"]) == set(ledger["dropped_by"].drop_nulls())
