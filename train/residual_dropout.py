"""The branches of a decoder: what its layers add to the residual stream, found by watching one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from curate.errors import UserError

_PROBE = 4  # tokens: enough to have an attention pattern, too few to cost anything


class Layer(NamedTuple):
    """One decoder layer: its name, its module, and the names of its children that are branch outputs."""

    name: str
    module: Any
    branches: list[str]


class _Seen(NamedTuple):
    """A tensor that a child read or put out; kept alive, so that its memory is no other tensor's meanwhile."""

    child: str
    tensor: Any
    version: int
    out: bool

    def same(self, other: _Seen) -> bool:
        # A view is the same values; what was added to in place is not.
        there = self.tensor.untyped_storage().data_ptr() == other.tensor.untyped_storage().data_ptr()
        return there and self.version == other.version


def find(model: Any) -> list[Layer]:
    """Find each decoder layer's branch outputs: what a child of it puts out and no child reads afterwards.

    What no other part of the layer reads can only be added to the stream. In a pre-norm layer this gives the
    attention and the MLP, in a sandwich-norm layer the norms behind them, and the layer's own dropouts where it
    has some. Parts of another width than the stream (routers, gates) are none, and neither are those which reach
    the stream only through a later branch.
    """
    layers = decoder_layers(model)
    seen: list[list[_Seen]] = [[] for _ in layers]
    with ExitStack() as hooks:
        for (_, layer), events in zip(layers, seen, strict=True):
            for name, child in layer.named_children():
                for hook in _watch(name, child, events):
                    hooks.callback(hook.remove)
        states = run(model)
    found = [
        Layer(name, module, _unread(events, states[0])) for (name, module), events in zip(layers, seen, strict=True)
    ]
    for turn in range(max((len(layer.branches) for layer in found), default=0)):
        _leave_out_what_does_not_reach(model, found, turn)
    return [layer._replace(branches=[branch for branch in layer.branches if branch]) for layer in found]


def _leave_out_what_does_not_reach(model: Any, layers: list[Layer], turn: int) -> None:
    """Blank in every layer the branch of this turn that changes nothing while those after it put out zeros."""

    def constant(value: float, _: Any, args: Any, output: Any) -> Any:
        put = first(output)
        put = put.new_full(put.shape, value)
        return (put, *output[1:]) if isinstance(output, tuple) else put

    with ExitStack() as hooks:
        for layer in layers:
            for i, branch in enumerate(layer.branches):
                if branch:
                    # Ones, and not what the branch gives: a layer that was grown into a model gives zeros at first.
                    hook = partial(constant, float(i == turn))
                    hooks.callback(getattr(layer.module, branch).register_forward_hook(hook).remove)
        states = run(model)
    for layer, before, after in zip(layers, states, states[1:], strict=False):
        if turn < len(layer.branches) and before.equal(after):
            layer.branches[turn] = ""


def decoder_layers(model: Any) -> list[tuple[str, Any]]:
    """Give the names and modules of the decoder's layers: its outermost list of as many as its config says."""
    from torch import nn

    decoder = _decoder(model)
    count = decoder.config.get_text_config(decoder=True).num_hidden_layers
    for module in decoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            names = {id(part): name for name, part in model.named_modules()}
            return [(names[id(layer)], layer) for layer in module]
    raise LookupError(f"no list of modules in it is as long as its config says it has layers ({count})")


def run(model: Any) -> list[Any]:
    """Run a few tokens through the decoder; give the stream before the first layer and after each."""
    import torch

    states: list[Any] = []

    def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states.extend([first([*args, *kwargs.values()]).clone()] if not states else [])

    def after(_: Any, args: tuple[Any, ...], output: Any) -> None:
        states.append(first(output).clone())

    layers = [layer for _, layer in decoder_layers(model)]
    hooks = [layers[0].register_forward_pre_hook(before, with_kwargs=True)]
    hooks += [layer.register_forward_hook(after) for layer in layers]
    weight = model.get_input_embeddings().weight
    ids = torch.arange(_PROBE, device=weight.device)[None] % weight.shape[0]
    try:
        with torch.no_grad():
            _decoder(model)(input_ids=ids, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return states


@contextmanager
def quiet(model: Any) -> Iterator[None]:
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


def first(values: Any) -> Any:
    """Give the first tensor of what a module takes or gives."""
    import torch

    if isinstance(values, torch.Tensor):
        return values
    return next((value for value in values if isinstance(value, torch.Tensor)), None)


def _decoder(model: Any) -> Any:
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    decoder = base.get_decoder()
    return decoder if hasattr(decoder, "config") else base.base_model  # some call their head a decoder


def _watch(name: str, child: Any, events: list[_Seen]) -> Iterator[Any]:
    import torch

    def note(value: Any, out: bool) -> None:
        if isinstance(value, torch.Tensor):
            events.append(_Seen(name, value, value._version, out))

    def reads(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for value in (*args, *kwargs.values()):
            note(value, out=False)

    def gives(_: Any, args: tuple[Any, ...], output: Any) -> None:
        note(first(output), out=True)

    yield child.register_forward_pre_hook(reads, with_kwargs=True)
    yield child.register_forward_hook(gives)


def _unread(events: list[_Seen], stream: Any) -> list[str]:
    found = [
        event.child
        for i, event in enumerate(events)
        if event.out
        and (event.tensor.shape[-1], event.tensor.numel()) == (stream.shape[-1], stream.numel())
        and not any(later.same(event) for later in events[i + 1 :] if not later.out)
    ]
    return list(dict.fromkeys(found))


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
