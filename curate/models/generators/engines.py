"""What one loaded model answers, and what several do side by side, one on each GPU of other workers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from curate import engine as work
from curate.models.generators.ask import Ask, Engine, Failed, Result, Settings

PIECE = 256  # asks that go to a model at a time, at most: what is asked again where a worker is lost


def ask_one(engine: Engine, settings: Settings, asks: Sequence[Ask]) -> Iterator[tuple[int, Result]]:
    """Yield (position, result) of every ask; a prompt too long for the model never reaches it."""
    fit = []
    for position, ask in enumerate(asks):
        if failed := _too_long(engine, settings, ask):
            yield position, failed
        else:
            fit.append(position)
    if fit:
        for place, result in engine.answer([asks[position] for position in fit], settings.sampling):
            yield fit[place], result


def _too_long(engine: Engine, settings: Settings, ask: Ask) -> Failed | None:
    if engine.context is None:
        return None
    tokens, room = engine.prompt_tokens(ask.messages, ask.tools), engine.context - (settings.limit or 1)
    if tokens is None or tokens <= room:
        return None
    return Failed(f"the prompt has {tokens:,} tokens, and the model takes {room:,} beside its answer", again=False)


def models(settings: Settings) -> int:
    """Count the models that the workers' GPUs hold; 0 or 1 where none works beside another, or a server is asked."""
    return 0 if settings.address is not None else work.current().gpus // _gpus(settings)


def _gpus(settings: Settings) -> int:
    """Count the GPUs of one model, which vLLM's own settings name."""
    sizes = (settings.engine.get(name) or 1 for name in ("tensor_parallel_size", "pipeline_parallel_size"))
    return math.prod(map(int, sizes))


def ask_several(open_: Callable[[], Engine], settings: Settings, asks: Sequence[Ask]) -> Iterator[tuple[int, Result]]:
    """Yield (position, result) of every ask, from models that work only as long as this takes: they hold the GPUs."""
    count = models(settings)
    size = max(1, min(PIECE, len(asks) // (4 * count)))  # four each, so that all end at about the same time
    pieces = [asks[first : first + size] for first in range(0, len(asks), size)]
    each = [(open_, settings)] * min(count, len(pieces))
    with work.current().hire(_Model, each, gpus=_gpus(settings)) as crew:
        for number, results in crew.spread("answer", pieces):
            yield from ((number * size + position, result) for position, result in results)


class _Model:
    """A model on a worker; opened when it is first asked, so that what goes wrong there is said as an answer is."""

    def __init__(self, how: tuple[Callable[[], Engine], Settings]) -> None:
        self.open, self.settings = how

    @cached_property
    def engine(self) -> Engine:
        return self.open()

    def answer(self, asks: Sequence[Ask]) -> list[tuple[int, Any]]:
        return list(ask_one(self.engine, self.settings, asks))
