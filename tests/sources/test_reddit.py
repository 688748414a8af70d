"""Pushshift dumps of Reddit."""

import json
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate import spill
from curate.rows import Bad, SourceError
from curate.sources.reddit import reddit
from tests.sources.own import read_all


def submission(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "subreddit": "WritingPrompts",
        "title": "[WP] A dragon &amp; a clerk.",
        "selftext": "",
        "score": 50,
        "permalink": f"/r/WritingPrompts/comments/{name}/a/",
        "over_18": False,
    } | more


def comment(name: str, to: str, body: str | None = "A story.", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "subreddit": "WritingPrompts",
        "link_id": f"t3_{to}",
        "parent_id": f"t3_{to}",
        "body": body,
        "score": 5,
        "created_utc": 100,
        "author": "somebody",
    } | more


@pytest.fixture
def write(tmp_path):
    zstandard = pytest.importorskip("zstandard")

    def write(name, *records):
        lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
        window = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
        packed = zstandard.ZstdCompressor(compression_params=window).compress(b"\n".join(lines) + b"\n")
        (tmp_path / name).write_bytes(packed)
        return tmp_path

    return write


@pytest.fixture
def dump(write):
    def dump(submissions, comments):
        write("writingprompts_submissions.zst", *submissions)
        return write("writingprompts_comments.zst", *comments)

    return dump


def read(path: Path, batch_rows: int = 100, **options: Any) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(reddit(path, **options), batch_rows)


def responses(path: Path, **options: Any) -> dict[str, str]:
    found, bad = read(path, **options)
    assert not bad
    return dict(found.select("url", "response").rows())


def test_a_submission_with_its_best_comment_is_a_row(dump):
    folder = dump([submission("a")], [comment("x", "a", "It was &gt; 9."), comment("y", "a", "No.", score=1)])
    found, bad = read(folder)
    assert not bad
    assert found.row(0, named=True) == {
        "domain": "WritingPrompts",
        "prompt": "A dragon & a clerk.",
        "response": "It was > 9.",
        "score": 5.0,
        "url": "https://www.reddit.com/r/WritingPrompts/comments/a/a/",
        "tag": "WP",
        "prompt_score": 50.0,
        "over_18": False,
        "removed": False,
    }


@pytest.mark.parametrize(
    ("comments", "response"),
    [
        pytest.param([{"score": 1, "body": "low"}, {"score": 9, "body": "high"}], "high", id="highest score"),
        pytest.param([{"created_utc": 9, "body": "late"}, {"created_utc": 1, "body": "early"}], "early", id="then oldest"),
        pytest.param([{"score": "12", "body": "as text"}, {"body": "as number"}], "as text", id="score as text"),
        pytest.param([{"score": None, "body": "none"}, {"score": -3, "body": "low"}], "low", id="no score last"),
        pytest.param([{"parent_id": "t1_q"}], None, id="not right below"),
        pytest.param([{"body": "[removed]"}], None, id="removed"),
        pytest.param([{"body": "[deleted]"}], None, id="deleted"),
        pytest.param([{"stickied": True}], None, id="stickied"),
        pytest.param([{"distinguished": "moderator"}], None, id="a moderator's"),
        pytest.param([{"author": "AutoModerator"}], None, id="a machine's"),
        pytest.param([{"link_id": "t3_z", "parent_id": "t3_z"}], None, id="of another thread"),
        pytest.param([], None, id="none"),
    ],
)  # fmt: skip
def test_which_comment_is_the_response(dump, comments, response):
    written = [comment(f"c{n}", "a", **{"body": "A story."} | one) for n, one in enumerate(comments)]
    for order in (written, written[::-1]):
        assert read(dump([submission("a")], order))[0]["response"].to_list() == [response]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"selftext": "[removed]"}, id="removed"),
        pytest.param({"selftext": "[deleted]"}, id="deleted"),
        pytest.param({"removed_by_category": "moderator"}, id="by a moderator"),
    ],
)
def test_a_removed_submission_is_a_row_without_a_response(dump, more):
    row = read(dump([submission("a", **more)], [comment("x", "a")]))[0].row(0, named=True)
    assert (row["removed"], row["response"], row["score"]) == (True, None, None)
    assert row["prompt"] == "A dragon & a clerk."


@pytest.mark.parametrize(
    ("title", "text", "prompt", "tag"),
    [
        pytest.param("[ EU ]A tale", "", "A tale", "EU", id="a tag with spaces"),
        pytest.param("A tale [WP]", "", "A tale [WP]", None, id="no tag in front"),
        pytest.param("[WP]", "", "[WP]", None, id="nothing but a tag"),
        pytest.param("Why?", "Because &lt;b&gt;.", "Why?\n\nBecause <b>.", None, id="title and text"),
    ],
)
def test_prompts(dump, title, text, prompt, tag):
    row = read(dump([submission("a", title=title, selftext=text)], []))[0].row(0, named=True)
    assert (row["prompt"], row["tag"]) == (prompt, tag)


