"""What the markup scanner knows about HTML: which bytes matter where, and what each element does to the text."""

from __future__ import annotations

# Bit masks of CLASS: the bytes that end a run in each of the scanner's modes.
IN_TEXT, IN_CODE, IN_TAG, LT, GT, AMP, TICK, DOUBLE, SINGLE, DOLLAR = 1, 2, 4, 8, 16, 32, 64, 128, 256, 512

_ENDS = {
    IN_TEXT: b"<&$\n\r\t\f\0\xc2",  # 0xC2 begins a no-break space; a space ends a run only before another one
    IN_CODE: b"<&\n\r\0",
    IN_TAG: b">\"'",
    LT: b"<",
    GT: b">",
    AMP: b"&",
    TICK: b"`",
    DOUBLE: b'"',
    SINGLE: b"'",
    DOLLAR: b"$",
}
CLASS = [sum(mask for mask, ends in _ENDS.items() if byte in ends) for byte in range(256)]

# What an element does.
UNKNOWN, INLINE, PARAGRAPH, LINE, BR, UL, OL, LI, QUOTE, PRE, CODE, TABLE, ROW, CELL, RAW, SKIP = range(16)

_ELEMENTS = {
    # Markers dropped, text kept.
    INLINE: "a abbr acronym area b base basefont bdi bdo big button cite col colgroup data dfn em embed font frame"
    " frameset head html i img input ins kbd label link map mark meta meter nobr noscript object output param picture"
    " progress q rb rp rt rtc ruby samp small source span strong sub sup time track tt u var wbr body",
    PARAGRAPH: "p h1 h2 h3 h4 h5 h6 hr dl figure figcaption details summary",
    LINE: "address article aside caption center dd dialog dir div dt fieldset footer form header hgroup legend main"
    " menu nav optgroup option search section select textarea tbody tfoot thead",
    BR: "br",
    UL: "ul",
    OL: "ol",
    LI: "li",
    QUOTE: "blockquote",
    PRE: "pre listing xmp",
    CODE: "code",
    TABLE: "table",
    ROW: "tr",
    CELL: "td th",
    # Never shown; as in a browser, the rest of the text goes with them when they are not closed.
    RAW: "script style title iframe noembed noframes template",
    # Not text (svg and the media elements), or text that its author took back (del, s, strike): dropped when closed.
    SKIP: "svg audio video canvas datalist annotation del s strike",
}

TAG_SLOTS = 512
KIND_BITS = 16  # an entry is its kind plus 16 times a serial number among its kind


def name_key(name: str) -> int:
    """Pack a lower-case name of at most 12 letters and digits into one number, as `tag_key` of the scanner does."""
    key = 0
    for letter in name:
        key = key * 37 + (ord(letter) - 96 if letter.isalpha() else ord(letter) - 21)
    return key


def _tag_table() -> tuple[list[int], list[int]]:
    """Lay the names out as an open-addressing hash table: keys, and what they do."""
    keys, does = [0] * TAG_SLOTS, [UNKNOWN] * TAG_SLOTS
    for kind, names in _ELEMENTS.items():
        for serial, name in enumerate(names.split()):
            key = name_key(name)
            slot = key % TAG_SLOTS
            while keys[slot]:
                slot = (slot + 1) % TAG_SLOTS
            keys[slot], does[slot] = key, kind + KIND_BITS * serial
    return keys, does


TAG_KEYS, TAG_DOES = _tag_table()
CODE_KEY = name_key("code")
SUP = TAG_DOES[TAG_KEYS.index(name_key("sup"))]
