"""The preflight: what ruins training on a small set in silence, looked for before the first step.

A check is a function of a `Context`, a trainer that is ready with its rows, that yields findings. To add one, write it
and give it a line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import Finding
from curate.train.models import load_tokenizer
from curate.train.preflight import markers, model, roles, rows, schedule, template, tokens
from curate.train.preflight.context import Context
from curate.train.preflight.mask import Masked, masks, show
from curate.train.preflight.template import long_prompts
from curate.train.rendering import adopt, fit

__all__ = ["CHECKS", "Context", "Masked", "long_prompts", "masks", "of_rows", "preflight", "show"]

CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    rows.vanished,
    rows.cut,
    rows.too_long,
    tokens.no_end,
    tokens.prompts_in_loss,
    template.prefix,
    template.between,
    template.double_bos,
    template.no_bos,
    template.swapped,
    template.day,
    roles.unread,
    roles.tool_turns,
    markers.other_tokens,
    tokens.padding,
    model.new_tokens,
    model.untied,
    model.vllm_adapter,
    model.lora_dropout,
    model.residual_dropout,
    rows.length_ratio,
    schedule.warm_up,
    schedule.learning_rate,
    schedule.processes,
    schedule.no_resume,
    model.reference,
)


def preflight(context: Context) -> list[Finding]:
    """Check a trainer before it trains; call it inside `curate.train.run.undisturbed`.

    Every process of a run must call it, since some checks run the model on all of them.
    """
    return [finding for check in CHECKS for finding in check(context)]


def of_rows(config: TrainConfig, data: Sequence[Row]) -> list[Finding]:
    """Check rows by tokenizer and chat template alone, before a model is loaded.

    Raise TrainError when the tokenizer cannot be loaded.
    """
    tokenizer, _ = load_tokenizer(config)
    adopt(tokenizer, config)
    if not tokenizer.chat_template:
        return long_prompts(config, data, tokenizer)  # trl says that there is no template
    fitting = fit(tokenizer, data)
    written, reasons = roles.texts(tokenizer, fitting)
    refused = {row.id for refusal in reasons.values() for row in refusal}
    return [
        *roles.refused(reasons),
        *roles.dropped(written),
        *roles.calls(tokenizer, fitting),
        *markers.inside(tokenizer, fitting),
        *long_prompts(config, [row for row in fitting if row.id not in refused], tokenizer),
    ]
