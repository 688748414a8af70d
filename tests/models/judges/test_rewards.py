from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from curate.models.generators.ask import GeneratorError
from curate.models.generators.generator import close_all
from curate.models.judges import reward_model
from curate.models.judges.rewards import RewardEngine
from curate.models.weights import ModelError
from tests.models.judges import tiny
from tests.models.judges.scripted import case

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not find_spec("transformers"), reason="reward models need the extra `transformers`"),
]

SAID = "It scatters short waves more than long ones."
CASES = [case(SAID[:n], row=f"r{n}") for n in range(1, len(SAID), 3)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    yield str(tiny.write(tmp_path_factory.mktemp("reward")))
    close_all()


def scores(judge, cases=CASES):
    return [grade.score for grade in judge.grade(cases)]


def test_each_answer_has_a_reward_of_its_own(model):
    results = scores(reward_model(model=model))
    assert len(set(results)) == len(CASES)


def test_a_reward_is_what_the_model_itself_says(model):
    import torch
    from transformers import AutoModelForSequenceClassification

    text = f"<|user|>{CASES[3].messages[0]['content']}<|assistant|>{CASES[3].response}<|end|>"
    itself = AutoModelForSequenceClassification.from_pretrained(model)
    tokens = RewardEngine(model, {}, 1)._tokenizer(text, add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        reward = itself(input_ids=tokens["input_ids"]).logits[0, 0]
    assert scores(reward_model(model=model))[3] == round(float(reward), 4)


def test_neither_batch_nor_order_moves_a_reward(model):
    whole = scores(reward_model(model=model))
    close_all()
    assert scores(reward_model(model=model, batch_size=1)) == whole
    close_all()
    assert scores(reward_model(model=model, batch_size=5), CASES[::-1]) == whole[::-1]


def test_without_a_padding_token_each_goes_alone(tmp_path):
    padded, bare = (str(tiny.write(tmp_path / name, pad=name == "padded")) for name in ("padded", "bare"))
    assert scores(reward_model(model=padded)) == scores(reward_model(model=bare))


@pytest.mark.parametrize(
    ("one", "params", "why"),
    [
        pytest.param(
            case("long " * 200),
            {},
            "conversation and answer have 1,042 tokens, and the reward model takes 512",
            id="longer than the model takes",
        ),
        pytest.param(
            case("So."),
            {"max_length": 8},
            "conversation and answer have 45 tokens, and the reward model takes 8",
            id="set",
        ),
        pytest.param(
            case("So.", "Why?", ("tool", "42")),
            {},
            "the chat template refuses the conversation: no tools here",
            id="a role that the template refuses",
        ),
    ],
)
def test_what_cannot_be_read_costs_one_grade_and_is_told(one, params, why, model):
    grades = reward_model(model=model, **params).grade([CASES[0], one])
    assert grades[1].score is None
    assert grades[1].why == why
    assert (grades[0].score is None) == bool(params)


def test_a_reward_that_is_no_number_is_no_grade(tmp_path):
    from safetensors.torch import load_file, save_file

    file = tiny.write(tmp_path) / "model.safetensors"
    save_file({name: w * float("nan") for name, w in load_file(file).items()}, file, {"format": "pt"})
    (grade,) = reward_model(model=str(tmp_path)).grade(CASES[:1])
    assert grade.score is None
    assert grade.why == "the reward is no number"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param({"head": False}, "is no reward model", id="a language model"),
        pytest.param(
            {"head": False, "labels": 2}, "is no reward model", id="with the number of labels it has by default"
        ),
        pytest.param({"labels": 3}, "is no reward model", id="a classifier"),
        pytest.param({"template": False}, "has no chat template", id="without a chat template"),
    ],
)
def test_what_is_no_reward_model_is_refused_when_first_asked(kind, message, tmp_path):
    judge = reward_model(model=str(tiny.write(tmp_path, **kind)))
    with pytest.raises(GeneratorError, match=message):
        judge.grade(CASES[:1])


def test_a_folder_with_broken_weights_is_told_in_one_sentence(tmp_path):
    (tiny.write(tmp_path) / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(GeneratorError, match="cannot be loaded") as error:
        reward_model(model=str(tmp_path)).grade(CASES[:1])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"batch_size": 0}, "batch_size and max_length are 1 or more", id="no batch"),
        pytest.param({"max_length": 0}, "batch_size and max_length are 1 or more", id="no room"),
        pytest.param({"engine": {"num_labels": 1}}, "cannot set 'num_labels'", id="what would make a random head pass"),
    ],
)
def test_what_cannot_be_is_refused_at_once(params, message, model):
    with pytest.raises(ValueError, match="reward_model: ") as error:
        reward_model(model=model, **params)
    assert message in str(error.value)


def test_a_folder_that_is_not_there_is_refused_at_once():
    with pytest.raises(ModelError, match="there is no folder"):
        reward_model(model="./not/there")


def test_a_killed_run_judges_nothing_twice(model, tmp_path, monkeypatch):
    judge = reward_model(model=model)
    judge.generators[0].journal = tmp_path
    first = scores(judge)
    monkeypatch.setattr(RewardEngine, "_rewards", None)
    again = reward_model(model=model)
    again.generators[0].journal = tmp_path
    assert scores(again) == first


def test_other_weights_in_the_same_folder_are_another_judge(tmp_path):
    folder = str(tiny.write(tmp_path))
    before = reward_model(model=folder).describe()
    json.dumps(before)
    tiny.write(tmp_path, seed=1)
    assert reward_model(model=folder).describe() != before


def test_what_does_not_move_a_grade_is_not_described(model):
    assert reward_model(model=model, batch_size=1).describe() == reward_model(model=model).describe()
    assert reward_model(model=model, max_length=64).describe() != reward_model(model=model).describe()


def test_the_calls_of_an_answer_are_part_of_what_is_graded(model):
    called = {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "1", "name": "f", "arguments": "{}"}]}
    plain = CASES[3]
    rich = plain._replace(turns=[called])
    before = plain._replace(messages=[*plain.messages, {"role": "assistant", "content": "I look."}])
    grades = scores(reward_model(model=model), [plain, rich, before])
    assert grades[0] != grades[1] == grades[2]
