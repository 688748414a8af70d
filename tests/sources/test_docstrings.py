"""Documentation of installed packages as questions and answers."""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

import polars as pl
import pytest

from curate.rows import Bad
from curate.sources.docstrings import docstrings
from tests.sources.own import read_all

METADATA = """\
Metadata-Version: 2.4
Name: boxes
Version: 1.0
License-Expression: MIT
Project-URL: Homepage, https://boxes.example
Project-URL: Documentation, https://boxes.example/docs
"""
SOURCE = '''
raise RuntimeError("imported")

def weigh(box, *, unit="kg"):
    """Weigh a box.

    Parameters
    ----------
    box : Box
        What to weigh.
    """

class Box:
    """A box."""

    def open(self):
        """%(how)s opens the box."""

def _hidden():
    """Not shown."""
'''


@pytest.fixture(params=["importlib.metadata", "importlib_metadata"])
def site(request, tmp_path, monkeypatch):
    """Install the package `boxes` by hand: files, metadata and record.

    Once any library imports importlib_metadata, its finder answers in the whole process.
    """
    finds = pytest.importorskip(request.param, reason=f"{request.param} is not installed")

    def find(name: str) -> metadata.Distribution:
        for distribution in finds.MetadataPathFinder.find_distributions(finds.DistributionFinder.Context(name=name)):
            return distribution
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", find)
    write(tmp_path / "boxes/__init__.py", SOURCE)
    write(tmp_path / "boxes/tests/test_weigh.py", 'def test():\n    "A test."')
    write(tmp_path / "boxes/_vendor/other.py", 'def f():\n    "Of another package."')
    write(tmp_path / "boxes-1.0.dist-info/METADATA", METADATA)
    record(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def record(site: Path) -> None:
    files = sorted(file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file())
    names = dict.fromkeys([*files, "boxes-1.0.dist-info/RECORD"])
    write(site / "boxes-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name in names))


def rows(*packages: str, batch_rows: int = 1000) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(docstrings(packages=list(packages)), batch_rows)


def test_a_package_becomes_rows_without_being_imported(site):
    found, bad = rows("boxes")
    assert not bad
    assert "boxes" not in sys.modules
    assert found["name"].to_list() == ["boxes.Box", "boxes.Box.open", "boxes.weigh"]
    assert found["kind"].to_list() == ["class", "method", "function"]
    assert found["template"].to_list() == [False, True, False]
    row = found.row(2, named=True)
    assert (row["domain"], row["license"], row["url"]) == ("boxes", "MIT", "https://boxes.example/docs")
    assert "`boxes.weigh`" in row["prompt"]
    assert row["response"] == (
        "Weigh a box.\n\n```python\nboxes.weigh(box, *, unit='kg')\n```"
        "\n\n## Parameters\n\n- `box` (Box): What to weigh."
    )


def test_a_part_depends_on_the_record_which_holds_the_hashes(site):
    [part] = docstrings(packages=["boxes"])
    assert (part.name, part.files) == ("boxes", (site / "boxes-1.0.dist-info/RECORD",))


@pytest.mark.parametrize(
    ("source", "where"),
    [
        pytest.param(b"x = 1\ndef f(:\n", "line 2", id="no Python"),
        pytest.param(b"x = '\xff'", "line 1", id="no UTF-8"),
        pytest.param(b"x = 1\0", "line 1", id="a null byte"),
    ],
)
def test_a_file_that_is_not_python_costs_itself_only(site, source, where):
    (site / "boxes/broken.py").write_bytes(source)
    record(site)
    found, [bad] = rows("boxes")
    assert len(found) == 3
    assert Path(bad.file).name == "broken.py"
    assert bad.where.startswith(where)
    assert bad.error.startswith("this is not Python: ")
    assert bad.size == len(source)


def test_a_file_that_is_gone_costs_itself_only(site):
    write(site / "boxes/gone.py", "")
    record(site)
    (site / "boxes/gone.py").unlink()
    found, [bad] = rows("boxes")
    assert len(found) == 3
    assert bad.error.startswith("cannot be opened")


def test_a_package_without_documentation_gives_an_empty_batch(site):
    write(site / "boxes/__init__.py", "")
    [batch] = docstrings(packages=["boxes"])[0].read(10)
    assert batch.rows.is_empty()
    assert "response" in batch.rows.columns


def test_a_package_installed_in_place_is_read_where_it_is(site, tmp_path_factory):
    place = tmp_path_factory.mktemp("checkout")
    (site / "boxes").rename(place / "boxes")
    record(site)
    write(
        site / "boxes-1.0.dist-info/direct_url.json",
        json.dumps({"url": place.as_uri(), "dir_info": {"editable": True}}),
    )
    [part] = docstrings(packages=["boxes"])
    assert part.files == (place / "boxes/__init__.py",)
    assert len(rows("boxes")[0]) == 3


@pytest.mark.parametrize(
    ("lines", "license"),
    [
        pytest.param("License: BSD", "BSD", id="the short field"),
        pytest.param(
            "License: Copyright (c) 2020 Somebody\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
            id="a copyright line names no licence, the classifier does",
        ),
        pytest.param("", None, id="none stated"),
    ],
)
def test_the_licence_is_the_one_the_metadata_name(site, lines, license):
    write(
        site / "boxes-1.0.dist-info/METADATA",
        METADATA.replace("License-Expression: MIT\n", f"{lines}\n" if lines else ""),
    )
    assert rows("boxes")[0]["license"].unique().to_list() == [license]


def test_without_links_the_url_is_null(site):
    write(site / "boxes-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: boxes\nVersion: 1.0\n")
    assert rows("boxes")[0]["url"].null_count() == 3


def test_long_calls_have_an_argument_a_line(site):
    arguments = ", ".join(f"argument_{n}=(0, [{n}])" for n in range(6))
    write(site / "boxes/__init__.py", f'def f({arguments}):\n    "Do it."')
    [response] = rows("boxes")[0]["response"]
    assert response.split("\n")[3:6] == ["boxes.f(", "    argument_0=(0, [0]),", "    argument_1=(0, [1]),"]


def test_packages_that_are_not_installed_are_passed_over(site):
    assert [part.name for part in docstrings(packages=["no-such-package", "boxes", "boxes"])] == ["boxes"]


@pytest.mark.slow
def test_the_documentation_of_polars_itself():
    found, bad = rows("polars")
    assert not bad
    assert len(found) > 1500
    assert found["name"].is_unique().all()
    names = set(found["name"])
    assert {"polars.DataFrame.filter", "polars.Expr.str.contains", "polars.read_csv"} <= names
    long = found.filter(pl.col("response").str.len_chars().is_between(1200, 4096) & ~pl.col("template"))
    assert len(long) > 250
    for response in long["response"]:
        assert response.count("```") % 2 == 0
        prose = re.sub(r"(?s)```.*?```|`[^`]*`", "", response)
        assert not re.search(r"^\.\. |\]_|:\w+:`|``|^-{4,}$", prose, re.MULTILINE), response
