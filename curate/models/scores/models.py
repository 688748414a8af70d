"""Run a model over texts for their scores: a causal language model, a reward model, a text classifier.

What a model gives for a text depends on that text alone. On a CPU each goes through by itself, on one thread: as many
texts go side by side as torch may use threads, which is twice as fast as two threads for one text. On a GPU the length
of a text says how many go through together and to what length they are padded: only the shape of a batch, never what
else stands in it, moves the last bits of a text's numbers.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from curate.models.embeddings.encoder import quiet, reason_of
from curate.models.generators.tokenizers import rendered
from curate.models.weights import ModelError, free_memory, read_json
from curate.turns import turn

Kind: TypeAlias = Literal["loss", "reward", "labels"]
Shape: TypeAlias = tuple[int, int]  # texts, tokens
_STEP, _TOKENS = 64, 4096  # on a GPU: lengths are rounded up to the one, a batch has about the other
_PIECE = 16  # tokens whose losses are taken together: each holds a number for every word of the vocabulary
_UNLIMITED = 1_000_000  # tokens; a tokenizer that knows no limit says 10^30
FINE, EMPTY, LONG, REFUSED, ODD = range(5)
REASONS = {
    EMPTY: "have no token to score",
    LONG: "are longer than the model takes",
    REFUSED: "are refused by the model's chat template",
    ODD: "get from the model what is no number",
}
_NOUNS = {
    "loss": "causal language model",
    "reward": "reward model (a sequence classifier with one label)",
    "labels": "text classifier",
}


class Request(NamedTuple):
    """The tokens of a text as the model gets them, and from which on they are scored.

    `cut` says that the model reads only the beginning of the text, `reason` why it is not asked at all.
    """

    tokens: list[int]
    start: int = 0
    cut: bool = False
    reason: int = FINE


class Scorer(NamedTuple):
    """A loaded model: the request for a text, the shape of the batch for a length, numbers for a batch, its device."""

    request: Callable[[str], Request]
    shape: Callable[[int], Shape]
    run: Callable[[list[Request], Shape], list[list[float]]]
    device: str

    def score(self, texts: list[str]) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """Score texts by length; yield positions and the fields of their records, batch by batch."""
        requests = [self.request(text) for text in texts]
        shapes = [(len(texts), 0) if r.reason else self.shape(len(r.tokens)) for r in requests]

        def fields(at: list[int]) -> dict[str, Any]:
            batch, shape = [requests[i] for i in at], shapes[at[0]]
            return _fields(batch, self.run(batch, shape) if shape[1] else [[math.nan]] * len(at))

        batches = list(_batches(shapes))
        with _mapper(self.device) as each:
            yield from zip(batches, each(fields, batches), strict=True)


def _batches(shapes: list[Shape]) -> Iterator[list[int]]:
    """Put the positions of texts of one shape together, as many as it holds, the short ones first."""
    for shape, group in groupby(sorted(range(len(shapes)), key=lambda i: shapes[i][1]), key=lambda i: shapes[i]):
        positions = list(group)
        yield from (positions[first : first + shape[0]] for first in range(0, len(positions), shape[0]))


@contextmanager
def _mapper(device: str) -> Iterator[Callable[..., Iterator[Any]]]:
    """Give a `map` that computes on as many threads as torch may use, each item on one; on a GPU, the usual one."""
    import torch

    threads = torch.get_num_threads()
    if device != "cpu" or threads == 1:
        yield map
        return
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)  # one who interrupts does not wait for the texts that are left
        torch.set_num_threads(threads)


def _fields(batch: list[Request], values: list[list[float]]) -> dict[str, Any]:
    import numpy as np

    # The digits behind the sixth are the machine's.
    table = np.round(np.array(values), 6)
    odd = ~np.isfinite(table).all(axis=1).reshape(-1)
    return {
        "values": table,
        "tokens": [len(request.tokens) - request.start for request in batch],
        "cut": [request.cut for request in batch],
        "reason": [request.reason or int(bad) * ODD for request, bad in zip(batch, odd, strict=True)],
    }


def label_names(folder: Path) -> list[str]:
    """List the labels of a classifier in the order of its outputs."""
    config = read_json(folder / "config.json")
    names = (config if isinstance(config, dict) else {}).get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    return [str(names[number]) for number in sorted(names, key=int)]


@functools.lru_cache(maxsize=3)  # one of each kind: a row is asked of one after the other
def load(kind: Kind, name: str, folder: Path, digest: str) -> Scorer:
    """Load a model, in the number format of its files; raise ModelError for one of another kind."""
    if not (find_spec("torch") and find_spec("transformers")):
        raise ModelError("scores of models need torch and transformers: pip install 'curate-lm[transformers]'")
    free_memory()
    try:
        with quiet():
            model, tokenizer, missing = _load(kind, folder)
    except Exception as error:  # whatever a folder may hold that is no model
        raise ModelError(f"the model {name} cannot be loaded: {reason_of(error)}") from None
    # A model without the head in question loads too, with one of random numbers: its scores would be chance.
    if missing or (kind == "reward" and model.config.num_labels != 1):
        raise ModelError(f"{name} is no {_NOUNS[kind]}, or lacks some of its weights")
    if kind == "reward" and not tokenizer.chat_template:
        raise ModelError(f"{name} has no chat template, so it is not known how it reads a conversation")
    return (_losses if kind == "loss" else _outputs)(model, tokenizer)


def _load(kind: Kind, folder: Path) -> tuple[Any, Any, Any]:
    import torch
    import transformers

    shared = {"trust_remote_code": False, "local_files_only": True}
    auto = transformers.AutoModelForCausalLM if kind == "loss" else transformers.AutoModelForSequenceClassification
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    of_auto: Any = auto  # which says nothing of what it gives with `output_loading_info`
    model, loading = of_auto.from_pretrained(folder, dtype="auto", output_loading_info=True, **shared)
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer, loading["missing_keys"]


def _limit(model: Any, tokenizer: Any) -> int:
    """Count the tokens that a model takes."""
    sizes = [getattr(model.config.get_text_config(), "max_position_embeddings", None), tokenizer.model_max_length]
    return int(min((size for size in sizes if size and size < _UNLIMITED), default=_UNLIMITED))


def _shape(model: Any, limit: int, length: int) -> Shape:
    if model.device.type == "cpu":
        return 1, length
    padded = min(-(-length // _STEP) * _STEP, limit)
    return max(1, _TOKENS // padded), padded


def _inputs(model: Any, batch: list[Request], shape: Shape, pad: int) -> dict[str, Any]:
    """Pad a batch to its shape, with tokens behind each text and with texts behind the last one."""
    import torch

    texts = [*batch, *batch[-1:] * (shape[0] - len(batch))]
    ids = torch.tensor([r.tokens + [pad] * (shape[1] - len(r.tokens)) for r in texts], device=model.device)
    ends = torch.tensor([[len(r.tokens)] for r in texts], device=model.device)
    mask = (torch.arange(shape[1], device=model.device) < ends).long()
    return {"input_ids": ids, "attention_mask": mask}


def _losses(model: Any, tokenizer: Any) -> Scorer:
    """Score by the mean loss of a text's tokens, behind a prompt or behind the token that begins texts."""
    import torch

    limit = _limit(model, tokenizer)
    first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    can_keep = "logits_to_keep" in inspect.signature(model.forward).parameters

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def before(prompt: str | None) -> list[int]:
        if prompt is None:
            return first
        if not tokenizer.chat_template:
            return [*first, *encode(f"{prompt}\n\n")]
        return encode(rendered(tokenizer, [turn("user", prompt)], None))

    def request(text: str) -> Request:
        prompt, response, most = json.loads(text)
        try:
            context = before(prompt)
        except Exception:  # a template may raise anything
            return Request([], reason=REFUSED)
        target, room = encode(response)[:most], limit - len(context)
        tokens = [*context, *target[: max(room, 0)]]
        start = len(context) or 1  # nothing says how likely a first token is that nothing stands before
        reason = LONG if room < 1 else FINE if len(tokens) > start else EMPTY
        return Request(tokens, start, len(target) > room, reason)

    def run(batch: list[Request], shape: Shape) -> list[list[float]]:
        inputs = _inputs(model, batch, shape, 0)
        inputs["attention_mask"].fill_(1)  # padding stands where a causal model does not look
        with torch.inference_mode():
            outputs = model(**inputs, use_cache=False, **keep(batch[0].start, shape))
            return [[_mean_loss(row, request, shape)] for row, request in zip(outputs.logits, batch, strict=False)]

    def keep(start: int, shape: Shape) -> dict[str, int]:
        # A number for every word of the vocabulary is dear; of a text by itself only the scored tokens need theirs.
        return {"logits_to_keep": shape[1] - start + 1} if can_keep and shape[0] == 1 else {}

    return Scorer(request, functools.partial(_shape, model, limit), run, model.device.type)


