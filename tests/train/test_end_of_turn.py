from __future__ import annotations

import pytest

import curate.train
from curate.train import base as bases
from curate.train import end_of_turn
from curate.train.findings import TrainError
from tests.train import plain, tiny
from tests.train.conftest import EOT, LORA

LLAMA3 = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n\n' + m['content'] | trim + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n\n' }}{% endif %}"
)
MISTRAL = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
NO_END = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
MARKED = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ 'Q ' + m['content'] + '<|im_end|>' }}{% else %}"
    "{{ 'A ' }}{%- generation -%}{{ m['content'] + '<|im_end|>' }}{%- endgeneration -%}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'A ' }}{% endif %}"
)
TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "So"},
    {"role": "assistant", "content": "Yes"},
]


def test_a_base_model_whose_texts_begin_with_a_token_is_trained_with_it(base):
    _, words = plain.beginner(base)
    words.chat_template = None
    end_of_turn.add(words, EOT)
    assert words.apply_chat_template(TURNS[:2], tokenize=False) == f"<|endoftext|>Hi{EOT}Hello{EOT}"


@pytest.mark.parametrize(
    ("template", "after"),
    [
        pytest.param(
            tiny.CHATML,
            "<|im_start|>user\nHi|<|im_start|>assistant\nHello|<|im_start|>user\nSo|<|im_start|>assistant\nYes|",
            id="in ChatML every turn ends with it, and the line break after the turn goes",
        ),
        pytest.param(
            LLAMA3,
            "<|im_start|>user\n\nHi|<|im_start|>assistant\n\nHello|<|im_start|>user\n\nSo|<|im_start|>assistant\n\nYes|",
            id="a template that trims contents",
        ),
        pytest.param(
            MISTRAL, "[INST] Hi [/INST] Hello|[INST] So [/INST] Yes|", id="only answers ended, with eos_token"
        ),
        pytest.param(NO_END, "user: Hi|assistant: Hello|user: So|assistant: Yes|", id="a template that ends nothing"),
        pytest.param(MARKED, "Q Hi|A Hello|Q So|A Yes|", id="a template with marks for trl's assistant masks"),
        pytest.param(None, "Hi|Hello|So|Yes|", id="a base model without a template: LIMA's own"),
    ],
)
def test_every_answer_ends_with_the_token(template, after):
    words = tiny.tokenizer(template)
    end = end_of_turn.add(words, EOT)
    assert words.apply_chat_template(TURNS, tokenize=False).replace(EOT, "|") == after
    question = words.apply_chat_template(TURNS[:1], tokenize=False, add_generation_prompt=True)
    assert after.startswith(question.replace(EOT, "|"))
    ids = words.apply_chat_template(TURNS)["input_ids"]
    assert ids[-1] == end.id == words.eos_token_id
    assert words.decode([end.before]) == "<|im_end|>"
    assert end.new


def test_a_tokenizer_that_has_it_is_left_as_it_is():
    words = tiny.tokenizer()
    first = end_of_turn.add(words, EOT)
    template, size = words.chat_template, len(words)
    again = end_of_turn.add(words, EOT)
    assert (again.id, again.new) == (first.id, False)
    assert (words.chat_template, len(words)) == (template, size)


def test_a_template_that_cannot_end_its_answers_so_is_refused():
    words = tiny.tokenizer("{{ messages[0]['content'] }}{% if messages | length == 2 %}{{ 'gone' }}{% endif %}")
    with pytest.raises(TrainError, match=r"cannot be brought to end its turns with <\|eot\|>"):
        end_of_turn.add(words, EOT)


def rows(model, tokens):
    return [model.get_input_embeddings().weight[tokens], model.get_output_embeddings().weight[tokens]]


def loaded(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("tied", [True, False], ids=["tied embeddings", "two matrices"])
@pytest.mark.parametrize("lora", [LORA, None], ids=["LoRA", "all weights"])
def test_the_new_token_is_trained_saved_and_generated(tied, lora, config, tmp_path):
    """The guard against item 3 of what trl does: plain LoRA never trains the rows of a new token."""
    import torch

    base = tiny.save_model(tmp_path / "base", tied=tied)
    same = [{"role": "assistant", "content": "Yes."}]
    data = tiny.write(tmp_path / "same.jsonl", [{**row, "completion": same} for row in tiny.answers(16)])
    settings = {**config, "model": str(base), "data": str(data), "end_of_turn": EOT, **({"lora": lora} if lora else {})}
    settings["trainer"] = {**settings["trainer"], "num_train_epochs": 8}
    curate.train.sft(settings, tmp_path / "out")
    model, words = loaded(tmp_path / "out" / "merged")
    new, old = words.convert_tokens_to_ids([EOT, "<|im_end|>"])
    before = loaded(base)[0]
    for trained, start in zip(rows(model, new), rows(before, old), strict=True):
        assert not torch.equal(trained, start)  # where the row began
    weights = [layer.weight.data_ptr() for layer in (model.get_input_embeddings(), model.get_output_embeddings())]
    assert (weights[0] == weights[1]) == tied
    assert model.generation_config.eos_token_id == [new, old]
    prompt = words.apply_chat_template(TURNS[:1], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**prompt, max_new_tokens=20, do_sample=False)[0][prompt["input_ids"].shape[1] :]
    assert words.decode(answer) == f"Yes.{EOT}"


def test_an_adapter_merges_to_the_model_that_was_saved(sft_run, tmp_path):
    import torch

    _, out, _ = sft_run
    bases.merge(out / "adapter", tmp_path / "again")
    one, other = loaded(out / "merged")[0], loaded(tmp_path / "again")[0]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert one.generation_config.eos_token_id == other.generation_config.eos_token_id


def test_lora_that_names_token_indices_too_is_refused(config, tmp_path):
    settings = {**config, "end_of_turn": EOT, "lora": {**LORA, "trainable_token_indices": [3]}}
    with pytest.raises(TrainError, match="leave trainable_token_indices out"):
        curate.train.sft(settings, tmp_path / "out")
