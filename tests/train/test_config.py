from __future__ import annotations

import pytest
import yaml

from curate.recipe.places import RecipeError
from curate.train.config import read, resolve

BASE = {"model": "m", "data": "d"}
ELSEWHERE = ("seed", "output_dir", "model_init_kwargs", "resume_from_checkpoint")


def problems(config, stage="sft", sets=()):
    with pytest.raises(RecipeError) as error:
        resolve(stage, *read(config, sets))
    return str(error.value)


@pytest.mark.parametrize(
    ("more", "where", "message"),
    [
        pytest.param({"model": None}, "at model", "should be a valid string", id="no model"),
        pytest.param({"modle": "m"}, "at modle", "did you mean 'model'?", id="a key we do not have"),
        pytest.param({"rows": 0}, "at rows", "should be greater than 0, not 0", id="no rows"),
        pytest.param({"residual_dropout": 1}, "at residual_dropout", "should be less than 1", id="all dropped"),
        pytest.param({"end_of_turn": "two words"}, "at end_of_turn", "should match pattern", id="no token"),
        pytest.param({"stage": "dpo"}, "at stage", "this is a config for dpo, not for sft: run `curate train dpo`", id="stage"),
        pytest.param({"trainer": {"learnin_rate": 1}}, "at trainer.learnin_rate", "trl's SFTConfig takes no 'learnin_rate'; did you mean 'learning_rate'?", id="a key trl does not have"),
        pytest.param({"trainer": {"beta": 0.1}}, "at trainer.beta", "SFTConfig takes no 'beta'", id="a key of another stage"),
        pytest.param({"trainer": {"learning_rate": "fast"}}, "at trainer.learning_rate", "valid number", id="a wrong type"),
        pytest.param({"trainer": 3}, "at trainer", "valid dictionary", id="a block that is none"),
        pytest.param({"lora": {"rank": 8}}, "at lora.rank", "peft.LoraConfig takes no 'rank'", id="lora"),
        pytest.param({"quantization": {"load_in_4bits": True}}, "at quantization.load_in_4bits", "did you mean 'load_in_4bit'?", id="quantization"),
        pytest.param({"model_args": {"torch_dtype": "auto"}}, "at model_args.torch_dtype", "'dtype'", id="dtype"),
        pytest.param({"model_args": {"dtype": "int8"}}, "at model_args.dtype", "one of float32,", id="no dtype"),
        *(({"trainer": {key: 1}}, f"at trainer.{key}", "does not belong here") for key in ELSEWHERE),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(more, where, message):
    text = problems({**BASE, **more})
    assert where in text
    assert message in text


def test_a_key_that_must_be_there_is_named():
    assert "'model' is missing" in problems({"data": "d"})


@pytest.mark.parametrize(
    ("stage", "old", "new"),
    [
        ("sft", "warmup_ratio", "warmup_steps"),
        ("sft", "evaluation_strategy", "eval_strategy"),
        ("sft", "max_seq_length", "max_length"),
        ("sft", "no_cuda", "use_cpu"),
        ("sft", "group_by_length", "train_sampling_strategy"),
        ("dpo", "max_prompt_length", "max_length"),
        ("dpo", "rpo_alpha", "loss_type: [sigmoid, sft]"),
        ("dpo", "warmup_ratio", "warmup_steps"),
    ],
)
def test_an_argument_trl_renamed_says_what_it_is_called_now(stage, old, new):
    """The guard against item 8 of what trl does: a TypeError without a word of what would be right."""
    assert f"trl 1.16 has no '{old}' any more: use {new}" in problems({**BASE, "trainer": {old: 1}}, stage)


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_no_argument_that_trl_has_is_called_renamed_or_elsewhere_by_mistake(stage):
    from curate.train import config as arguments
    from curate.train.stages import stage_of

    names = set(arguments._types(stage_of(stage).of_trl("Config")))
    assert not names & set(arguments._RENAMED)
    assert {"output_dir", "seed", "model_init_kwargs"} <= names & set(arguments._ELSEWHERE)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("learning_rate: 1e-5", 1e-5, id="YAML takes 1e-5 for text"),
        pytest.param("learning_rate: 1", 1.0, id="a whole number for a rate"),
        pytest.param("save_strategy: no", "no", id="YAML takes no for false"),
        pytest.param("warmup_steps: 0.1", 0.1, id="a share of the steps"),
        pytest.param("report_to: none", "none", id="a word"),
        pytest.param("lr_scheduler_kwargs: {lr_end: 1.0e-6}", {"lr_end": 1e-6}, id="a mapping stays as it is"),
        pytest.param("max_length: null", None, id="nothing stays nothing"),
    ],
)
def test_values_are_read_as_trl_wants_them(line, value, tmp_path):
    file = tmp_path / "sft.yaml"
    file.write_text(f"model: m\ndata: d\ntrainer:\n  {line}\n", encoding="utf-8")
    (parsed,) = resolve("sft", *read(file)).trainer.values()
    assert parsed == value
    assert type(parsed) is type(value)


def test_errors_stand_at_their_lines_all_at_once(tmp_path):
    file = tmp_path / "sft.yaml"
    text = yaml.safe_dump({**BASE, "trainer": {"warmup_ratio": 0.1}, "lora": {"rr": 8}, "sed": 1}, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    lines = problems(file).splitlines()
    assert [line.rpartition("sft.yaml:")[2] for line in lines[::2]] == [
        "4: at trainer.warmup_ratio",
        "6: at lora.rr",
        "7: at sed",
    ]


def test_set_changes_a_key_and_leaves_the_mapping_that_was_given_alone():
    mapping = {**BASE, "trainer": {"learning_rate": 1e-5}}
    config = resolve("sft", *read(mapping, ["trainer.learning_rate=2e-4", "seed=3"]))
    assert (config.trainer["learning_rate"], config.seed) == (2e-4, 3)
    assert mapping["trainer"] == {"learning_rate": 1e-5}
    assert "--set takes KEY=VALUE" in problems(mapping, sets=["seed"])


def test_the_digest_is_of_what_is_said_not_of_where_things_are():
    config = resolve("sft", *read(BASE))
    assert config.digest() == resolve("sft", *read({**BASE, "data": "elsewhere"})).digest()
    assert config.digest() != resolve("sft", *read({**BASE, "seed": 1})).digest()
