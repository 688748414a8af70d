"""The names of HTML: each one is found where html.c looks for it."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from html.entities import html5
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "filters" / "compiled"
names = runpy.run_path(str(FOLDER / "names.py"))  # as the build does it
KINDS = names["ELEMENTS"]


@pytest.fixture(scope="module")
def header() -> str:
    return names["header"]()


def test_elements_are_those_of_the_enum_and_named_once():
    enum = re.search(r"enum \{\s*UNKNOWN, (.*?)\s*\} Kind;", (FOLDER / "html.c").read_text(encoding="utf-8"), re.S)
    assert enum and enum[1].split(", ") == list(KINDS)
    every = " ".join(KINDS.values()).split()
    assert len(every) == len(set(every))
    assert all(re.fullmatch("[a-z][a-z0-9]{0,9}", name) for name in every)  # what a key of 64 bits can hold
    assert len(KINDS["SKIP"].split()) <= 32  # the bits of `unclosed`


def test_every_element_is_found(header):
    table = dict(re.findall(r"\[(\d+)\] = \{(\d+)u, ", header))
    for name in " ".join(KINDS.values()).split():
        key = 0
        for letter in name:
            key = key << 6 | (ord(letter) - ord("a") + 1 if letter.isalpha() else int(letter) + 27)
        slot = (key * 0x9E3779B97F4A7C15 & (2**64 - 1)) >> (64 - names["ELEMENT_BITS"])
        while table.get(str(slot), str(key)) != str(key):
            slot = (slot + 1) % 2 ** names["ELEMENT_BITS"]
        assert str(slot) in table, name  # an empty slot ends the search


def test_every_character_is_found(header):
    table = {slot: (name, text) for slot, name, text in re.findall(r'\[(\d+)\] = \{"(.*)", "(.*)"\}', header)}
    for name, text in html5.items():
        slot = 0
        for letter in name:
            slot = (slot * 31 + ord(letter)) % names["CHARACTER_SLOTS"]
        while table[str(slot)][0] != name:
            slot = (slot + 1) % names["CHARACTER_SLOTS"]
        assert bytes(int(byte, 8) for byte in table[str(slot)][1].split("\\")[1:]).decode() == text
        assert len(name) <= 32 and len(text.encode()) <= 6  # what a Character of html.c can hold


def test_the_script_writes_the_header(header):
    script = subprocess.run([sys.executable, "-I", FOLDER / "names.py"], capture_output=True, text=True, check=True)
    assert script.stdout == header
