"""Whole dumps, invented and real: rows, order, accounting, and what a broken file costs."""

from __future__ import annotations

import gc
import importlib
import itertools
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import polars as pl
import py7zr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate import spill
from curate.rows import Bad
from curate.sources.stackexchange import archive as _archive
from curate.sources.stackexchange import stackexchange
from tests.sources.own import read_all

module = importlib.import_module("curate.sources.stackexchange")  # the package has a function of this name


def row(**attributes: object) -> str:
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />"


def question(number: int, **more: object) -> str:
    return row(**{"Id": number, "PostTypeId": 1, "Score": 5, "Title": f"title {number}", "Body": "<p>why?</p>", **more})


def answer(number: int, to: int, score: int = 1, **more: object) -> str:
    return row(**{"Id": number, "PostTypeId": 2, "ParentId": to, "Score": score, "Body": f"<p>a{number}</p>", **more})


def xml(*rows: str) -> bytes:
    text = '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<posts>\r\n' + "".join(f"{line}\r\n" for line in rows)
    return (text + "</posts>").encode()


def folder(path: Path, *rows: str, site: str = "tea.stackexchange.com") -> Path:
    (path / site).mkdir(parents=True)
    (path / site / "Posts.xml").write_bytes(xml(*rows))
    return path / site


def archive(path: Path, content: bytes, member: str = "Posts.xml") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with py7zr.SevenZipFile(path, "w") as file:
        file.writestr(b"<badges></badges>", "Badges.xml")
        file.writestr(content, member)
        file.writestr(b"<users></users>", "Users.xml")
    return path


def read(path: Path, batch_rows: int = 100, sites: Any = None) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(stackexchange(path, sites=sites), batch_rows)


THREADS = [
    question(1, AcceptedAnswerId=3, Tags="<green><black-tea>", CreationDate="2012-01-01T00:00:00.000"),
    answer(2, to=1, score=7),
    answer(3, to=1, score=7, CreationDate="2019-01-01T10:00:00.000"),
    answer(4, to=1, score=9, ContentLicense="CC BY-SA 4.0"),
    question(5, Tags="|milk|", CreationDate="2010-01-01T00:00:00.000"),
    row(Id=6, PostTypeId=5, Score=0, Body="a tag wiki"),
]


def test_a_row_is_a_question_with_its_best_answer_and_the_others_beside_it(tmp_path):
    rows, bad = read(folder(tmp_path, *THREADS))
    assert not bad
    assert rows.to_dicts()[0] == {
        "domain": "tea.stackexchange.com",
        "prompt": None,
        "response": "<p>a4</p>",
        "score": 9.0,
        "license": "CC BY-SA 4.0",
        "url": "https://tea.stackexchange.com/a/4",
        "title": "title 1",
        "body": "<p>why?</p>",
        "tags": ["green", "black-tea"],
        "question_score": 5,
        "closed": None,
        "accepted": False,
        "answers": [
            {"response": "<p>a2</p>", "score": 7.0, "license": None},
            {"response": "<p>a3</p>", "score": 7.0, "license": "CC BY-SA 4.0"},
        ],
        "question_id": 1,
        "answer_id": 4,
    }


def test_a_question_without_an_answer_is_a_row_without_a_response(tmp_path):
    rows, _ = read(folder(tmp_path, *THREADS))
    empty = rows.row(1, named=True)
    assert empty["answers"] == []
    assert {empty[name] for name in ("response", "score", "accepted", "answer_id")} == {None}
    assert (empty["tags"], empty["license"]) == (["milk"], "CC BY-SA 2.5")
    assert empty["url"] == "https://tea.stackexchange.com/q/5"


def test_a_part_says_which_files_it_depends_on(tmp_path):
    [part] = stackexchange(folder(tmp_path, *THREADS))
    assert (part.name, part.files) == ("tea.stackexchange.com", (tmp_path / "tea.stackexchange.com" / "Posts.xml",))


@pytest.mark.parametrize(
    ("scores", "accepted", "best"),
    [
        pytest.param({10: 1, 11: 8, 12: 3}, 10, 11, id="the highest score wins, accepted or not"),
        pytest.param({10: 8, 11: 8, 12: 3}, 11, 11, id="of equal scores the accepted one wins"),
        pytest.param({12: 8, 11: 8, 10: 3}, 10, 11, id="of equal scores without the accepted one the lower id wins"),
        pytest.param({10: -4, 11: -2}, None, 11, id="negative scores are scores"),
        pytest.param({10: 2}, 99, 10, id="an accepted answer that is not there changes nothing"),
    ],
)
def test_the_best_answer(tmp_path, scores, accepted, best):
    accepting = {} if accepted is None else {"AcceptedAnswerId": accepted}
    rows, _ = read(folder(tmp_path, question(1, **accepting), *(answer(n, to=1, score=s) for n, s in scores.items())))
    assert rows["answer_id"].to_list() == [best]
    assert rows["accepted"].to_list() == [best == accepted]
    assert rows["answers"].list.len().to_list() == [len(scores) - 1]


