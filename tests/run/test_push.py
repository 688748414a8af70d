"""A set on a hub: all of it or nothing, private unless said, and each refusal one sentence that says how to go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from curate.cli import main
from curate.recipe.load import load
from curate.run import push as library
from curate.run.run import run_recipe
from tests.conftest import rows
from tests.stores import TOKEN, Writable, serve, validated

hub = pytest.importorskip("huggingface_hub")
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the library's own matter
SET = {
    "train.parquet",
    "train.jsonl",
    "train.prompt_completion.parquet",
    "ledger.parquet",
    "README.md",
    "manifest.json",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    lines = "".join(json.dumps(row) + "\n" for row in rows(30)) + "not JSON\n"
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    read = {"jsonl": {"path": str(folder / "rows.jsonl"), "license": "MIT"}}
    source = {"read": read, "steps": [{"drop": {"mentions": {"phrases": ["7"]}}}]}
    recipe = {"name": "test", "max_bad": 0.5, "sources": {"one": source}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run_recipe(load(folder / "recipe.yaml"), folder / "out")
    return folder / "out"


@pytest.fixture
def out(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    return Path("out")


class Server:
    """A hub of one's own, and what became of it."""

    def __init__(self, url: str, asked: list[str], handler: Any) -> None:
        self.url, self.asked, self.handler = url, asked, handler

    def push(self, *options: str, repo: str = "org/name") -> Result:
        return CliRunner().invoke(main, ["push", "out", repo, *options])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    state: dict[str, Any] = {"sets": {}, "large": {}, "commits": [], "drops": [], "refuses": {}}
    handler: Any = type("Handler", (Writable,), state)
    handler.files = {}
    with serve(handler, handler.files) as (url, asked):
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # a protocol of its own
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
        monkeypatch.setattr(library, "WAITS", (0.01,) * 2)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield Server(url, asked, handler)


def test_a_set_goes_to_a_hub_in_one_commit_that_names_recipe_and_hash(out: Path, server: Server) -> None:
    done = server.push()
    assert done.exit_code == 0, done.output
    assert f"{server.url}/datasets/org/name (private) has 6 files" in done.output
    assert server.handler.files == {name: (out / name).read_bytes() for name in SET}
    manifest = json.loads((out / "manifest.json").read_text())
    [commit] = server.handler.commits
    assert commit["summary"].startswith("test: 29 rows (recipe ")
    assert manifest["outputs"]["train.parquet"][:12] in commit["summary"]
    assert server.handler.sets == {"org/name": True}


def test_the_texts_of_other_rows_stay_here(out: Path) -> None:
    names = {file.name for file in out.iterdir() if file.is_file()}
    assert names - set(library.files(out)) == {"quarantine.jsonl", "examples.parquet", "report.html"}


def test_a_second_push_sends_nothing_and_a_changed_set_only_what_changed(out: Path, server: Server) -> None:
    server.push()
    before = len(server.asked)
    again = server.push()
    assert "is as it was" in again.output and len(server.handler.commits) == 1
    assert not any(line.startswith("PUT") for line in server.asked[before:])
    (out / "README.md").write_text((out / "README.md").read_text() + "\nOne more line.\n")
    server.push("--json")
    assert len(server.handler.commits) == 2 and server.handler.files["README.md"].endswith(b"One more line.\n")


@pytest.mark.parametrize("drop", ["/large/", "/preupload/", "/objects/batch", "/commit/"])
def test_a_connection_that_breaks_once_costs_nothing(out: Path, server: Server, drop: str) -> None:
    server.handler.drops.append(drop)
    done = server.push()
    assert done.exit_code == 0, done.output
    assert set(server.handler.files) == SET
    assert (len(server.handler.commits), server.handler.drops) == (1, [])


@pytest.mark.parametrize("drop", ["/large/", "/validate-yaml", "/commit/"])
def test_one_that_stays_broken_is_one_sentence_and_the_same_command_goes_on(
    out: Path, server: Server, drop: str
) -> None:
    server.handler.drops.extend([drop] * 1_000)
    if drop == "/commit/":
        server.handler.take = lambda *_: None  # it breaks before the work
    done = server.push()
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert "the connection to the hub broke off" in done.output and "the same command goes on" in done.output
    assert server.handler.files == {}
    server.handler.drops.clear()
    if drop == "/commit/":
        del server.handler.take
    uploads = len([line for line in server.asked if line.startswith("PUT")])
    assert server.push().exit_code == 0 and set(server.handler.files) == SET
    if drop == "/commit/":  # what had been sent is not sent again
        assert len([line for line in server.asked if line.startswith("PUT")]) == uploads


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        pytest.param("/repos/create", 401, "the hub does not know the token here: make a new one, and set it as HF_TOKEN", id="a wrong token"),
        pytest.param("/repos/create", 403, "the token here gives no right to write to org/name", id="no right to make a set"),
        pytest.param("/commit/", 403, "You have no rights here.", id="no right to write"),
        pytest.param("/commit/", 413, "the hub refuses org/name", id="too large"),
        pytest.param("/preupload/", 503, "the hub answers 503: org/name is as it was before", id="a hub in trouble"),
    ],
)  # fmt: skip
def test_what_a_hub_refuses_is_one_sentence(out: Path, server: Server, path: str, status: int, message: str) -> None:
    server.handler.refuses[path] = status
    done = server.push()
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert message in done.output
    assert TOKEN not in done.output and server.handler.files == {}


