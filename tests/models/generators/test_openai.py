"""The openai backend: what it sends, what it reads, what it refuses, what it spends, and what it never shows."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError
from curate.models.generators.openai import openai
from tests.models.generators.servers import asks, error, good, serving, text_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def chat():
    with serving() as server:
        yield server


def test_a_request_holds_the_conversation_the_seed_and_the_sampling_as_they_are(chat):
    sampling = {"temperature": 0.7, "max_tokens": 64, "stop": ["\n"], "extra_body": {"top_k": 20}}
    said = [{"role": "system", "content": "Be brief."}, *HI]
    generator = openai("small", base_url=chat.url, sampling=sampling)
    assert generator.ask([Ask(said, seed=7)]) == [Answer(text_of(chat.bodies[0]), "stop", 10, 5)]
    assert chat.bodies == [
        {
            "model": "small",
            "messages": said,
            "seed": 7,
            "temperature": 0.7,
            "max_tokens": 64,
            "stop": ["\n"],
            "top_k": 20,
        }
    ]
    assert generator.settings.limit == 64


def test_answers_come_to_their_asks_however_many_are_under_way(chat):
    chat.delay = 0.02
    generator = openai("small", base_url=chat.url, concurrency=8)
    assert [a.text for a in generator.ask(asks(100))] == [
        text_of({"messages": ask.messages, "seed": ask.seed}) for ask in asks(100)
    ]
    assert len(chat.bodies) == 100


def test_concurrency_is_what_was_said():
    under_way, most = [], []

    def slow(body, tried):
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.pop()
        return good(body)

    with serving(slow) as chat:
        openai("small", base_url=chat.url, concurrency=5).ask(asks(60))
    assert max(most) == 5


def test_a_seed_is_left_out_where_a_server_knows_none(chat):
    generator = openai("small", base_url=chat.url, send_seed=False)
    generator.ask(asks(1))
    assert "seed" not in chat.bodies[0]
    assert generator.describe()["engine"] == {"send_seed": False}


def test_a_schema_is_a_strict_response_format(chat):
    schema = {"type": "object", "properties": {"grade": {"type": "integer"}}}
    openai("small", base_url=chat.url).ask([Ask(HI, 1, schema=schema)])
    assert chat.bodies[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema},
    }


def top(**tokens):
    shown = [{"token": token.replace("_", " "), "logprob": math.log(p), "bytes": None} for token, p in tokens.items()]
    return {"content": [{**shown[0], "top_logprobs": shown}]}


@pytest.mark.parametrize(
    ("tokens", "labels", "results"),
    [
        pytest.param({"A": 0.5, "B": 0.25}, ("A", "B"), {"A": 0.5, "B": 0.25}, id="each label is a token"),
        pytest.param(
            {"A": 0.5, "_A": 0.25, "B": 0.1}, ("A", "B"), {"A": 0.75, "B": 0.1}, id="with and without a space"
        ),
        pytest.param({"A": 0.9, "the": 0.05}, ("A", "B"), {"A": 0.9, "B": 0}, id="a label not among the likeliest"),
        pytest.param({"1": 0.5, "10": 0.25}, ("1", "10"), {"1": 0.5, "10": 0.25}, id="one label begins another"),
    ],
)
def test_labels_are_read_from_the_likeliest_first_tokens(tokens, labels, results):
    with serving(lambda body, tried: good(body, "A", finish_reason="length", logprobs=top(**tokens))) as chat:
        sampling = {"temperature": 0.2, "max_completion_tokens": 50, "stop": ["x"], "extra_body": {"top_k": 5}}
        [answer] = openai("small", base_url=chat.url, sampling=sampling).ask([Ask(HI, 1, labels=labels)])
    assert {label: round(math.exp(p), 9) for label, p in answer.labels.items()} == results
    sent = {name: value for name, value in chat.bodies[0].items() if name not in ("messages", "model", "seed")}
    requests = {"max_completion_tokens": 1, "temperature": 1, "top_p": 1, "logprobs": True, "top_logprobs": 20}
    assert sent == {**requests, "top_k": 5}


@pytest.mark.parametrize(
    ("shown", "labels", "why"),
    [
        pytest.param(top(C=0.5), ("A", "B"), "none of the labels is among the 1 most likely first tokens; the likeliest is 'C'", id="no label"),
        pytest.param(top(help=0.6), ("helpful", "not"), "the label 'helpful' seems to be more than one token", id="pieces"),
        pytest.param(top(**{"2": 0.6, "1": 0.3}), ("1", "2", "10"), "the label '10' seems to be more than one", id="digits"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_read_are_said_and_not_asked_again(shown, labels, why):
    with serving(lambda body, tried: good(body, "C", logprobs=shown)) as chat:
        [failed] = openai("small", base_url=chat.url).ask([Ask(HI, 1, labels=labels)])
    assert failed.reason.startswith(why)
    assert (failed.again, len(chat.bodies)) == (False, 1)


def test_a_server_that_shows_no_log_probabilities_is_not_asked_for_all_of_them():
    with serving() as chat:
        results = openai("small", base_url=chat.url, concurrency=3).ask(
            [Ask(HI, i, labels=("A", "B")) for i in range(99)]
        )
    assert set(results) == {Failed("the server shows no log-probabilities", again=True)}
    assert len(chat.bodies) <= 3


@pytest.mark.parametrize(
    ("choice", "text", "reason"),
    [
        pytest.param({"finish_reason": "length"}, None, "length", id="cut at its limit"),
        pytest.param(
            {"finish_reason": "content_filter", "message": {"content": ""}}, "", "content_filter", id="filtered"
        ),
        pytest.param({"message": {"content": ""}}, "", "stop", id="an empty answer is one"),
        pytest.param({"message": {"content": None}}, "", "stop", id="null is an empty answer"),
        pytest.param({"message": {"content": None, "refusal": "I can't."}}, "I can't.", "refusal", id="a refusal"),
        pytest.param({"finish_reason": None}, None, "unknown", id="no reason given"),
    ],
)
def test_endings_are_kept(choice, text, reason):
    with serving(lambda body, tried: good(body, **choice)) as chat:
        [answer] = openai("small", base_url=chat.url).ask(asks(1))
    assert answer == Answer(text_of(chat.bodies[0]) if text is None else text, reason, 10, 5)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        pytest.param({"sampling": {"temperatur": 1}}, "no 'temperatur': did you mean 'temperature'?", id="misspelt"),
        pytest.param({"sampling": {"top_k": 5}}, "no 'top_k': did you mean", id="what only some servers know"),
        pytest.param({"sampling": {"n": 2}}, "'n': each answer is asked for by itself", id="n"),
        pytest.param({"sampling": {"seed": 2}}, "'seed': each request gets its own", id="seed"),
        pytest.param({"sampling": {"extra_body": {"seed": 2}}}, "'seed': each request gets its own", id="seed within"),
        pytest.param({"sampling": {"stream": True}}, "'stream': an answer counts when it is whole", id="stream"),
        pytest.param({"sampling": {"messages": []}}, "'messages': they are made from the row", id="messages"),
        pytest.param({"sampling": {"model": "x"}}, "'model': it is an argument of its own", id="model"),
        pytest.param({"sampling": {"extra_headers": {}}}, "'extra_headers': they may hold secrets", id="headers"),
        pytest.param({"concurrency": 0}, "concurrency is 0: it cannot be below 1", id="concurrency"),
        pytest.param({"max_retries": -1}, "max_retries is -1: it cannot be below 0", id="retries"),
        pytest.param({"timeout": 0}, "timeout is 0: it must be above 0", id="timeout"),
        pytest.param({"max_requests": 0}, "max_requests is 0: it cannot be below 1", id="budget"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(more, why):
    with pytest.raises(ValueError, match=why.replace("?", r"\?")):
        openai("small", **more)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        pytest.param("localhost:8000/v1", "is no address: it looks like http://localhost:8000/v1", id="no scheme"),
        pytest.param("http://[x/v1", "is no address", id="no host"),
        pytest.param("http://me:hidden@there/v1", "base_url holds a password", id="a password"),
    ],
)
def test_an_address_that_cannot_be_is_refused_and_shows_no_password(address, why, monkeypatch):
    for given in ({"base_url": address}, {}):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        with pytest.raises(GeneratorError, match=why) as refused:
            openai("small", **given)
        assert "hidden" not in str(refused.value)


def test_the_address_is_the_environments_where_none_is_given(monkeypatch, chat):
    assert openai("small").settings.address == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", chat.url + "/")
    generator = openai("small")
    assert generator.settings.address == chat.url
    assert len(generator.ask(asks(2))) == len(chat.bodies)


def test_without_a_key_the_hosted_server_is_not_asked():
    with pytest.raises(GeneratorError, match="set the environment variable MY_KEY"):
        openai("small", api_key_env="MY_KEY").ask(asks(1))


def test_the_key_goes_to_the_server_and_nowhere_else(monkeypatch, caplog, tmp_path, capfd):
    key = "sk-quite-secret-1234"
    monkeypatch.setenv("MY_KEY", key)
    caplog.set_level(logging.DEBUG)
    replies = [error(400, f"you sent {key}"), (200, {}, f"<p>Bearer {key}</p>".encode()), error(401, f"not {key}!")]
    with serving(lambda body, tried: replies[body["seed"]] if body["seed"] < 3 else good(body)) as chat:
        generator = openai("small", base_url=chat.url, api_key_env="MY_KEY", max_retries=0, concurrency=1)
        generator.journal = tmp_path
        results = [*generator.ask(asks(2, start=3)), *generator.ask(asks(3))]
    assert {headers["authorization"] for headers in chat.headers} == {f"Bearer {key}"}
    assert [f.reason for f in results[2:]] == [
        "the server answered 400: you sent …",
        "the reply is no whole JSON: '<p>Bearer …</p>' (34 bytes)",
        "the server answered 401: not …!; the key is read from the environment variable MY_KEY",
    ]
    written = "".join(file.read_text() for file in tmp_path.rglob("*.jsonl"))
    shown = [
        repr(generator),
        json.dumps(generator.describe()),
        repr(results),
        caplog.text,
        written,
        *capfd.readouterr(),
    ]
    assert written
    assert not [text for text in shown if key in text]


def test_how_a_server_is_asked_is_no_part_of_an_answers_name(chat, tmp_path):
    for more in ({}, {"concurrency": 2, "timeout": 5, "max_retries": 1, "max_requests": 9, "max_tokens_spent": 99}):
        generator = openai("small", base_url=chat.url, **more)
        generator.journal = tmp_path
        assert isinstance(generator.ask(asks(3))[0], Answer)
    assert len(chat.bodies) == 3


@pytest.mark.parametrize(
    ("budget", "sent", "why"),
    [
        pytest.param({"max_requests": 30}, range(30, 31), "the budget of 30 requests (max_requests) is spent", id="requests"),
        pytest.param({"max_tokens_spent": 300}, range(20, 25), "the budget of 300 tokens (max_tokens_spent) is spent", id="tokens"),
    ],
)  # fmt: skip
def test_a_budget_ends_the_asking_and_what_came_stays(chat, tmp_path, budget, sent, why):
    generator = openai("small", base_url=chat.url, concurrency=4, **budget)
    generator.journal = tmp_path
    results = [*generator.ask(asks(15)), *generator.ask(asks(85, start=15))]
    answers = [a for a in results if isinstance(a, Answer)]
    assert len(chat.bodies) == len(answers) in sent, "the second ask goes on with the same budget"
    assert {f for f in results if isinstance(f, Failed)} == {Failed(why, again=True)}
    rest = openai("small", base_url=chat.url)
    rest.journal = tmp_path
    assert all(isinstance(a, Answer) for a in rest.ask(asks(100)))
    assert set(chat.asked.values()) == {1}


def test_a_budget_is_each_generators_own(chat):
    one, two = (openai("small", base_url=chat.url, max_requests=n) for n in (2, 3))
    assert [sum(isinstance(a, Answer) for a in g.ask(asks(9))) for g in (one, two)] == [2, 3]
    assert sum(isinstance(a, Answer) for a in dataclasses.replace(two, name="again").ask(asks(9))) == 0


def test_retries_count_against_the_budget():
    with serving(lambda body, tried: error(500, "no", {"retry-after-ms": "10"})) as chat:
        results = openai("small", base_url=chat.url, concurrency=1, max_retries=9, max_requests=4).ask(asks(3))
    assert (len(chat.bodies), results) == (
        4, [Failed("the budget of 4 requests (max_requests) is spent", again=True)] * 3
    )  # fmt: skip


def test_a_budget_of_tokens_is_refused_by_a_server_that_counts_none():
    body = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
    with serving(lambda requests, tried: (200, {}, body)) as chat:
        results = openai("small", base_url=chat.url, concurrency=1, max_tokens_spent=100).ask(asks(3))
    why = "the server does not count tokens, so max_tokens_spent cannot be held"
    assert results == [Answer("Hi", "stop", 0, 0), *[Failed(why, again=True)] * 2]


INTERRUPTED = """
import signal, sys, time
from pathlib import Path
from curate.models.generators.openai import openai
from tests.models.generators.servers import asks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and hands that on
generator = openai("small", base_url=sys.argv[1], concurrency=4)
generator.journal = Path(sys.argv[2])
try:
    generator.ask(asks(50))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_ctrl_c_ends_at_once_though_requests_wait_and_the_journal_is_whole(tmp_path):
    from signal import SIGINT

    from curate.models.generators.journal import Journal

    def stuck(body, tried):
        if body["seed"] == 8:
            return error(429, "later", {"retry-after": "100"})
        if body["seed"] > 8:
            time.sleep(30)
        return good(body)

    with serving(stuck) as chat:
        command = [sys.executable, "-c", INTERRUPTED, chat.url, str(tmp_path)]
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        while len(chat.bodies) < 11:
            assert running.poll() is None
            time.sleep(0.05)
        time.sleep(0.2)
        start = time.monotonic()
        running.send_signal(SIGINT)
        assert running.communicate(timeout=20)[0] == "interrupted\n"
        assert time.monotonic() - start < 8
        assert running.returncode == 0
    [folder] = tmp_path.iterdir()
    assert len(Journal(folder).answers) == 8
