"""Processes: started by a template, ended with the one that started them, their failures told by their last line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from curate.ablate.running import Processes, RunnerError, command_of

PYTHON = sys.executable


@pytest.mark.parametrize(
    ("runner", "wrong"),
    [("srun python", r"has no \{command\}"), ("srun 'x {command}", "cannot be read: No closing quotation")],
)
def test_a_template_that_is_wrong(runner, wrong):
    with pytest.raises(RunnerError, match=wrong):
        command_of(runner, ["x"])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("print('fine')", None, id="it ends well"),
        pytest.param("print('first'); raise SystemExit('no: it cannot be')", "no: it cannot be", id="the last line"),
        pytest.param("raise SystemExit(3)", "it printed nothing", id="nothing said"),
        pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="a bug"),
        pytest.param("print('half', flush=True); import os; os.kill(os.getpid(), 9)", "ended by signal 9; the log ends with: half", id="killed"),
    ],
)  # fmt: skip
def test_why_a_process_failed(tmp_path, code, why):
    with Processes(None) as processes:
        assert processes.run([PYTHON, "-c", code], tmp_path / "logs" / "x.log") == why


def test_a_program_that_is_not_there(tmp_path):
    with Processes("no-such-program {command}") as processes:
        assert (
            processes.run(["x"], tmp_path / "x.log")
            == "no-such-program {command} cannot be started: No such file or directory"
        )


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    status = Path(f"/proc/{process}/status")
    return not (status.exists() and "\nState:\tZ" in status.read_text())


def until(done, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(done())


SLEEPS = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(120)"


def test_the_end_ends_them_all_and_starts_no_more(tmp_path):
    pid, reasons = tmp_path / "pid", []
    with Processes(None) as processes:
        thread = Thread(
            target=lambda: reasons.append(processes.run([PYTHON, "-c", SLEEPS, str(pid)], tmp_path / "x.log"))
        )
        thread.start()
        assert until(lambda: pid.exists() and pid.read_text())
        processes.end()
        thread.join(20)
        assert not alive(int(pid.read_text()))
        assert "signal" in (reasons[0] or "")
        assert processes.run([PYTHON, "-c", "print(1)"], tmp_path / "y.log") == "stopped"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_this_process_ends_those_it_started(tmp_path, number):
    pid = tmp_path / "pid"
    begins = (  # a shell's background job ignores SIGINT, and hands that on; polars has a handler of its own
        "import signal, sys, polars\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\nfrom curate.ablate.running import Processes\n"
    )
    log = str(tmp_path / "x.log")
    asks = "    polars.DataFrame({'a': [1]}).lazy().filter(polars.col('a') > 0).collect()\n"
    runs = (
        f"with Processes(None) as p:\n{asks}    p.run([sys.executable, '-c', {SLEEPS!r}, {str(pid)!r}], Path({log!r}))"
    )
    code = begins + runs
    process = subprocess.Popen([PYTHON, "-c", code], stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: pid.exists() and pid.read_text())
        process.send_signal(number)
        process.wait(30)
        assert until(lambda: not alive(int(pid.read_text())))
    finally:
        process.kill()
        process.wait()
