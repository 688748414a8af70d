"""Bad input, each with one clear screen of what, where and what would be right, and nothing else lost."""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from curate.cli import main
from tests.conftest import ROOT, rows

GOOD = 200
STEPS = [{"keep": {"length": {"min": 10}}}]
NOBODY = 65534


def recipe(steps=STEPS, read=None, **more):
    source = {"read": read or {"jsonl": {"path": "one.jsonl"}}, "steps": steps}
    return {"name": "test", "sources": {"one": source}} | more


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # a recipe's folder joins it for the user's own functions
    write_jsonl("one.jsonl", rows(GOOD))
    write_recipe(recipe())
    return tmp_path


def call(*args):
    return CliRunner().invoke(main, ["run", "recipe.yaml", *map(str, args)])


def done(*args):
    """Run to the end; give the manifest."""
    result = call(*args, "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def refused(*args):
    """Run into an error that the user can mend; give what the screen says."""
    result = call(*args)
    assert result.exit_code == 2, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    assert 0 < sum(math.ceil(max(len(line), 1) / 80) for line in result.output.splitlines()) < 24, result.output
    return result.output


def quarantine(out="out/test"):
    return [json.loads(line) for line in (Path(out) / "quarantine.jsonl").read_text("utf-8").splitlines()]


# One bad record among many: quarantined with its place and reason, and every other row is as it was.


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param(b'{"prompt": "a \xff b", "response": "c"}', "not UTF-8: byte 0xff", id="broken UTF-8"),
        pytest.param(
            b'{"prompt": 5, "response": "c"}', "prompt: expected text, got the number 5", id="a number for text"
        ),
        pytest.param(b'{"prompt": "a", "response": "b', "not JSON", id="a line cut short"),
        pytest.param(b'["prompt", "response"]', "object", id="a list for an object"),
        pytest.param(
            b'{"prompt": "a", "response": "b", "score": "many"}', "score: expected a number", id="a text for a number"
        ),
        pytest.param(b'{"prompt": "\\ud800", "response": "b"}', "surrogate", id="half a surrogate pair"),
        pytest.param(b"\0" * 8, "not JSON", id="zero bytes of a file system's crash"),
    ],
)
def test_a_bad_record_is_quarantined_and_costs_no_other(there, line, error):
    whole = pl.read_parquet(Path("out/whole") / "train.parquet") if done("--out", "out/whole") else None
    text = Path("one.jsonl").read_bytes().splitlines(keepends=True)
    Path("one.jsonl").write_bytes(b"".join([*text[:7], line + b"\n", *text[7:]]))
    assert done()["counts"]["one"] == {
        "read": GOOD,
        "kept": whole.height,
        "dropped": GOOD - whole.height,
        "quarantined": 1,
    }
    [bad] = quarantine()
    assert bad["where"] == "line 8"
    assert error in bad["error"]
    assert pl.read_parquet("out/test/train.parquet").equals(whole)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="lines that end as on Windows"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="a byte-order mark"),
        pytest.param(lambda text: text.replace(b"\n", b"\n\n"), id="blank lines"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no end of the last line"),
    ],
)
def test_what_looks_odd_but_is_whole_loses_nothing(there, change):
    done("--out", "out/whole")
    Path("one.jsonl").write_bytes(change(Path("one.jsonl").read_bytes()))
    assert done()["counts"]["one"]["quarantined"] == 0
    assert Path("out/test/train.parquet").read_bytes() == Path("out/whole/train.parquet").read_bytes()


def test_paths_with_blanks_and_letters_of_any_language(there, write_recipe):
    folder = Path("mes données ø")
    folder.mkdir()
    Path("one.jsonl").rename(folder / "ä б 字.jsonl")
    write_recipe(recipe(read={"jsonl": {"path": str(folder)}}))
    assert done("--out", "aus gabe ü/数")["counts"]["one"]["read"] == GOOD
    assert Path("aus gabe ü/数/train.jsonl").is_file()


