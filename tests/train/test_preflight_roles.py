from __future__ import annotations

import polars as pl
import pytest

import curate.train
from curate.train import preflight
from curate.train.data import load
from curate.train.findings import TrainError
from curate.train.preflight import roles
from curate.turns import OPTIONAL, cut, turn
from tests.train import plain, tiny

RULES = {"role": "system", "content": "Be brief."}
ASKED, ANSWERED = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + tiny.CHATML  # fmt: skip
DEAF = "{% for m in messages if m['role'] != 'system' %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"  # fmt: skip
SWALLOWS = tiny.CHATML.replace("message['content'] +", "(message['content'] if loop.last or message['role'] != 'assistant' else '') +")  # fmt: skip


@pytest.mark.parametrize(
    ("template", "turns", "parts"),
    [
        pytest.param(
            NO_SYSTEM,
            [RULES, ASKED, ANSWERED],
            ["refuses 2 rows (System role not supported)", "turns of system, user, assistant: odd (line 3), other (line 4)"],
            id="refused",
        ),
        pytest.param(DEAF, [RULES, ASKED, ANSWERED], ["leaves out what the system says in 2 rows", "odd (line 3)"], id="dropped"),
        pytest.param(
            SWALLOWS,
            [ASKED, ANSWERED, ASKED, {**ANSWERED, "content": "No."}],
            ["leaves out what the assistant says in 2 rows", "odd/2 (line 3, turn 4)"],
            id="earlier answers swallowed",
        ),
    ],
)  # fmt: skip
def test_what_a_template_does_not_take_is_named_before_a_model_is_loaded(template, turns, parts, base, tmp_path):
    rows = [*tiny.answers(2), {"id": "odd", "messages": turns}, {"id": "other", "messages": turns}]
    (finding,) = plain.checked(template, rows, base, tmp_path)
    assert finding.level == "stop"
    assert all(part in finding.message for part in parts)
    assert len(finding.message.splitlines()) == 1


def test_a_pair_is_looked_at_on_both_sides(base, tmp_path):
    rows = tiny.pairs(2)
    rows[1]["prompt"].insert(0, RULES)
    (finding,) = plain.checked(DEAF, rows, base, tmp_path, "dpo")
    assert finding.detail == {"ids": ["pair1"], "role": "system"}


@pytest.mark.parametrize("template", [tiny.CHATML, tiny.CHATML.replace("message['content']", "message['content'] | upper | trim")])  # fmt: skip
def test_a_template_may_change_spaces_and_cases(template, base, tmp_path):
    rows = [
        *tiny.answers(2),
        {"id": "odd", "messages": [RULES, {**ASKED, "content": ' "Hi",\n\n he  said. '}, ANSWERED]},
    ]
    assert plain.checked(template, rows, base, tmp_path) == []


def test_the_run_says_it_on_one_screen(base, config, tmp_path):
    rows = [{"id": f"odd{i}", "messages": [RULES, ASKED, ANSWERED]} for i in range(20)]
    model = tiny.save_model(tmp_path / "model", template=NO_SYSTEM)
    refused = {**config, "model": str(model), "data": str(tiny.write(tmp_path / "rows.jsonl", rows))}
    with pytest.raises(TrainError, match=r"odd0 .* and 12 more") as error:
        curate.train.sft(refused, tmp_path / "out")
    assert len(str(error.value)) < 800
    with pytest.raises(TrainError, match="trl refuses this sft config: System role not supported"):
        curate.train.sft(refused, tmp_path / "out", force=True)


def test_what_a_tool_says_inside_an_answer_is_told(context):
    rows = tiny.pairs(3)
    call = {"role": "assistant", "content": "I look.", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}  # fmt: skip
    rows[1]["chosen"] = [call, {"role": "tool", "content": "wet"}, ANSWERED]
    ready = context(tiny.pairs(3), "dpo")
    assert list(roles.tool_turns(ready)) == []
    numbered = [row._replace(record=rows[i]) for i, row in enumerate(ready.rows)]
    (finding,) = roles.tool_turns(preflight.Context(ready.trainer, ready.config, numbered))
    assert finding.level == "warn"
    assert finding.detail["ids"] == ["pair1"]


CALL = [{"id": "call00001", "name": "weather", "arguments": "{}"}]
WEATHER = [turn("user", "Oslo?"), turn("assistant", tool_calls=CALL), turn("tool", "wet", tool_call_id="call00001")]
READS = tiny.CHATML.replace("message['content'] +", "(message.thinking or '') + message['content'] + (message.tool_calls | tojson if message.tool_calls else '') +")  # fmt: skip
TOOLS = '[{"type": "function", "function": {"name": "weather"}}]'


@pytest.mark.parametrize(
    ("template", "warnings"),
    [
        pytest.param(tiny.CHATML, [("tools", ["weather", "weather/2"]), ("thoughts", ["thought"])], id="neither"),
        pytest.param(READS, [("tools", ["weather", "weather/2"])], id="thoughts"),
        pytest.param("{{ tools | tojson if tools else '' }}" + READS, [], id="both"),
        pytest.param(READS.replace("message.thinking", "message.reasoning_content"), [("tools", ["weather", "weather/2"])], id="by the other key"),
    ],
)  # fmt: skip
def test_thoughts_and_tools_that_are_not_written_are_counted(template, warnings, base, context, tmp_path):
    conversations = {
        "thought": [turn("user", "Hi?"), turn("assistant", "Yes.", thinking="Hm.")],
        "weather": [*WEATHER, turn("assistant", "Rain.")],
        "plain": [turn("user", "Hi?"), turn("assistant", "Yes.")],
    }
    rows = [{"id": i, **cut(turns), "tools": TOOLS if i == "weather" else None} for i, turns in conversations.items()]
    pl.DataFrame(rows, schema_overrides=OPTIONAL).write_parquet(tmp_path / "train.parquet")
    loaded = load(str(tmp_path), "prompt_completion").rows
    ready = context(tiny.answers(2), template=template)
    ready = preflight.Context(ready.trainer, ready.config, loaded)
    findings = list(roles.unread(ready))
    assert {finding.level for finding in findings} <= {"warn"}
    assert [(finding.detail["what"], finding.detail["ids"]) for finding in findings] == warnings
    calls = list(roles.calls(ready.tokenizer, loaded))
    assert [finding.detail["ids"] for finding in calls] == (
        [["weather", "weather/2"]] if template == tiny.CHATML else []
    )
