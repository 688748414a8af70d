"""The preflight: what ruins training on a small set in silence, looked for before the first step.

A check is a function of a `Context`, a trainer that is ready with its rows, that yields findings. To add one, write it
and give it a line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from curate.train.findings import Finding
from curate.train.preflight import model, rows, schedule, template, tokens
from curate.train.preflight.context import Context
from curate.train.preflight.mask import Masked, masks, show
from curate.train.preflight.template import long_prompts

__all__ = ["CHECKS", "Context", "Masked", "long_prompts", "masks", "preflight", "show"]

CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    rows.vanished,
    rows.cut,
    rows.too_long,
    tokens.no_end,
    tokens.prompts_in_loss,
    template.prefix,
    template.between,
    template.double_bos,
    template.swapped,
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
    model.reference,
)


def preflight(context: Context) -> list[Finding]:
    """Check a trainer before it trains; call it inside `curate.train.run.undisturbed`.

    Every process of a run must call it, since some checks run the model on all of them.
    """
    return [finding for check in CHECKS for finding in check(context)]
