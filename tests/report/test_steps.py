import polars as pl

from curate.report.steps import lines, measures, near_misses
from tests.report.small_run import make, step


def test_near_misses_are_the_nearest_of_those_that_failed_one_step_only():
    _, ledger, manifest = make()
    result = near_misses(ledger, manifest)
    by_step = dict(result.group_by("step").agg("measured").rows())
    # The next on the far side, 3,010 to 3,090, have scores below 10 and so failed another step too.
    assert sorted(by_step["length"]) == [150, 160, 170, 180, 190]
    assert by_step["at_least"] == [9.0] * 5
    assert result.filter(pl.col("step") == "length").select("bound", "threshold").row(0) == ("min", 200.0)
    alone = {row["step"]: row["alone"] for row in manifest["funnel"]}
    assert all(alone[step] == n for step, n in result.select("step", "alone").rows())


def test_lengths_in_words_are_not_mixed_with_lengths_in_characters():
    _, ledger, manifest = make()
    both = pl.concat([ledger, ledger.with_columns(source=pl.lit("words"), **{"length.response": pl.lit(3.0)})])
    steps = {**manifest["steps"], "words": [step("keep", "length", column="response", min=1, unit="words")]}
    counts = dict.fromkeys(("forum", "words"), manifest["counts"]["forum"])
    result = [m for m in measures(both, {**manifest, "steps": steps, "counts": counts}) if m.filter == "length"]
    assert [m.is_response_length for m in result] == [True, False]
    assert result[0].numbers(both).max() == 3990 and result[1].numbers(both).unique().to_list() == [3.0]


def test_repeats_stand_between_the_row_wise_steps_and_the_selects():
    _, _, manifest = make()
    repeats = {"source": "forum", "step": "repeated", "asked": 400, "fails": 1, "first": 1, "alone": 1}
    manifest = {**manifest, "funnel": [repeats, *manifest["funnel"]]}
    order = [line.label for line in lines(manifest, "forum")]
    assert order == ["length", "at_least", "strip_links", "repeated", "near_duplicates", "sample"]
