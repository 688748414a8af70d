"""Disks that refuse: a folder that may not be written, a file in the way, no room left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main
from tests.bad_input.command import GOOD, STEPS, done, recipe, refused
from tests.conftest import ROOT, rows

pytestmark = pytest.mark.slow

NOBODY = 65534


@pytest.mark.parametrize("file", ["out", "out/test"])
def test_a_file_where_the_outputs_should_stand(there, file):
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("mine")
    assert f"{Path(file)} is a file, where a folder is needed: choose another one with --out" in refused()
    assert Path(file).read_text() == "mine"


@contextlib.contextmanager
def nobody():
    """Be a user without rights for a moment, where tests run as one who may write everywhere."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no POSIX rights here")
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(monkeypatch):
    """A folder that everybody may enter and none but its owner may write into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(GOOD)))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe()))
    monkeypatch.setenv("CURATE_DATA", str(folder))
    monkeypatch.chdir(folder)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("writable", "closed"),
    [
        pytest.param([], "out/test", id="nothing can be made"),
        pytest.param(["out"], "out/test", id="the output folder"),
        pytest.param(["out", "out/test"], "out/.stages", id="the stages beside it"),
    ],
)
def test_a_folder_that_cannot_be_written_is_said_before_the_work(open_folder, writable, closed):
    assert done()["counts"]["one"]["read"] == GOOD  # what is imported late is imported by now
    shutil.rmtree("out/.stages" if writable == ["out", "out/test"] else "out")
    for name in writable:
        Path(name).mkdir(exist_ok=True)
        Path(name).chmod(0o777)
    if closed == "out/.stages":
        Path(closed).mkdir()
    if writable:
        Path(closed).mkdir(exist_ok=True)
        Path(closed).chmod(0o555)
    else:
        open_folder.chmod(0o555)
    with nobody():
        out = refused()
    assert f"{Path(closed)} cannot be written: Permission denied; choose another folder with --out" in out


def test_inputs_and_recipes_that_may_not_be_read(open_folder):
    assert done()["counts"]["one"]["read"] == GOOD
    Path("one.jsonl").chmod(0o000)
    Path("free").mkdir()
    Path("free").chmod(0o777)
    with nobody():
        out = refused("--out", "free/out")
        assert "recipe.yaml:5: source 'one'" in out
        assert "one.jsonl cannot be opened: Permission denied" in out
    Path("recipe.yaml").chmod(0o000)
    with nobody():
        assert "cannot be read: Permission denied" in refused()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own that holds three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True).returncode
    ):
        pytest.skip("no small disk: mounting one is not permitted here (the limit on a file's size is tried instead)")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # a traceback may hold a file of it open


def incompressible(n):
    drawn = random.Random(n)
    return [row | {"response": drawn.randbytes(400).hex()} for row in rows(n)]


def test_a_full_disk_loses_no_finished_stage_and_the_same_command_goes_on(there, small_disk, write_jsonl, write_recipe):
    for name, n in (("one.jsonl", 500), ("two.jsonl", 8000)):
        write_jsonl(name, incompressible(n))
    more = {"two": {"read": {"jsonl": {"path": "two.jsonl"}}, "steps": STEPS}}
    write_recipe(recipe(sources=recipe()["sources"] | more))
    out = refused("--out", small_disk / "out")
    assert "The disk is full" in out
    assert "make room and run the same command again" in out
    assert not list(small_disk.glob(".stages/*.building")), "what could not be finished takes no room"
    finished = list(small_disk.glob(".stages/*/meta.json"))
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    manifest = done("--out", small_disk / "out")
    assert len(manifest["stages"]["reused"]) == len(finished) == 1
    assert manifest["counts"]["two"]["kept"] == 8000


def test_a_full_disk_while_the_outputs_are_written_leaves_no_half_file(there, small_disk, write_jsonl):
    write_jsonl("one.jsonl", incompressible(3000))
    assert "The disk is full" in refused("--out", small_disk / "out")
    assert len(list(small_disk.glob(".stages/*/meta.json"))) == 1
    assert not (small_disk / "out/manifest.json").exists()
    assert [file.name for file in (small_disk / "out").rglob("*.half")] == []
    out = CliRunner().invoke(main, ["why", str(small_disk / "out"), "0"]).output
    assert "the run that writes it did not end; run it again" in out


def test_a_file_that_may_not_grow(there, write_jsonl):
    resource = pytest.importorskip("resource", reason="no limits on files here")
    write_jsonl("one.jsonl", incompressible(3000))

    def limited():
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    command = [sys.executable, "-m", "curate", "run", "recipe.yaml"]
    found = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=limited, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)
    assert "a file may not grow further" in found.stderr
    assert list(Path("out").glob(".stages/*.building")) == []
