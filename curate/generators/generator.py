"""A generator: a backend with its settings, opened when it is first asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curate.generators.contract import Answer, Ask, Engine, Failed, Settings
from curate.generators.journal import Journal, key_of

Told = Callable[[str, int, int, int], None]  # (generator, answers done now, answers asked in all, tokens done now)

_open: dict[str, Engine] = {}


@dataclass
class Generator:
    """A named backend with its settings.

    `open` makes its engine. Generators that differ in nothing but sampling share one engine, and only one engine that
    holds a model is in memory at a time. `journal` is the folder where answers are kept; a run sets it, and `tell`.
    """

    settings: Settings
    open: Callable[[], Engine] = field(repr=False)
    name: str = ""
    journal: Path | None = None
    tell: Told = field(default=lambda name, done, asked, tokens: None, repr=False)

    def describe(self) -> dict[str, Any]:
        """Describe the generator as data, for keys and the manifest; nothing secret is in it."""
        return asdict(self.settings)

    def ask(self, asks: Sequence[Ask]) -> list[Answer | Failed]:
        """Get one answer, or the reason why there is none, for every ask, in their order.

        Answers that the journal holds are not asked for again; prompts too long for the engine never reach it.
        """
        folder = self.journal or Path(tempfile.mkdtemp(prefix="curate-answers-"))
        with Journal(folder / self._folder()) as journal:
            keys = [key_of(self.settings, ask) for ask in asks]
            found: list[Answer | Failed | None] = [journal.known.get(key) for key in keys]
            open_ = [i for i, answer in enumerate(found) if answer is None]
            self.tell(self.name, len(asks) - len(open_), len(asks), 0)
            if open_:
                self._ask_engine(asks, keys, found, open_, journal)
        return [answer or Failed("the engine gave no answer to it", again=True) for answer in found]

    def _ask_engine(
        self,
        asks: Sequence[Ask],
        keys: list[str],
        found: list[Answer | Failed | None],
        open_: list[int],
        journal: Journal,
    ) -> None:
        engine = self.engine()
        fit = []
        for i in open_:
            found[i] = self._too_long(engine, asks[i])
            if found[i] is None:
                fit.append(i)
        self.tell(self.name, len(open_) - len(fit), len(asks), 0)
        for position, answer in engine.answer([asks[i] for i in fit], self.settings.sampling):
            i = fit[position]
            found[i] = answer
            if isinstance(answer, Answer):
                journal.add(keys[i], answer)
            self.tell(self.name, 1, len(asks), answer.completion_tokens if isinstance(answer, Answer) else 0)

    def _too_long(self, engine: Engine, ask: Ask) -> Failed | None:
        if engine.context is None:
            return None
        tokens, room = engine.prompt_tokens(ask.messages), engine.context - (self.settings.limit or 1)
        if tokens is None or tokens <= room:
            return None
        return Failed(f"the prompt has {tokens:,} tokens, and the model takes {room:,} beside its answer", again=False)

    def _folder(self) -> str:
        return f"{self.settings.backend}-{key_of(self.settings, Ask((), 0))[:12]}"

    def engine(self) -> Engine:
        """Open the engine, or take the one that is open already."""
        wanted = repr((self.settings.backend, self.settings.model, self.settings.engine, self.settings.address))
        if wanted not in _open:
            close_all()
            _open[wanted] = self.open()
        return _open[wanted]


def close_all() -> None:
    """Close every open engine."""
    while _open:
        with suppress(Exception):  # an engine that died is closed enough
            _open.popitem()[1].close()
