"""An ablation's folder is its own: what somebody else put there is neither overwritten nor removed."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from curate.ablate.ablation import AblateError, carry_out
from curate.ablate.plan import plan
from curate.ablate.reading import load
from curate.cli import main
from curate.folders import HOME, FolderError
from tests.test_folders import FOREIGN, fill, tree

pytestmark = pytest.mark.slow


@pytest.fixture
def carry(given, write, tmp_path, runner, runs):
    """Carry an ablation out, with a stand-in for each node's work; tell how many pieces of work ran."""

    def work(**more) -> int:
        before = len(runs()) if (tmp_path / "out" / "ablation.json").exists() else 0
        carry_out(plan(load(write(given))), tmp_path / "out", runner=runner, **more)
        return len(runs()) - before

    return work


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_not_ours_stays_as_it_is(make, fresh, given, write, tmp_path, runner):
    written = write(given)
    make(tmp_path / "out")
    before = tree(tmp_path)
    with pytest.raises(FolderError, match="out"):
        carry_out(plan(load(written)), tmp_path / "out", runner=runner, fresh=fresh)
    assert tree(tmp_path) == before


def ablation_of_another_tool(folder):
    fill(folder, "report.html", "grades.jsonl")
    (folder / "ablation.json").write_text(json.dumps({"mine": 1}))


def test_the_numbers_of_a_folder_that_is_not_ours_are_not_computed(tmp_path):
    ablation_of_another_tool(tmp_path / "out")
    before = tree(tmp_path)
    done = CliRunner().invoke(main, ["ablate", str(tmp_path / "out")])
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit)
    assert tree(tmp_path) == before


@pytest.mark.slow
def test_own_results_beside_an_ablation_are_not_written_over(carry, tmp_path):
    carry()
    out = tmp_path / "out"
    (out / "report.html").unlink()
    fill(out, "report.html")
    before = tree(out)
    done = CliRunner().invoke(main, ["ablate", str(out)])
    assert done.exit_code == 2 and "report.html was changed since curate wrote it" in done.stderr
    assert tree(out) == before


@pytest.mark.slow
def test_what_somebody_changed_is_kept(carry, tmp_path):
    carry()
    for name in ("ablation.json", "results.json", "report.html", "grades.jsonl"):
        file = tmp_path / "out" / name
        text = file.read_text()
        file.write_text(text + "\n")
        before = tree(tmp_path / "out")
        for fresh in (False, True):
            with pytest.raises(FolderError, match=f"{name} was changed since curate wrote it, and would be lost"):
                carry(fresh=fresh)
        assert tree(tmp_path / "out") == before
        file.write_text(text)


@pytest.mark.slow
def test_own_notes_beside_stay_and_an_older_folder_goes_on(carry, tmp_path):
    carry()
    fill(tmp_path / "out", "notes.txt")
    assert carry() == 1, "only the grades, as ever"
    shutil.rmtree(tmp_path / "out" / HOME)
    assert carry() == 1
    assert carry(fresh=True) > 1
    assert (tmp_path / "out/notes.txt").is_file()


@pytest.mark.slow
def test_own_files_among_the_nodes_are_not_removed_by_fresh(carry, tmp_path):
    carry()
    out = tmp_path / "out"
    for node in (out / "sets/mine", next((out / "answers").glob("[!.]*"))):
        fill(node, "notes.txt")
        before = tree(node)
        with pytest.raises(AblateError, match="was not written by curate, and --fresh would remove it"):
            carry(fresh=True)
        assert tree(node) == before
        (node / "notes.txt").unlink()
        if node.name == "mine":
            node.rmdir()
    assert carry() == 1