def test_an_empty_file_among_others_is_said_and_costs_none_of_them(there, write_recipe):
    Path("many").mkdir()
    Path("one.jsonl").rename("many/one.jsonl")
    Path("many/two.jsonl").touch()
    write_recipe(recipe(read={"jsonl": {"path": "many"}}))
    assert done()["counts"]["one"]["read"] == GOOD
    [bad] = quarantine()
    assert bad["file"].endswith("two.jsonl")
    assert bad["error"] == "the file is empty"


# Input that is bad as a whole: the run stops, and says which file, what is wrong with it and what to do.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", ["one.jsonl", "the file is empty", "max_bad"], id="an empty file"),
        pytest.param('{"prompt": "a"}\n'.encode("utf-16"), ["one.jsonl is UTF-16", "save it as UTF-8"], id="UTF-16"),
        pytest.param(
            b'{"prompt": 5, "response": "c"}\n' * 9,
            ["9 of 9 records", "line 1", "got the number 5"],
            id="numbers for texts",
        ),
        pytest.param(random.Random(1).randbytes(9999), ["one.jsonl, line 1: not UTF-8"], id="no text at all"),
        pytest.param(
            b'{"frage": "a", "antwort": "b"}\n' * 9,
            ["recipe.yaml:5", "no column 'prompt'", "frage, antwort"],
            id="other columns",
        ),
        pytest.param(None, ["recipe.yaml:5", "source 'one'", "there is no file", "one.jsonl"], id="no file"),
    ],
)
def test_a_file_that_is_bad_as_a_whole_stops_the_run(there, content, said):
    Path("one.jsonl").write_bytes(content) if content is not None else Path("one.jsonl").unlink()
    out = refused()
    assert [part for part in said if part not in out] == [], out


def test_a_packed_file_cut_short_keeps_what_stands_before_the_cut(there, write_recipe):
    text = "".join(
        json.dumps(row | {"response": random.Random(i).randbytes(99).hex()}) + "\n" for i, row in enumerate(rows(GOOD))
    )
    Path("one.jsonl.gz").write_bytes(gzip.compress(text.encode())[:-5000])
    write_recipe(recipe(read={"jsonl": {"path": "one.jsonl.gz"}}))
    out = refused()
    assert "one.jsonl.gz" in out
    assert "the file is damaged here and cannot be read on" in out
    counts = done("--set", "max_bad=1")["counts"]["one"]
    assert 100 < counts["read"] < GOOD
    assert counts["quarantined"] <= 2


@pytest.mark.parametrize(
    ("read", "said"),
    [
        pytest.param({"jsonl": {"path": "folder"}}, "holds no file ending in .jsonl", id="no JSON Lines"),
        pytest.param(
            {"stackexchange": {"path": "folder"}}, "neither a .7z archive nor a Posts.xml is in it", id="no dump"
        ),
        pytest.param({"jsonl": {"path": "folder/*.jsonl"}}, "no file matches", id="a pattern that fits none"),
    ],
)
def test_a_folder_full_of_other_files(there, write_recipe, read, said):
    Path("folder").mkdir()
    Path("folder/readme.txt").write_text("words")
    Path("folder/picture.png").write_bytes(b"\x89PNG")
    write_recipe(recipe(read=read))
    out = refused()
    assert said in out
    assert "recipe.yaml:5: source 'one'" in out


# Stack Exchange dumps.


def posts(n, site):
    drawn = random.Random(site)
    lines = []
    for i in range(1, 2 * n, 2):
        said = " ".join(drawn.randbytes(4).hex() for _ in range(30))
        lines.append(
            f'<row Id="{i}" PostTypeId="1" Score="3" Title="How hot, {site} {i}?" Body="For tea." Tags="|a|" />\n'
        )
        lines.append(f'<row Id="{i + 1}" PostTypeId="2" ParentId="{i}" Score="12" Body="{said}" />\n')
    return '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(lines) + "</posts>\n"


