"""The command: a plan, a run, and what finished folders are asked."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main


def curate(*args: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(arg) for arg in args])
    assert done.exit_code == code, done.output
    return done.output


def test_a_dry_run_prints_the_plan_and_makes_nothing(given, write, tmp_path):
    given["arms"]["same"] = {}
    output = curate("ablate", write(given), "--dry-run", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for part in ("as plain/0", "2 trainings (2 to do)", "4 training steps", "no requests to a model", "Mind: one seed"):
        assert part in output


def test_a_plan_as_data(given, write, tmp_path):
    given["arms"]["same"] = {}
    told = json.loads(curate("ablate", write(given), "--dry-run", "--json", "--out", tmp_path / "out"))
    assert [job["nodes"]["sft"] for job in told["jobs"]] == ["to do", "to do", "as plain/0"]
    assert (told["nodes"]["train"], told["steps"], told["answers"]) == ({"all": 2, "to do": 2}, 4, 4)


@pytest.mark.slow
def test_a_run_and_what_its_folder_then_says(given, write, runner, tmp_path):
    out = tmp_path / "out"
    output = curate("ablate", write(given), "--runner", runner, "--out", out)
    assert "Nothing can be claimed" in output or "short" in output
    assert str(out / "report.html") in output
    assert "2 trainings (0 to do)" in curate("ablate", write(given), "--dry-run", "--out", out)
    assert "are the same as before" in curate("ablate", out)
    results = json.loads((out / "results.json").read_text())
    (out / "results.json").write_text(json.dumps({**results, "judge": "other"}))
    output = curate("ablate", out)
    assert "are NOT what they were" in output
    assert "judge is 'other'" in output


def test_a_finished_set_is_asked_what_its_filters_are_worth(recipe, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({"name": "set", **recipe}))
    curate("run", file, "--out", tmp_path / "set")
    assert "length" in curate("ablate", tmp_path / "set")
    result = json.loads(curate("what-if", tmp_path / "set", "length.response >= 1000", "--json"))
    assert result[0]["lost"] == 20


def test_errors_are_one_screen(given, write, tmp_path):
    given["arms"]["short"] = {"trian": 1}
    output = curate("ablate", write(given), "--dry-run", code=2)
    assert "at arms.short.trian" in output
    assert "did you mean 'train'?" in output
    del given["arms"]["short"]["trian"]
    assert "has no {command}" in curate("ablate", write(given), "--runner", "srun", "--out", tmp_path / "o", code=2)
    assert "there is no such file" in curate("ablate", tmp_path / "none.yaml", code=2)


def test_a_packaged_ablation_goes_by_its_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = json.loads(curate("ablate", "planted", "--dry-run", "--json"))
    assert [job["arm"] for job in told["jobs"]] == ["habit", "habit", "plain", "plain", "null", "null"]
