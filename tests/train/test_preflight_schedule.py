from __future__ import annotations

import pytest

from curate.train.preflight import schedule
from tests.train import plain, tiny

ROWS = tiny.answers(8)
FLOOR = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-6, "power": 1.0}}


def seen(base, tmp_path, **settings):
    trainer = plain.sft(tmp_path, *plain.loaded(base), ROWS, **{"learning_rate": 1e-5, **settings})
    return plain.seen(trainer, "sft", ROWS, base)


def test_a_set_smaller_than_its_warm_up_is_trained_without_a_word(base, tmp_path):
    """2501.05032 warms up over 10 steps; 8 rows in batches of 4 are 2."""
    looked = seen(base, tmp_path, warmup_steps=10, max_steps=-1, num_train_epochs=1)
    looked.trainer.train()
    rates = [entry["learning_rate"] for entry in looked.trainer.state.log_history if "learning_rate" in entry]
    assert max(rates) < 1e-5 / 5
    (found,) = schedule.warm_up(looked)
    assert found.level == "warn"
    assert found.message.startswith("the warm-up takes 10 of 2 steps: set trainer.warmup_steps to 0 at most")


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        pytest.param({"warmup_steps": 0, "max_steps": 10}, False, id="none"),
        pytest.param({"warmup_steps": 2, "max_steps": 10}, False, id="a fifth"),
        pytest.param({"warmup_steps": 3, "max_steps": 10}, True, id="more"),
        pytest.param({"warmup_steps": 0.1, "max_steps": 10}, False, id="a tenth"),
        pytest.param({"warmup_steps": 0.5, "max_steps": 10}, True, id="a half"),
    ],
)
def test_a_warm_up_over_a_fifth_is_told(settings, warned, base, tmp_path):
    assert bool(list(schedule.warm_up(seen(base, tmp_path, **settings)))) == warned


def test_the_steps_are_those_that_training_takes(base, tmp_path):
    looked = seen(base, tmp_path, max_steps=-1, num_train_epochs=3, gradient_accumulation_steps=2)
    counted = schedule.steps(looked)
    looked.trainer.train()
    assert counted == looked.trainer.state.global_step == 3


def test_the_rates_are_those_that_training_has(base, tmp_path):
    looked = seen(base, tmp_path, max_steps=5, warmup_steps=1, **FLOOR)
    told = schedule.rates(looked)
    looked.trainer.train()
    rates = [entry["learning_rate"] for entry in looked.trainer.state.log_history if "learning_rate" in entry]
    assert told[:-1] == pytest.approx(rates)
    assert told[-1] == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("settings", "level", "message"),
    [
        pytest.param(
            {"lr_scheduler_type": "linear", "lr_scheduler_kwargs": {"lr_end": 1e-6}},
            "stop",
            "the schedule linear does not take lr_scheduler_kwargs {'lr_end': 1e-06}",
            id="a floor that a linear schedule does not have",
        ),
        pytest.param(
            {**FLOOR, "learning_rate": 1e-7},
            "stop",
            "lr_end (1e-06) must be smaller than initial lr",
            id="a high floor",
        ),
        pytest.param({"learning_rate": 0.0}, "stop", "the learning rate is 0 at every step", id="no rate"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_found(settings, level, message, base, tmp_path):
    (found,) = schedule.floor(seen(base, tmp_path, max_steps=5, **settings))
    assert found.level == level
    assert message in found.message


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="linear to 0"),
        pytest.param(FLOOR, id="LIMA's"),
        pytest.param({"lr_scheduler_type": "constant"}, id="constant"),
        pytest.param({"lr_scheduler_type": "cosine", "warmup_steps": 1}, id="cosine"),
        pytest.param({"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": 1e-6}}, id="cosine"),
        pytest.param(
            {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": 0.1}}, id="a share"
        ),
    ],
)
def test_a_schedule_that_reaches_its_floor_is_not_found(settings, base, tmp_path):
    assert list(schedule.floor(seen(base, tmp_path, max_steps=5, **settings))) == []
