from __future__ import annotations

import datetime
import json

import pytest

import curate.train
from curate.train import rendering
from curate.train.config import TrainConfig
from curate.train.data import Row
from tests.train import plain, tiny
from tests.train.test_templates import template_of

DATED = "{{ 'Today: ' + strftime_now('%d %b %Y') + ' ' + strftime_now(\"%A\") }}\n" + tiny.CHATML
HI = {"prompt": [{"role": "user", "content": "Hi?"}], "completion": [{"role": "assistant", "content": "Yes."}]}
FUNCTION = {"name": "weather", "arguments": {"city": "Åbo"}}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": FUNCTION}]}


@pytest.mark.parametrize(
    ("template", "arguments", "content"),
    [
        pytest.param(tiny.CHATML, {"city": "Åbo"}, "", id="what writes no calls"),
        pytest.param(template_of("qwen3"), {"city": "Åbo"}, "", id="an object"),
        pytest.param(template_of("deepseekv3"), '{"city": "Åbo"}', "", id="text"),
        pytest.param(template_of("deepseek_r1_distill"), '{"city": "Åbo"}', None, id="text, and a null for no content"),
    ],
)
def test_a_call_has_the_form_that_the_template_writes(template, arguments, content):
    rows = [Row("a", "line 1", {**HI, "completion": [CALL]}), Row("b", "line 2", HI)]
    called, plain = rendering.fit(tiny.tokenizer(template), rows)
    assert called.record["completion"] == [
        {
            **CALL,
            "content": content,
            "tool_calls": [{"type": "function", "function": {**FUNCTION, "arguments": arguments}}],
        }
    ]
    assert plain == rows[1]


@pytest.mark.parametrize("template", [DATED, "\n  {% if true %}\n" + DATED + "{% endif %}", template_of("llama3_2"), template_of("gptoss")])  # fmt: skip
def test_the_day_is_held_and_let_go(template):
    tokenizer = tiny.tokenizer(template)
    tokenizer.bos_token = "<|endoftext|>"
    now = rendering.write(tokenizer, HI, "completion")
    today = datetime.date.today()
    assert rendering.pin(tokenizer, today.isoformat())
    assert rendering.write(tokenizer, HI, "completion") == now
    rendering.release(tokenizer)
    assert tokenizer.chat_template == template

    assert rendering.pin(tokenizer, "2024-02-03")
    assert rendering.day_of(tokenizer) == "2024-02-03"
    assert "03 Feb 2024" in (text := rendering.write(tokenizer, HI)) or "2024-02-03" in text
    assert str(today.year) not in text


def test_a_template_without_the_day_stays():
    tokenizer = tiny.tokenizer()
    assert not rendering.pin(tokenizer, "2024-02-03")
    assert tokenizer.chat_template == tiny.CHATML
    assert rendering.day_of(tokenizer) is None


def test_a_run_goes_on_with_the_day_on_which_it_began(config, tmp_path, monkeypatch):
    model = tiny.save_model(tmp_path / "model", template=DATED)
    dated = {**config, "model": str(model)}
    record = curate.train.sft(dated, tmp_path / "out")
    assert [f["message"] for f in record["warned"] if f["check"] == "day"]
    run = tmp_path / "out" / "checkpoints" / "run.json"
    assert json.loads(run.read_text())["day"] == datetime.date.today().isoformat()
    saved = (tmp_path / "out" / "merged" / "chat_template.jinja").read_text(encoding="utf-8")
    assert saved == DATED

    run.write_text(json.dumps({**json.loads(run.read_text()), "day": "2024-02-03"}))
    (tmp_path / "out" / "record.json").unlink()
    warned = curate.train.sft(dated, tmp_path / "out")["warned"]
    assert "2024-02-03" in next(f["message"] for f in warned if f["check"] == "day")
    fresh = curate.train.sft(dated, tmp_path / "out", fresh=True)["warned"]
    assert datetime.date.today().isoformat() in next(f["message"] for f in fresh if f["check"] == "day")


@pytest.mark.parametrize(("template", "message"), [(DATED, "on another day"), (tiny.CHATML, None)])
def test_a_day_that_is_not_held_is_told(template, message, context):
    from curate.train.preflight.template import day

    assert [message in finding.message for finding in day(context(tiny.answers(2), template=template))] == [True][
        : bool(message)
    ]


FORM = "{%- for message in messages -%}{{- message['content'] + eos_token -}}{%- endfor -%}"


@pytest.mark.parametrize("text", [FORM, "\n\n{% for m in messages %}{{ m['content'] + eos_token }}{% endfor %}"])
def test_a_template_file_begins_as_the_tokenizer_begins_texts(text, base, tmp_path):
    file = tmp_path / "form.jinja"
    file.write_text(text)
    config = TrainConfig(stage="sft", model=str(base), data="a", trainer={"chat_template_path": str(file)})
    _, tokenizer = plain.beginner(base)
    bare = tiny.tokenizer(text).apply_chat_template(HI["prompt"], tokenize=False)
    assert "begins with '<|endoftext|>' now" in rendering.adopt(tokenizer, config)
    assert rendering.write(tokenizer, {"prompt": HI["prompt"]}, None) == "<|endoftext|>" + bare
    file.write_text("{{ bos_token }}" + text)
    assert rendering.adopt(tokenizer, config) is None
    other = tiny.tokenizer()
    assert rendering.adopt(other, config) is None
    assert other.chat_template == "{{ bos_token }}" + text
    assert rendering.adopt(other, TrainConfig(stage="sft", model=str(base), data="a")) is None
