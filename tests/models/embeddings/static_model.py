"""A model small enough for tests: a table of random word vectors, in model2vec's own format."""

from __future__ import annotations

from pathlib import Path

WORDS = ["tea", "leaf", "cup", "water", "boil", "kettle", "wheel", "tyre", "mend", "patch", "glue", "pump"]


def write(folder: Path, dimensions: int = 8, seed: int = 0) -> Path:
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: i for i, word in enumerate(["[UNK]", "[PAD]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = np.random.default_rng(seed).standard_normal((len(vocabulary), dimensions)).astype("float32")
    StaticModel(vectors=vectors, tokenizer=tokenizer, config={}).save_pretrained(str(folder))
    return folder
