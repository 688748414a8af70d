"""Many calls at once: threads, what they may spend, and when no more are made."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from multiprocessing import TimeoutError as NoResult
from multiprocessing.pool import ThreadPool
from threading import Lock, Semaphore

from curate.models.generators.ask import Result


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
    call: Callable[[int], Result], count: int, concurrency: int, halt: Halt
) -> Generator[tuple[int, Result], None, None]:
    """Make calls 0 to `count` - 1, at most `concurrency` at once, and yield each result as it comes.

    A call counts as one of those at once until its result was taken, so a kill loses no more than `concurrency`
    answers. `call` itself heeds `halt`, which is set where the caller takes no more results.
    """
    slots = Semaphore(concurrency)

    def one(position: int) -> tuple[int, Result]:
        slots.acquire()
        return position, call(position)

    # Not concurrent.futures: it waits for its threads at the end of the program, and Ctrl-C would hang.
    pool = ThreadPool(max(1, min(count, concurrency)))
    try:
        results = pool.imap_unordered(one, range(count))
        while True:
            try:
                yield results.next(timeout=0.5)  # without a timeout Ctrl-C is not heard on Windows
            except NoResult:
                continue
            except StopIteration:
                return
            slots.release()
    finally:
        halt.halt("stopped by hand")  # a thread that waits to try again must not
        slots.release(concurrency)
        pool.terminate()
