"""A generator: a backend with its settings, opened when it is first asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Generator as Yields
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curate.models.generators.ask import Answer, Ask, Engine, Failed, Result, Settings, encodable
from curate.models.generators.engines import ask_one, ask_several, models
from curate.models.generators.journal import Journal, key_of, keys_of
from curate.thoughts import split

Progress = Callable[[str, int, int, int], None]  # (generator, answers done now, asks in all, tokens done now)

_models: dict[Hashable, Engine] = {}  # one at a time: a model fills the memory
_servers: dict[Hashable, Engine] = {}


@dataclass
class Generator:
    """A named backend with its settings.

    `open` makes its engine. Generators that differ in nothing but sampling share one engine, and only one engine that
    holds a model is in memory at a time; one that asks a server holds none, and belongs to its generator. `journal` is
    the folder where answers are kept; a run sets it, and `tell`. Without a folder they are kept in memory.
    """

    settings: Settings
    open: Callable[[], Engine] = field(repr=False)
    name: str = ""
    journal: Path | None = None
    tell: Progress = field(default=lambda name, done, asked, tokens: None, repr=False)
    _journal: Journal | None = field(default=None, init=False, repr=False, compare=False)

    def describe(self) -> dict[str, Any]:
        """Describe the generator as data, for keys and the manifest; nothing secret is in it."""
        return asdict(self.settings)

    def ask(self, asks: Sequence[Ask]) -> list[Result]:
        """Get one answer, or the reason why there is none, for every ask, in their order.

        Answers that the journal holds are not asked for again, and asks that are the same in everything are asked once.
        Prompts too long for the engine never reach it. Whatever ends it, the answers that came are kept. Raise
        GeneratorError when the engine cannot be opened or an answer cannot be written down.
        """
        keys = keys_of(self.settings, asks)
        times = Counter(keys)
        with closing(self._opened_journal()) as journal:
            results: dict[str, Result] = {key: journal.answers[key] for key in times if key in journal.answers}
            self.tell(self.name, sum(times[key] for key in results), len(asks), 0)
            missing = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in results}
            with closing(self._answers(missing)) as answers:
                for key, result in answers:
                    results[key] = result = storable(result)
                    tokens = 0
                    if isinstance(result, Answer):
                        journal.add(key, result)
                        tokens = result.completion_tokens
                    self.tell(self.name, times[key], len(asks), tokens)
        nothing = Failed("the engine gave no answer to it", again=True)
        return [apart(ask, results.get(key, nothing)) for key, ask in zip(keys, asks, strict=True)]

    def missing(self, asks: Sequence[Ask]) -> list[Ask]:
        """List what `ask` would send to the engine: each ask once, and none that the journal has an answer to."""
        with closing(self._opened_journal()) as journal:
            by_key = dict(zip(keys_of(self.settings, asks), asks, strict=True))
            return [ask for key, ask in by_key.items() if key not in journal.answers]

    def _answers(self, asks: Mapping[str, Ask]) -> Yields[tuple[str, Result], None, None]:
        """Ask the engine, or several side by side; yield the results by key, as they come."""
        if not asks:
            return
        keys, questions = list(asks), list(asks.values())
        if models(self.settings) > 1:
            _close(_models)  # one on this machine may hold a GPU
            for position, result in ask_several(self.open, self.settings, questions):
                yield keys[position], result
            return
        engine = self.engine()
        try:
            for position, result in ask_one(engine, self.settings, questions):
                yield keys[position], result
        except BaseException:
            # What it was doing is unfinished: the next ask must not meet an engine that is still at it.
            self._forget(engine)
            raise

    def _opened_journal(self) -> Journal:
        folder = self.journal and self.journal / self._folder()
        if self._journal is None or self._journal.folder != folder:
            self._journal = Journal(folder)
        else:
            self._journal.refresh()
        return self._journal

    def _folder(self) -> str:
        model = re.sub(r"[^A-Za-z0-9.]+", "-", self.settings.model)[-40:].strip("-.")
        return f"{self.settings.backend}-{model}-{key_of(self.settings, Ask((), 0))[:12]}"

    def engine(self) -> Engine:
        """Open the engine, or take the one that is open already."""
        settings = self.settings
        if settings.address is not None:
            if self.open not in _servers:
                _servers[self.open] = self.open()
            return _servers[self.open]
        key = repr((settings.backend, settings.model, settings.weights, settings.engine))
        if key not in _models:
            _close(_models)
            _models[key] = self.open()
        return _models[key]

    def _forget(self, engine: Engine) -> None:
        for engines in (_models, _servers):
            for key in [key for key, one in engines.items() if one is engine]:
                _close({key: engines.pop(key)})


def apart(ask: Ask, result: Result) -> Result:
    """Take the thoughts out of an answer's text, where the engine has not; a form that was asked for has none.

    The journal holds what the engine said, so that older answers come apart too.
    """
    if isinstance(result, Failed) or ask.schema is not None or ask.labels is not None:
        return result
    parts = split(result.text)
    # An engine that takes thoughts apart may leave them in the text as well, and nothing else there is a thought.
    if parts.answer == result.text or result.thinking not in (None, parts.thinking):
        return result
    return result._replace(text=parts.answer or "", thinking=parts.thinking)


def storable(result: Result) -> Result:
    """Refuse an answer that no file can hold: half a surrogate pair, which JSON can spell and UTF-8 cannot."""
    if isinstance(result, Answer) and not encodable(result.text + (result.thinking or "")):
        return Failed("the reply's text holds half a character (a surrogate such as \\ud83d)", again=False)
    return result


def close_all() -> None:
    """Close every open engine."""
    _close(_models)
    _close(_servers)


def _close(engines: dict[Hashable, Engine]) -> None:
    while engines:
        with suppress(Exception):  # an engine that died is closed enough
            engines.popitem()[1].close()
