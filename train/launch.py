"""Several processes: who this one is, and the lines that start the same config under a launcher."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import resources
from pathlib import Path

from curate.cache import home, key_of, lock

_SHARDED = Path(str(resources.files("curate.recipes"))) / "train" / "accelerate"


def rank() -> int:
    """Number this process among those of a launcher; 0 without one."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Number this process among those on its machine: the device that is its own."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def world_size() -> int:
    """Count the processes a launcher started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Let two trainings into one folder take turns; of the processes of one, the first holds the lock for all."""
    with ExitStack() as stack:
        if rank() == 0:
            with suppress(OSError):  # without a place for caches, people take care of that themselves
                # The lock stands elsewhere: the folder may be somebody else's.
                stack.enter_context(lock(home() / "trainings" / key_of(str(out.resolve()))))
        yield


def wait_asleep() -> None:
    """Have threads that wait for each other sleep, not spin; call it before torch is imported, which reads it then.

    On two cores that others use too, threads that spin take the time of the one they wait for: SmolLM2-135M trained on
    10 tokens a second so and on 140 asleep, and it read 22 and 550. On a machine of one's own it costs little, and vLLM
    a seventh.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def lines(
    stage: str, config: str, processes: int = 2, more: Sequence[str] = (), *, accelerator: bool = True
) -> list[str]:
    """Write the commands that run a stage's config in several processes, by torchrun and by accelerate.

    `per_device_train_batch_size` counts for each process, so the effective batch grows with them. The last two shard a
    model that does not fit on one device, by FSDP and by DeepSpeed. Without an accelerator there are no lines for
    accelerate: on a CPU `accelerate launch --num_processes 2` silently starts one.

    >>> lines("sft", "sft.yaml", accelerator=False)
    ['torchrun --nproc_per_node 2 -m curate train sft sft.yaml']
    """
    command = shlex.join(["-m", "curate", "train", stage, config, *more])
    torchrun = f"torchrun --nproc_per_node {processes} {command}"
    if not accelerator:
        return [torchrun]
    sharded = [f"--config_file {shlex.quote(str(_SHARDED / file))} " for file in ("fsdp.yaml", "deepspeed.yaml")]
    return [torchrun, *(f"accelerate launch {one}--num_processes {processes} {command}" for one in ("", *sharded))]
