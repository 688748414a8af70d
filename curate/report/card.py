"""The dataset card: what a set is made of, under which licences, and how to make it again."""

from __future__ import annotations

from typing import Any

import polars as pl
import yaml

from curate.errors import code, markdown
from curate.pairs.shortcuts.summary import card_lines


def card(rows: pl.DataFrame, manifest: dict[str, Any]) -> str:
    """Write README.md for a set, with the front matter by which `load_dataset` opens the folder.

    Every number in it is the manifest's. What the data and the recipe say (names, licences, reasons, parameters) is
    text in it, and no Markdown, HTML or YAML of its own.
    """
    licences = rows.group_by("source", "license").len().sort("source", "license", nulls_last=True)
    front = {
        "configs": [{"config_name": "default", "data_files": "train.parquet"}],
        "size_categories": [_size(rows.height)],
        "tags": ["curate"],
    }
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).strip(),
        "---",
        "",
        f"# {markdown(manifest['name'])}",
        "",
        f"{rows.height:,} rows, curated by {code('curate run ' + manifest['recipe_file'])} (curate "
        f"{manifest['curate']['curate']}, seed {manifest['seed']}). Every input row's way is in `ledger.parquet`.",
        "",
        "## Sources",
        "",
        "| source | asked | available | taken | mean prompt, words | mean response, words |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {markdown(r['source'])} | {r['asked']} | {r['available']} | {r['taken']} | "
            f"{_show(r['prompt_words'])} | {_show(r['response_words'])} |"
            for r in manifest["table"]
        ),
        "",
        *(f"Not there: {code(name)}: {markdown(reason)}." for name, reason in manifest["absent"].items()),
        "",
        "## Licences",
        "",
        *(
            f"- {markdown(r['source'])}: {markdown(r['license'] or 'not stated')} ({r['len']:,} rows)"
            for r in licences.to_dicts()
        ),
        "",
        *_generated(manifest),
        *_shortcuts(manifest),
        "## Filters",
        "",
        *_filters(manifest),
        "",
        "## Known limits",
        "",
        "Filters are rules, not judgements: what they let through can still be wrong, dated or off-topic. Answers were "
        "written by the communities and authors named above and carry their habits.",
        "",
        "## Make it again",
        "",
        "The recipe as it ran, the hashes of inputs and outputs and all versions are in `manifest.json`; "
        "`curate verify` derives the set again and compares the hashes.",
        "",
    ]
    return "\n".join(lines)


def _generated(manifest: dict[str, Any]) -> list[str]:
    """Say which text no person wrote, and by what it was made (2501.05032, ethics: say that it is an AI)."""
    makers = [s for steps in manifest["steps"].values() for s in steps if s["verb"] in {"answer", "pair"}]
    named = manifest.get("generators") or {}
    if not named:
        return []
    made = ", ".join(
        f"`{'response' if s['verb'] == 'answer' else 'chosen, rejected'}` by step {code(s['label'])}" for s in makers
    )
    lines = [
        f"- {code(name)}: {markdown(g['model'])} ({markdown(g['backend'])}{_params(g['sampling'])})"
        for name, g in named.items()
    ]
    return [
        "## Generated text",
        "",
        f"Written by language models, not by people: {made or 'see the steps below'}. Such text can be wrong, and can "
        "sound as if someone had lived what it tells. Whoever trains on it should let users know that they talk to a "
        "machine, and look for bias before use.",
        "",
        *lines,
        "",
    ]


def _shortcuts(manifest: dict[str, Any]) -> list[str]:
    found = manifest.get("shortcuts")
    return ["## Shortcuts", "", *card_lines(found), ""] if found else []


def _filters(manifest: dict[str, Any]) -> list[str]:
    first: dict[tuple[str, str], int] = {(f["source"], f["step"]): f["first"] for f in manifest["funnel"]}
    lines = []
    for source, steps in manifest["steps"].items():
        for step in steps:
            dropped = [n for (s, label), n in first.items() if label == step["label"] and source in {s, "all"}]
            count = f": dropped {sum(dropped):,}" if dropped and step["verb"] in {"keep", "drop", "select"} else ""
            lines.append(
                f"- {markdown(source)}: {step['verb']} {code(step['filter'])} {_params(step['params'])}{count}"
            )
    return lines or ["none"]


def _params(params: dict[str, Any]) -> str:
    shown = ", ".join(f"{k}={_short(v)}" for k, v in params.items() if v is not None)
    return f"({markdown(shown)})" if shown else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _size(rows: int) -> str:
    """Name the size class as dataset hubs do."""
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if rows < limit:
            return name
    return "n>1M"
