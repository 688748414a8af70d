"""Chat servers on this machine: one that always gives the same answer to the same request, and hostile ones."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Reply = tuple[int, dict[str, str], bytes]  # status, headers, body


def text_of(body: dict[str, Any]) -> str:
    """Answer by a hash of the conversation and the seed."""
    asked = json.dumps([body["messages"], body.get("seed")], sort_keys=True)
    return f"Answer {hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def good(body: dict[str, Any], text: str | None = None, **choice: Any) -> Reply:
    """Write the reply of a server that works."""
    message = {"role": "assistant", "content": text_of(body) if text is None else text}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    one = {"index": 0, "finish_reason": "stop", "message": message} | choice
    return 200, {}, json.dumps({"id": "x", "object": "chat.completion", "choices": [one], "usage": usage}).encode()


def error(status: int, message: str = "no reason", headers: dict[str, str] | None = None, **more: Any) -> Reply:
    return status, headers or {}, json.dumps({"error": {"message": message, **more}}).encode()


class Dropped(Exception):
    """Close the connection; what was to come is cut in the middle when `half` is set."""

    def __init__(self, half: bytes = b"") -> None:
        self.half = half


class Chat(ThreadingHTTPServer):
    """Count the requests by what the user said; `reply(body, try)` writes each answer, `delay` seconds later."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, reply: Callable[[dict[str, Any], int], Reply], delay: float = 0, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.reply, self.delay = reply, delay
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.asked: Counter[str] = Counter()
        self.lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    server: Chat
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server, words = self.server, body["messages"][-1]["content"]
        with server.lock:
            server.bodies.append(body)
            server.headers.append(dict(self.headers))
            server.times.append(time.monotonic())
            server.asked[words] += 1
            tried = server.asked[words]
        try:
            status, headers, written = server.reply(body, tried)
        except Dropped as dropped:
            self.close_connection = True
            if dropped.half:
                self._head(200, {}, 2 * len(dropped.half))
                self.wfile.write(dropped.half)
            return
        time.sleep(server.delay)
        self._head(status, headers, len(written))
        self.wfile.write(written)

    def _head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Be silent."""


@contextmanager
def serving(reply: Callable[[dict[str, Any], int], Reply] | None = None, delay: float = 0) -> Iterator[Chat]:
    """Serve until the block ends; without `reply` every request gets its good answer."""
    with Chat(reply or (lambda body, tried: good(body)), delay) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asks(n: int, start: int = 0) -> list[Any]:
    """Make n asks, each with words and a seed of its own."""
    from curate.models.generators.ask import Ask

    return [Ask([{"role": "user", "content": f"Question {i}?"}], seed=i) for i in range(start, start + n)]
