"""JSON Lines and arrays: every record is a row or a bad record with its place and reason."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.rows import STANDARD, Bad, SourceError
from curate.sources import files, parquet, records
from curate.sources.jsonl import jsonl, parse
from curate.turns import TURNS, lean
from tests.sources.own import read_all


def read(path: Path, batch_rows: int = 1000, **options) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(jsonl(path, **options), batch_rows)


@pytest.fixture
def write(tmp_path):
    def _write(*lines: object, name: str = "a.jsonl", end: bytes = b"\n") -> Path:
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (tmp_path / name).write_bytes(b"".join(text + end for text in texts))
        return Path(tmp_path / name)

    return _write


BAD_LINES = [
    pytest.param(b'{"prompt": "\xff"}', "not UTF-8: byte 0xff at byte 13 of the record", id="broken UTF-8"),
    pytest.param(b'{"prompt": "\xed\xa0\x80"}', "not UTF-8: byte 0xed at byte 13", id="a surrogate in UTF-8"),
    pytest.param(b'{"prompt": ', "not JSON: Expecting value at character 13", id="cut short"),
    pytest.param(b'{"prompt": "a"} {}', "not JSON: Extra data at character 17", id="two objects in a line"),
    pytest.param(b'["a"]', "expected an object, got a list", id="a list"),
    pytest.param(b'"a"', "expected an object, got the text 'a'", id="a text"),
    pytest.param(b"null", "expected an object, got nothing", id="null"),
    pytest.param(b'{"prompt": 5}', "prompt: expected text, got the number 5", id="a number for a text"),
    pytest.param(b'{"prompt": ["a"]}', "prompt: expected text, got a list", id="a list for a text"),
    pytest.param(b'{"prompt": true}', "prompt: expected text, got true", id="a truth value for a text"),
    pytest.param(b'{"score": "5"}', "score: expected a number, got the text '5'", id="a text for a number"),
    pytest.param(b'{"score": false}', "score: expected a number, got false", id="a truth value for a number"),
    pytest.param(b'{"history": ["a"]}', "history, turn 1: expected a role and its text, got the text 'a'", id="a history of texts"),
    pytest.param(b'{"prompt": "\\ud83d"}', "prompt: not Unicode text", id="half of a surrogate pair"),
    pytest.param(b'{"n": ' + b"9" * 5000 + b"}", "Exceeds the limit", id="a number of 5,000 digits"),
    pytest.param(b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}", "nested more than 64 levels deep", id="nested deeply"),
    pytest.param(b'{"a":' * 99_999, "nested more than 64 levels deep", id="nested beyond the parser"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "reason"), BAD_LINES)
def test_a_bad_line_has_its_place_and_reason_and_costs_no_other(write, line, reason):
    file = write({"prompt": "one"}, b"", line, {"prompt": "two"})
    rows, [bad] = read(file)
    assert rows["prompt"].to_list() == ["one", "two"]
    assert (bad.file, bad.where, bad.size) == (str(file), "line 3", len(line) + 1)
    assert reason in bad.error
    assert bad.raw[:6] == line.decode("utf-8", "backslashreplace")[:6]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        pytest.param(b'{"prompt": "a\\u0000b"}', {"prompt": "a\0b"}, id="NUL is text"),
        pytest.param(b'{"prompt": "\\ud83d\\ude00"}', {"prompt": "😀"}, id="a whole surrogate pair"),
        pytest.param(b'{"prompt": "a", "prompt": "b"}', {"prompt": "b"}, id="of a key twice the last counts"),
        pytest.param(b'  {"prompt": "a"}\r', {"prompt": "a"}, id="blanks and CRLF"),
        pytest.param(b'{"prompt": null, "x": 1}', {"prompt": None, "x": 1}, id="null"),
        pytest.param(b'{"prompt": "a", "score": 3}', {"prompt": "a", "score": 3.0}, id="a whole number as a score"),
        pytest.param(b'{"prompt": ""}', {"prompt": ""}, id="empty text stays"),
    ],
)
def test_what_is_no_error(write, line, row):
    rows, bad = read(write(line))
    assert (rows.to_dicts(), bad) == ([row], [])


@pytest.mark.parametrize(
    ("values", "dtype", "kept"),
    [
        pytest.param([1, None], pl.Int64(), [1, None], id="whole numbers"),
        pytest.param([1, 2.5], pl.Float64(), [1.0, 2.5], id="numbers"),
        pytest.param([True, False], pl.Boolean(), [True, False], id="truth values"),
        pytest.param(["a", None], pl.String(), ["a", None], id="texts"),
        pytest.param([["a"], []], pl.List(pl.String()), [["a"], []], id="lists alike"),
        pytest.param([{"a": 1, "b": [1.5]}, None], pl.Struct({"a": pl.Int64(), "b": pl.List(pl.Float64())}), [{"a": 1, "b": [1.5]}, None], id="objects alike"),
        pytest.param([1, "a"], pl.String(), ["1", '"a"'], id="mixed: JSON"),
        pytest.param([1, True], pl.String(), ["1", "true"], id="numbers and truth values: JSON"),
        pytest.param([{"a": 1}, {"b": 1}], pl.String(), ['{"a": 1}', '{"b": 1}'], id="objects of other keys: JSON"),
        pytest.param([[1], ["é"]], pl.String(), ["[1]", '["é"]'], id="lists of other things: JSON"),
        pytest.param([{}, []], pl.String(), ["{}", "[]"], id="empty ones: JSON"),
        pytest.param([2**70, 1], pl.String(), [str(2**70), "1"], id="numbers too large to hold: JSON"),
        pytest.param([2**60, 0.5], pl.String(), [str(2**60), "0.5"], id="numbers a double would round: JSON"),
        pytest.param([None, None], pl.String(), [None, None], id="nothing"),
    ],
)  # fmt: skip
def test_a_column_keeps_its_kind_or_is_json(write, values, dtype, kept):
    rows, bad = read(write(*[{"prompt": "p", "x": value} for value in values]))
    assert (rows.schema["x"], rows["x"].to_list(), bad) == (dtype, kept, [])


def test_what_shows_up_after_the_first_thousand_records_is_kept_as_misfits(write):
    late = [{"prompt": "p", "year": "unknown", "tag": {"a": 1}}, {"prompt": "p", "year": 5}, {"prompt": 5}]
    rows, [bad] = read(write(*[{"prompt": "p", "year": 1}] * 1000, *late), batch_rows=7)
    assert rows.schema == {"prompt": pl.String(), "year": pl.Int64(), "misfits": pl.String()}
    assert rows["misfits"].null_count() == 1001
    assert rows.tail(2).to_dicts() == [
        {"prompt": "p", "year": None, "misfits": '{"tag": {"a": 1}, "year": "unknown"}'},
        {"prompt": "p", "year": 5, "misfits": None},
    ]
    assert bad.where == "line 1003"


def test_a_dialogue_keeps_its_history_though_none_of_the_first_thousand_has_one(write):
    short = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    rows, _ = read(write(*[{"messages": short}] * 1000, {"messages": short * 2}))
    assert rows["history"].dtype == TURNS
    assert list(map(lean, rows["history"].to_list()[-1])) == short


def test_columns_are_mapped_and_constants_fill_what_is_missing(write):
    file = write({"title": "p", "n": 3, "domain": "x", "id": 7, "source": "s"}, {"title": "q", "domain": None})
    rows, _ = read(file, columns={"prompt": "title", "score": "n"}, domain="d", license="MIT")
    assert rows.to_dicts() == [
        {"prompt": "p", "score": 3.0, "domain": "x", "file_id": 7, "file_source": "s", "license": "MIT"},
        {"prompt": "q", "score": None, "domain": "d", "file_id": None, "file_source": None, "license": "MIT"},
    ]


def test_two_columns_can_change_places(write):
    rows, _ = read(write({"prompt": "a", "response": "b"}), columns={"prompt": "response", "response": "prompt"})
    assert rows.to_dicts() == [{"prompt": "b", "response": "a"}]


@pytest.mark.parametrize(
    ("record", "said", "error"),
    [
        pytest.param(
            {"instruktion": "a", "output": "b"},
            {},
            "has no column 'prompt'; it has: instruktion, output. Map it: columns: {prompt: instruktion, response: output}",
            id="no prompt",
        ),
        pytest.param({"id": 1, "text": "a"}, {}, "Map it: columns: {prompt: text}", id="no prompt: the likeliest is proposed"),
        pytest.param(
            {"instruction": "a", "output": "b"},
            {"columns": {"prompt": "instructions"}},
            "has no column 'instructions'. Did you mean 'instruction'? It has: instruction, output",
            id="a mapped column that is not there",
        ),
        pytest.param(
            {"prompt": "a", "title": "b"},
            {"columns": {"prompt": "title"}},
            "has a column 'prompt' of its own beside 'title': say where it goes",
            id="a new name that is taken",
        ),
        pytest.param({}, {}, "has no column 'prompt'; its records are empty", id="empty records"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_meant_is_refused_at_once(write, record, said, error):
    with pytest.raises(SourceError) as caught:
        jsonl(write(record), **said)
    assert error in str(caught.value)


def test_one_column_cannot_become_two(write):
    with pytest.raises(ValueError, match="'a' is named twice"):
        jsonl(write({"a": "b"}), columns={"prompt": "a", "response": "a"})


def test_a_column_missing_in_one_record_is_null_there(write):
    rows, bad = read(write({"title": "a"}, {"other": "b"}), columns={"prompt": "title"})
    assert (rows["prompt"].to_list(), bad) == (["a", None], [])


def test_a_record_with_both_names_of_a_column_is_bad(write):
    rows, [bad] = read(write(*[{"question": "a"}] * 1000, {"question": "b", "prompt": "c"}, {"question": "d"}))
    assert rows["prompt"].to_list() == ["a"] * 1000 + ["d"]
    assert bad.where == "line 1001"
    assert bad.error == "prompt: there is a column of this name, and another one is mapped to it"


@pytest.mark.parametrize("lines", [[], [b"{", b"nothing"]], ids=["an empty file", "a file of bad lines only"])
def test_a_file_without_a_record_has_bad_ones_only(write, lines):
    rows, bad = read(write(*lines))
    assert (rows.height, len(bad)) == (0, max(1, len(lines)))


def test_a_large_file_none_of_whose_records_can_be_read_is_refused(write):
    with pytest.raises(SourceError, match="the first: messages, turn 1: the role 'x' is none of"):
        jsonl(write(*[{"messages": [{"role": "x", "content": "y"}]}] * 1001))


ARRAYS = [
    pytest.param(b"[]", 0, [], id="an empty array"),
    pytest.param(b' \n[ {"prompt":"a"} ,\n{"prompt":"b"} ] \n', 2, [], id="an array"),
    pytest.param(b'\xef\xbb\xbf[{"prompt":"a"}]', 1, [], id="a byte-order mark"),
    pytest.param(b'[{"prompt":"a"}, 5, {"prompt":"b"}]', 2, [("item 2", "got the number 5")], id="a number"),
    pytest.param(b'[{"prompt":"a\xff"},{"prompt":"b"}]', 1, [("item 1", "not UTF-8: byte 0xff at byte 13")], id="broken UTF-8"),
    pytest.param(b'[{"prompt":"a"},{"prompt":}, {}]', 1, [("item 2", "Expecting value")], id="broken JSON"),
    pytest.param(b'[{"prompt":"a"},{"prom', 1, [("item 2", "Unterminated string")], id="cut short in an item"),
    pytest.param(b'[{"prompt":"a"}', 1, [("item 2", "expected ',', got the end")], id="cut short after an item"),
    pytest.param(b'[{"prompt":"a"} {"prompt":"b"}]', 1, [("item 2", "expected ',', got '{'")], id="no comma"),
    pytest.param(b'[{"prompt":"a"}] x', 1, [("item 2", "more after the end")], id="more after the end"),
    pytest.param(b'{"v":1,"data":[{"prompt":"a"},{"prompt":"b"}]}', 2, [], id="in an object"),
    pytest.param(b'{\n "info": {"of": [1]},\n "Rows": [\n{"prompt":"a"}],"end":[2]}\n', 1, [], id="in an object of lines"),
    pytest.param(b'{"train":[{"prompt":"a"}],"test":[{"prompt":"b"}]}', 1, [("item 2", "'test' is one more")], id="two"),
    pytest.param(b'{"data":[{"prompt":"a"},{"prompt":"b"}', 2, [("item 3", "got the end")], id="an object cut short"),
    pytest.param(b'{"data":[{"role":"user"}],"prompt":"a"}', 1, [], id="turns are no records"),
    pytest.param(b'{"data":[5],"prompt":"a"}', 1, [], id="numbers are no records"),
    pytest.param(b'{"tips":[{"prompt":"b"}],"prompt":"a"}', 1, [], id="a list of another name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count", "wrong"), ARRAYS)
def test_a_json_file_that_is_an_array(write, text, count, wrong):
    parts = jsonl(write(text, name="a.json", end=b""))
    batches = [batch for part in parts for batch in part.read(10)]
    found = [bad for batch in batches for bad in batch.bad]
    assert sum(batch.rows.height for batch in batches) == count
    assert [bad.where for bad in found] == [where for where, _ in wrong]
    assert all(reason in bad.error for bad, (_, reason) in zip(found, wrong, strict=True))


def test_an_array_longer_than_what_is_read_at_a_time(write):
    items = [{"prompt": "é" * (i * 97 % 5000), "n": i} for i in range(1500)]
    text = json.dumps(items, ensure_ascii=False, indent=1).encode()
    rows, bad = read(write(text, name="a.json"))
    assert (rows.drop("misfits").to_dicts(), bad) == (items, [])


def test_a_json_file_of_lines_is_read_by_lines(write):
    rows, _ = read(write({"prompt": "a"}, {"prompt": "b"}, name="a.json"))
    assert rows["prompt"].to_list() == ["a", "b"]


def test_each_file_of_a_folder_is_a_part(tmp_path):
    for name in ("b.jsonl", "a.jsonl.gz"):
        text = json.dumps({"prompt": name}).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    parts = jsonl(tmp_path)
    assert [(part.name, part.files) for part in parts] == [
        ("a.jsonl.gz", (tmp_path / "a.jsonl.gz",)),
        ("b.jsonl", (tmp_path / "b.jsonl",)),
    ]
    assert [batch.rows["prompt"].to_list() for part in parts for batch in part.read(9)] == [["a.jsonl.gz"], ["b.jsonl"]]


def test_a_batch_is_closed_when_it_grows_large(write, monkeypatch):
    monkeypatch.setattr(files, "BATCH_BYTES", 1000)
    file = write(*[{"prompt": "x" * 400}] * 10)
    assert [batch.rows.height for batch in jsonl(file)[0].read(1000)] == [3, 3, 3, 1]


@pytest.mark.parametrize("batch_rows", [7, 499, 1200, 20_000])
def test_bad_lines_keep_their_places_whatever_is_made_columns_together(write, monkeypatch, batch_rows):
    monkeypatch.setattr(records, "_STEP_BYTES", 3000)
    odd = {40: b"{", 41: b'{"prompt": 5}', 700: b'{"prompt": "\\ud83d"}', 1499: b'{"prompt": "\xff"}'}
    file = write(*[odd.get(i, {"prompt": f"{i}" * (i % 50), "year": i}) for i in range(1500)])
    batches = list(jsonl(file)[0].read(batch_rows))
    assert all(batch.rows.height + len(batch.bad) <= batch_rows for batch in batches)
    assert [bad.where for batch in batches for bad in batch.bad] == [f"line {i + 1}" for i in odd]
    assert [y for batch in batches for y in batch.rows["year"]] == [i for i in range(1500) if i not in odd]


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_a_record(write):
    rows, bad = read(write({"prompt": "a"}, {"prompt": "x" * 50_000_000}, {"prompt": "b"}))
    assert (rows["prompt"].str.len_bytes().to_list(), bad) == ([1, 50_000_000, 1], [])


value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
PIECES = [b"{", b"]", b",", b'"', b"\\", b"\\ud83d", b"\\u00e9", b"0", b"-", b".", b"e5", b" ", b"\r", b"\x00", b"\x1f", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"NaN"]  # fmt: skip
record = st.dictionaries(st.sampled_from(["prompt", "response", "score", "history", "x", "y"]), value, max_size=5)
line = st.one_of(
    record.map(lambda r: json.dumps({"prompt": "p"} | r).encode()),
    st.text(max_size=9).map(lambda s: json.dumps({"prompt": s}).encode()),
    st.sampled_from([b"", b"  ", b"{", b"[1]", b'{"prompt": "\\ud800"}', b'{"\\udfff": 1}', b"\xff", b"NaN"]),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(lines=st.lists(line, min_size=1, max_size=25))
def test_every_line_is_a_row_or_bad_and_batches_do_not_matter(tmp_path_factory, lines):
    file = tmp_path_factory.mktemp("law") / "a.jsonl"
    file.write_bytes(b'{"prompt": "first"}\n' + b"\n".join(lines))
    whole, bad = read(file, 100_000)
    assert whole.height + len(bad) == 1 + sum(1 for text in lines if text.strip())
    assert all(whole.schema[name] == dtype for name, dtype in STANDARD.items() if name in whole.columns)
    for batch_rows in (1, 7):
        rows, same = read(file, batch_rows)
        assert rows.equals(whole)
        assert same == bad


NUMBERS = [
    "-0",
    "-0.0",
    "1E400",
    "1e-400",
    "NaN",
    "-Infinity",
    "9223372036854775808",
    "9" * 4300,
    "0.1" + "0" * 400 + "1",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:20])
def test_numbers_are_those_of_json(number):
    record = parse(f'{{"x": {number}}}'.encode())
    assert repr(record) == repr(json.loads(f'{{"x": {number}}}'))


@pytest.mark.slow
@settings(deadline=None, max_examples=500)
@given(raw=value.map(lambda v: json.dumps(v).encode()), at=st.integers(0, 99), piece=st.sampled_from(PIECES))
def test_json_is_parsed_as_python_does(raw, at, piece):
    for text in (raw, raw[:at] + piece + raw[at:], raw[:at] + piece + raw[at + 1 :]):
        try:
            expected = repr(json.loads(text.decode("utf-8")))
        except ValueError as error:
            with pytest.raises(type(error), match=re.escape(str(error))):
                parse(text)
        else:
            assert repr(parse(text)) == expected


def test_real_files_are_read(data):
    rows, bad = read(data / "human_like_pairs_sample.jsonl", 64)
    assert (rows.columns, rows.height, bad) == (["prompt", "chosen", "rejected"], 200, [])
    assert rows.null_count().sum_horizontal().item() == 0
    rows, bad = read(data / "llmbar_natural.json")
    assert (rows.columns, rows.height, bad) == (["prompt", "output_1", "output_2", "label"], 100, [])


PATHS = [
    pytest.param({"info": {"question": "a"}}, "info.question", "a", id="a name in an object"),
    pytest.param({"turns": [{"text": "b"}, {"text": "a"}]}, "turns.1.text", "a", id="a number in a list"),
    pytest.param({"info.question": "a", "info": {"question": "b"}}, "info.question", "a", id="a column of that very name wins"),
    pytest.param({"a": {"0": "a"}}, "a.0", "a", id="a number that is a name"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "path", "text"), PATHS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.parquet"])
def test_a_column_may_stand_inside_another_one(tmp_path, record, path, text, name):
    if name == "a.parquet":
        pl.DataFrame([record]).write_parquet(tmp_path / name)
        rows, bad = read_all(parquet(tmp_path / name, columns={"prompt": path}))
    else:
        (tmp_path / name).write_text(json.dumps([record] if name == "a.json" else record))
        rows, bad = read(tmp_path / name, columns={"prompt": path})
    assert (rows["prompt"].to_list(), bad) == ([text], [])
    assert rows.width == 1 + len(record) - (path in record)


def test_a_place_that_one_record_lacks_is_null_there_and_turns_may_stand_inside(write):
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    file = write({"data": {"talk": talk}}, {"data": {"talk": talk[:1]}}, {"data": 5}, {"data": {}})
    rows, bad = read(file, columns={"messages": "data.talk"})
    assert rows.select("prompt", "response").rows() == [("a", "b"), ("a", None)]
    assert [b.error for b in bad] == ["messages: expected a list of turns, got nothing"] * 2


@pytest.mark.parametrize("path", ["info.qestion", "info.question.x", "other.question", "info."])
def test_a_place_that_is_not_there_is_refused(write, path):
    with pytest.raises(SourceError, match=f"has no column '{path}'.*[iI]t has: info"):
        read(write({"info": {"question": "a"}}), columns={"prompt": path})


def test_what_a_row_cannot_hold_is_counted_in_the_notes(write):
    talk = [{"role": "user", "content": "a", "time": 5}, {"role": "assistant", "content": "b"}]
    batches = list(jsonl(write(*[{"messages": talk}] * 1500))[0].read(1000))
    assert [batch.notes for batch in batches] == [{"turns whose 'time' is left out": n} for n in (1000, 1500)]


def test_tools_of_plain_rows_are_json(write):
    rows, _ = read(write({"prompt": "a", "tools": [{"name": "é"}]}, {"prompt": "b", "tools": "hammer"}))
    assert rows["tools"].to_list() == ['[{"name": "é"}]', "hammer"]
