"""Which text is trained, and which is not, under the chat templates of the field: read from trl, tried through trl."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from curate.train import preflight, run
from curate.train.config import TrainConfig
from curate.train.preflight.context import read
from curate.turns import OPTIONAL, cut, turn
from tests.train import tiny

ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
MISTRAL = """
{%- set ns = namespace(system='', last=0) -%}
{%- for m in messages if m.role == 'user' -%}{%- set ns.last = loop.length -%}{%- endfor -%}
{%- set ns.seen = 0 -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}{%- set ns.system = m.content + '\n\n' -%}
{%- elif m.role == 'user' -%}
{%- set ns.seen = ns.seen + 1 -%}
{%- if tools and ns.seen == ns.last -%}{{ '[AVAILABLE_TOOLS] ' + tools | tojson + '[/AVAILABLE_TOOLS]' }}{%- endif -%}
{{ '[INST] ' + (ns.system if ns.seen == ns.last else '') + m.content + '[/INST]' }}
{%- elif m.tool_calls -%}
{{ '[TOOL_CALLS] [' }}
{%- for c in m.tool_calls -%}
{%- if c.id | length != 9 -%}{{ raise_exception('an id has nine characters') }}{%- endif -%}
{{ '{"name": "' + c.function.name + '", "arguments": ' + c.function.arguments | tojson + ', "id": "' + c.id + '"}' }}
{%- endfor -%}
{{ ']' + eos_token }}
{%- elif m.role == 'tool' -%}
{{ '[TOOL_RESULTS] {"content": ' + m.content | tojson + ', "call_id": "' + m.tool_call_id + '"}[/TOOL_RESULTS]' }}
{%- else -%}{{ ' ' + m.content + eos_token }}{%- endif -%}
{%- endfor -%}
"""
OWN = {"chatml": tiny.CHATML, "zephyr": ZEPHYR, "mistral": MISTRAL}
EOS = "<|im_end|>"  # the tiny tokenizer's own, where a template writes eos_token

ARGUMENTS = '{"city": "Bergen"}'
CALL = [{"id": "call00001", "name": "weather", "arguments": ARGUMENTS}]
CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "A town."}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The sky.", "parameters": CITY}}]
BERGEN, RAIN = turn("user", "Bergen?"), turn("assistant", "Rain.")
CONVERSATIONS = {
    "single": [BERGEN, RAIN],
    "system": [turn("system", "Be brief."), BERGEN, RAIN],
    "multi": [BERGEN, RAIN, turn("user", "Oslo?"), turn("assistant", "Sun.")],
    "masked": [BERGEN, turn("assistant", "Snow.", loss=False), turn("user", "Sure?"), RAIN],
    "call": [BERGEN, turn("assistant", tool_calls=CALL), turn("tool", "wet", tool_call_id="call00001"), RAIN],
}
THOUGHT = {"thought": [BERGEN, turn("assistant", "Rain.", thinking="It is west.")]}


def trained(answer, call=None, *, system=True, thought=None):
    """Give what is trained of each conversation; None where the template cannot say it, and a finding has to."""
    rain, sun = answer.format("Rain."), answer.format("Sun.")
    return {
        "single": [rain],
        "system": [rain] if system else None,
        "multi": [rain, sun],
        "masked": [rain],
        "call": [call, rain] if call else None,
        "thought": [thought] if thought else None,
    }


LLAMA_CALL = f'{{"name": "weather", "parameters": {ARGUMENTS}}}<|eot_id|>'
HERMES_CALL = f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call><|im_end|>\n'
DEEPSEEK_CALL = (
    f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{ARGUMENTS}\n```"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>"
)
TRAINED = {
    "llama3": trained("{}<|eot_id|>"),
    "llama3_1": trained("{}<|eot_id|>", LLAMA_CALL),
    "llama3_2": trained("{}<|eot_id|>", LLAMA_CALL),
    "qwen2_5": trained("{}<|im_end|>\n", HERMES_CALL),
    "qwen3": trained(
        "<think>\n\n</think>\n\n{}<|im_end|>\n",
        "<think>\n\n</think>\n\n" + HERMES_CALL,
        thought="<think>\nIt is west.\n</think>\n\nRain.<|im_end|>\n",
    ),
    "gemma": trained("{}<end_of_turn>\n", system=False),
    "gemma3": trained("{}<end_of_turn>\n"),
    "phi3": trained("{}<|end|>\n" + EOS),
    "gptoss": trained(
        "<|channel|>final<|message|>{}<|return|>",
        f" to=functions.weather<|channel|>commentary json<|message|>{ARGUMENTS}<|call|>",
        thought="<|channel|>analysis<|message|>It is west.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Rain.<|return|>",
    ),
    "deepseekv3": trained("{}<｜end▁of▁sentence｜>", DEEPSEEK_CALL),
    "mistral": trained(
        " {}" + EOS, f'[TOOL_CALLS] [{{"name": "weather", "arguments": {ARGUMENTS}, "id": "call00001"}}]{EOS}'
    ),
    "chatml": trained("{}<|im_end|>\n"),
    "zephyr": trained("{}" + EOS + "\n"),
}
# What comes before the answer of the shortest conversation, where the template adds no sentences of its own.
OPENINGS = {
    "llama3": "<|endoftext|><|start_header_id|>user<|end_header_id|>\n\nBergen?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "qwen3": "<|im_start|>user\nBergen?<|im_end|>\n<|im_start|>assistant\n",
    "gemma": "<|endoftext|><start_of_turn>user\nBergen?<end_of_turn>\n<start_of_turn>model\n",
    "gemma3": "<|endoftext|><start_of_turn>user\nBergen?<end_of_turn>\n<start_of_turn>model\n",
    "phi3": "<|user|>\nBergen?<|end|>\n<|assistant|>\n",
    "deepseekv3": "<|endoftext|><｜User｜>Bergen?<｜Assistant｜>",
    "mistral": "[INST] Bergen?[/INST]",
    "chatml": "<|im_start|>user\nBergen?<|im_end|>\n<|im_start|>assistant\n",
    "zephyr": f"<|user|>\nBergen?{EOS}\n<|assistant|>\n",
}
_MARKS = re.compile(r"<[|｜][^<>|｜'\s]{1,40}[|｜]>|<(?:start|end)_of_turn>")


def template_of(name):
    import trl

    if name in OWN:
        return OWN[name]
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")


def model_with(name, base, folder):
    """Give the tiny model a template, with the template's marks as tokens, as in the models that it comes from."""
    from transformers import AutoTokenizer

    shutil.copytree(base, folder)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = template_of(name)
    tokenizer.bos_token = "<|endoftext|>"
    tokenizer.add_tokens(sorted(set(_MARKS.findall(tokenizer.chat_template))), special_tokens=True)
    tokenizer.save_pretrained(folder)
    return folder


