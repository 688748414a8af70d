"""Questions a reader might ask about a documented thing, made from its name and its summary."""

from __future__ import annotations

import re
from zlib import crc32

from curate.sources._modules import Kind

# Each is a whole sentence whatever the name is.
_ABOUT: dict[str, list[str]] = {
    "function": [
        "What does `{name}` do, and how do I use it?",
        "How do I use `{name}`? Please explain its parameters and what it returns.",
        "Can you explain `{name}` and show me how to call it?",
        "I came across `{name}` in some code. What is it for, and how does it work?",
        "Please describe `{name}`: what it does, what it takes and what comes back.",
        "When would I use `{name}`, and what should I know before I do?",
    ],
    "class": [
        "What is `{name}`, and how do I use it?",
        "What is the class `{name}` for, and how do I work with it?",
        "Can you explain `{name}` and the options it takes?",
        "I came across `{name}` in some code. What does it represent, and how is it used?",
        "When would I use `{name}`, and what should I know before I do?",
    ],
    "attribute": [
        "What does `{name}` tell me?",
        "What is the attribute `{name}`, and when is it useful?",
        "Can you explain what `{name}` holds?",
        "I came across `{name}` in some code. What does it give me?",
    ],
}
_ABOUT["method"] = _ABOUT["function"]

# With a summary that says what to do, the task itself is the question.
_TASK = [
    "How can I {task} with `{name}`?",
    "I want to {task}. How does `{name}` help me do that?",
    "How do I {task}? I have heard of `{name}` but never used it.",
    "Please show me how to {task} using `{name}`.",
]

# First words of summaries that are verbs in the imperative.
_IMPERATIVES = """
add align append apply approximate assemble assert assign build calculate cast check choose clip collect
combine compare compute concatenate construct convert copy count create decode decompose delete detect
determine divide download draw drop encode estimate evaluate expand explode extract fill filter find fit
flatten format generate get group indicate insert integrate interpolate invert iterate join limit load look
make map merge minimize modify move multiply normalize parse partition perform pivot plot predict print
raise rank read remove rename render reorder repeat replace resample reset reshape retrieve reverse roll
round sample save scale scan search select set shift shuffle slice solve sort split stack standardize store
strip subtract sum swap take test tile transform transpose truncate unpack unpivot update validate view
write
"""
# Code returns, people get.
_VERBS = {verb: verb for verb in _IMPERATIVES.split()} | {"return": "get"}
# More than one clause, or words that point out of the summary.
_UNFIT = re.compile(r"[.:;?!$\[\]*]|\b(?:I|[Tt]his|self|it|not)\b")
_OPENERS = "the a an all each every one two both another either whether if missing multiple"
_DETERMINERS = set(_OPENERS.split())
_THIRD = {f"{verb}{'es' if verb.endswith(('s', 'x', 'ch', 'sh')) else 's'}": base for verb, base in _VERBS.items()}


def question(name: str, kind: Kind, summary: str) -> str:
    """Ask about a documented thing; which wording is used depends on its name alone.

    >>> question("numpy.matrix.prod", "method", "Return the product of the elements.")
    'Please show me how to get the product of the elements using `numpy.matrix.prod`.'
    """
    doing = task(summary) if kind != "class" else None
    wordings = _ABOUT[kind] + (_TASK if doing else [])
    return wordings[crc32(name.encode()) % len(wordings)].format(name=name, task=doing)


def task(summary: str) -> str | None:
    """Turn a summary in the imperative ("Compute the mean.") into what to do ("compute the mean").

    None when it is no single short clause or opens with no verb known here: a broken question is worse than a
    general one.
    """
    text = summary.strip().removesuffix(".")
    if len(text) > 110 or _UNFIT.search(re.sub(r"`[^`]*`", "", text)):
        return None
    first, _, rest = text.partition(" ")
    verb = _VERBS.get(first.lower()) or _THIRD.get(first.lower())
    return f"{verb} {rest}" if verb and rest.strip() and _whole(rest, bare=verb != "get") else None


def _whole(rest: str, *, bare: bool) -> bool:
    """Tell whether what follows the verb is whole English: terse summaries leave articles out.

    A `bare` plural ("indices where ...") needs no article, except after "get", where it may be anything.
    """
    words = rest.split()
    if words[0].lower() in _DETERMINERS:
        return bare or words[0].lower() not in {"whether", "if"}
    return bare and any(word.endswith("s") and word not in {"is", "as", "this"} for word in words[:3] if word.isalpha())
