"""The keys of a recipe, and what each may hold."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import pydantic

from curate.recipe.places import KeyPath
from curate.recipe.plan import Format, Shortfall, Thoughts
from curate.rows import STANDARD

_NAME = r"^\w[\w.-]*$"
LABEL = r"[^\W_][\w-]*"
_COLUMNS = {
    "id",
    "source",
    "domain",
    "kept",
    "dropped_by",
    "detail",
    "sample",
    "repeated",
    "incomplete",
    "dev",
    "near_dev",
    "overrides",
}  # of the ledger, not steps


def _names_a_folder(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError("should begin with a letter or digit and hold no others than these, '_', '-' and '.'")
    return name


def _holds_out(dev: Any) -> Any:
    rows = isinstance(dev, int) and not isinstance(dev, bool) and dev > 0
    share = isinstance(dev, float) and 0 < dev < 1
    if not (rows or share or dev is None or isinstance(dev, dict)):
        raise ValueError("should be a number of rows, a share below 1, or a source of prompts")
    return dev


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
    name: Annotated[
        str,
        pydantic.AfterValidator(_names_a_folder),
        pydantic.Field(json_schema_extra={"pattern": _NAME}, description="Names the output folder, out/NAME."),
    ]
    seed: int = pydantic.Field(0, ge=-(2**63), lt=2**63, description="All that is random is drawn from it.")
    size: int | None = pydantic.Field(
        None, gt=0, lt=2**63, description="How many rows the set has, exactly; without it all that pass."
    )
    shortfall: Shortfall = pydantic.Field(
        "fail", description="What to do where a source has fewer rows than its share."
    )
    max_bad: float = pydantic.Field(
        0.01, ge=0, le=1, description="The share of a source's records that may be unreadable; more stop the run."
    )
    generators: dict[str, Any] = pydantic.Field({}, description="Models that write, by a name that steps use.")
    judges: dict[str, Any] = pydantic.Field({}, description="What grades or compares, by a name that steps use.")
    sources: dict[str, Any] = pydantic.Field(min_length=1, description="Where rows come from, by name.")
    steps: list[Any] = pydantic.Field([], description="Steps over the rows of all sources together.")
    overrides: str | None = pydantic.Field(
        None, description="A file of rows that people accept or reject, whatever the steps say."
    )
    output: dict[str, Any] = pydantic.Field({}, description="What is written.")


class SourceKeys(pydantic.BaseModel):
    """The keys of one source."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    read: dict[str, Any] = pydantic.Field(
        description="The source and its parameters, as in `{jsonl: {path: a.jsonl}}`."
    )
    optional: bool = pydantic.Field(False, description="Whether a run goes on where its files are not there.")
    take: int | None = pydantic.Field(
        None, ge=0, lt=2**63, description="Its share of the size; without it an equal part of what others leave."
    )
    steps: list[Any] = pydantic.Field([], description="Steps over its own rows, before those of the recipe.")
    sample: dict[str, Any] | None = pydantic.Field(
        None, description="How its share is chosen among the rows that pass."
    )


