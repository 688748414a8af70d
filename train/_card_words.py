"""What a model card says in words: settings, generated text, limits, and that a model which sounds human is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from curate.visible import markdown

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
