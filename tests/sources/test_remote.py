"""Sources in a store: what an address stands for, files that come over a bad wire, and what is said when they do not."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import polars as pl
import pytest

from curate import remote
from curate.address import Address
from curate.cache import home
from curate.recipe.load import load
from curate.recipe.places import RecipeError
from curate.rows import SourceError, SourceMissing
from curate.run.run import run_recipe
from curate.sources import csv, jsonl, natural_instructions, parquet, reddit, stackexchange, wikihow
from curate.sources.remote import parts
from tests.conftest import rows
from tests.stores import KEY, S3, Google, Hub, Wire, s3_server, serve

DATA = ("train.parquet", "train.jsonl", "ledger.parquet")
ODD = [
    "a b.jsonl",
    "50%25+plus.jsonl",
    "Åse ü 漢字.jsonl",
    "x#1.jsonl",
    "what?.jsonl",
    "[x].jsonl",
    "{a,b}.jsonl",
    "a::b.jsonl",
]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in rows(40))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> S3:
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "WAITS", (0.01,) * 2)
    return S3(server, f"bucket-{zlib.crc32(request.node.name.encode())}", monkeypatch)


@pytest.fixture
def run(tmp_path: Path, write_recipe: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    def run(sources: dict[str, Any], out: str = "out", **more: Any) -> dict[str, Any]:
        recipe = {"sources": {name: {"read": read} for name, read in sources.items()}, **more}
        return run_recipe(load(write_recipe(recipe)), tmp_path / out)

    return run


def names(address: str, source: Callable[..., Any] = jsonl) -> list[str]:
    return [part.name for part in parts(source, {"path": Address(address)})]


def leftovers() -> list[Path]:
    place = home() / "remote"
    return list(place.iterdir()) if place.is_dir() else []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("d", ["b.jsonl", "c.jsonl.gz", "sub/a.jsonl"], id="a folder: its files of that kind"),
        pytest.param("d/", ["b.jsonl", "c.jsonl.gz", "sub/a.jsonl"], id="a slash at the end means nothing"),
        pytest.param("d/*.jsonl", ["b.jsonl"], id="a pattern in one folder"),
        pytest.param("d/**/*.jsonl", ["b.jsonl", "sub/a.jsonl"], id="a pattern through folders"),
        pytest.param("*/sub/[ab].jsonl", ["d/sub/a.jsonl"], id="a pattern from the bucket on"),
        pytest.param("d/notes.txt", ["notes.txt"], id="a file is read whatever it ends in"),
    ],
)
def test_an_address_is_a_file_a_folder_or_a_pattern(s3: S3, path: str, expected: list[str]) -> None:
    for name in ("b.jsonl", "c.jsonl.gz", "sub/a.jsonl", "notes.txt", ".hidden.jsonl"):
        s3.put(f"d/{name}", LINES)
    s3.put("other/z.jsonl", LINES)
    assert names(f"s3://{s3.bucket}/{path}") == expected
    assert leftovers() == []


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_names(s3: S3, name: str) -> None:
    address = s3.put(f"d/{name}", LINES)
    s3.put("d/other.jsonl", LINES)
    [part] = parts(jsonl, {"path": Address(address)})
    assert part.name == name
    assert part.origins[0].address == address
    assert sum(batch.rows.height for batch in part.read(7)) == 40
    assert name in names(f"s3://{s3.bucket}/d")


def stackexchange_dump(folder: Path) -> None:
    dump = '<posts><row Id="1" PostTypeId="1" Score="3" Title="How hot?" Body="For tea." Tags="|heat|" /></posts>'
    for site in ("tea.stackexchange.com", "ai.stackexchange.com"):
        (folder / site).mkdir()
        (folder / site / "Posts.xml").write_text(dump)


def reddit_dump(folder: Path) -> None:
    post = {"id": "p", "title": "Why?", "selftext": "", "subreddit": "tea", "score": 3, "created_utc": 1}
    reply = {
        "id": "c",
        "link_id": "t3_p",
        "parent_id": "t3_p",
        "body": "So.",
        "subreddit": "tea",
        "score": 9,
        "created_utc": 2,
    }
    for month in ("2019-01", "2019-02"):
        (folder / f"RS_{month}.jsonl").write_text(json.dumps(post) + "\n")
        (folder / f"RC_{month}.jsonl").write_text(json.dumps(reply) + "\n")


def task_files(folder: Path) -> None:
    task = {"Definition": ["Add."], "Instances": [{"input": "2 + 2", "output": ["4"]}]}
    for kind in ("Input_language", "Output_language"):
        task[kind] = ["English"]
    (folder / "task001_sum.json").write_text(json.dumps(task))


def wikihow_dump(folder: Path) -> None:
    (folder / "all.csv").write_text('headline,title,text\n"Mix.",How to Bake,"Use a bowl."\n')


def tables(folder: Path) -> None:
    frame = pl.DataFrame(rows(30))
    frame.write_parquet(folder / "a.parquet")
    frame.write_csv(folder / "b.csv")
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(LINES))
    (folder / "d.jsonl").write_bytes(LINES + b"{broken\n")


@pytest.mark.parametrize(
    ("source", "make", "more"),
    [
        pytest.param(parquet, tables, {}, id="parquet"),
        pytest.param(csv, tables, {}, id="csv"),
        pytest.param(jsonl, tables, {}, id="jsonl, packed and broken"),
        pytest.param(wikihow, wikihow_dump, {}, id="wikihow"),
        pytest.param(natural_instructions, task_files, {}, id="natural instructions"),
        pytest.param(stackexchange, stackexchange_dump, {"sites": ["tea", "ai"]}, id="stackexchange: a site each"),
        pytest.param(reddit, reddit_dump, {}, id="reddit: parts that share a file"),
    ],
)
def test_every_format_reads_the_same_from_a_store(
    s3: S3, tmp_path: Path, source: Any, make: Any, more: dict[str, Any]
) -> None:
    here = tmp_path / "data"
    here.mkdir()
    make(here)
    for file in filter(Path.is_file, here.rglob("*")):
        s3.put(f"data/{file.relative_to(here).as_posix()}", file.read_bytes())
    base = f"s3://{s3.bucket}/data"
    local, remote_ = source(here, **more), parts(source, {"path": Address(base), **more})
    assert [part.name for part in remote_] == [part.name for part in local]
    for there, part in zip(remote_, local, strict=True):
        assert {origin.address for origin in there.origins} == {
            f"{base}/{file.relative_to(here).as_posix()}" for file in part.files
        }
        on_another_machine = cloudpickle.loads(cloudpickle.dumps(there))
        for a, b in zip(on_another_machine.read(7), part.read(7), strict=True):
            assert a.rows.equals(b.rows)
            assert [bad.file for bad in a.bad] == [bad.file.replace(str(here), base) for bad in b.bad]
    assert leftovers() == []


def test_a_set_from_a_store_is_the_set_from_the_disk_and_nothing_is_fetched_twice(
    s3: S3, tmp_path: Path, run: Any
) -> None:
    (tmp_path / "d").mkdir()
    for i in range(3):
        content = b"".join(json.dumps(row).encode() + b"\n" for row in rows(200, license=f"l{i}"))
        (tmp_path / f"d/{i}.jsonl").write_bytes(content)
        address = s3.put(f"d/{i}.jsonl", content)
    more = {"size": 20, "steps": [{"select": {"exact_duplicates": {"column": "prompt"}}}]}
    local = run({"a": {"jsonl": {"path": str(tmp_path / "d")}}}, "local/out", **more)
    with Wire(s3.url) as wire:
        s3.by(wire.url)
        from_store = run({"a": {"jsonl": {"path": f"s3://{s3.bucket}/d"}}}, **more)
        assert {n: from_store["outputs"][n] for n in DATA} == {n: local["outputs"][n] for n in DATA}
        assert [i["file"] for i in from_store["inputs"]] == [f"s3://{s3.bucket}/d/{i}.jsonl" for i in range(3)]
        assert all(i["mark"] for i in from_store["inputs"])
        before = wire.bytes["down"]
        again = run({"a": {"jsonl": {"path": f"s3://{s3.bucket}/d/*.jsonl"}}}, **more)
        assert not again["stages"]["built"]
        assert wire.bytes["down"] - before < 6_000 < len(content)  # a listing, and no file
        s3.put("d/2.jsonl", content + LINES)
        changed = run({"a": {"jsonl": {"path": f"s3://{s3.bucket}/d"}}}, **more)
        assert changed["stages"]["built"][0] == "a: 2.jsonl"
        assert {"a: 0.jsonl", "a: 1.jsonl"} <= set(changed["stages"]["reused"])
    assert address.endswith("2.jsonl")
    assert leftovers() == []


def big() -> bytes:
    drawn = random.Random(1)
    return b"".join(
        json.dumps({"prompt": f"{i} {drawn.random()}", "response": "r" * 400}).encode() + b"\n" for i in range(5_000)
    )


@pytest.mark.slow
def test_a_wire_that_drops_again_and_again_gives_the_same_bytes(s3: S3, tmp_path: Path) -> None:
    address = s3.put("big.jsonl", big())
    with Wire(s3.url, down=400_000, drops=20) as wire:
        s3.by(wire.url)
        origin = remote.info(Address(address))
        remote.fetch(origin, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == big()
        assert wire.drops > 5
        # What had come was not asked for again: each drop costs no more than it broke off.
        assert wire.bytes["down"] < len(big()) + (wire.drops + 1) * 400_000


@pytest.mark.slow
def test_a_wire_that_is_dead_ends_its_own_source_in_one_sentence(s3: S3, tmp_path: Path, run: Any) -> None:
    (tmp_path / "one.jsonl").write_bytes(LINES)
    address = s3.put("big.jsonl", big())
    read = {"one": {"jsonl": {"path": str(tmp_path / "one.jsonl")}}, "two": {"jsonl": {"path": address}}}
    s3.patch.setattr(remote, "PATIENCE", 10.0)
    with Wire(s3.url, down=400_000, dead=True) as wire:
        s3.by(wire.url)
        with pytest.raises(
            SourceError, match=r"source 'two': s3://\S+/big.jsonl broke off after 0 of 2,\d{3},\d{3} bytes"
        ):
            run(read)
    assert leftovers() == []
    s3.by(s3.url)
    manifest = run(read)
    assert manifest["stages"]["reused"] == ["one: one.jsonl"]
    assert manifest["counts"]["two"]["read"] == 5_000


def test_a_file_that_changes_while_it_is_read_is_said(s3: S3, run: Any) -> None:
    address = s3.put("a.jsonl", LINES)
    [part] = parts(jsonl, {"path": Address(address)})
    s3.put("a.jsonl", LINES[::-1])
    with pytest.raises(SourceError, match="was changed while it was read: run the same command again"):
        list(part.read(10))
    s3.fs.rm_file(address.removeprefix("s3://"))
    with pytest.raises(SourceMissing, match="there is nothing at s3://"):
        list(part.read(10))
    assert leftovers() == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("s3://{b}/none.jsonl", "there is nothing at s3://{b}/none.jsonl", id="no such file"),
        pytest.param("s3://{b}/none*.jsonl", "no file matches s3://{b}/none*.jsonl", id="a pattern that nothing matches"),
        pytest.param("s3://no-such-bucket/a.jsonl", "there is no bucket s3://no-such-bucket", id="no such bucket"),
        pytest.param("s3://{b}/d", "the folder s3://{b}/d holds no file ending in .jsonl", id="a folder of other files"),
        pytest.param("s3://{b}/d/a.txt", "s3://{b}/d/a.txt has no column 'prompt'; it has: foo", id="a reader's own sentence"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_by_its_address(s3: S3, run: Any, path: str, message: str) -> None:
    s3.put("d/a.txt", b'{"foo": 1}\n')
    with pytest.raises(SourceError) as error:
        run({"a": {"jsonl": {"path": path.format(b=s3.bucket)}}})
    assert message.format(b=s3.bucket) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_source_that_is_not_there_may_be_optional(s3: S3, tmp_path: Path, write_recipe: Any) -> None:
    here, gone = s3.put("a.jsonl", LINES), f"s3://{s3.bucket}/gone.jsonl"
    sources = {"a": {"read": {"jsonl": {"path": here}}}, "b": {"read": {"jsonl": {"path": gone}}, "optional": True}}
    assert run_recipe(load(write_recipe({"sources": sources})), tmp_path / "out")["absent"] == {
        "b": f"there is nothing at {gone}"
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(PermissionError("Access Denied"), "the credentials here give no right to s3://", id="no right"),
        pytest.param(type("NoCredentialsError", (Exception,), {})("Unable"), "there are no credentials for s3://", id="no credentials"),
        pytest.param(ConnectionError(f"http://me:pw@host/?key={KEY}"), "http://…@host/?key=…", id="secrets in a library's message"),
    ],
)  # fmt: skip
def test_what_a_library_raises_is_one_sentence_without_secrets(error: Exception, message: str) -> None:
    said = str(remote._in_words(error, Address("s3://b/k"), "was not answered for"))
    assert message in said
    assert KEY not in said


@pytest.mark.slow
def test_a_host_that_is_not_there_is_said_within_seconds(s3: S3, run: Any) -> None:
    s3.by("http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"was not answered for: .*look at the network and the endpoint"):
        run({"a": {"jsonl": {"path": f"s3://{s3.bucket}/a.jsonl"}}})
    assert time.monotonic() - start < 25


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("https://host/a.jsonl", "an address begins with s3://, gs:// or hf://", id="another kind of address"),
        pytest.param("s3://bucket/../a.jsonl", "no part of an address is empty, '.' or '..'", id="a way up"),
        pytest.param("s3://user:very-secret@bucket/a.jsonl", "holds a secret, a user or password in an address", id="a password"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_a_problem_of_the_recipe(write_recipe: Any, path: str, message: str) -> None:
    with pytest.raises(RecipeError, match=r"sources\.a\.read\.jsonl\.path") as error:
        load(write_recipe({"sources": {"a": {"read": {"jsonl": {"path": path}}}}}))
    assert message in str(error.value)
    assert "very-secret" not in str(error.value)


def test_a_source_of_ones_own_is_not_shown_empty_files(write_recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from pathlib import Path\n\ndef read(path: Path):\n    return []\n")
    with pytest.raises(RecipeError, match="a source of your own reads files on this disk"):
        load(write_recipe({"sources": {"a": {"read": {"mine:read": {"path": "s3://b/k"}}}}}))


def test_names_that_no_disk_can_have_are_said(s3: S3) -> None:
    s3.put("d/a/../../b.jsonl", LINES)
    with pytest.raises(SourceError, match=r"holds 'a/../../b.jsonl', a name that no file on a disk can have"):
        names(f"s3://{s3.bucket}/d")


def test_a_store_without_marks_is_marked_by_content(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    address = s3.put("a.jsonl", LINES)
    monkeypatch.setattr(remote, "_MARKS", ())
    [part] = parts(jsonl, {"path": Address(address)})
    assert part.origins[0].mark.startswith("sha256:")
    assert sum(batch.rows.height for batch in part.read(100)) == 40
    s3.put("a.jsonl", LINES[::-1])
    with pytest.raises(SourceError, match="was changed"):
        list(part.read(10))


def test_a_disk_without_room_is_said(s3: S3, run: Any) -> None:
    address = s3.put("a.jsonl", LINES)
    [part] = parts(jsonl, {"path": Address(address)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(
            SourceError, match=r"s3://\S+, of \d,\d+ bytes, cannot be held in .* \(File too large\): make room"
        ):
            list(part.read(10))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert leftovers() == []


def test_no_key_is_written_down(s3: S3, tmp_path: Path, run: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "curate")
    run({"a": {"jsonl": {"path": s3.put("a.jsonl", LINES)}}})
    assert "is fetched" in caplog.text
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not [one for one in [*written, caplog.text.encode()] if KEY.encode() in one or b"very-secret" in one]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "base", "own"),
    [
        pytest.param(Google, "gs://bucket/d", {"FSSPEC_GS": '{"token": "anon"}', "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}, id="gs"),
        pytest.param(Hub, "hf://datasets/org/name/d", {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}, id="hf"),
    ],
)  # fmt: skip
def test_other_stores_speak_as_theirs_do(store: Any, base: str, own: dict[str, str], tmp_path: Path, run: Any) -> None:
    files = {f"d/{name}": LINES + name.encode() + b"\n" for name in ("a b.jsonl", "sub/50%25+#ü.jsonl")}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    local = run({"a": {"jsonl": {"path": str(tmp_path / "d")}}}, max_bad=0.5)
    recipe = {"name": "test", "max_bad": 0.5, "sources": {"a": {"read": {"jsonl": {"path": base}}}}}
    (tmp_path / "there.yaml").write_text(json.dumps(recipe))
    with serve(store, files) as (url, asked):
        env = {
            **os.environ,
            "CURATE_CACHE": str(tmp_path / "cache"),
            "STORAGE_EMULATOR_HOST": url,
            "HF_ENDPOINT": url,
            **own,
        }
        out = "gs://bucket/runs/lima" if store is Google else "out"

        def curate(recipe: str = "there.yaml") -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "curate", "run", recipe, "--json", "--out", out]
            return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

        done = curate()
        assert (done.returncode, done.stderr) == (0, "")
        manifest = json.loads(done.stdout)
        assert {name: manifest["outputs"][name] for name in DATA} == {name: local["outputs"][name] for name in DATA}
        assert {i["file"] for i in manifest["inputs"]} == {f"{base}/a b.jsonl", f"{base}/sub/50%25+#ü.jsonl"}
        if store is Google:
            assert files["runs/lima/train.jsonl"] == (tmp_path / "out/train.jsonl").read_bytes()
            assert json.loads(files["runs/lima/manifest.json"])["outputs"] == manifest["outputs"]
        asked.clear()
        assert not json.loads(curate().stdout)["stages"]["built"]
        assert not [question for question in asked if "a%20b.jsonl?alt=media" in question or "resolve" in question]
        (tmp_path / "gone.yaml").write_text(json.dumps(recipe).replace(base, f"{base[:-1]}gone"))
        assert f"there is nothing at {base[:-1]}gone" in curate("gone.yaml").stderr
