"""A long run on a terminal: the plan and the time left while it lasts, a clean screen when it ends or is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pty")
pytestmark = pytest.mark.slow

# A terminal of its own for a command: what is written to this process is typed there, Ctrl-C included.
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
OWN = """
import time
from pathlib import Path

import polars as pl
from curate.filter import Choice

def waits(pool: pl.DataFrame) -> Choice:
    for _ in range(6000):
        if Path("go").exists():
            break
        time.sleep(0.02)
    return Choice(pl.repeat(True, pool.height, eager=True), pl.repeat(None, pool.height, dtype=pl.String, eager=True))
"""
RECIPE = """
name: r
sources: {mine: {read: {jsonl: {path: a.jsonl}}}}
steps: [select: {'own:waits': {}}]
"""
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"  # the cursor


@pytest.fixture
def begun(tmp_path):
    """Start a run on a terminal; give it when its second stage is shown, with what was shown so far."""
    (tmp_path / "a.jsonl").write_text('{"prompt": "Why?", "response": "Because."}\n' * 3)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "r.yaml").write_text(RECIPE)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", "COLUMNS": "110", "LINES": "30"}
    command = [sys.executable, "-c", TERMINAL, sys.executable, "-m", "curate", "run", "r.yaml"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout
        screen = b""
        while b"5, waits" not in screen and (more := os.read(run.stdout.fileno(), 4096)):
            screen += more
        yield run, screen
        run.kill()


def test_the_plan_is_shown_while_a_run_lasts_and_gone_when_it_ends(begun, tmp_path):
    run, screen = begun
    assert b"time left unknown: stage 3 of 5, waits" in screen and screen.count(HIDE) == 1 + screen.count(SHOW)
    (tmp_path / "go").touch()
    rest, _ = run.communicate()
    assert run.returncode == 0, rest
    assert rest.count(SHOW) == 1 and HIDE not in rest
    after = rest.rpartition(b"\x1b[2K")[2]
    assert b"row in out/r" in after and b"of 5" not in after


def test_ctrl_c_leaves_a_clean_screen(begun):
    run, _ = begun
    rest, _ = run.communicate(b"\x03")
    assert run.returncode == 130, rest
    assert rest.count(SHOW) == 1 and HIDE not in rest
    after = rest.rpartition(b"\x1b[2K")[2]
    assert b"Stopped. Finished stages are kept" in after and b"of 5" not in after
