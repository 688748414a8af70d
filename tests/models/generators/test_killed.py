"""Killed in the middle of asking: what was answered is not asked again, and the answers are those of a calm run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.models.generators.servers import asks, serving, text_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MANY, AT_ONCE = 300, 8

PROGRAM = """
import json, sys
from pathlib import Path
from curate.models.generators.openai import openai
from tests.models.generators.servers import asks
generator = openai("small", base_url=sys.argv[1], concurrency=8)
generator.journal = Path(sys.argv[2])
answers = generator.ask(asks(300))
print(json.dumps([answer.text for answer in answers]))
"""


def start(server, journal):
    command = [sys.executable, "-c", PROGRAM, server.url, str(journal)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("moments", [[1], [150], [40, 120, 295]], ids=str)
def test_killed_and_started_again_nothing_answered_is_asked_twice(tmp_path, moments):
    with serving(delay=0.01) as server:
        for moment in moments:
            running = start(server, tmp_path)
            while len(server.bodies) < moment:
                assert running.poll() is None
                time.sleep(0.002)
            running.kill()
            running.communicate()
        last = start(server, tmp_path)
        out, _ = last.communicate(timeout=60)
        assert last.returncode == 0
    assert json.loads(out) == [text_of({"messages": ask.messages, "seed": ask.seed}) for ask in asks(MANY)]
    assert len(server.asked) == MANY
    again = sum(server.asked.values()) - MANY
    assert again <= AT_ONCE * len(moments), "only what was under way at a kill"


@pytest.mark.slow
def test_two_runs_on_one_journal_end_with_all_answers(tmp_path):
    with serving(delay=0.005) as server:
        running = [start(server, tmp_path) for _ in range(2)]
        texts = [json.loads(process.communicate(timeout=60)[0]) for process in running]
        count = len(server.bodies)
        assert json.loads(start(server, tmp_path).communicate(timeout=60)[0]) == texts[0] == texts[1]
    assert MANY <= count <= 2 * MANY
    assert len(server.bodies) == count
