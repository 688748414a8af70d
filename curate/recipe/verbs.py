"""The kinds of functions that a recipe names, and the verbs that take them: one table, which everything else reads."""

from __future__ import annotations

from typing import Any, NamedTuple

from curate.filter import Choice, Scores
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.rows import Part


class Kind(NamedTuple):
    """A kind of function; its return annotation says which one a function is."""

    name: str
    noun: str  # how a message calls one
    group: str  # where such functions are looked up
    verbs: tuple[str, ...] = ()
    returns: Any = None  # the annotation; None: `Annotated[…, name]`
    filled: frozenset[str] = frozenset()  # parameters that the runner fills, so not a recipe's to set
    judges: bool = False  # keeps or drops a row by looking at it alone
    alone: bool = False  # is a stage of its own, over the whole pool; neighbours of the other kinds share one


# `ids` is for programs, which select from an array; `chosen` are the rows of the sources before.
_POOL = frozenset({"pool", "ids", "chosen", "size"})
_ROWS = frozenset({"rows"})
_TABLE = (
    Kind("property", "a property", "filters", ("keep", "drop"), judges=True),
    Kind("edit", "an edit", "filters", ("edit",)),
    # Before the other kind of score, which a function without an annotation is taken for.
    Kind("scores", "a score of the pool", "filters", ("score",), Scores, _POOL, alone=True),
    Kind("score", "a score", "filters", ("score",)),
    Kind("select", "a selector", "filters", ("select",), Choice, _POOL, alone=True),
    Kind("answer", "a maker of answers", "pairs", ("answer",), filled=_ROWS, alone=True),
    Kind("pair", "a maker of pairs", "pairs", ("pair",), filled=_ROWS, alone=True),
    Kind("source", "a source", "sources", returns=list[Part], filled=frozenset({"size"})),
    Kind("generator", "a generator", "generators", returns=Generator),
    Kind("judge", "a judge", "judges", returns=Judge),
)
KINDS = {kind.name: kind for kind in _TABLE}
VERBS = {verb: kind for kind in _TABLE for verb in kind.verbs}
# The package of each group.
GROUPS = {
    "filters": "curate.filters",
    "sources": "curate.sources",
    "generators": "curate.models.generators",
    "judges": "curate.models.judges",
    "pairs": "curate.pairs",
}
