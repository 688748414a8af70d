"""Many calls at once: threads, what they may spend, and when no more are made."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeAlias

from curate.models.generators.ask import Answer, Failed

Given: TypeAlias = Answer | Failed


class Halted(Exception):
    """Say in words why no more calls are made."""


@dataclass
class Budget:
    """What may be spent in all: requests (each try is one) and tokens (of prompts and answers, as the server counts).

    >>> budget = Budget(max_requests=1)
    >>> budget.take()
    >>> budget.take()
    Traceback (most recent call last):
    curate.models.generators.calls.Halted: the budget of 1 requests (max_requests) is spent
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    requests: int = 0
    tokens: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self) -> None:
        """Take one request; raise Halted when there is none left."""
        with self._lock:
            if self.max_requests is not None and self.requests >= self.max_requests:
                raise Halted(f"the budget of {self.max_requests:,} requests (max_requests) is spent")
            if self.max_tokens is not None and self.tokens >= self.max_tokens:
                raise Halted(f"the budget of {self.max_tokens:,} tokens (max_tokens_spent) is spent")
            self.requests += 1

    def spend(self, tokens: int) -> None:
        """Count the tokens of an answer."""
        with self._lock:
            self.tokens += tokens


@dataclass
class Halt:
    """Why no more calls are made, once there is a reason; the first one stands."""

    reason: str | None = None

    def halt(self, reason: str) -> None:
        """Make no more calls."""
        self.reason = self.reason or reason

    def check(self) -> None:
        """Raise Halted when no more calls are to be made."""
        if self.reason is not None:
            raise Halted(self.reason)


def many(
    call: Callable[[int], Given], count: int, concurrency: int, halt: Halt
) -> Generator[tuple[int, Given], None, None]:
    """Make calls 0 to `count` - 1, at most `concurrency` at once, and yield each answer as it comes.

    A call counts as one of those at once until its answer was taken down, so a kill loses no more than `concurrency`
    answers. After a halt the calls not yet made are Failed, to be made another time.
    """
    todo: SimpleQueue[int | None] = SimpleQueue()
    done: SimpleQueue[tuple[int, Given | BaseException]] = SimpleQueue()
    # Not a pool of the standard library: it waits for its threads at the end of the program, and Ctrl-C would hang.
    threads = [Thread(target=_work, args=(call, todo, done), daemon=True) for _ in range(min(count, concurrency))]
    for thread in threads:
        thread.start()
    positions, flying = iter(range(count)), 0
    try:
        while True:
            for position in islice(positions, 0 if halt.reason else len(threads) - flying):
                todo.put(position)
                flying += 1
            if not flying:
                break
            position, given = _next(done)
            flying -= 1
            if isinstance(given, BaseException):
                raise given
            yield position, given
    finally:
        if flying:
            halt.halt("stopped by hand")  # a thread that waits to try again must not
        for _ in threads:
            todo.put(None)
    for thread in threads:
        thread.join()
    for position in positions:
        yield position, Failed(halt.reason or "not asked", again=True)


def _work(
    call: Callable[[int], Given], todo: SimpleQueue[int | None], done: SimpleQueue[tuple[int, Given | BaseException]]
) -> None:
    while (position := todo.get()) is not None:
        try:
            done.put((position, call(position)))
        except BaseException as error:  # it belongs to the thread that asked
            done.put((position, error))


def _next(done: SimpleQueue[tuple[int, Given | BaseException]]) -> tuple[int, Given | BaseException]:
    while True:
        with suppress(Empty):
            return done.get(timeout=0.5)  # without a timeout Ctrl-C is not heard on Windows
