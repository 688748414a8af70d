"""What pairs are for: TRL's DPOTrainer takes the preference format as it is written."""

from __future__ import annotations

import math

import polars as pl
import pytest

from curate.pairs import styles
from curate.report.formats import to_jsonl
from tests.pairs.own import generator, said

pytestmark = pytest.mark.filterwarnings("ignore")  # of three other libraries

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer():
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    letters = tokenizers.trainers.BpeTrainer(
        special_tokens=["<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator([], letters)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<|end|>", chat_template=TEMPLATE
    )


@pytest.fixture(scope="module")
def model(tokenizer, tmp_path_factory):
    """A folder with a model of random weights; the trainer reads it twice, to train it and to compare with it."""
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    folder = tmp_path_factory.mktemp("model")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_the_trainer_takes_the_file_as_it_is(tmp_path, tokenizer, model):
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    rows = pl.DataFrame(
        {"id": ["1", "2"], "prompt": ["Tea?", "Rain?"], "history": [turns, []], "system": ["Be a pirate.", None]}
    )
    warm, _ = generator(lambda ask: f"{ask.messages[0]['content']} You said {said(ask)}")
    made = styles(rows, generator=warm, chosen="Oh!", rejected="Well.")
    file = tmp_path / "train.jsonl"
    file.write_text(to_jsonl(rows.with_columns(made.columns), "preference"), encoding="utf-8")

    there = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    settings = trl.DPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, use_cpu=True, bf16=False,
        report_to=[], save_strategy="no", disable_tqdm=True, max_length=None,
    )  # fmt: skip
    trainer = trl.DPOTrainer(model=model, args=settings, train_dataset=there, processing_class=tokenizer)
    assert trainer.train().training_loss == pytest.approx(math.log(2), abs=1e-3), "before it has learnt anything"
    taken = trainer.train_dataset[0]
    texts = {name: tokenizer.decode(ids) for name, ids in taken.items() if name.endswith("_ids")}
    assert texts["prompt_ids"] == "<|user|>Hi<|end|><|assistant|>Hello.<|end|><|user|>Tea?<|end|><|assistant|>"
    assert texts["chosen_ids"].startswith("Oh! You said Tea?")
    assert texts["rejected_ids"].startswith("Well. You said Tea?")
