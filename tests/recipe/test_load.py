from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from curate.recipe.load import load
from curate.recipe.places import RecipeError


def told(tmp_path: Path, text: str, *sets: str) -> str:
    file = tmp_path / "r.yaml"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load(file, sets)
    return str(caught.value).replace(str(file), "r.yaml")


HEAD = """\
    name: x
    sources:
      mine:
        read: {jsonl: {path: mine.jsonl}}
        steps:
"""


@pytest.mark.parametrize(
    ("step", "line", "said"),
    [
        pytest.param(
            "- keep: {lenght: {min: 1}}",
            "r.yaml:6: at sources.mine.steps[0].keep.lenght",
            "did you mean 'length'?",
            id="filter",
        ),
        pytest.param(
            "- kep: {length: {min: 1}}", "steps[0].kep", "there is no verb 'kep'; did you mean 'keep'?", id="verb"
        ),
        pytest.param(
            "- keep: {length: {mim: 1}}",
            "keep.length.mim",
            "there is no 'mim' here; did you mean 'min'?",
            id="parameter",
        ),
        pytest.param(
            "- keep: {length: {min: many}}", "keep.length.min", "should be a whole number, not 'many'", id="type"
        ),
        pytest.param(
            "- keep: {length: {min: true}}", "keep.length.min", "should be a whole number, not True", id="no coercion"
        ),
        pytest.param("- keep: {length: {min: 1.5}}", "keep.length.min", "whole number, not 1.5", id="half"),
        pytest.param(
            "- keep: {length: {min: 9, max: 2}}", "keep.length", "min (9) is above max (2)", id="what a filter refuses"
        ),
        pytest.param(
            "- keep: {length: 5}",
            "keep.length",
            "takes parameters (column, min, max, unit, tokenizer), not 5",
            id="no mapping",
        ),
        pytest.param("- keep: {at_least: {column: score}}", "keep.at_least", "'value' is missing", id="missing"),
        pytest.param(
            "- keep: {matches: {column: response, pattern: '('}}",
            "keep.matches",
            "unclosed group",
            id="a broken pattern",
        ),
        pytest.param(
            "- drop: {replace_opening: {}}",
            "steps[0].drop",
            "'replace_opening' is an edit, so its verb is 'edit'",
            id="kind",
        ),
        pytest.param("- keep: {jsonl: {}}", "keep.jsonl", "there is no filter 'jsonl'", id="a source"),
        pytest.param("- keep", "steps[0]", "a step is one verb", id="no step"),
        pytest.param(
            "- keep: {'nowhere:f': {}}", "keep.nowhere:f", "there is no file nowhere.py", id="a module not there"
        ),
        pytest.param("- keep: {'own:goood': {}}", "keep.own:goood", "did you mean 'good'?", id="a function not there"),
        pytest.param(
            "- keep: {'json:dump': {}}", "keep.json:dump", "there is no file json.py", id="not a file of yours"
        ),
    ],
)
def test_a_wrong_step_is_said_with_line_path_and_suggestion(tmp_path, step, line, said):
    (tmp_path / "own.py").write_text("def good(column): ...")
    message = told(tmp_path, textwrap.dedent(HEAD) + f"      {step}\n")
    assert line in message
    assert said in message


def test_all_errors_at_once_in_the_order_of_lines(tmp_path):
    message = told(
        tmp_path,
        """\
        name: x
        sizze: 10
        shortfall: maybe
        sources:
          a:
            read: {jsonll: {path: a}}
            taek: 5
          b:
            read: {jsonl: {path: 5}}
            sample: {by: domain, domain_temperature: warm, n: 3}
        steps:
          - select: {exact_duplicats: {}}
        output: {formats: [messagess]}
        """,
    )
    lines = [int(line.split(":")[1]) for line in message.splitlines() if line.startswith("r.yaml")]
    assert lines == sorted(lines)
    assert {2, 3, 6, 7, 9, 10, 12, 13} <= set(lines)
    for word in ("'size'", "'jsonl'", "'take'", "'exact_duplicates'"):
        assert f"did you mean {word}?" in message


def test_set_is_checked_too_and_stands_on_no_line(tmp_path):
    message = told(tmp_path, HEAD.replace("    steps:\n", ""), "size=many")
    assert "r.yaml: at size" in message


def test_a_recipe_without_sources(tmp_path):
    assert "'sources' is missing" in told(tmp_path, "name: x\n")


