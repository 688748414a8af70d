"""Functions of one's own: which they can be, what they may import, and that they take nobody's place."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from curate import own
from curate.recipe import registry
from curate.recipe.load import load
from tests.trust.conftest import PROOF, call, recipe, step, write

MINE = """
from __future__ import annotations
import functools
from os import system
from subprocess import getoutput
import polars as pl
import beside
from parts.inner import text
from parts import inner as again

def good(column: str = "response") -> pl.Expr:
    import late
    from rooms.room import answer
    return pl.col(column).str.contains(late.word + text + answer)

@functools.lru_cache
def kept(column="response"):
    return pl.col(column).is_not_null()

def wrong(column: str) -> str:
    open("proof", "w")

def nothing(column: str) -> None:
    open("proof", "w")

def lost(column: Missing = "response") -> pl.Expr:
    return pl.col(column).is_not_null()

class Good:
    def __init__(self, column="response"):
        open("proof", "w")

class Callable:
    def __call__(self, column="response"):
        open("proof", "w")

instance = Callable()
partial = functools.partial(good, column="response")
short = beside.help_out
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a recipe's own module and all that it imports; the working folder is another one."""
    home = tmp_path / "a folder.of mine"
    for name in ("parts", "rooms"):
        (home / name).mkdir(parents=True)
    (home / "mine.py").write_text(MINE)
    (home / "beside.py").write_text(
        "def help_out(column='response'):\n    import polars as pl\n    return pl.col(column) > ''\n"
    )
    (home / "late.py").write_text("word = 'a'\n")
    (home / "parts/__init__.py").write_text("")
    (home / "parts/inner.py").write_text("from .other import text\nimport beside\n")
    (home / "parts/other.py").write_text("from . import inner\ntext = 'b'\n")
    (home / "rooms/room.py").write_text("answer = 'c'\n")
    for name in ("numba", "faiss", "openai"):
        (home / f"{name}.py").write_text("raise RuntimeError('taken for a package')\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return home


@pytest.mark.parametrize("name", ["good", "kept", "lost", "short"])
def test_a_function_of_the_folder_is_found_with_all_that_it_imports(folder, name):
    function = own.load(f"mine:{name}", folder)
    assert registry.is_a(function, "property")
    assert "response" in str(function())
    assert own.module_name(function) in ("mine", "beside")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("mine:system", "no function that is defined in mine.py", id="imported from the standard library"),
        pytest.param("mine:getoutput", "no function that is defined in mine.py", id="a Python function of it"),
        pytest.param("mine:Good", "no function that is defined in mine.py", id="a class"),
        pytest.param("mine:instance", "no function that is defined in mine.py", id="something that can be called"),
        pytest.param("mine:partial", "no function that is defined in mine.py", id="a part of a function"),
        pytest.param("mine:goood", "did you mean 'good'?", id="a slip"),
        pytest.param("curate.own:load", "there is no file curate/own.py", id="this library"),
        pytest.param("json:loads", "there is no file json.py", id="the standard library"),
        pytest.param("late:word", "'word' is no function", id="a text"),
        pytest.param("numba:jit", "taken for a package", id="a module that raises"),
    ],
)
def test_what_is_no_function_of_the_folder_is_refused(folder, name, said):
    with pytest.raises(LookupError, match=said):
        own.load(name, folder)
    assert not Path(PROOF).exists()


def test_a_link_to_the_standard_library_is_no_file_of_ones_own(folder):
    (folder / "linked.py").symlink_to(subprocess.__file__)
    with pytest.raises(LookupError, match="belongs to Python or to an installed package"):
        own.load("linked:getoutput", folder)


def test_the_checkout_as_working_folder_does_not_make_the_library_ones_own(monkeypatch):
    monkeypatch.chdir(Path(own.__file__).parents[1])
    with pytest.raises(LookupError, match="belongs to Python"):
        own.find_file("curate.run.run:run_recipe")


def test_modules_of_the_folder_take_the_place_of_no_package(folder):
    before = list(sys.path)
    own.load("mine:good", folder)()
    assert sys.path == before
    assert not {"mine", "beside", "late", "parts"} & set(sys.modules)
    assert not list(folder.rglob("*.pyc")), "what was compiled before is not what the file says"


def test_two_folders_have_each_its_own_module(folder, tmp_path):
    (tmp_path / "elsewhere/mine.py").write_text("def good(column='response'):\n    return 1\n")
    assert own.load("mine:good", folder)() is not own.load("mine:good")()
    assert own.load("mine:good")() == 1


def test_a_changed_file_is_read_again(folder):
    assert '"abc"' in str(own.load("mine:good", folder)())
    (folder / "late.py").write_text("word = 'x'\n")
    assert '"xbc"' in str(own.load("mine:good", folder)())


