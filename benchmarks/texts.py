"""Texts to measure with: rows of five kinds, one long row, and hostile ones; found on this machine or written here."""

from __future__ import annotations

import json
import random
import sysconfig
from functools import cache
from importlib.resources import files
from itertools import chain, count, cycle, islice, takewhile
from pathlib import Path

import polars as pl

from curate.rows import data_folder
from curate.sources import stackexchange

GERMAN = """Der Tee zieht bei achtzig Grad, weil heißeres Wasser die Bitterstoffe löst.
Größere Kräfte wirken, sobald sich die Strömung an der Kante ablöst.
Wer früh sät, erntet früher, muss aber die jungen Pflanzen nachts schützen.
Ich habe meine Notizen geprüft: Die Prüfung dauert vier Stunden, nicht fünf.
Überprüfe zuerst die Sicherung, dann das Kabel, zuletzt den Schalter.
Die Donaudampfschifffahrtsgesellschaft führte über hundert Schiffe.
„Das geht nicht“, sagte er, „solange der Kessel nicht ganz abgekühlt ist.“
Für x größer als null wächst die Lösung, für x kleiner als null fällt sie.
Mehr dazu steht unter https://example.org/anleitung und im Anhang."""
CHINESE = """茶叶用八十度的水冲泡，因为更热的水会带出苦味。
先检查保险丝，再检查电线，最后检查开关。
如果两次测量不在同一天进行，比较就没有意义。
他说：“锅炉完全冷却之前，不能打开盖子。”
早播种的人收获也早，但夜里必须保护幼苗。
当 x 大于零时，解会增长；当 x 小于零时，解会下降。
这本书有三百页，我用两个星期读完了。
《算法导论》第四章讨论了递归式的解法。
详细说明见 https://example.org/shuoming 和附录。"""


@cache
def kinds() -> dict[str, list[str]]:
    """Give rows of each kind: the project's own examples, lines from above, Python's library, posts of the dumps."""
    code = chain.from_iterable(map(_pieces, sorted(Path(sysconfig.get_path("stdlib")).glob("[a-h]*.py"))))
    return {
        "ASCII prose": [text.encode("ascii", "ignore").decode() for text in _examples()],
        "German": _draw_rows(GERMAN.splitlines(), " "),
        "Chinese": _draw_rows(CHINESE.splitlines(), ""),
        "code": list(code),
        "HTML": posts(),
    }


def _examples() -> list[str]:
    lines = (files("curate.recipes") / "authored" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["response"] for line in lines]


def _draw_rows(lines: list[str], gap: str) -> list[str]:
    draw = random.Random(0)
    return [gap.join(draw.choices(lines, k=25)) for _ in range(200)]


