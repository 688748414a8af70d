"""The journal: what is written down is there, whoever was killed, full or at it at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from curate.models.generators.ask import Answer, Ask, GeneratorError, Settings
from curate.models.generators.journal import Journal, key_of, keys_of
from tests.conftest import seconds
from tests.models.generators.servers import asks

ROOT = Path(__file__).parents[3]
HI = [{"role": "user", "content": "Hi"}]


def answer(text="Hello.", **more):
    return Answer(text, "stop", 3, 2, **more)


def test_what_one_wrote_the_next_one_knows(tmp_path):
    value = {"a": answer("Line one\nline two \u2028 😀"), "b": answer("A", labels={"A": -0.25, "B": float("-inf")})}
    with closing(Journal(tmp_path / "new/folder")) as journal:
        for key, one in value.items():
            journal.add(key, one)
        assert Journal(tmp_path / "new/folder").answers == value, "and not only once it is closed"
    assert (Journal(tmp_path / "new/folder").answers, journal.answers) == (value, value)


def test_nothing_is_written_before_there_is_an_answer_and_nothing_without_a_folder(tmp_path):
    with closing(Journal(tmp_path / "answers")):
        pass
    with closing(Journal(None)) as memory:
        memory.add("a", answer())
    assert memory.answers == {"a": answer()}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param('["c", {"text": "Hel', id="a line cut short by a kill"),
        pytest.param('["c", {"text": "Hel\n', id="half a line, then an end"),
        pytest.param('["c"]\n', id="JSON that is no answer"),
        pytest.param('["c", {"text": "x", "colour": 1}]\n', id="a field that no answer has"),
        pytest.param("\x00\x00\x00\n", id="what a power cut leaves"),
    ],
)
def test_a_torn_line_costs_only_itself(tmp_path, torn):
    with closing(Journal(tmp_path)) as journal:
        journal.add("a", answer("one"))
    with journal._path.open("a") as file:
        file.write(torn)
    with closing(Journal(tmp_path)) as again:
        assert again.answers == {"a": answer("one")}
        again.add("b", answer("two"))
    assert Journal(tmp_path).answers == {"a": answer("one"), "b": answer("two")}


def test_bytes_that_are_no_text_cost_only_their_line(tmp_path):
    (tmp_path / "1.jsonl").write_bytes(b'\xff\xfe["a"\n' + json.dumps(["b", answer()._asdict()]).encode() + b"\n")
    assert Journal(tmp_path).answers == {"b": answer()}


def test_two_at_once_keep_everything_and_hear_of_each_other(tmp_path):
    one, two = Journal(tmp_path), Journal(tmp_path)
    one.add("a", answer("from one"))
    two.add("a", answer("from two"))
    two.add("b", answer("b"))
    one.refresh()
    assert one.answers == {"a": answer("from one"), "b": answer("b")}, "an answer in use is never exchanged"
    one.close()
    two.close()
    later = [Journal(tmp_path).answers for _ in range(2)]
    assert later == [{"a": answer("from one"), "b": answer("b")}] * 2


def test_a_line_that_another_is_writing_is_read_when_it_is_whole(tmp_path):
    line = json.dumps(["a", answer()._asdict()])
    file = tmp_path / "1-1.jsonl"
    file.write_text(line[:20])
    journal = Journal(tmp_path)
    assert journal.answers == {}
    file.write_text(line + "\n")
    journal.refresh()
    assert journal.answers == {"a": answer()}


PROCESS = """
import sys
from contextlib import closing
from pathlib import Path
from curate.models.generators.ask import Answer
from curate.models.generators.journal import Journal
with closing(Journal(Path(sys.argv[1]))) as journal:
    for i in range(2000):
        journal.add(f"{sys.argv[2]}-{i}", Answer("word " * (i % 300), "stop", 1, 1))
