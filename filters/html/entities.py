"""Character references as flat tables that both the interpreted and the compiled scanner can read.

The names are those of the HTML standard, as the standard library lists them (html.entities.html5): with the
semicolon, and for the 106 old ones without. A table is an open-addressing hash of name numbers; names and texts lie
end to end.
"""

from __future__ import annotations

from html.entities import html5

LONGEST_NAME = max(map(len, html5))
LONGEST_OLD = max(len(name) for name in html5 if not name.endswith(";"))
NAME_SLOTS = 8192


def name_hash(name: bytes) -> int:
    """Hash a name byte by byte, as `find_name` of the scanner does."""
    value = 0
    for byte in name:
        value = (value * 31 + byte) & 0x3FFFFFFF
    return value


def _lay_out() -> tuple[list[int], bytes, list[int], bytes, list[int]]:
    slots = [0] * NAME_SLOTS
    names, texts = bytearray(), bytearray()
    name_starts, text_starts = [0], [0]
    for number, (name, text) in enumerate(html5.items(), 1):
        slot = name_hash(name.encode()) % NAME_SLOTS
        while slots[slot]:
            slot = (slot + 1) % NAME_SLOTS
        slots[slot] = number
        names += name.encode()
        texts += text.encode()
        name_starts.append(len(names))
        text_starts.append(len(texts))
    return slots, bytes(names), name_starts, bytes(texts), text_starts


SLOTS, NAMES, NAME_STARTS, TEXTS, TEXT_STARTS = _lay_out()

# &#128; to &#159; mean the characters of Windows-1252 (HTML standard, 13.2.5.80); five of them have none.
WINDOWS = [ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)) for byte in range(128, 160)]
