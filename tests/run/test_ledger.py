from __future__ import annotations

import polars as pl
import pytest

from curate.run import ledger as ledgers

LENGTH = [{"step": "length", "turn": None, "reason": "3", "span": None}]
TOP = [{"step": "top", "turn": None, "reason": "not picked", "span": None}]


def frame(**columns):
    n = len(next(iter(columns.values())))
    base = {
        "id": [f"{i:02x}" for i in range(n)],
        "source": ["s"] * n,
        "domain": ["d"] * n,
        "kept": [True] * n,
        "dropped_by": [None] * n,
        "detail": [None] * n,
    }
    types = {"dropped_by": pl.String, "detail": ledgers.EVIDENCE}
    return pl.DataFrame({**base, **columns}, schema_overrides=types)


def test_the_first_of_equal_rows_stays_and_dropped_ones_do_not_count():
    marked = ledgers.mark_repeated(frame(id=["a", "a", "a", "b"], kept=[False, True, True, True]))
    assert marked["kept"].to_list() == [False, True, False, True]
    assert marked["dropped_by"].to_list() == [None, None, "repeated", None]


def test_a_later_step_speaks_only_of_rows_alive():
    ledger = frame(kept=[True, False, True], dropped_by=[None, "length", None], detail=[None, LENGTH, None])
    verdicts = pl.DataFrame(
        {"source": ["s", "s"], "id": ["00", "02"], "top": [True, False], "kept": [True, False],
         "dropped_by": [None, "top"], "detail": [None, TOP]},
        schema_overrides={"detail": ledgers.EVIDENCE},
    )  # fmt: skip
    after = ledgers.extend(ledger, verdicts)
    assert after["top"].to_list() == [True, None, False]
    assert after["dropped_by"].to_list() == [None, "length", "top"]
    assert after["detail"].to_list() == [None, LENGTH, TOP]
    assert after.select(ledgers.evidence_text())["detail"].to_list() == [None, "length: 3", "top: not picked"]
    assert after["kept"].to_list() == [True, False, False]


def test_the_funnel_counts_first_and_alone():
    ledger = frame(
        length=[True, False, False, True, False],
        voice=[True, True, False, False, None],
        kept=[True, False, False, False, False],
        dropped_by=[None, "length", "length", "voice", "length"],
    )
    rows = {r["step"]: r for r in ledgers.funnel(ledger).to_dicts()}
    assert (rows["length"]["asked"], rows["length"]["fails"], rows["length"]["first"], rows["length"]["alone"]) == (
        5,
        3,
        3,
        2,
    )
    assert (rows["voice"]["asked"], rows["voice"]["fails"], rows["voice"]["first"], rows["voice"]["alone"]) == (
        4,
        2,
        1,
        1,
    )


def test_find_takes_the_beginning_of_an_id():
    ledger = frame(id=["abc1", "abd2"])
    assert ledgers.find(ledger, "ABC")["id"] == "abc1"
    with pytest.raises(LookupError, match="2 ids begin with 'ab'"):
        ledgers.find(ledger, "ab")
    with pytest.raises(LookupError, match="no row's id begins with 'x'"):
        ledgers.find(ledger, "x")


def test_diff_names_the_step_that_decides():
    before = frame(id=["a", "b", "c"], kept=[True, False, True], dropped_by=[None, "length", None])
    after = frame(id=["a", "b", "d"], kept=[False, True, True], dropped_by=["voice", None, None])
    rows = {r["id"]: (r["change"], r["step"]) for r in ledgers.diff(before, after).to_dicts()}
    assert rows == {
        "a": ("lost", "voice"),
        "b": ("gained", "length"),
        "c": ("lost", None),
        "d": ("gained", None),
    }


def test_diff_of_a_ledger_with_itself_is_empty():
    ledger = frame(id=["a", "b"], kept=[True, False])
    assert ledgers.diff(ledger, ledger).height == 0


def test_a_ledger_of_an_earlier_version_is_read_with_its_lines_as_evidence(tmp_path):
    lines = [None, "length: 3.0\nfirst_person", "contaminated: dev: a prompt"]
    frame(id=["a", "b", "c"]).with_columns(detail=pl.Series(lines)).write_parquet(tmp_path / "ledger.parquet")
    ledger = ledgers.read(tmp_path / "ledger.parquet").collect()
    assert ledger.schema["detail"] == ledgers.EVIDENCE
    assert ledger.select(ledgers.evidence_text())["detail"].to_list() == lines
