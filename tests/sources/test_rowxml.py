"""The XML reader: every sound row is read whatever stands around it, and what is broken has its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.sources.stackexchange.archive import DamagedError
from curate.sources.stackexchange.rowxml import Broken, read_rows

HEAD = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
TAIL = b"</posts>"


def row(number: int, body: str = "b") -> bytes:
    return f'  <row Id="{number}" Body="{body}" />\n'.encode()


def read(xml: bytes, step: int = 2**20) -> tuple[list[int], list[Broken]]:
    """Read in chunks of `step` bytes, checking every place against the bytes that stand there."""
    ids, broken = [], []
    for rows in read_rows(xml[start : start + step] for start in range(0, len(xml), step)):
        for start, end, attributes in zip(rows.starts, rows.ends(), rows.attributes, strict=True):
            assert xml[start:end] == rows.raw(start, end)
            assert xml[start:end].startswith(f'<row Id="{attributes["Id"]}"'.encode())
            assert xml[start:end].endswith(b">")
            ids.append(int(attributes["Id"]))
        broken += rows.broken
    for lost in broken:
        assert xml[lost.start :].startswith(lost.raw[:10])
        assert lost.start + lost.size <= len(xml)
    return ids, broken


BROKEN = [
    pytest.param(b'  <row Id="2" Body="a \x01 control character" />\n', id="a control character"),
    pytest.param(b'  <row Id="2" Body="a &#x1; reference to one" />\n', id="a reference to a control character"),
    pytest.param(b'  <row Id="2" Body="2 < 3" />\n', id="an unescaped sign"),
    pytest.param(b'  <row Id="2" Body="<p>two</p>" />\n', id="unescaped markup"),
    pytest.param(b'  <row Id="2" Body="R&D" />\n', id="an unescaped ampersand"),
    pytest.param(b'  <row Id="2" Body="&boss;" />\n', id="an entity that nobody declared"),
    pytest.param(b'  <row Id="2" Body="no end />\n', id="a quote that is never closed"),
    pytest.param(b'  <row Id="2" Body=no start" />\n', id="a quote that is never opened"),
    pytest.param(b'  <row Id="2" Id="2" Body="b" />\n', id="an attribute twice"),
    pytest.param(b'  <row Id="2" Body="\xff\xfe" />\n', id="bytes that are not UTF-8"),
    pytest.param(b'  <row Id="2" Body="cut in the mid\n', id="a line cut in the middle"),
    pytest.param(b"  <row\n", id="a line cut after its first word"),
]


@pytest.mark.parametrize("step", [1, 7, 2**20])
@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_row_costs_itself_only(line, step):
    xml = HEAD + row(1) + line + row(3) + row(4) + TAIL
    ids, [lost] = read(xml, step)
    assert ids == [1, 3, 4]
    assert lost.start == xml.index(b"<row", xml.index(line))
    assert lost.error.startswith("broken XML: ")


@pytest.mark.parametrize("step", [1, 2**20])
@pytest.mark.parametrize("line", BROKEN)
def test_broken_rows_one_after_the_other_first_and_last(line, step):
    ids, broken = read(HEAD + line + line + row(3) + line + TAIL, step)
    assert ids == [3]
    assert len(broken) == 3


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n\n   \t\r\n", id="white space"),
        pytest.param(b"<!-- a remark -->\n", id="a comment"),
        pytest.param(b"<note>other elements</note>\n", id="another element"),
        pytest.param(b'<row Id="2" Body="one > two, all on one line"/><row\n Id="3"\tBody="\n"></row>', id="odd but sound"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 3, 2**20])
def test_sound_xml_has_no_broken_row(between, step):
    ids, broken = read_loosely(HEAD + row(1) + between + row(4) + TAIL, step)
    assert ids[0] == 1
    assert ids[-1] == 4
    assert not broken


def read_loosely(xml: bytes, step: int) -> tuple[list[int], list[Broken]]:
    pieces = list(read_rows(xml[start : start + step] for start in range(0, len(xml), step)))
    ids = [int(row["Id"]) for piece in pieces for row in piece.attributes]
    return ids, [lost for piece in pieces for lost in piece.broken]


@pytest.mark.parametrize("step", [1, 2**20])
@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"Fatal & final: connection lost < here\n", id="a stray line"),
        pytest.param(b"</posts>\n", id="an end before the end"),
        pytest.param(TAIL + b"\n" + HEAD, id="two files, one after the other"),
        pytest.param(b"\x00" * 5000 + b"\n", id="a hole of zeros"),
    ],
)
def test_junk_between_rows_costs_no_row(junk, step):
    ids, [lost] = read(HEAD + row(1) + junk + row(2) + row(3) + TAIL, step)
    assert ids == [1, 2, 3]
    assert 0 < lost.size <= len(junk) + 2


@pytest.mark.parametrize("step", [1, 5, 2**20])
def test_a_file_cut_anywhere_keeps_its_complete_rows(step):
    whole = HEAD + row(1) + row(2, "äö &amp; &lt;") + row(3) + TAIL
    ends = [whole.index(b">", whole.index(f'Id="{n}"'.encode())) + 1 for n in (1, 2, 3)]
    for length in range(1, len(whole)):
        ids, [lost] = read(whole[:length], step)
        assert ids == [n for n, end in enumerate(ends, 1) if end <= length]
        inside = not whole[:length].rstrip().endswith(b">")
        if inside:
            assert lost.error == "file ends in the middle of a record"
            assert whole[lost.start : length].rstrip() == lost.raw
            assert lost.size == length - lost.start
        else:
            assert lost.error.startswith("file ends without its closing tag")
            assert (lost.start, lost.size) == (length, 0)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*(param.values[0] for param in BROKEN), b"", b"good"]), max_size=12), st.integers(1, 400)
)
def test_sound_and_broken_rows_in_any_order(lines, step):
    sound = [row(100 + n) if line == b"good" else line for n, line in enumerate(lines)]
    ids, broken = read(HEAD + b"".join(sound) + TAIL, step)
    assert ids == [100 + n for n, line in enumerate(lines) if line == b"good"]
    assert len(broken) == sum(line not in (b"", b"good") for line in lines)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_no_bytes_make_it_fail(junk, step):
    try:
        ids, broken = read_loosely(junk, step)
    except DamagedError:
        return
    assert not ids
    assert broken


def test_garbage_of_any_size_is_skipped_in_little_memory():
    chunks = iter([HEAD, b"& ", *([b"x" * 10_000 + b">"] * 50), b"\n" + row(5) + TAIL])
    pieces = []
    for piece in read_rows(chunks):
        assert len(piece.window) < 15_000
        pieces.append(piece)
    [lost] = [lost for piece in pieces for lost in piece.broken]
    assert lost.size > 500_000
    assert len(lost.raw) <= 2000


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(b'<!DOCTYPE posts SYSTEM "x.dtd"><posts/>', id="an external DTD"),
        pytest.param(b'<!DOCTYPE p [<!ENTITY a "b">]><p>&a;</p>', id="an entity of its own"),
        pytest.param(b"", id="no byte at all"),
    ],
)
def test_files_refused_whole(xml):
    with pytest.raises(DamagedError):
        read(xml)


def test_a_table_without_rows_is_sound():
    assert read(HEAD + TAIL) == ([], [])


def test_places_stay_right_beyond_what_a_32_bit_parser_counts(monkeypatch):
    from curate.sources.stackexchange import rowxml

    monkeypatch.setattr(rowxml, "_MODULO", 2**10 - 1)  # as if the count began anew every KB
    ids, broken = read(HEAD + b"".join(row(n, "x" * 100) for n in range(100)) + TAIL, step=64)
    assert (ids, broken) == (list(range(100)), [])
