"""A recipe: YAML in, a checked plan out; everything that is wrong is told at once, with its line.

`load` reads the file, with what it extends and `--set` applied; `parse` checks the data block by block in a `Reading`,
which collects problems instead of stopping at the first, and puts what it has read into a `Recipe`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import pydantic

from curate import own
from curate.address import Address
from curate.errors import did_you_mean
from curate.models.generators.ask import Settings
from curate.models.generators.generator import Generator
from curate.models.judges import as_judge
from curate.models.judges.functions import GIVEN as OF_A_CASE
from curate.models.judges.judge import Judge, grades_none
from curate.recipe import registry
from curate.recipe.bindings import Scope, bind
from curate.recipe.extends import PACKAGED, read_recipe
from curate.recipe.labels import AS, OutputKeys, RecipeKeys, SourceKeys, label_problem, labels, twice
from curate.recipe.overrides import Overrides
from curate.recipe.overrides import read as read_overrides
from curate.recipe.places import KeyPath, Places, Problem, RecipeError, read_yaml, refuse_secrets, set_value
from curate.recipe.plan import Read, Recipe, Sample, Source
from curate.recipe.step import Step, build
from curate.recipe.verbs import KINDS, VERBS, Kind
from curate.rows import beside, locate, tried

log = logging.getLogger("curate.recipe")


def load(
    recipe: str | Path | Mapping[str, Any],
    sets: tuple[str, ...] = (),
    *,
    seed: int | None = None,
    trusted: bool = True,
) -> Recipe:
    """Read and check a recipe: a file, or what one would hold.

    Functions of the user's own (`module:function`) are imported, which runs their file, unless `trusted` is false: then
    the recipe is checked without them, and cannot be run. Raise `RecipeError` with every problem found.
    """
    data, places = read_recipe(recipe if isinstance(recipe, Mapping) else Path(recipe))
    for assignment in sets:
        try:
            path = set_value(data, assignment)
        except ValueError as error:
            raise RecipeError(places.file, [Problem((), str(error))]) from None
        places.lines[path] = 0
    if seed is not None:
        data["seed"] = seed
    return parse(data, places, trusted=trusted)


def parse(
    data: dict[str, Any],
    places: Places,
    texts: dict[str, str] | None = None,
    *,
    folder: Path | None = None,
    trusted: bool = True,
) -> Recipe:
    """Check a recipe given as data; raise `RecipeError` with every problem found.

    `texts` are text files that the recipe names and that need not be there any more; `folder` is the recipe's, where it
    is not that of the file in `places`; `trusted` is as in `load`.
    """
    refuse_secrets(data, places)
    folder = Path(places.file).parent if folder is None else folder
    folder = None if folder.is_relative_to(PACKAGED) else folder  # data of a user's do not stand there
    with beside(folder):
        return _parse(data, places, texts or {}, folder, trusted=trusted)


def _parse(
    data: dict[str, Any], places: Places, texts: dict[str, str], folder: Path | None, *, trusted: bool
) -> Recipe:
    reading = Reading(places, data, texts, trusted=trusted)
    top = reading.keys(RecipeKeys, _said(data), ())
    reading.models()
    sources = [reading.source(name, block) for name, block in items(data.get("sources"))]
    steps = reading.steps(data.get("steps"), ("steps",))
    reading.check_labels()
    overrides = reading.overrides(top.get("overrides"))
    output = reading.keys(OutputKeys, _said(data.get("output") or {}), ("output",))
    dev = output.get("dev")
    prompts = {name: block for name in ("dev", "test_prompts") if isinstance(block := output.get(name), dict) and block}
    extra = {name: reading.read(block, ("output", name)) for name, block in prompts.items()}
    if reading.problems:
        reading.check_files(s for s in sources if s)
        raise RecipeError(places.file, reading.problems)
    log.info("%s: %d sources, %d steps over all of them", places.file, len(sources), len(steps))
    return Recipe(
        **{k: top[k] for k in ("name", "seed", "size", "shortfall", "max_bad")},
        sources=tuple(s for s in sources if s),
        steps=steps,
        formats=tuple(output["formats"]),
        thoughts=output["thoughts"],
        extra={name: read for name, read in extra.items() if read},
        raw=data,
        dev=None if isinstance(dev, dict) else dev,
        file=places.file,
        folder=folder,
        generators=reading.scope.of(Generator),
        judges=reading.scope.of(Judge),
        texts=reading.scope.texts,
        overrides=overrides,
        unrun=tuple(dict.fromkeys(reading.unrun)),
    )


def parse_steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Check steps given as data; raise `RecipeError` with every problem found."""
    data, places = read_recipe({"steps": steps})
    reading = Reading(places, data, {})
    read = reading.steps(data["steps"], ("steps",))
    reading.check_labels()
    if reading.problems:
        raise RecipeError(places.file, reading.problems)
    return read


