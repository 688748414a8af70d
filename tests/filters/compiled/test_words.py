import random
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.compiled import classes, step, unavailable
from curate.filters.compiled.words import compared as compared_words
from curate.filters.compiled.words import count, fold, hashes, is_even, marked_runs, words
from curate.filters.words import runs
from tests.conftest import seconds

compiled = pytest.mark.skipif(unavailable("list_words") is not None, reason="no compiled steps here")


def written(text: str) -> str:
    return " · ".join(word.text for word in words(unicodedata.normalize("NFC", text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("How do I read a file in C? In C++? In C#?", "how · do · i · read · a · file · in · c · in · c++ · in · c#", id="languages"),
        pytest.param("F# is not F, **C++** and `C++`", "f# · is · not · f · c++ · and · c++", id="a sign ends a word, whatever stands around it"),
        pytest.param(".NET is no net.", ".net · is · no · net", id="a point before a word, and behind one"),
        pytest.param("3 + 4, 3+4, 3 - 4, 3-4, 3 − 4", "3 · +4 · 3 · +4 · 3 · -4 · 3 · -4 · 3 · -4", id="calculations"),
        pytest.param("3*4 2 * 3 1/2 a/b 2**3", "3 · *4 · 2 · *3 · 1 · /2 · a · /b · 2 · **3", id="more of them"),
        pytest.param("x^2+3x-10", "x · ^2 · +3x · -10", id="a polynomial"),
        pytest.param("x = 3, x = -3, x=-3", "x · =3 · x · =-3 · x · =-3", id="negative figures"),
        pytest.param("f(x) - g(x), f(x)-3", "f · x · -g · x · f · x · -3", id="behind a bracket"),
        pytest.param("a < b, a > b, n>=3, p<0.05, x != 3", "a · <b · a · >b · n · >=3 · p · <0.05 · x · !=3", id="comparisons"),
        pytest.param("if(!x) i++ ++i a -> b", "if · !x · i++ · ++i · a · ->b", id="code"),
        pytest.param("5%, 5 % of $5, 5 €", "5% · 5% · of · $5 · 5€", id="parts and money"),
        pytest.param("-5 °C is not 5 °C", "-5 · ° · c · is · not · 5 · ° · c", id="degrees"),
        pytest.param("3 × 4 ≠ 5 → ∞", "3 · ×4 · ≠5 · →∞", id="signs of mathematics"),
        pytest.param("#5 and #tag, rm -rf", "#5 · and · #tag · rm · -rf", id="before what they open"),
        pytest.param("3.5 and 35, 1.2.3", "3.5 · and · 35 · 1.2.3", id="a point between figures"),
        pytest.param("What is 5 +", "what · is · 5 · +", id="a sign without a word behind it"),
    ],
)  # fmt: skip
def test_signs_that_count(text, expected):
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("(One), “two”; three: four? Five! six…", "one · two · three · four · five · six", id="marks"),
        pytest.param("one - two -- three — four – five", "one · two · three · four · five", id="dashes"),
        pytest.param("well-known, GPT-4, 8-year-old", "well · known · gpt · 4 · 8 · year · old", id="hyphens"),
        pytest.param("don't don’t rock 'n' roll co\u00adop", "dont · dont · rock · n · roll · coop", id="apostrophes vanish"),
        pytest.param("**bold** *it* _it_ ~~no~~ `code` ***all***", "bold · it · it · no · code · all", id="emphasis"),
        pytest.param("# Head\n- one\n* two\n+ three\n> four\n1. five", "head · one · two · three · four · 1 · five", id="lines of Markdown"),
        pytest.param("-----\n=====\n***\n~~~~", "", id="rules"),
        pytest.param("| a | b |\n|---|---|\n| 3 | 4 |", "a · b · 3 · 4", id="a table"),
        pytest.param("and/or, AT&T, https://a.example/one-two", "and · or · at · t · https · a · example · one · two", id="between words"),
        pytest.param("ÜBER Straße, Οδός, МЫ, cafe\u0301", "über · straße · οδόσ · мы · café", id="capitals, and NFC"),
    ],
)  # fmt: skip
def test_marks_that_do_not(text, expected):
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("我们在北京吃饭。", 7, id="Chinese"),
        pytest.param("東京でラーメンを食べた。", 11, id="Japanese"),
        pytest.param("สวัสดี", 4, id="Thai, a letter with its marks"),
        pytest.param("ສະບາຍດີ", 6, id="Lao"),
        pytest.param("សួស្តី", 3, id="Khmer"),
        pytest.param("မြန်မာ", 3, id="Burmese"),
        pytest.param("안녕하세요 세계", 2, id="Korean has blanks"),
        pytest.param("我用C++写程序", 6, id="Chinese and English"),
        pytest.param("Thanks 😀👍🏽!", 3, id="pictures"),
        pytest.param("नमस्ते दुनिया", 2, id="Hindi has blanks"),
        pytest.param("", 0, id="nothing"),
        pytest.param("?! — …", 0, id="only marks"),
    ],
)
def test_count(text, number):
    assert len(words(text)) == number
    assert pl.select(runs.count(pl.lit(text))).item() == number


