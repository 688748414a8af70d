"""Train on curated sets through TRL: paths in, paths out.

Every stage is a function of a config (a YAML file or a mapping) and a folder. Nothing heavy is imported before one is
called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Config: TypeAlias = Path | str | Mapping[str, Any]


def sft(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Fine-tune a model on prompts and their answers (trl's SFTTrainer), and return the run's record.

    `out` gets `merged/` (a whole model), `adapter/` (with LoRA), `checkpoints/`, `record.json`, `log.jsonl`. A run that
    was killed goes on from its last checkpoint when it is called again; a finished one is not run again unless its
    config, data or model changed or `fresh` is set.

    `callbacks`, and whatever else trl's trainer takes by object (`model`, `processing_class`, `optimizers`,
    `compute_metrics`, `data_collator`, `train_dataset` in place of `data`, …), goes to it as it is; the record names
    the classes, and a run's key knows no more of them.

    Raise TrainError, or RecipeError for the config, in words; what the preflight refuses is trained all the same with
    `force`, and the record says so.
    """
    return _run("sft", config, out, force, fresh, callbacks, trainer)


def dpo(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Prefer chosen answers over rejected ones (trl's DPOTrainer); the rest is as in `sft`.

    `model` is the path that the SFT stage saved (`OUT/merged`). The reference is read from there too, so that it is the
    model with which training starts.
    """
    return _run("dpo", config, out, force, fresh, callbacks, trainer)


def reward(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Train a reward model on which of two answers is chosen (trl's RewardTrainer); the rest is as in `sft`.

    With `held_out` or `eval_data` the record says under "held_out" how many pairs it gets right that it was not
    trained on, with an interval, by the difference in length, and beside what length alone would get right. The saved
    model is a judge: `curate.models.judges.reward_model(model=...)`.
    """
    return _run("reward", config, out, force, fresh, callbacks, trainer)


def rloo(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Raise the reward of a model's own answers by reinforcement learning (trl's RLOOTrainer); the rest is as in `sft`.

    `reward` in the config is a reward model's folder or name, `module:function`, a function of prompt and response, a
    packaged judge (`rules`), a file of judges (`judges.yaml#helpful`), or a list of these, whose weights are trl's
    `reward_weights`.
    This is not PPO: trl has none any more. RLOO, REINFORCE with a leave-one-out baseline (Ahmadian et al. 2024,
    arXiv 2402.14740), stands in its place.
    """
    return _run("rloo", config, out, force, fresh, callbacks, trainer)


def grpo(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Raise the reward of a model's own answers by GRPO (trl's GRPOTrainer); the rest is as in `rloo`."""
    return _run("grpo", config, out, force, fresh, callbacks, trainer)


def kto(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Learn from answers that are marked as good or not (trl's KTOTrainer); the rest is as in `sft`.

    Rows are a prompt, a completion and a label; preference data are split into two rows a pair.
    """
    return _run("kto", config, out, force, fresh, callbacks, trainer)


def orpo(
    config: Config,
    out: Path | str,
    *,
    force: bool = False,
    fresh: bool = False,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, Any]:
    """Fine-tune on chosen answers and away from rejected ones (trl's experimental ORPOTrainer); the rest as in `sft`.

    It needs neither a reference nor an SFT before it.
    """
    return _run("orpo", config, out, force, fresh, callbacks, trainer)


def chain(config: Config, out: Path | str, *, force: bool = False, fresh: bool = False) -> dict[str, dict[str, Any]]:
    """Run SFT, then DPO from the model it saved; return both records by stage."""
    from curate.train.chains import run_chain

    return run_chain(config, Path(out), force=force, fresh=fresh)


def _run(
    stage: str,
    config: Config,
    out: Path | str,
    force: bool,
    fresh: bool,
    callbacks: Sequence[Any],
    trainer: Mapping[str, Any],
) -> dict[str, Any]:
    from curate.train.run import run

    objects = {**({"callbacks": list(callbacks)} if callbacks else {}), **trainer}
    return run(stage, config, Path(out), force=force, fresh=fresh, objects=objects)
