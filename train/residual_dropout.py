"""LIMA's residual dropout: on what each layer adds, nothing at the bottom, most at the top."""

from __future__ import annotations

from functools import partial
from typing import Any

from curate.errors import UserError
from curate.train._branches import Layer, find, quiet, run

NAME = "residual_dropout"  # of the module that each layer gets


class ResidualDropoutError(UserError):
    """Residual dropout cannot be put on this model; the message says why."""


class ResidualDropout:
    """Residual dropout on a model, until `remove()` or the end of the `with` block.

    `rates` are the layers' probabilities from the bottom up, `branches` the names of the modules whose outputs are
    dropped.
    """

    def __init__(self, layers: list[Layer], rates: list[float], hooks: list[Any]) -> None:
        self.rates = rates
        self.branches = [f"{layer.name}.{branch}" for layer in layers for branch in layer.branches]
        self._layers, self._hooks = layers, hooks

    def remove(self) -> None:
        """Take it off: nothing of it stays in the model. A second time does nothing."""
        for hook in self._hooks:
            hook.remove()
        for layer in self._layers:
            if hasattr(layer.module, NAME):
                delattr(layer.module, NAME)

    def __enter__(self) -> ResidualDropout:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def rates(layers: int, p: float) -> list[float]:
    """Give each layer's probability: layer i of n gets p i / (n - 1), the only layer of one gets p.

    >>> rates(4, 0.3)
    [0.0, 0.1, 0.2, 0.3]
    """
    return [round(p * i / (layers - 1), 12) for i in range(layers)] if layers > 1 else [p] * layers


def add(model: Any, p: float = 0.3) -> ResidualDropout:
    """Drop out parts of what each decoder layer adds to the residual stream, at a rate rising linearly to `p`.

    Every layer gets one registered `nn.Dropout`, which a hook calls on the output of each of its branches (see
    `curate.train._branches.find`). So it follows `model.train()` and `model.eval()`, TRL's `disable_dropout` sees it,
    and the saved weights and config know nothing of it. Add it to the model as it is trained, so after LoRA: give
    `trainer.model`.

    Before it is trusted, every rate is set to 1 and a few tokens are run: with nothing added, the stream behind each
    layer must be exactly what went into the first.

    Args:
        model: A decoder of transformers, with or without PEFT around it.
        p: The top layer's probability, from 0 to below 1: 0.3, for smaller models 0.2 (LIMA, section 3).

    Raises:
        ResidualDropoutError: The model has it already, or fails that test (BLOOM adds its residual inside a
            branch, MiniMax scales the stream).
    """
    if not 0 <= p < 1:
        raise ResidualDropoutError(f"residual_dropout: {p} is no probability from 0 to below 1 (LIMA takes 0.3)")
    if any(name.endswith(f".{NAME}") for name, _ in model.named_modules()):
        raise ResidualDropoutError("the model has residual dropout already: remove() it before it is added again")
    kind = type(model.get_base_model() if hasattr(model, "peft_config") else model).__name__
    with quiet(model):
        try:
            layers = find(model)
        except Exception as error:  # whatever a model's own code says to four tokens
            raise ResidualDropoutError(f"residual dropout cannot look into {kind}: {error}") from error
        added = _put(layers, rates(len(layers), p))
        try:
            _test(model, kind, layers)
        except BaseException:
            added.remove()
            raise
    for layer in layers:
        layer.module.residual_dropout.train(layer.module.training)
    return added


def _put(layers: list[Layer], each: list[float]) -> ResidualDropout:
    from torch import nn

    hooks = []
    for layer, p in zip(layers, each, strict=True):
        dropout = nn.Dropout(p)
        layer.module.add_module(NAME, dropout)
        # A partial, not a closure: in a deep copy of the model the copy's own dropout is called.
        hooks += [
            getattr(layer.module, branch).register_forward_hook(partial(_drop, dropout)) for branch in layer.branches
        ]
    return ResidualDropout(layers, each, hooks)


def _drop(dropout: Any, module: Any, args: Any, output: Any) -> Any:
    # Attention gives its weights too, a mixture of experts its router's logits.
    return (dropout(output[0]), *output[1:]) if isinstance(output, tuple) else dropout(output)


def _test(model: Any, kind: str, layers: list[Layer]) -> None:
    import torch

    dropouts = [layer.module.residual_dropout for layer in layers]
    meant = [dropout.p for dropout in dropouts]
    for dropout in dropouts:
        dropout.p, dropout.training = 1.0, True
    stream, *behind = run(model)
    for dropout, p in zip(dropouts, meant, strict=True):
        dropout.p, dropout.training = p, False
    for layer, state in zip(layers, behind, strict=True):
        if not torch.equal(stream, state):
            named = " and ".join(layer.branches) or "none found"
            raise ResidualDropoutError(
                f"residual dropout does not fit {kind}: without its branches ({named}) layer {layer.name} should give "
                "on what it was given, and it does not; leave residual_dropout out"
            )
