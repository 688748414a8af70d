"""A tiny model before and after a change, at a task of one's own, by lm-eval itself."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from curate.cli.bench import bench_model
from curate.evaluate.bench import BenchError, bench
from curate.evaluate.bench.bench import find
from curate.evaluate.bench.lm_eval import Settings
from curate.evaluate.trained import TrainedError
from curate.models.weights import ModelError
from tests.train import tiny

pytestmark = pytest.mark.model

TASK = """
task: bread
dataset_path: json
dataset_kwargs:
  data_files: {test: bread.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two models that differ, and a folder of tasks."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("bench")
    before = tiny.save_model(folder / "before")
    shutil.copytree(before, folder / "after")
    model = AutoModelForCausalLM.from_pretrained(before)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) * 0.5)
    model.save_pretrained(folder / "after")
    tasks = folder / "tasks"
    tasks.mkdir()
    (tasks / "bread.yaml").write_text(TASK, encoding="utf-8")
    letters = "abcdefgh"  # of one length, or the length would decide
    asked = [*range(22), 0, 1]  # two questions come again
    rows = [
        {"question": f"What is {i}?", "choices": [letters[(i + k) % 8] for k in (0, 2, 5)], "answer": i % 3}
        for i in asked
    ]
    tiny.write(tasks / "bread.jsonl", rows)
    return folder


@pytest.fixture(scope="module")
def result(home):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HF_DATASETS_CACHE", str(home / "cache"))
        patched.setenv("HF_HUB_OFFLINE", "1")
        patched.setenv("OMP_NUM_THREADS", "1")
        settings = Settings(include_path=home / "tasks", model_args={"dtype": "float32"})
        yield bench(home / "before", [home / "after"], ["bread"], home / "out/bench", settings=settings)


def test_lm_eval_is_run_before_and_after(result, home):
    [after] = result["after"]
    for old, new in zip(result["tasks"], after["tasks"], strict=True):
        assert (old["measure"], old["n"], new["how"]) == ("acc_norm", 24, "paired")
        assert new["difference"] == pytest.approx(new["value"] - old["value"])
        assert new["low"] <= new["difference"] <= new["high"]
    assert json.loads((home / "out/bench/bench.json").read_text()) == result
    assert [run["reused"] for run in result["runs"]] == [False] * 2
    assert all(Path(run["log"]).stat().st_size > 100 for run in result["runs"])


def test_the_grades_of_prompts_are_those_lm_eval_wrote(result):
    grades = []
    for run, row in zip(result["runs"], [*result["tasks"], *result["after"][0]["tasks"]], strict=True):
        [file] = Path(run["log"]).parent.glob("samples_*.jsonl")
        grades.append([json.loads(line)["acc_norm"] for line in file.read_text().splitlines()])
        assert sum(grades[-1]) / 24 == pytest.approx(row["value"])
    assert grades[0] != grades[1], "the models differ, so that this test sees which is which"
    assert grades[0][:2] == grades[0][-2:], "the questions that come again"


def called(home, *more):
    arguments = [str(home / "before"), str(home / "after"), "--tasks", "bread", "--model-args", "dtype=float32"]
    arguments += ["--include-path", str(home / "tasks"), "--out", str(home / "out/other"), *more]
    done = CliRunner().invoke(bench_model, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_runs_nothing_twice(result, home):
    data = json.loads(called(home, "--json"))
    assert [run["reused"] for run in data["runs"]] == [True] * 2
    assert data["after"] == result["after"]


def test_the_command_prints_a_table(result, home):
    output = called(home)
    for words in ("before", "difference", "95 % interval", "paired", "bread", "IFEval is not among"):
        assert words in output
    row = result["after"][0]["tasks"][0]
    value, difference = (
        re.escape(f"{100 * row[name]:{form}}") for name, form in (("value", ".1f"), ("difference", "+.1f"))
    )
    assert re.search(f"bread .* {value} .* {difference} ", output)
    assert "measure" in called(home, "--measure", "acc") and "acc_norm" not in called(home, "--measure", "acc")


def test_what_lm_eval_does_not_know_is_told_in_its_words(result, home, tmp_path):
    with pytest.raises(BenchError, match=r"(?s)did not finish no_such_task with .*exit code 1.*no_such_task"):
        bench(home / "before", [], ["no_such_task"], tmp_path / "out")


def test_there_are_tasks(home, tmp_path):
    with pytest.raises(BenchError, match="there are no tasks"):
        bench(home / "before", [], [], tmp_path)


def test_the_model_of_a_training_is_its_merged_one(home, tmp_path):
    shutil.copytree(home / "before", tmp_path / "sft/merged")
    (tmp_path / "sft/record.json").write_text(json.dumps({"stage": "sft"}))
    trained, plain = find(tmp_path / "sft"), find(home / "before")
    assert trained.path == str((tmp_path / "sft/merged").resolve())
    assert trained.weights == plain.weights != find(home / "after").weights


@pytest.mark.parametrize(
    ("folder", "error", "words"),
    [
        pytest.param("empty", TrainedError, "is not a finished training folder", id="a training that did not end"),
        pytest.param("chain", TrainedError, r"a chain of trainings: name one, such as .*sft", id="a chain"),
        pytest.param("none", ModelError, "there is no folder", id="nothing at all"),
    ],
)
def test_what_is_no_model_is_told(folder, error, words, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "chain/sft").mkdir(parents=True)
    (tmp_path / "chain/sft/record.json").write_text("{}")
    with pytest.raises(error, match=words):
        find(tmp_path / folder)
