import re
from collections import Counter
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curate.filters import (
    count,
    form,
    gopher_quality,
    gopher_repetition,
    has_code,
    lexical_diversity,
    question_like,
    readability,
    repetition,
    share,
    unicode_broken,
)
from curate.filters.words.repeats import BOUNDS, parts
from tests.conftest import seconds


def one(expression: pl.Expr, text: str | None) -> Any:
    frame = pl.DataFrame({"response": [text], "prompt": [text]}, schema={"response": pl.String, "prompt": pl.String})
    return frame.select(expression).item()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("It rains. We stay in!", 2, id="two"),
        pytest.param("It weighs 3.5 kg, i.e. little, said Dr. Lee.", 1, id="points that end nothing"),
        pytest.param('"Why?" she said. "No." Then she left…', 3, id="quotation marks"),
        pytest.param("A list:\n\n- one\n- two\n\nThe end", 4, id="paragraphs and items end one"),
        pytest.param("A line\nthat goes on.", 1, id="a line's end does not"),
        pytest.param("今天下雨。我们不出去！", 2, id="Chinese"),
        pytest.param("Run it:\n\n```\na. B. C. D.\n```\n\nDone.", 2, id="code is none"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_sentences(text, sentences):
    assert one(count(of="sentences"), text) == sentences


def test_count_takes_the_units_of_length():
    assert [one(count(of=of), "Don't stop: 我们。") for of in ("chars", "words")] == [15, 4]
    with pytest.raises(ValueError, match="of is one of chars, words, tokens, sentences, not 'pages'"):
        count(of="pages")


def by_hand(words: list[str], window: int) -> float:
    size = min(window, len(words))
    windows = [words[at : at + size] for at in range(len(words) - size + 1)]
    return sum(len(set(each)) / size for each in windows) / len(windows)


@settings(max_examples=50, deadline=None)
@given(
    words=st.lists(st.sampled_from(["ale", "rye", "oat", "tea"]), min_size=1, max_size=30), window=st.integers(2, 12)
)
def test_lexical_diversity_is_the_mean_over_all_windows(words, window):
    assert one(lexical_diversity(window=window), " ".join(words)) == pytest.approx(by_hand(words, window))


def test_lexical_diversity_does_not_fall_with_length():
    text = " ".join(f"word{at % 60}" for at in range(600))
    assert one(lexical_diversity(), text) == one(lexical_diversity(), text * 4) == 1.0
    assert one(lexical_diversity(), "…") is None


@pytest.mark.parametrize(
    ("text", "ease"),
    [
        pytest.param("The cat sat on the mat.", 206.835 - 1.015 * 6 - 84.6 * 1, id="six words of one syllable"),
        pytest.param("These tables were made in factories.", 206.835 - 1.015 * 6 - 84.6 * 9 / 6, id="a silent e"),
        pytest.param("Run `x = y` now. Wait.", 206.835 - 1.015 * 1.5 - 84.6, id="code left out"),
        pytest.param("Кот сидит.", None, id="another script"),
        pytest.param("42", None, id="no words"),
    ],
)
def test_readability(text, ease):
    result = one(readability(), text)
    assert result is None if ease is None else result == pytest.approx(ease)


MARKDOWN = "# Tea\n\nBoil it:\n\n1. fill\n2. heat\n\n```sh\n# no heading\n- no item\n```\n"


@pytest.mark.parametrize(
    ("of", "text", "result"),
    [
        ("letters", "ab 12!", 2 / 5), ("digits", "ab 12!", 2 / 5), ("symbols", "ab 12!", 1 / 5), ("capitals", "Ab CD", 3 / 4),
        ("capitals", "12", 0), ("lists", MARKDOWN, 2 / 8), ("headings", MARKDOWN, 1 / 8), ("code", MARKDOWN, 4 / 8),
        ("code", "So:\nx = 3\nprint(x)\nwhich prints 3.", 2 / 4), ("lists", "", 0), ("letters", None, None),
    ],
)  # fmt: skip
def test_share(of, text, result):
    assert one(share(of=of), text) == result


def test_share_names_what_it_knows():
    with pytest.raises(ValueError, match=r"of is one of letters, .*, not 'vowels'"):
        share(of="vowels")


CODE = [
    "Like so:\n\n```\nanything\n```", "def boil(water):", "import os", "from os import path", "x = 3", "total += f(x)", "print(x)",
    "for (int i = 0; i < n; i++) {", "if x > 3:", "return x;", "}", "#include <stdio.h>", "<div class='a'>", "</p>", ">>> 1 + 1",
    "$ ls -la", "sudo apt-get install rye", "SELECT name FROM beers WHERE id = 3", "grep -v '^#' a.txt | sort", "const f = (x) => x * 2;",
    "x <- c(1, 2)", "> summary(x)", "@cache", "#!/bin/sh", "// a comment", "public static void main(String[] args) {", "result.append(x)",
    "samtools view -b in.bam", "<?php echo 1; ?>", "else:", "export A=1", "if [ -x /bin/tea ]; then", "done", "(setq tea 3)", "while True:",
    "with open(tea) as file:", "except ValueError as error:", "for cup in range(3):", "if not cup:", "git commit -m tea", "a[i] += 2;",
    "*p = 3;", "f(x),", "<name>Ann</name>", "<config>", "<br/>", "<P>Tea", "<cup size=3 />", "<!DOCTYPE html>",
]  # fmt: skip
PROSE = [
    "Import taxes are high.", "From here it is far.", "For a while, if it rains, we stay.", "Return it to the shop.", "A name such as `x`.",
    "She said (twice) that it is so.", "The price is $5; that of rye is $6.", "Let it cool.", "1. give a list of beers;", "- an item",
    "> a quotation", "We write $x = 3$ for it.", "$$\na = b\n$$", "# A heading", "Is 3 < 4?", "class of its own", "C'est-à-dire : rien.",
    "Note: it is late.", "select a beer you like", "If it rains:", "Git is a tool.", "—", "",
    # lines of prose that is broken off anywhere
    "<https://a.org/list> and other archives", "<ann@a.org>. Please say so", "for the rye in question, add:", "if they differ (as tea does):",
    "with the kettle 'my-kettle', boil:", "tea-maker --green or a custom blend of it.", "option --cold is for tea.", "pour(3),", "'--label=NAME' option, the first time",
    "of the leaves; those that are 'green' (or so) stay;", "pip on Debian is a mess of packages", "git submodule as per the lines below", "- what [is left] of it;",
    "<ann> is it late?", "<Bo> ann: no, x > 3", "<Owner> <Group> <Size>",
]  # fmt: skip


@pytest.mark.parametrize("text", CODE)
def test_code_is_seen(text):
    assert one(has_code(), f"Do this:\n\n{text}\n\nThat is all.") is True
    assert one(form.has_code_where(), text)


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_code(text):
    assert one(has_code(), f"Do this:\n\n{text}\n\nThat is all.") is False, one(form.has_code_where(), text)


ASKING = [
    "Why does ice float?", "how to keep rye", "Which tea is best", "It rains. Shall we go? I think so.", "Is it late", "In what order?",
    "Hi, can I use rye", "Is beer bad for dogs", "how do I boil tea. It is cold", "What makes IPAs 'stronger' than beer", "今天下雨吗？", "它好吗。", "هل هذا جيد؟", "Beer without gluten?", "Do we agree (really?)", "when should I start",
]  # fmt: skip
TELLING = [
    "Explain why ice floats.", "Beers of the north", "When it rains, we stay.", 'He asked "why?" and left.', "See http://a.org/?a=1 there.",
    "Why: it is late.", "Where possible, use tea.", "Should be of the form rye", "Has no effect on tea.", "What a day!", "Will is late.",
    "Which tea it is depends on the pot.", "What is left is tea; throw it away.", "Run `x ? 1 : 2` now.", "The question is why.", "and $x$ is the least", "> Is it?\n\nYes.", "",
    "Due to a poor (random?) choice", "It is in its favour(?), too.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "asks"), [*((text, True) for text in ASKING), *((text, False) for text in TELLING)])
def test_question_like(text, asks):
    assert one(question_like(), text) is asks
    assert bool(one(form.question_like_where(), text)) is asks


RIGHT = [
    "Ein Café in Köln, »größer« als MENÜ", "à « la » carte, passé…», NÃO, SÃO, IRMÃ", "Ângela, âge, Ärger", "привет, мир", "東京は今日も雨。", "κόσμε",
    "It’s “new” – 5 €… ½ × 3°", "Šljivovica, ćevapi, žena", "Trần Hưng Đạo", "emoji 🍺 👩‍🔬", "tab\tline\nreturn\r\nfeed\x0c", "שלום", "สวัสดี", "ÅÄÖ åäö",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_right_text_is_not_broken(text):
    assert one(unicode_broken(), text) is False, one(form.unicode_broken_where(), text)


MISREAD = [text for text in RIGHT if re.search(r"[’“À-ÿа-я東κŠćầ🍺ש]", text)]


@pytest.mark.parametrize("text", MISREAD)
def test_misread_text_is_broken(text):
    assert one(unicode_broken(), text.encode().decode("latin-1")) is True


@pytest.mark.parametrize(
    "text", ["isnâ€™t", "cafÃ©", "Â°C", "ðŸ˜€", "à½–à½¼à½‘", "lost \ufffd", "a\x00b", "a\x1b[1mb", "a\x92b"]
)
def test_broken(text):
    assert one(unicode_broken(), text) is True


# What the paper says, once more and plainly: n-grams by their text, one n at a time.
def plainly(text: str) -> dict[str, float]:
    words = pl.select(parts(pl.lit(text))).item().to_list()
    size, shares = max(1, len(text)), dict.fromkeys(BOUNDS, 0.0)
    for name, pieces in (("line", re.split(r"\n+", text.strip())), ("paragraph", re.split(r"\n{2,}", text.strip()))):
        again = [piece for at, piece in enumerate(pieces) if piece in pieces[:at]]
        shares[f"{name}s"], shares[f"{name}_chars"] = len(again) / len(pieces), len("".join(again)) / size
    for n in (2, 3, 4):
        grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
        times = max(grams.values(), default=0)
        longest = next((gram for gram, count in grams.items() if count == times), "")
        shares[f"top_{n}_gram"] = len(longest) * times / size if times > 1 else 0
    for n in range(5, 11):
        seen, at, chars = set(), 0, 0
        while at <= len(words) - n:
            gram = tuple(words[at : at + n])
            chars += len("".join(gram)) * (gram in seen)
            at += n if gram in seen else 1
            seen.add(gram)
        shares[f"duplicate_{n}_grams"] = chars / size
    return shares


pieces = st.sampled_from(
    ["rye ", "ale ", "is ", "good. ", "\n", "\n\n", "don't ", "x-y ", "我们", "(a) ", "rye is good ale. "]
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(text=st.lists(pieces, max_size=60).map("".join))
def test_repetition_is_what_the_paper_says(text):
    expected = plainly(text)
    frame = pl.DataFrame({"response": [text]}).select(repetition(of=of).alias(of) for of in BOUNDS)
    assert frame.row(0, named=True) == pytest.approx(expected)
    assert one(gopher_repetition(), text) is all(expected[of] <= BOUNDS[of] for of in BOUNDS)


def test_repetition_names_what_it_knows():
    with pytest.raises(ValueError, match=r"of is one of lines, .*, not 'words'"):
        repetition(of="words")


GOOD = (
    "The tea has to stand for some minutes before it is served, and that is the part which most people forget. Warm the pot, "
    "throw the water away, and fill it with leaves of your choice. Then add boiling water to them. When it smells of flowers, "
    "pour it through a sieve and drink it with milk, or without any."
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(GOOD, "", id="all is well"),
        pytest.param("The tea is to be drunk.", "words 6 (50 to 100000)", id="few words"),
        pytest.param(GOOD.replace(" ", " # ", 20), "# a word", id="signs"),
        pytest.param(GOOD.replace(",", "...").replace(".", "..."), "ellipses a word", id="ellipses"),
        pytest.param("\n".join(f"- {part}" for part in GOOD.split(",")), "lines with a bullet", id="bullets"),
        pytest.param(
            "\n".join(f"{part}..." for part in GOOD.split(",")), "lines with an ellipsis", id="lines broken off"
        ),
        pytest.param(GOOD + " 12" * 30, "words with a letter", id="figures"),
        pytest.param("Nine green bottles hung there. " * 12, "common words 0 (2 or more)", id="no common words"),
        pytest.param("a b c " * 20 + "the of", "characters a word", id="letters"),
    ],
)
def test_gopher_quality(text, fault):
    assert one(gopher_quality(), text) is (fault == "")
    assert fault in one(form.gopher_quality_fault(), text)


# Gopher's rules of quality once more, word by word.
def quality_plainly(text: str) -> dict[str, float]:
    words = pl.select(parts(pl.lit(text))).item().to_list()
    full, lettered = ([word for word in words if re.search(sign, word)] for sign in (r"[^\W_]", r"[^\W\d_]"))
    lines, ellipsis = re.sub(r"\n\Z", "", text).split("\n") if text else [], r"\.\.\.|…"
    return {
        "words": len(full),
        "characters a word": len("".join(full)) / max(1, len(full)),
        "# a word": text.count("#") / max(1, len(words)),
        "ellipses a word": len(re.findall(ellipsis, text)) / max(1, len(words)),
        "lines with a bullet": sum(line.lstrip()[:1] in ("•", "-") for line in lines if line.strip())
        / max(1, len(lines)),
        "lines with an ellipsis": sum(line.rstrip().endswith(("...", "…")) for line in lines) / max(1, len(lines)),
        "words with a letter": len(lettered) / max(1, len(words)),
        "common words": len({"the", "be", "to", "of", "and", "that", "have", "with"} & {*words}),
    }


odd = st.sampled_from(
    ["# ", "tea ", "the", " of ", "and ", "…", "... ", "\n- ", "\n• b", "\n", "12 ", "3b ", "我们", "(é) ", "don't "]
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(text=st.lists(odd, max_size=120).map("".join))
@example(text="…\n")
def test_quality_is_what_the_paper_says(text):
    counted = form._counted(pl.Series([text]))
    values = {rule.name: counted.select(rule.value).item() for rule in form._QUALITY}
    assert values == pytest.approx(quality_plainly(text))
    beyond = [values[rule.name] / rule.greatest for rule in form._QUALITY if rule.greatest]
    short = [2 - values[rule.name] / rule.least for rule in form._QUALITY if rule.least]
    assert one(form.gopher_quality_excess(), text) == pytest.approx(max(beyond + short))


def test_a_bound_that_is_moved_is_compared_with_the_measure():
    text = " ".join(GOOD.split()[:45])
    assert one(form.gopher_quality_excess(), text) == pytest.approx(2 - 45 / 50)
    assert [one(gopher_quality(max=most), text) for most in (1.0, 1.2)] == [False, True]
    lines = "a rye\nb ale\nc oat\na rye\nb ale"
    assert one(form.gopher_repetition_excess(), lines) == pytest.approx(
        max(plainly(lines)[of] / BOUNDS[of] for of in BOUNDS)
    )
    assert "lines 0.4 (0 to 0.3)" in one(form.gopher_repetition_fault(), lines)


ALL = [count(of="sentences"), lexical_diversity(), readability(), share(of="code"), share(of="lists"), has_code(), question_like("response"), unicode_broken(), gopher_repetition(), gopher_quality()]  # fmt: skip


@pytest.mark.parametrize(
    "unit", ["a ", "\n", " ", ".", "a. ", "(", "- ", "```\n", "x=", "f(", "é", "Ã", "a | ", "<", "a-"]
)
def test_hostile_texts_take_no_time(unit):
    frame = pl.DataFrame({"response": [unit * (50_000 // len(unit))]})
    for expression in ALL:
        assert seconds(partial(frame.select, expression)) < 5, expression


@pytest.mark.parametrize("rules", [gopher_quality, gopher_repetition])
def test_no_text_could_keep_bounds_below_nothing(rules):
    with pytest.raises(ValueError, match=r"max must be 0 or more, not -1"):
        rules(max=-1)
