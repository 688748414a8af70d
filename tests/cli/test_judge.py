"""The command `judge`: what it writes, what it says, what it costs, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from curate.cli.judge import judge as command
from curate.errors import UserError
from curate.evaluate.grades import read_comparisons, read_grades
from curate.models.judges import comparison, rules, verdict
from tests.evaluate.grades import made
from tests.evaluate.grades.made import answers, dialogue
from tests.models.judges.scripted import scripted
from tests.train import tiny

LONG = "Put basil in a glass of water, as you would cut flowers, and keep it in the light."
OWN = ["--judge", "made:longer"]


@pytest.fixture
def files(tmp_path, monkeypatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    shutil.copy(made.__file__, tmp_path)
    one = tiny.write(tmp_path / "x.jsonl", answers(LONG, "No.", LONG, None, samples=2).to_dicts())
    other = tiny.write(tmp_path / "y.jsonl", answers("No.", "No way.", LONG, "No.", samples=2).to_dicts())
    return str(one), str(other)


def run(*args: str, code: int = 0) -> Result:
    done = CliRunner().invoke(command, list(args))
    if done.exception and not isinstance(done.exception, SystemExit | UserError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def named(monkeypatch, judge: Any) -> None:
    monkeypatch.setattr("curate.recipe.load.named_judge", lambda file, name: judge)


def test_grades_are_written_and_summed_up(files):
    said = run(*files, "--judge", "rules").stdout
    assert "difference" in said
    assert "x: 1 × no answer: too long" in said
    grades = read_grades(Path("out/judged/grades.jsonl"))
    assert grades["arm"].to_list() == ["x"] * 4 + ["y"] * 4
    assert grades["score"].null_count() == 1
    assert "nothing is sent" in run(*files, "--judge", "rules").stderr


def test_the_same_as_data(files):
    found = json.loads(run(*files, "--judge", "rules", "--json").stdout)
    one, other = found["arms"]
    assert (one["arm"], one["answers"], one["failed"], other["graded"]) == ("x", 4, 1, 4)
    assert one["grade"].keys() == {"mean", "low", "high", "n"}
    assert found["differences"][0]["against"] == "x"
    assert found["agreement"] is None


def test_pairs_are_written_and_summed_up(files):
    said = run(*files, "--pairwise", *OWN).stdout
    assert "x wins" in said
    assert "3 of 4 pairs judged, over 2 prompts" in said
    assert "no verdict: 1 × a has no answer: too long" in said
    assert read_comparisons(Path("out/judged/comparisons.jsonl"))["verdict"].to_list() == ["a", "b", "tie", None]
    found = json.loads(run(*files, "--pairwise", *OWN, "--json").stdout)
    assert (found["a"], found["judged"], found["flips"]["mean"]) == ("x", 3, 0)


def test_a_judge_that_grades_compares_too(files):
    run(*files, "--pairwise", "--judge", "rules")
    assert read_comparisons(Path("out/judged/comparisons.jsonl"))["verdict"].to_list()[:3] == ["a", "b", "tie"]


def test_a_judge_is_measured_on_a_gold_set(tmp_path, files):
    rows = [{"prompt": f"{i}?", "first": "Yes.", "second": LONG, "label": "second" if i else "first"} for i in range(4)]
    gold = str(tiny.write(tmp_path / "gold.jsonl", rows))
    said = run("--gold", gold, *OWN).stdout
    assert "agreement with gold: 75 % (30 % to 95 %), kappa 0.00, over 4" in said
    assert "wins" not in said
    assert json.loads(run("--gold", gold, *OWN, "--json").stdout)["gold"]["agreement"]["mean"] == 0.75


def test_two_graders_agree_or_not(files):
    run(*files, "--judge", "rules", "--out", "one")
    said = run(*files, "--judge", "made:length", "--agree", "one/grades.jsonl").stdout
    assert "agreement with one/grades.jsonl: 0 %" in said
    run(*files, "--pairwise", *OWN)
    turned = run(*reversed(files), "--pairwise", *OWN, "--agree", "out/judged/comparisons.jsonl").stdout
    assert "comparisons.jsonl: 100 %" in turned, "read before the file of its own takes its place"


def test_dialogues_are_told_by_turn(tmp_path, files, monkeypatch):
    model, _ = scripted(lambda ask: '{"verdict": "excellent"}')
    named(monkeypatch, verdict(generator=model))
    file = tiny.write(tmp_path / "talks.jsonl", dialogue("Yes.", "No.").to_dicts())
    said = run(str(file)).stdout
    assert "talks, by turn: 2.00, 2.00" in said
    assert "excellent" in said
    assert "100 % (21 % to 100 %)" in said


def test_the_cost_is_said_before_and_a_dry_run_stops_there(files, monkeypatch):
    model, asked = scripted(lambda ask: '{"better": "first"}')
    named(monkeypatch, comparison(generator=model))
    done = run(*files, "--pairwise", "--dry-run")
    assert done.stdout.startswith("4 requests to the judge: 4 to be sent with ")
    assert asked == []
    assert not Path("out/judged/comparisons.jsonl").exists()
    assert json.loads(run(*files, "--pairwise", "--dry-run", "--json").stdout)["requests"] == 4
    run(*files, "--pairwise")
    assert len(asked) == 4
    assert "4 are answered already or the same as another, 0 to be sent" in run(*files, "--pairwise").stderr
    assert len(asked) == 4


@pytest.mark.slow
def test_a_judge_comes_from_a_file(tmp_path, files):
    file = tmp_path / "judges.yaml"
    server = {"openai": {"model": "small", "base_url": "http://127.0.0.1:9/v1"}}
    judges = {
        "form": {"rules": {}},
        "safe": {"verdict": {"generator": "server", "scale": "safety"}},
        "lima": {"label": {"generator": "server", "scale": "pass"}},
        "better": {"comparison": {"generator": "server", "by": "likelihood"}},
        "own": {"made:longer": {}},
    }
    file.write_text(yaml.safe_dump({"generators": {"server": server}, "judges": judges}))
    given = ["--judges", str(file), "--dry-run"]
    assert "nothing is sent" in run(*files, *given, "--judge", "form").stdout
    for name in ("safe", "lima"):
        assert "7 requests to the judge" in run(*files, *given, "--judge", name).stdout
    assert "4 requests" in run(*files, *given, "--judge", "better", "--pairwise").stdout
    assert "nothing is sent" in run(*files, *given, "--judge", "own", "--pairwise").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param([], "name files of answers, or --gold FILE", id="no answers"),
        pytest.param(["x.jsonl", "--pairwise"], "--pairwise takes two files of answers, not 1", id="one of two"),
        pytest.param(["x.jsonl", "--gold", "g.jsonl"], "--gold is judged by itself", id="both"),
        pytest.param(["x.jsonl", *OWN], "longer compares two answers and grades none", id="a judge that only compares"),
    ],
)
def test_what_cannot_be_meant_is_refused(files, args, said):
    assert said in run(*(args if "--judge" in args else [*args, "--judge", "rules"]), code=2).output


def test_files_that_are_wrong_are_told_in_words(tmp_path, files):
    three = [answers("a").to_dicts()[0] | {"checkpoint": f"checkpoint-{n}"} for n in (1, 2)]
    several = str(tiny.write(tmp_path / "z.jsonl", three))
    done = run(files[0], several, "--pairwise", *OWN, code=1)
    assert "these files hold the answers of 3: x, z checkpoint-1, z checkpoint-2" in str(done.exception)
    assert "cannot be read" in str(run(files[0], "--judge", "rules", "--agree", "none.jsonl", code=1).exception)
    assert not Path("out/judged/grades.jsonl").exists(), "that is seen before anything is judged"


def test_prompts_say_what_stood_before_answers_that_do_not(tmp_path, files, monkeypatch):
    model, asked = scripted(lambda ask: '{"verdict": "pass"}')
    named(monkeypatch, verdict(generator=model))
    plain = tiny.write(tmp_path / "plain.jsonl", [{"id": "p0", "prompt": "And now?", "response": "Stir."}])
    before = [{"role": "user", "content": "How do I cook risotto?"}, {"role": "assistant", "content": "Slowly."}]
    prompts = tiny.write(tmp_path / "prompts.jsonl", [{"id": "p0", "prompt": "And now?", "history": before}])
    run(str(plain), "--prompts", str(prompts))
    assert "How do I cook risotto?" in asked[0].messages[0]["content"]


def test_the_help_names_every_option():
    said = run("--help").stdout
    for param in command.params:
        assert not param.opts[0].startswith("--") or param.opts[0] in said
    assert rules().compare is None


@pytest.mark.slow
def test_a_server_and_a_reward_model_judge_too(tmp_path, files):
    """Each backend through the whole command: a server by structured output, a reward model by its one number."""
    from curate.models.generators.generator import close_all
    from tests.models.generators.servers import good, serving
    from tests.models.judges import tiny as models

    with serving(lambda body, tries: good(body, '{"verdict": "safe"}')) as chat:
        judges = {
            "safe": {"verdict": {"generator": "server", "scale": "safety"}},
            "reward": {"reward_model": {"model": str(models.write(tmp_path / "reward"))}},
        }
        server = {"openai": {"model": "small", "base_url": chat.url}}
        file = tmp_path / "judges.yaml"
        file.write_text(yaml.safe_dump({"generators": {"server": server}, "judges": judges}))
        said = run(*files, "--judges", str(file), "--judge", "safe").stdout
        assert "100 % (34 % to 100 %)" in said
        assert chat.bodies[0]["response_format"]["json_schema"]["schema"]["required"] == ["verdict"]
    try:
        found = json.loads(run(*files, "--judges", str(file), "--judge", "reward", "--json").stdout)
    finally:
        close_all()
    assert [arm["graded"] for arm in found["arms"]] == [3, 4]
