"""The preflight: what ruins training on a small set in silence, looked for before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import Finding
from curate.train.preflight import model, schedule, template, tokens
from curate.train.preflight import rows as lost
from curate.train.preflight import rows as mask
from curate.train.preflight import rows as pairs
from curate.train.preflight import schedule as launched
from curate.train.preflight import template as prompts
from curate.train.preflight import tokens as ends
from curate.train.preflight import tokens as padding
from curate.train.preflight.rows import Masked, show
from curate.train.preflight.seen import Seen, read

__all__ = ["CHECKS", "Masked", "masks", "preflight", "raw", "show"]

CHECKS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    lost.vanished,
    lost.cut,
    lost.too_long,
    ends.unended,
    ends.prompts_in_loss,
    template.prefix,
    template.between,
    template.double_bos,
    template.swapped,
    padding.batch,
    tokens.untrained,
    tokens.untied,
    tokens.refused_by_vllm,
    model.lora,
    model.residual,
    pairs.length_ratio,
    schedule.warm_up,
    schedule.floor,
    launched.single,
    model.rewards,
)


def raw(config: TrainConfig, rows: list[Row]) -> list[Finding]:
    """Check rows by the tokenizer alone, before a model is loaded: prompts that fill max_length."""
    return prompts.filling(config, rows)


def preflight(trainer: Any, stage: str, config: TrainConfig, rows: list[Row]) -> list[Finding]:
    """Check a trainer that is ready, before it trains; ask it inside `curate.train.run.undisturbed`.

    Every process of a run must ask it, since some checks run the model on all of them.
    """
    seen = Seen(trainer, stage, config, rows)
    return [finding for check in CHECKS for finding in check(seen)]


def masks(trainer: Any, rows: int = 3) -> list[Masked]:
    """Give the first rows as the loss sees them: the text of each token, and whether it is trained."""
    few = trainer.train_dataset.select(range(min(rows, len(trainer.train_dataset))))
    starts = getattr(trainer.args, "truncation_mode", "keep_start") == "keep_start"
    answers = read(few, getattr(trainer.args, "max_length", None), starts)
    words = trainer.processing_class
    return [Masked(one.ids[i], one.name, mask.texts(one, i, words)) for i in range(len(few)) for one in answers]