def set_of(conversations, file):
    rows = [
        {"id": name, **cut(turns), "tools": json.dumps(TOOLS) if name == "call" else None}
        for name, turns in conversations.items()
    ]
    pl.DataFrame(rows, schema_overrides=OPTIONAL).write_parquet(file)
    return str(file)


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_trained_is_what_was_marked_by_hand(name, base, tmp_path):
    model = model_with(name, base, tmp_path / "model")
    expected = TRAINED[name]
    conversations = CONVERSATIONS | THOUGHT
    refused = {case for case, texts in expected.items() if texts is None} - {"thought"}

    data = set_of(conversations, tmp_path / "all.parquet")
    config = TrainConfig(stage="sft", model=str(model), data=data)
    findings = preflight.of_rows(config, run.prepare(config).rows.rows)
    assert {i.partition("/")[0] for finding in findings for i in finding.detail["ids"]} == refused

    rest = {case: turns for case, turns in conversations.items() if case not in refused}
    job = run.prepare(config.model_copy(update={"data": set_of(rest, tmp_path / "rest.parquet")}))
    trainer = run.build(job, tmp_path / "out")
    (answers,) = read(trainer.train_dataset)
    decode = trainer.processing_class.decode
    texts: dict[str, list[str]] = {}
    for i, row in enumerate(answers.ids):
        tokens, flags = answers.row(i)
        start = int(flags.argmax())
        assert flags[start:].all()
        whole = trainer.processing_class.apply_chat_template(
            job.rows.rows[i].record["prompt"] + job.rows.rows[i].record["completion"],
            tools=TOOLS if row.startswith("call") else None,
            tokenize=False,
        )
        assert decode(tokens) == whole
        texts.setdefault(row.partition("/")[0], []).append(decode(tokens[start:]))
        if row == "single" and name in OPENINGS:
            assert decode(tokens[:start]) == OPENINGS[name]
    silent = {"thought": [expected["single"][0]]} if expected["thought"] is None else {}
    assert texts == {case: trained for case, trained in expected.items() if trained} | silent

    unread = list(preflight.roles.unread(preflight.Context(trainer, config, job.rows.rows)))
    assert [f.detail["ids"] for f in unread if f.detail["what"] == "thoughts"] == ([["thought"]] if silent else [])
