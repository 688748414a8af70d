"""Single posts: which are kept, what is made of their attributes, and what is wrong with a broken one."""

from __future__ import annotations

import pytest

from curate.sources.stackexchange.posts import posts_of
from curate.sources.stackexchange.rowxml import read_rows

SOUND = {"Id": "1", "PostTypeId": "2", "ParentId": "7", "Score": "-3", "Body": "b"}


def posts(**attributes: str | None):
    row = " ".join(f'{name}="{value}"' for name, value in {**SOUND, **attributes}.items() if value is not None)
    frames, bad = [], []
    for rows in read_rows(iter([f"<posts>\n  <row {row} />\n</posts>".encode()])):
        frame, faulty = posts_of(rows, "Posts.xml")
        frames += frame.to_dicts()
        bad += faulty
    return frames, bad


def test_the_columns_of_an_answer():
    [post], bad = posts()
    assert not bad
    assert (post["id"], post["question"], post["is_answer"], post["score"]) == (1, 7, True, -3)
    assert (post["byte"], post["size"]) == (10, len('<row Id="1" PostTypeId="2" ParentId="7" Score="-3" Body="b" />'))


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        pytest.param({"Id": None}, "Id is missing", id="no id"),
        pytest.param({"PostTypeId": None}, "PostTypeId is missing", id="no type"),
        pytest.param({"Score": None}, "Score is missing", id="no score"),
        pytest.param({"Body": None}, "Body is missing", id="no body"),
        pytest.param({"ParentId": None}, "ParentId is missing", id="an answer to nothing"),
        pytest.param({"Id": "one"}, "Id is not a whole number: 'one'", id="an id in letters"),
        pytest.param({"Score": ""}, "Score is not a whole number: ''", id="an empty score"),
        pytest.param({"Score": "1.5"}, "Score is not a whole number: '1.5'", id="half a vote"),
        pytest.param({"Score": "9" * 30}, f"Score is not a whole number: '{'9' * 30}'", id="more than 64 bits"),
        pytest.param({"ParentId": "x"}, "ParentId is not a whole number: 'x'", id="a parent in letters"),
        pytest.param({"PostTypeId": "?"}, "PostTypeId is not a whole number: '?'", id="a type in letters"),
        pytest.param(
            {"PostTypeId": "1", "ParentId": None, "AcceptedAnswerId": "-"},
            "AcceptedAnswerId is not a whole number: '-'",
            id="an accepted answer without a number",
        ),
    ],
)
def test_a_broken_post_is_set_apart_with_its_place_reason_and_text(attributes, error):
    frames, [bad] = posts(**attributes)
    assert not frames
    assert (bad.file, bad.where, bad.error) == ("Posts.xml", "byte 10", error)
    assert bad.raw.startswith("<row ")
    assert bad.raw.endswith("/>")
    assert bad.size == len(bad.raw)


def test_the_raw_text_of_a_bad_record_is_cut():
    _, [bad] = posts(Score="x", Body="long " * 1000)
    assert len(bad.raw) == 500
    assert bad.size > 5000


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"PostTypeId": "1", "ParentId": None}, id="a question needs no parent"),
        pytest.param({"PostTypeId": "1", "ParentId": "x"}, id="and none is looked at"),
        pytest.param({"Body": ""}, id="an empty body is there"),
        pytest.param({"ViewCount": "many", "OwnerUserId": None}, id="attributes that are not used are not checked"),
    ],
)
def test_a_sound_post(attributes):
    frames, bad = posts(**attributes)
    assert len(frames) == 1
    assert not bad


@pytest.mark.parametrize("kind", ["3", "4", "5", "6", "7", "8"])
def test_other_types_are_no_records_even_if_broken(kind):
    assert posts(PostTypeId=kind, Body=None, Score="x") == ([], [])


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        ("&lt;c++&gt;&lt;node.js&gt;", ["c++", "node.js"]),
        ("|c++|node.js|", ["c++", "node.js"]),
        ("&lt;one&gt;", ["one"]),
        ("", []),
        (None, None),
    ],
)
def test_both_spellings_of_tags(written, tags):
    [post], _ = posts(Tags=written)
    assert post["tags"] == tags


@pytest.mark.parametrize(
    ("said", "posted", "license_"),
    [
        pytest.param(None, "2011-04-07T23:59:59.999", "CC BY-SA 2.5", id="the last day of 2.5"),
        pytest.param(None, "2011-04-08T00:00:00.000", "CC BY-SA 3.0", id="the first day of 3.0"),
        pytest.param(None, "2018-05-01T23:59:59.999", "CC BY-SA 3.0", id="the last day of 3.0"),
        pytest.param(None, "2018-05-02T00:00:00.000", "CC BY-SA 4.0", id="the first day of 4.0"),
        pytest.param("CC BY-SA 4.0", "2010-01-01T00:00:00.000", "CC BY-SA 4.0", id="what the dump says goes first"),
        pytest.param(None, "yesterday", None, id="no date, no licence"),
        pytest.param(None, None, None, id="nothing known, nothing said"),
    ],
)
def test_the_license(said, posted, license_):
    [post], _ = posts(ContentLicense=said, CreationDate=posted)
    assert post["license"] == license_


NOTICE = "&lt;blockquote&gt;\n&lt;p&gt;&lt;strong&gt;Possible Duplicate:&lt;/strong&gt;&lt;br&gt;\n&lt;a href='x'&gt;Why?&lt;/a&gt;&lt;/p&gt;\n&lt;/blockquote&gt;\n\n"


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        pytest.param(NOTICE + "&lt;p&gt;How?&lt;/p&gt;", "<p>How?</p>", id="a notice in front"),
        pytest.param(NOTICE.replace("Duplicate:", "Duplicates:") + "How?", "How?", id="of several"),
        pytest.param("&gt; **Possible Duplicate:**\n&gt; [Why?](x)\n\nHow?", "How?", id="a notice in Markdown"),
        pytest.param("&lt;blockquote&gt;A quote.&lt;/blockquote&gt;How?", "<blockquote>A quote.</blockquote>How?", id="another quote"),
        pytest.param("How? " + NOTICE, None, id="a notice further down is the author's"),
    ],
)  # fmt: skip
def test_the_notice_of_a_duplicate_is_taken_off_a_question(body, clean):
    body = body.replace("\n", "&#xA;")  # in an attribute, a plain line end is a space
    [question], _ = posts(PostTypeId="1", ParentId=None, Body=body, Title="t")
    [answer], _ = posts(Body=body)
    assert question["body"] == (answer["body"] if clean is None else clean)
    assert "Duplicate" in answer["body"] or "quote" in answer["body"]


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        pytest.param("Why? [closed]", "Why?", id="closed"),
        pytest.param("Why? [Duplicate] ", "Why?", id="a duplicate"),
        pytest.param("Why? [on hold]", "Why?", id="on hold"),
        pytest.param("What does [closed] mean?", "What does [closed] mean?", id="a word of the title"),
        pytest.param("Is (0, 1) open or [0, 1] closed", "Is (0, 1) open or [0, 1] closed", id="brackets of its own"),
    ],
)
def test_the_state_of_a_question_is_taken_off_its_title_and_is_a_column(title, clean):
    [post], _ = posts(PostTypeId="1", ParentId=None, Title=title, ClosedDate="2015-03-01T10:00:00.000")
    assert (post["title"], post["closed"]) == (clean, "2015-03-01T10:00:00.000")
    assert posts(PostTypeId="1", ParentId=None, Title=title)[0][0]["closed"] is None
