"""SFT, then DPO from the model it saved: one config with a block for each, one folder with a folder for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.errors import did_you_mean
from curate.recipe.places import Problem, RecipeError
from curate.train.config import TrainConfig, read, resolve
from curate.train.findings import Finding
from curate.train.run import OnPreflight, check, check_rows, run_config, silent

CHAIN = ("sft", "dpo")


def run_chain(
    config: Path | str | Mapping[str, Any],
    out: Path,
    *,
    sets: Sequence[str] = (),
    force: bool = False,
    fresh: bool = False,
    on_preflight: OnPreflight = silent,
) -> dict[str, dict[str, Any]]:
    """Run both stages into OUT/sft and OUT/dpo, and return their records.

    Both configs and both sets of rows are checked before the first stage trains. Stages that are finished are not run
    again: a killed chain goes on where it was.
    """
    stages = plan(config, out, sets)
    for stage in stages.values():
        check_rows(stage, force=force)
    return {
        name: run_config(stage, out / name, force=force, fresh=fresh, on_preflight=on_preflight)
        for name, stage in stages.items()
    }


def check_chain(
    config: Path | str | Mapping[str, Any],
    out: Path,
    *,
    sets: Sequence[str] = (),
    on_preflight: OnPreflight = silent,
) -> list[Finding]:
    """Check the SFT stage whole and, while its model is not there, DPO as far as its rows."""
    sft, dpo = plan(config, out, sets).values()
    findings = check(sft, out / "sft", on_preflight=on_preflight)
    if Path(dpo.model).is_dir():
        return findings + check(dpo, out / "dpo", on_preflight=on_preflight)
    return findings + check_rows(dpo, force=True)


def plan(config: Path | str | Mapping[str, Any], out: Path, sets: Sequence[str] = ()) -> dict[str, TrainConfig]:
    """Check both blocks of a chain's config, all errors at once; DPO's model is where SFT saves its own."""
    data, places = read(config, sets)
    problems = [
        Problem((name,), f"there is no '{name}' here; {did_you_mean(name, list(CHAIN))}", places.line((name,)))
        for name in data
        if name not in CHAIN
    ]
    problems += [
        Problem((name,), f"a chain has a block '{name}' with the config of that stage", places.line((name,)))
        for name in CHAIN
        if not isinstance(data.get(name), dict)
    ]
    if problems:
        raise RecipeError(places.file, problems)
    if "model" in data["dpo"]:
        message = "does not belong here: in a chain DPO starts from the model that SFT saved"
        raise RecipeError(places.file, [Problem(("dpo", "model"), message, places.line(("dpo", "model")))])
    blocks = {"sft": data["sft"], "dpo": {**data["dpo"], "model": str(out / "sft" / "merged")}}
    stages: dict[str, TrainConfig] = {}
    for name, block in blocks.items():
        try:
            stages[name] = resolve(name, block, places, (name,))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(places.file, problems)
    return stages
