from __future__ import annotations

from typing import Any

import pytest

from curate.train import residual_dropout
from curate.train.preflight import model as checks
from tests.train import plain, tiny
from tests.train.conftest import EOT

ROWS, PAIRS = tiny.answers(8), tiny.pairs(8)
MARKS = [{**row, "label": i % 2 == 0} for i, row in enumerate(ROWS)]
WHOLE = {"modules_to_save": ["embed_tokens", "lm_head"]}
TIED = {**WHOLE, "ensure_weight_tying": True}


def with_a_new_token(base) -> tuple[Any, Any]:
    """A new end of turn as one adds it by hand: token, template, resized embeddings."""
    model, tokenizer = plain.load(base)
    tokenizer.add_special_tokens({"eos_token": EOT})
    tokenizer.chat_template = tiny.CHATML.replace("<|im_end|>", EOT)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return model, tokenizer


@pytest.fixture(scope="module")
def two_matrices(tmp_path_factory):
    return tiny.save_model(tmp_path_factory.mktemp("untied") / "model", tied=False)


@pytest.fixture(params=[True, False], ids=["tied", "two matrices"])
def either(request, base, two_matrices):
    return base if request.param else two_matrices


def test_plain_lora_never_trains_a_new_row_and_says_nothing(either, context):
    ready = context(ROWS, lora={}, base=either, loaded=with_a_new_token(either), learning_rate=0.1)
    before = ready.model.get_output_embeddings().weight[-1].clone()
    ready.trainer.train()  # without a word
    assert (ready.model.get_output_embeddings().weight[-1] == before).all()
    (finding,) = checks.new_tokens(ready)
    assert finding.level == "stop"
    assert f"{EOT} are new to the model and their input embeddings are not trained" in finding.message


def test_one_side_trained_is_not_both(two_matrices, context):
    lora = {"modules_to_save": ["embed_tokens"]}
    ready = context(ROWS, lora=lora, base=two_matrices, loaded=with_a_new_token(two_matrices))
    assert next(checks.new_tokens(ready)).detail == {"tokens": [EOT], "side": "output"}


@pytest.mark.parametrize(
    ("token", "new"),
    [
        pytest.param("<|im_start|>", [["<|im_start|>"]], id="an old token that becomes the end of turn"),
        pytest.param("<|im_end|>", [], id="what was the end before"),
    ],
)
def test_a_token_of_the_vocabulary_may_be_new_as_an_end(token, new, context):
    ready = context(ROWS, lora={}, config={"end_of_turn": token})
    assert [finding.detail["tokens"] for finding in checks.new_tokens(ready)] == new


@pytest.mark.parametrize(
    ("tied", "lora"),
    [
        pytest.param(True, None, id="all weights"),
        pytest.param(True, TIED, id="embeddings whole and tied"),
        pytest.param(False, WHOLE, id="embeddings whole"),
    ],
)
def test_rows_that_are_trained_pass_and_change(tied, lora, base, two_matrices, context):
    either = base if tied else two_matrices
    ready = context(ROWS, lora=lora, base=either, loaded=with_a_new_token(either), learning_rate=0.1, max_steps=2)
    assert [*checks.new_tokens(ready), *checks.untied(ready)] == []
    before = checks.weight_of(ready.model.get_output_embeddings())[-1].clone()
    ready.trainer.train()
    assert (checks.weight_of(ready.model.get_output_embeddings())[-1] != before).any()


@pytest.mark.parametrize(("own", "new"), [(True, []), (False, [[EOT]])], ids=["of the new token", "of another"])
def test_rows_named_one_by_one_are_trained(own, new, base, context):
    model, tokenizer = with_a_new_token(base)
    lora = {"trainable_token_indices": [tokenizer.eos_token_id if own else 0]}
    ready = context(ROWS, lora=lora, loaded=(model, tokenizer))
    assert [finding.detail["tokens"] for finding in checks.new_tokens(ready)] == new


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")  # peft's word, in a log of many
@pytest.mark.parametrize("modules", [["embed_tokens", "lm_head"], ["embed_tokens"]])
def test_tied_embeddings_that_lora_trains_as_two_are_named(modules, context):
    (finding,) = checks.untied(context(ROWS, lora={"modules_to_save": modules}))
    assert finding.level == "stop"
    assert "set lora ensure_weight_tying: true" in finding.message


@pytest.mark.parametrize(
    ("lora", "because"),
    [
        pytest.param(TIED, ["modules_to_save"], id="embeddings"),
        pytest.param({"use_dora": True}, ["use_dora"], id="DoRA"),
        pytest.param({"trainable_token_indices": [1]}, ["trainable_token_indices"], id="rows of embeddings"),
        pytest.param(None, None, id="no adapter"),
        pytest.param({}, None, id="LoRA"),
        pytest.param({"use_rslora": True}, None, id="rank-stabilised LoRA"),
    ],
)
def test_an_adapter_that_vllm_refuses_is_a_warning(lora, because, context):
    findings = list(checks.vllm_adapter(context(ROWS, lora=lora)))
    assert [(finding.level, finding.detail["because"]) for finding in findings] == [("warn", because)] * bool(because)
    assert all("OUT/merged" in finding.message for finding in findings)


