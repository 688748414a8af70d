"""Ablation folders made up for the tests: what is planted in them is known."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.train import logs

PROMPTS = 40
JUDGE = {"judge": "likert", "model": "a-judge"}


def arm(name: str, effect: float = 0.0, **more: Any) -> dict[str, Any]:
    """Describe an arm: how far its grades lie above the others', how long its answers are, what is its own."""
    about = {"arm": name, "effect": effect, "tokens": 100, "x": 2000, "curve": None, "rows": 2000, "random_curve": None}
    return {**about, "against": None, **more}


def job(about: dict[str, Any], seed: int) -> dict[str, Any]:
    status = about.get("status", "done")
    if status != "done":
        return {"seed": seed, "status": status, "why": about.get("why"), "set": None, "train": [], "answers": None}
    set_ = {"rows": about["rows"], "prompt_chars": 61.5, "response_chars": 1802.25, "response_tokens": 430.0}
    set_ |= {"diversity": 31.2, "near_duplicates": 0.01, "sources": {"qa": about["rows"] - 10, "how": 10}}
    stages = [
        {"stage": name, "steps": about.get("steps", 100), "effective_batch": 32, "tokens_trained": 90_000}
        for name in about.get("stages", [])
    ]
    for stage in stages:
        at = f"models/{about['arm']}-{seed}-{stage['stage']}"
        stage |= {"rows_trained": about["rows"], "seconds": 61.5, "first_loss": 3.92, "loss": 2.0, "eval_loss": 3.24}
        stage |= {"log": f"{at}/log.jsonl", "choice": f"{at}/choice.json" if stage["stage"] == "sft" else None}
    set_ |= {"ids_sha256": f"{about['arm']}{seed}"}
    answers = {"prompts": PROMPTS, "samples": 2, "cut": 0, "failed": 0, "model": "m", "backend": "vllm"}
    answers |= {"sampling": {"top_p": 0.9}}
    return {"seed": seed, "status": "done", "why": None, "set": set_, "train": stages, "answers": answers}


def grades(about: dict[str, Any], seeds: list[int], turns: int = 0, prompts: int = PROMPTS) -> list[dict[str, Any]]:
    """Draw grades: what a prompt adds is the same for all arms, what a seed adds its own."""
    lines = []
    for seed in seeds if about.get("status", "done") == "done" else []:
        luck = random.Random(f"{about['arm']}{seed}")
        training = luck.gauss(0, 0.03)
        for i in range(prompts):
            hard = random.Random(f"prompt {i}").uniform(2, 4.5)
            for sample in range(2):
                for turn in range(turns) if turns else [None]:
                    score = min(max(hard + about["effect"] + training + luck.gauss(0, 0.4), 1), 6)
                    tokens = round(luck.gauss(about["tokens"], 20))
                    line = {"arm": about["arm"], "seed": seed, "id": f"p{i:02}", "prompt": f"Why {i}?", "turn": turn}
                    line |= {"sample": sample, "response": "So.", "tokens": tokens, "finish_reason": "stop"}
                    line |= {"failed": None, "score": score, "parts": None, "why": None, "judge": "likert"}
                    lines.append(line)
    return lines


def write(
    out: Path, arms: list[dict[str, Any]], *, seeds: int = 3, turns: int = 0, prompts: int = PROMPTS, **more: Any
) -> Path:
    """Write ablation.json, grades.jsonl and the logs of the trainings; `more` lies over ablation.json."""
    out.mkdir(parents=True, exist_ok=True)
    own = list(range(seeds))
    lines = [line for one in arms for line in grades(one, own, turns, prompts)]
    described = [
        {name: one[name] for name in ("arm", "x", "curve", "random_curve")} | {"jobs": [job(one, seed) for seed in own]}
        for one in arms
    ]
    names = [one["arm"] for one in arms]
    against = "random" if "random" in names else names[0]
    contrasts = [
        {"factor": "size" if one["curve"] else "arm", "arm": one["arm"], "against": one["against"] or against}
        for one in arms
        if one["arm"] != against
    ]
    ablation: dict[str, Any] = {"name": "quality", "question": "Does filtering make a difference?", "scale": [1, 6]}
    ablation |= {"recipe": {"name": "quality", "seeds": own}, "seeds": own, "arms": described}
    ablation |= {"against": {"arm": against}, "compare": ["arm", "size"], "contrasts": contrasts, "uncompared": []}
    ablation |= {"random": "random" if "random" in names else None, "judge": JUDGE}
    ablation |= {"generator_models": ["a-writer"], "judge_models": ["a-judge"]}
    ablation |= {"overlap": {name: [] for name in names}}
    (out / "ablation.json").write_text(json.dumps({**ablation, "versions": {"curate": "0.1.0"}, **more}))
    _lines(out / "grades.jsonl", lines)
    for stage in (stage for one in described for job_ in one["jobs"] for stage in job_["train"]):
        _log(out, stage)
    return out


def _log(out: Path, stage: dict[str, Any]) -> None:
    log = out / stage["log"]
    log.parent.mkdir(parents=True, exist_ok=True)
    _lines(log, logs.dpo() if stage["stage"] == "dpo" else logs.sft())
    if stage["choice"]:
        (out / stage["choice"]).write_text(
            json.dumps({"chosen": "checkpoint-16", "epoch": 2.0, "grades": logs.grades()})
        )


def _lines(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def change(out: Path, edit: Any) -> Path:
    """Change the lines of grades.jsonl: `edit` takes a line and gives it back, changed or not, or None."""
    lines = [edit(json.loads(line)) for line in (out / "grades.jsonl").read_text().splitlines()]
    _lines(out / "grades.jsonl", [line for line in lines if line is not None])
    return out


def rich(out: Path) -> Path:
    """Write a folder that has everything the page can show."""
    arms = [
        arm("filtered", 0.5, rows=2000, stages=["sft"], random_curve="random"),
        arm("filtered, then pairs", 0.7, tokens=160, stages=["sft", "dpo"]),
        arm("unfiltered", 0.02, stages=["sft"]),
        arm("farthest", -0.3, stages=["sft"]),
        arm("crashed", status="failed", why="CUDA out of memory\nat line 3"),
        arm("random@500", -0.4, x=500, curve="random", rows=500, stages=["sft"]),
        arm("random@1000", -0.2, x=1000, curve="random", rows=1000, stages=["sft"]),
        arm("random", 0.0, x=2000, curve="random", stages=["sft"]),
        *(arm(f"random@{n}", e, x=n, curve="random", rows=n, stages=["sft"]) for n, e in ((4000, 0.3), (8000, 0.55))),
    ]
    overlap = {"filtered": [{"id": "p03", "how": "near", "of": "0a1b"}], "random": []}
    return write(out, arms, overlap=overlap)
