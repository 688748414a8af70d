"""What is asked of a generator, and what comes back: the whole contract of a backend."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, NamedTuple, Protocol, TypeAlias

from curate.errors import UserError
from curate.models.settings import find_secrets
from curate.turns import Turn

Text: TypeAlias = Annotated[str, "file"]  # in a recipe the name of a text file, in a program the text itself


class GeneratorError(UserError):
    """Say in one sentence why a generator cannot be used at all, and what would be right."""


@dataclass(frozen=True)
class Ask:
    """One completion asked for: a conversation that ends with the user's turn, and the seed of this one answer.

    `schema` asks for JSON of that JSON Schema. `labels` asks for nothing but how likely an answer is to begin with each
    of these texts, and with no longer one of them ("1" is not "10"); then `Answer.labels` is filled. `tools` describes
    the tools that the model may call, as a row has them.
    """

    messages: Sequence[Turn]
    seed: int
    schema: Mapping[str, Any] | None = None
    labels: tuple[str, ...] | None = None
    tools: str | None = None


class Answer(NamedTuple):
    """One completion: its text, why it ended (`stop`, `length`, …) and the tokens it took.

    `labels` holds a log-probability for each label that was asked about. `thinking` are the thoughts before the text,
    which is empty if the model came no further; `thinking_tokens` are what they took of the answer's tokens, where the
    engine counts them.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    labels: dict[str, float] | None = None
    thinking: str | None = None
    thinking_tokens: int | None = None


def encodable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: half a surrogate pair, which JSON can spell, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Failed(NamedTuple):
    """No answer, and why; `again` says whether a later run should ask once more."""

    reason: str
    again: bool


Result: TypeAlias = Answer | Failed


class Engine(Protocol):
    """A backend at work. It is opened once, asked many times, and closed."""

    @property
    def context(self) -> int | None:
        """The most tokens that a prompt and its answer may have together; None where only the server knows."""

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        """Count the tokens of a prompt as the model will see it; None where only the server can."""

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Result]]:
        """Answer every ask, each as (its position, answer), in the order in which the answers are ready."""

    def close(self) -> None:
        """Give back memory, processes and connections."""


def seed_of(seed: int, row: str, use: str) -> int:
    """Draw the seed of one request from (seed, row id, what it is for): 31 bits, which every engine takes.

    >>> seed_of(0, "3fa2", "chosen") == seed_of(0, "3fa2", "chosen"), seed_of(0, "3fa2", "chosen") < 2**31
    (True, True)
    """
    digest = hashlib.sha256(f"{seed}\x1f{row}\x1f{use}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


@dataclass(frozen=True)
class Settings:
    """What makes a generator the one it is: the same settings and the same ask mean the same answer.

    `engine` are the arguments of the engine's own class, `sampling` those of its own sampling settings; nothing is
    renamed. `address` is where a server stands. `limit` is the sampling setting that bounds an answer's tokens.
    `weights` names what a model on this disk holds: answers of other weights under the same name are not its answers.
    """

    backend: str
    model: str
    engine: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    address: str | None = None
    limit: int | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        """Refuse a secret: settings are written into the manifest, and into what is kept."""
        for path, sentence in find_secrets(asdict(self)):
            raise GeneratorError(f"{'.'.join(map(str, path))} {sentence}")