def test_where_words_stand():
    text = "Is 3 - 4 in **C++**?"
    assert [text[word.start : word.end] for word in words(text)] == ["Is", "3", "- 4", "in", "C++"]


ATOMS = [
    *"abxZ059+-*/=<>^~%&|#$!.()[]{}'’,;:?\"`_\\@ \t\n\r\0", *[" "] * 12, "C++", "ab", "3.5", "--", "&&", "||", "-$",
    *"éÉЖжΣς中がกำั한하😀🏽️−–×€½²। ٣İßŉŸ°≥\u0301\u200d\u00a0\u3000\u00ad\ue000\U0010ffff\u07ff\u0800\uffff",
]  # fmt: skip
SLOTS = "01" * 8


def assert_equal(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    text = pl.col("text")
    listed = frame.select(
        step("is_even", text, is_even, pl.Boolean).alias("even"),
        step("fold", text, fold).alias("fold"),
        step("list_words", text, hashes, pl.List(pl.UInt64)).alias("words"),
        step("count_words", text, count, pl.UInt64).alias("count"),
        step("list_runs", text, hashes, pl.List(pl.UInt64), options=SLOTS).alias("runs"),
    )
    for row, each in zip(listed.iter_rows(named=True), texts, strict=True):
        expected = hashes(each)
        assert (row["words"], row["count"]) == (expected, len(expected)), repr(each)
        assert (row["even"], row["fold"]) == (is_even(each), fold(each)), repr(each)
        assert row["runs"] == marked_runs(each, SLOTS), repr(each)
    pairs = [f"{len(a.encode())}:{a}{b}" for a, b in zip(texts, texts[::-1], strict=True)]
    both = pl.DataFrame({"text": pairs}, schema={"text": pl.String})
    numbers = both.select(step("compare_words", pl.col("text"), compared_words, pl.List(pl.UInt64))).to_series()
    assert numbers.to_list() == [compared_words(pair) for pair in pairs]


@compiled
@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.sampled_from(ATOMS), max_size=24).map("".join) | st.text(max_size=20), max_size=20))
def test_the_compiled_step_is_equal(texts):
    assert_equal(texts)


@compiled
def test_the_compiled_step_is_equal_at_the_ends_of_every_range():
    cased = [code for first, last in classes.CASED for code in range(first - 1, last + 2)]
    ends = [code for first, last, _ in classes.RANGES for code in (first - 1, first, last, last + 1)]
    codes = [code for code in (*range(0x300), *cased, *ends) if not 0xD800 <= code < 0xE000]
    assert_equal([f"b{chr(code)}2 {chr(code)} x{chr(code)}" for code in codes])


@pytest.mark.slow
@compiled
def test_the_compiled_step_is_equal_for_hostile_texts():
    rng = random.Random(7)
    assert_equal(["".join(rng.choices(ATOMS, k=rng.randrange(40))) for _ in range(3_000)])


def test_the_header_is_what_the_ranges_say():
    assert (classes.FOLDER / "classes.h").read_text("utf-8") == classes.header()


def test_even_characters_need_no_normalising():
    chars = pl.Series([chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000])
    even = list(filter(is_even, chars))
    assert len(even) > 20_000
    for char in even:
        for around in (char, f"a{char}", f"가{char}", f"か{char}"):
            assert unicodedata.normalize("NFC", around) == around
        assert char.translate(classes.LOWER) in (char.lower(), "-", "σ")
        assert char.translate(classes.SMALL) == char.lower()


def test_texts_are_compared_after_nfc_and_in_small_letters():
    same = ["Å İSTANBUL Ｃ ΌΣΟΣ ά", "å i̇stanbul ｃ όσος ά", unicodedata.normalize("NFD", "Å İstanbul Ｃ όσοσ ά")]
    assert runs.hashes(pl.Series(same)).n_unique() == 1
    assert runs.hashes(pl.Series(["a", None, ""])).to_list() == [hashes("a"), None, []]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["- ", "+ ", "+", "-a", "5 % ", "a'", "((((", "3 - ", " ", "é\u0301", "- -3 ", "#!", "*a* "]
)
@compiled
def test_no_text_takes_long(text):
    short, long = (text * (size // len(text.encode())) for size in (100_000, 1_000_000))
    assert seconds(lambda: hashes(short)) < 1
    assert seconds(lambda: runs.hashes(pl.Series([long]))) < 1