DUMPS = recipe(
    [{"edit": {"prompt_from_title_or_body": {}}}, *STEPS],
    read={"stackexchange": {"path": "dumps"}},
)


@pytest.fixture
def dumps(there, write_recipe):
    write_recipe(DUMPS)
    Path("dumps").mkdir()
    return there / "dumps"


def test_of_three_archives_one_is_cut_short(dumps):
    py7zr = pytest.importorskip("py7zr", reason="the dumps extra is not installed")
    for site in ("ale", "bread", "cake"):
        with py7zr.SevenZipFile(dumps / f"{site}.stackexchange.com.7z", "w") as archive:
            archive.writestr(posts(GOOD, site), "Posts.xml")
    broken = dumps / "bread.stackexchange.com.7z"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    out = refused()
    for said in ("bread.stackexchange.com.7z", "damaged or cut short", "--set max_bad=0.", "What was read is kept"):
        assert said in out
    share = out.partition("--set ")[2].partition("`")[0]
    manifest = done("--set", share)
    assert manifest["stages"]["built"] == []
    assert len(manifest["stages"]["reused"]) == 3
    assert manifest["counts"]["one"] == {"read": 2 * GOOD, "kept": 2 * GOOD, "dropped": 0, "quarantined": 1}
    [bad] = quarantine()
    assert (bad["file"], bad["size"]) == ("bread.stackexchange.com.7z", len(whole) // 2)
    broken.write_bytes(whole)
    mended = done()
    assert mended["stages"]["built"] == ["one: bread.stackexchange.com"]
    assert mended["counts"]["one"]["kept"] == 3 * GOOD


def test_xml_cut_in_the_middle_loses_its_last_record_only(dumps):
    (dumps / "tea").mkdir()
    text = posts(GOOD, "tea")
    (dumps / "tea/Posts.xml").write_text(text[: text.rindex("Score=")], encoding="utf-8")
    counts = done()["counts"]["one"]
    assert (counts["read"], counts["quarantined"]) == (GOOD, 1)
    [bad] = quarantine()
    assert "Posts.xml" in bad["file"]
    assert bad["where"].startswith("byte ")
    assert counts["kept"] == GOOD - 1  # the question whose only answer was cut has none


# Recipes.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("length: {mni: 1}", ["recipe.yaml:6", "length.mni", "did you mean 'min'?"], id="a misspelt key"),
        pytest.param(
            "length: {min: ten}",
            ["recipe.yaml:6", "length.min", "should be a valid integer, not 'ten'"],
            id="text for a number",
        ),
        pytest.param(
            "length: {min: 1.5}", ["recipe.yaml:6", "length.min", "integer", "not 1.5"], id="half a character"
        ),
        pytest.param("length: {min: 9, max: 5}", ["recipe.yaml:6", "min (9) is above max (5)"], id="an empty range"),
        pytest.param("lenght: {min: 1}", ["recipe.yaml:6", "did you mean 'length'?"], id="a misspelt filter"),
        pytest.param(
            "exact_duplicates: {column: prompt}", ["recipe.yaml:6", "its verb is 'select'"], id="the wrong verb"
        ),
        pytest.param(
            "length: {column: respons, min: 1}",
            ["recipe.yaml:6", "'respons'", "did you mean 'response'?"],
            id="a missing column",
        ),
        pytest.param(
            "length: {column: score, min: 1}",
            ["recipe.yaml:6: keep length: 'score' holds numbers"],
            id="a column of numbers",
        ),
        pytest.param(
            "own_words:good: {}",
            ["recipe.yaml:6", "own_words.py, line 1", "SyntaxError"],
            id="own function with a syntax error",
        ),
        pytest.param(
            "own_leaves:good: {}",
            ["recipe.yaml:6", "'own_leaves' cannot be imported: SystemExit"],
            id="own module that exits",
        ),
        pytest.param("own_fine:god: {}", ["recipe.yaml:6", "did you mean 'good'?"], id="own function misspelt"),
        pytest.param(
            "own_fine:number: {}",
            ["recipe.yaml:6", "gives numbers, where true or false is needed"],
            id="own property of numbers",
        ),
        pytest.param(
            "own_fine:raises: {}",
            ["recipe.yaml:6: keep own_fine:raises", "no model here"],
            id="own function that raises",
        ),
        pytest.param(
            "own_gone:good: {}", ["recipe.yaml:6", "No module named 'own_gone'"], id="own module that is not there"
        ),
    ],
)
def test_a_step_that_is_wrong_is_said_with_its_line(there, text, said):
    Path("own_words.py").write_text("def good(:\n")
    Path("own_leaves.py").write_text("raise SystemExit(3)\n")
    Path("own_fine.py").write_text(
        "import polars as pl\n"
        "def good(column: str = 'response') -> pl.Expr:\n    return pl.col(column).is_not_null()\n"
        "def number(column: str = 'response') -> pl.Expr:\n    return pl.col(column).str.len_chars()\n"
        "def raises(column: str = 'response') -> pl.Expr:\n"
        "    return pl.col(column).map_batches(boom, return_dtype=pl.Boolean, is_elementwise=True)\n"
        "def boom(series):\n    raise RuntimeError('no model here')\n"
    )
    Path("recipe.yaml").write_text(
        "name: test\nsources:\n  one:\n    read: {jsonl: {path: one.jsonl}}\n    steps:\n    - keep: {" + text + "}\n"
    )
    out = refused()
    for part in said:
        assert part in out, out
    assert not list(Path("out").glob("test/*")), "an error leaves no half of a set"
    for name in ("own_words", "own_leaves", "own_fine"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            {"exact_duplicates": {"column": "promt"}},
            "'promt', which these rows do not have; did you mean 'prompt'?",
            id="a missing column",
        ),
        pytest.param({"top": {"by": "prompt", "n": 5}}, "select top: 'prompt' holds text", id="a column of text"),
        pytest.param({"own_choice:short": {}}, "select own_choice:short: ", id="own selector that answers for one row"),
        pytest.param({"own_choice:other": {}}, "select own_choice:other: ", id="own selector that gives no choice"),
        pytest.param(
            {"own_choice:raises": {}},
            "select own_choice:raises: KeyError: 'no such key'",
            id="own selector that raises",
        ),
    ],
)
def test_a_selector_that_cannot_choose_is_said_with_its_line(there, write_recipe, steps, said):
    Path("own_choice.py").write_text(
        "import polars as pl\nfrom curate.filter import Choice\n"
        "def short(pool: pl.DataFrame) -> Choice:\n    return Choice(pl.Series([True]), pl.Series([None], dtype=pl.String))\n"
        "def other(pool: pl.DataFrame) -> Choice:\n    return 5\n"
        "def raises(pool: pl.DataFrame) -> Choice:\n    raise KeyError('no such key')\n"
    )
    write_recipe(recipe([*STEPS, {"select": steps}]))
    out = refused()
    assert out.startswith("recipe.yaml:")
    assert said in out
    sys.modules.pop("own_choice", None)


