"""Inline reStructuredText to Markdown: literals, roles, links and citations inside one paragraph."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"``(?P<literal>.+?)``(?!`)"
    r"|:(?P<role>[A-Za-z][\w:.+-]*):`(?P<argument>[^`]+)`"
    r"|`(?P<text>[^`<]+?)\s*<(?P<url>[^`>]+)>`__?"
    r"|`(?P<reference>[^`]+)`__?(?!\w)"
    r"|`(?P<code>[^`]+)`"
)
_TITLED = re.compile(r"(?s)(.+?)\s*<([^<>]+)>$")
_OBJECTS = {
    "func",
    "class",
    "meth",
    "attr",
    "mod",
    "obj",
    "data",
    "exc",
    "const",
    "keyword",
    "any",
    "type",
    "role",
    "ufunc",
}
_DROPPED = {"issue", "gh", "pr", "user", "math:numref", "numref", "eq"}

_CITE = r"\[(?:\d+|#\w*|\*|[A-Z][\w.+:&-]*)\]_"
_CITES = re.compile(
    r"(?P<lead>\b(?:in|see|from|by|of|to|also|on|with|following|per|and|using)\s+"
    r"(?:(?:for example|e\.g\.),?\s+)?)?"
    rf"{_CITE}(?:(?:,? and|,|;|-)?\s*{_CITE})*",
    re.IGNORECASE,
)
# A pointer into the documentation's own pages is no use outside them.
_POINTERS = re.compile(
    r"(?:Read more in|See|For (?:more|further|an?|usage)[^.]*?,? ?(?:see|refer to)"
    r"|(?:Please )?[Rr]efer to|Please see)"
    r"(?: also)?(?: the)? :(?:ref|doc):`[^`]+`[^.`]*?(?:for [^.`]*)?\.(?=\s|$)\s*"
)


def inline(text: str) -> str:
    """Convert the inline markup of one paragraph.

    >>> inline("Use :func:`~numpy.dot` or ``a @ b``, as in [1]_; :math:`x^2` is `x` squared [2]_.")
    'Use `dot` or `a @ b`, as in the literature; $x^2$ is `x` squared.'
    """
    text = _TOKEN.sub(_convert, _uncited(_POINTERS.sub("", _without_galleries(text))))
    text = re.sub(r"\\ ", "", text)
    return re.sub(r" {2,}", " ", text).strip()


def _without_galleries(text: str) -> str:
    """Drop sentences that send the reader to a page of a gallery, whose label says nothing."""
    if "sphx_glr" not in text:
        return text
    return " ".join(part for part in re.split(r"(?<=[.!?])\s+", text) if "sphx_glr" not in part)


def _convert(match: re.Match[str]) -> str:
    if match["literal"]:
        return _code(match["literal"])
    if match["role"]:
        return _role(match["role"].lower().removeprefix("py:"), match["argument"].strip())
    if match["url"]:
        web = match["url"].startswith(("http://", "https://"))
        return f"[{match['text']}]({match['url']})" if web else match["text"]
    if re.fullmatch(r"~[\w.]+", match["code"] or ""):
        return _role("obj", match["code"])
    return match["reference"] or _code(match["code"])


def _code(text: str) -> str:
    text = text.strip()
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _role(role: str, argument: str) -> str:
    """Write what a role shows: code for objects, a formula for math, else its words."""
    titled = _TITLED.match(argument)
    if role == "math":
        return f"${argument}$"
    if role in _OBJECTS:
        label = titled[1] if titled else argument
        return _code(label.rpartition(".")[2] if label.startswith("~") else label.lstrip("!"))
    if role in _DROPPED:
        return ""
    if role in {"doi", "arxiv", "pep", "rfc"}:
        return (
            titled[1] if titled else {"doi": "doi:", "arxiv": "arXiv:", "pep": "PEP ", "rfc": "RFC "}[role] + argument
        )
    if titled:
        return titled[1]
    # A bare target is a label: its words are the nearest thing to a title.
    return re.sub(r"[-_]+", " ", re.split(r"[./]", argument)[-1]) if role in {"ref", "doc"} else argument


def _uncited(text: str) -> str:
    """Drop citation marks and keep the sentence whole."""
    if "]_" not in text:
        return text
    text = _CITES.sub(lambda match: _cited(text, match), text)
    text = re.sub(r"\s*\((?:cf\.|see)?(?: also)?(?: the literature)?[\s,;]*\)", "", text)
    return re.sub(r"\s+([.,;)]|:(?![A-Za-z]))", r"\1", text)


def _cited(text: str, match: re.Match[str]) -> str:
    after = text[match.end() :].lstrip()
    if match["lead"]:
        return match["lead"].rstrip() if after.startswith(":") else f"{match['lead']}the literature"
    opens = not text[: match.start()].strip() or text[: match.start()].rstrip().endswith((".", ":"))
    return "Earlier work" if opens and after[:1].islower() else ""
