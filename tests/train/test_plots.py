from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from curate.report.lines import Figure, Line, Panel, mean, noisy, spell, thin, ticks
from curate.train.plots import LogError, course, figures, plots, summary
from tests.train import logs

SVG = "{http://www.w3.org/2000/svg}"
ALWAYS = ["learning_rate", "gradient_norm"]


@pytest.mark.parametrize(
    ("log", "grades", "keys"),
    [
        pytest.param(logs.sft(), None, ["loss", "evaluation", *ALWAYS, "tokens"], id="sft"),
        pytest.param(logs.sft(), logs.grades(), ["loss", "evaluation", *ALWAYS, "tokens"], id="sft with grades"),
        pytest.param(logs.dpo(), None, ["loss", "margins", "rewards", "accuracies", *ALWAYS], id="dpo"),
        pytest.param(logs.reward(), None, ["loss", "margins", "accuracies", "scores", *ALWAYS], id="reward model"),
        pytest.param(logs.rloo(), None, ["loss", "reward", *ALWAYS], id="rloo"),
        pytest.param([], logs.grades(), ["evaluation"], id="grades alone"),
        pytest.param([], None, [], id="nothing logged"),
        pytest.param([{"train_loss": 2.0, "step": 1}], None, [], id="only the sums of the end"),
    ],
)
def test_each_figure_is_a_file_where_its_values_were_logged(log, grades, keys, tmp_path):
    paths = plots(log, tmp_path / "plots", grades)
    assert [path.stem for path in paths] == keys
    assert sorted((tmp_path / "plots").iterdir()) == sorted(paths)
    for path in paths:
        tree = ElementTree.parse(path).getroot()
        assert tree.tag == f"{SVG}svg" and tree.find(f"{SVG}title") is not None
        text = path.read_text(encoding="utf-8")
        assert "nan" not in re.sub(r"[\w ]*not a number.*", "", text).lower().split() and "var(" not in text
        assert "prefers-color-scheme: dark" in text
        assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"], "it loads nothing"


def test_files_of_an_earlier_run_go_and_others_stay(tmp_path):
    plots(logs.dpo(), tmp_path)
    (tmp_path / "mine.svg").write_text("<svg/>")
    paths = plots(logs.sft(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths} | {"mine.svg"}


def test_a_file_is_read_as_the_list_is(tmp_path):
    file = tmp_path / "log.jsonl"
    log = [*logs.dpo(), {"loss": math.nan, "step": 25, "epoch": 4}]
    file.write_text("".join(json.dumps(entry) + "\n" for entry in log))
    assert str(figures(file)) == str(figures(log))
    assert summary(file) == summary(log)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "cannot be read", id="no file"),
        pytest.param('{"loss": 1, "step": 1}\n{"loss": 1, "st', r"log\.jsonl:2: ", id="half a line"),
        pytest.param("[1]", r"log\.jsonl:1: ", id="a list"),
    ],
)
def test_a_log_that_cannot_be_read_has_a_message_with_its_line(text, message, tmp_path):
    file = tmp_path / "log.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(LogError, match=message):
        plots(file, tmp_path / "plots")


def by_key(log: Any, grades: Any = None) -> dict[str, Figure]:
    return {figure.key: figure for figure in figures(log, grades)}


def test_margins_stand_over_the_log_probabilities_of_both_answers():
    margins, logps = by_key(logs.dpo())["margins"].panels
    assert [line.name for line in margins.lines] == ["training"]
    assert margins.lines[0].points[0] == (1.0, 0.0) and 0.0 in margins.include
    assert [(line.name, line.kind) for line in logps.lines] == [("chosen", "one"), ("rejected", "two")]


def test_the_dev_grade_with_its_interval_stands_over_the_held_out_loss_of_the_same_epochs():
    grade, loss = by_key(logs.sft(), logs.grades())["evaluation"].panels
    assert [x for x, _ in grade.lines[0].points] == [x for x, _ in loss.lines[0].points] == [1.0, 2.0, 3.0]
    assert grade.lines[0].spans[1] == pytest.approx((3.9, 4.5))


