"""A generator: a backend with its settings, opened when it is first asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curate.generators.contract import Answer, Ask, Engine, Failed, GeneratorError, Settings
from curate.generators.journal import Journal, key_of, keys_of

Told = Callable[[str, int, int, int], None]  # (generator, answers done now, answers asked in all, tokens done now)

_models: dict[Hashable, Engine] = {}  # at most one: it holds the memory
_servers: dict[Hashable, Engine] = {}


@dataclass
class Generator:
    """A named backend with its settings.

    `open` makes its engine. Generators that differ in nothing but sampling share one engine, and only one engine that
    holds a model is in memory at a time; a server's holds none, and is each generator's own. `journal` is the folder
    where answers are kept; a run sets it, and `tell`. Without a folder they are kept in memory, as long as the generator.
    """

    settings: Settings
    open: Callable[[], Engine] = field(repr=False)
    name: str = ""
    journal: Path | None = None
    tell: Told = field(default=lambda name, done, asked, tokens: None, repr=False)
    _kept: dict[str, Answer] = field(default_factory=dict, init=False, repr=False, compare=False)
    _journal: Journal | None = field(default=None, init=False, repr=False, compare=False)

    def describe(self) -> dict[str, Any]:
        """Describe the generator as data, for keys and the manifest; nothing secret is in it."""
        return asdict(self.settings)

    def ask(self, asks: Sequence[Ask]) -> list[Answer | Failed]:
        """Get one answer, or the reason why there is none, for every ask, in their order.

        Answers that the journal holds are not asked for again, and asks that are the same in everything are asked once;
        prompts too long for the engine never reach it. Whatever ends it, the answers it got stay. Raise GeneratorError
        when the engine cannot be opened, or an answer cannot be written down.
        """
        keys = keys_of(self.settings, asks)
        times = Counter(keys)
        with self._book() as journal:
            known = self._kept if journal is None else journal.known
            found: dict[str, Answer | Failed] = {key: known[key] for key in times if key in known}
            self.tell(self.name, sum(times[key] for key in found), len(asks), 0)
            for key, answer in self._ask_engine({k: a for k, a in zip(keys, asks, strict=True) if k not in found}):
                if isinstance(answer, Answer):
                    self._kept.__setitem__(key, answer) if journal is None else journal.add(key, answer)
                found[key] = answer
                self.tell(self.name, times[key], len(asks), _tokens(answer))
        nothing = Failed("the engine gave no answer to it", again=True)
        return [found.get(key, nothing) for key in keys]
