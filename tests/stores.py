"""Stores for tests: moto's S3, a little of Google's and of a hub, each a real server, and a wire that breaks."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

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
        self._die()

    def _die(self) -> None:
        self.dead = True
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes up the thread that accepts
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.server)
                for way, source, target in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._carry, args=(way, source, target), daemon=True).start()

    def _carry(self, way: str, source: socket.socket, target: socket.socket) -> None:
        carried = 0
        with suppress(OSError):
            while data := source.recv(2**14):
                carried = self.bytes[way] if self.dies else carried
                if self.dead or (carried + len(data) > self.limits[way] and self.left > 0):
                    self.left, self.drops = self.left - 1, self.drops + 1
                    if self.dies:
                        self._die()
                    break
                target.sendall(data)
                carried += len(data)
                self.bytes[way] += len(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class _Quiet(BaseHTTPRequestHandler):
    """Answers for a store that holds files by name, and never says on the screen that it did."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    asked: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, content: Any, status: int = 200, **headers: str) -> None:
        """Send JSON, or bytes, of these the range that was asked for."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if isinstance(content, bytes) and span and status == 200:
            status, (start, end) = 206, map(int, span.groups())
            headers["Content-Range"] = f"bytes {start}-{min(end, len(body) - 1)}/{len(body)}"
            body = body[start : end + 1]
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # gcsfs asks two questions, and hangs up when one is answered
            self.wfile.write(body if self.command != "HEAD" else b"")

    def question(self) -> tuple[str, dict[str, str]]:
        """Take an address apart: its path, as it is meant, and its parameters."""
        url = urlsplit(self.path)
        self.asked.append(f"{self.command} {self.path}")
        return unquote(url.path), {name: values[0] for name, values in parse_qs(url.query).items()}

    def sent(self) -> bytes:
        """Read the body of a question."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


class Google(_Quiet):
    """As much of Google Cloud Storage's JSON API as gcsfs asks for: list, look, read, write, remove."""

    def described(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        generation = str(zlib.crc32(content))
        return {
            "kind": "storage#object",
            "bucket": "bucket",
            "name": name,
            "size": str(len(content)),
            "generation": generation,
        }

    def do_GET(self) -> None:
        path, more = self.question()
        name = path.partition("/b/bucket/o/")[2]
        if path.rstrip("/").endswith("/b/bucket"):
            self.answer({"kind": "storage#bucket", "name": "bucket"})
        elif path.endswith("/b/bucket/o"):
            names = sorted(n for n in self.files if n.startswith(more.get("prefix", "")))
            below = {n: n[len(more.get("prefix", "")) :] for n in names}
            deep = {n for n in names if more.get("delimiter") and "/" in below[n]}
            folders = sorted({more.get("prefix", "") + below[n].partition("/")[0] + "/" for n in deep})
            items = [self.described(n) for n in names if n not in deep]
            self.answer({"kind": "storage#objects", "items": items, "prefixes": folders})
        elif name not in self.files:
            self.answer({"error": {"code": 404, "message": "Not Found"}}, 404)
        elif more.get("alt") == "media":
            self.answer(self.files[name])
        else:
            self.answer(self.described(name))

    def do_POST(self) -> None:
        _, description, content, _ = self.sent().split(b"--==0==", 3)
        name = json.loads(description.partition(b"\n\n")[2])["name"]
        self.files[name] = content.partition(b"\n\n")[2].removesuffix(b"\n")
        self.question()
        self.answer(self.described(name))

    def do_DELETE(self) -> None:
        del self.files[self.question()[0].partition("/b/bucket/o/")[2]]
        self.answer(b"", 204)


class Hub(_Quiet):
    """As much of a hub as HfFileSystem asks for, with one data set, org/name, at one commit."""

    def described(self, name: str) -> dict[str, Any]:
        oid = hashlib.sha1(self.files[name], usedforsecurity=False).hexdigest()
        return {"type": "file", "path": name, "size": len(self.files[name]), "oid": oid}

    def do_GET(self) -> None:
        path, more = self.question()
        tree = re.fullmatch(r"/api/datasets/org/name/tree/main(?:/(.*))?", path)
        name = path.partition("/datasets/org/name/resolve/main/")[2]
        if re.fullmatch(r"/api/datasets/org/name(/revision/main)?", path):
            self.answer(
                {
                    "id": "org/name",
                    "sha": "0" * 40,
                    "siblings": [],
                    "private": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                }
            )
        elif tree:
            below = f"{tree[1]}/" if tree[1] else ""
            names = [n for n in sorted(self.files) if n.startswith(below)]
            if more["recursive"] == "false":
                folders = {below + n[len(below) :].partition("/")[0] for n in names if "/" in n[len(below) :]}
                names = [n for n in names if "/" not in n[len(below) :]]
            else:
                folders = set()
            listed = [{"type": "directory", "path": name, "oid": "0" * 40} for name in sorted(folders)]
            listed += map(self.described, names)
            self.answer(listed) if listed else self.missing("EntryNotFound")
        elif name in self.files:
            self.answer(self.files[name], ETag=f'"{self.described(name)["oid"]}"', **{"X-Repo-Commit": "0" * 40})
        else:
            self.missing("EntryNotFound" if "/org/name/" in path else "RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.question()
        sent = self.sent().decode()
        paths = json.loads(sent)["paths"] if sent.startswith("{") else parse_qs(sent)["paths"]
        self.answer([self.described(n) for n in paths if n in self.files])

    def missing(self, code: str) -> None:
        """Say what is not there as the hub does."""
        self.answer({"error": "not found"}, 404, **{"X-Error-Code": code})


@contextmanager
def serve(store: type[_Quiet], files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Run a store with these files on this machine; give its address, and what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (store,), {"files": files, "asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
