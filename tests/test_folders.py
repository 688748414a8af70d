"""A folder is written to only if it is empty or ours, and what somebody changed there is not lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from curate.cli import main
from curate.errors import UserError
from curate.folders import HOME, FolderError, claim, clear, hold, put_alone, put_text, read, seal, strangers, written
from curate.recipe.load import load
from curate.run import outputs
from curate.run.run import run_recipe
from tests.conftest import rows

pytestmark = pytest.mark.slow

LOG = f"{HOME}/written.jsonl"


def tree(folder: Path) -> dict[str, str]:
    """Say of everything below a folder what it is, to the byte."""
    listing = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            listing[str(path)] = f"link to {path.readlink()}"
        else:
            listing[str(path)] = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
    return listing


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"my own {name}")


def page_of_a_site(folder: Path) -> None:
    fill(folder, "README.md", "report.html", "train.jsonl", "grades.jsonl", "vote.html")


def other_trainer(folder: Path) -> None:
    fill(folder, "checkpoints/checkpoint-3/model.safetensors", "merged/config.json", "plots/loss.svg", "record.json")


def extension(folder: Path) -> None:
    fill(folder, "icon.png")
    (folder / "manifest.json").write_text(json.dumps({"manifest_version": 3, "name": "mine", "outputs": {}}))


def linked(folder: Path) -> None:
    fill(folder.parent, "elsewhere/train.jsonl")
    folder.mkdir()
    (folder / "train.jsonl").symlink_to(folder.parent / "elsewhere/train.jsonl")


def nowhere(folder: Path) -> None:
    folder.symlink_to(folder.parent / "gone")


def marked_by_a_link(folder: Path) -> None:
    fill(folder.parent, "elsewhere/written.jsonl")
    folder.mkdir()
    (folder / HOME).symlink_to(folder.parent / "elsewhere")


FOREIGN = [
    pytest.param(page_of_a_site, id="own README.md, report.html, train.jsonl"),
    pytest.param(other_trainer, id="own checkpoints, merged, plots"),
    pytest.param(extension, id="a manifest.json of another tool"),
    pytest.param(linked, id="only a link"),
    pytest.param(nowhere, id="a link that leads nowhere"),
    pytest.param(lambda folder: folder.write_text("a file"), id="a file"),
    pytest.param(marked_by_a_link, id="the log's folder is a link"),
    pytest.param(lambda folder: fill(folder, f"{HOME}/other", "notes.txt"), id="an empty mark beside own notes"),
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_jsonl: Any, write_recipe: Any) -> Path:
    """What the commands read: a recipe, answers of two models, pairs, and a finished run in `done`."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    write_jsonl("mine.jsonl", rows(30))
    write_jsonl("config.jsonl", [])
    (tmp_path / "sft.yaml").write_text("model: no/model\ndata: mine.jsonl\n")
    recipe = write_recipe({"sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}}}})
    run_recipe(load(recipe), tmp_path / "done")
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        said = [{"id": str(i), "prompt": f"{i}?", "response": f"{name} says {i}."} for i in range(4)]
        write_jsonl(f"{name}.jsonl", [{**row, "sample": 0, "model": name} for row in said])
    return tmp_path


COMMANDS = [
    pytest.param(["run", "recipe.yaml", "--out", "theirs"], id="run"),
    pytest.param(["export", "done", "--format", "dataset", "--to", "theirs"], id="export dataset"),
    pytest.param(["export", "done", "--format", "axolotl", "--to", "theirs"], id="export axolotl"),
    pytest.param(["export", "done", "--format", "llamafactory", "--to", "theirs"], id="export llamafactory"),
    pytest.param(["judge", "a.jsonl", "--judge", "rules", "--out", "theirs"], id="judge"),
    pytest.param(["answer", "no/model", "--prompts", "mine.jsonl", "--out", "theirs"], id="answer"),
    pytest.param(["bench-model", "no/model", "--tasks", "bread", "--out", "theirs"], id="bench-model"),
]


def refused(*arguments: str) -> str:
    """Run a command that is refused: exit code 2, one sentence."""
    done = CliRunner().invoke(main, arguments)
    assert isinstance(done.exception, SystemExit), done.exception or done.output
    assert done.exit_code == 2, done.output
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("Usage:"), done.stderr
    return lines[-1]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", FOREIGN)
def test_a_folder_that_is_not_ours_stays_as_it_is(command, make, files, monkeypatch):
    if command[0] == "bench-model":
        module = import_module("curate.evaluate.bench.bench")  # lm-eval and a model are looked for before
        monkeypatch.setattr(module, "versions", lambda backend: {})
        monkeypatch.setattr(module, "find", lambda name: None)
    make(files / "theirs")
    before = tree(files)
    message = refused(*command)
    assert "theirs" in message and ("--out" in message or "--to" in message)
    assert tree(files) == before


@pytest.mark.parametrize("out", [".", "..", "mine.jsonl/out", "~", "~/out"])
def test_a_place_that_cannot_be_meant_is_refused(out, files, monkeypatch):
    (files / "project").mkdir()
    fill(files / "project", "README.md")
    (files / "project/mine.jsonl").write_bytes((files / "mine.jsonl").read_bytes())
    monkeypatch.chdir(files / "project")
    before = tree(files)
    refused("run", "../recipe.yaml", "--out", out)
    assert tree(files) == before


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([], id="an empty folder"),
        pytest.param([".git/config", ".gitignore"], id="a new repository"),
        pytest.param([".DS_Store", "Thumbs.db", "desktop.ini"], id="what systems leave"),
        pytest.param([".README.md.swp", ".train.jsonl.backup"], id="hidden files with names like ours"),
    ],
)
def test_a_folder_with_nothing_to_see_is_taken_and_what_hides_there_stays(names, files):
    (files / "theirs").mkdir()
    fill(files / "theirs", *names)
    before = tree(files / "theirs")
    for _ in range(2):
        run_recipe(load(files / "recipe.yaml"), files / "theirs")
    assert before.items() <= tree(files / "theirs").items()


