"""vLLM's offline engine, for real: answers, seeds, labels, JSON, and what goes wrong with one ask or with all."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from curate.models.generators import Answer, Ask, Failed, openai, vllm
from curate.models.generators.ask import GeneratorError
from tests.conftest import MODEL, ROOT, SMALL

pytestmark = pytest.mark.model

QUESTIONS = ["What is the capital of France?", "Name three colours.", "Why is the sky blue?", "Say hello."]
GREEDY = {"temperature": 0.0, "max_tokens": 24}


def user(text):
    return [{"role": "user", "content": text}]


def asks(questions=QUESTIONS, **more):
    return [Ask(user(question), seed=i, **more) for i, question in enumerate(questions)]


@pytest.fixture
def engine(smollm2):
    return smollm2.engine()


def answers(engine, asks, sampling):
    results = list(engine.answer(asks, sampling))
    assert Counter(position for position, _ in results) == Counter(range(len(asks)))
    return [answer for _, answer in sorted(results, key=lambda pair: pair[0])]


def test_it_says_what_vllm_itself_says(engine):
    from vllm import SamplingParams

    theirs = engine.llm.chat([user(q) for q in QUESTIONS], SamplingParams(**GREEDY), use_tqdm=False)
    ours = answers(engine, asks(), GREEDY)
    assert [a.prompt_tokens for a in ours] == [len(t.prompt_token_ids) for t in theirs]
    assert [engine.tokens(engine.prompt(user(q))) for q in QUESTIONS] == [t.prompt_token_ids for t in theirs]
    # Arithmetic differs in its last bits from batch to batch, and a near tie may fall either way.
    assert sum(a.text == t.outputs[0].text for a, t in zip(ours, theirs, strict=True)) >= 3
    assert {a.finish_reason for a in ours} <= {"stop", "length"}
    assert all(a.completion_tokens == 24 for a in ours if a.finish_reason == "length")


def test_the_packaged_model_answers_sensibly_and_stops(engine):
    [answer] = answers(
        engine, asks(["What is 2 + 2? Answer with one number."]), {"temperature": 0.0, "max_tokens": 100}
    )
    assert "4" in answer.text
    assert answer.finish_reason == "stop"
    assert not answer.text.endswith("<|im_end|>")


def test_a_seed_is_an_answer(engine):
    ask, other = Ask(user(QUESTIONS[2]), seed=5), Ask(user(QUESTIONS[2]), seed=6)
    warm = {"temperature": 1.0, "max_tokens": 24}
    first, again, different = answers(engine, [ask, ask, other], warm)
    assert first.text == again.text != different.text


def test_labels_have_the_probability_that_an_answer_begins_with_them(engine):
    from vllm import SamplingParams

    labels = ("1", "2", "10", "yes, of course")
    [answer] = answers(engine, asks(["How good is this, from 1 to 10?"], labels=labels), {"temperature": 0.7})
    prompt, begins = engine.tokens(engine.prompt(user("How good is this, from 1 to 10?"))), {}
    for label in labels:
        tokens = engine.tokens(label)
        wish = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=1)
        [whole] = engine.llm.generate([{"prompt_token_ids": prompt + tokens}], wish, use_tqdm=False)
        begins[label] = sum(whole.prompt_logprobs[len(prompt) + i][t].logprob for i, t in enumerate(tokens))
    begins["1"] = math.log(math.exp(begins["1"]) - math.exp(begins["10"]))
    assert answer.labels == pytest.approx(begins, abs=0.2)  # bfloat16
    assert answer.text == max(begins, key=begins.get)


def test_more_labels_than_one_request_may_ask_for(engine):
    labels = tuple("abcdefghijklmnopqrstuvwxyz")
    [answer] = answers(engine, asks(["Say a letter."], labels=labels), {})
    assert set(answer.labels) == set(labels)
    assert sum(map(math.exp, answer.labels.values())) <= 1.01


def test_an_answer_in_json_is_of_its_schema(engine):
    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["score"],
        "additionalProperties": False,
    }
    results = answers(engine, asks(schema=schema), {"temperature": 1.0, "max_tokens": 40})
    assert all(1 <= json.loads(a.text)["score"] <= 5 for a in results)


def test_an_ask_that_cannot_be_costs_only_itself(engine):
    wrong = [Ask([{"role": "user"}], seed=1), Ask(user("?"), seed=1, schema={"type": "nonsense"})]
    template, schema, fine = answers(engine, [*wrong, Ask(user("Say hello."), seed=1)], GREEDY)
    assert "content" in template.reason and not template.again
    assert "nonsense" in schema.reason and not schema.again
    assert isinstance(fine, Answer)
    assert engine.prompt_tokens([{"role": "user"}]) is None


def test_a_server_of_the_same_model_counts_the_same_tokens(engine, vllm_server):
    remote = openai(vllm_server.model, base_url=vllm_server.base_url, sampling=GREEDY)
    for ours, theirs in zip(answers(engine, asks(), GREEDY), remote.ask(asks()), strict=True):
        assert ours.prompt_tokens == theirs.prompt_tokens
        assert theirs.finish_reason in ("stop", "length") and theirs.completion_tokens <= 24


def test_prompts_too_long_never_reach_the_engine(smollm2, tmp_path):
    long = Ask(user("word " * 1500), seed=0)
    short, failed = smollm2.ask([Ask(user("Say hello."), seed=77), long])
    assert isinstance(short, Answer)
    assert "the prompt has 1,5" in failed.reason and "takes 960 beside its answer" in failed.reason


def test_what_is_left_half_way_does_not_hold_up_the_next_call(engine):
    half = engine.answer(asks(QUESTIONS * 5), {"temperature": 1.0, "max_tokens": 200})
    next(half)
    half.close()
    assert not engine.llm.llm_engine.has_unfinished_requests()
    assert isinstance(answers(engine, asks(["Say hello."]), GREEDY)[0], Answer)


def test_settings_out_of_range_are_one_sentence(engine):
    with pytest.raises(GeneratorError, match="does not take the sampling settings: temperature must be non-negative"):
        list(engine.answer(asks(), {"temperature": -1}))


def test_a_death_of_the_engine_costs_a_later_run_only_what_was_open(engine):
    def core():
        return [child for child in multiprocessing.active_children() if "EngineCore" in child.name]

    stream = engine.answer(asks(QUESTIONS * 5), {"temperature": 1.0, "max_tokens": 300})
    results = [next(stream)[1]]
    os.kill(core()[0].pid, signal.SIGKILL)
    results += [answer for _, answer in stream]
    lost = [answer for answer in results if isinstance(answer, Failed)]
    assert isinstance(results[0], Answer)
    assert lost and all(answer.again and "vLLM's process ended: " in answer.reason for answer in lost)
    assert len(results) == 20
    assert isinstance(answers(engine, asks(["Say hello."]), GREEDY)[0], Answer)  # it starts again by itself
    engine.close()
    assert core() == []


@pytest.mark.parametrize(
    ("engine", "sampling", "message"),
    [
        pytest.param({}, {"temperatur": 1}, "no 'temperatur': did you mean 'temperature'", id="a slip in the sampling"),
        pytest.param(
            {"max_model_length": 1}, {}, "did you mean 'max_model_len'", id="a slip in the engine's arguments"
        ),
        pytest.param({}, {"seed": 1}, "cannot set 'seed': it is drawn for every row", id="a seed"),
        pytest.param({}, {"n": 2}, "cannot set 'n': every sample is asked for by itself", id="a number of samples"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(engine, sampling, message):
    with pytest.raises(ValueError, match=message):
        vllm("org/model", engine=engine, sampling=sampling)


@pytest.mark.parametrize(
    ("engine", "sampling", "limit"),
    [
        pytest.param({}, {}, 1024, id="where nothing is said"),
        pytest.param({"max_model_len": 1024}, {}, 512, id="half of a small context"),
        pytest.param({"max_model_len": 1024}, {"max_tokens": 700}, 700, id="what is given"),
    ],
)
def test_an_answer_may_be_as_long_as(engine, sampling, limit):
    settings = vllm("org/model", engine=engine, sampling=sampling).settings
    assert settings.limit == settings.sampling["max_tokens"] == limit


def test_a_check_imports_nothing_heavy():
    code = (
        "import sys; from curate.models.generators import vllm\n"
        f"vllm({MODEL!r}, engine={SMALL!r}, sampling={{'top_p': 0.9}})\n"
        "print(sorted({'vllm', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        pytest.param(
            "ERROR [core.py:9] Traceback\n  File x\nERROR ValueError: no room for the cache\nRuntimeError: Engine core initialization failed.",
            "ValueError: no room for the cache",
            id="the first error, not what fell with it",
        ),
        pytest.param(
            "ERROR Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down\nRuntimeError: cancelled",
            "Worker proc VllmWorker-0 died unexpectedly (exit code: -9)",
            id="a worker that was killed",
        ),
        pytest.param("INFO all is well\n", None, id="nothing"),
    ],
)
def test_the_cause_is_read_from_the_log(log, cause, tmp_path):
    (tmp_path / "log").write_text(log)
    with (tmp_path / "log").open("rb") as file:
        assert sys.modules["curate.models.generators.process"]._cause(file) == cause


def test_without_vllm_the_extra_is_named(monkeypatch):
    process = sys.modules["curate.models.generators.process"]
    monkeypatch.setattr(process, "find_spec", lambda name: None)
    with pytest.raises(GeneratorError, match=r"pip install 'curate-lm\[vllm\]'"):
        vllm("org/model").open()
