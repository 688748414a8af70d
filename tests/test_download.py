"""A file from the web arrives whole and as it should be, or not at all; a second start goes on where the first one was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from curate import download as library
from curate.download import Web, download, look
from curate.rows import SourceError
from tests.stores import Store, serve

pytest.importorskip("huggingface_hub")
ARCHIVE = b"7z\xbc\xaf\x27\x1c" + bytes(range(256)) * 4_000  # a megabyte, in some pieces
SHA1 = f"sha1:{hashlib.sha1(ARCHIVE, usedforsecurity=False).hexdigest()}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(library, "WAITS", (0.01,) * 2)


@pytest.fixture
def server() -> Iterator[Any]:
    """Serve a file; give what it can be told to do wrong, and what it was asked."""
    handler: Any = type("Handler", (Store,), {"cuts": [], "spans": [], "sent_bytes": []})
    with serve(handler, files := {"a.7z": ARCHIVE}) as (url, asked):
        handler.files, handler.asked, handler.url = files, asked, f"{url}/a.7z"
        yield handler


def test_a_file_arrives_whole_and_is_not_fetched_twice(server: Any, tmp_path: Path) -> None:
    to = tmp_path / "deep/a.7z"
    file = Web(server.url, len(ARCHIVE), SHA1)
    assert download(file, to) and to.read_bytes() == ARCHIVE
    asked = len(server.asked)
    assert not download(file, to) and len(server.asked) == asked
    assert [f.name for f in to.parent.iterdir()] == ["a.7z"]


@pytest.mark.parametrize("cuts", [[300_000], [300_000, 300_000, 300_000]])
def test_a_connection_that_breaks_is_gone_on_with_from_where_it_was(
    server: Any, tmp_path: Path, cuts: list[int]
) -> None:
    server.cuts.extend(cuts)
    assert download(Web(server.url, len(ARCHIVE), SHA1), tmp_path / "a.7z")
    assert (tmp_path / "a.7z").read_bytes() == ARCHIVE
    assert len([span for span in server.spans if span]) == len(cuts)
    assert sum(server.sent_bytes) < len(ARCHIVE) * 1.5  # nothing from the beginning


def test_where_a_server_has_no_ranges_it_is_fetched_from_the_beginning(server: Any, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts.extend([300_000, 300_000])
    assert download(Web(server.url, len(ARCHIVE), SHA1), tmp_path / "a.7z")
    assert (tmp_path / "a.7z").read_bytes() == ARCHIVE


def test_a_server_that_is_gone_leaves_what_came_and_the_next_start_goes_on(server: Any, tmp_path: Path) -> None:
    server.cuts.extend([300_000] + [0] * 30)
    words = (
        rf"{server.url} broke off after [23]\d\d,\d\d\d of 1,024,006 bytes \(.*\): these are kept, and the same command"
    )
    with pytest.raises(SourceError, match=words):
        download(Web(server.url, len(ARCHIVE), SHA1), tmp_path / "a.7z")
    [part] = tmp_path.iterdir()
    kept = part.stat().st_size
    server.cuts.clear()
    server.spans.clear()
    assert download(Web(server.url, len(ARCHIVE), SHA1), tmp_path / "a.7z")
    assert server.spans == [f"bytes={kept}-"]
    assert (tmp_path / "a.7z").read_bytes() == ARCHIVE


def test_what_was_left_of_another_file_is_not_gone_on_with(server: Any, tmp_path: Path) -> None:
    server.cuts.extend([300_000] + [0] * 30)
    with pytest.raises(SourceError):
        download(Web(server.url), tmp_path / "a.7z")
    server.cuts.clear()
    server.files["a.7z"] = ARCHIVE[:6] + ARCHIVE[:5:-1]  # replaced by one as large
    assert download(Web(server.url), tmp_path / "a.7z")
    assert (tmp_path / "a.7z").read_bytes() == server.files["a.7z"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("size", "checksum", "content", "message"),
    [
        pytest.param(len(ARCHIVE) + 1, SHA1, ARCHIVE, "has 1,024,006 bytes, where 1,024,007 are right", id="size"),
        pytest.param(len(ARCHIVE), SHA1, ARCHIVE[:-1] + b"!", f"its sha1 is [0-9a-f]+, where {SHA1[5:]} is right; it was removed", id="checksum"),
        pytest.param(None, None, b"<html>Please wait</html>", "it does not begin as a .7z file does", id="a page"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("heads", [True, False])
def test_a_wrong_file_never_appears(
    server: Any, tmp_path: Path, size: int | None, checksum: str | None, content: bytes, message: str, heads: bool
) -> None:
    server.files["a.7z"], server.heads = content, heads
    if not heads and size:
        message = f"({message})|broke off"
    with pytest.raises(SourceError, match=message):
        download(Web(server.url, size, checksum), tmp_path / "a.7z")
    assert not (tmp_path / "a.7z").exists()


@pytest.mark.parametrize("ask", [lambda url: look(Web(url)).size, library.read_json], ids=["look", "read JSON"])
def test_a_connection_that_was_lost_between_two_questions_is_asked_again(
    server: Any, ask: Callable[[str], Any]
) -> None:
    server.files["a.7z"] = b"7"
    server.cuts.extend([-1, -1])
    assert ask(server.url) in {1, 7}
    server.cuts.extend([-1, -1, -1])
    with pytest.raises(
        SourceError, match=r"a\.7z was not answered for \(RemoteProtocolError: .*\): look at the network"
    ):
        ask(server.url)


def test_a_file_of_ones_own_is_not_replaced(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(b"mine")
    with pytest.raises(
        SourceError, match=r"a\.7z is there, but it has 4 bytes, where 1,024,006 are right: move it away"
    ):
        download(Web(server.url, len(ARCHIVE), SHA1), tmp_path / "a.7z")
    assert (tmp_path / "a.7z").read_bytes() == b"mine" and server.asked == []


def test_what_a_server_does_not_say_stays_unknown(server: Any, tmp_path: Path) -> None:
    assert look(Web(server.url)).size == len(ARCHIVE)
    server.heads = False
    assert look(Web(server.url)).size is None
    assert download(Web(server.url), tmp_path / "a.7z") and (tmp_path / "a.7z").read_bytes() == ARCHIVE


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("{}/nothing.7z", r"there is no file for us at .*nothing\.7z \(the server says 404\)", id="no file"),
        pytest.param("http://127.0.0.1:1/a.7z", r"a\.7z was not answered for \(ConnectError: .*\): look at the network", id="no server"),
    ],
)  # fmt: skip
def test_no_answer_is_one_sentence(server: Any, tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        download(Web(url.format(server.url.removesuffix("/a.7z"))), tmp_path / "a.7z")
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_said_before_the_work(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(SourceError, match=r"needs 1,024,006 bytes, and .* has room for 10: make room there"):
        download(Web(server.url), tmp_path / "a.7z")


def test_a_machine_that_may_not_ask_is_told_why(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match=re.escape("was not asked for: HF_HUB_OFFLINE is set, which forbids it")):
        download(Web(server.url), tmp_path / "a.7z")
