"""Public sources come to where the recipes read them, and what is not known of them is said."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from curate import download
from curate.cli import main
from curate.sources import public
from curate.sources.natural_instructions import natural_instructions
from curate.sources.stackexchange import stackexchange
from tests.stores import Store, serve

pytest.importorskip("huggingface_hub")
ROOT = Path(__file__).parents[2]
LIMA = yaml.safe_load((ROOT / "recipes/lima1k.yaml").read_text(encoding="utf-8"))
SITES = (
    "beer.stackexchange.com.7z",
    "ai.stackexchange.com.7z",
    "stackoverflow.com-Posts.7z",
    "stackoverflow.com-Votes.7z",
)


def packed(members: dict[str, bytes]) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


TASKS = packed(
    {
        "ni-2.8/tasks/task1_a.json": b"{}",
        "ni-2.8/tasks/task2_b.json": b"[]",
        "ni-2.8/README.md": b"",
        "../../task3.json": b"x",
    }
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Serve what the table names from this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(download, "WAITS", (0.01,) * 2)
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    handler: Any = type("Handler", (Store,), {"cuts": [], "spans": [], "sent_bytes": []})
    files = {f"se/{name}": b"7z\xbc\xaf\x27\x1c" + name.encode() * 9_000 for name in SITES}
    listed = [
        {
            "name": name.removeprefix("se/"),
            "size": str(len(f)),
            "sha1": hashlib.sha1(f, usedforsecurity=False).hexdigest(),
        }
        for name, f in files.items()
    ]
    files |= {"se.json": json.dumps({"files": [*listed, {"name": "se_files.xml"}]}).encode(), "v2.8.zip": TASKS}
    files |= {f"WritingPrompts_{kind}.zst": b"\x28\xb5\x2f\xfd" + b"." * 99 for kind in ("submissions", "comments")}
    with serve(handler, files) as (url, asked):
        table = public.table()
        table["stackexchange"]["archive"] = {"files": f"{url}/se.json", "base": f"{url}/se/"}
        for name in ("natural_instructions", "writing_prompts"):
            for file in table[name]["files"]:
                file["url"] = f"{url}/{file['url'].rpartition('/')[2]}"
        monkeypatch.setattr(public, "table", lambda: table)
        handler.files, handler.asked = files, asked
        yield handler


def fetch(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fetch", *arguments])


def test_every_source_is_described_and_lies_where_lima1k_reads_it() -> None:
    paths = {
        source["read"][reader]["path"]
        for source in LIMA["sources"].values()
        for reader in source["read"]
        if "path" in source["read"][reader]
    }
    assert {Path(path).parts[0] for path in paths} == {entry["folder"] for entry in public.table().values()}
    for entry in public.table().values():
        assert {"what", "license", "page", "folder"} <= set(entry)
        assert entry["page"].startswith("https://")
    [wikihow] = public.table()["wikihow"]["files"]
    assert f"wikihow/{wikihow['name']}" in paths


def test_the_list_says_licences_and_places(server: Any) -> None:
    lines = fetch().output
    for name, entry in public.table().items():
        assert name in lines and f"licence: {entry['license']}" in lines and f"goes to {entry['folder']}/" in lines
    assert json.loads(fetch("--json").output) == public.table()
    assert server.asked == []


@pytest.mark.parametrize(
    ("sites", "names"),
    [
        pytest.param(["beer"], ["beer.stackexchange.com.7z"], id="a short name"),
        pytest.param(["alcohol.stackexchange.com"], ["beer.stackexchange.com.7z"], id="its later name"),
        pytest.param(["stackoverflow.com"], ["stackoverflow.com-Posts.7z"], id="a large site: its posts"),
        pytest.param(["stem"], ["ai.stackexchange.com.7z", "stackoverflow.com-Posts.7z"], id="a group"),
        pytest.param(["other", "ai", "beer"], ["ai.stackexchange.com.7z", "beer.stackexchange.com.7z"], id="a group and names"),
    ],
)  # fmt: skip
def test_dumps_come_by_site_with_size_and_sha1(server: Any, tmp_path: Path, sites: list[str], names: list[str]) -> None:
    server.cuts.append(70_000)
    done = fetch("stackexchange", *sites)
    assert done.exit_code == 0, done.output
    assert sorted(file.name for file in (tmp_path / "stackexchange").iterdir()) == names
    assert all((tmp_path / "stackexchange" / name).read_bytes() == server.files[f"se/{name}"] for name in names)
    assert "licence: CC BY-SA" in done.output and "(sha1)" in done.output
    assert ("No dump there of" in done.output) == (sites[0] in {"stem", "other"})
    again = json.loads(fetch("stackexchange", *sites, "--json").stdout)
    assert {line["state"] for line in again} == {"there"}


def test_a_dump_that_is_not_what_the_archive_lists_does_not_stay(server: Any, tmp_path: Path) -> None:
    name = "se/ai.stackexchange.com.7z"
    server.files[name] = server.files[name][:-1] + b"!"
    done = fetch("stackexchange", "ai")
    assert (done.exit_code, "its sha1 is " in done.output) == (2, True)
    server.files[name] += b"!"
    assert "it is another file by now" in fetch("stackexchange", "ai").output
    assert list((tmp_path / "stackexchange").iterdir()) == []


def test_tasks_are_unpacked_beside_their_archive_and_nothing_is_replaced(server: Any, tmp_path: Path) -> None:
    folder = tmp_path / "natural_instructions"
    folder.mkdir()
    (folder / "task2_b.json").write_text("mine")
    done = fetch("natural_instructions")
    assert "1 files unpacked, 1 there before" in done.output
    assert {file.name for file in folder.iterdir()} == {"natural-instructions-2.8.zip", "task1_a.json", "task2_b.json"}
    assert (folder / "task2_b.json").read_text() == "mine"
    assert not (tmp_path / "task3.json").exists() and not (tmp_path.parent / "task3.json").exists()
    assert "0 files unpacked, 2 there before" in fetch("natural_instructions").output


def test_a_damaged_archive_is_one_sentence(server: Any, tmp_path: Path) -> None:
    server.files["v2.8.zip"] = TASKS[:-30]
    done = fetch("natural_instructions")
    assert done.exit_code == 2
    assert (
        "natural-instructions-2.8.zip is damaged (File is not a zip file): remove it, and run the same command"
        in done.output
    )


def test_dry_run_says_sizes_as_far_as_they_are_known_and_fetches_nothing(server: Any, tmp_path: Path) -> None:
    server.heads = False
    done = fetch("writing_prompts", "--dry-run")
    assert "missing  size unknown" in done.output and "nobody publishes a checksum" in done.output
    server.heads = True
    lines = json.loads(fetch("writing_prompts", "--dry-run", "--json", "--to", str(tmp_path / "else")).stdout)
    assert [(line["state"], line["bytes"]) for line in lines] == [("missing", 103)] * 2
    assert lines[0]["to"] == str(tmp_path / "else/reddit/WritingPrompts_submissions.zst")
    del server.files["WritingPrompts_comments.zst"]
    assert "WritingPrompts_comments.zst (the server says 404)" in fetch("writing_prompts", "--dry-run").output
    assert list(tmp_path.iterdir()) == []
    assert "95.8 KB" not in done.output and "Nothing was fetched." in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["wikihw"], "there is no public source 'wikihw': did you mean 'wikihow'?", id="a slip"),
        pytest.param(["beer"], "'beer' is one of several sites: say `curate fetch stackexchange beer`", id="a site"),
        pytest.param(["stackexchange"], "say which sites: `curate fetch stackexchange beer ai`, or a group", id="no site"),
        pytest.param(["stackexchange", "bear"], "has no dump of bear.stackexchange.com: did you mean 'beer.stackexchange.com'?", id="a slip in a site"),
        pytest.param(["wikihow", "beer"], "'wikihow' has no sites: say `curate fetch wikihow`", id="sites of another"),
        pytest.param(["wikihow"], "no program gets 'wikihow': open https://ucsb.app.box.com/s/", id="by hand"),
    ],
)  # fmt: skip
def test_what_cannot_be_fetched_says_what_would_be_right(server: Any, arguments: list[str], message: str) -> None:
    done = fetch(*arguments)
    assert (done.exit_code, message in done.output) == (2, True), done.output


def test_a_file_that_was_put_there_by_hand_is_there(server: Any, tmp_path: Path) -> None:
    (tmp_path / "wikihow").mkdir()
    (tmp_path / "wikihow/wikihowAll.csv").write_text("headline,title,text\n")
    assert "there " in fetch("wikihow").output


def test_a_list_that_is_none_is_one_sentence(server: Any) -> None:
    server.files["se.json"] = b'{"files": [{"name": "a.7z"}]}'
    assert "se.json does not hold a list of files: try again later" in fetch("stackexchange", "ai").output


@pytest.mark.slow
def test_the_readers_of_lima1k_read_what_was_fetched(server: Any, data: Path, tmp_path: Path) -> None:
    """The bytes are those of a real dump and of a real task."""
    name, real = "se/ai.stackexchange.com.7z", (data / "stackexchange/ai.stackexchange.com.7z").read_bytes()
    server.files[name] = real
    digest = hashlib.sha1(real, usedforsecurity=False).hexdigest()
    listed = {"name": "ai.stackexchange.com.7z", "size": len(real), "sha1": digest}
    server.files["se.json"] = json.dumps({"files": [listed]}).encode()
    task = next((data / "natural_instructions").glob("task*.json"))
    server.files["v2.8.zip"] = packed({f"ni-2.8/tasks/{task.name}": task.read_bytes()})
    assert fetch("stackexchange", "stem").exit_code == fetch("natural_instructions").exit_code == 0
    for part in (
        *stackexchange(tmp_path / "stackexchange", sites="stem"),
        *natural_instructions(tmp_path / "natural_instructions"),
    ):
        assert sum(batch.rows.height for batch in part.read(1_000)) > 100
