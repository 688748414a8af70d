"""What curate costs on top of trl: the same SFT with LoRA through `curate.train.sft` and through trl alone.

    python -m benchmarks.training [--rows 16] [--epochs 3] [--rounds 3] [--model SmolLM2-135M-Instruct]

Both load the model, train the same steps on the same rows with the same seed, and save adapter and merged model; they
take turns, and which of them begins alternates. The losses must be the same. `training` is trl's own loop, where the
goal is less than 3 % more; `whole` is all of it, for curate checks, masks, hashes, record, plots, page and card too: a
cost that does not grow with the steps. Both are CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

LORA = {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"}


def settings(epochs: float) -> dict[str, Any]:
    batch = {"per_device_train_batch_size": 4, "num_train_epochs": epochs, "learning_rate": 2e-4}
    return {**batch, "save_strategy": "no", "logging_steps": 1, "disable_tqdm": True}


def examples(n: int) -> list[dict[str, Any]]:
    """Take the beginnings of the shortest packaged examples."""
    import curate.recipes

    file = Path(curate.recipes.__path__[0]) / "authored" / "train.jsonl"
    rows = sorted(map(json.loads, file.read_text(encoding="utf-8").splitlines()), key=lambda row: len(row["response"]))
    return [
        {
            "id": f"row{i}",
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["response"][:300]}],
        }
        for i, row in enumerate(rows[:n])
    ]


def through_trl(model: str, rows: list[dict[str, Any]], trainer: dict[str, Any], out: Path) -> list[float]:
    import datasets
    import peft
    import transformers
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from curate.models.weights import find_model

    path = find_model(model)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(path, dtype="float32")
    words = transformers.AutoTokenizer.from_pretrained(path)
    here = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
    made = SFTTrainer(
        model=loaded,
        args=SFTConfig(output_dir=str(out), seed=0, report_to="none", **here, **trainer),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=words,
        peft_config=peft.LoraConfig(task_type="CAUSAL_LM", **LORA),
    )
    made.train()
    made.save_model(str(out / "adapter"))
    made.model.merge_and_unload().save_pretrained(out / "merged")
    words.save_pretrained(out / "merged")
    return [entry["loss"] for entry in made.state.log_history if "loss" in entry]


def through_curate(model: str, file: Path, trainer: dict[str, Any], out: Path) -> list[float]:
    import curate.train

    curate.train.sft({"model": model, "data": str(file), "lora": LORA, "trainer": trainer}, out, fresh=True)
    log = map(json.loads, (out / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [entry["loss"] for entry in log if "loss" in entry]


def timed(spent: list[float]) -> None:
    """Have trl's trainer note the CPU seconds of its loop, whoever starts it."""
    from trl.trainer.sft_trainer import SFTTrainer

    train = SFTTrainer.train

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = time.process_time()
        try:
            return train(self, *args, **kwargs)
        finally:
            spent.append(time.process_time() - begun)

    SFTTrainer.train = noted  # type: ignore[method-assign]


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=16)
    options.add_argument("--epochs", type=float, default=3)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--model", default="SmolLM2-135M-Instruct")
    given = options.parse_args()
    from curate.models.weights import weights
    from curate.train.launch import wait_asleep

    wait_asleep()
    import datasets

    datasets.disable_progress_bars()
    logging.disable(logging.INFO)
    spent: list[float] = []
    timed(spent)
    weights(given.model)  # converts the packaged model, once for all
    rows = examples(given.rows)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = root / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        ways = {
            "trl alone": lambda steps: through_trl(given.model, rows, steps, root / "plain"),
            "curate": lambda steps: through_curate(given.model, file, steps, root / "ours"),
        }
        for way in ways.values():
            way({**settings(1), "max_steps": 1})  # imports, for both
        whole: dict[str, list[float]] = {name: [] for name in ways}
        training: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.rounds):
            losses = {}
            for name in sorted(ways, reverse=bool(turn % 2)):
                begun = time.process_time()
                losses[name] = ways[name](settings(given.epochs))
                whole[name].append(time.process_time() - begun)
                training[name].append(spent.pop())
            assert losses["curate"] == losses["trl alone"], "not the same training"
    steps = len(losses["curate"])
    print(f"{given.rows} rows, {steps} steps, {given.rounds} rounds of each; the same losses in every step\n")
    for what, found in (("training", training), ("whole", whole)):
        own, ours = (statistics.median(found[name]) for name in ways)
        ratios = [b / a for a, b in zip(*found.values(), strict=True)]
        print(
            f"{what:10}trl alone {own:7.1f}   curate {ours:7.1f}   ratio {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f})"
        )


if __name__ == "__main__":
    main()
