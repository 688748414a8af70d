"""Stores for tests: moto's S3 in a thread, with the real s3fs before it, and a wire between them that breaks."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

KEY = "AKIAIOSFODNN7EXAMPLE"


@contextmanager
def s3_server() -> Iterator[str]:
    """Run moto's S3 on this machine, and give its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class S3:
    """A bucket of one's own in a store, and the way that leads to it."""

    def __init__(self, url: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        import s3fs

        self.url, self.bucket, self.patch = url, bucket, monkeypatch
        for name, value in {
            "ACCESS_KEY_ID": KEY,
            "SECRET_ACCESS_KEY": "very-secret",
            "DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        self.by(url)
        self.fs = s3fs.S3FileSystem(endpoint_url=url, skip_instance_cache=True)
        self.fs.mkdir(bucket)

    def by(self, url: str) -> None:
        """Let all that follows go another way."""
        import s3fs

        self.patch.setenv("AWS_ENDPOINT_URL", url)
        s3fs.S3FileSystem.clear_instance_cache()

    def put(self, name: str, content: bytes) -> str:
        """Put a file there, and give its address."""
        self.fs.pipe_file(f"{self.bucket}/{name}", content)
        return f"s3://{self.bucket}/{name}"

    def files(self, name: str) -> dict[str, bytes]:
        """Read all files below a name."""
        self.fs.invalidate_cache()
        base = f"{self.bucket}/{name}"
        return {path.removeprefix(f"{base}/"): self.fs.cat_file(path) for path in self.fs.find(base)}


class Wire:
    """A wire to a server, which breaks: it drops a connection after so many bytes, so many times, or is dead then.

    `bytes` counts what went over it, up to the server and down from it; `drops` how often it broke.
    """

    def __init__(
        self, url: str, *, up: int = 2**40, down: int = 2**40, drops: float = float("inf"), dead: bool = False
    ):
        host, port = url.removeprefix("http://").split(":")
        self.server, self.limits, self.left, self.dies = (host, int(port)), {"up": up, "down": down}, drops, dead
        self.bytes, self.drops, self.dead = {"up": 0, "down": 0}, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.dead:
                    client.close()
                    continue
                server = socket.create_connection(self.server)
                for way, source, target in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._carry, args=(way, source, target), daemon=True).start()

    def _carry(self, way: str, source: socket.socket, target: socket.socket) -> None:
        carried = 0
        with suppress(OSError):
            while data := source.recv(2**14):
                if self.dead or (carried + len(data) > self.limits[way] and self.left > 0):
                    self.left, self.drops, self.dead = self.left - 1, self.drops + 1, self.dies
                    break
                target.sendall(data)
                carried += len(data)
                self.bytes[way] += len(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