def test_an_answer_to_no_question_is_bad(tmp_path):
    rows, bad = read(folder(tmp_path, question(1), answer(2, to=9), answer(3, to=1)))
    assert rows.height == 1
    [lost] = bad
    assert lost.error.startswith("answer 2 has no question: 9 ")
    assert (lost.file, lost.raw, lost.size) == ("Posts.xml", "<p>a2</p>", len(answer(2, to=9).strip()))
    assert xml(question(1), answer(2, to=9))[int(lost.where.removeprefix("byte ")) :].startswith(b'<row Id="2"')


def test_a_post_that_is_there_twice_is_one_row_and_one_bad_record(tmp_path):
    rows, bad = read(folder(tmp_path, question(1, Body="b"), answer(2, to=1), question(1, Body="a"), answer(2, to=1)))
    assert rows.select("body", "response").rows() == [("a", "<p>a2</p>")]
    assert rows["answers"].list.len().to_list() == [0]
    assert sorted(lost.error.split(" is ")[0] for lost in bad) == ["post 1", "post 2"]


ORDERED = [
    question(1),
    answer(2, to=1),
    answer(3, to=1),
    question(4),
    answer(200, to=4),
    question(300),
    answer(301, to=300),
]


@pytest.mark.parametrize("batch_rows", [1, 2, 1000])
@pytest.mark.parametrize("held", [10, 400, 10**6])
def test_order_chunks_and_batches_change_nothing(tmp_path, monkeypatch, batch_rows, held):
    expected, _ = read(folder(tmp_path / "a", *ORDERED, answer(7, to=8)))
    monkeypatch.setattr(module, "Spill", lambda: spill.Spill(limit=held, width=64))
    monkeypatch.setattr(_archive, "CHUNK", 50)
    rows, bad = read(folder(tmp_path / "b", answer(7, to=8), *reversed(ORDERED)), batch_rows)
    assert rows.equals(expected)
    assert len(bad) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["q", "a", "wiki", "bad"]), st.integers(1, 9), st.integers(-3, 3)), max_size=30)
)
def test_all_posts_are_accounted_for(tmp_path_factory, posts):
    def post(number: int, kind: str, to: int, score: int) -> str:
        if kind == "bad":
            return question(number, Score="many")
        if kind == "wiki":
            return row(Id=number, PostTypeId=4, Score=score, Body="")
        return question(number, Score=score) if kind == "q" else answer(number, to=to, score=score)

    lines = [post(number, *what) for number, what in enumerate(posts, 1)]
    rows, bad = read(folder(tmp_path_factory.mktemp("dump"), *lines))
    used = rows.height + rows["response"].count() + int(rows["answers"].list.len().sum())
    assert used + len(bad) == sum(kind != "wiki" for kind, *_ in posts)


def test_an_archive_reads_like_the_folder(tmp_path):
    plain, _ = read(folder(tmp_path / "plain", *THREADS))
    packed, bad = read(archive(tmp_path / "tea.stackexchange.com.7z", xml(*THREADS)))
    assert packed.equals(plain)
    assert not bad


def test_a_big_sites_separate_tables_are_one_dump(tmp_path):
    archive(tmp_path / "stackoverflow.com-Posts.7z", xml(*THREADS))
    (tmp_path / "stackoverflow.com-Users.7z").write_bytes(b"never opened")
    rows, bad = read(tmp_path)
    assert rows["url"].to_list() == ["https://stackoverflow.com/a/4", "https://stackoverflow.com/q/5"]
    assert not bad


def test_several_dumps_of_a_site_are_all_read_and_not_merged(tmp_path):
    archive(tmp_path / "2016" / "tea.stackexchange.com.7z", xml(question(1)))
    folder(tmp_path / "2024", question(1), answer(2, to=1), question(3))
    [part] = stackexchange(tmp_path)
    rows, bad = read(tmp_path)
    assert (len(part.files), rows["question_id"].to_list(), bad) == (2, [1, 1, 3], [])


