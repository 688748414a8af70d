"""What a generator adds to an engine: nothing asked twice, nothing lost, nothing slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from curate.engine import using
from curate.models.generators import generator as module
from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError, Settings
from curate.models.generators.engines import models
from curate.models.generators.generator import Generator, close_all
from tests.conftest import seconds
from tests.engines import Forgetful
from tests.models.generators.servers import asks


class Echo:
    """An engine that says what it was asked, and can be told to fail."""

    def __init__(self, fails: Sequence[str] = (), context: int | None = None, dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.fails, self.context, self.dies_after, self.closed = fails, context, dies_after, 0

    def prompt_tokens(self, messages: Any, tools: str | None = None) -> int | None:
        return sum(len(turn["content"].split()) for turn in messages) or None

    def answer(self, asks: Sequence[Ask], sampling: Any) -> Iterator[tuple[int, Answer | Failed]]:
        for i in reversed(range(len(asks))):
            text = asks[i].messages[-1]["content"]
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise RuntimeError("the engine died")
            self.asked.append(text)
            yield i, Failed("no", again=True) if text in self.fails else Answer(f"Echo: {text}", "stop", 2, 3)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch):
    """Leave the engine that other tests share alone."""
    monkeypatch.setattr(module, "_models", {})
    monkeypatch.setattr(module, "_servers", {})


def echo(engine: Echo, **more: Any) -> Generator:
    return Generator(Settings("echo", f"model {id(engine)}", limit=10), lambda: engine, name="echo", **more)


def echo_of(i: int) -> Answer:
    return Answer(f"Echo: Question {i}?", "stop", 2, 3)


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_answers_come_in_the_order_of_the_asks_and_are_asked_for_once(tmp_path, place):
    engine = Echo()
    generator = echo(engine, journal=tmp_path if place == "folder" else None)
    assert generator.ask(asks(5)) == [echo_of(i) for i in range(5)]
    assert generator.ask(asks(7)) == [echo_of(i) for i in range(7)]
    assert len(engine.asked) == 7
    again = echo(engine, journal=tmp_path)
    again.ask(asks(7))
    assert len(engine.asked) == (7 if place == "folder" else 14)


def test_asks_that_are_the_same_are_one_and_each_gets_the_answer():
    engine, events = Echo(), []
    generator = echo(engine, tell=lambda *what: events.append(what))
    assert generator.ask([*asks(2), *asks(2), *asks(1)]) == [echo_of(0), echo_of(1), echo_of(0), echo_of(1), echo_of(0)]
    assert engine.asked == ["Question 1?", "Question 0?"]
    assert events == [("echo", 0, 5, 0), ("echo", 2, 5, 3), ("echo", 3, 5, 3)], "tokens are spent once"


def test_what_is_known_already_is_told_without_tokens(tmp_path):
    events = []
    echo(engine := Echo(), journal=tmp_path).ask(asks(3))
    echo(engine, journal=tmp_path, tell=lambda *what: events.append(what[1:])).ask(asks(4))
    assert events == [(3, 4, 0), (1, 4, 3)]


def test_failures_are_asked_for_again_next_time(tmp_path):
    engine = Echo(fails=["Question 1?"])
    generator = echo(engine, journal=tmp_path)
    assert generator.ask(asks(3)) == [echo_of(0), Failed("no", again=True), echo_of(2)]
    engine.fails = ()
    assert generator.ask(asks(3)) == [echo_of(i) for i in range(3)]
    assert sorted(engine.asked) == ["Question 0?", "Question 1?", "Question 1?", "Question 2?"]


def test_a_prompt_too_long_never_reaches_the_engine():
    engine = Echo(context=20)
    long, fits = ([Ask([{"role": "user", "content": "word " * n}], seed=0)] for n in (11, 10))
    generator = echo(engine)
    assert generator.ask([*asks(1), *long, *fits])[1] == Failed(
        "the prompt has 11 tokens, and the model takes 10 beside its answer", again=False
    )
    assert len(engine.asked) == 2
    assert echo(Echo(context=20)).ask(long)[0].again is False, "with nothing left, the engine is not asked at all"


def test_an_engine_that_dies_keeps_what_it_gave_and_is_opened_anew(tmp_path):
    first, second = Echo(dies_after=3), Echo()
    engines = [second, first]
    settings = Settings("echo", "one")
    generator = Generator(settings, lambda: engines.pop(), journal=tmp_path)
    with pytest.raises(RuntimeError, match="the engine died"):
        generator.ask(asks(5))
    assert first.closed == 1
    assert generator.ask(asks(5)) == [echo_of(i) for i in range(5)]
    assert (len(first.asked), len(second.asked)) == (3, 2)


def test_an_ask_that_is_interrupted_keeps_what_came(tmp_path):
    engine, count = Echo(), []

    def interrupt(*what):
        count.append(what)
        if len(count) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        echo(engine, journal=tmp_path, tell=interrupt).ask(asks(10))
    assert engine.closed == 1, "it was in the middle of something"
    assert echo(engine, journal=tmp_path).ask(asks(10)) == [echo_of(i) for i in range(10)]
    assert len(engine.asked) == 10


@pytest.mark.parametrize("replies", [[], [(0, echo_of(0)), (0, echo_of(1))]], ids=["nothing", "the same twice"])
def test_an_engine_that_skips_an_ask_is_told_of(replies):
    engine = Echo()
    engine.answer = lambda asks, sampling: iter(replies)  # type: ignore[method-assign]
    assert echo(engine).ask(asks(2))[1] == Failed("the engine gave no answer to it", again=True)


def test_one_model_in_memory_at_a_time_and_servers_beside_it():
    one, two, server = Echo(), Echo(), Echo()
    remote = Generator(Settings("echo", "far", address="http://localhost:1"), lambda: server)
    for generator in (echo(one), remote, echo(one), echo(two), remote):
        generator.ask(asks(1))
    assert (one.closed, two.closed, server.closed) == (1, 0, 0)
    close_all()
    assert (one.closed, two.closed, server.closed) == (1, 1, 1)
    assert not module._models and not module._servers


def test_generators_that_differ_in_sampling_share_an_engine_and_not_their_answers(tmp_path):
    one, other = Echo(), Echo()
    warm = Generator(Settings("echo", "m", sampling={"temperature": 1}), lambda: one, journal=tmp_path)
    cold = Generator(Settings("echo", "m", sampling={"temperature": 0}), lambda: other, journal=tmp_path)
    warm.ask(asks(1))
    cold.ask(asks(1))
    assert (len(one.asked), len(other.asked), len(list(tmp_path.iterdir()))) == (2, 0, 2)


def test_nothing_asked_opens_nothing():
    def never() -> Any:
        raise AssertionError

    assert Generator(Settings("echo", "m"), never).ask([]) == []


def test_a_folder_is_named_so_that_a_person_finds_it(tmp_path):
    generator = Generator(Settings("openai", "org/Some model:7b"), Echo, journal=tmp_path)
    generator.ask(asks(1))
    assert [file.name[:-12] for file in tmp_path.iterdir()] == ["openai-org-Some-model-7b-"]


def test_an_answer_that_cannot_be_written_stops_the_asking(tmp_path):
    (tmp_path / "journal").write_text("a file where a folder should be")
    with pytest.raises(GeneratorError, match="cannot be written into"):
        echo(engine := Echo(), journal=tmp_path / "journal").ask(asks(100))
    assert len(engine.asked) == 1, "no answer is paid for that would be lost"


@pytest.mark.slow
def test_ten_thousand_asks_cost_less_than_a_second(tmp_path):
    many = asks(10_000)
    answers = []
    assert seconds(lambda: answers.extend(echo(Echo(context=1000), journal=tmp_path).ask(many))) < 1
    assert len(answers) == 10_000


def fails_here() -> Any:
    raise AssertionError("no engine is opened in this process")


@pytest.mark.parametrize("gpus", [2, 3])
def test_engines_side_by_side_answer_every_ask_once_and_this_process_keeps_the_answers(tmp_path, gpus):
    settings = Settings("echo", "model", limit=10)
    generator = Generator(settings, lambda: Echo(fails=["Question 3?"], context=10_000), journal=tmp_path)
    engine = Forgetful(workers=4, gpus=gpus)
    with using(engine):
        results = generator.ask(asks(40))
    assert results == [Failed("no", again=True) if i == 3 else echo_of(i) for i in range(40)]
    assert engine.made == len(engine.calls), "each was lost after every piece"
    again = Generator(settings, fails_here, journal=tmp_path)
    assert again.ask(asks(3)) == [echo_of(i) for i in range(3)]


class Breaks(Echo):
    """An engine that dies of one question."""

    def answer(self, asks: Sequence[Ask], sampling: Any) -> Iterator[tuple[int, Answer | Failed]]:
        if any(ask.messages[-1]["content"] == "Question 30?" for ask in asks):
            raise RuntimeError("the engine died")
        yield from super().answer(asks, sampling)


def test_where_an_engine_dies_the_answers_of_the_others_are_kept(tmp_path):
    settings = Settings("echo", "model", limit=10)
    dies = Generator(settings, Breaks, journal=tmp_path)
    with using(Forgetful(workers=4, gpus=2)), pytest.raises(RuntimeError, match="the engine died"):
        dies.ask(asks(40))
    echo = Echo()
    assert Generator(settings, lambda: echo, journal=tmp_path).ask(asks(40)) == [echo_of(i) for i in range(40)]
    assert sorted(echo.asked) == sorted(f"Question {i}?" for i in range(30, 40))


@pytest.mark.parametrize(
    ("more", "count"),
    [
        pytest.param({}, 4, id="one on each GPU"),
        pytest.param({"engine": {"tensor_parallel_size": 2}}, 2, id="one on two GPUs"),
        pytest.param({"address": "http://127.0.0.1:1"}, 0, id="a server is one already"),
    ],
)
def test_as_many_engines_as_there_are_gpus_for(more, count):
    with using(Forgetful(workers=8, gpus=4)):
        assert models(Settings("echo", "model", **more)) == count
    assert models(Settings("echo", "model", **more)) == 0