@pytest.mark.parametrize("sample", [{"by": "topic"}, {"by": "domain", "prefer": "topic"}])
def test_a_sample_by_a_missing_column(there, write_recipe, sample):
    source = recipe()["sources"]["one"] | {"take": 5, "sample": sample}
    write_recipe({"sources": {"one": source}})
    assert "source 'one': sample: reads the column 'topic', which these rows do not have" in refused()


def test_a_set_without_prompts_is_refused_and_what_stood_there_stays(dumps, write_recipe):
    (dumps / "tea").mkdir()
    (dumps / "tea/Posts.xml").write_text(posts(9, "tea"), encoding="utf-8")
    done()
    before = Path("out/test/manifest.json").read_bytes()
    write_recipe(recipe(read=DUMPS["sources"]["one"]["read"]))
    out = refused()
    assert "has no prompt, which the format 'prompt_completion' needs" in out
    assert "drop such rows" in out
    assert Path("out/test/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", ["recipe.yaml:1", "a recipe is a mapping of keys"], id="empty"),
        pytest.param(
            b"name: test\nsources:\n  one: {read: [}\n", ["recipe.yaml:3", "not valid YAML"], id="broken YAML"
        ),
        pytest.param(b"name: test\nsources:\n\tone: 1\n", ["recipe.yaml:3", "'\\t'"], id="a tab"),
        pytest.param(b"name: t\n---\nname: u\n", ["recipe.yaml:2", "a single document"], id="two documents"),
        pytest.param(
            b"name: !!python/object/apply:os.getcwd []\n", ["recipe.yaml:1", "not valid YAML"], id="code for data"
        ),
        pytest.param(b"name: a\x00b\n", ["recipe.yaml", "special characters are not allowed"], id="a zero byte"),
        pytest.param("name: tést\n".encode("latin-1"), ["recipe.yaml", "is not UTF-8 text"], id="another encoding"),
        pytest.param(None, ["recipe.yaml", "there is no such file"], id="not there"),
        pytest.param(
            b"name: test\nsources:\n  one: {read: authored}\n  two: {read: authored}\n  one: {read: authored}\n",
            ["recipe.yaml:5: at sources.one", "this key stands twice here"],
            id="two sources of one name",
        ),
        pytest.param(
            b"name: ..\nsuorces: {}\nseed: one\n",
            [
                "recipe.yaml:1",
                "'sources' is missing",
                "should begin with a letter",
                "recipe.yaml:2",
                "did you mean 'sources'?",
                "recipe.yaml:3",
            ],
            id="several errors at once",
        ),
    ],
)
def test_a_recipe_that_cannot_be_used(there, content, said):
    Path("recipe.yaml").write_bytes(content) if content is not None else Path("recipe.yaml").unlink()
    out = refused()
    for part in said:
        assert part in out, out
    assert not Path("out").exists()


