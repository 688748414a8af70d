"""The journal: every answer is on disk as soon as it is there, so that a killed run asks nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from curate.generators.contract import Answer, Ask, Settings


def key_of(settings: Settings, ask: Ask) -> str:
    """Name an answer by all that it rests on: the generator's settings and what was asked."""
    text = json.dumps([asdict(settings), asdict(ask)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Journal:
    """A folder of append-only files, one a process; each line is one answer under its key.

    A line that a kill cut short is no answer: it is asked for again, and `torn` counts it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.known: dict[str, Answer] = {}
        self.torn = 0
        for file in sorted(folder.glob("*.jsonl")):
            self._read(file)
        self.path = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
        self._file: Any = None

    def _read(self, file: Path) -> None:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    key, answer = json.loads(line)
                    self.known[key] = Answer(**answer)
                except (ValueError, TypeError):
                    self.torn += 1

    def add(self, key: str, answer: Answer) -> None:
        """Write an answer down; it survives a kill of this process from here on."""
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(json.dumps([key, answer._asdict()], ensure_ascii=False) + "\n")
        self._file.flush()
        self.known[key] = answer

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
