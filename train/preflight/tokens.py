"""Ends and prompts in the loss: an answer without its end token trains a model that never stops, with a fine loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.train.findings import Finding, stop, warn
from curate.train.preflight.context import Answers, Context

_BLANK = 4  # tokens of white space that a template may write after the end of a turn
_SAMPLE = 64  # rows among which the shortest and the longest are taken


def ends_of(context: Context) -> dict[int, str]:
    """List the tokens at which generation stops: the tokenizer's end token, and those of the generation config."""
    ends = getattr(getattr(context.model, "generation_config", None), "eos_token_id", None)
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    if context.tokenizer.eos_token_id is not None:
        ends.insert(0, context.tokenizer.eos_token_id)
    return {end: context.tokenizer.decode([end]) for end in ends}


def _last(answers: Answers, tokenizer: Any) -> Any:
    """Find where each row's last token stands that is not white space."""
    import numpy as np

    at = answers.starts[1:] - 1
    for _ in range(_BLANK):
        blank = [token for token in np.unique(answers.tokens[at]) if tokenizer.decode([token]).isspace()]
        at = at - (np.isin(answers.tokens[at], blank) & (at > answers.starts[:-1]))
    return at


def no_end(context: Context) -> Iterator[Finding]:
    """Find answers that do not end in a token at which generation stops, or whose end is not in the loss."""
    import numpy as np

    if context.stage.grades:
        return
    ends = ends_of(context)
    for answers in context.answers:
        if not len(answers.ids):
            continue
        at = _last(answers, context.tokenizer)
        whole = answers.full < (context.limit or np.inf)  # rows.cut reports what is cut
        ended = np.isin(answers.tokens[at], list(ends))
        endless = whole & ~ended
        if endless.any():
            ids = [answers.ids[i] for i in endless.nonzero()[0]]
            tokens, counts = np.unique(answers.tokens[at][endless], return_counts=True)
            common = [context.tokenizer.decode([token]) for token in tokens[np.argsort(-counts)][:3]]
            yield stop(
                "end of turn",
                f"{len(ids):,} of {len(answers.ids):,} {answers.name} answers end in {', '.join(map(repr, common))}, "
                f"and generation stops at {', '.join(map(repr, ends.values())) or 'nothing'}: a model trained so never "
                f"stops ({context.named(ids)}); set end_of_turn, or use a chat template that ends its turns.",
                ids=ids,
                ends_in=common,
                stops_at=list(ends.values()),
            )
        masked = [answers.ids[i] for i in (whole & ended & ~answers.trained[at]).nonzero()[0]]
        if masked:
            yield stop(
                "end of turn",
                f"{len(masked):,} {answers.name} answers end in a token that is not in the loss, so that the model is "
                f"not taught to stop: {context.named(masked)}; is the end outside the template's generation marks?",
                ids=masked,
            )


def prompts_in_loss(context: Context) -> Iterator[Finding]:
    """Find rows whose first token is trained on: with prompts in the loss, a model learns to ask as its users do."""
    if context.stage.grades:
        return
    for answers in context.answers:
        rows = (answers.lengths > 0).nonzero()[0]
        ids = [answers.ids[i] for i in rows[answers.trained[answers.starts[rows]]]]
        if ids:
            yield stop(
                "prompts in the loss",
                f"the prompts of {len(ids):,} rows are trained on like answers: {context.named(ids)}; "
                "give prompt and completion, with completion_only_loss",
                ids=ids,
            )
            return


def padding(context: Context) -> Iterator[Finding]:
    """Find tokens that are trained in the set and not in a batch: a collator that masks by token takes the end away."""
    if context.packed or not context.answers or not context.answers[0].ids:
        return
    tokenizer, first = context.tokenizer, context.answers[0]
    lengths = first.lengths[:_SAMPLE]
    sample = sorted({int(lengths.argmin()), int(lengths.argmax())})
    expected = sum(int(answers.row(i)[1].sum()) for answers in context.answers for i in sample)
    actual = _trained_in(context.trainer.data_collator([_features(context, i) for i in sample]))
    if actual is not None and actual != expected:
        ids = [first.ids[i] for i in sample]
        yield stop(
            "padding",
            f"of the {expected:,} tokens to be trained on in {context.named(ids)} a batch has {actual:,}: the collator "
            f"masks by token, and the pad token is {tokenizer.pad_token!r}; give the tokenizer a pad token of its own",
            ids=ids,
            meant=expected,
            in_batch=actual,
        )
    elif tokenizer.pad_token_id is None or tokenizer.pad_token_id != tokenizer.eos_token_id:
        return
    elif context.stage.grades and any(
        (a.tokens[a.starts[1:] - 1] == tokenizer.pad_token_id).any() for a in context.answers
    ):
        yield stop(
            "padding",
            f"the pad token is the end token ({tokenizer.pad_token!r}), and a reward model scores the last token that "
            "is not padding: it would look at the one before the end; give the tokenizer a pad token of its own",
        )
    else:
        yield warn(
            "padding",
            f"the pad token is the end token ({tokenizer.pad_token!r}): trl pads by position, and the end stays in the "
            "loss (looked at in a batch), but tools that mask by token would never train it",
        )


def _trained_in(batch: Any) -> int | None:
    """Count the trained tokens of a batch; None where a batch has no mask."""
    if "labels" in batch and "input_ids" in batch:
        return int((batch["labels"] != -100).sum())
    return int(batch["completion_mask"].sum()) if "completion_mask" in batch else None


def _features(context: Context, i: int) -> dict[str, Any]:
    row = context.trainer.train_dataset[i]
    return {name: value for name, value in row.items() if name.endswith("_ids") or name in ("labels", "label")}
