"""The card of a model: what it was trained on and how, what it says first of all, and what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from curate.errors import code, markdown
from curate.folders import put_text
from curate.models.weights import PACKAGED
from curate.report.page import render
from curate.train.page import get, name_of
from curate.train.record import BY

_PACKAGED = {"base_model": f"HuggingFaceTB/{PACKAGED}", "license": "apache-2.0"}
_CARD = "README.md"
_VERSIONS = ("curate", "trl", "transformers", "peft", "torch")


class Trained(NamedTuple):
    """One training behind a model: its record, the manifest of the set it read, that set's licences.

    `licences` are (source, licence or None, rows).
    """

    record: Mapping[str, Any]
    manifest: Mapping[str, Any] | None = None
    licences: Sequence[tuple[str, str | None, int]] = ()


def card(
    record: Mapping[str, Any],
    data_manifest: Mapping[str, Any] | None = None,
    *,
    licences: Sequence[tuple[str, str | None, int]] = (),
    before: Sequence[Trained] = (),
    choice: Mapping[str, Any] | None = None,
) -> str:
    """Write the card of a model from the record of its training.

    A model that learnt from pairs made by `styles` sounds human: its card says first of all that it is an AI, and what
    that asks of whoever uses it (2501.05032, ethics). Every number is the record's or the manifest's.

    Args:
        record: record.json as it is.
        data_manifest: manifest.json of the set that was trained on, where `curate run` made it.
        licences: that set's: (source, licence or None, rows).
        before: the trainings that the model had already, the first one first (SFT before DPO).
        choice: choice.json, where a checkpoint was chosen.
    """
    every = [*before, Trained(record, data_manifest, licences)]
    sets = [trained.manifest for trained in every if trained.manifest]
    stage, versions = record["stage"], record.get("versions", {})
    talks = stage != "reward"  # a reward model says nothing to anybody
    text = render(
        "model_card.md",
        md=markdown,
        front=yaml.safe_dump(_front(every), sort_keys=False),
        title=f"{name_of(every[0].record).rpartition(' ')[0]} {' + '.join(_stage(one) for one in every)}".strip(),
        human_like=talks and any(map(human_like, sets)),
        generated=talks and any(manifest.get("generators") for manifest in sets),
        trainings=[_training(trained) for trained in every],
        choice=choice,
        stage=stage,
        shortcuts=any(manifest.get("shortcuts") for manifest in sets),
        versions=", ".join(f"{name} {versions[name]}" for name in _VERSIONS if name in versions),
    )
    return str(text)


def human_like(manifest: Mapping[str, Any]) -> bool:
    """Tell whether the chosen answers of a set were asked for under a style's system prompt.

    >>> human_like({"steps": {"all": [{"verb": "pair", "filter": "styles"}]}})
    True
    """
    return any(step.get("filter") == "styles" for step in _steps(manifest))


def _steps(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [step for steps in manifest.get("steps", {}).values() for step in steps]


def _stage(trained: Trained) -> str:
    return str(trained.record["stage"].upper())


def _training(trained: Trained) -> dict[str, Any]:
    """Tell of a training, and of its set as that one's own card does."""
    record, data, manifest = trained.record, trained.record["data"], trained.manifest or {}
    path = Path(str(get(record, "model_in", "name")))
    epochs = record["epochs"] or 0
    makers = (manifest.get("generators") or {}).values()
    texts = {"answer": "responses", "pair": "both answers of a pair"}
    return {
        "stage": _stage(trained),
        "set": manifest.get("name", " and ".join(file.name for file in _files(record))),
        "rows_trained": data["rows_trained"],
        "rows_in_file": data["rows_in_file"],
        "steps": record["steps"],
        "batch": record["effective_batch"],
        "epochs": f"{epochs:g} epoch{'' if epochs == 1 else 's'}",
        "base": "the model above" if path.name == "merged" else code(path.name if path.is_dir() else path),
        "processes": record["world_size"],
        "settings": list(_settings(record)),
        "metrics": list(_metrics(record["metrics"])),
        "forced": record.get("forced"),
        "licences": trained.licences,
        "texts": dict.fromkeys(texts[step["verb"]] for step in _steps(manifest) if step.get("verb") in texts),
        "models": dict.fromkeys(f"{markdown(maker['model'])} ({markdown(maker['backend'])})" for maker in makers),
    }


def _settings(record: Mapping[str, Any]) -> Iterator[str]:
    """List what was set, under the names of the libraries that take it."""
    config = record["config"]
    lora = config.get("lora")
    yield f"LoRA: {_pairs(lora)}" if lora else "all weights"
    if config.get("quantization"):
        yield f"quantised: {_pairs(config['quantization'])}"
    if config.get("end_of_turn"):
        yield f"each turn ends with `{config['end_of_turn']}`, a token of its own"
    if config.get("residual_dropout"):
        yield f"residual dropout from 0 at the bottom layer to {config['residual_dropout']:g} at the top"
    if config.get("trainer"):
        yield f"{_pairs(config['trainer'])}, seed {record['seed']}"
    yield from record.get("said", [])


