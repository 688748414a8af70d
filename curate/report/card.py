"""The dataset card: what a set is made of, under which licences, and how to make it again."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import yaml

from curate.errors import code, markdown
from curate.pairs.shortcuts.summary import card_lines
from curate.report.front import front
from curate.report.page import render
from curate.report.steps import decisions


def card(rows: pl.DataFrame | pl.LazyFrame, manifest: dict[str, Any]) -> str:
    """Write README.md for a set, with the front matter by which `load_dataset` opens the folder.

    Every number in it is the manifest's. What the data and the recipe say (names, licences, reasons, parameters) is
    text in it, and no Markdown, HTML or YAML of its own.
    """
    licences = (
        rows.lazy().group_by("source", "license").len("rows").sort("source", "license", nulls_last=True).collect()
    )
    head = front(rows.lazy(), manifest, licences["license"])
    shortcuts = manifest.get("shortcuts")
    text = render(
        "set_card.md",
        **{"md": markdown, "code": code, "params": _params, "manifest": manifest},
        rows=sum(row["taken"] for row in manifest["table"]),
        front=yaml.safe_dump(head, sort_keys=False, width=math.inf),
        head=head,
        licences=licences.to_dicts(),
        by_hand=decisions(manifest),
        makers=[s for steps in manifest["steps"].values() for s in steps if s["verb"] in {"answer", "pair"}],
        shortcuts=card_lines(shortcuts) if shortcuts else [],
        filters=[_filter(manifest, source, step) for source, steps in manifest["steps"].items() for step in steps],
    )
    return str(text)


def _filter(manifest: dict[str, Any], source: str, step: dict[str, Any]) -> tuple[str, dict[str, Any], int | None]:
    """Give a step of a source and how many rows it dropped, where dropping is its work."""
    own = [f for f in manifest["funnel"] if f["step"] == step["label"] and source in {f["source"], "all"}]
    counts = own and step["verb"] in {"keep", "drop", "select"}
    return source, step, sum(f["first"] for f in own) if counts else None


def _params(params: dict[str, Any]) -> str:
    text = ", ".join(f"{name}={_short(value)}" for name, value in params.items() if value is not None)
    return f"({markdown(text)})" if text else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"
