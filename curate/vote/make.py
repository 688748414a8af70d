"""Making a vote: the page for the voters, and the key that stays with whoever made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.ownership import check_alone, put_alone
from curate.vote.items import draw
from curate.vote.models import VoteError, read_answers
from curate.vote.page import page

KEY_FORMAT, QUESTION = "curate vote key 1", "Which answer is better?"
_ITEM = ("id", "sample", "a", "b", "left", "right")


def make(
    files: Sequence[str | Path], out: str | Path, *, question: str = QUESTION, n: int = 50, seed: int = 0
) -> dict[str, Any]:
    """Write the page of a blind vote, and beside it `NAME.key.json`, which says which answer is whose; return the key.

    The page holds prompts, answers and numbers; no name of a model is in it, in any form. The key must not go to the
    voters. Blind it is against names only: an answer that gives its model away still does.

    Args:
        files: answers of two models or more (`read_answers`); of several, each pair is compared.
        out: the page, an .html file.
        question: what is asked of every comparison.
        n: comparisons at most.
        seed: draws prompts, samples, pairs, their order and sides.

    Raises VoteError where there are not two models, or no prompt that two of them answered differently; FolderError for
    a page or key that is there already and is another one.
    """
    page_file = Path(out)
    if page_file.suffix.lower() not in (".html", ".htm"):
        raise VoteError(f"the page is an .html file, not {page_file}")
    answers, left_out = read_answers(files)
    models = answers["model"].unique(maintain_order=True).to_list()
    if len(models) < 2:
        raise VoteError(
            f"a vote is between two models or more; the files hold answers of {', '.join(models) or 'none'}"
        )
    items, same = draw(answers, n, seed)
    if items.is_empty():
        raise VoteError(
            f"no prompt has two different answers by {', '.join(models)}: were they asked the same prompts?"
        )
    key = _key(items, question, seed) | {"models": models, "left_out": left_out | same}
    texts = {page_file: page(key["vote"], question, items.to_dicts())}
    texts[key_file(page_file)] = json.dumps(key, indent=1, ensure_ascii=False) + "\n"
    for file, text in texts.items():  # without its key, the votes on another page cannot be read
        check_alone(file, text, by="vote", option="--out")
    for file, text in texts.items():
        put_alone(file, text, by="vote", option="--out")
    return key


def key_file(page_file: Path) -> Path:
    """Name the key of a page.

    >>> key_file(Path("out/vote.html")).name
    'vote.key.json'
    """
    return page_file.with_name(f"{page_file.stem}.key.json")


def _key(items: pl.DataFrame, question: str, seed: int) -> dict[str, Any]:
    # The texts are hashed with the names: from the number alone nobody can try out which names give it.
    whole = json.dumps([question, seed, items.rows()], ensure_ascii=False)
    which = {row["item"]: {name: row[name] for name in _ITEM} for row in items.iter_rows(named=True)}
    vote = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return {"format": KEY_FORMAT, "vote": vote, "question": question, "seed": seed, "items": which}
