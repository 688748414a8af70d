"""Files of a source: what a path stands for, and the lines of packed, cut and damaged files."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from pathlib import Path

import polars as pl
import pytest

from curate.rows import Bad, SourceMissing
from curate.sources import files, jsonl, parquet

TEXT = b'{"prompt": "one"}\n\n{"prompt": "two"}\n' * 400


def names(path: Path) -> list[str]:
    return [part.name for part in files.parts(path, (".jsonl", ".zst"), lambda file, rows: iter(()))]


def read(file: Path) -> list[files.Line]:
    lines = list(files.lines(file))
    assert not any(isinstance(line, Bad) for line in lines)
    return [line for line in lines if isinstance(line, files.Line)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jsonl", "a.JSONL.gz", "sub/c.jsonl", "RC_2019-01.zst", "notes.txt", ".hidden.jsonl", "d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param(".", ["RC_2019-01.zst", "a.JSONL.gz", "b.jsonl", "sub/c.jsonl"], id="a folder: its files of that kind"),
        pytest.param("notes.txt", ["notes.txt"], id="a file is read whatever it ends in"),
        pytest.param("*.jsonl", ["b.jsonl"], id="a glob in one folder leaves hidden files and others alone"),
        pytest.param("**/*.jsonl", ["b.jsonl", "sub/c.jsonl"], id="a glob through folders"),
        pytest.param("[ab]*", ["a.JSONL.gz", "b.jsonl"], id="a glob takes any ending"),
    ],
)  # fmt: skip
def test_a_path_is_a_file_a_folder_or_a_glob(folder: Path, path: str, found: list[str]) -> None:
    assert names(folder / path) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("gone.jsonl", "there is no file", id="a file that is not there"),
        pytest.param("gone*.jsonl", "no file matches", id="a glob that finds nothing"),
        pytest.param("empty", "holds no file ending in .jsonl", id="a folder with nothing to read"),
    ],
)
def test_what_is_not_there_is_missing(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing, match=said):
        names(tmp_path / path)


def zst(text: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard").ZstdCompressor().compress(text)
    return packed


def zst_of_two_frames(text: bytes) -> bytes:
    return zst(text[:1000]) + zst(text[1000:])


def zst_with_a_long_window(text: bytes) -> bytes:
    """Pack as Pushshift does; the size is left out, so the window is what the header says."""
    zstandard = pytest.importorskip("zstandard")
    how = zstandard.ZstdCompressionParameters(window_log=29, enable_ldm=False, hash_log=12, chain_log=12)
    packer = zstandard.ZstdCompressor(compression_params=how).compressobj()
    return bytes(packer.compress(text) + packer.flush())


PACKED = [
    pytest.param("a.jsonl", bytes, id="plain"),
    pytest.param("a.jsonl.gz", gzip.compress, id="gzip"),
    pytest.param("a.jsonl.bz2", bz2.compress, id="bzip2"),
    pytest.param("a.jsonl.xz", lzma.compress, id="xz"),
    pytest.param("a.zst", zst, id="zstd"),
    pytest.param("a.zst", zst_of_two_frames, id="zstd, two frames"),
    pytest.param("a.zst", zst_with_a_long_window, id="zstd, a window of 512 MiB"),
]


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_lines_of_any_packing(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(b"\xef\xbb\xbf" + TEXT))
    lines = read(tmp_path / name)
    assert [line.number for line in lines] == [i for i in range(1, 1201) if i % 3 != 2]
    assert {line.raw for line in lines} == {b'{"prompt": "one"}\n', b'{"prompt": "two"}\n'}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pack"), PACKED[1:])
def test_a_packed_file_cut_short_keeps_what_is_there_and_says_where_it_ends(tmp_path, name, pack):
    text = b"".join(b'{"prompt": "%d"}\n' % (i * 7919 % 100_003) for i in range(60_000))
    packed = pack(text)
    (tmp_path / name).write_bytes(packed[: len(packed) * 2 // 3])
    *lines, last = files.lines(tmp_path / name)
    whole = b"".join(line.raw for line in lines if isinstance(line, files.Line) and line.raw.endswith(b"\n"))
    assert whole == text[: len(whole)]
    assert isinstance(last, Bad)
    assert last.where == f"after line {len(lines)}"
    assert last.error.startswith("the file is damaged here and cannot be read on")
    assert last.size == (tmp_path / name).stat().st_size


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.xz", "a.zst"])
def test_a_file_that_is_not_packed_as_its_name_says_is_one_bad_record(tmp_path, name):
    if name == "a.zst":
        pytest.importorskip("zstandard")
    (tmp_path / name).write_bytes(b"abc")
    [bad] = files.lines(tmp_path / name)
    assert isinstance(bad, Bad)
    assert (bad.where, bad.size) == ("after line 0", 3)


def test_an_empty_file_is_one_bad_record(tmp_path):
    (tmp_path / "a.jsonl").touch()
    assert list(files.lines(tmp_path / "a.jsonl")) == [
        Bad(str(tmp_path / "a.jsonl"), "line 1", "the file is empty", "", 0)
    ]


def test_a_line_longer_than_any_record_is_cut_and_counted_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_RECORD", 100)
    (tmp_path / "a.jsonl").write_bytes(b"x" * 250 + b"\n" + b"y" * 99 + b"\n" + b"z" * 100)
    sizes = [(line.number, len(line.raw), line.size) for line in read(tmp_path / "a.jsonl")]
    assert sizes == [(1, 100, 251), (2, 100, 100), (3, 100, 100)]


def test_the_raw_text_of_a_bad_record_is_cut_and_shows_broken_bytes(tmp_path):
    bad = files.bad(tmp_path, "line 3", "why", b"\xff" + b"a" * 3000)
    assert bad.raw.startswith("\\xffaaa")
    assert (len(bad.raw), bad.size) == (500, 3001)


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_a_batch_says_what_share_of_its_file_is_read(tmp_path, name, pack):
    lines = "".join(f'{{"prompt": "{hashlib.sha256(b"%d" % i).hexdigest() * 4}"}}\n' for i in range(20_000))
    (tmp_path / name).write_bytes(pack(lines.encode()))
    *shares, last = [batch.share for batch in jsonl(tmp_path / name)[0].read(2_000)]
    early = [share or 0 for share in shares]
    assert early == sorted(early) and all(0.05 < share <= 1 for share in early) and early[0] < 0.5
    assert last in (None, 1.0), "of the last batch the file is closed"
    assert files.position(tmp_path / name) is None


def test_a_batch_of_parquet_says_it_by_rows(tmp_path):
    pl.DataFrame({"prompt": [str(i) for i in range(5_000)]}).write_parquet(tmp_path / "a.parquet")
    assert [batch.share for batch in parquet(tmp_path / "a.parquet")[0].read(2_000)] == [0.4, 0.8, 1.0]