def test_a_link_to_a_folder_is_that_folder(files):
    (files / "disk").mkdir()
    (files / "out").symlink_to(files / "disk")
    for _ in range(2):
        run_recipe(load(files / "recipe.yaml"), files / "out")
    assert (files / "disk/manifest.json").is_file() and (files / "out").is_symlink()


# What a person does in a folder of ours, and what the next run would lose by it.
def changed(out: Path) -> Path:
    with (out / "README.md").open("a") as file:
        file.write("My own words.\n")
    return out / "README.md"


def cut(out: Path) -> Path:
    (out / "train.jsonl").write_text((out / "train.jsonl").read_text()[:100])
    return out / "train.jsonl"


def own(out: Path) -> Path:
    fill(out, "train.alpaca.jsonl")
    return out / "train.alpaca.jsonl"


def link(out: Path) -> Path:
    (out / "train.parquet").rename(out.parent / "moved.parquet")
    (out / "train.parquet").symlink_to(out.parent / "moved.parquet")
    return out / "train.parquet"


def folder(out: Path) -> Path:
    (out / "report.html").unlink()
    fill(out, "report.html/draft.txt")
    return out / "report.html"


def dev(out: Path) -> Path:
    (out / "dev.jsonl").write_text("my own prompts")
    return out / "dev.jsonl"