def test_a_folder_for_a_recipe(there):
    Path("recipe.yaml").unlink()
    Path("recipe.yaml").mkdir()
    assert "cannot be read" in refused()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max_bad", "--set takes KEY=VALUE"),
        ("max_bad=2", "less than or equal to 1"),
        ("sources.one.steps.7.keep=1", "there is nothing at '7'"),
        ("name=../../elsewhere", "should begin with a letter or digit"),
    ],
)
def test_a_setting_that_is_wrong(there, given, said):
    assert said in refused("--set", given)


# Outputs.


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
    subprocess.run(["umount", str(disk)], check=True)


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
    assert [file.name for file in (small_disk / "out").iterdir() if file.name.startswith(".")] == []
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


# One row of 50 MB.


@pytest.mark.parametrize(
    ("most", "kept"), [pytest.param(1000, 134, id="dropped by its length"), pytest.param(None, 135, id="kept")]
)
def test_a_row_of_50_mb_is_a_row_like_others(there, write_recipe, most, kept):
    huge = {"prompt": "What is long?", "response": "so long " * (50 * 2**20 // 8), "domain": "a", "score": 1}
    with Path("one.jsonl").open("a") as file:
        file.write(json.dumps(huge) + "\n")
    write_recipe(
        recipe([{"keep": {"length": {"min": 10, "max": most}}}, {"drop": {"mentions": {"phrases": ["as mentioned"]}}}])
    )
    assert done()["counts"]["one"] == {"read": GOOD + 1, "kept": kept, "dropped": GOOD + 1 - kept, "quarantined": 0}
    ledger = pl.read_parquet("out/test/ledger.parquet")
    assert ledger["detail"].str.len_chars().max() < 1000
    assert Path("out/test/report.html").stat().st_size < 2**20
