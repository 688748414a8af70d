"""A hostile server: a run ends with everything it got, says of the rest why, and gets it the next time."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from email.utils import formatdate

import pytest

from curate.models.generators.ask import Answer, Ask, Failed
from curate.models.generators.openai import openai
from tests.models.generators.servers import Dropped, asks, error, good, serving, text_of

pytestmark = pytest.mark.slow

TIMEOUT = 1.0  # seconds
QUICK = {"retry-after-ms": "20"}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def drop(body):
    raise Dropped


def drop_half(body):
    raise Dropped(good(body)[2])


def silent(body):
    time.sleep(1.5 * TIMEOUT)
    return good(body)


def half_json(body):
    written = good(body)[2]
    return 200, {}, written[: len(written) // 2]


def empty_choices(body):
    return 200, {}, b'{"choices": [], "usage": {}}'


def server_error(body):
    return error(500, "out of memory", QUICK)


def page(body):
    return 502, {"Content-Type": "text/html"} | QUICK, b"<html>Bad gateway</html>"


def too_many(body):
    return error(429, "slow down", {"retry-after": "0.3"})


def ok_page(body):
    return 200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"


REASONS = {
    drop: "the connection was lost: Server disconnected without sending a response.",
    drop_half: "the connection was lost: peer closed connection without sending complete message body",
    silent: "the server was silent for 1 s",
    half_json: 'the reply is no whole JSON: \'{"id": "x", ',
    empty_choices: "the reply has no choices",
    server_error: "the server answered 500: out of memory",
    page: "the server answered 502: <html>Bad gateway</html>",
    too_many: "the server answered 429: slow down",
    ok_page: "the reply is no whole JSON: '<html>Please log in</html>'",
}


@pytest.mark.parametrize("behaviour", REASONS, ids=lambda behaviour: behaviour.__name__)
def test_a_failure_is_tried_again_and_said_when_it_stays(behaviour):
    with serving(lambda body, tried: good(body) if body["seed"] == 0 and tried > 1 else behaviour(body)) as chat:
        passing, lasting = openai("small", base_url=chat.url, max_retries=1, timeout=TIMEOUT).ask(asks(2))
    assert passing == Answer(text_of({"messages": asks(1)[0].messages, "seed": 0}), "stop", 10, 5)
    assert lasting.reason.startswith(REASONS[behaviour])
    assert lasting.reason.endswith("(tried 2 times)")
    assert (lasting.again, set(chat.asked.values())) == (True, {2})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_at_once_ends_with_all_it_got_and_the_next_run_gets_the_rest(tmp_path, seed):
    """What a request meets is drawn from (seed, request, try), so it does not depend on the threads."""

    def mixed(body, tried):
        draws = random.Random(f"{seed} {body['seed']} {tried}")
        return draws.choice(list(REASONS))(body) if draws.random() < 0.45 else good(body)

    with serving(mixed) as chat:

        def run():
            generator = openai("small", base_url=chat.url, max_retries=1, timeout=TIMEOUT, concurrency=16)
            generator.journal = tmp_path
            return generator.ask(asks(80))

        first, before = run(), Counter(chat.asked)
        failed = [f for f in first if isinstance(f, Failed)]
        assert 0 < len(failed) < 40, "a fifth fails twice in a row"
        assert all(f.again and any(f.reason.startswith(words) for words in REASONS.values()) for f in failed)
        rounds = [first]
        while any(isinstance(f, Failed) for f in rounds[-1]):
            assert len(rounds) < 8
            rounds.append(run())
        expected = [text_of({"messages": ask.messages, "seed": ask.seed}) for ask in asks(80)]
        assert [a.text for a in rounds[-1]] == expected
        for ask, value in zip(asks(80), first, strict=True):
            if isinstance(value, Answer):
                words = ask.messages[0]["content"]
                assert chat.asked[words] == before[words], "what was answered is not asked again"
        count = len(chat.bodies)
        assert run() == rounds[-1]
        assert len(chat.bodies) == count


@pytest.mark.parametrize(
    ("header", "least"),
    [
        pytest.param({"retry-after": "1"}, 1.0, id="seconds"),
        pytest.param({"retry-after-ms": "700"}, 0.7, id="milliseconds"),
        pytest.param({}, 0.37, id="none: half a second, less up to a quarter"),
    ],
)
def test_retry_after_is_waited_for(header, least):
    with serving(lambda body, tried: error(429, "slow down", header) if tried == 1 else good(body)) as chat:
        [answer] = openai("small", base_url=chat.url).ask(asks(1))
    assert isinstance(answer, Answer)
    assert least <= chat.times[1] - chat.times[0] < least + 1.5


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(lambda: "3600", id="seconds"),
        pytest.param(lambda: formatdate(time.time() + 3600, usegmt=True), id="a date"),  # an hour from the test
    ],
)
def test_a_wait_of_hours_is_not_waited_for_and_nothing_more_is_asked(wait):
    def closed(body, tried):
        return good(body) if body["seed"] < 5 else error(429, "daily limit", {"retry-after": wait()})

    with serving(closed) as chat:
        results = openai("small", base_url=chat.url, concurrency=1).ask(asks(50))
    assert [isinstance(a, Answer) for a in results] == [i < 5 for i in range(50)]
    [reason] = {f.reason for f in results[5:]}
    assert reason.startswith("the server answered 429: daily limit; it asks to wait 3,")
    assert reason.endswith(" s: run again then")
    assert len(chat.bodies) == 6


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(error(404, "The model `small` does not exist."), "the server answered 404: The model `small` does not exist.; asked for the model 'small' at ", id="wrong model"),
        pytest.param((404, {}, b'{"detail":"Not Found"}'), "the server answered 404: Not Found; asked for the model 'small' at ", id="wrong address"),
        pytest.param(error(401, "Wrong key."), "the server answered 401: Wrong key.; the key is read from the environment variable OPENAI_API_KEY, which is not set", id="wrong key"),
        pytest.param(error(403, "Not in your country."), "the server answered 403: Not in your country.", id="forbidden"),
        pytest.param(error(402, "Pay first."), "the server answered 402: Pay first.; what was paid for is used up", id="unpaid"),
        pytest.param(error(429, "No quota.", QUICK, code="insufficient_quota"), "the server answered 429: No quota.; what was paid for is used up", id="no quota"),
    ],
)  # fmt: skip
def test_what_every_request_would_meet_stops_the_asking(reply, why):
    with serving(lambda body, tried: reply) as chat:
        results = openai("small", base_url=chat.url, concurrency=4, max_retries=1).ask(asks(500))
    assert {f.reason.removesuffix(" (tried 2 times)").removesuffix(chat.url) for f in results} == {why}
    assert all(f.again for f in results)
    assert len(chat.asked) <= 4, "only those that were under way already"


def test_a_model_that_goes_away_in_the_middle_leaves_what_it_gave(tmp_path):
    with serving(lambda body, tried: good(body) if body["seed"] < 60 else error(404, "unloaded")) as chat:
        generator = openai("small", base_url=chat.url, concurrency=4)
        generator.journal = tmp_path
        results = generator.ask(asks(200))
        assert [isinstance(a, Answer) for a in results] == [i < 60 for i in range(200)]
        chat.reply = lambda body, tried: good(body)
        assert all(isinstance(a, Answer) for a in generator.ask(asks(200)))
    assert max(chat.asked[f"Question {i}?"] for i in range(60)) == 1


def test_one_row_that_a_working_server_refuses_is_only_its_own_loss():
    refusals = {
        5: error(400, "This model's maximum context length is 1024 tokens. However, you requested 2000."),
        6: error(400, "too much", code="context_length_exceeded"),
        7: error(413, "Payload too large"),
        8: error(422, "Invalid character in message"),
        9: error(403, "Your input was flagged"),
        10: error(400, "Prompt filtered", code="content_filter"),
    }
    with serving(lambda body, tried: refusals.get(body["seed"]) or good(body)) as chat:
        results = openai("small", base_url=chat.url, concurrency=1).ask(asks(20))
    assert [i for i, f in enumerate(results) if isinstance(f, Failed)] == list(refusals)
    assert set(chat.asked.values()) == {1}, "none is tried again"
    assert not any(f.again for f in results if isinstance(f, Failed))
    assert [results[i].reason.split(":")[0] for i in refusals] == [
        *["the prompt is too long for the model"] * 3,
        "the server answered 422",
        "the server answered 403",
        "the server's filter refuses the prompt",
    ]


def test_a_server_that_knows_no_seed_says_so_and_what_to_do():
    with serving(lambda body, tried: error(422, "Extra inputs are not permitted: seed")) as chat:
        results = openai("small", base_url=chat.url, concurrency=2).ask(asks(100))
    assert results[0] == Failed(
        "the server answered 422: Extra inputs are not permitted: seed; `send_seed: false` asks without one", again=True
    )
    assert len(chat.bodies) <= 6 + 2, "and is not asked a hundred times"


def test_a_dead_server_is_given_up_after_some_failures_in_a_row():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    start = time.monotonic()
    results = openai("small", base_url=f"http://127.0.0.1:{port}/v1", concurrency=4, max_retries=1).ask(asks(1000))
    assert time.monotonic() - start < 15
    assert results[0].reason.startswith("the connection was lost: ")
    assert results[0].reason.endswith("refused (tried 2 times)")
    assert results[-1].reason.startswith(
        "12 requests in a row failed, so no more are made; the last: the connection was"
    )
    assert all(f.again for f in results)


def test_garbage_of_every_kind_is_a_failure_in_words_and_never_an_exception():
    texts = [b"", b"null", b"[]", b'"text"', b"{}", b'{"choices": null}', b'{"choices": [null]}', b"\xff\xfe\x00",
             b'{"choices": [{"message": null}]}', b'{"choices": [{"message": {"content": 5}}]}', b"{" * 5000,
             b'{"choices": [{"message": {"content": "x"}, "finish_reason": "error", "error": {"message": "gone"}}]}',
             b'{"error": {"message": "overloaded"}}', b'{"error": "overloaded"}']  # fmt: skip
    with serving(lambda body, tried: (200, {}, texts[body["seed"]])) as chat:
        results = openai("small", base_url=chat.url, max_retries=0).ask(asks(len(texts)))
    assert all(
        isinstance(f, Failed) and f.again and f.reason.startswith(("the reply", "the server gave up")) for f in results
    )
    assert results[-1].reason == results[-2].reason == "the reply has no choices, but says: overloaded"


def test_an_odd_reply_that_holds_an_answer_is_one():
    replies = [
        b'{"choices": [{"message": {"content": "x"}}], "usage": null}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": null, "completion_tokens": "7"}}',
        b'{"choices": [{"message": {"content": "x"}}, {"message": {"content": "y"}}], "usage": []}',
        b'   {"choices": [{"message": {"content": "x"}}]}',
    ]
    with serving(lambda body, tried: (200, {"Content-Type": "text/plain"}, replies[body["seed"]])) as chat:
        results = openai("small", base_url=chat.url, max_retries=0).ask(asks(len(replies)))
    assert results == [Answer("x", "unknown", 0, 0)] * len(replies)


def test_a_long_conversation_with_every_sign_goes_through():
    words = [
        {"role": "user", "content": 'Zeile\n\u2028"\\ 😀 ' * 5000},
        {"role": "assistant", "content": ""},
        *asks(1)[0].messages,
    ]
    with serving() as chat:
        [answer] = openai("small", base_url=chat.url).ask([Ask(words, 3)])
    assert chat.bodies[0]["messages"] == words
    assert answer.text == text_of({"messages": words, "seed": 3})
