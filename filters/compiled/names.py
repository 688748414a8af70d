"""The names that HTML gives elements and characters, for the reference and, as hash tables in a C header, for html.c.

The header is not committed: it would be 2,300 lines that say what ELEMENTS and the standard library's html5 say (the
same in Python 3.11 to 3.14). The build takes it from `header()`.
"""

from __future__ import annotations

from html.entities import html5
from typing import Any

# What each element does; html.c has the same words in its `enum`.
ELEMENTS = {
    # Tags dropped, text kept.
    "INLINE": "a abbr acronym area b base basefont bdi bdo big body button cite col colgroup data dfn em embed font"
    " frame frameset head html i img input ins kbd label link map mark meta meter nobr noscript object output param"
    " picture progress q rb rp rt rtc ruby samp small source span strong sub time track tt u var wbr",
    "SUP": "sup",
    "PARAGRAPH": "p h1 h2 h3 h4 h5 h6 hr dl figure figcaption details summary",
    "LINE": "address article aside caption center dd dialog dir div dt fieldset footer form header hgroup legend main"
    " menu nav optgroup option search section select textarea tbody tfoot thead",
    "BR": "br",
    "UL": "ul",
    "OL": "ol",
    "LI": "li",
    "QUOTE": "blockquote",
    "PRE": "pre listing xmp",
    "CODE": "code",
    "TABLE": "table",
    "ROW": "tr",
    "CELL": "td th",
    # Never shown; as in a browser, the rest of the text goes with them where they are not closed.
    "RAW": "script style title iframe noembed noframes template",
    # No text (svg, media), or text that its author took back (del, s, strike): dropped where it is closed.
    "SKIP": "svg audio video canvas datalist annotation del s strike",
}
ELEMENT_BITS = 9
CHARACTER_SLOTS = 4096


def header() -> str:
    """Write both tables in C.

    Run this file by its path with `python -I`, or load it with `runpy.run_path`: with its folder in `sys.path`, the
    html.py beside it would hide the standard library's `html`.
    """
    elements = {
        _key(name): f"{kind}, {number}" for kind, names in ELEMENTS.items() for number, name in enumerate(names.split())
    }
    keys = _slots({key: (key * 0x9E3779B97F4A7C15 % 2**64) >> (64 - ELEMENT_BITS) for key in elements}, 2**ELEMENT_BITS)
    names = _slots({name: _hash(name) for name in html5}, CHARACTER_SLOTS)
    numbers = {
        "ELEMENT_BITS": ELEMENT_BITS,
        "CHARACTER_SLOTS": CHARACTER_SLOTS,
        "LONGEST_NAME": max(map(len, html5)),
        "LONGEST_OLD_NAME": max(len(name) for name in html5 if not name.endswith(";")),
    }
    return "\n".join(
        [
            "/* Written by names.py. */",
            *(f"#define {name} {number}" for name, number in numbers.items()),
            "static const Element ELEMENTS[1 << ELEMENT_BITS] = {",
            *(f"    [{slot}] = {{{key}u, {elements[key]}}}," for slot, key in keys.items()),
            "};",
            "static const Character CHARACTERS[CHARACTER_SLOTS] = {",
            *(f'    [{slot}] = {{"{name}", "{_octal(html5[name])}"}},' for slot, name in names.items()),
            "};",
            "",
        ]
    )


def _key(name: str) -> int:
    """Pack a name into a number, six bits a letter or digit, as `read_tag` does."""
    key = 0
    for byte in name.encode():
        key = key << 6 | (byte & 31 if byte >= 97 else (byte & 15) + 27)
    return key


def _hash(name: str) -> int:
    """Hash a name, as `find_character` does."""
    value = 0
    for byte in name.encode():
        value = value * 31 + byte
    return value % CHARACTER_SLOTS


def _slots(hashes: dict[Any, int], size: int) -> dict[int, Any]:
    """Give each key the first free slot from its hash on."""
    slots: dict[int, Any] = {}
    for key, slot in hashes.items():
        while slot in slots:
            slot = (slot + 1) % size
        slots[slot] = key
    return slots


def _octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in text.encode())


if __name__ == "__main__":
    print(header(), end="")
