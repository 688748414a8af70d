"""What a model card says in words: settings, generated text, limits, and that a model which sounds human is none."""

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
from curate.train.page import get, name_of
from curate.train.record import BY

# In the words of this library; after 2501.05032, section "Ethics".
_HUMAN_LIKE = """\
## This is an AI

It was trained to sound human: warm, informal, with feeling. It is a program, has no life, body or feelings, and can be
wrong in a tone that invites trust. Whoever puts it before people:

- lets them know, before the first answer and whenever they ask, that they talk to an AI (article 50 of the EU AI Act);
- does not use its tone to manipulate, sell or keep people talking;
- keeps in mind those who are young, lonely or unwell, and shows them the way to people;
- looks for bias in its answers before use and during it.
"""
_GENERATED = """\
## This is an AI

Language models wrote part of what it was trained on. Let those who use it know that they talk to an AI, and look for
bias in its answers before use.
"""


def disclosure(stage: str, manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say first of all that the model is an AI, where a set behind it was made to sound human or written by a model."""
    if stage == "reward":  # it says nothing to anybody
        return []
    if any(human_like(manifest) for manifest in manifests):
        return [_HUMAN_LIKE]
    return [_GENERATED] if any(manifest.get("generators") for manifest in manifests) else []


def human_like(manifest: Mapping[str, Any]) -> bool:
    """Tell whether the chosen answers of a set were asked for under a style's system prompt.

    >>> human_like({"steps": {"all": [{"verb": "pair", "filter": "styles"}]}})
    True
    """
    return any(step.get("filter") == "styles" for step in _steps(manifest))


def generated(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Say which text of a set no person wrote, and what did."""
    makers = manifest.get("generators") or {}
    if makers:
        made = {"answer": "responses", "pair": "both answers of a pair"}
        what = dict.fromkeys(made[step["verb"]] for step in _steps(manifest) if step.get("verb") in made)
        named = ", ".join(
            dict.fromkeys(f"{markdown(maker['model'])} ({markdown(maker['backend'])})" for maker in makers.values())
        )
        yield f"Written by language models, not by people: {', '.join(what) or 'part of the set'}, by {named}."
        yield ""


def _steps(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for steps in manifest.get("steps", {}).values():
        yield from steps


def settings(record: Mapping[str, Any]) -> Iterator[str]:
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
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in block.items()
    )


def limits(stage: str, manifests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what such a training cannot give, and what its figures do not show."""
    if stage == "reward":
        yield "It ranks answers as its pairs do: where they prefer length, so does it. It knows nothing of truth."
        return
    yield "A small set teaches a way to answer, hardly any facts: what the model did not know it will still make up."
    yield "Loss and reward margins say that the set was learnt, not that answers are good: have answers judged."
    yield "It was not tested for safety."
    if stage in ("dpo", "kto", "rloo"):
        yield (
            "Training on preferences can cost instruction following (in 2501.05032 IFEval fell by 3 to 9 points): "
            "measure it before and after."
        )
    if any(manifest.get("shortcuts") for manifest in manifests):
        yield "What simple rules (length, form, words) alone would get right of the pairs is in the set's card."


_PACKAGED = {"base_model": f"HuggingFaceTB/{PACKAGED}", "license": "apache-2.0"}
_CARD = "README.md"


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
    all_ = [*before, Trained(record, data_manifest, licences)]
    sets = [trained.manifest for trained in all_ if trained.manifest]
    lines = [
        *_front(all_),
        f"# {_title(all_)}",
        "",
        *disclosure(record["stage"], sets),
        *(line for trained in all_ for line in _training(trained)),
        *_chosen(choice),
        "## Limits",
        "",
        *(f"- {line}" for line in limits(record["stage"], sets)),
        "",
        "## Make it again",
        "",
        "`record.json` holds the config as it was resolved, the hashes of data, template and weights, the seed and all "
        f"versions ({_versions(record)}). The set's own card says how to make the data again.",
        "",
    ]
    return "\n".join(lines)


def _title(all_: Sequence[Trained]) -> str:
    base, stages = name_of(all_[0].record).rpartition(" ")[0], " + ".join(t.record["stage"].upper() for t in all_)
    return markdown(f"{base} {stages}".strip())


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
    data = Path(get(record, "data", "file") or ".")
    found = [Trained(record, _read(data.parent / "manifest.json"), _licences(data.parent))]
    source = Path(get(record, "model_in", "path") or ".")
    if source.name == "merged" and source.parent != out and (source.parent / "record.json").is_file():
        return [*_behind(source.parent), *found]
    return found


def _licences(folder: Path) -> list[tuple[str, str | None, int]]:
    import polars as pl

    with suppress(OSError, pl.exceptions.PolarsError):
        rows = pl.read_parquet(folder / "train.parquet", columns=["source", "license"])
        return rows.group_by("source", "license").len().sort("source", "license", nulls_last=True).rows()
    return []


def _read(file: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    return None


def _front(all_: Sequence[Trained]) -> Iterator[str]:
    """Write the front matter by which the hub finds a model."""
    reward = all_[-1].record["stage"] == "reward"
    names = [str(t.manifest["name"]) for t in all_ if t.manifest]
    data = {
        **_base(all_[0].record),
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if reward else "text-generation",
        "datasets": list(dict.fromkeys(names)),
        "tags": ["curate", "trl", *(t.record["stage"] for t in all_)],
    }
    yield from ("---", yaml.safe_dump({k: v for k, v in data.items() if v}, sort_keys=False).strip(), "---", "")


def _base(record: Mapping[str, Any]) -> dict[str, str]:
    """Name the model that it began with, and its licence: as the hub knows them, else not at all."""
    name = str(get(record, "model_in", "name"))
    if name in (PACKAGED, _PACKAGED["base_model"]):
        return _PACKAGED
    folder = Path(name).expanduser()
    if folder.is_dir():
        with suppress(OSError, ValueError, yaml.YAMLError, AttributeError):
            head = (folder / _CARD).read_text(encoding="utf-8").split("---")[1]
            known = yaml.safe_load(head)
            return {key: str(known[key]) for key in ("base_model", "license") if isinstance(known.get(key), str)}
        return {}
    return {"base_model": name} if name.count("/") == 1 else {}


def _training(trained: Trained) -> Iterator[str]:
    record, data = trained.record, trained.record["data"]
    name = trained.manifest["name"] if trained.manifest else Path(data["file"]).name
    yield from (f"## {record['stage'].upper()} on {markdown(name)}", "")
    yield (
        f"{data['rows_trained']:,} of {data['rows_in_file']:,} rows, {record['steps']:,} steps of "
        f"{record['effective_batch']:,} rows, {_epochs(record)}, from "
        f"{_named(record)}, on {record['world_size']:,} process{'es' if record['world_size'] > 1 else ''}."
    )
    yield from ("", *(f"- {markdown(line)}" for line in settings(record)), "")
    yield from _course(record)
    yield from _forced(record)
    yield from _data(trained)


def _epochs(record: Mapping[str, Any]) -> str:
    epochs = record["epochs"] or 0
    return f"{epochs:g} epoch{'' if epochs == 1 else 's'}"


def _named(record: Mapping[str, Any]) -> str:
    path = Path(str(get(record, "model_in", "name")))
    return "the model above" if path.name == "merged" else code(path.name if path.is_dir() else path)


def _course(record: Mapping[str, Any]) -> Iterator[str]:
    seen = record["metrics"]
    shown = {
        "loss, first and last step": [seen.get("first_loss"), seen.get("loss")],
        "held-out loss": [seen.get("eval_loss")],
        "reward margin, last step": [seen.get("rewards/margins")],
        "accuracy of rewards, last step": [seen.get("rewards/accuracies")],
        "log-probability, chosen and rejected": [seen.get("logps/chosen"), seen.get("logps/rejected")],
        "held-out accuracy": [seen.get("eval_accuracy")],
        "reward, last step": [seen.get("reward")],
    }
    there = {name: [v for v in values if v is not None] for name, values in shown.items()}
    yield from ("| at the end | |", "|---|---|")
    for name, values in there.items():
        if values:
            yield f"| {name} | {', '.join(f'{value:.4g}' for value in values)} |"
    yield ""


def _forced(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("forced"):
        yield from ("Trained in spite of what the checks before training refused:", "")
        yield from (
            f"- {finding['check'].replace('_', ' ')}: {markdown(finding['message'])}" for finding in record["forced"]
        )
        yield ""


def _data(trained: Trained) -> Iterator[str]:
    """Tell of the set as its own card does: where the rows come from, under which licences, what no person wrote."""
    if trained.licences:
        yield from ("| source of the set | licence | rows |", "|---|---|---:|")
        yield from (
            f"| {markdown(source)} | {markdown(licence or 'not stated')} | {n:,} |"
            for source, licence, n in trained.licences
        )
        yield ""
    if trained.manifest:
        yield from generated(trained.manifest)


def _chosen(choice: Mapping[str, Any] | None) -> list[str]:
    if not choice:
        return []
    of = f"{markdown(choice['said'])}. The grade is of the prompts that it was chosen by, and no measure of the model."
    return ["## Choice among epochs", "", of, ""]


def _versions(record: Mapping[str, Any]) -> str:
    wanted = ("curate", "trl", "transformers", "peft", "torch")
    return ", ".join(f"{name} {record['versions'][name]}" for name in wanted if name in record.get("versions", {}))
