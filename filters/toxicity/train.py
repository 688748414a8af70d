"""Learn the numbers of the head from the labelled data in $CURATE_DATA/toxicity and the sentences of this folder.

Run `python -m curate.filters.toxicity.train`: it writes head.json beside itself, the same for the same vectors, and
prints how the head does on what it did not see: whole frames, groups and tweets are left out, in five folds.
"""

from __future__ import annotations

import ast
import hashlib
import html
import json
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from curate.filters.toxicity.head import SCALE, Head, inputs, log_odds, probability, windows
from curate.filters.toxicity.sentences import write

SEED = 0
FOLDS = 5
MODELS, UNITS, DECAY, ROUNDS = 3, 32, 1.0, 16
PLAIN, PLAIN_WEIGHT = ["answers", "docstrings", "own technical", "own forum", "own heading"], 3.0
PART = 2**10  # a weight is kept to one of so many parts
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
    rows += [(text, False, "answers", None, _fold(answer)) for answer in answers() for text in windows(answer)]
    rows += [(text, False, "docstrings", None, _fold(module)) for module, text in documentation()]
    columns = ["text", "toxic", "source", "group", "fold"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).unique(
        "text", keep="first", maintain_order=True
    )


def answers() -> list[str]:
    """List the answers that were written for recipes."""
    file = resources.files("curate.recipes") / "authored" / "train.jsonl"
    return [json.loads(line)["response"] for line in file.read_text(encoding="utf-8").splitlines()]


def documentation() -> Iterator[tuple[str, str]]:
    """Cut the docstrings of Python's own library into windows; yield one in two, with its module."""
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for text in windows(ast.get_docstring(node) or ""):
                    if _number(text) % 2 == 0:
                        yield file.stem, text


def fit(rows: Any, frame: pl.DataFrame) -> Head:
    """Fit networks of one hidden layer, put them side by side as one whose log-odds are their mean, and round it."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    weights = np.where(frame["source"].is_in(PLAIN), PLAIN_WEIGHT, 1.0)
    models = [MLPClassifier((UNITS,), alpha=DECAY, max_iter=ROUNDS, random_state=seed) for seed in range(MODELS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they stop before they have converged, as they shall
        for model in models:
            model.fit((rows / SCALE).astype(np.float32), frame["toxic"].to_numpy(), sample_weight=weights)
    hidden = np.hstack([model.coefs_[0] for model in models]).T
    biases = np.hstack([model.intercepts_[0] for model in models])
    out = np.vstack([model.coefs_[1] for model in models])[:, 0] / MODELS
    bias = np.mean([model.intercepts_[1][0] for model in models])
    unit = SCALE * PART**2
    return Head(_whole(hidden * PART), _whole(biases * SCALE * PART), _whole(out * PART), _whole(bias * unit), unit)


def held_out(rows: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Judge each example by a head that saw nothing of its fold."""
    import numpy as np

    fold = frame["fold"].to_numpy()
    result = np.zeros(len(fold))
    for left_out in range(FOLDS):
        inside = fold != left_out
        result[~inside] = probability(log_odds(rows[~inside], fit(rows[inside], frame.filter(inside))))
    return frame.with_columns(p=pl.Series(result))


def main() -> None:
    """Train, write the numbers, print what held-out examples say of them."""
    from curate.models.embeddings import embed

    frame = examples(data_folder())
    rows = inputs(embed(frame["text"]), frame["text"].to_list())
    head = fit(rows, frame)
    file = Path(__file__).with_name("head.json")
    file.write_text(json.dumps(head._asdict()).replace("], ", "],\n") + "\n", encoding="utf-8")
    judged = held_out(rows, frame)
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


def _whole(values: Any) -> Any:
    import numpy as np

    return np.rint(values).astype(np.int64).tolist()


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _fold(text: str) -> int:
    return _number(text) % FOLDS


if __name__ == "__main__":
    main()