def test_communities_are_told_apart_in_any_case(dump):
    submissions = [submission("a"), submission("b", subreddit="AskReddit"), submission("c", subreddit=None)]
    folder = dump(submissions, [comment("x", "a"), comment("y", "b", subreddit="AskReddit")])
    assert len(read(folder)[0]) == 3
    assert read(folder, subreddit="writingPROMPTS")[0]["domain"].to_list() == ["WritingPrompts"]
    assert len(read(folder, subreddit=["writingprompts", "askreddit"])[0]) == 2


def test_months_are_parts_and_comments_of_the_next_one_count(write):
    write("RS_2019-12.zst", submission("a"))
    write("RC_2019-12.zst", comment("x", "a", "soon", score=1))
    write("RS_2020-01.zst", submission("b"))
    folder = write("RC_2020-01.zst", comment("y", "a", "later", score=9), comment("z", "b", "other"))
    parts = reddit(folder)
    assert [part.name for part in parts] == ["2019-12", "2020-01"]
    assert [file.name for file in parts[0].files] == ["RS_2019-12.zst", "RC_2019-12.zst", "RC_2020-01.zst"]
    assert sorted(responses(folder).values()) == ["later", "other"]


def test_one_file_of_submissions_finds_its_comments(dump):
    folder = dump([submission("a")], [comment("x", "a")])
    assert len(read(folder / "writingprompts_submissions.zst")[0]) == 1


def test_prompts_alone_need_no_comments(write):
    folder = write("askreddit_submissions.zst", submission("a"), submission("b", score=7))
    found, _ = read(folder, kind="prompts", batch_rows=1)
    assert found.select("score", "response").rows() == [(50.0, None), (7.0, None)]


def test_files_that_are_not_packed_are_read_too(tmp_path):
    (tmp_path / "a_submissions").write_text(json.dumps(submission("a")), encoding="utf-8")
    (tmp_path / "a_comments.jsonl").write_text(json.dumps(comment("x", "a")), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no dump", encoding="utf-8")
    assert len(read(tmp_path)[0]) == 1


@pytest.mark.slow
def test_rows_are_the_same_however_much_is_held_in_memory(dump, monkeypatch):
    names = [f"s{n}" for n in range(50)]
    comments = [comment(f"{name}{n}", name, f"{name} {n}", score=n) for n in range(3) for name in names]
    folder = dump([submission(name) for name in names], comments)
    held = responses(folder)
    assert len(held) == 50
    assert all(text.endswith(" 2") for text in held.values())
    module = import_module("curate.sources.reddit")
    monkeypatch.setattr(module, "CHUNK", 10)
    monkeypatch.setattr(module, "Spill", partial(spill.Spill, limit=1000))
    assert responses(folder, batch_rows=7) == held


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param(b'{"id": ', "not JSON", id="cut"),
        pytest.param(b'{"id": "\xff"}', "not UTF-8", id="broken UTF-8"),
        pytest.param(b"[]", "expected an object, got a list", id="no object"),
        pytest.param(b'{"id": "b"}', "title: expected text, got nothing", id="no title"),
        pytest.param(b'{"id": 5, "title": "a"}', "id: expected text, got the number 5", id="no text"),
        pytest.param(b'{"id": "b", "title": "\\ud83d"}', "it holds text that is not Unicode", id="surrogates"),
    ],
)
def test_a_bad_line_costs_itself_only(dump, line, error):
    folder = dump([submission("a"), line, submission("c")], [comment("x", "a")])
    found, [bad] = read(folder)
    assert len(found) == 2
    assert bad.where == "line 2"
    assert bad.error.startswith(error)


def test_a_bad_comment_costs_itself_only(dump):
    found, [bad] = read(dump([submission("a")], [comment("w", "a", None), comment("x", "a")]))
    assert found["response"].to_list() == ["A story."]
    assert (bad.where, bad.error) == ("line 1", "body: expected text, got nothing")


def test_a_dump_cut_short_keeps_what_came_before(dump):
    folder = dump([submission("a")], [comment("x", "a")])
    file = folder / "writingprompts_comments.zst"
    file.write_bytes(file.read_bytes()[:-8])
    found, bad = read(folder)
    assert found["response"].len() == 1
    assert "damaged" in bad[0].error


def test_comments_that_are_missing_are_said_in_words(write):
    folder = write("RS_2019-12.zst", submission("a"))
    with pytest.raises(SourceError, match=r"has no comments beside it.*kind: prompts"):
        reddit(folder)
