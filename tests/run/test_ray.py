"""Two nodes on this machine give what this process gives, whatever dies; what is wrong is said in a sentence."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main
from curate.engine import Local, using
from curate.errors import UserError
from curate.recipe.load import load
from curate.run import parts
from curate.run.ray import cluster
from curate.run.run import run_recipe
from curate.run.state import RunError
from curate.run.step_error import StepError
from tests.conftest import ROOT, rows

pytestmark = pytest.mark.slow

SAME = ("train.parquet", "ledger.parquet", "quarantine.jsonl", "examples.parquet")
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


def start(nodes: Any, **options: Any) -> Any:
    """Start a node; Ray gives one half a minute, which a busy machine may exceed."""
    for left in reversed(range(5)):
        try:
            return nodes.add_node(**NODE, **options)
        except Exception:
            if not left:
                raise


@pytest.fixture(scope="module")
def nodes():
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # they listen to this machine alone
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        nodes = Cluster()
        start(nodes, include_dashboard=False)
        start(nodes)
        yield nodes
        nodes.shutdown()


@pytest.fixture(scope="module")
def ray(nodes, tmp_path_factory):
    with cluster(nodes.address, tmp_path_factory.mktemp("shared")) as engine:
        assert engine.workers == 2
        yield engine


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in SAME}


def write(folder: Path, module: str, steps: list[dict[str, Any]], **more: Any) -> Path:
    """Write a recipe over eight files, and a module of the user's own."""
    for i in range(8):
        pl.DataFrame(rows(30, url=str(i))).write_ndjson(folder / f"part{i}.jsonl")
    (folder / "mine.py").write_text(module)
    file = folder / "recipe.yaml"
    source = {"read": {"jsonl": {"path": "part*.jsonl"}}, "steps": steps}
    file.write_text(yaml.safe_dump({"name": "test", "sources": {"one": source}, **more}))
    return file


def fail(number: int) -> int:
    if number == 3:
        raise StepError("a sentence")
    return number


def slow_when_first(number: int) -> int:
    time.sleep(0.5 * (number == 0))
    return number


def numbers(start: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(start, start + 100)})


class Shard:
    def __init__(self, start: int) -> None:
        self.start = start

    def add(self, number: int) -> int:
        return self.start + number

    def square(self, number: int) -> int:
        return number**2

    def die_once(self, mark: str) -> int:
        if not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.start


def test_results_come_in_the_order_of_the_items(ray):
    assert list(ray.map(slow_when_first, iter(range(20)))) == list(range(20))
    assert list(ray.map(abs, [])) == []


def warn(number: int) -> int:
    logging.getLogger("curate.cache").warning("The kept result %s is damaged", number)
    return number


def test_what_is_logged_there_is_logged_here(ray, caplog):
    assert list(ray.map(warn, [1, 2])) == [1, 2]
    assert caplog.messages == ["The kept result 1 is damaged", "The kept result 2 is damaged"]


def test_what_is_raised_there_is_raised_here(ray):
    with pytest.raises(StepError, match=r"^a sentence$"):
        list(ray.map(fail, range(9)))
    with pytest.raises(RunError, match="cannot be sent to another process"):
        list(ray.map(abs, [threading.Lock()]))


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_shuffle_gives_what_it_gives_here(ray, tmp_path, count):
    of = (numbers, range(0, 1000, 100), pl.col("n") % count % 20, count, lambda rows: rows, tmp_path)
    here, away = list(Local().shuffle(*of)), list(ray.shuffle(*of))
    assert len(away) == len(here) == min(count, 20)
    assert all(a.equals(b) for a, b in zip(away, here, strict=True))
    assert list(ray.shuffle(numbers, [], pl.col("n"), 3, len, tmp_path)) == []


def test_a_crew_answers_and_is_made_again(ray, tmp_path):
    with ray.hire(Shard, [10, 20, 30]) as crew:  # more than there are cores
        assert crew.each("add", 2) == [12, 22, 32]
        assert sorted(crew.spread("square", range(7))) == [(i, i**2) for i in range(7)]
        assert crew.each("die_once", str(tmp_path / "mark")) == [10, 20, 30]


LONG = """
import polars as pl
import helper
from curate.filter import Property

def long(column: str) -> Property:
    return pl.col(column).str.len_chars() > helper.least()
"""


