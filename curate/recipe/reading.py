"""One reading of a recipe: block by block, collecting problems instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pydantic

from curate.errors import did_you_mean
from curate.models.generators.ask import Settings
from curate.models.generators.generator import Generator
from curate.models.judges import as_judge
from curate.models.judges.functions import GIVEN as OF_A_CASE
from curate.models.judges.judge import Judge, grades_none
from curate.recipe import own, registry
from curate.recipe.bindings import Known, bind
from curate.recipe.labels import AS, SourceKeys, label_problem, labels, twice
from curate.recipe.places import KeyPath, Places, Problem
from curate.recipe.plan import Read, Sample, Source
from curate.recipe.step import Step, build
from curate.recipe.verbs import KINDS, VERBS, Kind
from curate.rows import data_folder


def items(given: Any) -> list[tuple[str, Any]]:
    """List the named blocks of a part of a recipe; none where it is no mapping, which is told elsewhere."""
    return list(given.items()) if isinstance(given, dict) else []


class Reading:
    """One reading of a recipe: collects problems instead of stopping at the first."""

    def __init__(self, places: Places, data: dict[str, Any], texts: dict[str, str], *, trusted: bool = True) -> None:
        self.places, self.data = places, data
        self.trusted = trusted
        self.unrun: list[str] = []  # functions of the user's own that are not loaded, for want of trust
        seed = data.get("seed", 0)
        self.seed = seed if isinstance(seed, int) else 0
        self.size = data.get("size")
        self.problems: list[Problem] = []
        self.labels = labels(data)
        self.known = Known(Path(places.file).parent, dict(texts))

    def problem(self, path: KeyPath, message: str) -> None:
        """Note what is wrong, and where it stands."""
        self.problems.append(Problem(path, message, self.places.line(path), self.places.other_file(path)))

    def keys(self, model: type[pydantic.BaseModel], given: Any, path: KeyPath) -> dict[str, Any]:
        """Check parameters against their schema; what is wrong becomes problems."""
        checked, wrong = registry.check(model, given)
        for inner, message in wrong:
            self.problem((*path, *inner), message)
        return checked

    def source(self, name: str, given: Any) -> Source | None:
        """Read one source."""
        path: KeyPath = ("sources", name)
        checked = self.keys(SourceKeys, given, path)
        if not isinstance(given, dict):
            return None
        read = self.read(given.get("read"), (*path, "read"))
        steps = self.steps(given.get("steps"), (*path, "steps"))
        sample = self.sample(given.get("sample"), (*path, "sample"))
        if not checked or read is None:
            return None
        return Source(name, read, checked["optional"], checked["take"], steps, sample)

    def sample(self, given: Any, path: KeyPath) -> Sample | None:
        """Read a `sample` block: the parameters of `domains`, or `{selector: {its parameters}}`."""
        if given is None:
            return None
        of_domains = not (isinstance(given, dict) and len(given) == 1 and isinstance(next(iter(given.values())), dict))
        named = self.one("filters", {"domains": given} if of_domains else given, path)
        if named is None:
            return None
        name, function, params = named
        if function is own.unrun:
            return None
        where = path if of_domains else (*path, name)
        model = registry.parameters(function)
        if not registry.is_a(function, "select") or "n" not in model.model_fields:
            self.problem(where, f"'{name}' is no selector that picks a number of rows")
            return None
        known = [n for n in model.model_fields if n not in {"n", "seed"}]
        before = len(self.problems)
        for extra in set(params if isinstance(params, dict) else {}) & {"n", "seed"}:
            self.problem((*where, extra), f"'{extra}' comes from the recipe; known here: {', '.join(known)}")
        checked = self.keys(model, {"n": 1, **params} if isinstance(params, dict) else params, where)
        if len(self.problems) > before:
            return None
        return Sample(name, function, {n: checked[n] for n in known}, self.places(where))

    def read(self, given: Any, path: KeyPath) -> Read | None:
        """Read a `read` block: a reader and its parameters."""
        named = self.one("sources", given, path)
        if named is None:
            return None
        name, function, params = named
        if function is own.unrun:
            return Read(name, function, params or {}, self.places((*path, name)))
        before = len(self.problems)
        self.fits(name, function, KINDS["source"], (*path, name))
        checked = self.keys(registry.parameters(function), params or {}, (*path, name))
        given = self.bound(function, checked, (*path, name))
        if len(self.problems) > before:
            return None
        self.seeded(checked, params)
        return Read(name, function, _under_data(checked), self.places((*path, name)), given)

    def bound(self, function: Callable[..., Any], checked: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """Find the generators, judges and texts that parameters name, and the recipe's size where one asks for it."""
        given, wrong = bind(function, checked, self.known)
        for name, message in wrong:
            self.problem((*path, name), message)
        if "size" in registry.filled(function) and "size" in signature(function).parameters:
            given["size"] = self.size
            if self.size is None:
                self.problem(path, f"'{path[-1]}' goes by the recipe's `size`, which is missing")
        return given

    def seeded(self, checked: dict[str, Any], params: Any) -> None:
        """Let a parameter `seed` that is not set be the recipe's."""
        if "seed" in checked and "seed" not in (params or {}):
            checked["seed"] = self.seed

    def name_all(self, data: dict[str, Any], group: str) -> None:
        """Make the generators or judges of a recipe; a user's own function may be a judge as it is."""
        for name, given in items(data.get(group)):
            path: KeyPath = (group, name)
            named = self.one(group, given if given is not None else {}, path)
            if named is None:
                continue
            called, function, params = named
            kind = KINDS["judge" if group == "judges" else "generator"]
            if function is own.unrun:  # it stands for what would be asked, and is asked nothing
                self.known.named[name] = _unasked(kind, called, name)
                continue
            before = len(self.problems)
            if not self.fits(called, function, kind, (*path, called)):
                continue
            plain = group == "judges" and registry.kind_of(function) == registry.ANY
            model = registry.parameters(function, OF_A_CASE if plain else ())
            checked = self.keys(model, params or {}, (*path, called))
            checked |= self.bound(function, checked, (*path, called))
            if len(self.problems) > before:
                continue
            self.seeded(checked, params)
            try:
                made = as_judge(function, checked, called) if plain else function(**checked)
                if not isinstance(made, kind.returns):
                    raise TypeError(f"'{called}' gave a {type(made).__name__}, not {kind.noun}")
                self.known.named[name] = replace(made, name=name)
            except Exception as error:  # a backend says in a ValueError what is wrong; a user's own may raise anything
                self.problem((*path, called), str(error) or type(error).__name__)

    def one(self, group: str, given: Any, path: KeyPath) -> tuple[str, Any, Any] | None:
        """Take apart `{name: {parameters}}` and find what is named."""
        if isinstance(given, str):
            given = {given: {}}
        if not isinstance(given, dict) or len(given) != 1:
            if given is not None or group == "filters":
                self.problem(path, f"names one of the {group}, as {{name: {{parameters}}}}")
            return None
        name, params = next(iter(given.items()))
        try:
            if ":" in str(name) and not self.trusted:
                own.find_file(str(name), self.known.folder)
                self.unrun.append(str(name))
                return str(name), own.unrun, params
            return name, registry.find(group, str(name), self.known.folder), params
        except LookupError as error:
            self.problem((*path, name), str(error))
            return None

    def fits(self, name: str, function: Callable[..., Any], kind: Kind, path: KeyPath) -> bool:
        """Note a function whose annotation says that it is of another kind; it is not called then."""
        if registry.is_a(function, kind.name):
            return True
        other = KINDS.get(registry.kind_of(function))
        what = other.noun if other else "annotated to give something else"
        self.problem(path, f"'{name}' is {what}, where {kind.noun} is needed")
        return False

    def steps(self, given: Any, path: KeyPath) -> tuple[Step, ...]:
        """Read a list of steps."""
        if given is not None and not isinstance(given, list):
            self.problem(path, "is a list of steps, each `- keep: {filter: {parameters}}`")
            return ()
        found = [self.step(item, (*path, i)) for i, item in enumerate(given or [])]
        return tuple(step for step in found if step)

    def check_labels(self) -> None:
        """Check that every step's label is one that the ledger can have as a column, and stands for that step alone."""
        scores: dict[str, bool] = {}
        for path, label in self.labels.items():
            if path[-1] == "sample":
                continue
            step = _at(self.data, path)
            is_score = "score" in step
            wrong = label_problem(label, own=AS in step, score=is_score) if isinstance(step.get(AS, ""), str) else None
            if wrong is None and scores.setdefault(label, is_score) != is_score:
                wrong = f"'{label}' is the label of a score, and of a step that is none"
            if wrong:
                self.problem((*path, AS), wrong)
        for path in twice(self.data, self.labels):
            message = f"the label '{self.labels[path]}' has another step already that the same rows meet"
            self.problem((*path, AS), message)

    def step(self, given: Any, path: KeyPath) -> Step | None:
        """Read one step: its verb, its filter or maker, its parameters."""
        verbs = {key: body for key, body in given.items() if key != AS} if isinstance(given, dict) else {}
        if len(verbs) != 1:
            self.problem(path, f"a step is one verb ({', '.join(VERBS)}) and what it applies")
            return None
        if not isinstance(given.get(AS, ""), str):
            self.problem((*path, AS), f"the label of a step is a text, not {given[AS]!r}")
        verb, body = next(iter(verbs.items()))
        if verb not in VERBS:
            self.problem((*path, verb), f"there is no verb '{verb}'; {did_you_mean(str(verb), list(VERBS))}")
            return None
        named = self.one(VERBS[verb].group, body, (*path, verb))
        if named is None:
            return None
        name, function, params = named
        if function is own.unrun:
            return Step(
                verb, name, self.labels[path], function, dict(params or {}), None, self.places((*path, verb, name))
            )
        where = (*path, verb, name)
        kind = KINDS.get(registry.kind_of(function))
        if kind and kind.verbs and kind != VERBS[verb]:
            message = f"'{name}' is {kind.noun}, so its verb is '{kind.verbs[0]}', not '{verb}'"
            self.problem((*path, verb), message)
            return None
        if not self.fits(name, function, VERBS[verb], where):
            return None
        before = len(self.problems)
        checked = self.keys(registry.parameters(function), params or {}, where)
        given = self.bound(function, checked, where)
        if len(self.problems) > before:
            return None
        self.seeded(checked, params)
        try:
            return build(verb, name, self.labels[path], function, checked, self.places(where), given)
        except Exception as error:  # a filter says in a ValueError what is wrong; a user's own may raise anything
            self.problem(where, str(error) or type(error).__name__)
            return None


def _unasked(kind: Kind, called: str, name: str) -> Generator | Judge:
    if kind.returns is Judge:
        return Judge(grades_none, {"judge": called}, name)
    return Generator(Settings("own", called), own.unrun, name)


def _under_data(params: dict[str, Any]) -> dict[str, Any]:
    """Let relative paths start at $CURATE_DATA (default: data/)."""
    return {k: data_folder() / v.expanduser() if isinstance(v, Path) else v for k, v in params.items()}


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data
