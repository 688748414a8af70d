r"""Code in Markdown, for edits that leave it alone: fenced and indented blocks, and spans within a line.

Every rule is linear in the text: what opens and never closes is looked for once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# A fence may stand in a list or a quotation, and one left open runs to the end of the text; so a line of four blanks or
# a tab, wherever it stands; `<pre>` and `<code>`; a span of one tick or two, within its line.
CODE = (
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<fence>```+|~~~+)(?s:.*?)(?:^[ \t>]*(?P=fence)[^\n]*|\Z)"
    r"|^(?:\ {4}|\ {0,3}\t)[ \t]*[^\s][^\n]*|<(?P<tag>pre|code)\b(?s:.*?)(?:</(?P=tag)>|\Z)|``[^\n]*?``|`[^`\n]*`"
)


def outside_code(pattern: str, new: Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    """Make a function that replaces what a pattern finds outside of code."""
    both = re.compile(rf"(?P<code>{CODE})|{pattern}", re.MULTILINE)
    return lambda text: both.sub(lambda match: match[0] if match["code"] is not None else new(match), text)
