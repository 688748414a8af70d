import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.compiled import repeats as reference
from curate.filters.compiled import step, unavailable
from curate.filters.words.repeats import repeats
from tests.conftest import seconds
from tests.filters.compiled.test_html import posts

compiled = pytest.mark.skipif(unavailable("repeats") is not None, reason="no compiled steps here")


@pytest.mark.parametrize(
    ("texts", "part", "expected"),
    [
        pytest.param("\n\n a\nb\na\na \n", slice(7), [11, 4, 2, 2, 1, 0, 0], id="lines, white space at the ends aside"),
        pytest.param("\na\n\nb\n\n\na\n\n\n\nb", slice(1, 7), [4, 2, 2, 4, 2, 2], id="paragraphs"),
        pytest.param("\né\né\x1f", slice(4), [4, 2, 1, 1], id="characters, not bytes; a control that is white space"),
        pytest.param("\n" + "é\u3000\n" * 2, slice(4), [6, 2, 0, 0], id="white space at the end of a line is of it"),
        pytest.param("a bc a bc d\n", slice(7, 10), [8, 0, 0], id="the most frequent run, blanks included"),
        pytest.param("a b c d a b e f c d\n", slice(7, 8), [6], id="of two as frequent, the first"),
        pytest.param(" ".join("abcde" * 3) + "\n", slice(10, 16), [10, 6, 7, 8, 9, 10], id="runs that stood before"),
        pytest.param("", slice(16), [0] * 16, id="empty"),
    ],
)
def test_repeats(texts, part, expected):
    assert reference.repeats(texts)[part] == expected
    assert counted([texts])[0][part] == expected


def counted(texts: list[str]) -> list[list[int]]:
    listed = step("repeats", pl.col("text"), reference.repeats, pl.List(pl.UInt64))
    return pl.DataFrame({"text": texts}).select(listed).to_series().to_list()


words = st.lists(st.sampled_from(["rye", "a", "é", "茶", "😀", "ale-ale-ale", "\x1c", "."]), max_size=80).map(" ".join)
bodies = st.lists(
    st.sampled_from(["rye", " ", "\n", "\n\n", "\x85", "\u3000", "\u2028", "\x1d", "é", "\t"]), max_size=40
)


@compiled
@settings(max_examples=300, deadline=None)
@given(line=words, body=bodies.map("".join))
def test_the_compiled_step_counts_the_same(line, body):
    assert counted([f"{line}\n{body}"]) == [reference.repeats(f"{line}\n{body}")]


@compiled
@pytest.mark.slow
def test_real_posts_count_the_same(data, tmp_path, monkeypatch):
    texts = pl.Series(posts(data, "coffee", tmp_path))
    measured = repeats(texts)
    monkeypatch.setenv("CURATE_REFERENCE", "1")
    assert measured.equals(repeats(texts))


@compiled
@pytest.mark.parametrize("unit", ["a ", "a", "\n", "a\n", "\u3000", "a b c d e f g h i j "])
def test_a_megabyte_takes_no_time(unit):
    text = unit * (1_000_000 // len(unit.encode()))
    assert seconds(lambda: counted([f"{text.replace(chr(10), ' ').strip()}\n{text}"])) < 2
