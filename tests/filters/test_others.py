"""Operators of other libraries, where these are installed: `make hosts` does that."""

import doctest
from importlib.util import find_spec

import polars as pl
import pytest

import curate.filters.others
from curate import filters, run_recipe
from curate.recipe.load import load
from tests.conftest import rows

LIBRARIES = {"datatrove": "datatrove", "data_juicer": "Data-Juicer"}


def needed(name):
    """Skip what asks for a library that is not installed, and say so."""
    package = next(package for package in LIBRARIES if name.startswith(package))
    if not find_spec(package):
        pytest.skip(f"{LIBRARIES[package]} is not installed: `make hosts` tests it in an environment of its own")


OF_TEXTS = {
    "datatrove_filter": [
        pytest.param({"GopherQualityFilter": {"min_doc_words": 3}}, ["It is the tea that has to stand.", "Tea."], [True, False], "gopher_short_doc", id="a reason"),
        pytest.param({"RegexFilter": {"regex_exp": "x"}}, ["axe", "tea"], [False, True], None, id="no reason"),
        pytest.param({"GopherQualityFilter": {"min_doc_words": None}}, ["Water with these leaves that have stood.", ""], [True, None], "ZeroDivisionError", id="an error is its row's alone"),
    ],
    "data_juicer_filter": [
        pytest.param({"alphanumeric_filter": {"min_ratio": 0.5}}, ["Tea", "?!"], [True, False], "alnum_ratio 0", id="a stat"),
        pytest.param({"words_num_filter": {"min_num": 2}}, ["Two words", "One"], [True, False], "num_words 1", id="words"),
        pytest.param({"text_length_filter": None}, ["It is long enough", "One"], [True, False], "text_len 3", id="no parameters"),
    ],
    "datatrove_formatter": [
        pytest.param({"SymbolLinesFormatter": {}}, ["Tea.\n***", "Tea."], ["Tea.", "Tea."], None, id="lines"),
    ],
    "data_juicer_mapper": [
        pytest.param({"clean_email_mapper": {"repl": "<mail>"}}, ["Ask a@b.org", "Ask"], ["Ask <mail>", "Ask"], None, id="mail"),
        pytest.param({"whitespace_normalization_mapper": {}}, ["a\u00a0b", "a"], ["a b", "a"], None, id="single"),
    ],
}  # fmt: skip
PARAMETER = {"datatrove_filter": "filter", "datatrove_formatter": "formatter"}


@pytest.mark.parametrize(("name", "operator", "texts", "expected", "reason"), [pytest.param(n, *p.values, id=f"{n} {p.id}") for n, cases in OF_TEXTS.items() for p in cases])  # fmt: skip
def test_it_says_what_the_operator_says(name, operator, texts, expected, reason):
    needed(name)
    function = getattr(filters, name)
    params = {"column": "text", PARAMETER.get(name, "op"): operator}
    frame = pl.DataFrame({"text": [*texts, None]})
    assert frame.select(function(**params)).to_series().to_list() == [*expected, None]
    if hasattr(function, "span"):
        assert (reason or "") in (frame.select(function.span(**params)).to_series()[1] or "")


@pytest.mark.parametrize("name", OF_TEXTS)
def test_its_example(name):
    needed(name)
    [test] = doctest.DocTestFinder(recurse=False).find(getattr(curate.filters.others, name))
    assert doctest.DocTestRunner().run(test).failed == 0


WRONG = [
    pytest.param("datatrove_filter", {"GopherFilter": {}}, "did you mean 'GopherQualityFilter'?", id="no such class"),
    pytest.param("datatrove_filter", {"LambdaFilter": {}}, "has no 'LambdaFilter'", id="one that is not of a text"),
    pytest.param("data_juicer_mapper", {"python_lambda_mapper": {"lambda_str": "lambda s: s"}}, "has no 'python_lambda_mapper'", id="code"),
    pytest.param("datatrove_filter", {}, "takes one operator", id="none"),
    pytest.param("datatrove_filter", {"RegexFilter": {"regexp": "x"}}, "there is no parameter 'regexp'; did you mean 'regex_exp'?", id="no such parameter"),
    pytest.param("datatrove_filter", {"RegexFilter": {}}, "missing 1 required positional argument: 'regex_exp'", id="a parameter is missing"),
    pytest.param("data_juicer_filter", {"text_length_filter": {"min": 1}}, "there is no parameter 'min'; did you mean 'min_len'?", id="no such parameter of an op"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "operator", "message"), WRONG)
def test_what_is_wrong_is_one_sentence_at_its_line(write_recipe, write_jsonl, name, operator, message):
    needed(name)
    verb = "edit" if name.endswith("_mapper") else "keep"
    step = {verb: {name: {"column": "response", PARAMETER.get(name, "op"): operator}}}
    source = {"read": {"jsonl": {"path": str(write_jsonl("rows.jsonl", rows(1)))}}, "steps": [step]}
    with pytest.raises(Exception, match=r"recipe\.yaml:\d+") as error:
        load(write_recipe({"sources": {"s": source}}))
    assert message in str(error.value)


@pytest.mark.slow
def test_reasons_and_errors_stand_in_the_ledger(write_recipe, write_jsonl, tmp_path):
    needed("datatrove_filter")
    texts = ["Water with these leaves that have stood.", "# # #", ""]
    file = write_jsonl("rows.jsonl", [{"prompt": f"{i}?", "response": text} for i, text in enumerate(texts)])
    filter = {"GopherQualityFilter": {"min_doc_words": None}}
    step = {"keep": {"datatrove_filter": {"column": "response", "filter": filter}}}
    source = {"read": {"jsonl": {"path": str(file)}}, "steps": [step]}
    run_recipe(load(write_recipe({"sources": {"s": source}})), tmp_path / "out")
    ledger = pl.read_parquet(tmp_path / "out" / "ledger.parquet")
    details = ledger.filter(~pl.col("kept")).explode("detail").unnest("detail").select("reason", "span").rows()
    assert ledger["kept"].sum() == 1
    assert (None, "gopher_too_many_hashes") in details
