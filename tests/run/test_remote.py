"""Output folders in a store: the same bytes as on a disk, whole or unfinished, and nobody else's files."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from curate import remote
from curate.address import Address
from curate.cli import main
from curate.folders import FolderError
from curate.recipe.load import load
from curate.rows import hash_file
from curate.run.remote import folder_of, run_to
from curate.run.run import run_recipe
from tests.conftest import rows
from tests.stores import S3, Wire, s3_server

DATA = ("train.parquet", "train.jsonl", "ledger.parquet")
RECIPE = {
    "size": 12,
    "sources": {
        "one": {
            "read": {"jsonl": {"path": "one.jsonl"}},
            "steps": [{"keep": {"length": {"min": 10}}}],
            "sample": {"by": "domain", "prefer": "score"},
        }
    },
    "steps": [{"select": {"exact_duplicates": {"column": "prompt"}}}],
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def s3(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest, write_jsonl: Any
) -> S3:
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.setattr(remote, "WAITS", (0.01,) * 2)
    monkeypatch.chdir(tmp_path)
    write_jsonl("one.jsonl", rows(120))
    return S3(server, f"bucket-{zlib.crc32(request.node.name.encode())}", monkeypatch)


def same(there: dict[str, bytes], manifest: dict[str, Any]) -> bool:
    """Tell whether a folder there holds what a manifest says, and the manifest itself."""
    hashes = manifest["outputs"] | manifest["pages"]
    Path("check").mkdir(exist_ok=True)
    for name in hashes:
        Path("check", name).write_bytes(there[name])
    held = {name for name in there if not name.startswith(".curate/")}
    return held == {*hashes, "manifest.json"} and {n: hash_file(Path("check", n)) for n in hashes} == hashes


def test_a_set_in_a_store_is_the_set_on_the_disk(s3: S3, write_recipe: Any) -> None:
    recipe = load(write_recipe(RECIPE))
    local = run_recipe(recipe, Path("local/out"))
    address = Address(f"s3://{s3.bucket}/runs/lima")
    manifest = run_to(recipe, address)
    assert {name: manifest["outputs"][name] for name in DATA} == {name: local["outputs"][name] for name in DATA}
    there = s3.files("runs/lima")
    assert same(there, manifest)
    assert json.loads(there["manifest.json"])["outputs"] == manifest["outputs"]
    assert set(there) - {*manifest["outputs"], *manifest["pages"], "manifest.json"} == {
        ".curate/written.jsonl",
        ".curate/marks.json",
    }


def test_another_machine_replaces_what_a_run_wrote_and_removes_what_it_does_not_write(
    s3: S3, write_recipe: Any
) -> None:
    address = Address(f"s3://{s3.bucket}/runs/lima")
    more = {**RECIPE, "output": {"formats": ["prompt_completion", "alpaca"]}}
    run_to(load(write_recipe(more)), address)
    assert "train.alpaca.jsonl" in s3.files("runs/lima")
    shutil.rmtree("out")
    s3.put("runs/lima/notes.txt", b"mine")
    manifest = run_to(load(write_recipe(RECIPE), seed=9), address)
    there = s3.files("runs/lima")
    assert there.pop("notes.txt") == b"mine"
    assert same(there, manifest)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("notes.txt", r"holds files that curate did not write \(notes.txt\): choose another folder with --out", id="a folder of somebody's"),
        pytest.param("train.jsonl", r"holds files that curate did not write \(train.jsonl\)", id="a file with a name of ours"),
    ],
)  # fmt: skip
def test_a_folder_that_is_somebodys_own_is_refused_before_the_work(
    s3: S3, write_recipe: Any, name: str, message: str
) -> None:
    s3.put(f"runs/lima/{name}", b"mine")
    with pytest.raises(FolderError, match=message) as error:
        run_to(load(write_recipe(RECIPE)), Address(f"s3://{s3.bucket}/runs/lima"))
    assert str(error.value).startswith(f"s3://{s3.bucket}/runs/lima ")
    assert s3.files("runs/lima") == {name: b"mine"}
    assert not Path("out/.stages").exists()


def test_a_file_that_somebody_changed_is_not_overwritten(s3: S3, write_recipe: Any) -> None:
    address, recipe = Address(f"s3://{s3.bucket}/runs/lima"), load(write_recipe(RECIPE))
    run_to(recipe, address)
    own = s3.files("runs/lima")["README.md"]
    s3.put("runs/lima/README.md", b"changed")
    with pytest.raises(FolderError, match=r"s3://\S+/README.md was changed since curate wrote it, and would be lost"):
        run_to(recipe, address)
    s3.put("runs/lima/README.md", own)
    run_to(recipe, address)


@pytest.mark.slow
def test_an_upload_cut_in_the_middle_leaves_no_manifest_and_the_next_run_ends_it(s3: S3, write_recipe: Any) -> None:
    address, recipe = Address(f"s3://{s3.bucket}/runs/lima"), load(write_recipe(RECIPE))
    first = run_to(recipe, address)
    changed = load(write_recipe(RECIPE), seed=9)
    with Wire(s3.url, up=50_000, dead=True) as wire:
        s3.by(wire.url)
        with pytest.raises(FolderError, match=r"s3://\S+ is not written: .*the same command puts it there"):
            run_to(changed, address)
    half = s3.files("runs/lima")
    assert "manifest.json" not in half
    s3.by(s3.url)
    shown = CliRunner().invoke(main, ["show", address])
    assert (shown.exit_code, "the run that writes it did not end; run it again" in shown.output) == (2, True)
    last = run_to(changed, address)
    assert not last["stages"]["built"]
    assert last["outputs"] != first["outputs"]
    assert same(s3.files("runs/lima"), last)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        pytest.param("hf://datasets/org/name", "hf://datasets/org/name cannot be an output folder: --out takes a folder, s3:// or gs://", id="a hub"),
        pytest.param("s3://no-such-bucket/runs", "there is no bucket s3://no-such-bucket; choose another folder with --out", id="no such bucket"),
        pytest.param("ftp://host/runs", "an address begins with s3://, gs:// or hf://", id="another kind of address"),
        pytest.param("s3://user:very-secret@bucket/runs", "an address holds no user, password or key", id="a password"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_written_is_said_before_the_work(
    s3: S3, write_recipe: Any, address: str, message: str
) -> None:
    done = CliRunner().invoke(main, ["run", str(write_recipe(RECIPE)), "--out", address])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert "very-secret" not in done.output
    assert not Path("out/.stages").exists()


def test_commands_read_a_folder_in_a_store(s3: S3, write_recipe: Any) -> None:
    recipe, address = write_recipe(RECIPE), f"s3://{s3.bucket}/runs/lima"
    for out, seed in ((address, "0"), (f"{address}2", "9")):
        done = CliRunner().invoke(main, ["run", str(recipe), "--out", out, "--seed", seed])
        assert done.exit_code == 0, done.output
        assert out in done.output.replace("\n", "")

    def ask(*words: str) -> Any:
        done = CliRunner().invoke(main, [*words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    [row] = ask("show", address, "--rows", "1")
    assert ask("why", address, row["id"])["kept"] is True
    assert {change["change"] for change in ask("diff", address, f"{address}2")} == {"gained", "lost"}
    assert set(ask("verify", address).values()) == {"same"}
    gone = CliRunner().invoke(main, ["show", f"s3://{s3.bucket}/none"])
    assert (gone.exit_code, f"s3://{s3.bucket}/none is not a finished output folder" in gone.output) == (2, True)


def test_a_local_run_reuses_the_stages_of_one_to_a_store(s3: S3, write_recipe: Any) -> None:
    recipe, address = load(write_recipe(RECIPE)), Address(f"s3://{s3.bucket}/runs/lima")
    run_to(recipe, address)
    assert folder_of(address).is_dir()
    assert not run_recipe(recipe, Path("out/lima"))["stages"]["built"]
