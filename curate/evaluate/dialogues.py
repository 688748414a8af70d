"""Scripted dialogues: a user's turns that stand, and between them what the model itself answers (LIMA, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from curate.evaluate.answers import SCHEMA, asked_of, checked, line
from curate.evaluate.prompts import PromptsError, rows_of
from curate.evaluate.trained import Checkpoint
from curate.models.generators.ask import Answer, Ask, Failed, conversation, seed_of
from curate.models.generators.generator import Generator, Progress
from curate.rows import with_ids


def read_dialogues(file: Path, limit: int | None = None) -> pl.DataFrame:
    """Read dialogues: `id`, `turns` (the user's, at least one), `system`; one that is there twice is asked once.

    A row without an id gets the hash of what it holds. Raise PromptsError naming the row that is no dialogue.
    """
    schema = {"own": pl.String(), "turns": pl.List(pl.String()), "system": pl.String()}
    rows = pl.DataFrame([_dialogue(file, i, row) for i, row in enumerate(rows_of(file), 1)], schema=schema)
    if rows.is_empty():
        raise PromptsError(f"{file} holds no dialogues")
    named = with_ids(rows.drop("own")).hstack(rows.select("own"))
    named = named.with_columns(id=pl.coalesce("own", "id")).drop("own")
    return named.unique("id", keep="first", maintain_order=True).head(limit or rows.height)


def _dialogue(file: Path, number: int, row: Any) -> dict[str, Any]:
    turns = row.get("turns") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not turns or not all(isinstance(t, str) and t.strip() for t in turns):
        raise PromptsError(f"{file}: row {number} is no dialogue: it has to hold `turns`, a list of what the user says")
    own = row.get("id")
    return {"own": None if own is None else str(own), "turns": turns, "system": row.get("system")}


@dataclass
class _Talk:
    """A dialogue on its way: what was said, and the lines that it gives."""

    row: Mapping[str, Any]
    sample: int
    history: list[dict[str, str]] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    lost: str | None = None

    def asks(self, turn: int) -> dict[str, Any]:
        """Make the row that this turn asks."""
        said = {"id": self.row["id"], "prompt": self.row["turns"][turn], "history": list(self.history)}
        return said | {"system": self.row.get("system")}

    def hears(self, turn: int, answer: Answer | Failed, checkpoint: Checkpoint | None) -> None:
        """Go on with an answer, or end where there is none."""
        self.lines.append(line(answer, self.asks(turn), self.sample, checkpoint, turn))
        if isinstance(answer, Failed):
            self.lost = self.lost or f"turn {turn + 1} had no answer"
            return
        self.history.append({"role": "user", "content": self.row["turns"][turn]})
        self.history.append({"role": "assistant", "content": answer.text})


def answers(
    model: str | Path | Generator,
    dialogues: str | Path | pl.DataFrame,
    *,
    backend: str | None = None,
    engine: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    samples: int = 1,
    seed: int = 0,
    checkpoint: Checkpoint | None = None,
    journal: Path | None = None,
    tell: Progress | None = None,
) -> pl.DataFrame:
    """Answer dialogues turn by turn; return a line a turn (`curate.evaluate.answers.SCHEMA`), dialogue by dialogue.

    All dialogues are answered together, first their first turns, then their second ones, each with the model's own
    answers before it. After a turn without an answer the rest of its dialogue has none either, and says so.

    `dialogues` are a .jsonl or .parquet file with `turns`, a list of what the user says, or rows with `id` and `turns`;
    each is held `samples` times. The seed of an answer comes from `seed`, the dialogue's id, the turn, and the number
    of the sample. The other parameters, and what is raised, are those of `curate.evaluate.answers.answers`.

    >>> from curate.pairs.example import says
    >>> model = says(lambda ask: f"You have said {len(ask.messages) // 2 + 1} things.")
    >>> answers(model, pl.DataFrame({"id": ["1"], "turns": [["Hi!", "And now?"]]}))["response"].to_list()
    ['You have said 1 things.', 'You have said 2 things.']
    """
    rows = dialogues if isinstance(dialogues, pl.DataFrame) else read_dialogues(Path(dialogues))
    asked = asked_of(model, backend, engine, sampling, checkpoint, journal=journal, tell=tell)
    talks = [_Talk(row, sample) for row in rows.iter_rows(named=True) for sample in range(checked(samples))]
    name = asked.name
    for turn in range(max((len(talk.row["turns"]) for talk in talks), default=0)):
        asked.name = f"{name}, turn {turn + 1}"
        _say(asked, [talk for talk in talks if turn < len(talk.row["turns"])], turn, seed, checkpoint)
    asked.name = name
    return pl.DataFrame([one for talk in talks for one in talk.lines], schema=SCHEMA, orient="row")


def _say(asked: Generator, talks: list[_Talk], turn: int, seed: int, checkpoint: Checkpoint | None) -> None:
    there = [talk for talk in talks if talk.lost is None]
    # The first turn draws as a prompt by itself does.
    use = "" if turn == 0 else f"/{turn}"
    asks = [
        Ask(conversation(talk.asks(turn)), seed_of(seed, talk.row["id"], f"answer/{talk.sample}{use}"))
        for talk in there
    ]
    given = iter(asked.ask(asks) if asks else ())
    for talk in talks:
        talk.hears(turn, next(given) if talk.lost is None else Failed(talk.lost, again=False), checkpoint)
