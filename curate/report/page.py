"""Pages from the templates beside this module: one HTML file that loads nothing and runs nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from markupsafe import Markup

from curate.cache import home
from curate.report import words

# Characters that HTML forbids even escaped, or that would garble the page, as those that turn the order of letters
# around or hide what stands behind them: shown as a replacement mark.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)


class Section(NamedTuple):
    """A part of a page: its anchor, its name in the contents, its template, and what computes the template's values.

    Sections may share a template: it has the anchor as `part`. Where `data` gives None, the page has no such section.
    """

    anchor: str
    name: str
    template: str
    data: Callable[[], Mapping[str, Any] | None]


def render(template: str, **context: Any) -> Markup:
    r"""Fill in a template. Values are escaped unless they are Markup; None is nothing; an unknown name is an error.

    >>> render("section.html", name="A < B", error="x")
    Markup('<h2>A &lt; B</h2>\n<p class="note">This section is missing, it could not be drawn: x</p>\n')
    """
    filled = _environment().get_template(template).render(**context)
    return Markup(FORBIDDEN.sub("\ufffd", filled.replace("\r\n", "\n").replace("\r", "\n")))  # noqa: S704 (escaped)


def page(
    title: str,
    header: Section,
    sections: Iterable[Section],
    foot: str,
    *,
    styles: Sequence[str] = (),
    missing: dict[str, str] | None = None,
) -> str:
    """Lay out a page of sections under a header; `styles` are files beside style.css.

    A section that fails says so in its place and costs no other; `missing` gets its name and the reason.
    """
    missing = {} if missing is None else missing
    parts = [part for part in (_part(section, missing) for section in sections) if part]
    top = _part(header, missing)
    return str(render("page.html", title=title, header=top, sections=parts, foot=foot, styles=styles))


def _part(section: Section, missing: dict[str, str]) -> dict[str, Any] | None:
    try:
        data = section.data()
        if data is None:
            return None
        content = render(section.template, part=section.anchor, **data)
    except Exception as error:  # what was computed is worth more than a picture of it
        missing[section.name] = reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        content = render("section.html", name=section.name, error=reason)
    return {"anchor": section.anchor, "name": section.name, "content": content}


def source(*names: str) -> Markup:
    """Read style and script files as they are: their braces are not Jinja's."""
    folder = resources.files("curate.report") / "templates"
    return Markup("".join((folder / name).read_text(encoding="utf-8") for name in names))  # noqa: S704 (our own)


def policy(style: str, script: str) -> str:
    """Allow this style and script by their hashes: markup that slipped in could load and run nothing."""
    hashes = {"style-src": style, "script-src": script}
    rights = [f"{name} 'sha256-{_digest(content)}'" for name, content in hashes.items()]
    return "; ".join(["default-src 'none'", *rights, "base-uri 'none'", "form-action 'none'"])


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _compiled() -> FileSystemBytecodeCache | None:
    """Keep compiled templates beside the other caches: to compile them takes a third of a small run."""
    folder = home() / "templates"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("curate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: "" if value is None else value,
        bytecode_cache=_compiled(),
    )
    environment.filters |= {"number": words.number, "plural": words.plural}
    environment.filters |= {"x": "{:.2f}%".format, "y": "{:.1f}".format}  # places in a drawing: across, and down
    environment.globals |= {"DASH": words.DASH, "source": source, "policy": policy}
    return environment