def test_functions_of_ones_own_are_what_this_process_has_loaded(ray, there):
    """Not what the file says when a worker comes to it."""
    file = write(there, LONG, [{"keep": {"mine:long": {"column": "response"}}}])
    counts = []
    for least in (10, 60):
        (there / "helper.py").write_text(f"def least(): return {least}")
        recipe = load(file)
        here = run_recipe(recipe, there / f"here{least}/out")
        (there / "helper.py").rename(there / "gone.py")
        (there / "mine.py").rename(there / "gone_too.py")
        with using(ray):
            away = run_recipe(recipe, there / f"away{least}/out")
        (there / "gone_too.py").rename(there / "mine.py")
        assert away["outputs"] == here["outputs"]
        counts.append(away["counts"]["one"]["kept"])
    assert counts[0] > counts[1] > 0


KILL = """
import os, signal, time
from pathlib import Path
from typing import Any
import polars as pl
from curate.filter import Property

def judged(rows):
    mark = Path("killed")
    if Path("driver").read_text() != str(os.getpid()) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return rows.str.len_chars() > 10

def deadly(column: str) -> Property:
    return pl.col(column).map_batches(judged, return_dtype=pl.Boolean, is_elementwise=True)
"""


def test_a_worker_that_is_killed_changes_nothing(ray, there):
    (there / "driver").write_text(str(os.getpid()))
    recipe = load(write(there, KILL, [{"keep": {"mine:deadly": {"column": "response"}}}]))
    here = run_recipe(recipe, there / "here/out")
    assert not (there / "killed").exists()
    with using(ray):
        away = run_recipe(recipe, there / "away/out")
    assert (there / "killed").exists()
    assert away["outputs"] == here["outputs"]
    assert not list((there / "away/.stages").glob("*.once"))


def test_what_kills_every_worker_stops_the_run_in_words(ray, there):
    (there / "driver").write_text(str(os.getpid()))
    always = KILL.replace(" and not mark.exists()", "")
    recipe = load(write(there, always, [{"keep": {"mine:deadly": {"column": "response"}}}]))
    with using(ray), pytest.raises(RunError, match=r"^Ray has lost a piece of work, also when it was done again: .+"):
        run_recipe(recipe, there / "away/out")


WAIT = """
import os, time
from pathlib import Path
from typing import Any
import polars as pl
from curate.filter import Property

def judged(rows):
    if Path("driver").read_text() != str(os.getpid()):
        import ray
        Path(f"at-{ray.get_runtime_context().get_node_id()}").touch()
        while not Path("go").exists():
            time.sleep(0.05)
    return rows.str.len_chars() > 10

def patient(column: str) -> Property:
    return pl.col(column).map_batches(judged, return_dtype=pl.Boolean, is_elementwise=True)
"""


def test_a_node_that_is_lost_changes_nothing(nodes, ray, there):
    (there / "driver").write_text(str(os.getpid()))
    recipe = load(write(there, WAIT, [{"keep": {"mine:patient": {"column": "response"}}}]))
    here = run_recipe(recipe, there / "here/out")
    third = start(nodes)

    def lose():
        while not (there / f"at-{third.node_id}").exists():
            time.sleep(0.05)
        nodes.remove_node(third, allow_graceful=False)
        (there / "go").touch()

    thread = threading.Thread(target=lose)
    thread.start()
    with using(ray):
        away = run_recipe(recipe, there / "away/out")
    thread.join()
    assert away["outputs"] == here["outputs"]


