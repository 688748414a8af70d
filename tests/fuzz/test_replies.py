"""Replies that are broken in any way cost their own row: an answer that can be written, or a reason in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from curate.models.generators.ask import Answer, encodable
from curate.models.generators.generator import storable
from curate.models.generators.journal import Journal
from curate.models.generators.replies import BrokenReply, NoLabel, read_answer, retry_after, words_of
from curate.models.judges.replies import Unread, object_in, one_of, whole
from tests.fuzz.mutate import mutations

N = int(os.environ.get("CURATE_FUZZ", "1500"))
TOP = [{"token": "A", "logprob": -0.1, "bytes": [65]}, {"token": " B", "logprob": -9999.0, "bytes": None}]
CHOICE = {
    "index": 0,
    "finish_reason": "stop",
    "message": {"role": "assistant", "content": "Hi \ud83d\ude00 there.", "refusal": None},
    "logprobs": {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": TOP}]},
}
REPLY = {"id": "x", "choices": [CHOICE], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
ERROR = {"error": {"message": "no such model", "type": "x", "code": 5}}


def holds(given: Answer) -> None:
    kept = storable(given)
    if isinstance(kept, Answer):
        assert encodable(kept.text) and encodable(kept.finish_reason)
        json.dumps(kept._asdict(), allow_nan=False)
    else:
        assert encodable(kept.reason)


@pytest.mark.parametrize("labels", [None, ("A", "B")])
@pytest.mark.parametrize("reply", [REPLY, ERROR], ids=["an answer", "an error"])
def test_a_mutant_is_an_answer_or_a_reason(reply: object, labels: tuple[str, ...] | None) -> None:
    for mutant in mutations(json.dumps(reply).encode(), seed=21, n=N):
        try:
            holds(read_answer(mutant, labels))
        except (BrokenReply, NoLabel) as error:
            assert len(str(error)) < 700 and encodable(str(error))


def test_every_value_may_be_of_every_type() -> None:
    odd: list[object] = [None, True, 0, -1, 2**70, 1.5, "", "x", "\ud83d", [], [None], {}, {"a": []}, "9" * 5000]

    def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path, *(place for key, one in inner for place in places(one, (*path, key)))]

    for path in places(REPLY)[1:]:
        for value in odd:
            reply = json.loads(json.dumps(REPLY))
            here = reply
            for part in path[:-1]:
                here = here[part]
            here[path[-1]] = value
            for labels in (None, ("A", "B")):
                try:
                    holds(read_answer(json.dumps(reply).encode(), labels))
                except (BrokenReply, NoLabel) as error:
                    assert encodable(str(error))


def test_a_judges_reply_is_read_or_refused() -> None:
    for mutant in mutations(b'{"reason": "it is \\ud83d\\ude00 good", "honesty": 4, "verdict": "pass"}', seed=22, n=N):
        text = mutant.decode("utf-8", "replace")
        try:
            found = object_in(text)
            json.dumps(found, ensure_ascii=False).encode()
            one_of(found, "verdict", ["fail", "pass"])
            assert 1 <= whole(found, "honesty", 1, 5) <= 5
        except Unread as error:
            str(error).encode()


def test_a_journal_with_broken_lines_is_read(tmp_path: Path) -> None:
    line = json.dumps(["k" * 32, Answer("Hi.", "stop", 1, 2, {"A": -0.5})._asdict()]).encode()
    (tmp_path / "1.jsonl").write_bytes(b"\n".join(mutations(line, seed=23, n=N)) + b"\n")
    for kept in Journal(tmp_path).answers.values():
        holds(kept)
        assert isinstance(kept.prompt_tokens, int)


def test_words_and_waits_of_a_server() -> None:
    for mutant in mutations(b'{"error": {"message": "Wait, please", "detail": ["x"]}}', seed=24, n=N):
        try:
            words = words_of(json.loads(mutant))
        except (ValueError, RecursionError):
            words = words_of(mutant.decode("utf-8", "surrogateescape"))
        assert len(words) < 210 and encodable(words)
    for mutant in mutations(b"Fri, 31 Dec 9999 23:59:59 GMT", seed=25, n=N):
        retry_after({"retry-after": mutant.decode("latin-1")})
