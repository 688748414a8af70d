"""Choosing among epochs: the decision by its numbers, and the whole on a tiny model that was really trained."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from curate.cli.answer import choose as command
from curate.evaluate.answers import AnswerError, answers
from curate.evaluate.epochs import choose, decide
from curate.evaluate.trained import Checkpoint, open_training
from curate.models.generators.generator import close_all
from curate.models.judges import function
from curate.models.judges.judge import Grade, Judge
from curate.recipe.load import named_judge
from curate.recipe.places import RecipeError
from tests.evaluate.test_answers import PROMPTS, trained  # noqa: F401 - a fixture
from tests.train import tiny

pytestmark = pytest.mark.model

BRIEF = {"max_new_tokens": 8}


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


def graded(*scores: float | None, samples: int = 1) -> pl.DataFrame:
    """Make the graded answers of a checkpoint, `samples` to a prompt."""
    n = len(scores)
    columns = {"id": [str(i // samples) for i in range(n)], "score": scores, "failed": [None] * n, "tokens": [9] * n}
    return pl.DataFrame(
        {**columns, "finish_reason": ["stop"] * n, "why": [None if s is not None else "no number" for s in scores]},
        schema_overrides={"score": pl.Float64, "failed": pl.String, "why": pl.String},
    )


def decided(*each: pl.DataFrame) -> dict[str, Any]:
    candidates = [Checkpoint(Path(f"checkpoint-{10 * e}"), 10 * e, float(e)) for e in range(5, 5 + len(each))]
    return decide(candidates, each)


EVEN = [3.0, 4.0, 3.0, 5.0, 2.0, 4.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("each", "chosen", "shown"),
    [
        pytest.param([EVEN, [s + 1 for s in EVEN], EVEN], 6, True, id="one is better on every prompt"),
        pytest.param([EVEN, [*EVEN[:-1], 5.0], EVEN], 6, False, id="the highest mean, but by one prompt"),
        pytest.param([EVEN, EVEN, EVEN], 5, False, id="all the same: the earliest"),
        pytest.param([EVEN[::-1], [s - 2 for s in EVEN]], 5, True, id="the first is best"),
        pytest.param([EVEN], 5, True, id="only one"),
    ],
)
def test_the_highest_mean_is_chosen_and_whether_it_is_shown_is_said(each, chosen, shown):
    choice = decided(*(graded(*scores) for scores in each))
    assert (choice["epoch"], choice["shown"]) == (chosen, shown)
    assert ("no difference is shown" in choice["said"]) is not shown


def test_samples_of_a_prompt_are_one_value():
    """Five answers to each of four prompts are four values: the interval must not shrink with the samples."""
    once, often = decided(graded(1, 2, 3, 4)), decided(graded(*(s for s in (1, 2, 3, 4) for _ in range(5)), samples=5))
    assert once["grades"][0] == often["grades"][0] | {"tokens": 9.0}
    assert once["grades"][0]["prompts"] == 4


def test_only_prompts_that_all_have_a_grade_for_are_compared_and_the_others_counted():
    choice = decided(graded(1, 2, 3, None), graded(None, 3, 4, 99))
    assert [grade["grade"] for grade in choice["grades"]] == [2.5, 3.5]
    assert [grade["ungraded"] for grade in choice["grades"]] == [1, 1]
    with pytest.raises(ValueError, match="no prompt has a grade for each of the 2 checkpoints: no number"):
        decided(graded(1, None), graded(None, 1))


def test_with_no_effect_a_difference_is_rarely_claimed():
    """Six epochs of the same quality, 50 prompts, noise in each: at most 5 of 100 choices may claim a difference."""
    draw = random.Random(1)
    claims = 0
    for _ in range(200):
        level = [draw.gauss(4, 1) for _ in range(50)]
        choice = decided(*(graded(*(x + draw.gauss(0, 1) for x in level)) for _ in range(6)))
        claims += any(d["shown"] for d in choice["differences"])
    assert claims <= 14  # 5 % of 200, and what chance adds to it once in twenty


def early(prompt: str, response: str) -> float:
    return float(len(response) % 7)


def test_a_training_gets_its_choice_its_grades_and_their_plot(trained, monkeypatch):  # noqa: F811
    options = {"backend": "transformers", "sampling": BRIEF, "first_epoch": 1, "last_epoch": 2, "samples": 2}
    choice = choose(trained, PROMPTS, function(early), **options)
    assert choice == json.loads((trained / "choice.json").read_text(encoding="utf-8"))
    assert [g["checkpoint"] for g in choice["grades"]] == ["checkpoint-4", "checkpoint-8"]
    lines = [json.loads(line) for line in (trained / "grades.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 8
    assert all(line["score"] == len(line["response"]) % 7 for line in lines)
    assert (trained / "plots" / "evaluation.svg").is_file()
    assert "Grades by epoch" in (trained / "training.html").read_text(encoding="utf-8")
    assert choice["model"] is None
    assert not (trained / "chosen").exists()
    monkeypatch.setattr("curate.evaluate.grades.singly._table", lambda *_: pytest.fail("graded again"))
    assert choose(trained, PROMPTS, function(early), **options) == choice


def test_the_chosen_model_can_be_had_whole(trained):  # noqa: F811
    options = {"backend": "transformers", "sampling": BRIEF, "last_epoch": 2, "merged": True}
    choice = choose(trained, PROMPTS, function(early), first_epoch=2, **options)
    assert choice["model"] == str(trained / "chosen")
    second = open_training(trained).checkpoints()[1]
    responses = [answers(trained, PROMPTS, backend="transformers", sampling=BRIEF, checkpoint=second)]
    responses.append(answers(choice["model"], PROMPTS, backend="transformers", sampling=BRIEF))
    assert responses[0]["response"].equals(responses[1]["response"])
    last = choose(trained, PROMPTS, function(early), first_epoch=3, **options | {"last_epoch": 3})
    assert last["model"] == str(trained / "merged")
    assert not (trained / "chosen").exists(), "it was of another choice"


def test_what_may_be_graded_another_time_is_asked_again(trained):  # noqa: F811
    calls: list[int] = []

    def moody(cases):
        calls.append(len(cases))
        busy = Grade(None, why="busy", again=True) if len(calls) == 1 else Grade(1.0)
        return [busy, *(Grade(1.0) for _ in cases[1:])]

    judge = Judge(moody, {"judge": "moody"})
    options = {"backend": "transformers", "sampling": BRIEF, "first_epoch": 1, "last_epoch": 1}
    first = choose(trained, PROMPTS, judge, **options)
    assert first["grades"][0]["ungraded"] == 1
    second = choose(trained, PROMPTS, judge, **options)
    assert second["grades"][0]["ungraded"] == 0
    choose(trained, PROMPTS, judge, **options)
    assert calls == [2, 2]


def test_epochs_that_are_not_there_are_told(trained):  # noqa: F811
    with pytest.raises(AnswerError, match="no checkpoint of epochs 5 to 10: it has those of epochs 1, 2, 3"):
        choose(trained, PROMPTS, function(early))


def test_a_judge_is_named_in_a_file_or_by_itself(tmp_path):
    file = tmp_path / "judges.yaml"
    file.write_text(yaml.safe_dump({"judges": {"form": {"rules": {"min_words": 3}}}}))
    assert named_judge(file).name == "form"
    assert named_judge(file, "form").about["min_words"] == 3
    file.write_text(yaml.safe_dump({"judges": {"form": {"rules": {}}, "other": {"rules": {}}}}))
    with pytest.raises(RecipeError, match=r"(?s)say which judge.*known: form, other"):
        named_judge(file)
    with pytest.raises(RecipeError, match="did you mean 'form'"):
        named_judge(file, "from")
    file.write_text("judge: {}\n")
    with pytest.raises(RecipeError, match=r"judges.yaml:1: at judge"):
        named_judge(file)


def call(*args, code=0):
    done = CliRunner().invoke(command, [str(a) for a in args])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def test_the_command_says_what_was_chosen_and_where_it_is(trained, tmp_path):  # noqa: F811
    prompts = tiny.write(tmp_path / "p.jsonl", PROMPTS.to_dicts())
    options = ["--prompts", prompts, "--judge", "rules", "--backend", "transformers", "--sampling", "max_new_tokens=8"]
    output = call(trained, *options, "--epochs", "1-3")
    assert "checkpoint-12" in output
    assert str(trained / "choice.json") in output
    assert json.loads(call(trained, *options, "--epochs", "3", "--json"))["model"] == str(trained / "merged")
    assert "--epochs takes FIRST-LAST" in call(trained, *options, "--epochs", "last", code=2)