def _pairs(block: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in block.items()
    )


def _metrics(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = {
        "loss, first and last step": ("first_loss", "loss"),
        "held-out loss": ("eval_loss",),
        "reward margin, last step": ("rewards/margins",),
        "accuracy of rewards, last step": ("rewards/accuracies",),
        "log-probability, chosen and rejected": ("logps/chosen", "logps/rejected"),
        "held-out accuracy": ("eval_accuracy",),
        "reward, last step": ("reward",),
    }
    for name, keys in names.items():
        values = [metrics[key] for key in keys if metrics.get(key) is not None]
        if values:
            yield name, ", ".join(f"{value:.4g}" for value in values)


def write_card(out: Path) -> Path:
    """Write the card of a finished training folder into it and beside its model's weights.

    What the data's folder and the trainings before this one left is read from where the record says they are; what is
    not there any more is left out.
    """
    *before, last = _behind(out)
    choice = _read(out / "choice.json")
    text = card(last.record, last.manifest, licences=last.licences, before=before, choice=choice)
    for name in (_CARD, f"merged/{_CARD}"):
        if (out / name).parent.is_dir():
            put_text(out, BY, name, text)
    return out / _CARD


def _behind(out: Path) -> list[Trained]:
    """Follow a model back to the one it all began with."""
    record = _read(out / "record.json") or {}
    folders = list(dict.fromkeys(file.parent for file in _files(record)))
    last = Trained(record, _manifest(folders), [one for folder in folders for one in _licences(folder)])
    source = Path(get(record, "model_in", "path") or ".")
    if source.name == "merged" and source.parent != out and (source.parent / "record.json").is_file():
        return [*_behind(source.parent), last]
    return [last]


def _files(record: Mapping[str, Any]) -> list[Path]:
    """List the files that were trained on: of a mixture, one of each set."""
    sets = get(record, "data", "sets") or [{"file": get(record, "data", "file") or "."}]
    return [Path(one["file"]) for one in sets]


def _manifest(folders: Sequence[Path]) -> dict[str, Any] | None:
    """Read the manifest of the set; of several, what the card asks of any."""
    manifests = [manifest for folder in folders if (manifest := _read(folder / "manifest.json"))]
    if len(manifests) < 2:
        return manifests[0] if manifests else None
    parts = {key: [manifest.get(key) or {} for manifest in manifests] for key in ("steps", "generators")}
    return {
        "name": " and ".join(str(manifest.get("name")) for manifest in manifests),
        "shortcuts": next((manifest["shortcuts"] for manifest in manifests if manifest.get("shortcuts")), None),
        **{key: {f"{i}.{k}": v for i, part in enumerate(all_) for k, v in part.items()} for key, all_ in parts.items()},
    }


def _licences(folder: Path) -> list[tuple[str, str | None, int]]:
    import polars as pl

    with suppress(OSError, pl.exceptions.PolarsError):
        rows = pl.read_parquet(folder / "train.parquet", columns=["source", "license"])
        return rows.group_by("source", "license").len().sort("source", "license", nulls_last=True).rows()
    return []


def _read(file: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        data = json.loads(file.read_text(encoding="utf-8"))
        return data if isinstance(data, dict) else None
    return None


def _front(trainings: Sequence[Trained]) -> dict[str, Any]:
    """Give the front matter by which the hub finds a model."""
    reward = trainings[-1].record["stage"] == "reward"
    names = [str(trained.manifest["name"]) for trained in trainings if trained.manifest]
    front = {
        **_base(trainings[0].record),
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if reward else "text-generation",
        "datasets": list(dict.fromkeys(names)),
        "tags": ["curate", "trl", *(trained.record["stage"] for trained in trainings)],
    }
    return {key: value for key, value in front.items() if value}


def _base(record: Mapping[str, Any]) -> dict[str, str]:
    """Name the model that it began with, and its licence: as the hub knows them, else not at all."""
    name = str(get(record, "model_in", "name"))
    if name in (PACKAGED, _PACKAGED["base_model"]):
        return _PACKAGED
    folder = Path(name).expanduser()
    if folder.is_dir():
        with suppress(OSError, ValueError, yaml.YAMLError, AttributeError):
            head = (folder / _CARD).read_text(encoding="utf-8").split("---")[1]
            fields = yaml.safe_load(head)
            return {key: str(fields[key]) for key in ("base_model", "license") if isinstance(fields.get(key), str)}
        return {}
    return {"base_model": name} if name.count("/") == 1 else {}
