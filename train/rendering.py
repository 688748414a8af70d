"""Conversations as a chat template writes them: whole or up to the answer, and in the form that the template wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import TemplateError

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.forms import Record

REFUSALS = (TemplateError, TypeError, ValueError, KeyError, AttributeError, IndexError)  # what templates end in
ANSWERS = ("completion", "chosen", "rejected")

_KEY, _CALL, _TOOL = "probe_key", "probe_call", "probe_tool"
_USER = {"role": "user", "content": "probe"}
_TOOLS = [{
    "type": "function",
    "function": {
        "name": _TOOL,
        "description": "A probe.",
        "parameters": {"type": "object", "properties": {_KEY: {"type": "string", "description": "A key."}}},
    },
}]  # fmt: skip
_CLOCK = re.compile(r"strftime_now\(\s*(['\"])(.*?)\1\s*\)")
_PIN = re.compile(r"^\{# day: (\S+) #\}.*\n")


class Form(NamedTuple):
    """What a template wants a call in: arguments as JSON text, and a turn without a text as null."""

    text: bool = False
    null: bool = False


_CALL_FORMS = [Form(text, null) for text in (False, True) for null in (False, True)]


class Reads(NamedTuple):
    """What a template makes of calls and tools: whether it writes them, and the form that it wants a call in."""

    calls: bool
    tools: bool
    form: Form


def write(tokenizer: Any, record: Record, answer: str | None = None) -> str:
    """Write a record's prompt as it is asked in use, or with one of its answers as it is trained."""
    turns = record["prompt"] + (record[answer] if answer else [])
    tools = json.loads(record["tools"]) if record.get("tools") else None
    return str(tokenizer.apply_chat_template(turns, tools=tools, tokenize=False, add_generation_prompt=answer is None))


def answers(record: Record) -> list[str | None]:
    """List the answers of a record; none (the prompt alone) where it has no answer."""
    return [name for name in ANSWERS if name in record] or [None]


def of_turns(rows: Sequence[Row]) -> Iterator[Row]:
    """Give the rows that a template writes: those of turns, not of text."""
    return (row for row in rows if not isinstance(row.record["prompt"], str))


def reads(tokenizer: Any) -> Reads:
    """Try a template on a call and on a tool; what it refuses, each row tells by itself."""
    return _reads(tokenizer, tokenizer.chat_template)


@lru_cache(maxsize=4)
def _reads(tokenizer: Any, template: str) -> Reads:
    texts = {form: _try(lambda form=form: _called(tokenizer, form)) for form in _CALL_FORMS}  # type: ignore[misc]
    form = next((form for form, text in texts.items() if text and _CALL in text), None)
    tools = _try(lambda: tokenizer.apply_chat_template([_USER], tools=_TOOLS, tokenize=False))
    refuses = set(texts.values()) == {None}
    return Reads(form is not None or refuses, tools is None or _TOOL in tools, form or Form())


def _called(tokenizer: Any, form: Form) -> str:
    call = {"id": "call00001", "type": "function", "function": {"name": _CALL, "arguments": {_KEY: "probe"}}}
    turn = _in_form({"role": "assistant", "content": "", "tool_calls": [call]}, form)
    return str(tokenizer.apply_chat_template([_USER, turn], tokenize=False))


def _try(render: Callable[[], str]) -> str | None:
    try:
        return render()
    except REFUSALS:
        return None


def fit(tokenizer: Any, rows: Sequence[Row]) -> list[Row]:
    """Bring calls to the form that the template wants: most write the JSON of arguments, some take its text."""
    calls = tokenizer.chat_template and any(_has_calls(row.record) for row in of_turns(rows))
    form = reads(tokenizer).form if calls else Form()
    if not any(form):
        return list(rows)
    return [row._replace(record=_record_in(form, row.record)) for row in rows]


def _has_calls(record: Record) -> bool:
    return any("tool_calls" in turn for value in record.values() if isinstance(value, list) for turn in value)


def _record_in(form: Form, record: Record) -> Record:
    return {
        name: [_in_form(turn, form) for turn in value] if isinstance(value, list) else value
        for name, value in record.items()
    }


def _in_form(turn: Record, form: Form) -> Record:
    if "tool_calls" not in turn:
        return turn
    content = None if form.null and not turn["content"] else turn["content"]
    calls = [{**call, "function": _function(call["function"], form)} for call in turn["tool_calls"]]
    return {**turn, "content": content, "tool_calls": calls}


def _function(function: Record, form: Form) -> Record:
    arguments = function["arguments"]
    text = form.text and not isinstance(arguments, str)
    return {**function, "arguments": json.dumps(arguments, ensure_ascii=False)} if text else function


def adopt(tokenizer: Any, config: TrainConfig) -> str | None:
    """Give a tokenizer the template that the config names as a file, as trl would; return a note where it was changed.

    A tokenizer that begins texts with a token of its own begins them so under this template too.
    """
    file = template_file(config)
    if file is None:
        return None
    tokenizer.chat_template = file.read_text(encoding="utf-8")
    if not adds_bos(tokenizer) or (_try(lambda: write(tokenizer, {"prompt": [_USER]})) or "").startswith(
        tokenizer.bos_token
    ):
        return None
    tokenizer.chat_template = with_bos(tokenizer.chat_template)
    return f"{file} begins with {tokenizer.bos_token!r} now, as all texts do for this tokenizer"


def template_file(config: TrainConfig) -> Path | None:
    """Give the file of a chat template that a config names; None where it names none, or a model."""
    path = config.trainer.get("chat_template_path")
    return Path(path) if path and path.endswith((".jinja", ".j2")) and Path(path).is_file() else None


def adds_bos(tokenizer: Any) -> bool:
    """Tell whether a tokenizer begins every text with its token of beginnings."""
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]


def with_bos(template: str) -> str:
    """Begin what a template writes with the token of beginnings."""
    return "{{ bos_token }}{# begins every text #}\n" + template  # a comment takes the line break after it along


def pin(tokenizer: Any, day: str) -> bool:
    """Hold the day (ISO) that a template prints; tell whether it prints one.

    transformers gives templates the clock as `strftime_now`: a macro of this name stands before it.
    """
    template = tokenizer.chat_template or ""
    formats = {match[2] for match in _CLOCK.finditer(template)}
    if not formats:
        return False
    texts = {text: date.fromisoformat(day).strftime(text) for text in sorted(formats)}
    clock = f"{{%- macro strftime_now(format) -%}}{{{{- {texts!r}[format] -}}}}{{%- endmacro %}}"
    tokenizer.chat_template = f"{{# day: {day} #}}{clock}\n{template}"
    return True


def release(tokenizer: Any) -> None:
    """Give a template the clock again, as it is saved and used."""
    tokenizer.chat_template = tokenizer.chat_template and _PIN.sub("", tokenizer.chat_template)


def day_of(tokenizer: Any) -> str | None:
    """Give the day at which a template is held; None where it is not."""
    match = _PIN.match(tokenizer.chat_template or "")
    return match[1] if match else None
