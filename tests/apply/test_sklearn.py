"""scikit-learn's own FunctionTransformer takes the verbs as they are."""

from __future__ import annotations

import pickle
from functools import partial

import pandas as pd
import pytest

from curate import apply, edit
from curate.filters import html_to_markdown, length

pytest.importorskip("sklearn")


@pytest.mark.slow
def test_an_edit_is_a_step_of_a_pipeline():
    from sklearn.base import clone
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    clean = FunctionTransformer(edit, kw_args={"expr": html_to_markdown("text")})
    pipeline = clone(make_pipeline(clean, CountVectorizer()))
    assert pipeline.get_params()["functiontransformer__func"] is edit
    texts = pd.Series(["<p>Warm <b>air</b></p>", "rises"])
    pipeline.fit(texts)
    assert set(pickle.loads(pickle.dumps(pipeline)).named_steps["countvectorizer"].vocabulary_) == {
        "warm",
        "air",
        "rises",
    }
    frame = pd.DataFrame({"text": texts, "n": [1, 2]})
    assert clean.fit_transform(frame)["text"].tolist() == ["Warm air", "rises"]
    assert FunctionTransformer(partial(apply, length("text", min=6))).fit_transform(frame).tolist() == [True, False]