def test_a_grade_without_an_interval_or_without_a_value_is_no_error(tmp_path):
    grades = [{"checkpoint": "c1", "epoch": 1.0, "grade": 3.0}, {"checkpoint": "c2", "epoch": 2.0, "grade": None}]
    (path,) = plots([], tmp_path, grades)
    assert path.read_text().count("<circle") == 1 and 'class="span' not in path.read_text()


def drawn(points: list[tuple[float, float]], folder: Path) -> str:
    log = [{"loss": y, "step": int(x)} for x, y in points]
    return plots(log, folder)[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ys", "circles", "strokes"),
    [
        pytest.param([1.0], 1, 1, id="one value is one point"),
        pytest.param([1.0, 2.0, 1.5], 3, 1, id="few values have points"),
        pytest.param([1.0, math.nan, 2.0, 1.0], 3, 2, id="a value that is none is a gap"),
        pytest.param([1.0, math.inf, 2.0], 2, 2, id="so is an infinite one"),
        pytest.param([float(i) for i in range(50)], 0, 1, id="many values have none"),
        pytest.param(
            [*map(float, range(24)), math.nan, 1.0, math.nan, *map(float, range(24))], 1, 3, id="one alone has"
        ),
        pytest.param([math.nan, math.nan], 0, 0, id="nothing but gaps"),
        pytest.param([2.0, 2.0, 2.0], 3, 1, id="always the same"),
    ],
)
def test_lines_points_and_gaps(ys, circles, strokes, tmp_path):
    svg = drawn(list(enumerate(ys, start=1)), tmp_path)
    assert svg.count("<circle") == circles
    paths = re.findall(r'd="([^"]*)"', svg)
    assert sum(path.count("M") for path in paths) == strokes
    assert "NaN" not in svg and "inf" not in re.sub("<style>.*</style>", "", svg, flags=re.S)


def test_a_long_jumping_course_is_thin_with_its_mean_over_it(tmp_path):
    jumps = drawn([(i, 100 / i + i % 2) for i in range(1, 5001)], tmp_path)
    assert [kind for kind in ("each", "course one") if kind in jumps] == ["each", "course one"]
    smooth = drawn([(i, 100 / i) for i in range(1, 5001)], tmp_path)
    assert 'class="course each' not in smooth
    assert max(len(jumps), len(smooth)) < 60_000, "a file does not grow with the run"


def test_thinning_keeps_the_spikes_and_the_gaps():
    places: list[tuple[float, float] | None] = [(float(i), 0.0) for i in range(10_000)]
    places[5_000], places[7_000] = (5_000.0, 9.0), None
    thinned = thin(places)
    assert len(thinned) <= 1_000 + 2 and (5_000.0, 9.0) in thinned and thinned.count(None) == 1


def test_the_mean_begins_at_the_first_value_and_ends_steady():
    places: list[tuple[float, float] | None] = [(float(i), 10.0 if i == 0 else i % 2) for i in range(400)]
    smooth = [at[1] for at in mean(places) if at]
    assert smooth[0] == 10.0 and max(abs(y - 0.5) for y in smooth[100:]) < 0.1
    assert noisy(places) and not noisy([(x, x) for x in range(100)]) and not noisy([(0.0, 1.0), None])


@given(low=st.floats(-1e6, 1e6), span=st.floats(0, 1e6))
@example(low=1e6, span=10.0)
@example(low=0.0, span=1e-5)
@example(low=5.0, span=0.0)
@example(low=0.1, span=0.2)
def test_ticks_are_few_and_round_and_hold_the_values(low, span):
    assume(span == 0 or span > 1e-4 * abs(low))
    axis = ticks(low, low + span)
    slack = 1e-6 * (axis[-1] - axis[0])
    assert axis[0] <= low + slack and axis[-1] >= low + span - slack and 2 <= len(axis) <= 7
    assert all(a < b for a, b in pairwise(axis))
    assert len({spell(value) for value in axis}) == len(axis), "two ticks do not read the same"


