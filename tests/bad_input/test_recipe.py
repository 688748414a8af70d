"""Recipes that are wrong: every error with its line and what would be right, and no half of a set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bad_input.command import DUMPS, GOOD, STEPS, done, posts, recipe, refused
from tests.conftest import rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("length: {mni: 1}", ["recipe.yaml:6", "length.mni", "did you mean 'min'?"], id="a misspelt key"),
        pytest.param(
            "length: {column: respons, min: 1}",
            ["recipe.yaml:6", "'respons'", "did you mean 'response'?"],
            id="a missing column",
        ),
        pytest.param(
            "length: {column: score, min: 1}",
            ["recipe.yaml:6: keep length: 'score' holds numbers, where text is needed"],
            id="a column of numbers",
        ),
        pytest.param(
            "unicode_broken: {column: score}",
            ["recipe.yaml:6: keep unicode_broken: 'score' holds numbers, where text is needed"],
            id="numbers for a pattern",
        ),
        pytest.param(
            "gopher_quality: {column: score}",
            ["recipe.yaml:6: keep gopher_quality: 'score' holds numbers, where text is needed"],
            id="numbers for a function of Python",
        ),
        pytest.param(
            "first_person: {column: score}",
            ["recipe.yaml:6: keep first_person: 'score' holds numbers, where text is needed"],
            id="numbers for a compiled step",
        ),
        pytest.param(
            "length: {column: [response, response], min: 1}",
            ["recipe.yaml:6: at sources.one.steps[0].keep.length", "names the column 'response' twice"],
            id="a column twice",
        ),
        pytest.param(
            "own_words:good: {}",
            ["recipe.yaml:6", "own_words.py, line 1", "SyntaxError"],
            id="own function with a syntax error",
        ),
        pytest.param(
            "own_leaves:good: {}",
            ["recipe.yaml:6", "'own_leaves' cannot be imported: SystemExit"],
            id="own module that exits",
        ),
        pytest.param(
            "own_fine:number: {}",
            ["recipe.yaml:6", "gives numbers, where true or false is needed"],
            id="own property of numbers",
        ),
        pytest.param(
            "own_fine:raises: {}",
            ["recipe.yaml:6: keep own_fine:raises", "no model here"],
            id="own function that raises",
        ),
    ],
)
def test_a_step_that_is_wrong_is_said_with_its_line(there, text, said):
    Path("own_words.py").write_text("def good(:\n")
    Path("own_leaves.py").write_text("raise SystemExit(3)\n")
    Path("own_fine.py").write_text(
        "import polars as pl\n"
        "def good(column: str = 'response') -> pl.Expr:\n    return pl.col(column).is_not_null()\n"
        "def number(column: str = 'response') -> pl.Expr:\n    return pl.col(column).str.len_chars()\n"
        "def raises(column: str = 'response') -> pl.Expr:\n"
        "    return pl.col(column).map_batches(boom, return_dtype=pl.Boolean, is_elementwise=True)\n"
        "def boom(series):\n    raise RuntimeError('no model here')\n"
    )
    Path("recipe.yaml").write_text(
        "name: test\nsources:\n  one:\n    read: {jsonl: {path: one.jsonl}}\n    steps:\n    - keep: {" + text + "}\n"
    )
    out = refused()
    for part in said:
        assert part in out, out
    assert not list(Path("out").glob("test/*")), "an error leaves no half of a set"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            {"exact_duplicates": {"column": "promt"}},
            "'promt', which these rows do not have; did you mean 'prompt'?",
            id="a missing column",
        ),
        pytest.param(
            {"top": {"by": "prompt", "n": 5}},
            "select.top\n    'prompt' holds text, where numbers are needed",
            id="a column of text",
        ),
        pytest.param(
            {"exact_duplicates": {"prefer": "domain"}},
            "select.exact_duplicates\n    'domain' holds text, where numbers are needed",
            id="duplicates by a text",
        ),
        pytest.param(
            {"farthest": {"column": ["prompt", "response"], "n": 5}}, "should be a text, not [", id="two columns"
        ),
        pytest.param({"own_choice:short": {}}, "select own_choice:short: ", id="own selector that answers for one row"),
        pytest.param({"own_choice:other": {}}, "select own_choice:other: ", id="own selector that gives no choice"),
        pytest.param(
            {"own_choice:raises": {}},
            "select own_choice:raises: KeyError: 'no such key'",
            id="own selector that raises",
        ),
    ],
)
def test_a_selector_that_cannot_choose_is_said_with_its_line(there, write_recipe, steps, said):
    Path("own_choice.py").write_text(
        "import polars as pl\nfrom curate.filter import Choice\n"
        "def short(pool: pl.DataFrame) -> Choice:\n    return Choice(pl.Series([True]), pl.Series([None], dtype=pl.String))\n"
        "def other(pool: pl.DataFrame) -> Choice:\n    return 5\n"
        "def raises(pool: pl.DataFrame) -> Choice:\n    raise KeyError('no such key')\n"
    )
    write_recipe(recipe([*STEPS, {"select": steps}]))
    out = refused()
    assert out.startswith("recipe.yaml:")
    assert said in out


@pytest.mark.parametrize(
    ("step", "said"),
    [
        pytest.param({"readability": {"column": ["prompt", "response"]}}, "should be a text, not [", id="two columns"),
        pytest.param({"count": {"of": "sentence"}}, "did you mean 'sentences'?", id="a word for another"),
        pytest.param({"count": {"of": "tokens"}}, "name in `tokenizer` a tokenizer.json", id="tokens of nothing"),
        pytest.param({"votes": {"column": "prompt"}}, "'prompt' holds text, where numbers are needed", id="a text"),
        pytest.param({"judged": {"judge": "form", "column": "prompt"}}, "'prompt' is no answer", id="no answer"),
    ],
)
def test_a_score_that_cannot_be_is_said_with_its_line(there, write_recipe, step, said):
    write_recipe(recipe([{"score": step}], judges={"form": {"rules": {}}}))
    out = refused()
    assert out.startswith("recipe.yaml:") and said in out


@pytest.mark.parametrize("score", ["readability", {"votes": {"column": "score"}}])
def test_a_score_takes_the_place_of_no_column(there, write_jsonl, write_recipe, score):
    write_jsonl("one.jsonl", rows(6, site="beer"))
    write_recipe(recipe([{"score": score, "as": "site"}]))
    assert "these rows have a column 'site' already, which would be lost: give the score another name" in refused()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"top": {"n": -1}}, "at sources.one.steps[0].select.top\n    n must be 0 or more, not -1"),
        ({"near_duplicates": {"threshold": 5}}, "threshold must be above 0 and at most 1, not 5.0"),
        ({"domains": {"n": 5, "by": "site", "domain_temperature": 0}}, "domain_temperature must be 0.1 or more"),
    ],
)
def test_a_selector_refuses_its_parameters_before_anything_is_read(there, write_recipe, step, said):
    write_recipe(recipe([{"select": step}], {"jsonl": {"path": "not_there.jsonl"}}))
    out = refused()
    assert said in out and "there is no file not_there.jsonl" in out


def test_a_key_that_holds_nothing_is_left_out(there):
    Path("recipe.yaml").write_text(
        "name: test\nsources:\n  one:\n    read: {jsonl: {path: one.jsonl}}\n    steps:\n      # - keep: {length: {min: 3}}\n"
        "steps:\noutput:\nsize:\n"
    )
    assert done()["table"][0]["taken"] == GOOD


@pytest.mark.parametrize("sample", [{"by": "topic"}, {"by": "domain", "prefer": "topic"}])
def test_a_sample_by_a_missing_column(there, write_recipe, sample):
    source = recipe()["sources"]["one"] | {"take": 5, "sample": sample}
    write_recipe({"sources": {"one": source}})
    assert "source 'one': sample: reads the column 'topic', which these rows do not have" in refused()


def test_a_set_without_prompts_is_refused_and_what_stood_there_stays(dumps, write_recipe):
    (dumps / "tea").mkdir()
    (dumps / "tea/Posts.xml").write_text(posts(9, "tea"), encoding="utf-8")
    done()
    before = Path("out/test/manifest.json").read_bytes()
    write_recipe(recipe(read=DUMPS["sources"]["one"]["read"]))
    out = refused()
    assert "no row has what the format 'prompt_completion' needs (no prompt in 9)" in out
    assert "`prompt_from_title_or_body`" in out
    assert Path("out/test/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", ["recipe.yaml:1", "the file should hold keys with values"], id="empty"),
        pytest.param(None, ["recipe.yaml", "there is no such file"], id="not there"),
        pytest.param(
            b"name: ..\nsuorces: {}\nseed: one\n",
            [
                "recipe.yaml:1",
                "'sources' is missing",
                "should begin with a letter",
                "recipe.yaml:2",
                "did you mean 'sources'?",
                "recipe.yaml:3",
            ],
            id="several errors at once",
        ),
    ],
)
def test_a_recipe_that_cannot_be_used(there, content, said):
    Path("recipe.yaml").write_bytes(content) if content is not None else Path("recipe.yaml").unlink()
    out = refused()
    for part in said:
        assert part in out, out
    assert not Path("out").exists()


def test_more_errors_than_a_screen_holds(there):
    steps = "".join(f"    - keep: {{lenght{i}: {{min: 1}}}}\n" for i in range(60))
    Path("recipe.yaml").write_text(
        f"name: test\nsources:\n  one:\n    read: {{jsonl: {{path: one.jsonl}}}}\n    steps:\n{steps}"
    )
    assert refused().endswith("and 50 more errors, told when these are mended\n")


@pytest.mark.parametrize("column", ["prompt", "zzz"])
def test_more_columns_than_a_screen_holds(there, write_recipe, column):
    row = {f"column {i}": "text" for i in range(2000)} | ({"prompt": "Why?"} if column == "zzz" else {})
    Path("one.jsonl").write_text(json.dumps(row) + "\n")
    write_recipe(recipe([{"keep": {"length": {"column": column, "min": 1}}}]))
    assert "more" in refused()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max_bad", "--set takes KEY=VALUE"),
        ("max_bad=2", "should be 1 or less, not 2"),
        ("sources.one.steps.7.keep=1", "is a list of 1 items, [0] to [0]: there is no 7"),
        ("name=../../elsewhere", "should begin with a letter or digit"),
        ("steps[0].keep.length.min=3", "--set steps[0].keep.length.min: steps is empty, or not there"),
        ("output.formats=[alpacca]", "there is no 'alpacca' here; did you mean 'alpaca'?"),
        ("output.formats=[text]", "should be 'prompt_completion', 'messages'"),
    ],
)
def test_a_setting_that_is_wrong(there, given, said):
    assert said in refused("--set", given)