def test_without_a_token_nobody_is_asked(out: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    done = server.push()
    assert done.exit_code == 2
    assert f"there is no token for the hub: make one that may write, at {server.url}/settings/tokens" in done.output
    assert server.asked == []


@pytest.mark.parametrize("repo", ["org//name", "a/b/c", "org/na me", "org/-name", "https://host/org/name"])
def test_a_wrong_name_is_said_before_anything_else(out: Path, server: Server, repo: str) -> None:
    done = server.push(repo=repo)
    assert done.exit_code == 2 and "is no name of a data set: ORG/NAME is right" in done.output
    assert server.asked == []


def test_an_owner_that_is_not_there_is_said(out: Path, server: Server) -> None:
    done = server.push(repo="nobody/name")
    assert "no right to write to nobody/name, or there is no such owner" in done.output


def test_a_set_of_somebody_else_is_left_as_it_is(out: Path, server: Server) -> None:
    server.handler.sets["org/name"] = True
    server.handler.files |= {".gitattributes": b"", "README.md": b"# Mine", "data.csv": b"1"}
    done = server.push()
    assert (
        "org/name holds files that curate did not put there (README.md, data.csv): choose another name" in done.output
    )
    assert server.handler.files["README.md"] == b"# Mine" and server.handler.commits == []


def test_what_everybody_can_read_is_written_only_when_that_is_said(out: Path, server: Server) -> None:
    server.handler.sets["org/name"] = False
    done = server.push()
    assert "org/name is there, and everybody can read it: say --public" in done.output
    assert server.handler.commits == []
    assert "(public) has 6 files" in server.push("--public").output


def test_a_set_is_made_public_when_that_is_said(out: Path, server: Server) -> None:
    assert "(public)" in server.push("--public").output
    assert server.handler.sets == {"org/name": False}


def test_a_card_that_the_hub_does_not_take_is_said_and_no_set_is_made(out: Path, server: Server) -> None:
    card = (out / "README.md").read_text().replace("pretty_name: test", "pretty_name: [test]")
    (out / "README.md").write_text(card)
    done = server.push()
    assert done.exit_code == 2
    assert 'the hub does not take the card, out/README.md: "pretty_name" must be a str\n' in done.output
    assert server.handler.sets == {}


def test_a_file_that_is_not_the_run_s_is_not_sent(out: Path, server: Server) -> None:
    (out / "train.jsonl").write_text("{}\n")
    done = server.push()
    assert "train.jsonl is not the file that the run wrote: run the recipe again, then push" in done.output
    assert server.asked == []


def test_dry_run_lists_files_and_sizes_and_asks_nobody(out: Path, server: Server) -> None:
    done = server.push("--dry-run")
    assert done.exit_code == 0 and "6 files" in done.output and "Nothing was sent." in done.output
    data = json.loads(server.push("--dry-run", "--json").output)
    assert data == {"files": {name: (out / name).stat().st_size for name in SET}}
    assert server.asked == []


def test_no_folder_of_a_run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "out is not a finished output folder: there is no such folder" in server.push().output


@pytest.mark.slow
def test_what_was_pushed_is_loaded_from_the_hub_by_its_configs(out: Path, server: Server, tmp_path: Path) -> None:
    server.push()
    own = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    code = (
        "from datasets import load_dataset\n"
        "print(len(load_dataset('org/name')['train']), load_dataset('org/name', 'ledger')['train'].num_rows)"
    )
    env = os.environ | own | {"HF_TOKEN": TOKEN}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["29", "30"], done.stderr[-2000:]


TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
PAIR = {"prompt": TURNS[:1], "chosen": TURNS[1:], "rejected": [{"role": "assistant", "content": "No."}]}
OUTPUT = {"formats": ["prompt_completion", "messages"], "dev": {"authored": {"split": "dev"}}}


@pytest.mark.parametrize(
    ("row", "output", "configs"),
    [
        pytest.param({"messages": TURNS}, OUTPUT, ["prompt_completion", "messages", "rows", "ledger", "dev"], id="SFT"),
        pytest.param(PAIR, {}, ["preference", "rows", "ledger"], id="pairs"),
        pytest.param({"prompt": "Why?", "completion": "So.", "label": False}, {"formats": ["unpaired"]}, ["unpaired", "rows", "ledger"], id="KTO"),
        pytest.param({"prompt": "Why?"}, {"formats": ["prompts"]}, ["prompts", "rows", "ledger"], id="prompts"),
    ],
)  # fmt: skip
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of datasets
def test_what_goes_to_a_hub_opens_with_every_config(
    tmp_path: Path, write_jsonl: Any, write_recipe: Any, row: Any, output: Any, configs: list[str]
) -> None:
    datasets = pytest.importorskip("datasets")
    read = {"jsonl": {"path": str(write_jsonl("rows.jsonl", [row | {"n": n} for n in range(3)]))}}
    run_recipe(load(write_recipe({"sources": {"one": {"read": read}}, "output": output})), tmp_path / "out")
    (tmp_path / "there").mkdir()
    for name in library.files(tmp_path / "out"):
        shutil.copy(tmp_path / "out" / name, tmp_path / "there")
    card = hub.DatasetCard((tmp_path / "there/README.md").read_text())
    assert [config["config_name"] for config in card.data.configs] == configs
    assert validated(str(card)) == ({"warnings": [], "errors": []}, 200)
    for name in configs:
        [rows] = datasets.load_dataset(str(tmp_path / "there"), name, cache_dir=str(tmp_path / "cache")).values()
        assert rows.num_rows == 3 or name == "dev"


def test_the_card_is_one_by_the_library_s_classes(out: Path) -> None:
    card = hub.DatasetCard((out / "README.md").read_text())
    assert hub.DatasetCardData(**card.data.to_dict()).to_dict() == card.data.to_dict()
    assert yaml.safe_load(card.data.to_yaml())["license"] == "mit"
