"""Streams out of 7z: the bytes, all of them, a few at a time, and a clean end however it comes."""

from __future__ import annotations

import itertools
import random
import threading
import time
from contextlib import closing

import py7zr
import pytest

from curate.sources.stackexchange import archive
from curate.sources.stackexchange.archive import DamagedError, chunks

NOISE = random.Random(7).randbytes(2**20)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == archive.THREAD]


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as file:
        file.writestr(b"other", "Users.xml")
        file.writestr(NOISE, "deep/posts.xml")
        file.writestr(b"other", "Votes.xml")
    return path


def test_a_member_comes_out_in_order_and_alone(packed):
    pieces = list(chunks(packed, "Posts.xml"))
    assert b"".join(pieces) == NOISE
    assert max(map(len, pieces)) <= archive.CHUNK
    assert not threads()


def test_a_plain_file(tmp_path):
    path = tmp_path / "Posts.xml"
    path.write_bytes(NOISE)
    pieces = list(chunks(path, "Posts.xml"))
    assert b"".join(pieces) == NOISE
    assert max(map(len, pieces)) <= archive.CHUNK


@pytest.mark.parametrize("name", ["Posts.xml", "a.7z"])
def test_a_file_that_cannot_be_opened(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(DamagedError, match=r"cannot be read|is damaged"):
        list(chunks(tmp_path / name, "Posts.xml"))


@pytest.mark.slow
def test_decompression_waits_for_a_slow_reader_and_ends_when_it_leaves(packed, monkeypatch):
    made = []

    def endless(path, table, put):
        for number in itertools.count():
            put(b"chunk")
            made.append(number)

    monkeypatch.setattr(archive, "AHEAD", 2)
    monkeypatch.setattr(archive, "_decompress", endless)
    stream = chunks(packed, "Posts.xml")
    next(stream)
    time.sleep(0.3)
    assert len(made) <= 3  # one taken and two waiting
    stream.close()
    assert not threads()


def test_a_readers_own_error_ends_the_thread_and_is_not_hidden(packed):
    with pytest.raises(KeyError), closing(chunks(packed, "Posts.xml")) as stream:
        for _ in stream:
            raise KeyError("the reader's own")
    assert not threads()


def test_an_archive_with_a_password(tmp_path):
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w", password="secret") as file:
        file.writestr(NOISE, "Posts.xml")
    with pytest.raises(DamagedError, match="locked with a password"):
        list(chunks(path, "Posts.xml"))


@pytest.mark.parametrize("at", [0, 1, 12, 33, 1000, 2**19, -30, -5])
def test_a_byte_changed_anywhere_is_noticed(packed, at):
    data = bytearray(packed.read_bytes())
    data[at] ^= 0x55
    packed.write_bytes(data)
    with pytest.raises(DamagedError, match="damaged or cut short"):
        list(chunks(packed, "Posts.xml"))
    assert not threads()