@pytest.mark.parametrize("older", [pytest.param(False, id="new"), pytest.param(True, id="older")])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(changed, "was changed since curate wrote it", id="words added to the card"),
        pytest.param(cut, "was changed since curate wrote it", id="rows taken out by hand"),
        pytest.param(own, "was not written by curate", id="an own file under a name that is to come"),
        pytest.param(link, "is a link that curate did not make", id="moved, and a link left"),
        pytest.param(folder, "was not written by curate", id="a folder in place of a file"),
        pytest.param(dev, "was changed since curate wrote it", id="changed, and the new run has none"),
    ],
)
def test_what_somebody_changed_in_our_folder_is_refused_and_kept(change, reason, older, files, write_recipe):
    recipe = {"sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}}}}
    prompts = {"jsonl": {"path": "mine.jsonl"}}
    run_recipe(load(write_recipe({**recipe, "output": {"dev": prompts}})), files / "out")
    if older:
        as_before(files / "out")
    place = change(files / "out")
    write_recipe({**recipe, "output": {"formats": ["prompt_completion", "alpaca"]}})
    before = tree(files)
    message = refused("run", "recipe.yaml", "--out", "out")
    assert (
        message
        == f"{place.relative_to(files)} {reason}, and would be lost: move it away, or choose another folder with --out"
    )
    assert tree(files) == before


def as_before(out: Path) -> None:
    """Make a folder what the version before this one left: no log, all hashes in the manifest."""
    shutil.rmtree(out / HOME)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["outputs"] |= manifest.pop("pages")
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def test_an_older_folder_is_ours_and_its_report_may_have_been_drawn_again(files):
    manifest = run_recipe(load(files / "recipe.yaml"), files / "out")
    as_before(files / "out")
    (files / "out/report.html").write_text("drawn by another version")
    fill(files / "out", "notes.txt")
    assert run_recipe(load(files / "recipe.yaml"), files / "out")["outputs"] == manifest["outputs"]
    assert (files / "out/notes.txt").read_text() == "my own notes.txt"
    assert CliRunner().invoke(main, ["report", "out"]).exit_code == 0
    run_recipe(load(files / "recipe.yaml"), files / "out")


def test_what_an_earlier_run_wrote_and_this_one_does_not_goes(files, write_recipe):
    recipe = {"sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}}}}
    more = {"output": {"formats": ["messages", "alpaca"], "dev": {"jsonl": {"path": "mine.jsonl"}}}}
    run_recipe(load(write_recipe({**recipe, **more})), files / "out")
    fill(files / "out", "notes.txt", "dev.txt")
    assert {"dev.parquet", "dev.jsonl", "train.alpaca.jsonl"} <= names_in(files / "out")
    manifest = run_recipe(load(write_recipe(recipe)), files / "out")
    listed = {*manifest["outputs"], *manifest["pages"], "manifest.json", HOME, "notes.txt", "dev.txt"}
    assert names_in(files / "out") == listed


STEPS = ["_parquet", "together", "manifest_of", "report", "card"]


@pytest.mark.parametrize("step", STEPS)
def test_a_first_run_that_was_stopped_goes_on_and_own_files_beside_it_stay(step, files, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(outputs, step, lambda *_: pytest.fail("stopped here"))
        with pytest.raises(pytest.fail.Exception):
            run_recipe(load(files / "recipe.yaml"), files / "out")
    assert not (files / "out/manifest.json").exists()
    fill(files / "out", "notes.txt")
    (files / "out" / LOG).write_text((files / "out" / LOG).read_text() + '\n{"by": "run", "na')
    run_recipe(load(files / "recipe.yaml"), files / "out")
    assert (files / "out/notes.txt").read_text() == "my own notes.txt"
    assert CliRunner().invoke(main, ["verify", "out"]).exit_code == 0


def test_a_file_that_comes_during_a_run_is_not_lost(files, monkeypatch):
    from curate.run import outputs

    def card(*given: Any) -> str:
        fill(files / "out", "README.md")
        return "ours"

    monkeypatch.setattr(outputs, "card", card)
    with pytest.raises(FolderError, match=r"README\.md was not written by curate, and would be lost: move it away"):
        run_recipe(load(files / "recipe.yaml"), files / "out")
    assert (files / "out/README.md").read_text() == "my own README.md"


def test_another_name_of_our_file_keeps_its_bytes(files, write_recipe):
    run_recipe(load(files / "recipe.yaml"), files / "out")
    os.link(files / "out/train.jsonl", files / "kept.jsonl")
    before = (files / "kept.jsonl").read_bytes()
    run_recipe(load(files / "recipe.yaml", ("size=3",)), files / "out")
    assert (files / "kept.jsonl").read_bytes() == before != (files / "out/train.jsonl").read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"by": "run", "name": "../mine.jsonl"}, id="beside the folder"),
        pytest.param({"by": "run", "name": "/etc/hostname"}, id="an absolute path"),
        pytest.param({"by": "run", "name": "../"}, id="the folder above, as a tree"),
        pytest.param({"by": "run", "name": "a\x00b"}, id="a name that no file has"),
        pytest.param({"by": "run", "name": "\ud800"}, id="half a character"),
        pytest.param({"by": "run", "name": "linked/mine.jsonl"}, id="behind a link"),
        pytest.param({"by": 3, "name": ["x"]}, id="no names at all"),
        pytest.param([[]], id="no object"),
    ],
)
def test_a_log_that_a_stranger_wrote_leads_nowhere(line, files):
    run_recipe(load(files / "recipe.yaml"), files / "out")
    (files / "out/linked").symlink_to(files)
    with (files / "out" / LOG).open("a") as log:
        log.write(f"\n{json.dumps(line)}\n" + "[" * 100_000)
    before = {name: what for name, what in tree(files).items() if not name.startswith(str(files / "out"))}
    try:
        run_recipe(load(files / "recipe.yaml"), files / "out")
    except FolderError as error:
        assert "lies behind a link" in str(error)
    assert before.items() <= tree(files).items()


