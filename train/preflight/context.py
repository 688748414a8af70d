"""What the checks read: the set as trl made it, in flat arrays, so that a check of all rows is one comparison."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from curate.train import data
from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import listing
from curate.train.stages import Stage, stage_of


@dataclass(frozen=True)
class Answers:
    """One answer a row as the trainer will see it: `tokens` of all rows in one array, `trained` beside them.

    `starts` (rows + 1) says where each row begins, `ids` whose row it is. `full` is a row's length before it was cut,
    where trl keeps it.
    """

    name: str
    ids: list[str]
    tokens: Any
    trained: Any
    starts: Any
    full: Any

    @property
    def lengths(self) -> Any:
        """Count each row's tokens."""
        return self.starts[1:] - self.starts[:-1]

    def row(self, i: int) -> tuple[Any, Any]:
        """Give one row's tokens and which of them are trained."""
        part = slice(self.starts[i], self.starts[i + 1])
        return self.tokens[part], self.trained[part]

    def untrained_prefix(self) -> Any:
        """Count the tokens of each row before the first that is trained."""
        import numpy as np

        positions = np.append(np.flatnonzero(self.trained), len(self.trained))
        first = positions[np.searchsorted(positions, self.starts[:-1])]
        return np.minimum(first, self.starts[1:]) - self.starts[:-1]


@dataclass(frozen=True)
class Context:
    """A trainer that is ready, its config, and the rows that it was given."""

    trainer: Any
    config: TrainConfig
    rows: list[Row]

    @property
    def stage(self) -> Stage:
        """Give the stage."""
        return stage_of(self.config.stage)

    @property
    def tokenizer(self) -> Any:
        """Give the tokenizer."""
        return self.trainer.processing_class

    @property
    def model(self) -> Any:
        """Give the model, without what a launcher puts around it."""
        return self.trainer.accelerator.unwrap_model(self.trainer.model)

    @property
    def limit(self) -> int | None:
        """Give max_length, where rows are cut or dropped."""
        limit: int | None = getattr(self.trainer.args, "max_length", None)
        return limit

    @property
    def keeps_start(self) -> bool:
        """Say whether a row that is too long loses its end."""
        return bool(getattr(self.trainer.args, "truncation_mode", "keep_start") == "keep_start")

    @property
    def packed(self) -> bool:
        """Say whether rows are packed together, so that trl's set no longer tells them apart."""
        return bool(getattr(self.trainer.args, "packing", False))

    @cached_property
    def answers(self) -> list[Answers]:
        """Read trl's set; a packed one is made once more without packing."""
        return self.uncut(self.rows) if self.packed else read(self.trainer.train_dataset, self.limit, self.keeps_start)

    @cached_property
    def by_id(self) -> dict[str, Row]:
        """Find a row by its id."""
        return {row.id: row for row in self.rows}

    @cached_property
    def cut(self) -> dict[str, int]:
        """Give the ids of rows that max_length cuts, with the length of the longer answer before.

        In SFT and ORPO trl has cut them already: those as long as can be are made once more, uncut.
        """
        if self.limit is None or (self.packed and self.trainer.args.packing_strategy != "bfd"):
            return {}  # the other ways of packing put what is over into another sequence
        all_answers = self.answers
        if self.stage.name in ("sft", "orpo") and not self.packed:
            ids = {i for one in all_answers for i, n in zip(one.ids, one.full, strict=True) if n == self.limit}
            longest = [row for row in self.rows if row.id in ids]
            all_answers = self.uncut(longest) if longest else []
        lengths: dict[str, int] = {}
        for one in all_answers:
            for i in (one.full > self.limit).nonzero()[0]:
                lengths[one.ids[i]] = max(int(one.full[i]), lengths.get(one.ids[i], 0))
        return lengths

    def uncut(self, rows: Sequence[Row]) -> list[Answers]:
        """Have trl make its set of some rows anew, with nothing cut, dropped or packed."""
        args = copy.copy(self.trainer.args)
        args.max_length = None
        dataset = data.dataset(rows)
        if self.stage.name == "orpo":
            return _uncut_pairs(self.trainer, dataset)
        more = (False, None) if self.stage.name == "sft" else ()  # packing, formatting_func
        return read(self.trainer._prepare_dataset(dataset, self.tokenizer, args, *more, "preflight"))

    def named(self, ids: Iterable[str]) -> str:
        """Name rows for a person."""
        return listing(self.by_id[i].name if i in self.by_id else i for i in dict.fromkeys(ids))


