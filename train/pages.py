"""What a person looks at of a finished training: plots, page and card, drawn from the record and log on disk."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from curate.folders import clear, put, put_text, written
from curate.train.card import write_card
from curate.train.page import training_page
from curate.train.plots import Grades, plots
from curate.train.record import BY, RECORD

PAGE, PLOTS, CARD = "training.html", "plots", "README.md"


def draw(out: Path, grades: Grades | None = None) -> list[Path]:
    """Write plots, page and card of a finished training folder; return the paths of the plots.

    `grades` are what a judge gave its checkpoints (see `curate.train.plots.plots`); they stand beside the held-out
    loss.
    """
    record: dict[str, Any] = json.loads((out / RECORD).read_text(encoding="utf-8"))
    findings = json.loads((out / "preflight.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        drawn = [_put(out, file) for file in plots(out / "log.jsonl", Path(scratch), grades)]
    clear(out, BY, {name for name in written(out, BY) if name.startswith(f"{PLOTS}/")} - set(drawn))
    put_text(out, BY, PAGE, training_page(out / "log.jsonl", record, findings, grades))
    write_card(out)
    return [out / name for name in drawn]


def _put(out: Path, plot: Path) -> str:
    name = f"{PLOTS}/{plot.name}"
    put(out, BY, name, partial(shutil.copyfile, plot))
    return name
