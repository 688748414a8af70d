"""Ends and prompts in the loss: an answer without its end token trains a model that never stops, with a fine loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.train.findings import Finding
from curate.train.preflight.seen import Answers, Seen

_BLANK = 4  # tokens of white space that a template may write after the end of a turn


def stops(seen: Seen) -> dict[int, str]:
    """List the tokens at which generation stops: the tokenizer's end token, and those of the generation config."""
    model = seen.trainer.accelerator.unwrap_model(seen.trainer.model)
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    if seen.words.eos_token_id is not None:
        ends.insert(0, seen.words.eos_token_id)
    return {end: seen.words.decode([end]) for end in ends}


def last(answers: Answers, words: Any) -> Any:
    """Find where each row's last token stands that is not white space."""
    import numpy as np

    at = answers.starts[1:] - 1
    for _ in range(_BLANK):
        blank = [token for token in np.unique(answers.tokens[at]) if words.decode([token]).isspace()]
        step = np.isin(answers.tokens[at], blank) & (at > answers.starts[:-1])
        at = at - step
    return at


def unended(seen: Seen) -> Iterator[Finding]:
    """Find answers that do not end in a token at which generation stops, or whose end is not in the loss."""
    import numpy as np

    if seen.stage == "reward":
        return  # it grades, and writes nothing
    ends = stops(seen)
    for answers in seen.answers:
        if not len(answers.ids):
            continue
        at = last(answers, seen.words)
        whole = answers.full < (seen.limit or np.inf)  # what is cut is told by lost.cut
        ended = np.isin(answers.tokens[at], list(ends))
        without = [answers.ids[i] for i in (whole & ~ended).nonzero()[0]]
        if without:
            yield _unended(seen, answers, without, answers.tokens[at][whole & ~ended], ends)
        masked = [answers.ids[i] for i in (whole & ended & ~answers.trained[at]).nonzero()[0]]
        if masked:
            yield Finding(
                "end of turn",
                "stop",
                f"{len(masked):,} {answers.name} answers end in a token that is not in the loss, so that the model is "
                f"not taught to stop: {seen.named(masked)}; is the end outside the template's generation marks?",
                {"ids": masked},
            )


def _unended(seen: Seen, answers: Answers, ids: list[str], tokens: Any, ends: dict[int, str]) -> Finding:
    import numpy as np

    said, counts = np.unique(tokens, return_counts=True)
    common = [seen.words.decode([token]) for token in said[np.argsort(-counts)][:3]]
    return Finding(
        "end of turn",
        "stop",
        f"{len(ids):,} of {len(answers.ids):,} {answers.name} answers end in {', '.join(map(repr, common))}, and "
        f"generation stops at {', '.join(map(repr, ends.values())) or 'nothing'}: a model trained so never stops "
        f"({seen.named(ids)}); set end_of_turn, or use a chat template that ends its turns.",
        {"ids": ids, "ends_in": common, "stops_at": list(ends.values())},
    )


def prompts_in_loss(seen: Seen) -> Iterator[Finding]:
    """Find rows whose first token is trained on: with prompts in the loss, a model learns to ask as its users do."""
    if seen.stage not in ("sft", "dpo", "kto"):
        return
    for answers in seen.answers:
        some = answers.starts[:-1][answers.lengths > 0]
        ids = [i for i, n in zip(answers.ids, answers.lengths, strict=True) if n > 0]
        found = [ids[i] for i in answers.trained[some].nonzero()[0]]
        if found:
            yield Finding(
                "prompts in the loss",
                "stop",
                f"the prompts of {len(found):,} rows are trained on like answers: {seen.named(found)}; "
                "give prompt and completion, with completion_only_loss",
                {"ids": found},
            )
            return
