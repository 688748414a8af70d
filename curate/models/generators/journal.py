"""The journal: every answer is on disk as soon as it is there, so that a killed run asks nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any

from curate.models.generators.ask import Answer, Ask, GeneratorError, Settings, encodable


def keys_of(settings: Settings, asks: Iterable[Ask]) -> list[str]:
    """Name each answer by all that it rests on: the generator's settings and what was asked.

    Raise GeneratorError where a setting is no plain value: it could be another one in the next run.

    >>> settings = Settings("openai", "small", sampling={"temperature": 0.7})
    >>> one, other = keys_of(settings, [Ask([{"role": "user", "content": "Hi"}], seed=seed) for seed in (1, 2)])
    >>> one == other, len(one)
    (False, 32)
    """
    about = hashlib.sha256(_json(asdict(settings)))
    keys = []
    for ask in asks:
        digest = about.copy()
        tools = [ask.tools] if ask.tools is not None else []  # what is not there names nothing: older answers count
        digest.update(_json([list(ask.messages), ask.seed, ask.schema, ask.labels, *tools]))
        keys.append(digest.hexdigest()[:32])
    return keys


def key_of(settings: Settings, ask: Ask) -> str:
    """Name one answer, as `keys_of` does."""
    return keys_of(settings, [ask])[0]


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise GeneratorError(f"a setting must be a plain value (text, number, list, mapping), and {value!r} is none")


def _checked(answer: Answer) -> Answer:
    """Give back an answer whose fields are of their types; raise ValueError for another."""
    texts, counts = [answer.text, answer.finish_reason, answer.thinking or ""], list(answer[2:4])
    counts += [] if answer.thinking_tokens is None else [answer.thinking_tokens]
    labels = [] if answer.labels is None else answer.labels.values()
    if not all(isinstance(text, str) and encodable(text) for text in texts):
        raise ValueError("a text of an answer is none")
    if not all(type(count) is int for count in counts) or not all(type(p) is float for p in labels):
        raise ValueError("a number of an answer is none")
    return answer


class Journal:
    """A folder of append-only files; each line is one answer under its key. Without a folder, a memory.

    A process writes into a file of its own, so any number of them may share the folder. A line goes to the operating
    system at once, which survives `kill -9` of the process; `close` has it put on the disk itself (fsync), so a power
    cut costs at most the answers since. A line that was cut short is no answer: it is asked for again. Where two
    processes asked the same at once, the answer in the older file stands for all later runs.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.answers: dict[str, Answer] = {}
        self._ends: dict[Path, int] = {}  # how far each file was read
        self._path: Path | None = None
        self._file: FileIO | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read what other processes added since the last look."""
        for file in sorted(self.folder.glob("*.jsonl")) if self.folder else []:
            if file != self._path and file.stat().st_size > self._ends.get(file, 0):
                self._read(file)

    def _read(self, file: Path) -> None:
        end = self._ends.get(file, 0)
        with file.open("rb") as lines:
            lines.seek(end)
            for line in lines:
                if not line.endswith(b"\n"):  # cut short, or being written just now
                    break
                end += len(line)
                with suppress(ValueError, TypeError, AttributeError, RecursionError):  # a line that holds no answer
                    key, answer = json.loads(line)
                    self.answers.setdefault(key, _checked(Answer(**answer)))
        self._ends[file] = end

    def add(self, key: str, answer: Answer) -> None:
        """Write an answer down; it survives a kill of this process from here on.

        Raise GeneratorError when it cannot be written: the disk is full, or the folder is read-only.
        """
        if self.folder is not None:
            self._write(self.folder, key, answer)
        self.answers[key] = answer

    def _write(self, folder: Path, key: str, answer: Answer) -> None:
        fields = {name: value for name, value in answer._asdict().items() if value is not None or name == "labels"}
        line = json.dumps([key, fields]).encode() + b"\n"
        try:
            if self._opened(folder).write(line) != len(line):
                raise OSError("No space left on device")  # a full disk may take a part of the line, without an error
        except OSError as error:
            self._leave()
            raise GeneratorError(
                f"an answer cannot be written into {folder}: {error.strerror or error}. The answers before it are "
                "kept: mend that and run the same command again"
            ) from error

    def _opened(self, folder: Path) -> FileIO:
        if self._file is None:
            if self._path is None or not self._path.stem.endswith(f"-{os.getpid()}"):  # a fork needs its own
                self._path = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
            folder.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(str(self._path), "a")  # not buffered: a line is one write
        return self._file

    def _leave(self) -> None:
        """Leave a file that failed, so that nothing comes to stand behind half a line."""
        with suppress(OSError):
            self.close()
        self._file = self._path = None

    def close(self) -> None:
        """Put on the disk what was added. The journal may go on all the same."""
        file, self._file = self._file, None
        if file is not None:
            with file:
                os.fsync(file.fileno())