def test_trl_zeroes_the_dropout_of_lora_and_the_config_goes_on_showing_it(context):
    ready = context(PAIRS, "dpo", {"lora_dropout": 0.05})
    assert ready.trainer.model.peft_config["default"].lora_dropout == 0.05
    ready.trainer.train()  # without a word
    (finding,) = checks.lora_dropout(ready)
    assert finding.level == "stop"
    assert finding.message.startswith("lora_dropout is 0.05 in the config and 0.0 in the model")


@pytest.mark.parametrize(
    ("rows", "stage", "lora", "settings"),
    [
        pytest.param(PAIRS, "dpo", {"lora_dropout": 0.05}, {"disable_dropout": False}, id="it is there"),
        pytest.param(ROWS, "sft", {}, {}, id="LoRA without"),
        pytest.param(ROWS, "sft", None, {}, id="no LoRA"),
    ],
)
def test_dropout_as_it_is_configured_passes(rows, stage, lora, settings, context):
    ready = context(rows, stage, lora, config={"lora": lora}, **settings)
    assert [*checks.lora_dropout(ready), *checks.residual_dropout(ready)] == []


def test_residual_dropout_that_trl_zeroed_is_named(context):
    from trl.trainer.utils import disable_dropout_in_model

    ready = context(ROWS, config={"residual_dropout": 0.3})
    with residual_dropout.add(ready.trainer.model, 0.3):
        assert list(checks.residual_dropout(ready)) == []
        disable_dropout_in_model(ready.trainer.model)
        (finding,) = checks.residual_dropout(ready)
    assert finding.message.startswith("residual_dropout is 0.3 in the config and 0.0 in the model")
    assert next(checks.residual_dropout(ready)).level == "stop"  # not there at all


def moved(model):
    """Make a model other than the one on the disk, as SFT in memory does."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model


def test_trl_takes_its_reference_from_the_disk_and_says_nothing(base, context):
    model, tokenizer = plain.load(base)
    ready = context(PAIRS, "dpo", loaded=(moved(model), tokenizer))
    (finding,) = checks.reference(ready)
    assert finding.level == "stop"
    assert "the rewards before the first step are not 0 (rewards/chosen" in finding.message
    ready.trainer.train()  # without a word
    assert ready.trainer.state.log_history[0]["rewards/margins"] != 0


def test_a_reference_that_is_the_model_passes(base, context):
    (model, tokenizer), (same, _) = plain.load(base), plain.load(base)
    ready = context(PAIRS, "dpo", loaded=(moved(model), tokenizer), ref_model=moved(same))
    assert list(checks.reference(ready)) == []


TOO_LONG = [{**row, "prompt": [{"role": "user", "content": "?" * 600}]} if i == 0 else row for i, row in enumerate(PAIRS)]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "stage", "lora", "settings"),
    [
        pytest.param(PAIRS, "dpo", None, {}, id="all weights, from the path"),
        pytest.param(PAIRS, "dpo", {}, {}, id="LoRA"),
        pytest.param(PAIRS, "dpo", {"lora_dropout": 0.5}, {"disable_dropout": False}, id="LoRA with dropout"),
        pytest.param(PAIRS, "dpo", None, {"precompute_ref_log_probs": True}, id="a reference computed before"),
        pytest.param(PAIRS, "dpo", {}, {"precompute_ref_log_probs": True}, id="computed before, with LoRA"),
        pytest.param(
            PAIRS, "dpo", None, {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]}, id="two losses"
        ),
        pytest.param(PAIRS, "dpo", None, {"loss_type": "ipo"}, id="a loss that does not begin at ln 2"),
        pytest.param(PAIRS, "dpo", None, {"label_smoothing": 0.1, "loss_type": "robust"}, id="smoothed labels"),
        pytest.param(TOO_LONG, "dpo", None, {"max_length": 64}, id="rows that trl dropped are left out"),
        pytest.param(ROWS, "sft", None, {}, id="a stage without a reference"),
        pytest.param(MARKS, "kto", None, {}, id="KTO"),
    ],
)
def test_rewards_of_zero_pass(rows, stage, lora, settings, context):
    assert list(checks.reference(context(rows, stage, lora, **settings))) == []


def test_kto_has_a_reference_too(base, context):
    model, tokenizer = plain.load(base)
    ready = context(MARKS, "kto", loaded=(moved(model), tokenizer))
    assert [finding.check for finding in checks.reference(ready)] == ["reference"]
