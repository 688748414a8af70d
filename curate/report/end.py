"""The end of the report: what could not be read, and how to make the set again."""

from __future__ import annotations

from typing import Any

import yaml

from curate.report.html import Html, el, join, number, percent, plural, table

_INPUTS = 500
_REASONS = 50


def quarantine(manifest: dict[str, Any]) -> Html:
    """Sum up what could not be read, by source and by reason."""
    title = el("h2", "Quarantine")
    counts = manifest["counts"]
    reasons = _reasons(manifest.get("quarantine") or [])
    if not any(count["quarantined"] for count in counts.values()):
        return join([title, el("p", "Every record could be read.", class_="note"), reasons])
    heads = [("source", ""), ("records", "n"), ("could not be read", "n"), ("share", "n")]
    rows: list[list[object]] = [_lost(name, count["read"], count["quarantined"]) for name, count in counts.items()]
    caption = "Each stands in quarantine.jsonl with its file, place, reason and raw text."
    return join([title, table(caption, heads, rows), reasons])


def _lost(source: str, read: int, bad: int) -> list[object]:
    return [source, number(read + bad), number(bad), percent(bad, read + bad)]


def _reasons(reasons: list[dict[str, Any]]) -> Html | None:
    if not reasons:
        return None
    heads = [("source", ""), ("what was wrong", "long"), ("records", "n"), ("the first", "")]
    rows: list[list[object]] = [[r["source"], r["error"], number(r["records"]), r["first"]] for r in reasons[:_REASONS]]
    return table("Reasons, the most frequent first.", heads, rows)


def reproduce(manifest: dict[str, Any]) -> Html:
    """Say how the set is made again: command, recipe, versions, inputs with their hashes."""
    recipe = yaml.safe_dump(manifest["recipe"], sort_keys=False, allow_unicode=True, width=100)
    limit = f" --limit {manifest['limit']}" if manifest.get("limit") is not None else ""
    command = f"curate run {manifest['recipe_file']} --seed {manifest['seed']}{limit}"
    same = "The same recipe, inputs and seed give the same bytes. "
    verify = " with the folder of this report derives the set once more and compares the hashes."
    inputs = manifest["inputs"]
    folds = {
        "Recipe as it ran": _pre(recipe, "Recipe"),
        "Versions": _versions(manifest),
        f"Inputs, {plural(len(inputs), 'file')}": _inputs(inputs),
    }
    return join(
        [
            el("h2", "Make it again"),
            el("p", same, el("code", "curate verify"), verify, class_="note"),
            _pre(command, "Command"),
            *(el("details", el("summary", name), part) for name, part in folds.items()),
        ]
    )


def _pre(text: str, name: str) -> Html:
    # It scrolls sideways, so it must be reachable by keyboard, and then needs a role and a name.
    return el("pre", text, tabindex="0", role="region", aria_label=name)


def _versions(manifest: dict[str, Any]) -> Html:
    rows: list[list[object]] = [
        [name, version] for name, version in {**manifest["curate"], "python": manifest["python"]}.items()
    ]
    return table("Versions that decide what comes out.", [("package", ""), ("version", "")], rows)


def _inputs(inputs: list[dict[str, Any]]) -> Html:
    heads = [("file", ""), ("source", ""), ("part", ""), ("bytes", "n"), ("SHA-256, first half", "")]
    rows: list[list[object]] = [
        [i["file"], i["source"], i["part"], number(i["bytes"]), el("code", i["sha256"])] for i in inputs[:_INPUTS]
    ]
    more = f" {len(inputs) - _INPUTS:,} more stand in manifest.json." if len(inputs) > _INPUTS else ""
    return table(f"Files that were read, with their hashes.{more}", heads, rows)
