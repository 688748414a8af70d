from __future__ import annotations

from importlib.util import find_spec

import pytest

import curate.train
from curate.errors import UserError
from curate.train import models
from curate.train.config import read, resolve
from curate.train.findings import TrainError
from tests.train.conftest import LORA


def checked(config, **more):
    return resolve("sft", *read({**config, **more}))


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [({}, "float32"), ({"dtype": "bfloat16"}, "bfloat16"), ({"dtype": "auto"}, "bfloat16")],
    ids=["float32 unless said", "as said", "as it is stored"],
)
def test_a_model_is_loaded_in_float32_unless_another_dtype_is_said(asked, dtype, config, base, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "half")
    said = checked(config, model=str(tmp_path / "half"), model_args=asked)
    words, end = models.load_tokenizer(said)
    assert str(models.load_model(said, end, words, "AutoModelForCausalLM").dtype) == f"torch.{dtype}"


def test_the_merged_model_answers_as_the_adapted_one(config, tmp_path):
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    curate.train.sft({**config, "lora": LORA}, tmp_path / "out")
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():
        whole = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "merged").eval()(ids).logits
        adapted = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "out" / "adapter").eval()(ids).logits
    assert torch.allclose(whole, adapted, atol=1e-4)
    assert whole.std() > 0.1


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed here")
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"quantization": {"load_in_4bit": True}, "lora": LORA}, id="QLoRA"),
        pytest.param({"trainer": {"optim": "adamw_bnb_8bit"}}, id="8-bit AdamW"),
        pytest.param({"trainer": {"optim": "paged_adamw_8bit"}}, id="paged AdamW"),
    ],
)
def test_without_bitsandbytes_one_sentence_says_so(more, config, tmp_path):
    with pytest.raises(TrainError, match="needs bitsandbytes, which is not installed here: pip install bitsandbytes"):
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


def test_quantised_weights_cannot_be_trained_without_lora(config):
    said = checked(config, quantization={"load_in_4bit": True})
    with pytest.raises(TrainError, match="quantization needs lora"):
        models.lora(said, None, None)
