"""Padding: what the collator really does with the ends of rows, looked at on a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.train.findings import Finding
from curate.train.preflight.seen import Seen

_LOOKED = 64  # rows among which the shortest and the longest are taken


def batch(seen: Seen) -> Iterator[Finding]:
    """Find tokens that are trained in the set and not in a batch: a collator that masks by token takes the end away."""
    if seen.packed or not seen.answers or not seen.answers[0].ids:
        return
    lengths = seen.answers[0].lengths[:_LOOKED]
    picked = sorted({int(lengths.argmin()), int(lengths.argmax())})
    made = seen.trainer.data_collator([_features(seen, i) for i in picked])
    meant = sum(int(answers.row(i)[1].sum()) for answers in seen.answers for i in picked)
    found = trained_in(made)
    if found is not None and found != meant:
        ids = [seen.answers[0].ids[i] for i in picked]
        yield Finding(
            "padding",
            "stop",
            f"of the {meant:,} tokens to be trained on in {seen.named(ids)} a batch has {found:,}: the collator masks "
            f"by token, and the pad token is {seen.words.pad_token!r}; give the tokenizer a pad token of its own",
            {"ids": ids, "meant": meant, "in_batch": found},
        )
    elif seen.words.pad_token_id is not None and seen.words.pad_token_id == seen.words.eos_token_id:
        yield from _same_token(seen)


def trained_in(made: Any) -> int | None:
    """Count the trained tokens of a batch; None where a batch has no mask."""
    if "labels" in made and "input_ids" in made:
        return int((made["labels"] != -100).sum())
    return int(made["completion_mask"].sum()) if "completion_mask" in made else None


def _features(seen: Seen, i: int) -> dict[str, Any]:
    row = seen.trainer.train_dataset[i]
    return {name: value for name, value in row.items() if name.endswith("_ids") or name in ("labels", "label")}


def _same_token(seen: Seen) -> Iterator[Finding]:
    pad = seen.words.pad_token
    if seen.stage == "reward" and any(
        (a.tokens[a.starts[1:] - 1] == seen.words.pad_token_id).any() for a in seen.answers
    ):
        yield Finding(
            "padding",
            "stop",
            f"the pad token is the end token ({pad!r}), and a reward model scores the last token that is not padding: "
            "it would look at the one before the end; give the tokenizer a pad token of its own",
        )
        return
    yield Finding(
        "padding",
        "warn",
        f"the pad token is the end token ({pad!r}): trl pads by position, and the end stays in the loss (looked at in "
        "a batch), but tools that mask by token would never train it",
    )
