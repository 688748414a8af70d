"""The doctor imports what it promises; what is broken, slow or noisy is one line, and ends nothing."""

from __future__ import annotations

import time

import pytest

from curate.cli import doctor
from curate.cli.doctor import Extra, failure


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package `odd` of this code where Python finds it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(code):
        (tmp_path / "odd.py").write_text(code)
        return "import odd"

    return write


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("", None, id="a good one"),
        pytest.param("print('hello ' * 100_000, flush=True)", None, id="a noisy one"),
        pytest.param("import warnings; warnings.warn('old')", None, id="one that warns"),
        pytest.param("import atexit, os; atexit.register(os.abort)", None, id="one that breaks at its end"),
        pytest.param("input()", "EOFError: EOF when reading a line", id="one that asks"),
        pytest.param("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here'", id="one that lacks another"),
        pytest.param("raise ImportError('first line\\nsecond line')", "ImportError: first line", id="a broken one"),
        pytest.param("raise ImportError", "ImportError: ", id="without a word"),
        pytest.param("print('x ' * 9); 1 / 0", "ZeroDivisionError: division by zero", id="noisy and broken"),
        pytest.param("this is no Python", "SyntaxError: invalid syntax (odd.py, line 1)", id="no Python"),
        pytest.param("raise SystemExit(0)", "SystemExit: 0", id="one that ends the program"),
        pytest.param("import os; os._exit(3)", "the import ends Python with code 3", id="one that ends it at once"),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "the import ends Python by SIGSEGV", id="a crash"),
        pytest.param("raise ImportError('\\x1b[31mred\\x07')", "ImportError: [31mred", id="control characters"),
    ],
)  # fmt: skip
def test_why_an_import_fails_is_one_line(package, code, reason):
    assert failure(package(code)) == reason


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import time; time.sleep(60)", id="alone"),
        pytest.param("import subprocess; subprocess.run(['sleep', '60'])", id="with a process of its own"),
    ],
)
def test_a_slow_import_is_given_up(package, code):
    start = time.monotonic()
    assert failure(package(code), seconds=1) == "the import takes longer than 1 s"
    assert time.monotonic() - start < 30


def test_nothing_in_the_working_folder_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("from pathlib import Path; Path('proof').touch()")
    assert failure("import numpy") is None
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        pytest.param(Extra("sums", "pytest", "import json"), None, id="good"),
        pytest.param(Extra("sums", "no-such-package", "import json"), "for sums: pip install 'curate-lm[mine]'", id="not installed"),
        pytest.param(Extra("sums", "no-such-package pytest", "import json"), None, id="its namesake is"),
        pytest.param(Extra("sums", "pytest", "import json, no_such"), "is installed, but ModuleNotFoundError: No module named 'no_such': pip install 'curate-lm[mine]'", id="half installed"),
        pytest.param(Extra("sums", "pytest", "import json.no_such"), "pip install --force-reinstall 'curate-lm[mine]'", id="a module of its own is gone"),
        pytest.param(Extra("sums", "pytest", "from json import no_such"), "pip install --force-reinstall 'curate-lm[mine]'", id="broken"),
    ],
)  # fmt: skip
def test_the_note_says_what_to_do(monkeypatch, extra, note):
    monkeypatch.setattr(doctor, "EXTRAS", {"mine": extra})
    [line] = [line for line in doctor.look() if line["what"] == "mine"]
    assert line["ok"] is (note is None)
    assert (note or ": sums") in line["note"]


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["dumps", "evaluate", "pandas", "hf", "openai"])
def test_what_is_installed_imports(extra):
    assert failure(doctor.EXTRAS[extra].imports) is None
