"""The parts of a source: cut into pieces where there are workers, with the same bytes as whole."""

from __future__ import annotations

import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from curate.engine import Local, using
from curate.recipe.load import load
from curate.rows import Batch
from curate.run import parts
from curate.run.run import run_recipe
from tests.conftest import rows


class Two(Local):
    """Does all work here, and says that it has two workers: parts are cut for them."""

    workers = 2


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.setattr(parts, "PIECE", 4_000)
    monkeypatch.setattr(import_module("curate.sources.parquet"), "_ROWS", 70)
    return tmp_path


def both(folder: Path, kind: str, name: str, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a recipe over a file whole and in pieces, and compare the bytes."""
    source = {"read": {kind: {"path": name}}, "steps": [{"keep": {"length": {"min": 10}}}]}
    (folder / "r.yaml").write_text(yaml.safe_dump({"name": "r", "max_bad": 0.99, "sources": {"big": source}}))
    whole = run_recipe(load(folder / "r.yaml"), folder / "whole/out", **options)
    with using(Two()):
        pieces = run_recipe(load(folder / "r.yaml"), folder / "pieces/out", **options)
    assert pieces["outputs"] == whole["outputs"]
    for figures in ("counts", "inputs", "quarantine", "notes"):
        assert pieces[figures] == whole[figures]
    return whole, pieces


@pytest.mark.parametrize("groups", [50, 70, 500])
def test_pieces_of_a_parquet_file_are_slices_of_the_whole(small: Path, groups: int) -> None:
    pl.DataFrame(rows(500)).write_parquet(small / "big.parquet", row_group_size=groups, compression="uncompressed")
    _, pieces = both(small, "parquet", "big.parquet")
    assert pieces["stages"]["built"][1] == "big: big.parquet, rows after 70"
    assert len(pieces["stages"]["built"]) == 8


def test_behind_damage_nothing_is_read_in_pieces_either(small: Path) -> None:
    file = small / "big.parquet"
    table = pa.Table.from_pylist(rows(1500))
    pq.write_table(table, file, row_group_size=50)
    column = pq.ParquetFile(file).metadata.row_group(24).column(1)  # rows from 1,200: behind those that settle the file
    raw, start, size = bytearray(file.read_bytes()), column.data_page_offset, column.total_compressed_size
    raw[start : start + size] = bytes(size)
    file.write_bytes(raw)
    whole, pieces = both(small, "parquet", "big.parquet")
    assert whole["counts"]["big"]["read"] == 1190, "17 slices of 70 rows"
    assert whole["counts"]["big"]["quarantined"] == 1
    assert len(pieces["stages"]["built"]) > 20


LINES = pl.DataFrame(rows(500)).write_ndjson().encode().splitlines(keepends=True)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"".join(LINES), id="lines"),
        pytest.param(b"\xef\xbb\xbf" + b"".join(LINES).rstrip(), id="a mark before and no end of line behind"),
        pytest.param(b"\r\n\n".join(line.rstrip() for line in LINES), id="blank lines"),
        pytest.param(b"{broken\n".join(LINES), id="bad records"),
        pytest.param(b"".join(LINES).replace(b"Warm", b"W\xe4rm"), id="another encoding"),
        pytest.param(
            b"".join(LINES[:9]) + b'{"prompt": "' + b"x" * 20_000 + b'"}\n' + b"".join(LINES), id="a long line"
        ),
    ],
)
def test_pieces_of_a_file_of_lines_know_their_lines(small: Path, raw: bytes) -> None:
    (small / "big.jsonl").write_bytes(raw)
    _, pieces = both(small, "jsonl", "big.jsonl")
    assert len(pieces["stages"]["built"]) > 9


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        pytest.param("big.json", b"[" + b",".join(LINES) + b"]", id="an array"),
        pytest.param("big.jsonl", b"".join(LINES).decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_what_cannot_be_read_from_the_middle_stays_whole(small: Path, name: str, raw: bytes) -> None:
    (small / name).write_bytes(raw)
    whole, pieces = both(small, "jsonl", name)
    assert pieces["stages"]["built"] == whole["stages"]["built"]


def test_a_limit_is_that_of_the_whole(small: Path) -> None:
    (small / "big.jsonl").write_bytes(b"".join(LINES))
    whole, _ = both(small, "jsonl", "big.jsonl", limit=77)
    assert whole["counts"]["big"]["read"] == 77


def batch(height: int) -> Batch:
    return Batch(pl.DataFrame({"x": range(height)}), [])


@pytest.mark.parametrize("judges", [1, 2, 3, 9])
def test_batches_come_in_their_order_and_no_more_are_judged_at_once(judges: int) -> None:
    heights = [5, 0, 1, 4, 0, 2, 3, 1]
    at_once: list[int] = []
    most = 0

    def judge(rows: pl.DataFrame) -> int:
        nonlocal most
        at_once.append(rows.height)
        most = max(most, len(at_once))
        time.sleep(0.01 * rows.height)
        at_once.remove(rows.height)
        return rows.height

    passed = parts._judge_ahead(map(batch, heights), judge, judges)
    results = [(seen.rows.height, judged.result() if seen.rows.height else 0) for seen, judged in passed]
    assert results == [(height, height) for height in heights]
    assert most <= judges


def test_a_batch_is_judged_while_the_one_before_it_is() -> None:
    second = threading.Event()

    def judge(rows: pl.DataFrame) -> bool:
        if rows.height == 2:
            second.set()
        return second.wait(60)

    assert all(judged.result() for _, judged in parts._judge_ahead(map(batch, [1, 2]), judge, 2))


def test_the_error_of_the_first_batch_in_order_ends_the_pass() -> None:
    def judge(rows: pl.DataFrame) -> None:
        if rows.height > 3:
            time.sleep(0.05 if rows.height == 5 else 0)
            raise ValueError(f"{rows.height} rows")

    with pytest.raises(ValueError, match="5 rows"):
        for _, judged in parts._judge_ahead(map(batch, [2, 5, 4, 1]), judge, 3):
            judged.result()


def test_only_code_of_the_library_that_asks_no_model_is_run_judge_ahead(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import polars as pl\nfrom curate.filter import Property\n\n"
        "def brief(column: str = 'response') -> Property:\n"
        "    'Hold if a text is brief.'\n    return pl.col(column).str.len_chars() < 50\n"
    )
    judges = {}
    for name, step in {"ours": "length: {min: 10}", "theirs": "mine:brief: {}", "asks": "toxic: {}"}.items():
        source = f"{{read: {{jsonl: {{path: x.jsonl}}}}, steps: [{{keep: {{{step}}}}}]}}"
        (tmp_path / "r.yaml").write_text(f"name: r\nsources: {{a: {source}}}\n")
        plan = load(tmp_path / "r.yaml")
        judges[name] = parts._judges(plan.sources[0].steps)
    assert judges == {"ours": min(parts._JUDGES, pl.thread_pool_size()), "theirs": 1, "asks": 1}
