"""LIMA's residual dropout (2305.11206, section 3): parts of what each layer adds to the residual stream are dropped.

Where a layer adds to the stream is seen in one run of a few tokens, so that no architecture has to be listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from curate.errors import UserError

NAME = "residual_dropout"  # of the module that each layer gets
_PROBE = 4  # tokens: enough to have an attention pattern, too few to cost anything


class ResidualDropoutError(UserError):
    """Residual dropout cannot be put on this model; the message says why."""


class Layer(NamedTuple):
    """One decoder layer: its name, its module, and the names of its children that are branch outputs."""

    name: str
    module: Any
    branches: list[str]


class _Event(NamedTuple):
    """A tensor that a child read or put out; kept alive, so that its memory is no other tensor's meanwhile."""

    child: str
    tensor: Any
    version: int
    is_output: bool

    def same(self, other: _Event) -> bool:
        # A view is the same values; what was added to in place is not.
        memory, other_memory = self.tensor.untyped_storage(), other.tensor.untyped_storage()
        return memory.data_ptr() == other_memory.data_ptr() and self.version == other.version


def find(model: Any) -> list[Layer]:
    """Find each decoder layer's branch outputs: what a child of it puts out and no child reads afterwards.

    What no other part of the layer reads can only be added to the stream. In a pre-norm layer this gives the
    attention and the MLP, in a sandwich-norm layer the norms behind them, and the layer's own dropouts where it
    has some. Parts of another width than the stream (routers, gates) are none, and neither are those which reach
    the stream only through a later branch.
    """
    decoder_layers = _decoder_layers(model)
    events: list[list[_Event]] = [[] for _ in decoder_layers]
    with ExitStack() as hooks:
        for (_, layer), of_layer in zip(decoder_layers, events, strict=True):
            for name, child in layer.named_children():
                _watch(name, child, of_layer, hooks)
        states = _run(model)
    layers = [
        Layer(name, module, _unread(of_layer, states[0]))
        for (name, module), of_layer in zip(decoder_layers, events, strict=True)
    ]
    for i in range(max((len(layer.branches) for layer in layers), default=0)):
        _blank_unreached(model, layers, i)
    return [layer._replace(branches=[branch for branch in layer.branches if branch]) for layer in layers]


def _watch(name: str, child: Any, events: list[_Event], hooks: ExitStack) -> None:
    import torch

    def note(values: Any, is_output: bool) -> None:
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        events.extend(_Event(name, tensor, tensor._version, is_output) for tensor in tensors)

    def reads(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        note([*args, *kwargs.values()], is_output=False)

    def gives(_: Any, args: tuple[Any, ...], output: Any) -> None:
        note([_first(output)], is_output=True)

    hooks.callback(child.register_forward_pre_hook(reads, with_kwargs=True).remove)
    hooks.callback(child.register_forward_hook(gives).remove)


def _unread(events: list[_Event], stream: Any) -> list[str]:
    children = [
        event.child
        for i, event in enumerate(events)
        if event.is_output
        and (event.tensor.shape[-1], event.tensor.numel()) == (stream.shape[-1], stream.numel())
        and not any(later.same(event) for later in events[i + 1 :] if not later.is_output)
    ]
    return list(dict.fromkeys(children))


def _blank_unreached(model: Any, layers: list[Layer], i: int) -> None:
    """Blank in every layer its branch `i` where it changes nothing while those after it put out zeros."""

    def constant(value: float, _: Any, args: Any, output: Any) -> Any:
        put = _first(output)
        put = put.new_full(put.shape, value)
        return (put, *output[1:]) if isinstance(output, tuple) else put

    with ExitStack() as hooks:
        for layer in layers:
            for j, branch in enumerate(layer.branches):
                if branch:
                    # Ones, and not what the branch gives: a layer that was grown into a model gives zeros at first.
                    hook = partial(constant, float(i == j))
                    hooks.callback(getattr(layer.module, branch).register_forward_hook(hook).remove)
        states = _run(model)
    for layer, before, after in zip(layers, states, states[1:], strict=False):
        if i < len(layer.branches) and before.equal(after):
            layer.branches[i] = ""


def _decoder(model: Any) -> Any:
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    decoder = base.get_decoder()
    return decoder if hasattr(decoder, "config") else base.base_model  # some call their head a decoder


def _decoder_layers(model: Any) -> list[tuple[str, Any]]:
    """Give the names and modules of the decoder's layers: its outermost list of as many as its config says."""
    from torch import nn

    decoder = _decoder(model)
    count = decoder.config.get_text_config(decoder=True).num_hidden_layers
    for module in decoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            names = {id(part): name for name, part in model.named_modules()}
            return [(names[id(layer)], layer) for layer in module]
    raise LookupError(f"no list of modules in it is as long as its config says it has layers ({count})")


def _run(model: Any) -> list[Any]:
    """Run a few tokens through the decoder; give the stream before the first layer and after each."""
    import torch

    states: list[Any] = []

    def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states.extend([_first([*args, *kwargs.values()]).clone()] if not states else [])

    def after(_: Any, args: tuple[Any, ...], output: Any) -> None:
        states.append(_first(output).clone())

    layers = [layer for _, layer in _decoder_layers(model)]
    weight = model.get_input_embeddings().weight
    ids = torch.arange(_PROBE, device=weight.device)[None] % weight.shape[0]
    with ExitStack() as hooks, torch.no_grad():
        hooks.callback(layers[0].register_forward_pre_hook(before, with_kwargs=True).remove)
        for layer in layers:
            hooks.callback(layer.register_forward_hook(after).remove)
        _decoder(model)(input_ids=ids, use_cache=False)
    return states


@contextmanager
def _quiet(model: Any) -> Iterator[None]:
    """Switch every dropout off meanwhile; leave the random state and the modes as they were."""
    import torch

    modes = {module: module.training for module in model.modules()}
    device = model.get_input_embeddings().weight.device
    model.eval()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else [], device_type="cuda"):
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _first(values: Any) -> Any:
    """Give the first tensor of what a module takes or gives."""
    import torch

    if isinstance(values, torch.Tensor):
        return values
    return next((value for value in values if isinstance(value, torch.Tensor)), None)


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
    `find` above). So it follows `model.train()` and `model.eval()`, TRL's `disable_dropout` sees it,
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
    with _quiet(model):
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
    rates = [dropout.p for dropout in dropouts]
    for dropout in dropouts:
        dropout.p, dropout.training = 1.0, True
    stream, *behind = _run(model)
    for dropout, p in zip(dropouts, rates, strict=True):
        dropout.p, dropout.training = p, False
    for layer, state in zip(layers, behind, strict=True):
        if not torch.equal(stream, state):
            branches = " and ".join(layer.branches) or "none found"
            raise ResidualDropoutError(
                f"residual dropout does not fit {kind}: without its branches ({branches}) layer {layer.name} should "
                "give on what it was given, and it does not; leave residual_dropout out"
            )
