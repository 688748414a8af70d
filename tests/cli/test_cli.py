"""The command as a person meets it: every message one screen, in words, with exit code 2 for what the user can mend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main
from curate.cli.doctor import EXTRAS
from curate.run import run as story
from tests.conftest import rows

RECIPE = {
    "size": 10,
    "sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": [{"keep": {"length": {"min": 10}}}]}},
    "steps": [{"select": {"exact_duplicates": {"column": "prompt"}}}],
}


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_jsonl("one.jsonl", rows(60))
    write_recipe(RECIPE)
    return tmp_path


def call(*args, code=0):
    done = CliRunner().invoke(main, [str(a) for a in args])
    assert done.exit_code == code, done.output + (repr(done.exception) if done.exception else "")
    assert code == 0 or "Traceback" not in done.output
    assert code == 0 or len(done.output.splitlines()) < 24, "an error is one screen"
    return done.stdout if code == 0 else done.output


def as_json(*args):
    return json.loads(call(*args, "--json"))


def test_run_prints_the_funnel_the_table_and_where_the_set_is(there):
    out = call("run", "recipe.yaml")
    assert "Funnel" in out
    assert f"10 rows in {Path('out/test')}" in out
    assert (there / "out/test/train.parquet").is_file()


def test_a_mistyped_key_is_one_screen(there):
    (there / "recipe.yaml").write_text((there / "recipe.yaml").read_text().replace("length", "lenght"))
    out = call("run", "recipe.yaml", code=2)
    assert out.splitlines()[0].startswith("recipe.yaml:")
    assert "did you mean 'length'?" in out


def test_names_and_texts_of_the_data_are_no_markup(there, write_jsonl):
    write_jsonl("one.jsonl", rows(60, domain="[/bold] [red]x"))
    (there / "recipe.yaml").write_text((there / "recipe.yaml").read_text().replace("one:", "'[/i]':"))
    args = ("--set", 'sources["[/i]"].sample={by: domain}')
    assert "[/bold] [red]x" in call("run", "recipe.yaml", *args)
    row = pl.read_parquet("out/test/ledger.parquet")["id"][0]
    assert "[/i], [/bold] [red]x" in call("why", "out/test", row)
    assert "[/i]" in call("check", "recipe.yaml")


def test_check_tells_the_yield_of_a_sample(there):
    found = as_json("check", "recipe.yaml")["sample"][0]
    assert (found["sampled"], found["kept"]) == (60, 40)
    assert "40 of 60 tried rows kept" in call("check", "recipe.yaml")


def test_why_tells_a_rows_way(there):
    call("run", "recipe.yaml")
    ledger = pl.read_parquet("out/test/ledger.parquet")
    dropped = ledger.filter(pl.col("dropped_by") == "length")["id"][0]
    found = as_json("why", "out/test", dropped[:12])
    step = found["steps"][0]
    assert (step["label"], step["outcome"], step["params"]["min"]) == ("length", "failed", 10)
    assert step["measured"]["response"] < 10
    assert "dropped by length" in call("why", "out/test", dropped[:12])
    kept = ledger.filter("kept")["id"][0]
    assert [s["outcome"] for s in as_json("why", "out/test", kept)["steps"]] == ["passed"] * 3


def test_why_of_an_unknown_row_or_folder(there):
    call("run", "recipe.yaml")
    assert "no row's id begins with 'zz'" in call("why", "out/test", "zz", code=2)
    assert "there is no such folder" in call("why", "out/nowhere", "zz", code=2)


def test_diff_of_two_settings_names_the_step(there):
    call("run", "recipe.yaml", "--out", "out/a")
    call(
        "run",
        "recipe.yaml",
        "--out",
        "out/b",
        "--set",
        "sources.one.steps.0.keep.length.min=40",
        "--set",
        "shortfall=accept",
    )
    changes = as_json("diff", "out/a", "out/b")
    assert changes
    assert {c["step"] for c in changes if c["change"] == "lost"} <= {"length", "sample"}
    assert "The two sets hold the same rows" in call("diff", "out/a", "out/a")


@pytest.mark.slow
def test_verify_derives_again_and_notices_a_changed_file(there):
    call("run", "recipe.yaml")
    assert set(as_json("verify", "out/test").values()) == {"same"}
    with (there / "out/test/train.jsonl").open("a") as file:
        file.write("{}\n")
    assert "changed on disk" in call("verify", "out/test", code=1)
    with (there / "one.jsonl").open("a") as file:
        file.write(json.dumps(rows(1, url="new")[0]) + "\n")
    assert "derived differently" in call("verify", "out/test", code=1)


@pytest.mark.parametrize("format_", ["messages", "alpaca", "sharegpt", "prompt_completion"])
def test_export(there, format_):
    call("run", "recipe.yaml")
    file = Path(call("export", "out/test", "--format", format_).strip())
    assert len(file.read_text().splitlines()) == 10


def test_export_to_a_dataset_folder(there):
    datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
    call("run", "recipe.yaml")
    folder = call("export", "out/test", "--format", "dataset").strip()
    assert datasets.load_from_disk(folder).num_rows == 10


@pytest.mark.parametrize(
    ("format_", "files"),
    [
        ("axolotl", ["train.jsonl", "axolotl.yaml"]),
        ("llamafactory", ["train.jsonl", "dataset_info.json", "llamafactory.yaml"]),
    ],
)
def test_export_for_another_trainer(there, format_, files):
    call("run", "recipe.yaml")
    (there / "sft.yaml").write_text("model: org/model\ndata: out/test\ntrainer: {learning_rate: 1.0e-5}\n")
    said = call("export", "out/test", "--format", format_, "--config", "sft.yaml", "--to", "there")
    assert [line for line in said.splitlines() if line.startswith("there")] == [str(Path("there") / f) for f in files]
    assert yaml.safe_load((there / "there" / files[-1]).read_text())["learning_rate"] == 1e-5


def test_export_suggests_and_refuses(there):
    call("run", "recipe.yaml")
    assert "belongs to axolotl and llamafactory" in call(
        "export", "out/test", "--format", "messages", "--config", "x.yaml", code=2
    )
    assert "did you mean 'messages'?" in call("export", "out/test", "--format", "mesages", code=2)
    assert "has no chosen" in call("export", "out/test", "--format", "preference", code=2)


def test_report_writes_the_same_page_again(there):
    call("run", "recipe.yaml")
    before = (there / "out/test/report.html").read_bytes()
    (there / "out/test/report.html").unlink()
    call("report", "out/test")
    assert (there / "out/test/report.html").read_bytes() == before


@pytest.mark.slow
def test_list_and_the_reference_of_every_filter_and_source(there):
    found = as_json("list")
    assert {"length", "exact_duplicates", "html_to_markdown"} <= {f["name"] for f in found["filters"]}
    assert "lima1k" in {f["name"] for f in found["recipes"]}
    for kind in ("filters", "sources", "recipes"):
        for row in found[kind]:
            assert row["does"].strip(), f"{row['name']} has no sentence"
            assert len(call("list", kind, row["name"]).splitlines()) > 2
    assert "did you mean 'length'?" in call("list", "filters", "lenght", code=2)


@pytest.mark.slow
def test_schema_takes_the_packaged_recipe_and_refuses_a_mistyped_one():
    import jsonschema
    import yaml

    schema = json.loads(call("schema"))
    recipe = yaml.safe_load(call("list", "recipes", "lima1k"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(recipe, schema)
    recipe["sources"]["authored"]["taek"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(recipe, schema)


@pytest.mark.slow
def test_doctor(there, monkeypatch):
    """One extra alone: all take a minute of imports."""
    monkeypatch.setattr("curate.cli.doctor.EXTRAS", {"pandas": EXTRAS["pandas"]})
    assert [line["what"] for line in as_json("doctor")] == ["curate", "polars", "compiled", "pandas", "data", "disk"]
    assert "ok  pandas       pandas " in call("doctor")
    monkeypatch.setenv("CURATE_REFERENCE", "1")
    assert "--  compiled     steps of filters that read every text run in Python" in call("doctor")


def test_every_command_and_option_has_help():
    for name, command in main.commands.items():
        assert command.help, f"{name} says nothing of itself"
        for option in command.params:
            assert getattr(option, "help", "") or option.param_type_name == "argument", f"{name} {option.name}"
    assert {"run", "check", "list", "why", "diff", "verify", "report", "schema", "export", "doctor"} <= set(
        main.commands
    )


def test_an_interrupt_says_that_the_work_is_kept(there, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(story, "run", interrupt)
    assert "the same command goes on from there" in call("run", "recipe.yaml", code=130)


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "curate", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("curate, version ")


def test_show_prints_rows_as_a_reader_sees_them(there):
    call("run", "recipe.yaml", "--out", "out/a")
    said = call("show", "out/a", "--rows", "2")
    assert said.count("prompt\n") == 2 and said.count("Question ") == 2
    assert len(json.loads(call("show", "out/a", "--rows", "2", "--json"))) == 2
    assert "no such folder" in call("show", "out/b", code=2)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(
            ["run", "one.jsonl"], "`curate init one.jsonl` looks at it and writes a recipe", id="data, no recipe"
        ),
        pytest.param(["run", "recipes.yaml"], "did you mean recipe.yaml?", id="a recipe here"),
        pytest.param(["run", "lima2k.yaml"], "did you mean lima1k.yaml?", id="a packaged recipe"),
        pytest.param(["check", "."], "is a folder; if this is data, `curate init .`", id="a folder"),
        pytest.param(["list", "lenght"], "there is nothing called 'lenght'; did you mean 'length'?", id="nothing"),
    ],
)
def test_a_mistyped_name_gets_a_suggestion(there, args, said):
    assert said in call(*args, code=2)


def test_a_name_alone_is_found_among_all_kinds():
    assert call("list", "length") == call("list", "filters", "length")
    assert call("list", "jsonl") == call("list", "sources", "jsonl")


def test_a_run_that_fails_leaves_no_folder(there):
    for changed in ("sources.one.read.jsonl.path=none.jsonl", "sources.one.read.jsonl.columns={prompt: x}"):
        call("run", "recipe.yaml", "--set", changed, code=2)
        assert not (there / "out").exists()


def test_every_source_that_is_wrong_is_said_at_once(there):
    wrong = {"two": {"read": {"jsonl": {"path": "none.jsonl"}}}, "three": {"read": {"csv": {"path": "none.csv"}}}}
    recipe = {"name": "test", **RECIPE, "sources": {**RECIPE["sources"], **wrong}}
    (there / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    for command in ("check", "run"):
        out = call(command, "recipe.yaml", code=2)
        assert "no file none.jsonl" in out and "no file none.csv" in out


def test_every_step_that_reads_a_column_which_is_not_there_is_said_at_once(there):
    steps = "[{keep: {at_least: {column: scoer, value: 1}}}, {keep: {length: {column: respones, min: 1}}}]"
    out = call("check", "recipe.yaml", "--set", f"sources.one.steps={steps}", code=2)
    assert "did you mean 'score'?" in out and "did you mean 'response'?" in out


def test_a_filter_on_a_column_of_another_type_is_named(there):
    steps = "sources.one.steps=[{keep: {at_least: {column: response, value: 3}}}]"
    out = call("run", "recipe.yaml", "--set", steps, "--set", "shortfall=accept", code=2)
    assert "Step at_least: 'response' holds text that it cannot judge (60 rows)." in out
    assert "The set is empty" in out
    says = "Step at_least: 'response' holds text that it cannot judge (60 tried rows)."
    assert says in call("check", "recipe.yaml", "--set", steps)
    steps = steps.replace("sources.one.steps", "steps")
    assert call("check", "recipe.yaml", "--set", steps).count("cannot judge") == 1


def test_the_list_of_commands_is_not_cut():
    assert "…" not in call("--help") and "..." not in call("--help").partition("Commands:")[2]


def test_verify_finds_what_stood_beside_the_recipe(there):
    for file in ("one.jsonl", "recipe.yaml"):
        (there / "mine").mkdir(exist_ok=True)
        (there / file).rename(there / "mine" / file)
    call("run", "mine/recipe.yaml")
    assert set(as_json("verify", "out/test").values()) == {"same"}


def test_quiet_shows_no_table_and_hides_no_shortfall(there):
    result = CliRunner().invoke(main, ["-q", "run", "recipe.yaml"])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Funnel" in call("run", "recipe.yaml")
    short = CliRunner().invoke(main, ["-q", "run", "recipe.yaml", "--set", "size=500"])
    assert short.exit_code == 2
    assert "Funnel" not in short.stdout
    assert "500" in short.stderr


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["why", "nowhere", "12"], "there is no such folder"),
        (["check", "recipe.yaml", "--rows", "x"], "not a valid integer"),
        (["run", "recipe.yaml", "--set", "size=500"], "500"),
    ],
)
def test_errors_are_data_where_data_are_asked_for(there, args, sentence):
    result = CliRunner().invoke(main, [*args, "--json"])
    assert sentence in json.loads(result.stderr)["error"]
    assert json.loads(result.stderr)["exit_code"] == result.exit_code == 2


@pytest.mark.parametrize(
    ("words", "at", "completed"),
    [("run lima", 1, "lima1k.yaml"), ("list filters first", 2, "first_person"), ("wh", 0, "what-if")],
)
def test_a_shell_completes_commands_recipes_and_names(words, at, completed):
    from click.shell_completion import BashComplete

    *args, incomplete = words.split()
    found = BashComplete(main, {}, "curate", "_CURATE_COMPLETE").get_completions(args, incomplete)
    assert len(args) == at
    assert completed in [item.value for item in found]
