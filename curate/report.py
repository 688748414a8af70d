"""The report: one HTML file that opens offline."""

from __future__ import annotations

from typing import Any

import polars as pl


def report(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any]) -> str:
    """Write the report of a run as one self-contained page."""
    return f"<!doctype html><title>{manifest['name']}</title><p>{rows.height} of {ledger.height}</p>"
