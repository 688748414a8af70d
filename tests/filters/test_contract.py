"""What every filter promises, held for all there are: a filter that is added is tested here at once."""

import ast
import doctest
import importlib.util
import inspect
import os
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import curate.filters
from curate import apply
from curate.recipe.registry import kind_of
from curate.turns import TURNS, cut, turn
from tests.models.judges import tiny

KINDS = {name: kind_of(getattr(curate.filters, name)) for name in curate.filters.__all__}
# Filters that ask a model of transformers; here one of two layers.
SCORERS = {"classifier": 2, "ifd": 0, "perplexity": 0, "reward": 1}
ROWWISE = [
    pytest.param(name, marks=pytest.mark.model if name in {"semantically_contaminated", "toxic", *SCORERS} else ())
    for name, kind in KINDS.items()
    if kind in ("property", "edit", "score")
]

PIECES = ["I ", "my ", "`", '"', "> ", "\n", "$", "answer ", "@ann ", "<b>", "damn ", "é ", "This article ", "Step 1"]
texts = st.one_of(st.none(), st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
rows = st.lists(st.tuples(texts, texts, st.one_of(st.none(), st.floats())), min_size=1, max_size=8)


COLUMNS = {"user_turns": "prompt", "assistant_turns": "response"}


def example(name: str) -> dict[str, Any]:
    """Read the parameters of a filter's first call in its own doctest, by name; else the column that is its default."""
    function = getattr(curate.filters, name)
    for line in doctest.DocTestParser().get_examples(function.__doc__):
        for node in ast.walk(ast.parse(line.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                values = dict(zip(inspect.signature(function).parameters, node.args, strict=False))
                values |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
                return {key: ast.literal_eval(value) for key, value in values.items()}
    column = inspect.signature(function).parameters["column"].default
    return {"column": COLUMNS.get(column, column)}


# The library of each filter that asks another one.
OTHERS = {name: name.rpartition("_")[0] for name in KINDS if name.startswith(("datatrove_", "data_juicer_"))}
EXAMPLES = {name: example(name) for name, kind in KINDS.items() if kind in ("property", "edit", "score")}


@cache
def model_of_two_layers(labels: int) -> str:
    folder = Path(os.environ["CURATE_CACHE"]) / f"two-layers-{labels}"
    return str(tiny.write(folder, head=labels > 0, labels=labels or 1))


def parameters(name: str) -> dict[str, Any]:
    if name not in SCORERS:
        return EXAMPLES[name]
    pytest.importorskip("transformers", reason="scores need the extra `transformers`")
    return {**EXAMPLES[name], "model": model_of_two_layers(SCORERS[name])}


def expression(name: str) -> pl.Expr:
    if name == "profane" and importlib.util.find_spec("profanity_check") is None:
        pytest.skip("the model of profane is not installed: pip install 'curate-lm[profane]'")
    if name in OTHERS and importlib.util.find_spec(OTHERS[name]) is None:
        pytest.skip(f"{OTHERS[name]} is not installed: `make hosts` tests its operators")
    made: pl.Expr = getattr(curate.filters, name)(**parameters(name))
    return made.alias("out")


def frame(values: list[tuple[Any, ...]]) -> pl.DataFrame:
    schema = {"prompt": pl.String, "response": pl.String, "score": pl.Float64}
    made = pl.DataFrame(values, schema=schema, orient="row")
    others = {"title": "prompt", "chosen": "prompt", "body": "response", "rejected": "response"}
    others |= {"chosen_score": "score", "rejected_score": "score"}
    return made.with_columns(id=pl.int_range(pl.len()).cast(pl.String), **{k: pl.col(v) for k, v in others.items()})


def test_the_names_are_sorted_and_each_says_its_kind():
    assert curate.filters.__all__ == sorted(curate.filters.__all__)
    assert [name for name, kind in KINDS.items() if kind == "any"] == ["quotas"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWWISE)
@settings(max_examples=30, deadline=None)
@given(values=rows, cut=st.integers(0, 8))
def test_the_verdicts_on_a_batch_are_the_batch_of_its_verdicts(name, values, cut):
    whole = frame(values)
    apart = pl.concat([whole[:cut].select(expression(name)), whole[cut:].select(expression(name))])
    assert whole.select(expression(name)).equals(apart)
    assert whole.lazy().select(expression(name)).collect(engine="streaming").equals(apart)


OTHER = {"alike", "length_ratio"}  # compare a text with that of another column
# All others read the texts that `column` names.
OF_TEXTS = [p for p in ROWWISE if p.values[0] not in {"prompt_from_title_or_body", "reward_gap", "ifd", "reward"}]
dialogues = st.lists(st.sampled_from(["I see.", "My <b>word</b>!", "12", *PIECES]), min_size=1, max_size=5)


def of_kind(texts: list[str], kind: str) -> list[str]:
    """Choose the texts of a dialogue, in which user and assistant speak by turns, that are of a kind."""
    return {"turns": texts, "user_turns": texts[::2]}.get(kind, texts[1::2])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["turns", "assistant_turns", "user_turns", "thoughts"])
@pytest.mark.parametrize("name", OF_TEXTS)
@settings(max_examples=10, deadline=None)
@given(some=st.lists(dialogues, min_size=1, max_size=3))
def test_on_turns_a_filter_says_of_each_what_it_says_of_it_alone(name, kind, some):
    expression(name)  # skips what is not installed
    function = getattr(curate.filters, name)
    turns = [
        [turn("assistant", t, thinking=t) if i % 2 else turn("user", t) for i, t in enumerate(texts)] for texts in some
    ]
    schema = {"history": TURNS, "prompt": pl.String, "response": pl.String, "response_turns": TURNS}
    rows = pl.DataFrame([cut(t) for t in turns], schema=schema).with_columns(other=pl.lit("I see."))
    expr = function(**{**parameters(name), "column": kind, **({"other": "other"} if name in OTHER else {})})
    expected = []
    for texts in some:
        alone = pl.DataFrame({kind: of_kind(texts, kind)}, schema={kind: pl.String}).with_columns(
            other=pl.lit("I see.")
        )
        verdicts = alone.select(expr).to_series().to_list()
        if KINDS[name] == "score":
            numbers = [v for v in verdicts if v is not None]
            expected.append(sum(numbers) / len(numbers) if numbers else None)
            continue
        fold = False if False in verdicts else None if None in verdicts or not verdicts else True
        expected.append((verdicts or None) if KINDS[name] == "edit" else fold)
    assert apply(expr, rows).to_list() == (expected if KINDS[name] != "score" else pytest.approx(expected))


@pytest.mark.parametrize("name", ROWWISE)
def test_the_expression_pickles(name):
    sample = frame([("Why?", "I said <b>it</b>, damn.", 2.0), (None, None, None)])
    restored = pickle.loads(pickle.dumps(expression(name)))
    assert sample.select(restored).equals(sample.select(expression(name)))


@pytest.mark.parametrize("name", ROWWISE)
def test_null_in_null_out_and_the_type_of_its_kind(name):
    out = frame([(None, None, None), ("Why is it?", "I see.", 1.0)]).select(expression(name)).to_series()
    assert out[0] is None
    assert out[1] is not None
    assert {"property": pl.Boolean, "edit": pl.String}.get(KINDS[name], out.dtype) == out.dtype


@pytest.mark.parametrize("name", [p for p in ROWWISE if hasattr(getattr(curate.filters, str(p.values[0])), "span")])
def test_a_span_is_text_and_pickles(name):
    expression(name)  # skips what is not installed
    span = getattr(curate.filters, name).span(
        **{
            k: v
            for k, v in EXAMPLES[name].items()
            if k in inspect.signature(getattr(curate.filters, name).span).parameters
        }
    )
    shown = frame([("Why?", "I said as mentioned", 1.0)]).select(pickle.loads(pickle.dumps(span))).to_series()
    assert shown.dtype == pl.String
