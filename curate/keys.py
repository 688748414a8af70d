"""The keys of a recipe, and what each may hold."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pydantic

from curate.plan import Format, Shortfall
from curate.rows import STANDARD

_NAME = r"^\w[\w.-]*$"
LABEL = r"[^\W_][\w-]*"
_COLUMNS = {"id", "source", "domain", "kept", "dropped_by", "detail", "sample", "repeated"}  # of the ledger, not steps


def _names_a_folder(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError("should begin with a letter or digit and hold no others than these, '_', '-' and '.'")
    return name


def label_problem(label: str, *, own: bool, score: bool = False) -> str | None:
    """Say what is wrong with the label of a step; `own` is one that the recipe gives it, not the filter's name.

    >>> label_problem("kept", own=True)
    "'kept' is another column of the ledger or the set: call the step something else with `as`"
    """
    if own and not re.fullmatch(LABEL, label):
        return f"the label {label!r} should begin with a letter or digit and hold no others than these, '_' and '-'"
    if label in _COLUMNS or (score and label in {*STANDARD, "misfits"}):
        return f"'{label}' is another column of the ledger or the set: call the step something else with `as`"
    return None


class RecipeKeys(pydantic.BaseModel):
    """The keys of a recipe."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, pydantic.AfterValidator(_names_a_folder), pydantic.Field(json_schema_extra={"pattern": _NAME})]
    seed: int = pydantic.Field(0, ge=-(2**63), lt=2**63)
    size: int | None = pydantic.Field(None, gt=0, lt=2**63)
    shortfall: Shortfall = "fail"
    max_bad: float = pydantic.Field(0.01, ge=0, le=1)
    generators: dict[str, Any] = {}
    judges: dict[str, Any] = {}
    sources: dict[str, Any] = pydantic.Field(min_length=1)
    steps: list[Any] = []
    output: dict[str, Any] = {}


class SourceKeys(pydantic.BaseModel):
    """The keys of one source."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    read: dict[str, Any]
    optional: bool = False
    take: int | None = pydantic.Field(None, ge=0, lt=2**63)
    steps: list[Any] = []
    sample: dict[str, Any] | None = None


class OutputKeys(pydantic.BaseModel):
    """The keys of `output`."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    formats: list[Format] = ["prompt_completion"]
    dev: dict[str, Any] | None = None
    test_prompts: dict[str, Any] | None = None
