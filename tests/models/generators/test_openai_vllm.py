"""The openai backend before a real vLLM server with SmolLM2."""

from __future__ import annotations

import json
import math

import pytest

from curate.models.generators.ask import Answer, Ask, Failed
from curate.models.generators.openai import openai

pytestmark = pytest.mark.model


def user(text):
    return [{"role": "user", "content": text}]


def test_answers_are_limited_counted_and_come_again_from_the_journal(vllm_server, tmp_path):
    generator = openai(vllm_server.model, base_url=vllm_server.base_url, sampling={"max_tokens": 16, "temperature": 0})
    generator.journal = tmp_path
    requests = [Ask(user(f"Tell me about the number {i}."), seed=i) for i in range(8)]
    answers = generator.ask(requests)
    assert all(isinstance(a, Answer) and a.text.strip() and a.prompt_tokens > 20 for a in answers)
    assert {(a.finish_reason, a.completion_tokens) for a in answers if a.finish_reason == "length"} == {("length", 16)}
    again = openai(
        vllm_server.model, base_url=vllm_server.base_url, sampling={"max_tokens": 16, "temperature": 0}, max_requests=1
    )
    again.journal = tmp_path
    assert again.ask(requests) == answers


def test_structured_output_is_of_its_schema(vllm_server):
    schema = {
        "type": "object",
        "properties": {"helpfulness": {"type": "integer", "enum": [1, 2, 3, 4, 5]}, "honest": {"type": "boolean"}},
        "required": ["helpfulness", "honest"],
        "additionalProperties": False,
    }
    generator = openai(vllm_server.model, base_url=vllm_server.base_url, sampling={"max_tokens": 64})
    for answer in generator.ask([Ask(user(f"Grade the answer {i}."), i, schema=schema) for i in range(4)]):
        grade = json.loads(answer.text)
        assert grade["helpfulness"] in range(1, 6)
        assert grade["honest"] in (True, False)


def test_labels_have_log_probabilities_that_are_shares_of_one(vllm_server):
    generator = openai(
        vllm_server.model, base_url=vllm_server.base_url, sampling={"max_tokens": 64, "temperature": 2, "stop": ["x"]}
    )
    question = "Is grass A) green or B) red? Answer with one letter."
    [answer] = generator.ask([Ask(user(question), 1, labels=("A", "B"))])
    assert set(answer.labels) == {"A", "B"}
    assert 0.01 < math.fsum(map(math.exp, answer.labels.values())) <= 1
    assert answer.completion_tokens == 1
    [failed] = generator.ask([Ask(user("Grade it from 9 to 10."), 1, labels=("1", "10"))])
    assert failed.reason.startswith("the label '10' seems to be more than one token of this model")


def test_what_this_server_refuses_is_understood(vllm_server):
    """Each of these words is the server's own, and another version may choose others."""
    generator = openai(vllm_server.model, base_url=vllm_server.base_url, sampling={"max_tokens": 8})
    fine, long = generator.ask([Ask(user("Hi"), 1), Ask(user("word " * 2000), 2)])
    assert isinstance(fine, Answer)
    assert long.reason.startswith("the prompt is too long for the model: the server answered 400: This model's maximum")
    assert long.again is False
    [unknown] = openai("nothing", base_url=vllm_server.base_url).ask([Ask(user("Hi"), 1)])
    assert unknown.reason.startswith("the server answered 404: The model `nothing` does not exist")
    assert unknown.again is True
    [astray] = openai(vllm_server.model, base_url=vllm_server.base_url.removesuffix("/v1")).ask([Ask(user("Hi"), 1)])
    where = f"the model '{vllm_server.model}' at {vllm_server.base_url.removesuffix('/v1')}"
    assert astray == Failed(f"the server answered 404: Not Found; asked for {where}", again=True)