class OutputKeys(pydantic.BaseModel):
    """The keys of `output`."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    formats: list[Format] = pydantic.Field(
        ["prompt_completion"], description="The forms of the set; the first is train.jsonl."
    )
    thoughts: Thoughts = pydantic.Field("keep", description="Whether what a model thinks before it answers stays.")
    language: list[Annotated[str, pydantic.Field(pattern="^[a-z]{2,3}$")]] = pydantic.Field(
        [], description="Languages for the card, as codes of ISO 639."
    )
    dev: Annotated[dict[str, Any] | int | float | None, pydantic.BeforeValidator(_holds_out)] = pydantic.Field(
        None, description="How many rows, or which share of them, are held out of the set; or a source of prompts."
    )
    test_prompts: dict[str, Any] | None = pydantic.Field(None, description="A source of prompts to test models with.")


SAMPLE = "sample"  # the block of a source that draws its share; its label, too
AS = "as"  # the key of a step that gives it a label of its own
_LONGEST = 48  # characters of parameters in a label; the table of the funnel holds about so many
_HASH = 4  # hex digits


class _Written(NamedTuple):
    """A step as the recipe has it."""

    verb: str
    name: str
    params: Any
    own: Any  # its own label, if it has one

    @property
    def short(self) -> str:
        return self.name.rpartition(":")[2]


def labels(data: Mapping[str, Any]) -> dict[KeyPath, str]:
    """Name the steps of a recipe as its ledger does, by where they stand; `sample` is the block of a source.

    A step's label is the one that it has by `as`; else the name of its filter, where no other step that the same rows
    meet has that filter, and otherwise the name with the step's own parameters. Steps that are the same in everything
    are numbered.

    >>> short, long = ({"keep": {"length": {"min": n}}} for n in (1, 9))
    >>> shared = [{"drop": "toxic"}, {**short, "as": "x"}]
    >>> list(labels({"sources": {"a": {"steps": [short, long]}}, "steps": shared}).values())
    ['length(min=1)', 'length(min=9)', 'toxic', 'x']
    """
    own = {name: dict(_steps(source.get("steps"), ("sources", name, "steps"))) for name, source in _sources(data)}
    shared = dict(_steps(data.get("steps"), ("steps",)))
    every = {path: step for steps in (*own.values(), shared) for path, step in steps.items()}
    meets = [{**steps, **shared} for steps in own.values()] or [shared]
    # The filter's name; with parameters where it is not enough; with a hash where these are written in the same way.
    texts = {path: step.short for path, step in every.items()}
    texts |= {path: _content(every[path]) for group in _groups(meets, texts) for path in group}
    similar = [g for g in _groups(meets, texts) if len({_identity(every[path]) for path in g}) > 1]
    texts |= {path: _with_hash(texts[path], every[path]) for group in similar for path in group}
    names: dict[KeyPath, str] = {}
    most: Counter[str] = Counter()
    for name, source in _sources(data):
        used: Counter[str] = Counter()
        names |= _numbered(own[name], texts, used)
        most |= used
        if source.get(SAMPLE) is not None:
            names["sources", name, SAMPLE] = SAMPLE
    return names | _numbered(shared, texts, most)


def _groups(meets: Sequence[Mapping[KeyPath, _Written]], texts: Mapping[KeyPath, str]) -> list[list[KeyPath]]:
    """List the steps that the same rows meet under one text, several each; those with a label of their own are out."""
    groups: dict[tuple[int, str], list[KeyPath]] = defaultdict(list)
    for i, together in enumerate(meets):
        for path, step in together.items():
            if step.own is None:
                groups[i, texts[path]].append(path)
    return [group for group in groups.values() if len(group) > 1]


def _numbered(
    steps: Mapping[KeyPath, _Written], texts: Mapping[KeyPath, str], used: Counter[str]
) -> dict[KeyPath, str]:
    """Label steps by their texts, exact twins with a number: those of all sources go on from those of any source."""
    names = {}
    for path, step in steps.items():
        if step.own is None:
            used[texts[path]] += 1
            number = used[texts[path]]
            names[path] = texts[path] + (f"_{number}" if number > 1 else "")
        else:
            names[path] = str(step.own)
    return names


def twice(data: Mapping[str, Any], names: Mapping[KeyPath, str]) -> Iterator[KeyPath]:
    """List the steps whose label another step, which the same rows meet before, has already."""
    for name, _ in [*_sources(data), (None, None)]:
        seen: set[str] = set()
        for path, label in names.items():
            if path[-1] != SAMPLE and (path[:2] == ("sources", name) or path[0] == "steps"):
                if label in seen:
                    yield path
                seen.add(label)


def _sources(data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    sources = data.get("sources")
    return [(n, s) for n, s in sources.items() if isinstance(s, dict)] if isinstance(sources, dict) else []


def _steps(steps: Any, path: KeyPath) -> Iterator[tuple[KeyPath, _Written]]:
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        own = step.get(AS) if isinstance(step, dict) else None
        verbs = [(verb, body) for verb, body in step.items() if verb != AS] if isinstance(step, dict) else []
        if len(verbs) == 1:
            verb, body = verbs[0]
            name, params = next(iter(body.items())) if isinstance(body, dict) and len(body) == 1 else (body, None)
            if isinstance(name, str):
                yield (*path, i), _Written(str(verb), name, params or {}, own)


def _content(step: _Written) -> str:
    """Name a step by its filter and the parameters that are written."""
    params = step.params if isinstance(step.params, dict) else {"": step.params}
    text = ", ".join(f"{name}={_value(value)}" for name, value in sorted(params.items()))
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _HASH - 2].rstrip(' ,')}… {_hash(_json(params))}"
    return f"{step.short}({text})"


def _with_hash(text: str, step: _Written) -> str:
    return f"{text.removesuffix(')')}{' ' if text.endswith(')') else '('}{_hash(_identity(step))})"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    return "".join(c if c.isprintable() else "·" for c in text)


def _identity(step: _Written) -> str:
    return _json([step.verb, step.name, step.params])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:_HASH]