def test_a_chart_says_in_words_what_it_shows(tmp_path):
    title = ElementTree.parse(plots(logs.dpo(), tmp_path)[1]).getroot().find(f"{SVG}title")
    assert title is not None and title.text is not None
    assert "chosen from −30 to −31; rejected from −32 to −40.6" in title.text


def test_markup_in_a_name_stays_text(tmp_path):
    from curate.report.lines import file

    figure = Figure("x", "<b>", "a & b", "step", [Panel("<i>", [Line("<script>", [(1.0, 1.0)])])])
    assert "<script>" not in file(figure) and ElementTree.fromstring(file(figure)) is not None


@pytest.mark.parametrize(
    ("log", "grades", "lines"),
    [
        pytest.param([], None, [], id="nothing"),
        pytest.param(
            [{"loss": 2.0, "step": 1}, {"loss": math.nan, "step": 2}],
            None,
            ["loss 2 over 2 steps", "look at this: loss is not a number at step 2"],
            id="a loss that is none",
        ),
        pytest.param(
            logs.sft(),
            logs.grades(),
            [
                "loss 3.92 → 2.04 over 24 steps",
                "held-out loss 3.08 → 3.24",
                "dev grade is highest at epoch 2: 4.2 (3.9 to 4.5), checkpoint-16; the held-out loss is lowest at epoch 1",
            ],
            id="sft with grades",
        ),
        pytest.param(
            [{"loss": 0.5, "rewards/margins": 0.4, "step": 1}, {"loss": 0.5, "rewards/margins": 0.6, "step": 2}],
            None,
            [
                "loss 0.5 → 0.5 over 2 steps",
                "reward margin 0.4 → 0.6",
                "look at this: the reward margin starts at 0.4, not at 0: the reference is not the model that was trained",
            ],
            id="a wrong reference",
        ),
        pytest.param(
            [{"loss": 0.5, "rewards/margins": 0.4, "step": 10}, {"loss": 0.5, "rewards/margins": 0.6, "step": 20}],
            None,
            ["loss 0.5 → 0.5 over 20 steps", "reward margin 0.4 → 0.6"],
            id="a mean over the first ten steps need not be 0",
        ),
    ],
)
def test_the_summary(log, grades, lines):
    assert summary(log, grades) == lines


def test_of_two_values_of_one_step_the_later_counts():
    log = [{"loss": 3.0, "step": 2}, {"loss": 2.0, "step": 1}, {"loss": 1.0, "step": 2}, {"loss": 9.0, "step": None}]
    assert course(log, "loss") == [(1.0, 2.0), (2.0, 1.0)]


def test_trls_own_log_has_the_names_that_are_drawn(tmp_path):
    """A renamed key would only make a figure vanish: so a real DPO run is drawn."""
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from tests.train import tiny

    folder = tiny.save_model(tmp_path / "model")
    rows = Dataset.from_list([{k: v for k, v in row.items() if k != "id"} for row in tiny.pairs(8)])
    args = DPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=3, per_device_train_batch_size=2, use_cpu=True, bf16=False,
        report_to="none", gradient_checkpointing=False, dataloader_pin_memory=False, disable_tqdm=True, logging_steps=1,
        learning_rate=1e-2, eval_strategy="steps", eval_steps=3, save_strategy="no",
    )  # fmt: skip
    trainer = DPOTrainer(
        model=str(folder), args=args, train_dataset=rows, eval_dataset=rows, processing_class=tiny.tokenizer()
    )
    trainer.train()
    log = trainer.state.log_history
    assert list(by_key(log)) == ["loss", "evaluation", "margins", "rewards", "accuracies", *ALWAYS, "tokens"]
    assert by_key(log)["margins"].panels[0].lines[0].points[0] == (1.0, 0.0)
    assert not [line for line in summary(log) if "look at this" in line]
