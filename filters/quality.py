"""How good a text is, by the numbers that a model has for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from curate.errors import did_you_mean
from curate.filter import Score, costly
from curate.models import scores
from curate.models.weights import config_of, weights
from curate.rows import text_of


@costly
def perplexity(column: str = "response", *, model: str = scores.DEFAULT) -> Score:
    """Measure the perplexity of a text: exp of the mean loss of its tokens under a causal language model.

    Each token is scored, the first behind the model's token that begins texts (BOS); where the model has none, from the
    second on. Tokens that the model has no room for are left out, and such texts are counted in a warning; no text has
    a score that is null, blank or without such a token.

    `model` is the packaged SmolLM2-135M-Instruct, a folder, or a name of the Hugging Face hub, and runs in the number
    format of its files, on the first GPU where there is one. Each text is asked about once ever: scores are kept in the
    user's cache folder ($CURATE_CACHE) by text, weights and releases. Perplexities of different models cannot be
    compared. Known false positives: the lowest are of texts that repeat themselves, the highest of rare names, tables
    and languages that the model does not know, and of short answers (Liu et al. 2023, arXiv 2312.15685, section 2.3).
    Marion et al. (2023, arXiv 2309.04564) keep the middle; which part is best depends on the data (Ankner et al. 2024,
    arXiv 2405.20541).

    Needs `pip install 'curate-lm[transformers]'`; raises ModelError where the folder holds no such model.

    >>> perplexity("response")  # doctest: +SKIP
    """
    return _score(scores.perplexity, pl.col(column), model)


@costly
def ifd(prompt: str = "prompt", response: str = "response", *, model: str = scores.DEFAULT) -> Score:
    """Measure how little a prompt helps a model to foresee the response: the response's loss behind it over that alone.

    The Instruction-Following Difficulty of Li et al. (2023, arXiv 2308.12032, section 2.2): a score near 1 says that
    the response does not follow from the prompt by what the model knows, one above 1 that the two do not fit, and the
    best to learn from are the highest below 1. That a small model orders pairs as a large one does is Superfiltering's
    finding (Li et al. 2024, arXiv 2402.00530), which divides perplexities, exp of the losses divided here.

    Both losses are means over the same tokens of the response, without the end of the turn. The prompt stands before it
    in the model's chat template, up to where the answer begins (with what system message the template has of itself),
    or, where there is none, plainly with a blank line behind it; alone, the response stands behind BOS as in
    `perplexity`, whose losses these are. Earlier turns are not read. A response that there is no room for is cut, which
    is counted in a warning; a prompt that leaves no room, and a null or blank text, have no score. Known false
    positives: short answers, whose mean is one of few tokens. `model` is as in `perplexity`.

    Needs `pip install 'curate-lm[transformers]'`; raises ModelError where the folder holds no such model.

    >>> ifd("prompt", "response")  # doctest: +SKIP
    """
    return _score(scores.ifd, _pair(prompt, response), model)


@costly
def reward(prompt: str = "prompt", response: str = "response", *, model: str) -> Score:
    """Measure what a reward model gives for a response to a prompt: its one output for the two in its chat template.

    `model` is a sequence classifier with one label, as trl's RewardTrainer saves it: a folder, or a name of the hub.
    The scale is the model's own, and only an order. Earlier turns are not read. A conversation that the model has no
    room for, or that its template refuses, has no score, which is counted in a warning; nor has a null or blank text.
    Known false positives: most reward models prefer long answers (Singhal et al. 2023, arXiv 2310.03716). The scores
    are kept as in `perplexity`.

    Needs `pip install 'curate-lm[transformers]'`; raises ModelError where the folder holds no such model.

    >>> reward("prompt", "response", model="out/reward/merged")  # doctest: +SKIP
    """
    return _score(scores.reward, _pair(prompt, response), model)


@costly
def classifier(column: str = "response", *, model: str, label: str) -> Score:
    """Measure the probability of a label by a text classifier.

    `model` is a folder with any sequence classifier of transformers, or a name of the hub, and `label` one of the names
    in its configuration (`id2label`). Probabilities of all labels add up to 1, unless the model says that a text may
    have several, or has one label alone: then each is by itself. What the model gives for all labels is kept, so
    another label of the same text costs nothing: a step for each makes a column of each. Of a text longer than the
    model takes the beginning is read, which is counted in a warning; a null or blank text has no score. Known false
    positives are those of the model. The scores are kept as in `perplexity`.

    Needs `pip install 'curate-lm[transformers]'`; raises ModelError where the folder holds no such model, and
    ValueError for a label that it does not have.

    >>> classifier("response", model="models/educational", label="LABEL_0")  # doctest: +SKIP
    """
    labels = list(config_of(model).get("id2label", {}).values())
    if labels and label not in labels:
        raise ValueError(f"the classifier {model} has no label '{label}'; {did_you_mean(label, labels)}")
    return _score(partial(scores.probability, label=label), pl.col(column), model)


def _pair(prompt: str, response: str) -> pl.Expr:
    return pl.struct(pl.col(prompt).alias("prompt"), pl.col(response).alias("response"))


def _score(function: Callable[..., pl.Series], texts: pl.Expr, model: str) -> pl.Expr:
    names, tell = texts.meta.root_names(), scores.progress.get()
    ask = partial(_ask, function=function, model=model, columns=names, weights=weights(model), tell=tell)
    return texts.map_batches(ask, return_dtype=pl.Float64, is_elementwise=True)


def _ask(
    texts: pl.Series,
    function: Callable[..., pl.Series],
    model: str,
    columns: list[str],
    weights: str | None,
    tell: Any,
) -> pl.Series:
    """Ask for scores of these columns; `weights` tells models of one name apart in the pickle of an expression."""
    parts = texts.struct.unnest().get_columns() if texts.dtype == pl.Struct else [texts]
    for part, name in zip(parts, columns, strict=True):
        text_of(part.alias(name))
    return function(texts, model=model, tell=tell)
