"""What each kind of personal data looks like, and what looks like it and is none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["email", "phone", "iban", "card", "ssn", "ip"]


class Match(NamedTuple):
    """A kind, and where in a text it stands."""

    kind: Kind
    start: int
    text: str


# Cheap patterns for Rust's `regex`: what has none of these, in whole texts, is not looked at again. Their figures are
# ASCII's: with those of all scripts, as \d has them, the search takes eight times as long.
HINTS: dict[Kind, str] = {
    "email": r"[^ \t\n]@[0-9A-Za-z-]",
    "phone": r"\+[0-9]|[0-9]{3}\)?[-. ]?[0-9]{3}[-. ][0-9]{4}",
    "iban": "[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}",
    "card": "[0-9]{4}[- ]?[0-9]{4,6}[- ]?[0-9]{4,5}",
    "ssn": "[0-9]{3}-[0-9]{2}-[0-9]{4}",
    "ip": r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f:]*:[0-9A-Fa-f]",
}

_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "email": re.compile(
        r"(?:(?<![\w.%+/:-])|(?<=[Mm]ail:)|(?<=[Mm]ailto:))"
        r"[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w@:-])"
    ),
    # With a country code (ITU-T E.164: up to 15 digits), or in the North American form 212-555-0143.
    "phone": re.compile(
        r"(?<![\w.+/=-])(?:\+[1-9]\d{0,2}(?:[-. ]?\(?\d{1,5}\)?){2,6}"
        r"|(?:1[-. ])?(?:\([2-9]\d\d\) ?[2-9]\d\d[-.]|[2-9]\d\d([-.])[2-9]\d\d\1)\d{4})(?![\w-]|\.\d)"
    ),
    "iban": re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
    "card": re.compile(r"(?<![\w.-])(?:\d{4}([- ]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([- ]?)\d{6}\2\d{5})(?![\w-]|[.,]\d)"),
    "ssn": re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)"),
    "ip": re.compile(
        r"(?<![\w.:/-])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){3,7})(?![\w:-]|\.\w)"
    ),
}

# Reserved for documentation and tests (RFC 2606, RFC 6761), or standing for a name of one's own; object@meta.data is R.
_RESERVED = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local|data)$|(?:^|[.-])(?:example|domain|my-?domain|your-?domain"
    r"|your-?company|company|somewhere|foo|bar|acme|email|mail|host|server|site)\.(?:com|org|net|edu|co)$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"^(?:git|hg|svn|no-?reply|donotreply|user(?:name)?|you(?:[._-]\w*)?|your[\w.-]*|name|someone|foo|bar|x+)$", re.I
)
# What names a message has the form of an address: <199710131621.JAA14907@…>, <1991Jul31.174523.9447@…>.
_MESSAGE = re.compile(r"\d{8,}\.[\dA-Z.]+|\d{4}[A-Z][a-z]{2}\d{1,2}\.\d+\.\d+")
# Country codes that are given out (ITU-T E.164, list of assigned codes).
_COUNTRY = re.compile(
    r"\+(?:1|7|2(?:[07]|[2346]\d|1[12368]|5\d|9[01789])|3(?:[0-469]|5\d|7\d|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|7\d|8\d|9[0-2])|8(?:[1246]|0[08]|5[02356]|8[0-36-8])|9(?:[0-58]|6\d|7[0-79]|9[2-68]))"
)
# Toll-free numbers and numbers in 555 belong to no person (North American Numbering Plan).
_NO_PERSON = re.compile(r"^1?(?:8(?:00|33|44|55|66|77|88)|900|555|\d{3}555)")
# Numbers that are published to test payments with.
_TEST_CARDS = re.compile(
    "4111111111111111|4242424242424242|4012888888881881|4000056655665556|4000000000000002|5555555555554444"
    "|5105105105105100|5200828282828210|2223003122003222|378282246310005|371449635398431|378734493671000"
    "|6011111111111117|6011000990139424|3566002020360505|6200000000000005"
)
# Published by the agency itself or by advertisements, or counted up.
_NO_SSN = frozenset({"078-05-1120", "219-09-9999", "123-45-6789", "111-11-1111", "222-22-2222", "333-33-3333"})


def find(text: str, kinds: tuple[Kind, ...]) -> Iterator[Match]:
    """Find personal data of some kinds in a text, kind by kind."""
    for kind in kinds:
        for match in _PATTERNS[kind].finditer(text):
            if _CHECKS[kind](match[0]):
                yield Match(kind, match.start(), match[0])


def _email(text: str) -> bool:
    name, _, domain = text.rpartition("@")
    return not (name.endswith(".") or _RESERVED.search(domain) or _NOBODY.match(name) or _MESSAGE.fullmatch(name))


def _phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if text.startswith("+") and not text.startswith("+1"):
        return bool(_COUNTRY.match(text)) and 9 <= len(digits) <= 15 and len(set(digits)) > 3
    return 10 <= len(digits) <= 11 and not _NO_PERSON.match(digits.removeprefix("1")) and len(set(digits)) > 3


def _iban(text: str) -> bool:
    """Check the two digits that every IBAN carries (ISO 13616: modulo 97)."""
    compact = text.replace(" ", "")
    number = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return 15 <= len(compact) <= 34 and int(number) % 97 == 1


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    issued = re.match(r"4|5[1-5]|2[2-7]|3[47]|35|6(?:011|4[4-9]|5|2)", digits)
    return bool(issued) and luhn(digits) and not _TEST_CARDS.fullmatch(digits) and len(set(digits)) > 3


def luhn(digits: str) -> bool:
    """Check the last digit of a card number (ISO/IEC 7812-1, annex B).

    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _ssn(text: str) -> bool:
    """Keep what the agency can have given out: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    area, group, serial = text.split("-")
    valid = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return valid and text not in _NO_SSN


def _ip(text: str) -> bool:
    """Keep addresses of the open internet; versions and section numbers have short parts (2.4.1.0, 3.10.2.1)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    if address.version == 6:
        return True
    parts = text.split(".")
    return len(set(parts)) > 2 and sum(len(part) > 1 for part in parts) >= 2


_CHECKS: dict[Kind, Callable[[str], bool]] = {
    "email": _email,
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "ssn": _ssn,
    "ip": _ip,
}
