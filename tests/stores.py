"""Stores for tests: moto's S3, a little of Google's and of a hub, each a real server, and a wire that breaks."""

from __future__ import annotations

import base64
import hashlib
import io
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
import yaml

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
        """Read the body of a question, which may come in pieces (RFC 9112, 7.1)."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while length := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)


class Store(_Quiet):
    """Any server of files, and what goes wrong with one.

    The next answers end after as many bytes as `cuts` says, the connection with them. `spans` lists the ranges that
    were asked for, `sent_bytes` how many bytes each answer had. Where `cuts` says -1, a question gets no answer.
    """

    cuts: list[int]
    spans: list[str | None]
    sent_bytes: list[int]
    ranges, heads = True, True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, _ = self.question()
        if self.cuts[:1] == [-1]:
            self.cuts.pop(0)
            self.close_connection = True
            return
        content = self.files.get(path.removeprefix("/"))
        if content is None or (self.command == "HEAD" and not self.heads):
            self.answer({}, 404 if content is None else 405)
            return
        mark = f'"{zlib.crc32(content)}"'
        span = self.headers.get("Range")
        whole = not self.ranges or span is None or self.headers.get("If-Range", mark) != mark
        start = 0 if whole else int(re.sub(r"\D", "", span))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", mark)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            cut = self.cuts.pop(0) if self.cuts else None
            piece = content[start:] if cut is None else content[start : start + cut]
            self.spans.append(span)
            self.sent_bytes.append(len(piece))
            self.wfile.write(piece)
            self.close_connection = cut is not None


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
        tree = re.fullmatch(r"/api/datasets/org/name/tree/(?:main|[0-9a-f]{40})(?:/(.*))?", path)
        file = re.fullmatch(r"/datasets/org/name/resolve/(?:main|[0-9a-f]{40})/(.*)", path)
        name = file[1] if file else ""
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


TOKEN = "hf_of_somebody"  # not of a shape that a real one has


class Writable(Hub):
    """A hub that takes sets of org: made, asked for what it has, uploads of large files, one commit of all.

    `sets` says which data sets there are, and whether each is private; `large` holds what was uploaded and `commits`
    what was committed. It drops the connection of the next requests to the paths in `drops`, once each; of a commit
    behind the work. `refuses` answers requests to a path with a status.
    """

    sets: dict[str, bool]
    large: dict[str, bytes]
    commits: list[dict[str, Any]]
    drops: list[str]
    refuses: dict[str, int]

    def sha(self) -> str:
        return f"{len(self.commits):040x}"

    def breaks(self, path: str, sent: int = 0) -> bool:
        part = next((part for part in self.drops if part in path), None)
        if part is None:
            return False
        self.drops.remove(part)
        self.rfile.read(sent)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection, self.wfile = True, io.BytesIO()
        return True

    def refused(self, path: str) -> bool:
        status = next((status for part, status in self.refuses.items() if part in path), None)
        if self.headers.get("Authorization") not in {f"Bearer {TOKEN}", None}:
            status = 401
        if status:
            self.answer({"error": "You have no rights here."}, status)
        return status is not None

    def do_GET(self) -> None:
        if self.path.startswith("/api/datasets/org/name") and "/tree/" not in self.path:
            self.question()
            if self.refused(self.path):
                return
            if "org/name" not in self.sets:
                self.missing("RepoNotFound")
                return
            siblings = [{"rfilename": name} for name in self.files]
            facts = {"id": "org/name", "sha": self.sha(), "private": self.sets["org/name"], "siblings": siblings}
            self.answer({**facts, "tags": [], "downloads": 0, "likes": 0})
        else:
            super().do_GET()

    def do_PUT(self) -> None:
        path, _ = self.question()
        if self.breaks(path, sent=1_000):
            return
        content = self.sent()
        assert hashlib.sha256(content).hexdigest() == path.rpartition("/")[2]
        self.large[path.rpartition("/")[2]] = content
        self.answer({})

    def do_POST(self) -> None:
        path, _ = self.question()
        if not path.endswith("/commit/main") and self.breaks(path):
            return
        sent = self.sent()
        if self.refused(path):
            return
        if path == "/api/validate-yaml":
            self.answer(*validated(json.loads(sent)["content"]))
        elif path == "/api/repos/create":
            wanted = json.loads(sent)
            name = f"{wanted['organization'] or 'org'}/{wanted['name']}"
            status = 409 if name in self.sets else 403 if not name.startswith("org/") else 200
            if status == 200:
                self.sets[name] = wanted.get("visibility") == "private"
            self.answer({"url": f"http://{self.headers['Host']}/datasets/{name}", "error": "no such owner"}, status)
        elif path == "/api/datasets/org/name/preupload/main":
            asked = json.loads(sent)["files"]
            self.answer({"files": [{**file, "shouldIgnore": False, **self.way(file["path"])} for file in asked]})
        elif path == "/datasets/org/name.git/info/lfs/objects/batch":
            self.answer({"transfer": "basic", "objects": [self.place(one) for one in json.loads(sent)["objects"]]})
        elif path == "/api/datasets/org/name/commit/main":
            self.take([json.loads(line) for line in sent.splitlines()])
            if not self.breaks(path):
                url = f"http://{self.headers['Host']}/datasets/org/name/commit/{self.sha()}"
                self.answer({"commitUrl": url, "commitOid": self.sha()})
        else:
            self.rfile = io.BytesIO(sent)
            super().do_POST()

    def way(self, name: str) -> dict[str, Any]:
        """Say how a file is sent, and what is there of that name: its sha256, or its hash in git."""
        large = name.endswith(".parquet")
        content = self.files.get(name)
        if content is None:
            return {"uploadMode": "lfs" if large else "regular"}
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        return {
            "uploadMode": "lfs" if large else "regular",
            "oid": hashlib.sha256(content).hexdigest() if large else git,
        }

    def place(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Say where the content of a large file is put, unless it is there."""
        if wanted["oid"] in self.large:
            return wanted
        return {**wanted, "actions": {"upload": {"href": f"http://{self.headers['Host']}/large/{wanted['oid']}"}}}

    def take(self, lines: list[dict[str, Any]]) -> None:
        values = {
            kind: [line["value"] for line in lines if line["key"] == kind] for kind in ("header", "file", "lfsFile")
        }
        self.files |= {file["path"]: base64.b64decode(file["content"]) for file in values["file"]}
        self.files |= {file["path"]: self.large[file["oid"]] for file in values["lfsFile"]}
        self.commits.append(values["header"][0])


def validated(card: str) -> tuple[dict[str, Any], int]:
    """Look at a card by some of the hub's rules (docs/hub/datasets-cards and repositories-licenses of its docs)."""
    data = yaml.safe_load(card.split("---\n")[1]) if card.startswith("---\n") else None
    if data is None:
        return {"warnings": [{"message": "empty or missing yaml metadata in repo card"}], "errors": []}, 200
    errors = [
        f'"{name}" must be a {kind.__name__}'
        for name, kind in {
            "pretty_name": str,
            "license": str,
            "tags": list,
            "size_categories": list,
            "configs": list,
        }.items()
        if not isinstance(data.get(name, kind()), kind)
    ]
    if data.get("license") == "other" and "license_name" not in data:
        errors.append('"license_name" is missing')
    names = [config["config_name"] for config in data.get("configs", [])]
    if len(set(names)) < len(names):
        errors.append('"configs" has two of one name')
    return {"warnings": [], "errors": [{"message": line} for line in errors]}, 400 if errors else 200


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
