from __future__ import annotations

import json

import pytest

from curate.evaluate.bench import BenchError
from curate.evaluate.bench.lm_eval import Model, Settings, command, run

MODEL = Model("mine", "/models/a,b", "hash")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({}, "--model hf", id="lm-eval's own default"),
        pytest.param({"backend": "vllm"}, "--model vllm", id="another backend"),
        pytest.param({"limit": 5.0}, "--limit 5", id="a number of prompts"),
        pytest.param({"limit": 0.25}, "--limit 0.25", id="a share of the prompts"),
        pytest.param({"model_args": {"dtype": "float32"}}, "--model_args dtype=float32", id="an argument of the model"),
        pytest.param({"options": {"num_fewshot": "5"}}, "--num_fewshot 5", id="an option"),
        pytest.param({"options": {"apply_chat_template": None}}, "--apply_chat_template", id="a flag"),
    ],
)
def test_what_lm_eval_is_asked(settings, words, tmp_path):
    arguments = command(MODEL, "ifeval", Settings(**settings), tmp_path)
    assert words in " ".join(arguments)
    assert "--tasks ifeval" in " ".join(arguments) and "--log_samples" in arguments
    assert json.loads(arguments[arguments.index("--model_args") + 1]) == {"pretrained": "/models/a,b"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"backend": "ollama"}, "there is no backend 'ollama'; known: hf, vllm", id="a backend"),
        pytest.param({"options": {"tasks": "x"}}, "`tasks` is no option to pass on", id="an option set otherwise"),
        pytest.param({"model_args": {"pretrained": "x"}}, "name the model itself", id="another model"),
    ],
)
def test_what_it_cannot_be_asked(settings, words):
    with pytest.raises(BenchError, match=words):
        Settings(**settings)


def test_a_folder_of_tasks_is_there(tmp_path):
    with pytest.raises(BenchError, match="there is no folder of tasks"):
        Settings(include_path=tmp_path / "none")


def test_the_key_holds_all_that_a_result_rests_on(tmp_path):
    (tmp_path / "quiz.yaml").write_text("task: quiz\n")

    def key(**settings):
        return json.dumps(Settings(include_path=tmp_path, **settings).key())

    keys = [key(), key(limit=2), key(backend="vllm"), key(model_args={"dtype": "auto"}), key(options={"seed": "1"})]
    (tmp_path / "quiz.yaml").write_text("task: other\n")
    keys.append(key())
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/utils.pyc").write_bytes(b"")
    assert len(set(keys)) == len(keys) and key() == keys[-1]


def test_without_lm_eval_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("curate.evaluate.bench.lm_eval.find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"pip install 'curate-lm\[bench-model\]'"):
        Settings().key()


def fake(monkeypatch, script):
    """Let a script stand in for lm-eval; it is told the folder of its results."""
    import sys

    def made(model, task, settings, folder):
        return [sys.executable, "-c", script, str(folder), model.name]

    monkeypatch.setattr("curate.evaluate.bench.lm_eval.command", made)


WRITES = "import sys, pathlib; print('hello'); (pathlib.Path(sys.argv[1]) / 'results_1.json').write_text('{}')"


def test_a_run_is_kept_by_weights_task_and_settings(monkeypatch, tmp_path):
    fake(monkeypatch, WRITES)

    def again(model=MODEL, task="quiz", **settings):
        return run(model, task, Settings(**settings), tmp_path / "home", tmp_path / "failed")

    first = again()
    assert not first.reused and first.log.read_text().strip() == "hello"
    assert again(Model("same weights, another name", "/elsewhere", "hash")) == first.__class__(
        first.folder, True, first.seconds
    )
    for other in (again(Model("mine", "/models/a,b", "trained")), again(task="other"), again(limit=3)):
        assert not other.reused
    assert len(list((tmp_path / "home").glob("bench-*"))) == 4 and not (tmp_path / "failed").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(
            "print('loading'); raise SystemExit('no such task: quiz')",
            r"did not finish quiz with mine \(exit code 1\); the log is .*quiz-with-mine\.log, which ends with\n  loading\n  no such task",
            id="lm-eval says what is wrong",
        ),
        pytest.param("", r"\(exit code 0\)", id="it ends well and leaves nothing"),
        pytest.param("import os; os.kill(os.getpid(), 9)", r"\(exit code -9\)", id="it is killed"),
    ],
)
def test_a_failure_is_told_and_leaves_its_log(script, words, monkeypatch, tmp_path):
    fake(monkeypatch, "import sys; sys.stdout.reconfigure(line_buffering=True);" + script)
    with pytest.raises(BenchError, match=words):
        run(MODEL, "quiz", Settings(), tmp_path / "home", tmp_path / "failed")
    assert list((tmp_path / "home").glob("bench-*")) == []
    assert (tmp_path / "failed/quiz-with-mine.log").is_file()