def test_labels_are_the_filters_names_or_with_their_parameters_where_they_repeat(tmp_path):
    file = tmp_path / "r.yaml"
    steps = "[{keep: {length: {min: 1}}}, {edit: {replace_opening: {old: a, new: b}}}, {keep: {length: {max: 9}}}]"
    file.write_text(f"name: x\nsources:\n  a: {{read: {{jsonl: {{path: a}}}}, steps: {steps}}}\n"
                    f"  b: {{read: {{jsonl: {{path: b}}}}, steps: {steps}}}\nsteps: [{{keep: {{length: {{min: 2}}}}}}]\n")  # fmt: skip
    recipe = load(file)
    assert [s.label for s in recipe.sources[0].steps] == ["length(min=1)", "replace_opening", "length(max=9)"]
    assert [s.label for s in recipe.sources[1].steps] == ["length(min=1)", "replace_opening", "length(max=9)"]
    assert recipe.steps[0].label == "length(min=2)", "a step over all sources has a column of its own"


def test_the_recipes_seed_reaches_filters_that_take_one_unless_they_set_their_own(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text(
        "name: x\nseed: 7\nsources: {a: {read: {jsonl: {path: a}}, steps: [{edit: {prompt_from_title_or_body: {}}},"
        " {edit: {prompt_from_title_or_body: {seed: 3}}}]}}\n"
    )
    assert [s.params["seed"] for s in load(file).sources[0].steps] == [7, 3]
    assert load(file, seed=9).sources[0].steps[0].params["seed"] == 9


@pytest.mark.parametrize(
    ("there", "found"),
    [
        pytest.param(["mine/a.jsonl", "a.jsonl", "dumps/a.jsonl"], "mine/a.jsonl", id="beside the recipe first"),
        pytest.param(["a.jsonl", "dumps/a.jsonl"], "a.jsonl", id="then the working folder"),
        pytest.param(["dumps/a.jsonl"], "dumps/a.jsonl", id="then the data folder"),
        pytest.param([], "a.jsonl", id="nowhere"),
    ],
)
def test_every_path_is_looked_for_in_three_places(tmp_path, monkeypatch, there, found):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", "dumps")
    for file in ["mine/r.yaml", *there]:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text('{"prompt": "Why is the grass green in spring and brown by August here?"}\n')
    Path("mine/r.yaml").write_text(
        "name: x\nsources: {a: {read: {jsonl: {path: a.jsonl}}}}\nsteps: [{drop: {contaminated: {by: [a.jsonl]}}}]\n"
    )
    if there:
        recipe = load("mine/r.yaml")
        assert recipe.sources[0].read.params["path"] == Path(found)
        assert [content for _, content in recipe.steps[0].depends()["files"]]
    else:
        with pytest.raises(RecipeError) as caught:
            load("mine/r.yaml")
        assert (
            "there is no file a.jsonl; looked for mine/a.jsonl (beside the recipe), a.jsonl (in the working folder), "
            "dumps/a.jsonl (in $CURATE_DATA)"
        ) in str(caught.value)


def test_missing_files_are_told_with_what_else_is_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("forum.jsonl.gz").touch()
    Path("r.yaml").write_text(
        "name: x\nsizee: 3\nsources:\n  a: {read: {jsonl: {path: form.jsonl}}}\n  b: {read: {wikihow: {path: wikihow/all.csv}}}\n"
        "  c: {read: {jsonl: {path: c.jsonl}}, optional: true}\n"
    )
    with pytest.raises(RecipeError) as caught:
        load("r.yaml")
    told = [(problem.line, problem.message) for problem in caught.value.problems]
    assert [line for line, _ in told] == [2, 4, 5]
    assert "there is no 'sizee' here" in told[0][1]
    assert told[1][1] == "there is no file form.jsonl; did you mean forum.jsonl.gz?"
    assert told[2][1].endswith("; `curate fetch wikihow` brings it")


def test_a_recipe_that_is_extended_may_stand_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", "dumps")
    Path("dumps").mkdir()
    Path("dumps/base.yaml").write_text("name: base\nsources: {a: {read: {jsonl: {path: a.jsonl}}}}\n")
    Path("r.yaml").write_text("name: x\nextends: base.yaml\n")
    assert load("r.yaml").sources[0].name == "a"


def test_a_users_own_function_is_found_beside_the_recipe(tmp_path):
    (tmp_path / "my_filters_here.py").write_text(
        "import polars as pl\n\ndef polite(column: str = 'response') -> pl.Expr:\n    return pl.col(column).str.contains('please')\n"
    )
    file = tmp_path / "r.yaml"
    file.write_text(
        "name: x\nsources: {a: {read: {jsonl: {path: a}}, steps: [{keep: {'my_filters_here:polite': {}}}]}}\n"
    )
    assert load(file).sources[0].steps[0].label == "polite"
