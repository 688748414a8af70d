"""A process that was left to itself ends with the one that started it, even after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate.models.generators.process import EndWithMe
from tests.conftest import ROOT

PARENT = """
import signal, subprocess, sys, time
from curate.models.generators.process import EndWithMe
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and hands that on
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
watch = EndWithMe([child.pid])
print(child.pid, flush=True)
time.sleep(600)
"""


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{process}/stat").open() as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def ends(process: int) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if not runs(process):
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_what_ends_the_parent_ends_the_child(how):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(how)
        parent.wait()
    assert ends(child)


def test_now_ends_what_runs_and_minds_nothing_that_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    EndWithMe([child.pid]).now()
    assert child.wait(20) != 0
    EndWithMe([child.pid]).now()
