from __future__ import annotations

import pytest

import curate.train
from curate.errors import UserError
from curate.train import models, run
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import LORA


def checked(config, **more):
    return resolve("sft", *read({**config, **more}))


@pytest.mark.parametrize(
    ("args", "dtype"),
    [({}, "float32"), ({"dtype": "bfloat16"}, "bfloat16"), ({"dtype": "auto"}, "bfloat16")],
    ids=["float32 unless said", "as said", "as it is stored"],
)
def test_a_model_is_loaded_in_float32_unless_another_dtype_is_said(args, dtype, config, base, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "half")
    half = checked(config, model=str(tmp_path / "half"), model_args=args)
    assert str(models.load_model(run.prepare(half)).dtype) == f"torch.{dtype}"


def test_the_merged_model_answers_as_the_adapted_one(sft_run):
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    _, out, _ = sft_run
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():
        whole = AutoModelForCausalLM.from_pretrained(out / "merged").eval()(ids).logits
        adapted = AutoPeftModelForCausalLM.from_pretrained(out / "adapter").eval()(ids).logits
    assert torch.allclose(whole, adapted, atol=1e-4)
    assert whole.std() > 0.1


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"quantization": {"load_in_4bit": True}, "lora": LORA}, id="QLoRA"),
        pytest.param({"trainer": {"optim": "adamw_bnb_8bit"}}, id="8-bit AdamW"),
        pytest.param({"trainer": {"optim": "paged_adamw_8bit"}}, id="paged AdamW"),
    ],
)
def test_without_bitsandbytes_one_sentence_says_so(more, config, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(TrainError, match="needs bitsandbytes, which is not installed here: pip install"):
        curate.train.sft({**config, **more}, tmp_path / "out")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"model": "not/there/at/all"}, "there is no folder not/there/at/all", id="no such model"),
        pytest.param(
            {"lora": {"target_modules": ["nothing"]}}, r"nothing.* not found", id="LoRA finds nothing to adapt"
        ),
        pytest.param({"lora": {"r": 0}}, "positive integer", id="no rank"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_in_a_sentence(more, message, config, tmp_path):
    with pytest.raises(UserError, match=message):
        curate.train.sft({**config, **more}, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:bitsandbytes.*autograd kernel was not registered:UserWarning")  # its CPU kernels
def test_a_quantised_model_is_trained_and_merged_into_full_weights(config, pairs, tmp_path):
    pytest.importorskip(
        "bitsandbytes", reason="QLoRA runs on a CPU too, with bitsandbytes, which is not installed here"
    )
    from transformers import AutoModelForCausalLM

    base = tiny.save_model(tmp_path / "base", hidden=64)  # bitsandbytes quantises blocks of 64
    four_bit = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"}
    more = {"model": str(base), "quantization": four_bit, "lora": LORA}
    trainer = {**config["trainer"], "optim": "adamw_bnb_8bit"}
    record = curate.train.sft({**config, **more, "trainer": trainer, "end_of_turn": "<|eot|>"}, tmp_path / "sft")
    assert record["metrics"]["loss"] < record["metrics"]["first_loss"]
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "sft" / "merged")
    assert not hasattr(merged.config, "quantization_config")
    dpo = curate.train.dpo({**pairs, **more, "model": str(tmp_path / "sft" / "merged")}, tmp_path / "dpo")
    assert dpo["metrics"]["first_loss"] == pytest.approx(0.693147, abs=1e-6)


def test_quantised_weights_cannot_be_trained_without_lora(config):
    job = run.prepare(checked(config, quantization={"load_in_4bit": True}))
    with pytest.raises(TrainError, match="quantization needs lora"):
        models.lora(job)
