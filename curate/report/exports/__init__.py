"""Ways out: a set and its training config as other trainers read them, a set as people review it elsewhere.

Written by what their documentation says; neither tool is run here. To add one: a function in a module of this folder,
its table of documented fields in `tests/exports`, its name here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from curate.report.exports.axolotl import axolotl
from curate.report.exports.llamafactory import llamafactory
from curate.report.exports.review import REVIEWS, argilla, label_studio

# From an output folder, a folder to write into and a training config to what was written.
EXPORTERS: dict[str, Callable[..., list[Path]]] = {"axolotl": axolotl, "llamafactory": llamafactory}

__all__ = ["EXPORTERS", "REVIEWS", "argilla", "axolotl", "label_studio", "llamafactory"]