def spoil(path: Path, how: str) -> Path:
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[: len(data) // 2]
    elif how == "flipped":
        data[60:64] = b"\xff\x00\xff\x00"
    path.write_bytes(b"" if how == "empty" else data)
    return path


@pytest.mark.parametrize("how", ["cut", "flipped", "empty"])
def test_a_damaged_archive_is_one_bad_record_and_leaves_the_other_sites_alone(tmp_path, how):
    lines = [question(n, Body=str(hash(("salt", n)))) for n in range(1, 400)]
    spoilt = spoil(archive(tmp_path / "ham.stackexchange.com.7z", xml(*lines)), how)
    archive(tmp_path / "tea.stackexchange.com.7z", xml(*THREADS))
    rows, [bad] = read(tmp_path)
    assert rows["domain"].unique().to_list() == ["tea.stackexchange.com"]
    assert (bad.file, bad.where, bad.size) == ("ham.stackexchange.com.7z", "the whole file", spoilt.stat().st_size)
    assert bad.error.startswith("the archive is damaged or cut short")


def test_damage_found_at_the_end_takes_back_what_was_read(tmp_path):
    # Stored without compression: the text comes out whole, and only the checksum at its end knows better.
    path = tmp_path / "tea.stackexchange.com.7z"
    with py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_COPY}]) as file:
        file.writestr(xml(*THREADS, question(7, Score="x")), "Posts.xml")
    path.write_bytes(path.read_bytes().replace(b"tag wiki", b"tag WIKI"))
    rows, [bad] = read(path)
    assert rows.height == 0
    assert "nothing of it is used" in bad.error


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", "the file is empty", id="an empty file"),
        pytest.param(b'<!DOCTYPE p [<!ENTITY a "aa">]><posts>&a;</posts>', "declares a document type", id="a DTD"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_that_cannot_be_used_at_all(tmp_path, content, error, packed):
    path = tmp_path / "tea.stackexchange.com" / "Posts.xml"
    path.parent.mkdir()
    path.write_bytes(content)
    if packed:
        path = archive(tmp_path / "tea.stackexchange.com.7z", content)
    rows, [bad] = read(path)
    assert rows.height == 0
    assert error in bad.error
    assert bad.size == path.stat().st_size


def test_broken_xml_costs_its_own_record_and_a_cut_the_last_one(tmp_path):
    path = folder(tmp_path, question(1), question(2, Body="R&D"), answer(3, to=1), question(4)) / "Posts.xml"
    path.write_bytes(path.read_bytes().replace(b"R&amp;D", b"R&D").split(b"title 4")[0])
    rows, [broken, cut] = read(path)
    assert rows.select("question_id", "answer_id").rows() == [(1, 3)]
    assert broken.error.startswith("broken XML")
    assert broken.raw.startswith('<row Id="2"')
    assert cut.error == "file ends in the middle of a record"
    assert cut.raw == '<row Id="4" PostTypeId="1" Score="5" Title="'


@pytest.mark.parametrize("members", [["Users.xml"], ["a/Posts.xml", "b/Posts.xml"]])
def test_an_archive_without_exactly_one_table_of_posts(tmp_path, members):
    path = tmp_path / "tea.stackexchange.com.7z"
    with py7zr.SevenZipFile(path, "w") as file:
        for member in members:
            file.writestr(xml(*THREADS), member)
    rows, [bad] = read(path)
    assert rows.height == 0
    assert "Posts.xml; a dump holds exactly one" in bad.error


@pytest.mark.slow
def test_a_row_of_50_megabytes(tmp_path):
    body = "<p>x &amp; y</p>\n" * (50 * 2**20 // 36)
    path = folder(tmp_path, question(1, Body=body), answer(2, to=1))
    assert (path / "Posts.xml").stat().st_size > 50 * 2**20
    rows, bad = read(path)
    assert rows["body"].item() == body
    assert not bad


def test_so_many_bad_records_are_handed_on_before_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 3)
    monkeypatch.setattr(_archive, "CHUNK", 200)
    [part] = stackexchange(folder(tmp_path, *(question(n, Score="") for n in range(20)), question(30)))
    batches = list(part.read(10))
    assert len(batches) > 3
    assert sum(len(batch.bad) for batch in batches) == 20


@pytest.mark.slow
def test_stopping_early_leaves_no_thread_and_no_temporary_files(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(module, "Spill", lambda: spill.Spill(limit=10, width=2))
    [part] = stackexchange(archive(tmp_path / "tea.stackexchange.com.7z", xml(*ORDERED)))
    batches = part.read(1)
    assert sum(batch.rows.height for batch in itertools.islice(batches, 2)) == 1
    assert list(temporary.iterdir())
    del batches
    gc.collect()
    assert not list(temporary.iterdir())
    assert _archive.THREAD not in [thread.name for thread in threading.enumerate()]


def naive(path: Path) -> tuple[set[int], dict[int, tuple[int, int]], int]:
    """Count one dump the slow way: question ids, (parent, score) by answer id, other posts."""
    xml = b"".join(_archive.chunks(path, "Posts.xml"))
    posts = [post.attrib for post in ET.fromstring(xml)]
    questions = {int(post["Id"]) for post in posts if post["PostTypeId"] == "1"}
    answers = {int(p["Id"]): (int(p["ParentId"]), int(p["Score"])) for p in posts if p["PostTypeId"] == "2"}
    return questions, answers, len(posts) - len(questions) - len(answers)


@pytest.mark.slow
def test_the_six_real_dumps_are_accounted_for_post_by_post(data):
    total = 0
    for part in stackexchange(data / "stackexchange"):
        batches = list(part.read(500))
        rows, bad = pl.concat(b.rows for b in batches), [lost for b in batches for lost in b.bad]
        questions, answers, _ = naive(part.files[0])
        assert rows["question_id"].to_list() == sorted(questions)
        assert rows["response"].count() + rows["answers"].list.len().sum() + len(bad) == len(answers)
        best = {parent: max(s for p, s in answers.values() if p == parent) for parent, _ in answers.values()}
        assert dict(rows.drop_nulls("score").select("question_id", "score").iter_rows()) == best
        assert rows["license"].null_count() == rows["tags"].null_count() == rows["title"].null_count() == 0
        total += rows.height
    assert total == 3286