def read(dataset: Any, limit: int | None = None, keeps_start: bool = True) -> list[Answers]:
    """Read the answers of a set that trl made, cut as its collator will cut them; none where they come later (RLOO)."""
    columns = set(dataset.column_names)
    table = dataset.select_columns([name for name in _COLUMNS if name in columns]).with_format("arrow")[:]
    ids = [str(i) for i in table["id"].to_pylist()] if "id" in columns else [f"row {i}" for i in range(len(dataset))]
    if "labels" in columns:
        (tokens, lengths), (labels, _) = _flat(table["input_ids"]), _flat(table["labels"])
        return [Answers("completion", ids, tokens, labels != -100, _starts(lengths), lengths)]
    answers = []
    for name in ("chosen", "rejected"):
        if f"{name}_labels" in columns:  # ORPO's
            (tokens, lengths), (labels, _) = _flat(table[f"{name}_input_ids"]), _flat(table[f"{name}_labels"])
            answers.append(Answers(name, ids, tokens, labels != -100, _starts(lengths), lengths))
    for name in ("completion", "chosen", "rejected"):
        if f"{name}_ids" in columns:
            whole = _flat(table[f"{name}_ids"])
            prompt = _flat(table["prompt_ids"]) if "prompt_ids" in columns else None
            answers.append(_joined(name, ids, prompt, whole, limit if prompt else None, keeps_start))
    return answers


def _uncut_pairs(trainer: Any, dataset: Any) -> list[Answers]:
    """Have ORPO's trainer tokenise rows anew; it has no method for a whole set, and keeps the limit itself."""
    from trl.data_utils import maybe_apply_chat_template

    trainer = copy.copy(trainer)
    trainer.max_length = sys.maxsize
    texts = dataset.map(maybe_apply_chat_template, fn_kwargs={"processing_class": trainer.processing_class})
    return read(texts.map(lambda row: trainer.tokenize_row(row)))


_COLUMNS = (
    *("id", "input_ids", "labels", "prompt_ids", "completion_ids", "chosen_ids", "rejected_ids"),
    *("chosen_input_ids", "chosen_labels", "rejected_input_ids", "rejected_labels"),  # ORPO's
)
_Flat = tuple[Any, Any]


def _flat(column: Any) -> _Flat:
    """Give the values of a column of lists, and the length of each list."""
    import pyarrow.compute as pc

    return pc.list_flatten(column).to_numpy(), pc.list_value_length(column).to_numpy().astype("int64")


def _starts(lengths: Any) -> Any:
    import numpy as np

    return np.concatenate([[0], np.cumsum(lengths)])


def _joined(name: str, ids: list[str], prompt: _Flat | None, answer: _Flat, limit: int | None, start: bool) -> Answers:
    """Put prompts before their answers and cut them, as trl's collators for pairs do batch by batch."""
    import numpy as np

    (tokens, lengths), before = answer, prompt[1] if prompt else 0
    total = lengths + before
    at = np.arange(total.sum()) - np.repeat(_starts(total)[:-1], total)
    trained = at >= np.repeat(np.broadcast_to(before, total.shape), total)
    whole = np.empty(len(at), dtype="int64")
    whole[trained] = tokens
    if prompt:
        whole[~trained] = prompt[0]
    lengths = total if limit is None else np.minimum(total, limit)
    first = np.zeros_like(total) if start else total - lengths
    inside = (at >= np.repeat(first, total)) & (at < np.repeat(first + lengths, total))
    return Answers(name, ids, whole[inside], trained[inside], _starts(lengths), total)