def test_pieces_of_a_file_give_what_the_whole_gives(ray, there, monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 4_000)
    lines = pl.DataFrame(rows(500)).write_ndjson().splitlines()
    lines[40:40], lines[300:300] = ["", "{broken", '{"prompt": 5}'], ["\xff"]
    (there / "big.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode("latin-1"))
    source = {"read": {"jsonl": {"path": "big.jsonl"}}, "steps": [{"keep": {"length": {"min": 10}}}]}
    (there / "r.yaml").write_text(yaml.safe_dump({"name": "r", "max_bad": 0.1, "sources": {"big": source}}))
    recipe = load(there / "r.yaml")
    here = run_recipe(recipe, there / "here/out")
    told = []
    with using(ray):
        away = run_recipe(recipe, there / "away/out", progress=lambda what, n, **_: told.append((what, n)))
    assert outputs(there / "away/out") == outputs(there / "here/out")
    assert away["counts"] == here["counts"]
    assert away["counts"]["big"]["quarantined"] == 3
    assert away["inputs"] == here["inputs"]
    assert len(away["stages"]["built"]) > 5
    assert {what for what, n in told if n} == {"big: big.jsonl"}
    assert sum(n for _, n in told) == 500


@pytest.mark.parametrize("with_data", [False, True])
def test_lima1k_on_two_nodes(ray, tmp_path, monkeypatch, request, with_data):
    data = request.getfixturevalue("data") if with_data else tmp_path / "nothing"
    monkeypatch.setenv("CURATE_DATA", str(data))
    monkeypatch.chdir(ROOT)
    recipe = load(Path("recipes/lima1k.yaml"))
    run_recipe(recipe, tmp_path / "here/out")
    with using(ray):
        run_recipe(recipe, tmp_path / "away/out")
    assert outputs(tmp_path / "away/out") == outputs(tmp_path / "here/out")


@pytest.mark.model
def test_diverse1k_on_two_nodes(ray, there):
    pl.DataFrame(rows(300)).write_ndjson(there / "mine.jsonl")
    recipe = load(ROOT / "recipes/diverse1k.yaml", ("size=50",))
    run_recipe(recipe, there / "here/out")
    with using(ray):
        run_recipe(recipe, there / "away/out")
    assert outputs(there / "away/out") == outputs(there / "here/out")


# What is wrong with a cluster.


def curate(*command: str, hidden: str = "none", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which does not find a package."""
    hide = (
        "import sys; from importlib.machinery import PathFinder\n"
        "class Only(PathFinder):\n"
        "    find_spec = classmethod(lambda cls, name, *of: None if name == sys.argv[1] else PathFinder.find_spec(name, *of))\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Only\n"
        "from curate.cli import main; main(sys.argv[2:])"
    )
    return subprocess.run(
        [sys.executable, "-c", hide, hidden, *command], capture_output=True, text=True, env=os.environ | settings
    )


@pytest.mark.parametrize(
    ("engine", "hidden", "sentence"),
    [
        pytest.param("ray", "ray", r"the engine 'ray' needs Ray: pip install 'curate-lm\[ray\]'", id="no package"),
        pytest.param("rya", "none", "there is no engine 'rya': local, ray, auto, host:port or ray://", id="no engine"),
        pytest.param("127.0.0.1:1", "none", r"no Ray cluster at 127.0.0.1:1 \(Connection refused\)", id="no cluster"),
        pytest.param("ray://127.0.0.1:1", "none", r"no Ray cluster at ray://127.0.0.1:1", id="no server"),
    ],
)
def test_an_engine_that_is_not_there_is_said(there, engine, hidden, sentence):
    file = write(there, "", [{"keep": {"length": {"min": 10}}}])
    done = curate("run", str(file), "--engine", engine, hidden=hidden)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f".*{sentence}.*\n", done.stderr), done.stderr


def test_the_command_starts_a_cluster_of_its_own_and_stops_it(there):
    file = write(there, "", [{"keep": {"length": {"min": 10}}}])
    assert CliRunner().invoke(main, ["run", str(file), "--out", "here/out"]).exit_code == 0
    done = curate("run", str(file), "--out", "away/out", "--engine", "ray")
    assert (done.returncode, done.stderr) == (0, "")
    assert outputs(there / "away/out") == outputs(there / "here/out")


def test_an_interrupted_command_leaves_nothing_running(there):
    (there / "driver").write_text("another")
    file = write(there, WAIT, [{"keep": {"mine:patient": {"column": "response"}}}])
    command = [sys.executable, "-m", "curate", "run", str(file), "--out", "away/out", "--engine", "ray"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=there)
    while not list(there.glob("at-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    children = _children(process.pid)
    assert len(children) > 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert said.startswith("Stopped."), said
    end = time.monotonic() + 30
    while (alive := [pid for pid in children if Path(f"/proc/{pid}").exists()]) and time.monotonic() < end:
        time.sleep(0.2)
    assert not alive


def _children(pid: int) -> list[int]:
    import psutil  # type: ignore[import-untyped]

    return [process.pid for process in psutil.Process(pid).children(recursive=True)]


def test_a_node_with_another_package_is_said(nodes, ray, tmp_path):
    # A worker looks for modules where this process does first, so that here all have the same code; packages differ.
    package = tmp_path / "vllm-9.9.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 9.9\n")
    node = start(nodes, env_vars={"PYTHONPATH": str(tmp_path)})
    try:
        sentence = r"^the node .+ has vllm 9.9, and none is here: results can differ, so every node needs the same$"
        with pytest.raises(RunError, match=sentence), cluster(nodes.address, tmp_path):
            pass
    finally:
        nodes.remove_node(node)


def test_a_node_that_does_not_see_the_folder_is_said(nodes, ray, there):
    # Each process has a folder of its own under this name.
    sentence = r"^the node .+ does not see the folder /proc/self/cwd: all nodes need one"
    with pytest.raises(UserError, match=sentence), cluster(nodes.address, Path("/proc/self/cwd")):
        pass
    assert not list(there.iterdir())
