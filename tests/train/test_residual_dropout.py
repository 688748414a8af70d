from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from trl.trainer.utils import disable_dropout_in_model

from curate.train import residual_dropout
from curate.train.residual_dropout import ResidualDropoutError
from tests.train.architectures import ARCHITECTURES, LAYERS, VOCABULARY, build

REFUSED = {"bloom", "mpt", "minimax"}  # minimax scales the stream itself
IDS = torch.arange(3, 19)[None] % VOCABULARY


def logits(model: Any, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return model(input_ids=IDS, use_cache=False).logits


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - REFUSED))
def test_it_drops_in_training_and_only_there(name):
    model = build(name).eval()
    before = logits(model)
    added = residual_dropout.add(model, 0.3)
    assert added.rates == [0.0, 0.15, 0.3] and len(added.branches) >= LAYERS
    assert torch.equal(logits(model), before), "in eval mode it does nothing"
    for module in model.modules():
        module.training = type(module) is torch.nn.Dropout and module in dropouts(model)
    assert not torch.equal(logits(model), before)
    assert torch.isfinite(logits(model)).all()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_model_whose_layers_are_more_than_stream_and_branches_is_refused_and_left_alone(name):
    model = build(name)
    before = dict(model.named_modules())
    with pytest.raises(ResidualDropoutError, match=rf"does not fit {type(model).__name__}.*layer [\w.]+\.0 "):
        residual_dropout.add(model, 0.3)
    assert dict(model.named_modules()) == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("name", "more", "branches"),
    [
        pytest.param("llama", {}, ["self_attn", "mlp"], id="pre-norm: the attention and the MLP"),
        pytest.param("phi", {}, ["resid_dropout"], id="the layer's own dropout, called for both"),
        pytest.param("opt", {}, ["self_attn", "fc2"], id="an MLP without a module of its own: its last part"),
        pytest.param(
            "falcon",
            {"new_decoder_architecture": True},
            ["self_attention", "mlp"],
            id="attention and MLP side by side",
        ),
        pytest.param("mamba", {}, ["mixer"], id="one branch a layer"),
        pytest.param(
            "gemma2",
            {},
            ["post_attention_layernorm", "post_feedforward_layernorm"],
            id="sandwich norm: the norm behind each",
        ),
    ],
)
def test_the_branches_are_what_no_other_part_of_the_layer_reads(name, more, branches):
    added = residual_dropout.add(build(name, **more), 0.3)
    middle = [branch.split(".")[-1] for branch in added.branches if ".1." in branch]
    assert middle == branches


