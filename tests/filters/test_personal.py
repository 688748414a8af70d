from typing import Any

import polars as pl
import pytest

from curate.filters.safety import personal_data, personal_data_where
from curate.filters.words.personal import luhn
from tests.conftest import seconds


def has(text: str | None, **parameters: Any) -> Any:
    frame = pl.DataFrame({"response": [text]}, schema={"response": pl.String})
    return frame.select(personal_data("response", **parameters)).item()


PERSONAL = [
    pytest.param("Mail me: ann.lee@posteo.net", "email", id="an address"),
    pytest.param("<ann+list@sub.uni-x.ac.uk>", "email", id="an address with a tag and several labels"),
    pytest.param("Ask `ann_lee@posteo.net`.", "email", id="an address in code"),
    pytest.param("Keith Young <youngk@astro.posteo.net>", "email", id="a name that begins like a stand-in"),
    pytest.param("Ann Lee <me@annlee.net>", "email", id="me at a domain of one's own"),
    pytest.param("[Ann](mailto:ann@posteo.net), E-Mail:ann@posteo.net", "email", id="behind the word mail"),
    pytest.param("Call (212) 867-5309 now", "phone", id="North American with brackets"),
    pytest.param("Call 212-867-5309.", "phone", id="North American with dashes"),
    pytest.param("Call 1.604.988.2345!", "phone", id="North American with dots and the 1"),
    pytest.param("+1 604 988 2345", "phone", id="with the country code 1"),
    pytest.param("Ring +44 20 7123 4567 after six.", "phone", id="British with its code"),
    pytest.param("+49 (0)89 123456-78", "phone", id="German with (0)"),
    pytest.param("+352224455", "phone", id="Luxembourg without blanks"),
    pytest.param("IBAN DE89 3704 0044 0532 0130 00.", "iban", id="an IBAN in groups"),
    pytest.param("GB82WEST12345698765432", "iban", id="an IBAN in one"),
    pytest.param("Card 4539 1488 0343 6467, please", "card", id="a card in groups"),
    pytest.param("4539-1488-0343-6467", "card", id="a card with dashes"),
    pytest.param("4539148803436467", "card", id="a card in one"),
    pytest.param("SSN: 536-22-8714", "ssn", id="a social security number"),
    pytest.param("It came from 93.184.216.34.", "ip", id="an IPv4 address"),
    pytest.param("ping 2606:2800:220:1:248:1893:25c8:1946", "ip", id="an IPv6 address"),
]

NOT_PERSONAL = [
    pytest.param("Write to ann@example.com or bob@mail.example.org.", id="reserved domains"),
    pytest.param("a@b.test, a@host.invalid, root@localhost", id="reserved top-level domains"),
    pytest.param("your.name@domain.com, you@gmail.com, name@yourcompany.com", id="stand-ins for a name"),
    pytest.param("git clone git@github.com:org/repo.git", id="a repository's address"),
    pytest.param("https://user:word@host.io/path", id="an address with a password in a link"),
    pytest.param("Call 212-555-0143 or (555) 010-9999.", id="numbers of films"),
    pytest.param("Call 1-800-273-8255 or 888-867-5309.", id="toll-free"),
    pytest.param("123-456-7890", id="counted up"),
    pytest.param(
        "Ann in <199710131621.JAA14907@wall.org> and <1991Jul31.174523.9447@netlabs.org>", id="names of messages"
    ),
    pytest.param("anna...@posteo.net", id="an address that is cut"),
    pytest.param("under clause 252.227-7013 of the law", id="the number of a clause, with two kinds of signs"),
    pytest.param("It ranges from -2147483648 to +2147483647.", id="a limit of integers"),
    pytest.param("x = 3+12345678901", id="a sum"),
    pytest.param("Version 2.4.1.0, kernel 5.4.0.42, section 3.10.2.1", id="version and section numbers"),
    pytest.param("ISBN 978-0-306-40615-7, ISSN 0028-0836", id="book and journal numbers"),
    pytest.param("doi:10.1000/182.2019-01-02, arXiv:2501.05032", id="identifiers of papers"),
    pytest.param("From 2024-01-31 12:30:45 to 31.12.2024", id="dates and times"),
    pytest.param("4111 1111 1111 1111 and 4242424242424242", id="published test cards"),
    pytest.param("4539 1488 0343 6468", id="a card number with a wrong last digit"),
    pytest.param("0.4539148803436467", id="digits after a point"),
    pytest.param("9876543210987654", id="no issuer has such numbers"),
    pytest.param("078-05-1120, 123-45-6789, 000-12-3456, 900-12-3456", id="numbers never given out"),
    pytest.param("DE00 3704 0044 0532 0130 00", id="an IBAN with wrong check digits"),
    pytest.param("192.168.0.12, 10.20.30.40, 127.0.0.1, 172.16.31.12", id="private networks"),
    pytest.param("192.0.2.44, 198.51.100.23, 203.0.113.77, 2001:db8::1234", id="addresses of documentation"),
    pytest.param("255.255.255.0 and 8.8.8.8", id="a mask and a public resolver"),
    pytest.param("std::vector::iterator a::b::c, 00:1B:44:11:3A:B7", id="names and hardware addresses"),
    pytest.param("200 300 4000 and 100-200-3000", id="a row of numbers"),
    pytest.param("$12,345.67 or 1 000 000 000 EUR", id="amounts"),
    pytest.param("@ann said hi; see obj@meta.data", id="a handle and a slot"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_finds(text, kind):
    assert has(text) is True
    assert has(text, kinds=[kind]) is True


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_leaves(text):
    assert has(text) is False


def test_only_the_kinds_asked_for_are_looked_for():
    assert has("ann.lee@posteo.net", kinds=["phone", "card"]) is False


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        pytest.param([], "kinds is empty: name some of email, phone", id="none"),
        pytest.param(["mail"], "kinds knows email.*not 'mail'", id="unknown"),
    ],
)
def test_refuses(kinds, sentence):
    with pytest.raises(ValueError, match=sentence):
        personal_data(kinds=kinds)


def test_the_span_says_the_kind_and_does_not_repeat_the_secret():
    frame = pl.DataFrame({"response": ["Card 4539 1488 0343 6467.", "ann.lee@posteo.net", "none", None]})
    assert frame.select(personal_data_where("response")).to_series().to_list() == [
        "card number 453…",
        "e-mail address ann…",
        None,
        None,
    ]
    assert personal_data.span is personal_data_where  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("digits", "right"), [("79927398713", True), ("79927398714", False), ("0", True), ("18", True), ("81", False)]
)
def test_luhn(digits, right):
    assert luhn(digits) is right


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["+1", "a.", "a@a.", "1.", "1:", "DE89 ", "4539", "(212) "])
def test_no_text_takes_long(piece):
    assert seconds(lambda: has(piece * 20_000)) < 3


def test_real_answers_hold_little_of_it(data):
    pairs = pl.read_ndjson(data / "human_like_pairs_sample.jsonl")
    assert pairs.select(personal_data("chosen").sum(), personal_data("rejected").sum()).row(0) == (0, 0)