def _pieces(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    return [text[start : start + 3000] for start in range(0, len(text), 3000)]


@cache
def posts() -> list[str]:
    """Read the answers of the Stack Exchange dumps; without dumps, put the project's own examples between tags."""
    folder = data_folder() / "stackexchange"
    if not folder.is_dir():
        return ["<p>" + text.replace("\n", "</p>\n<p>") + "</p>" for text in _examples()]
    batches = chain.from_iterable(part.read(10_000) for part in stackexchange(folder))
    return pl.concat([batch.rows["response"].drop_nulls() for batch in batches]).to_list()


def rows(kind: str, size: float) -> pl.Series:
    """Repeat the rows of a kind up to so many bytes; `one row` is a single text of all kinds in turn."""
    turns = chain.from_iterable(zip(*map(cycle, kinds().values()), strict=False))
    texts = list(islice(turns, 1000)) if kind == "one row" else kinds()[kind]
    total = sum(len(text.encode()) for text in texts)
    if kind == "one row":
        return pl.Series("text", ["\n\n".join(texts) * max(1, round(size / total))])
    repeats = islice(cycle(texts), max(1, round(len(texts) * size / total)))
    return pl.Series("text", list(repeats), dtype=pl.String)


# What opens something again and again, closes it, or is no text at all. Signs stand for what cannot be seen.
UNITS = """[ ] ( ) ]( ![ [a] [a]( [a](b) [a][b] [[a] ( [^1]: < > <a <!-- <pre> <code> <ul><li> <div> <td> <blockquote>
</p> </ & &amp &amp; &#1 " ' “ „ « ‘ ` ```⏎ ~~~⏎ `a $ $a \\( \\[ \\ >␣ ⏎ ␣ ⇥ - -␣ # 1. * _ ~~ |
a A I I␣ I,␣ I= i' We' A.I. I. my␣ ab␣ Ab␣ a- a. a' é ä␣ 漢 。 漢␣ 😀 \u0301 e\u0301 \u200d ␀ ␁ ␀1␀ … .. ? ! : ; , @
@a a@ a@b. a@b.c␣ 1 1␣ 1- +1␣ (1) 4111␣ http:// https://a( www. www.a mailto: {{ "a '␣ as␣ as␣mentioned␣ when␣I␣
if␣I␣ my␣wife␣ stack␣ other␣answer␣ in␣the␣ not␣ as␣an␣AI␣ <a␣href=" <a␣href='a'> [a]:␣http://a⏎ ![a](b)␣
[a](<"""
OPENERS = """[ ( <!-- <a␣ <pre> ```⏎ ~~~⏎ ` " ' “ « $ $$ \\( < & >␣"""
UNSEEN = str.maketrans({"␣": " ", "⏎": "\n", "⇥": "\t", "␀": "\0", "␁": "\1"})
# At each one's end, so that no filter passes it by at the first look.
SIGNS = "\n\nMy wife said: as an AI, I can&apos;t help. As mentioned, [a](http://a.org) <b>b</b> a.b@posteo.net"


@cache
def hostile(size: int) -> dict[str, str]:
    """Make texts of about so many bytes: one unit repeated; one opened and never closed; runs that grow; noise."""
    units = dict.fromkeys(unit.translate(UNSEEN) for unit in UNITS.split())
    openers = [unit.translate(UNSEEN) for unit in OPENERS.split()]
    noise = random.Random(0)
    bodies = (
        {f"{unit!r} x": unit * (size // len(unit.encode())) for unit in units}
        | {f"{unit!r} a word": (f"{unit} word " * size)[:size] for unit in openers}
        | {f"{unit!r} unclosed": (unit + "word " * size)[:size] for unit in openers}
        | {f"{sign!r} in runs that grow": _growing(sign, size) for sign in '`~>*[<$"('}
        | {
            "letters of all kinds": "".join(noise.choices("abcdeABI\n .,'\"()[]<>&;`$/:-_#*0123456789", k=size)),
            "different words": " ".join(islice(map("w{:x}".format, count()), size // 6))[:size],
            "any Unicode": "".join(map(chr, noise.choices(range(1, 0xD800), k=size // 3))),
        }
    )
    return {label: body + SIGNS for label, body in bodies.items()}


def _growing(sign: str, size: int) -> str:
    widths = takewhile(lambda width: width * width / 2 < size, count(1))
    return " a ".join(sign * width for width in widths)


def prompts(count: int) -> pl.Series:
    """Make questions of four forms, so that each shares most of its words with thousands of others."""
    forms = ["How do I {} a {} {}?", "What is the best way to {} a {} {}?", "Can I {} my {} {}?", "Why {} the {} {}?"]
    verbs = ["clean", "mend", "paint", "sell", "move", "store", "build", "test", "tune", "sort", "weigh", "open"]
    things = ["bicycle", "kettle", "table", "lamp", "ladder", "engine", "carpet", "window", "garden", "violin", "tent"]
    places = ["at home", "in winter", "on a boat", "in the rain", "without tools", "for a friend", "before noon"]
    draw = random.Random(0)
    questions = (draw.choice(forms).format(*map(draw.choice, (verbs, things, places))) for _ in range(count))
    return pl.Series("text", [f"{text[:-1]} number {draw.randrange(count)}?" for text in questions])