class Inlined(torch.nn.Module):
    """A layer whose gated MLP stands open in it: gate and up reach the stream only through down."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.gate, self.up, self.down = (torch.nn.Linear(32, 32) for _ in range(4))

    def forward(self, hidden_states: torch.Tensor, **_: Any) -> torch.Tensor:
        normed = self.norm(hidden_states)
        return hidden_states + self.down(torch.sigmoid(self.gate(normed)) * self.up(normed))


def test_what_reaches_the_stream_only_through_a_later_branch_is_not_dropped_twice():
    model = build("llama")
    model.model.layers = torch.nn.ModuleList(Inlined() for _ in range(LAYERS))
    added = residual_dropout.add(model, 0.3)
    assert added.branches == [f"model.layers.{i}.down" for i in range(LAYERS)]


def test_a_layer_that_still_adds_nothing_has_its_branches_too():
    model = build("llama")
    for part in (model.model.layers[1].self_attn.o_proj, model.model.layers[1].mlp.down_proj):
        torch.nn.init.zeros_(part.weight)
    assert len(residual_dropout.add(model, 0.3).branches) == 2 * LAYERS


def dropouts(model: Any) -> list[torch.nn.Module]:
    return [module for name, module in model.named_modules() if name.endswith(residual_dropout.NAME)]


@pytest.mark.parametrize(("layers", "p", "each"), [(1, 0.3, [0.3]), (2, 0.2, [0.0, 0.2]), (32, 0.0, [0.0] * 32)])
def test_rates_rise_from_nothing_to_p(layers, p, each):
    assert residual_dropout.rates(layers, p) == each


def test_a_branch_is_dropped_at_its_layers_rate_and_scaled_to_keep_its_mean():
    model = build("llama", hidden_size=512, num_attention_heads=4, head_dim=128)
    residual_dropout.add(model, 0.3)
    top = model.model.layers[-1]
    outputs: dict[str, torch.Tensor] = {}
    top.mlp.down_proj.register_forward_hook(lambda m, a, out: outputs.update(before=out))
    top.mlp.register_forward_hook(lambda m, a, out: outputs.update(after=out))
    model.train()
    logits(model)
    nonzero = outputs["after"] != 0
    assert 0.27 < 1 - nonzero.float().mean() < 0.33
    torch.testing.assert_close(outputs["after"][nonzero], outputs["before"][nonzero] / 0.7)


def test_the_random_state_and_the_modes_are_left_as_they_were():
    model = build("llama")
    model.train()
    model.model.layers[0].eval()
    torch.manual_seed(7)
    state = torch.get_rng_state()
    residual_dropout.add(model, 0.3)
    assert torch.equal(torch.get_rng_state(), state)
    assert [layer.residual_dropout.training for layer in model.model.layers] == [False, True, True]
    assert model.training and not model.model.layers[0].mlp.training and model.model.layers[1].mlp.training


def test_nothing_of_it_is_saved_and_nothing_stays(tmp_path):
    model = build("llama").train()
    before, weights, modules = logits(model), set(model.state_dict()), dict(model.named_modules())
    with residual_dropout.add(model, 0.3) as added:
        assert not torch.equal(logits(model), before)
        assert set(model.state_dict()) == weights
        model.save_pretrained(tmp_path)
        assert "residual" not in (tmp_path / "config.json").read_text()
    assert torch.equal(logits(model), before)
    assert dict(model.named_modules()) == modules
    added.remove()  # a second time does nothing
    residual_dropout.add(model, 0.3)


def test_trls_disable_dropout_sees_it():
    model = build("llama").train()
    before = logits(model)
    residual_dropout.add(model, 0.3)
    disable_dropout_in_model(model)
    assert torch.equal(logits(model), before)


def test_a_copy_has_its_own():
    model = build("llama").train()
    residual_dropout.add(model, 0.3)
    other = copy.deepcopy(model)
    disable_dropout_in_model(model)
    assert not torch.equal(logits(model), logits(other))


@pytest.mark.parametrize("name", ["llama", "opt", "gemma2", "phi"])
def test_it_goes_around_lora(name):
    model = build(name, dtype=torch.bfloat16)
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", lora_dropout=0.0)).train()
    added = residual_dropout.add(model, 0.3)
    logits(model).sum().backward()
    grads = [p.grad for p in model.parameters() if p.requires_grad]
    assert grads and all(grad is not None and torch.isfinite(grad).all() for grad in grads)
    added.remove()
    merged = model.merge_and_unload()
    assert not dropouts(merged) and not any(module._forward_hooks for module in merged.modules())


def test_gradient_checkpointing_draws_the_same_masks_again():
    def gradients(checkpointing: bool) -> list[torch.Tensor]:
        model = build("llama").train()
        residual_dropout.add(model, 0.3)
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        logits(model).logsumexp(-1).sum().backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    assert all(torch.equal(a, b) for a, b in zip(gradients(True), gradients(False), strict=True))


@pytest.mark.parametrize("p", [1.0, -0.1, 30])
def test_a_rate_that_is_none_is_refused(p):
    with pytest.raises(ResidualDropoutError, match="no probability from 0 to below 1"):
        residual_dropout.add(build("llama"), p)


def test_twice_is_refused():
    model = build("llama")
    residual_dropout.add(model, 0.3)
    with pytest.raises(ResidualDropoutError, match="already"):
        residual_dropout.add(model, 0.3)


def test_a_model_without_such_layers_is_refused_in_words():
    model = build("llama")
    model.config.num_hidden_layers = 7
    with pytest.raises(ResidualDropoutError, match=r"into LlamaForCausalLM: no list of modules .* \(7\)"):
        residual_dropout.add(model, 0.3)