def named_judge(file: Path | None = None, name: str | None = None) -> Judge:
    """Find a judge: of the file's `judges:` the one named, or the only one; without a file a judge that needs none.

    Without a file the name is a packaged judge's (`rules`) or a function of your own (`my_module:my_score`), with its
    defaults. A recipe will do as a file: what is not about judges is not looked at. Raise RecipeError with all that is
    wrong, by line.

    >>> named_judge(name="rules").name
    'rules'
    >>> named_judge(name="rulez")
    Traceback (most recent call last):
    curate.recipe.places.RecipeError: judge: at judges.rulez.rulez
        there is no judge 'rulez'; did you mean 'rules'?
    """
    data, places = read_yaml(file) if file else ({"judges": {name: {name: {}}} if name else {}}, Places("judge"))
    refuse_secrets(data, places)
    reading = Reading(places, data, {})
    for key in data:
        if key not in (*RecipeKeys.model_fields, "extends"):
            hint = did_you_mean(str(key), RecipeKeys.model_fields)
            reading.problem((key,), f"there is no '{key}' here; {hint}")
    reading.models()
    judges = reading.scope.of(Judge)
    if not reading.problems and (name or len(judges) != 1) and name not in judges:
        hint = did_you_mean(name, judges) if name and judges else f"known: {', '.join(judges) or 'none'}"
        missing = f"there is no judge '{name}' here" if name else "say which judge (`--judge NAME`)"
        reading.problem(("judges",), f"{missing}; {hint}")
    if reading.problems:
        raise RecipeError(places.file, reading.problems)
    return judges[name] if name else next(iter(judges.values()))


def _said(block: Any) -> Any:
    """Leave out the keys that hold nothing, as `steps:` does where all below it is a comment."""
    return {key: value for key, value in block.items() if value is not None} if isinstance(block, dict) else block


def items(block: Any) -> list[tuple[str, Any]]:
    """List the named blocks of a part of a recipe; none where it is no mapping, which is told elsewhere."""
    return list(block.items()) if isinstance(block, dict) else []


class _Call(NamedTuple):
    """A function that a recipe names; its parameters are what the recipe holds, until they are checked."""

    name: str
    function: Callable[..., Any]
    params: Any
    objects: dict[str, Any]  # the generators, judges and texts that parameters name
    path: KeyPath

    @property
    def unrun(self) -> bool:
        """Tell whether it is a function of the user's own that was not loaded, for want of trust."""
        return self.function is own.unrun


