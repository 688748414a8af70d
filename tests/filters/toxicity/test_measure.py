"""What the card says of the head, on labelled texts that are not in the repository."""

import os
from pathlib import Path

import polars as pl
import pytest

from curate.filters.toxicity.measure import at, auc, hatecheck, judged, surge

FOLDER = Path(os.environ.get("CURATE_DATA", Path(__file__).parents[3].parent / "shared" / "data")) / "toxicity"
TEXTS = pl.DataFrame({"toxic": [True, True, False, False], "p": [0.9, 0.4, 0.6, 0.1]})


def test_auc_is_the_share_of_pairs_in_order():
    assert auc(TEXTS) == 0.75


def test_figures_at_a_threshold():
    assert at(TEXTS, 0.5) == {"threshold": 0.5, "precision": 0.5, "recall": 0.5, "false positives": 0.5}


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "least"),
    [
        pytest.param(surge, 0.91, id="comments, seen before this bound was set"),
        pytest.param(hatecheck, 0.75, id="functional tests"),
    ],
)
def test_toxic_texts_are_told_from_others(read, least):
    try:
        frame = read(FOLDER)
    except FileNotFoundError as missing:
        pytest.skip(f"set CURATE_DATA to a folder with the labelled texts: {missing}")
    assert auc(judged(frame)) >= least
