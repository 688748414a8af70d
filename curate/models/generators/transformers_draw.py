"""Draw each row's next token from a seed of its own, so that a row's answer is the same in any company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class Draw(LogitsProcessor):
    """Stand as the last of the processors: it leaves one token possible in each row, the drawn one.

    `generate` itself draws for all rows from one stream of random numbers, so that a row's answer would depend on how
    many rows stand before it. Here each row has its stream, one number a token, and takes the token at which the
    probabilities, added up in the order of the vocabulary, pass that number.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Give scores that are 0 for the drawn token of each row and minus infinity for all others."""
        sums = scores.to("cpu", torch.float64).softmax(-1).cumsum(-1)
        drawn = torch.stack([torch.rand(1, generator=stream, dtype=torch.float64) for stream in self._streams])
        tokens = torch.searchsorted(sums, drawn * sums[:, -1:], right=True).clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens.to(scores.device), 0.0)