class Reading:
    """One reading of a recipe: collects problems instead of stopping at the first."""

    def __init__(self, places: Places, data: dict[str, Any], texts: dict[str, str], *, trusted: bool = True) -> None:
        self.places, self.data, self.trusted = places, data, trusted
        self.unrun: list[str] = []  # functions of the user's own that are not loaded, for want of trust
        seed = data.get("seed", 0)
        self.seed = seed if isinstance(seed, int) else 0
        self.problems: list[Problem] = []
        self.labels = labels(data)
        self.scope = Scope(Path(places.file).parent, dict(texts))

    def problem(self, path: KeyPath, message: str) -> None:
        """Note what is wrong, and where it stands."""
        self.problems.append(self.places.problem(path, message))

    # Blocks, in the order in which they are read.

    def models(self) -> None:
        """Make the generators and judges that the recipe names."""
        for group in ("generators", "judges"):
            for name, block in items(self.data.get(group)):
                self.model(KINDS[group[:-1]], name, block)

    def model(self, kind: Kind, name: str, block: Any) -> None:
        """Make one generator or judge; a user's own function may be a judge as it is."""
        named = self.named(kind.group, {} if block is None else block, (kind.group, name))
        if named is None:
            return
        plain = kind.returns is Judge and registry.kind_of(named.function) == registry.ANY and not named.unrun
        call = self.checked(named, kind, OF_A_CASE if plain else ())
        if call is None:
            return
        if call.unrun:  # it stands for what would be asked, and is asked nothing
            unasked = Judge(grades_none, {"judge": call.name}, name)
            self.scope.models[name] = (
                unasked if kind.returns is Judge else Generator(Settings("own", call.name), own.unrun, name)
            )
            return
        params = call.params | call.objects
        try:
            model = as_judge(call.function, params, call.name) if plain else call.function(**params)
            if not isinstance(model, kind.returns):
                raise TypeError(f"'{call.name}' gave a {type(model).__name__}, not {kind.noun}")
            self.scope.models[name] = replace(model, name=name)
        except Exception as error:  # a backend says in a ValueError what is wrong; a user's own may raise anything
            self.problem(call.path, str(error) or type(error).__name__)

    def source(self, name: str, block: Any) -> Source | None:
        """Read one source."""
        path: KeyPath = ("sources", name)
        checked = self.keys(SourceKeys, _said(block), path)
        if not isinstance(block, dict):
            return None
        read = self.read(block.get("read"), (*path, "read"))
        steps = self.steps(block.get("steps"), (*path, "steps"))
        sample = self.sample(block.get("sample"), (*path, "sample"))
        if not checked or read is None:
            return None
        return Source(name, read, checked["optional"], checked["take"], steps, sample)

    def read(self, block: Any, path: KeyPath) -> Read | None:
        """Read a `read` block: a reader and its parameters."""
        named = self.named("sources", block, path)
        call = named and self.checked(named, KINDS["source"])
        if call is None:
            return None
        params = {k: locate(v) or v.expanduser() if isinstance(v, Path) else v for k, v in call.params.items()}
        for key in [k for k, v in params.items() if isinstance(v, Address) and ":" in call.name]:
            self.problem(
                (*call.path, key), "a source of your own reads files on this disk: fetch what the address names"
            )
        return Read(call.name, call.function, params, self.places(call.path), call.objects)

    def steps(self, block: Any, path: KeyPath) -> tuple[Step, ...]:
        """Read a list of steps."""
        if block is not None and not isinstance(block, list):
            self.problem(path, "is a list of steps, each `- keep: {filter: {parameters}}`")
            return ()
        steps = [self.step(item, (*path, i)) for i, item in enumerate(block or [])]
        return tuple(step for step in steps if step)

    def step(self, block: Any, path: KeyPath) -> Step | None:
        """Read one step: its verb, its filter or maker, its parameters."""
        verbs = {key: body for key, body in block.items() if key != AS} if isinstance(block, dict) else {}
        if len(verbs) != 1:
            self.problem(path, f"a step is one verb ({', '.join(VERBS)}) and what it applies")
            return None
        if not isinstance(block.get(AS, ""), str):
            self.problem((*path, AS), f"the label of a step is a text, not {block[AS]!r}")
        verb, body = next(iter(verbs.items()))
        if verb not in VERBS:
            self.problem((*path, verb), f"there is no verb '{verb}'; {did_you_mean(str(verb), VERBS)}")
            return None
        named = self.named(VERBS[verb].group, body, (*path, verb))
        if named is None:
            return None
        kind = KINDS.get(registry.kind_of(named.function))
        if kind and kind.verbs and verb not in kind.verbs:
            message = f"'{named.name}' is {kind.noun}, so its verb is '{kind.verbs[0]}', not '{verb}'"
            self.problem((*path, verb), message)
            return None
        call = self.checked(named, registry.kind_of_step(verb, named.function))
        if call is None:
            return None
        label, place = self.labels[path], self.places(call.path)
        if call.unrun:
            return Step(verb, call.name, label, call.function, call.params, None, place)
        try:
            return build(verb, call.name, label, call.function, call.params, place, call.objects)
        except Exception as error:  # a filter says in a ValueError what is wrong; a user's own may raise anything
            self.problem(call.path, str(error) or type(error).__name__)
            return None

    def overrides(self, name: str | None) -> Overrides:
        """Read the file of decisions about rows."""
        try:
            return read_overrides(self.scope.text(name)) if name else Overrides()
        except (LookupError, ValueError) as error:
            self.problem(("overrides",), str(error))
            return Overrides()

    def sample(self, block: Any, path: KeyPath) -> Sample | None:
        """Read a `sample` block: the parameters of `domains`, or `{selector: {its parameters}}`."""
        if block is None:
            return None
        of_domains = not (isinstance(block, dict) and len(block) == 1 and isinstance(next(iter(block.values())), dict))
        named = self.named("filters", {"domains": block} if of_domains else block, path)
        if named is None or named.unrun:
            return None
        where = path if of_domains else named.path
        model = registry.parameters(named.function)
        if not registry.is_a(named.function, "select") or "n" not in model.model_fields:
            self.problem(where, f"'{named.name}' is no selector that picks a number of rows")
            return None
        before = len(self.problems)
        names = [n for n in model.model_fields if n not in {"n", "seed"}]
        for name in sorted({"n", "seed"} & set(dict(items(named.params)))):
            self.problem((*where, name), f"'{name}' comes from the recipe; known here: {', '.join(names)}")
        params = {"n": 1, **named.params} if isinstance(named.params, dict) else named.params
        checked = self.keys(model, params, where)
        if len(self.problems) > before:
            return None
        return Sample(named.name, named.function, {n: checked[n] for n in names}, self.places(where))

    def check_files(self, sources: Iterable[Source]) -> None:
        """Say which files are missing, so that who mends the rest is not told of them only then."""
        from curate.sources.public import fetched

        for source in sources:
            for key, path in source.read.params.items():
                if isinstance(path, Path) and not source.optional and locate(path) is None:
                    where = ("sources", source.name, "read", source.read.name, key)
                    self.problem(where, f"there is no file {path}{tried(path)}{fetched(path)}")

    def check_labels(self) -> None:
        """Check that every step's label is one that the ledger can have as a column, and stands for that step alone."""
        scores: dict[str, bool] = {}
        for path, label in self.labels.items():
            if path[-1] == "sample":
                continue
            step: Any = self.data
            for part in path:
                step = step[part]
            is_score = "score" in step
            wrong = label_problem(label, own=AS in step, score=is_score) if isinstance(step.get(AS, ""), str) else None
            if wrong is None and scores.setdefault(label, is_score) != is_score:
                wrong = f"'{label}' is the label of a score, and of a step that is none"
            if wrong:
                self.problem((*path, AS), wrong)
        for path in twice(self.data, self.labels):
            message = f"the label '{self.labels[path]}' has another step already that the same rows meet"
            self.problem((*path, AS), message)

    # What all blocks share: a function that is named, its kind, its parameters.

    def named(self, group: str, block: Any, path: KeyPath) -> _Call | None:
        """Take apart `{name: {parameters}}` and find the function; its parameters are not checked yet."""
        if isinstance(block, str):
            block = {block: {}}
        if not isinstance(block, dict) or len(block) != 1:
            if block is not None or group == "filters":
                self.problem(path, f"names one of the {group}, as {{name: {{parameters}}}}")
            return None
        name, params = next(iter(block.items()))
        try:
            if ":" in str(name) and not self.trusted:
                own.find_file(str(name), self.scope.folder)
                self.unrun.append(str(name))
                function: Callable[..., Any] = own.unrun
            else:
                function = registry.find(group, str(name), self.scope.folder)
        except LookupError as error:
            self.problem((*path, name), str(error))
            return None
        return _Call(name, function, {} if params is None else params, {}, (*path, name))

    def checked(self, call: _Call, kind: Kind, without: Iterable[str] = ()) -> _Call | None:
        """Check a function's kind and parameters, and find what these name; it is not called yet.

        `without` are parameters that its caller fills.
        """
        if call.unrun:
            return call._replace(params=dict(items(call.params)))
        if not registry.is_a(call.function, kind.name):
            other = KINDS.get(registry.kind_of(call.function))
            what = other.noun if other else "annotated to give something else"
            self.problem(call.path, f"'{call.name}' is {what}, where {kind.noun} is needed")
            return None
        before = len(self.problems)
        params = self.keys(registry.parameters(call.function, without), call.params or {}, call.path)
        objects, wrong = bind(call.function, params, self.scope)
        for name, message in wrong:
            self.problem((*call.path, name), message)
        if "size" in registry.filled(call.function) and "size" in signature(call.function).parameters:
            objects["size"] = self.data.get("size")
            if objects["size"] is None:
                self.problem(call.path, f"'{call.path[-1]}' goes by the recipe's `size`, which is missing")
        if len(self.problems) > before:
            return None
        if "seed" in params and "seed" not in (call.params or {}):
            params["seed"] = self.seed
        return call._replace(params=params, objects=objects)

    def keys(self, model: type[pydantic.BaseModel], block: Any, path: KeyPath) -> dict[str, Any]:
        """Check a block against its schema; what is wrong becomes problems."""
        checked, wrong = registry.check(model, block)
        for inner, message in wrong:
            self.problem((*path, *inner), message)
        return checked