"""


def test_processes_side_by_side_lose_nothing(tmp_path):
    running = [subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), name], cwd=ROOT) for name in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    journal = Journal(tmp_path)
    assert len(journal.answers) == 6000


def test_a_fork_writes_into_a_file_of_its_own(tmp_path):
    fork = pytest.importorskip("os").__dict__.get("fork") or pytest.skip("no fork here")
    journal = Journal(tmp_path)
    journal.add("a", answer())
    journal.close()
    child = fork()
    if not child:
        journal.add("b", answer())
        journal.close()
        os._exit(0)
    os.waitpid(child, 0)
    journal.add("c", answer())
    journal.close()
    assert (len(list(tmp_path.iterdir())), sorted(Journal(tmp_path).answers)) == (2, ["a", "b", "c"])


def test_a_full_disk_is_said_and_what_was_before_stays(tmp_path):
    resource = pytest.importorskip("resource", reason="no limits on files here")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(GeneratorError, match=r"cannot be written into .*kept: mend that and run the same command"):
            for i in range(100):
                journal.add(f"k{i}", answer("word " * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    written = Journal(tmp_path)
    assert list(written.answers) == [f"k{j}" for j in range(i)]
    assert f"k{i}" not in journal.answers, "an answer that is not on disk is not one that is kept"
    journal.add("after", answer())
    journal.close()
    assert "after" in Journal(tmp_path).answers, "there is room again, and half a line does not swallow it"


SETTINGS = Settings("openai", "small", sampling={"temperature": 0.7, "stop": ["a", "b"]})


@pytest.mark.parametrize(
    ("settings", "ask"),
    [
        pytest.param(Settings("openai", "big", sampling=SETTINGS.sampling), Ask(HI, 1), id="another model"),
        pytest.param(Settings("vllm", "small", sampling=SETTINGS.sampling), Ask(HI, 1), id="another backend"),
        pytest.param(Settings("openai", "small", sampling={"temperature": 0.8}), Ask(HI, 1), id="other sampling"),
        pytest.param(
            Settings("openai", "small", address="http://x", sampling=SETTINGS.sampling), Ask(HI, 1), id="server"
        ),
        pytest.param(SETTINGS, Ask(HI, 2), id="another seed"),
        pytest.param(SETTINGS, Ask([{"role": "system", "content": "Be brief."}, *HI], 1), id="a system prompt"),
        pytest.param(SETTINGS, Ask(HI, 1, schema={"type": "object"}), id="a schema"),
        pytest.param(SETTINGS, Ask(HI, 1, labels=("A", "B")), id="labels"),
    ],
)
def test_a_key_tells_apart_what_an_answer_rests_on(settings, ask):
    assert key_of(settings, ask) != key_of(SETTINGS, Ask(HI, 1))


def test_a_key_does_not_depend_on_the_order_of_names_or_the_kind_of_sequence():
    same = Settings("openai", "small", sampling={"stop": ["a", "b"], "temperature": 0.7})
    assert key_of(same, Ask(tuple(HI), 1)) == key_of(SETTINGS, Ask(HI, 1))
    assert key_of(SETTINGS, Ask([{"content": "Hi", "role": "user"}], 1)) == key_of(SETTINGS, Ask(HI, 1))


def test_a_setting_that_is_no_plain_value_is_refused():
    with pytest.raises(GeneratorError, match=r"must be a plain value .* <object object"):
        key_of(Settings("mine", "m", sampling={"stop": object()}), Ask(HI, 1))


@pytest.mark.slow
def test_a_large_journal_is_read_in_seconds(tmp_path):
    keys = keys_of(SETTINGS, asks(100_000))
    text = "A sentence of an answer that is neither long nor short, as they are. " * 8
    lines = [json.dumps([key, answer(text)._asdict()]) + "\n" for key in keys]
    (tmp_path / "1-1.jsonl").write_text("".join(lines))
    journals = []
    assert seconds(lambda: journals.append(Journal(tmp_path))) < 6
    assert len(journals[0].answers) == 100_000
    assert seconds(journals[0].refresh) < 0.1, "what was read is not read again"