def test_a_function_pickles_into_another_process(folder):
    function = own.load("mine:good", folder)
    assert pickle.loads(pickle.dumps(function)) is function
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer)())"
    there = subprocess.run(
        [sys.executable, "-P", "-c", program], input=pickle.dumps(function), capture_output=True, check=True
    )
    assert there.stdout.decode().strip() == str(function())


@pytest.mark.parametrize("name", ["wrong", "nothing"])
@pytest.mark.parametrize("verb", ["keep", "score", "select", "answer"])
def test_a_function_of_the_wrong_kind_is_refused_before_it_is_called(folder, name, verb):
    (folder / "r.yaml").write_text(json.dumps(step(verb, f"mine:{name}")))
    with pytest.raises(Exception, match="annotated to give something else"):
        load(folder / "r.yaml")
    assert not Path(PROOF).exists()


@pytest.mark.usefixtures("trusted")
def test_check_and_verify_run_it_where_it_is_trusted(there):
    there.joinpath("out/set/mine.py").unlink()  # it would be the one beside the manifest
    there.joinpath("mine.py").write_text(
        f"import pathlib\nimport polars as pl\npathlib.Path({str(there / PROOF)!r}).write_text('ran')\n"
        "def good(column: str = 'response') -> pl.Expr:\n    return pl.col(column).str.contains('[2-5]')\n"
    )
    write(step("keep", "mine:good"))
    assert "--trust" in call("check", "recipe.yaml").output
    assert not Path(PROOF).exists()
    assert "4 of 9 tried rows kept" in call("check", "recipe.yaml", "--trust").output
    assert call("run", "recipe.yaml").exit_code == 0
    Path(PROOF).unlink()
    assert call("verify", "out/set").exit_code == 2
    assert not Path(PROOF).exists()
    assert call("verify", "out/set", "--trust").exit_code == 0
    assert json.loads(Path("out/set/manifest.json").read_text())["counts"]["one"]["kept"] == 4


@pytest.mark.usefixtures("trusted")
def test_a_reader_that_raises_or_gives_no_parts_is_said_in_a_sentence(there):
    there.joinpath("mine.py").write_text("def no():\n    return [1]\ndef raises():\n    raise KeyError('x')\n")
    for name, said in (("no", "gave a int"), ("raises", "raised KeyError")):
        write({"name": "set", "sources": {"one": {"read": {f"mine:{name}": {}}}}})
        result = call("run", "recipe.yaml")
        assert result.exit_code == 2 and said in result.output


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Two installed packages that add filters, of which one cannot be imported."""
    site = tmp_path / "site"
    for name, body in (
        (
            "fine",
            "import polars as pl\nfrom curate.filter import Property\n"
            "def long_enough(column: str = 'response') -> Property:\n"
            "    return pl.col(column).str.len_chars() > 5\n",
        ),
        ("broken", "raise RuntimeError('broken')\n"),
    ):
        info = site / f"{name}_filters-1.0.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-filters\nVersion: 1.0\n")
        info.joinpath("entry_points.txt").write_text(f"[curate.filters]\n{name} = {name}_filters:long_enough\n")
        mark = f"import pathlib\npathlib.Path({str(tmp_path / ('loaded_' + name))!r}).touch()\n"
        (site / f"{name}_filters.py").write_text(mark + body)
    monkeypatch.syspath_prepend(str(site))
    registry.plugins.cache_clear()
    yield tmp_path
    registry.plugins.cache_clear()
    for name in ("fine_filters", "broken_filters"):
        sys.modules.pop(name, None)


def test_a_plugin_is_loaded_when_it_is_named_and_a_broken_one_ends_nothing_else(there, plugins):
    write(recipe(steps=[{"keep": {"length": {"min": 1}}}]))
    for command in (["check", "recipe.yaml"], ["list", "filters"], ["schema"]):
        assert call_tall(*command).exit_code == 0
    assert not list(plugins.glob("loaded_*"))
    write(step("keep", "fine"))
    assert "9 of 9" in call("check", "recipe.yaml").output
    assert [file.name for file in plugins.glob("loaded_*")] == ["loaded_fine"]
    write(step("keep", "broken"))
    result = call("check", "recipe.yaml")
    assert (
        result.exit_code == 2
        and "the plug-in 'broken' of broken-filters cannot be loaded: RuntimeError" in result.output
    )


def call_tall(*args):
    from click.testing import CliRunner

    from curate.cli import main

    return CliRunner().invoke(main, list(args))


@pytest.mark.slow
def test_the_working_folder_is_no_place_for_packages_of_the_command(there):
    program = [sys.executable, "-m", "curate", "check", str(write(recipe()))]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "9 of 9 tried rows kept" in done.stdout