def test_the_manifest_is_written_once_and_last(files, monkeypatch):
    order: list[str] = []
    replace = Path.replace

    def noted(self: Path, to: Path) -> Path:
        order.append(Path(to).name)
        return replace(self, to)

    monkeypatch.setattr(Path, "replace", noted)
    run_recipe(load(files / "recipe.yaml"), files / "out")
    in_folder = [name for name in order if (files / "out" / name).exists()]
    assert in_folder.count("manifest.json") == 1 and in_folder[-1] == "manifest.json"
    assert len(in_folder) == len(set(in_folder)) == 9


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        pytest.param(["export", "done", "--format", "messages", "--to", "mine.txt"], "mine.txt", id="export"),
        pytest.param(["export", "done", "--format", "alpaca"], "done/train.alpaca.jsonl", id="export by default"),
        pytest.param(
            ["export", "done", "--format", "alpaca", "--to", "done/notes"], "done/notes", id="export into OUT"
        ),
        pytest.param(["vote", "make", "a.jsonl", "b.jsonl", "--out", "v.html"], "v.html", id="the page of a vote"),
        pytest.param(["vote", "make", "a.jsonl", "b.jsonl", "--out", "v.html"], "v.key.json", id="the key of a vote"),
        pytest.param(["shortcuts", "pairs.jsonl", "--html", "page.html"], "page.html", id="shortcuts"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_file_that_stands_by_itself_is_not_overwritten(arguments, file, kind, files, write_jsonl):
    write_jsonl("pairs.jsonl", [{"prompt": f"{i}?", "chosen": f"Yes, {i}.", "rejected": "No."} for i in range(8)])
    place = files / file
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(files / "nowhere")
    before = tree(files)
    assert file in refused(*arguments)
    assert tree(files) == before
    place.rmdir() if kind == "folder" else place.unlink()
    for _ in range(2):  # the same bytes again are no question
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output


def test_the_key_of_another_vote_is_kept(files):
    make = ["vote", "make", "a.jsonl", "b.jsonl", "--out", "v.html"]
    assert CliRunner().invoke(main, make).exit_code == 0
    before = tree(files)
    assert refused(*make, "--seed", "1").startswith("v.html exists, with another content, and would be lost")
    (files / "v.html").unlink()
    assert refused(*make, "--seed", "1").startswith("v.key.json exists, with another content, and would be lost")
    assert tree(files).items() == {k: v for k, v in before.items() if not k.endswith("v.html")}.items()


@pytest.mark.parametrize("format_", ["alpaca", "dataset", "axolotl", "llamafactory"])
def test_an_export_is_made_again_unless_somebody_changed_it(format_, files):
    export = ["export", "done", "--format", format_]
    for size in ("20", "5"):
        run_recipe(load(files / "recipe.yaml", (f"size={size}",)), files / "done")
        done = CliRunner().invoke(main, export)
        assert done.exit_code == 0, done.output
    name = {"alpaca": "train.alpaca.jsonl", "dataset": "dataset/state.json", "axolotl": "axolotl/axolotl.yaml"}
    file = files / "done" / name.get(format_, "llamafactory/llamafactory.yaml")
    with file.open("a") as more:
        more.write("\n")
    run_recipe(load(files / "recipe.yaml", ("size=7",)), files / "done")
    before = tree(files)
    assert "was changed since curate wrote it" in refused(*export)
    assert tree(files) == before


def test_an_export_does_not_take_the_place_of_the_set(files):
    before = tree(files)
    message = refused("export", "done", "--format", "alpaca", "--to", "done/train.jsonl")
    assert "done/train.jsonl was written by `curate run`" in message
    assert "done/train.jsonl was written by `curate run`" in refused(
        "export", "done", "--format", "axolotl", "--to", "done"
    )
    assert tree(files) == before


@pytest.mark.parametrize(("command", "name"), [("judge", "grades.jsonl"), ("answer", "answers.jsonl")])
def test_answers_and_grades_are_written_again_unless_changed(command, name, tmp_path):
    claim(tmp_path / "out", command, [name])
    for text in ("one", "two"):
        put_text(tmp_path / "out", command, name, text)
        claim(tmp_path / "out", command, [name])
    (tmp_path / "out" / name).write_text("by hand")
    with pytest.raises(FolderError, match="was changed since"):
        claim(tmp_path / "out", command, [name])


# The functions by themselves.


def test_a_tree_is_ours_while_it_is_held_and_file_by_file_once_sealed(tmp_path):
    claim(tmp_path, "train", ["merged/"])
    clear(tmp_path, "train", ["merged/"])
    fill(tmp_path, "merged/model.bin", "merged/deep/part")
    claim(tmp_path, "train", ["merged/"])
    seal(tmp_path, "train", ["merged/"])
    claim(tmp_path, "train", ["merged/"])
    assert strangers(tmp_path) == set() and written(tmp_path, "train") == {"merged/model.bin", "merged/deep/part"}
    fill(tmp_path, "merged/deep/notes.txt")
    assert strangers(tmp_path) == {"merged/deep/notes.txt"}
    before = tree(tmp_path)
    for refuse in (claim, clear):
        with pytest.raises(FolderError, match=r"merged/deep/notes.txt was not written by curate, and would be lost"):
            refuse(tmp_path, "train", ["merged/"])
    assert tree(tmp_path) == before
    (tmp_path / "merged/deep/notes.txt").unlink()
    clear(tmp_path, "train", ["merged/"])
    assert not (tmp_path / "merged").exists()


def test_the_end_of_a_large_file_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.folders._WHOLE", 10)
    claim(tmp_path, "train")
    hold(tmp_path, "train", ["merged/"])
    fill(tmp_path, "merged/model.bin")
    monkeypatch.setattr("curate.folders._END", 4)
    seal(tmp_path, "train", ["merged/"])
    claim(tmp_path, "train", ["merged/"])
    (tmp_path / "merged/model.bin").write_text("my own merged/model.bi!")
    with pytest.raises(FolderError, match="was changed"):
        claim(tmp_path, "train", ["merged/"])


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    def denied(self: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(FolderError, match="out cannot be written: Permission denied; choose another folder with --out"):
        claim(tmp_path / "out", "run")


def test_the_log_of_two_at_once_holds_what_both_wrote(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    claim(tmp_path, "judge")

    def write(i: int) -> None:
        put_text(tmp_path, "judge", f"{i}.txt", str(i))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    assert written(tmp_path, "judge") == {f"{i}.txt" for i in range(64)}


def test_nothing_is_ours_where_nothing_was_written(tmp_path):
    assert read(tmp_path) is None and read(tmp_path / "gone") is None
    with pytest.raises(UserError, match="holds files that curate did not write"):
        fill(tmp_path, "a", "b", "c", "d")
        put_text(tmp_path, "run", "train.jsonl", "")
    put_alone(tmp_path / "e", "text", by="export", option="--to")
    assert not (tmp_path / HOME).exists()
