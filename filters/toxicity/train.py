"""Learn the numbers of the head from the labelled data in $CURATE_DATA/toxicity and the sentences of this folder.

Run `python -m curate.filters.toxicity.train`: it writes head.json beside itself, the same for the same vectors, and
prints how the head does on what it did not see: whole frames, groups and tweets are left out, in five folds.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from pathlib import Path
from typing import Any

import polars as pl

from curate.filters.toxicity.sentences import write

SEED = 0
FOLDS = 5
UNIT = 4080 * 2**16  # a vector has the length 4080; a weight is kept to 1 / 2**16
_CRAWLED = re.compile(r"\bRT\b|https?://\S+|@\w+:?")


def data_folder() -> Path:
    """Give the folder of labelled texts."""
    return Path(os.environ.get("CURATE_DATA", "data")) / "toxicity"


def examples(folder: Path) -> pl.DataFrame:
    """List all examples: text, toxic or not, source, group, and fold."""
    rows: list[tuple[str, bool, str, str | None, int]] = []
    tweets = pl.read_csv(folder / "davidson_labeled_data.csv")
    for hate, offensive, count, kind, tweet in tweets.select(
        "hate_speech", "offensive_language", "count", "class", "tweet"
    ).iter_rows():
        text = " ".join(_CRAWLED.sub(" ", html.unescape(tweet)).split())
        # Four in five of the tweets hold one of a few swear words: a fifth of these is enough.
        if text and (kind != 1 or _number(text) % 5 == 0):
            rows.append((text, (hate + 0.6 * offensive) / count > 0.5, f"davidson {kind}", None, _fold(text)))
    for group, label, text in (
        pl.read_csv(folder / "toxigen_prompts_sample.csv").unique(maintain_order=True).iter_rows()
    ):
        rows.append((text, label == "hate", "toxigen", group, _fold(group)))
    templates = pl.read_csv(folder / "identity_templates_sample.csv").unique(maintain_order=True)
    for text, label, template in templates.iter_rows():
        if template != "name_adj" or _number(text) % 3 == 0:  # nine in ten are of this one
            rows.append((text, label == "BAD", "identity", text.rstrip(".").split()[-1], _fold(text)))
    rows += [(s.text, s.toxic, f"own {s.kind}", s.group, _fold(s.frame)) for s in write(SEED, 16)]
    return pl.DataFrame(
        rows, schema=["text", "toxic", "source", "group", "fold"], orient="row", infer_schema_length=None
    )


def fit(vectors: Any, toxic: Any) -> tuple[list[int], int]:
    """Fit a logistic regression and round its numbers."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, max_iter=500).fit(vectors / 4080, toxic)
    weights = np.rint(model.coef_[0] * UNIT / 4080).astype(np.int64)
    return weights.tolist(), round(float(model.intercept_[0]) * UNIT)


def held_out(vectors: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Judge each example by a head that saw nothing of its fold."""
    import numpy as np

    from curate.filters.toxicity.head import probability

    fold, toxic = frame["fold"].to_numpy(), frame["toxic"].to_numpy()
    result = np.zeros(len(fold))
    for left_out in range(FOLDS):
        inside = fold != left_out
        weights, bias = fit(vectors[inside], toxic[inside])
        result[~inside] = probability((vectors[~inside].astype(np.int64) @ np.array(weights) + bias) / UNIT)
    return frame.with_columns(p=pl.Series(result))


def main() -> None:
    """Train, write the numbers, print what held-out examples say of them."""
    from curate.models.embeddings import embed

    frame = examples(data_folder())
    vectors = embed(frame["text"])
    weights, bias = fit(vectors, frame["toxic"].to_numpy())
    file = Path(__file__).with_name("head.json")
    file.write_text(json.dumps({"unit": UNIT, "bias": bias, "weights": weights}) + "\n", encoding="utf-8")
    judged = held_out(vectors, frame)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
            hit = pl.col("p") >= threshold
            share = judged.select(
                threshold=pl.lit(threshold),
                precision=(hit & pl.col("toxic")).sum() / hit.sum(),
                recall=(hit & pl.col("toxic")).sum() / pl.col("toxic").sum(),
            )
            print(share)
        flagged = [(pl.col("p") >= at).mean().round(3).alias(f"flagged at {at}") for at in (0.5, 0.7, 0.8)]
        print(judged.group_by("source", "toxic").agg(pl.len(), *flagged).sort("toxic", "source"))
        neutral = judged.filter(pl.col("source").is_in(["own group", "own praise"]))
        print(neutral.group_by("group").agg(pl.len(), *flagged).sort("group"))
    print(f"{frame.height:,} examples; sha256 of {file.name}: {hashlib.sha256(file.read_bytes()).hexdigest()}")


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _fold(text: str) -> int:
    return _number(text) % FOLDS


if __name__ == "__main__":
    main()
