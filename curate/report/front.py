"""The front matter of a dataset card: what a hub and `datasets.load_dataset` read of a set.

Fields: https://github.com/huggingface/hub-docs, datasetcard.md; licences: docs/hub/repositories-licenses.md there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import polars as pl

from curate.report.formats import fields
from curate.report.tables import features

_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")  # a power of ten each
_PROMPTS = {"dev": "dev", "test_prompts": "test"}  # the split by which each file of prompts is loaded
# What a set is for, where neither answers nor pairs say it.
_USES = {"unpaired": "kto", "prompts": "grpo"}
_LICENCES = {
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0",
    "etalab-2.0", "eupl-1.1", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0",
    "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "odc-by", "odbl", "openrail++", "osl-3.0", "postgresql", "ofl-1.1",
    "ncsa", "unlicense", "zlib", "pddl", "lgpl-lr", "deepfloyd-if-license", "llama2", "gemma",
}  # fmt: skip


def front(rows: pl.LazyFrame, manifest: dict[str, Any], licences: Iterable[str | None]) -> dict[str, Any]:
    """Make the front matter of a set; what is not known of it is left out.

    Args:
        rows: the set.
        manifest: manifest.json, as far as it is known.
        licences: those of the rows; None stands for rows that have none.
    """
    formats, size = manifest["formats"], sum(row["taken"] for row in manifest["table"])
    pairs = "chosen" in rows.collect_schema()
    spoken = languages(manifest)
    return {
        "pretty_name": " ".join(manifest["name"].split()),  # a line of its own could end the front matter
        **licence(licences),
        **({"language": spoken} if spoken else {}),
        "task_categories": ["text-generation"],
        "size_categories": [_size(size)],
        "tags": ["curate", _USES.get(formats[0], "dpo" if pairs else "sft")],
        **configs(rows, formats, _tables(manifest), _splits(manifest)),
    }


def configs(
    rows: pl.LazyFrame,
    formats: Iterable[str],
    tables: Iterable[tuple[str, dict[str, str]]] = (),
    splits: Iterable[str] = ("train",),
) -> dict[str, Any]:
    """List what `load_dataset` may open: the set in each format, of which the first is its default, and tables.

    A table is its name, and its file by split.
    """
    splits = list(splits)
    files = [*((name, {split: f"{split}.{name}.parquet" for split in splits}) for name in formats), *tables]
    listed = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in of.items()]}
        for name, of in files
    ]
    kinds = [{"config_name": name, "features": features(fields(name, rows))} for name in formats]
    return {"configs": [{**listed[0], "default": True}, *listed[1:]], "dataset_info": kinds}


def _splits(manifest: dict[str, Any]) -> list[str]:
    return ["train", "dev"] if "dev" in manifest else ["train"]


def _tables(manifest: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    output = manifest["recipe"].get("output") or {}
    prompts = [name for name in _PROMPTS if isinstance(output.get(name), dict) and output[name]]
    own = [
        ("rows", {split: f"{split}.parquet" for split in _splits(manifest)}),
        ("ledger", {"train": "ledger.parquet"}),
    ]
    return own + [(name, {_PROMPTS[name]: f"{name}.parquet"}) for name in prompts]


def licence(licences: Iterable[str | None]) -> dict[str, str]:
    """Name the licence of a set as a hub does; several, or some that are not stated, are `other`, which is never one.

    >>> licence(["CC BY-SA 4.0"]), licence(["CC BY-SA 2.5"])
    ({'license': 'cc-by-sa-4.0'}, {'license': 'other', 'license_name': 'cc-by-sa-2.5'})
    >>> licence(["MIT", None]), licence([None])
    ({'license': 'other', 'license_name': 'mixed'}, {'license': 'unknown'})
    """
    names = {_slug(name): name for name in licences}
    if set(names) <= {None}:
        return {"license": "unknown"}
    [name, *others] = names
    if others or name is None:
        return {"license": "other", "license_name": "mixed"}
    if name in _LICENCES:
        return {"license": name}
    link = re.fullmatch(r"https?://\S+", names[name] or "")
    return {"license": "other", "license_name": name, **({"license_link": link[0]} if link else {})}


def _slug(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    return re.sub(r"[^a-z0-9.+]+", "-", name.casefold()).strip("-")[:64] or "custom"


def languages(manifest: dict[str, Any]) -> list[str]:
    """Name the languages of a set: those that its recipe states, or else those that steps kept in each source.

    There are none where a source with rows in the set was not asked for its language: nothing is guessed.
    """
    stated: list[str] = (manifest["recipe"].get("output") or {}).get("language") or []
    steps = manifest["steps"]
    kept: list[set[str]] = []
    for row in manifest["table"]:
        asked = [s["params"]["languages"] for s in [*steps[row["source"]], *steps["all"]] if _keeps_language(s)]
        if row["taken"]:
            kept.append(set.intersection(*map(set, asked)) if asked else set())
    return stated or (sorted(set.union(*kept)) if kept and all(kept) else [])


def _keeps_language(step: dict[str, Any]) -> bool:
    return (step["verb"], step["filter"]) == ("keep", "language")


def _size(rows: int) -> str:
    return _SIZES[min(max(len(str(rows)) - 3, 0), len(_SIZES) - 1)]