def _mean_loss(logits: Any, request: Request, shape: Shape) -> float:
    """Take the mean loss of a request's tokens from the logits of the last tokens of its padded text, or of all."""
    import torch

    targets: Any = torch.tensor(request.tokens[request.start :], device=logits.device)
    first = request.start - 1 - (shape[1] - len(logits))
    logits = logits[first : first + len(targets)]
    pieces = zip(logits.split(_PIECE), targets.split(_PIECE), strict=True)
    sums = [torch.nn.functional.cross_entropy(some.float(), of, reduction="sum") for some, of in pieces]
    return math.fsum(torch.stack(sums).tolist()) / len(targets)


def _outputs(model: Any, tokenizer: Any) -> Scorer:
    """Score by the outputs of a sequence classifier: the one of a conversation, or a text's probabilities of labels."""
    import torch

    limit, pad = _limit(model, tokenizer), model.config.get_text_config().pad_token_id

    def request(text: str) -> Request:
        asked = json.loads(text)
        if isinstance(asked, list):
            return _conversation(tokenizer, asked, limit)
        tokens = tokenizer(asked, verbose=False)["input_ids"]
        if len(tokens) <= limit:
            return Request(tokens)
        return Request(tokenizer(asked, truncation=True, max_length=limit)["input_ids"], cut=True)

    def shape(length: int) -> Shape:
        # Without a token to pad with, a decoder finds the last token of one text only.
        return (1, length) if pad is None else _shape(model, limit, length)

    def run(batch: list[Request], shape: Shape) -> list[list[float]]:
        with torch.inference_mode():
            outputs = model(**_inputs(model, batch, shape, pad or 0)).logits.double()
        return outputs[: len(batch)].tolist()  # type: ignore[no-any-return]

    return Scorer(request, shape, run, model.device.type)


def _conversation(tokenizer: Any, asked: list[str], limit: int) -> Request:
    turns = [turn("user", asked[0]), turn("assistant", asked[1])]
    try:
        text = rendered(tokenizer, turns, None, add_generation_prompt=False)
    except Exception:  # a template may raise anything
        return Request([], reason=REFUSED)
    tokens = list(tokenizer.encode(text, add_special_tokens=False, verbose=False))  # the template has put them there
    return Request(tokens, reason=LONG if len(tokens) > limit else FINE)
