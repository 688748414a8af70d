"""A reward model at work: the engine behind `reward_model`."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from functools import partial
from importlib.util import find_spec
from typing import Any

from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, GeneratorError, Result, Settings
from curate.models.generators.generator import Generator
from curate.models.generators.tokenizers import rendered
from curate.models.judges.judge import Case, Grade, Judge
from curate.models.judges.replies import Unread, judgement
from curate.models.weights import first_line
from curate.turns import Turn, turn

REWARD = "reward"  # the label under which an answer holds it
_INSTALL = "pip install 'curate-lm[transformers]'"
_UNLIMITED = 1_000_000  # tokens; a tokenizer that knows no limit says 10^30


class RewardEngine:
    """A sequence classifier with one label, its tokenizer and chat template."""

    context = None  # how long a conversation may be is said in its own words, below

    def __init__(self, model: str, engine: Mapping[str, Any], batch_size: int) -> None:
        self._name, self._batch_size = model, batch_size
        if not (find_spec("torch") and find_spec("transformers")):
            raise GeneratorError(f"a reward model needs packages that are not there: {_INSTALL}")
        path = weights.find_model(model)
        try:
            with redirect_stderr(io.StringIO()):  # progress bars
                self._load(path, engine)
        except GeneratorError:
            raise
        except Exception as error:  # of transformers, torch, the hub
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise GeneratorError(f"the reward model {model} cannot be loaded: {reason}") from error

    def _load(self, path: str, engine: Mapping[str, Any]) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        engine = {"trust_remote_code": False, **engine}  # outright: else transformers asks at the terminal
        shared = {key: engine[key] for key in ("revision", "trust_remote_code") if key in engine}
        self._tokenizer: Any = AutoTokenizer.from_pretrained(path, **shared)
        self._model, loading = AutoModelForSequenceClassification.from_pretrained(
            path, output_loading_info=True, **engine
        )
        # A language model loads here too, with a head of random numbers: that would be a judge by chance.
        if loading["missing_keys"] or self._model.config.num_labels != 1:
            raise GeneratorError(
                f"{self._name} is no reward model: that is a sequence classifier with one label and weights for it"
            )
        if not self._tokenizer.chat_template:
            raise GeneratorError(f"{self._name} has no chat template, so it is not known how it reads a conversation")
        if "device_map" not in engine and torch.cuda.is_available():
            self._model.to("cuda")

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        """Count the tokens of a conversation with its answer."""
        return len(self._tokens(messages, tools))

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Result]]:
        """Give the reward of every conversation, shortest first."""
        most = sampling.get("max_length") or self._limit()
        fit: list[tuple[int, list[int]]] = []
        for position, ask in enumerate(asks):
            tokens = self._fitting(ask, most)
            if isinstance(tokens, Failed):
                yield position, tokens
            else:
                fit.append((position, tokens))
        fit.sort(key=lambda one: (len(one[1]), one[0]))
        for i in range(0, len(fit), self._at_once()):
            batch = fit[i : i + self._at_once()]
            for (position, tokens), reward in zip(batch, self._rewards([t for _, t in batch]), strict=True):
                yield position, Answer("", "stop", len(tokens), 0, {REWARD: reward})

    def _limit(self) -> int | None:
        limits = [getattr(self._model.config, "max_position_embeddings", None), self._tokenizer.model_max_length]
        return min((n for n in limits if n and n < _UNLIMITED), default=None)

    def _fitting(self, ask: Ask, most: int | None) -> list[int] | Failed:
        try:
            tokens = self._tokens(ask.messages, ask.tools)
        except Exception as error:  # a template may refuse a conversation with any exception
            return Failed(f"the chat template refuses the conversation: {first_line(error)}", again=False)
        if most and len(tokens) > most:
            return Failed(
                f"conversation and answer have {len(tokens):,} tokens, and the reward model takes {most:,}", again=False
            )
        return tokens

    def _tokens(self, messages: Sequence[Turn], tools: str | None) -> list[int]:
        text = rendered(self._tokenizer, messages, tools, add_generation_prompt=False)
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False)  # the template has put them there
        return tokens

    def _at_once(self) -> int:
        # Without a token to pad with, a decoder finds the last token of one conversation only.
        return self._batch_size if self._model.config.get_text_config().pad_token_id is not None else 1

    def _rewards(self, batch: list[list[int]]) -> list[float]:
        import torch

        longest, pad = max(map(len, batch)), self._model.config.get_text_config().pad_token_id or 0
        ids = torch.tensor([tokens + [pad] * (longest - len(tokens)) for tokens in batch])
        mask = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens in batch])
        with torch.inference_mode():
            out = self._model(input_ids=ids.to(self._model.device), attention_mask=mask.to(self._model.device))
        return [round(float(reward), 4) for reward in out.logits[:, 0].float().cpu()]

    def close(self) -> None:
        """Give back the memory."""
        self._model = None
        weights.free_memory()


def reward_model(
    *, model: str, engine: dict[str, Any] | None = None, batch_size: int = 8, max_length: int | None = None
) -> Judge:
    """Grade answers by a reward model: its one output for the whole conversation, put through its chat template.

    The model is a generator's engine like any other: it is loaded when first asked, is alone in memory, and what it
    said is kept in the journal. Rewards are rounded to 4 decimals: the digits after them depend on what else is in
    the batch (in half precision more of them do; `dtype: float32` says the same in any batch).

    Not cut but without a grade, with the reason why: a conversation longer than the model takes, one that the chat
    template refuses, and a reward that is no number.

    Args:
        model: a folder or a name of the Hugging Face hub; a sequence classifier with one label, as trl's RewardTrainer
            saves it.
        engine: arguments of transformers' `from_pretrained` (`dtype`, `device_map`, `revision`, …), under their own
            names; without `device_map` the first GPU is used, where there is one.
        batch_size: conversations that go through the model at once; does not change a grade.
        max_length: the most tokens a conversation and its answer may have; by default what the model takes.

    Raises ValueError for a number that cannot be, ModelError where the folder holds no model; when first asked,
    GeneratorError where it is no reward model.
    """
    engine = engine or {}
    if batch_size < 1 or (max_length is not None and max_length < 1):
        raise ValueError(f"reward_model: batch_size and max_length are 1 or more, not {batch_size} and {max_length}")
    for name in ("num_labels", "output_loading_info"):
        if name in engine:
            raise ValueError(f"reward_model: engine cannot set '{name}': a reward model has one label")
    settings = Settings("reward_model", model, engine, {"max_length": max_length}, weights=weights.weights(model))
    generator = Generator(settings, partial(RewardEngine, model, engine, batch_size), name="reward model")
    about = {"judge": "reward_model", "generator": generator.describe()}
    return Judge(partial(_grade, generator), about, "reward_model", (generator,))


def _grade(generator: Generator, cases: Sequence[Case]) -> list[Grade]:
    results = generator.ask(
        [
            Ask([*case.messages, *case.turns, turn("assistant", case.response)], 0, labels=(REWARD,), tools=case.tools)
            for case in cases
        ]
    )
    return [judgement(Grade, result, _reward) for result in results]


def _reward(answer: Answer) -> Grade:
    reward = (answer.labels or {}).get(REWARD, math.nan)
    if not math.isfinite(reward):
        raise Unread("the reward is no number")
    return Grade(reward)
