"""What curate costs on top of vLLM: tokens a second through a Generator and through the engine's own chat.

    python -m benchmarks.generation [--prompts 64] [--tokens 64] [--rounds 5] [--model SmolLM2-135M-Instruct]

One engine in one process; the two take turns at the same prompts with the same settings and seeds, and which of them
begins alternates. `curate` is all of `Generator.ask`: measuring prompts, sampling settings, streaming, the journal on
disk. Every answer has exactly `--tokens` tokens (`ignore_eos`). The goal is a ratio of 0.95. `here` is the CPU time of
this process, the engine's own not among it: what a busy machine does not blur.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

SUBJECTS = ["tea", "rain", "bread", "trains", "maps", "bees", "glass", "salt"]
ASKED = ["Why does {} matter?", "Tell a child about {}.", "What is the history of {}?", "Write three lines about {}."]


def conversations(n: int) -> list[list[dict[str, str]]]:
    texts = [ask.format(subject) for ask in ASKED for subject in SUBJECTS]
    return [[{"role": "user", "content": f"{texts[i % len(texts)]} ({i})"}] for i in range(n)]


def through_vllm(llm: Any, asked: list[Any], sampling: dict[str, Any], first: int) -> int:
    from vllm import SamplingParams

    wishes = [SamplingParams(**sampling, seed=first + i) for i in range(len(asked))]
    said = llm.chat(asked, wishes, use_tqdm=False)
    return sum(len(answer.outputs[0].token_ids) for answer in said)


def through_curate(generator: Any, asked: list[Any], first: int) -> int:
    from curate.models.generators import Ask

    with tempfile.TemporaryDirectory() as journal:
        generator.journal = Path(journal)
        said = generator.ask([Ask(messages, seed=first + i) for i, messages in enumerate(asked)])
        return sum(answer.completion_tokens for answer in said)


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--prompts", type=int, default=64)
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--model", default="SmolLM2-135M-Instruct")
    given = options.parse_args()
    from curate.models.generators import vllm
    from curate.models.generators.generator import close_all

    sampling = {"temperature": 0.8, "top_p": 0.95, "max_tokens": given.tokens, "ignore_eos": True}
    engine = {"max_model_len": 1024, "dtype": "bfloat16", "enforce_eager": True}
    generator = vllm(given.model, engine=engine, sampling=sampling)
    llm: Any = generator.engine().llm  # type: ignore[attr-defined]  # vLLM's own object
    asked = conversations(given.prompts)
    ways = {
        "vLLM's own chat": lambda first: through_vllm(llm, asked, sampling, first),
        "curate": lambda first: through_curate(generator, asked, first),
    }
    for way in ways.values():
        way(0)  # warms up kernels and the prefix cache for both
    rates: dict[str, list[float]] = {name: [] for name in ways}
    here: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(given.rounds):
        for name in sorted(ways, reverse=bool(turn % 2)):
            begun, own_begun = time.perf_counter(), time.process_time()
            tokens = ways[name]((turn + 1) * given.prompts)
            rates[name].append(tokens / (time.perf_counter() - begun))
            here[name].append((time.process_time() - own_begun) * 1000 / given.prompts)
    close_all()
    print(f"{given.prompts} prompts x {given.tokens} tokens, {given.rounds} rounds of each\n")
    for name, found in rates.items():
        print(
            f"{name:20}{statistics.median(found):8.0f} tokens/s   ({min(found):.0f} to {max(found):.0f})"
            f"   here {statistics.median(here[name]):.2f} ms a prompt"
        )
    own, ours = rates.values()
    ratios = [b / a for a, b in zip(own, ours, strict=True)]
    print(f"{'ratio':20}{statistics.median(ratios):8.3f}            ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
