"""Files that an ablation names: beside it, in the working folder, or packaged."""

from __future__ import annotations

from pathlib import Path

from curate.extends import PACKAGED

ABLATIONS = PACKAGED / "ablations"


def beside(file: str, name: str) -> Path:
    """Find a file that the ablation in `file` names; the name as it is where there is none, for whoever reads it."""
    here = Path(file).parent / name
    return here if here.exists() else Path(name)


def ablation_file(given: Path) -> Path:
    """Find an ablation: the file itself, or the packaged one of that name."""
    if given.is_file() or given.parent not in (Path(), Path("recipes/ablations")):
        return given
    packaged = (ABLATIONS / given.name, ABLATIONS / f"{given.name}.yaml")
    return next((file for file in packaged if file.is_file()), given)
