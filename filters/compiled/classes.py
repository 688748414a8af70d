"""What each character is to a word, by ranges that are the same in every version of Unicode.

`u` a letter of a script without blanks, or a picture: a word by itself. `m` a mark, which goes on with the word before
it. `j` nothing at all. `s` a sign. `c` money. `-` a minus or hyphen. `_` a blank, `,` punctuation. What no range holds
is a letter. `python -m curate.filters.compiled.classes` prints classes.h.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

FOLDER = Path(__file__).parent
_RANGES = """
80-9f , a0 _ a1 , a2-a5 c a6-a9 , ab , ac s ad j ae-af , b0 u b1 s b4 , b6-b8 , bb , bf , d7 s f7 s 2c2-2c5 ,
2d2-2df , 2e5-2eb , 2ed , 2ef-2ff , 300-36f m 37e , 384-385 , 387 , 3f6 s 482 u 483-489 m 55a-55f , 589-58e , 58f c
5be , 5c0 , 5c3 , 5c6 , 5f3-605 , 606-608 s 609-60a , 60b c 60c-60f , 61b-61f , 66a-66d , 6d4 , 700-70f , 964-965 ,
970 , 9f2-9f3 c af1 c bf9 c df4 , e01-e30 u e31 m e32-e33 u e34-e3a m e3f c e40-e46 u e47-e4e m e4f , e5a-e5b ,
e81-eb0 u eb1 m eb2-eb3 u eb4-ebc m ebd-ec6 u ec8-ece m edc-edf u f04-f14 , f3a-f3d , 1000-102a u 102b-103e m 103f u
104a-104f , 1050-1055 u 1056-1059 m 105a-105d u 105e-1060 m 1061 u 1062-1064 m 1065-1066 u 1067-106d m 106e-1070 u
1071-1074 m 1075-1081 u 1082-108d m 108e u 108f m 109a-109d m 109e-109f u 10fb , 1360-1368 , 1780-17b3 u 17b4-17d3 m
17d4-17d6 , 17d7 u 17d8-17da , 17db c 17dc u 17dd m 1800-180a , 19e0-19ff u 1fbd , 1fbf-1fc1 , 1fcd-1fcf , 1fdd-1fdf ,
1fed-1fef , 1ffd-1fff , 2000-200a _ 200b , 200c-200d j 200e-200f , 2010-2011 - 2012 , 2013 - 2014-2018 , 2019 j
201a-202e , 202f _ 2030-2043 , 2044 s 2045-2051 , 2052 s 2053-205e , 205f _ 2060 j 2061-206f , 207a-207c s 207d-207e ,
208a-208c s 208d-208e , 20a0-20cf c 20d0-20ff m 2117 , 2118 s 2120 , 2122 , 2140-2144 s 214b s 2190-2211 s 2212 -
2213-22ff s 2300-2307 u 2308-230b , 230c-2328 u 2329-232a , 232b-244a u 2500-25ff , 2600-2767 u 2768-2775 ,
2776-27bf u 27c0-27c4 s 27c5-27c6 , 27c7-27e5 s 27e6-27ef , 27f0-27ff s 2800-28ff u 2900-2982 s 2983-2998 ,
2999-2aff s 2b00-2bff u 2e00-2e2e , 2e30-2e7f , 2e80-2fff u 3000 _ 3001-3003 , 3004-3007 u 3008-3011 , 3012-3013 u
3014-301f , 3020-3029 u 302a-302f m 3030 , 3031-303c u 303d , 303e-3096 u 3099-309a m 309b-309c , 309d-309f u 30a0 ,
30a1-30fa u 30fb , 30fc-312f u 3190-9fff u a4fe-a4ff , a838 c a9e0-a9e4 u a9e5 m a9e6-a9ef u a9fa-a9fe u aa60-aa7a u
aa7b-aa7d m aa7e-aa7f u f900-faff u fb29 s fd3e-fd3f , fdfc c fe00-fe0f m fe10-fe19 , fe20-fe2f m fe30-fe61 , fe62 s
fe63 , fe64-fe66 s fe68 , fe69 c fe6a-fe6b , feff j ff01-ff03 , ff04 c ff05-ff0a , ff0b s ff0c-ff0f , ff1a-ff1b ,
ff1c-ff1e s ff1f-ff20 , ff3b-ff40 , ff5b , ff5c s ff5d , ff5e s ff5f-ff65 , ff66-ff9f u ffe0-ffe1 c ffe2 s ffe3 ,
ffe5-ffe6 c ffe9-ffec s fff0-ffff , 1b000-1b16f u 1f000-1f3fa u 1f3fb-1f3ff m 1f400-1fbff u 20000-3ffff u
e0000-e007f , e0100-e01ef m
"""
# Characters that NFC leaves alone whatever stands beside them, and of which SMALL has the small letter.
_EVEN = """
0-12f 131-17f 386 388-3a2 3a4-3ce 400-45f 5d0-5ea 620-64a 2002-205f 20a0-20c0 2190-2328 232b-23ff 2500-27bf 3000-3029
3030-3096 309b-30ff 3400-9fff ac00-d7a3 fe0f ff01-ff20 ff5b-ff65 1f000-1faff
"""


def _parsed(ranges: str) -> list[tuple[int, int]]:
    ends = (span.partition("-") for span in ranges.split())
    return [(int(first, 16), int(last or first, 16)) for first, _, last in ends]


EVEN = _parsed(_EVEN)
RANGES = [
    (*span, kind.replace("_", " "))
    for span, kind in zip(_parsed(" ".join(_RANGES.split()[::2])), _RANGES.split()[1::2], strict=True)
]
_STARTS = [first for first, _, _ in RANGES]


class Shapes(dict[int, int]):
    """Map a code point to its class, for str.translate: `a` a letter, `0` a figure, signs and brackets as they are."""

    def __missing__(self, code: int) -> int:
        first, last, kind = RANGES[max(0, bisect_right(_STARTS, code) - 1)]
        self[code] = ord(kind) if first <= code <= last else ord("a")
        return self[code]


def _ascii(char: str) -> str:
    if char.isalnum():
        return "0" if char.isdigit() else "a"
    if char == "'":
        return "j"
    return char if char in " \t\n+-*/=<>^~%&|#$!.()[]{}" else " " if char == "\r" else ","


SHAPES = Shapes({code: ord(_ascii(chr(code))) for code in range(128)})

# Where lower case is one letter, and the same in every version; a text with others is put in lower case beforehand.
CASED = [(0x41, 0x5A), (0xC0, 0xDE), (0x100, 0x12F), (0x132, 0x17F), (0x386, 0x3CE), (0x400, 0x45F)]
SMALL = {code: ord(chr(code).lower()) for first, last in CASED for code in range(first, last + 1)}
LOWER = SMALL | {ord("ς"): ord("σ")} | dict.fromkeys((0x2010, 0x2011, 0x2013, 0x2212), ord("-"))


def header() -> str:
    """Write the ranges as C."""
    top = """/* What each character is to a word: classes.py says it, and writes this file; included by words.c. */
typedef struct {
    uint32_t first, last;
    uint8_t kind;
} Range;
"""
    return top + _table("RANGES", RANGES) + _table("EVEN", [(*span, "e") for span in EVEN])


def _table(name: str, ranges: list[tuple[int, int, str]]) -> str:
    rows = [f"{{0x{first:x}, 0x{last:x}, '{kind}'}}," for first, last, kind in ranges]
    body = "\n    ".join(" ".join(rows[at : at + 5]) for at in range(0, len(rows), 5))
    return f"static const Range {name}[] = {{\n    {body}\n}};\n"


if __name__ == "__main__":
    print(header(), end="")
