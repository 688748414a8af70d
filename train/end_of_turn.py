"""LIMA's end-of-turn token: a token of its own after each utterance, put into tokenizer, chat template and model.

LIMA (2305.11206, section 3) tells speakers apart by it: it ends a turn, and generation, without whatever else the
model's end-of-text token came to mean in pre-training.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from curate.train.findings import TrainError
from curate.train.rendering import adds_bos, with_bos

_USER, _ANSWER, _NEXT = "Tell me of tides.", "The moon pulls the sea.", "And the sun?"
# For a model without a template: what LIMA trained on, one utterance after the other.
_BARE = "{% for message in messages %}{{ message['content'] + 'EOT' }}{% endfor %}"


@dataclass(frozen=True)
class EndOfTurn:
    """The token, its id, the id whose place it takes (None: there was none), and whether the model must learn it."""

    token: str
    id: int
    before: int | None
    new: bool


def add(tokenizer: Any, token: str) -> EndOfTurn:
    """Make every turn end with `token`: in the vocabulary, in the chat template, as the tokenizer's end token.

    A tokenizer whose template ends its answers so already (DPO after SFT) is left as it is. Raise TrainError when the
    template cannot be brought to it.
    """
    if tokenizer.chat_template and _ends(tokenizer) == token and tokenizer.eos_token == token:
        return EndOfTurn(token, tokenizer.convert_tokens_to_ids(token), None, new=False)
    from transformers import AddedToken

    before = _old_end(tokenizer)
    tokenizer.add_tokens(AddedToken(token, special=True, normalized=False), special_tokens=True)
    tokenizer.chat_template = _rewritten(tokenizer, token)
    tokenizer.eos_token = token
    _prove(tokenizer, token)
    return EndOfTurn(token, tokenizer.convert_tokens_to_ids(token), before, new=True)


def fit(model: Any, tokenizer: Any, end: EndOfTurn) -> None:
    """Give the model a row for the token, and make it stop there when it generates.

    The row starts as that of the token whose place it takes: a thousand rows are few to learn a token from noise.
    """
    import torch

    if end.new:
        if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            for layer in filter(None, (model.get_input_embeddings(), model.get_output_embeddings())):
                weight = layer.weight
                others = torch.cat([weight[: end.id], weight[end.id + 1 :]])
                weight[end.id] = others.mean(0) if end.before is None else weight[end.before]
    stop_at(model, end.id)


def stop_at(model: Any, token: int) -> None:
    """Make generation stop at a token, and at those where it stopped before."""
    ends = model.generation_config.eos_token_id
    ends = [ends] if isinstance(ends, int) else ends or []
    model.config.get_text_config().eos_token_id = token
    model.generation_config.eos_token_id = [token, *(end for end in ends if end != token)]


def trained_whole(model: Any) -> dict[str, Any]:
    """Say to LoRA that the embeddings are trained whole: rows of new tokens lie outside every low-rank matrix.

    Tied embeddings are one matrix and must stay one, also when the adapter is merged.
    """
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    modules = [names[id(layer)] for layer in layers if layer is not None]
    return {"modules_to_save": modules, **({"ensure_weight_tying": True} if tied else {})}


def _render(tokenizer: Any, *contents: str, prompt: bool = False) -> str:
    roles = ("user", "assistant")
    turns = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
    return text


def _ends(tokenizer: Any) -> str:
    """Give what the template writes after an answer."""
    return _render(tokenizer, _USER, _ANSWER).rpartition(_ANSWER)[2]


def _old_end(tokenizer: Any) -> int | None:
    if tokenizer.chat_template:
        for i in tokenizer(_ends(tokenizer), add_special_tokens=False)["input_ids"]:
            if i in tokenizer.all_special_ids or i in tokenizer.added_tokens_decoder:
                return int(i)
    return None if tokenizer.eos_token_id is None else int(tokenizer.eos_token_id)


def _rewritten(tokenizer: Any, token: str) -> str:
    """Write the template anew: as it was, with the token in place of what it wrote after an answer.

    What the old template writes is caught whole and changed there, so that no template has to be understood.
    """
    if not tokenizer.chat_template:
        bare = _BARE.replace("EOT", token)
        return with_bos(bare) if adds_bos(tokenizer) else bare
    template = re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", tokenizer.chat_template)  # marks of places that now move
    ends = _ends(tokenizer)
    if ends.strip():
        replaced = f"{{{{- turns | replace({ends!r}, {token!r}) -}}}}\n"
        return "{%- set turns -%}\n" + template + "\n{%- endset -%}\n" + replaced
    # It wrote nothing: each utterance brings its own end, and line breaks after it go.
    return (
        "{%- set ended = namespace(turns=[]) -%}\n{%- for message in messages -%}\n"
        f"{{%- set ended.turns = ended.turns + [dict(message, content=message['content'] + {token!r})] -%}}\n"
        "{%- endfor -%}\n{%- set messages = ended.turns -%}\n{%- set turns -%}\n" + template + "\n{%- endset -%}\n"
        "{{- turns" + (f" | replace({token + ends!r}, {token!r})" if ends else "") + " -}}\n"
    )


def _prove(tokenizer: Any, token: str) -> None:
    """Refuse a template that, as rewritten, does not end its answers with the token, alone or inside a dialogue."""
    whole = _render(tokenizer, _USER, _ANSWER)
    longer = _render(tokenizer, _USER, _ANSWER, _NEXT, prompt=True)
    question = _render(tokenizer, _USER, prompt=True)
    if not (whole.endswith(_ANSWER + token) and _ANSWER + token in longer and whole.startswith(question)):
        raise TrainError(
            f"the model's chat template cannot be brought to end its turns with {token}: it writes {whole!r}; give the "
            "model a template that does (chat_template.jinja beside its tokenizer)"
        )
