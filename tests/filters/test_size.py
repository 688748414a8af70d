import os

import polars as pl
import pytest
import tokenizers

from curate.filters import at_least, at_most, length
from curate.filters.size import length_measured, number


@pytest.mark.parametrize(
    ("text", "bounds", "holds"),
    [
        pytest.param("abcde", {"min": 5}, True, id="the lower bound is included"),
        pytest.param("abcde", {"max": 5}, True, id="the upper bound is included"),
        pytest.param("abcd", {"min": 5}, False, id="one character too few"),
        pytest.param("abcdef", {"max": 5}, False, id="one character too many"),
        pytest.param("abcd", {"min": 3, "max": 5}, True, id="between two bounds"),
        pytest.param("", {"min": 0}, True, id="an empty text has length 0"),
        pytest.param("né😀", {"min": 3, "max": 3}, True, id="characters are code points, not bytes"),
        pytest.param("one  two\nthree\t4", {"min": 4, "max": 4, "unit": "words"}, True, id="any blank parts words"),
        pytest.param("  ", {"max": 0, "unit": "words"}, True, id="blanks alone are no word"),
        pytest.param("well-known", {"min": 2, "max": 2, "unit": "words"}, True, id="a hyphen parts words"),
        pytest.param("don't", {"max": 1, "unit": "words"}, True, id="an apostrophe does not"),
        pytest.param("一只猫坐在垫子上。", {"min": 8, "max": 8, "unit": "words"}, True, id="Chinese, by letters"),
        pytest.param("今日は天気がいい。", {"min": 8, "max": 8, "unit": "words"}, True, id="Japanese, by letters"),
        pytest.param("วันนี้อากาศดี", {"min": 8, "unit": "words"}, True, id="Thai, by letters"),
        pytest.param(None, {"min": 1}, None, id="null has no verdict"),
    ],
)
def test_length(text, bounds, holds):
    frame = pl.DataFrame({"response": [text]}, schema={"response": pl.String})
    assert frame.select(length(**bounds)).item() is holds


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        pytest.param({}, "needs a bound", id="no bound"),
        pytest.param({"min": -1}, "min must be 0 or more, not -1", id="negative"),
        pytest.param({"min": 9, "max": 3}, "no text could pass", id="bounds the wrong way round"),
        pytest.param({"min": 1, "unit": "lines"}, "not 'lines'", id="unknown unit"),
        pytest.param({"min": 1, "unit": "tokens"}, "name in `tokenizer`", id="tokens without a tokenizer"),
        pytest.param({"min": 1, "tokenizer": "a"}, "counts tokens, not chars", id="a tokenizer without tokens"),
        pytest.param({"min": 1, "unit": "tokens", "tokenizer": __file__}, "is no tokenizer", id="another file"),
        pytest.param(
            {"min": 1, "unit": "tokens", "tokenizer": "a"}, "there is no tokenizer a; looked for a ", id="no file"
        ),
    ],
)
def test_length_refuses(bounds, sentence):
    with pytest.raises(ValueError, match=sentence):
        length(**bounds)


def test_length_measures_what_it_compares():
    frame = pl.DataFrame({"title": ["two words", None]})
    assert length.measure is length_measured  # type: ignore[attr-defined]
    assert frame.select(length_measured("title")).to_series().to_list() == [9, None]
    assert frame.select(length_measured("title", "words")).to_series().to_list() == [2, None]


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        pytest.param([9, 10, 11], [False, True, True], [True, True, False], id="whole numbers, bound included"),
        pytest.param([9.99, 10.0], [False, True], [True, True], id="fractions"),
        pytest.param([float("nan"), None], [None, None], [None, None], id="NaN and null have no verdict"),
        pytest.param([float("inf"), float("-inf")], [True, False], [False, True], id="infinities are numbers"),
        pytest.param(["12", " ", "ten", None], [True, None, None, None], [False, None, None, None], id="text as in CSV"),
    ],
)  # fmt: skip
def test_at_least_and_at_most(values, least, most):
    frame = pl.DataFrame({"score": values})
    assert frame.select(at_least("score", 10)).to_series().to_list() == least
    assert frame.select(at_most("score", 10)).to_series().to_list() == most


def test_the_measure_of_a_bound_is_the_number_itself():
    frame = pl.DataFrame({"score": [3.5, float("nan")]})
    assert at_least.measure is at_most.measure is number  # type: ignore[attr-defined]
    assert frame.select(number("score")).to_series().to_list() == [3.5, None]


def test_true_and_false_are_one_and_zero():
    frame = pl.DataFrame({"template": [True, False, None]})
    assert frame.select(at_most("template", 0)).to_series().to_list() == [False, True, None]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Write a tokenizer of words, which puts one special token in front."""
    words = {word: i for i, word in enumerate(["[UNK]", "[BOS]", "boil", "the", "water"])}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    model.post_processor = tokenizers.processors.TemplateProcessing("[BOS] $A", special_tokens=[("[BOS]", 1)])
    model.enable_truncation(2)
    file = tmp_path_factory.mktemp("model") / "tokenizer.json"
    model.save(str(file))
    return file


def test_tokens_are_counted_whole_and_without_special_ones(tokenizer):
    frame = pl.DataFrame({"response": ["boil the water", "boil", "", None]})
    for path in map(str, (tokenizer, tokenizer.parent)):
        counts = frame.select(length_measured(unit="tokens", tokenizer=path)).to_series()
        assert counts.to_list() == [3, 1, 0, None]
    assert frame.select(length(min=2, unit="tokens", tokenizer=str(tokenizer))).to_series().to_list() == [
        True,
        False,
        False,
        None,
    ]


def test_a_tokenizer_that_changed_counts_anew(tokenizer, tmp_path):
    """A file may be written again under its name while the program runs."""
    frame, file = pl.DataFrame({"response": ["boil it"]}), tmp_path / "tokenizer.json"
    counts: list[int] = []
    for splitter in (tokenizers.pre_tokenizers.WhitespaceSplit(), tokenizers.pre_tokenizers.Split("", "isolated")):
        model = tokenizers.Tokenizer.from_file(str(tokenizer))
        model.pre_tokenizer = splitter
        model.save(str(file))
        os.utime(file, ns=(len(counts), len(counts)))
        counts.append(frame.select(length_measured(unit="tokens", tokenizer=str(file))).item())
    assert counts == [2, 7]
