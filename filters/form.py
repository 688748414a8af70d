"""What form a text has: how much of what it holds, how it reads, whether it repeats itself, asks, or holds code."""

from __future__ import annotations

from functools import cache, partial
from typing import Literal, NamedTuple, TypeAlias, get_args

import polars as pl

from curate.filter import Property, Score, explains, measures
from curate.filters.compiled import voice
from curate.filters.compiled.voice import CODE, FORMULAS, QUOTES
from curate.filters.size import length_measured
from curate.filters.words import repeats
from curate.filters.words.regex import span
from curate.filters.words.runs import slices, words
from curate.rows import text_of

_OPEN, _CLOSE = r"[\"'“‘«(\[*_]*", r"[\"'”’»)\]*_]*"
_ITEM = r"(?:[-*+•]|\d{1,3}[.)])[ \t]"
_ABBREVIATED = r"\b(?:e\.g|i\.e|vs|cf|Mr|Mrs|Ms|Dr|Prof|St|Fig|Eq|approx|\p{Lu})\."
_SENTENCE = (
    rf"\S(?:\s*\n\s*(?:\n|{_ITEM}|#{{1,6}}[ \t])|\s*\z)|[.!?…]+{_CLOSE}\s+{_OPEN}[\p{{Lu}}\p{{Lo}}\p{{N}}]|[。！？।]+"
)


Counted: TypeAlias = Literal["chars", "words", "tokens", "sentences"]


def count(column: str = "response", *, of: Counted = "words", tokenizer: str | None = None) -> Score:
    """Count the characters, words, sentences or tokens of a text.

    Characters, words and tokens are those of `length`, which takes the same `tokenizer`. A sentence ends at `.`, `!`,
    `?` or `…` before a capital, a figure or a letter of a script without capitals, at `。`, `！`, `？` and `।`, and at
    the end of a paragraph, a heading or an item of a list. Code and formulas are no part of it. Abbreviations that
    are not known (`No. 5`) count as an end.

    Raises ValueError for another unit, or if there is no tokenizer to count tokens with.

    >>> frame = pl.DataFrame({"response": ["It is 3.5 m. Dr. Lee said so!", "我们吃饭。他来了。", None]})
    >>> frame.select(count(of="sentences")).to_series().to_list()
    [2, 2, None]
    """
    if of not in get_args(Counted):
        raise ValueError(f"of is one of {', '.join(get_args(Counted))}, not {of!r}")
    if of == "sentences":
        return _sentences(_prose(pl.col(column)))
    return length_measured(column, of, tokenizer)


def _prose(text: pl.Expr) -> pl.Expr:
    return voice.leave_out(text, CODE | FORMULAS).str.replace_all(r"\[\.\.\.\]", " ")


def _sentences(prose: pl.Expr) -> pl.Expr:
    return prose.str.replace_all(_ABBREVIATED, "X").str.count_matches(_SENTENCE)


def lexical_diversity(column: str = "response", *, window: int = 50) -> Score:
    """Measure how many different words a text has among any `window` words in a row, on average: 1 if none returns.

    The share of different words in a whole text falls with its length, so it says little of two texts of unlike
    length. Its moving average (MATTR; Covington & McFall 2010, Cutting the Gordian knot) does not; nor does MTLD
    (McCarthy & Jarvis 2010), which is not bounded and means little under 100 words. A text shorter than the window is
    measured as a whole, and so comes out higher. Words are those of `length`, in small letters.

    Raises ValueError if `window` is below 2.

    >>> frame = pl.DataFrame({"response": ["a rose is a rose", "a rose by any name", None]})
    >>> frame.select(lexical_diversity()).to_series().to_list()
    [0.6, 1.0, None]
    """
    if window < 2:
        raise ValueError(f"window must be 2 words or more, not {window}")
    average = partial(_averages, window=window)
    averages: pl.Expr = pl.col(column).map_batches(average, return_dtype=pl.Float64, is_elementwise=True)
    return averages


def _averages(texts: pl.Series, window: int) -> pl.Series:
    parts = [_average(part, window) for _, part in slices(text_of(texts))]
    return pl.concat(parts) if parts else pl.Series(texts.name, [], dtype=pl.Float64)


def _average(texts: pl.Series, window: int) -> pl.Series:
    """Count for each word the windows in which it is the first of its kind: those that begin behind the last one."""
    at = pl.int_range(pl.len()).over("row")
    listed = words(texts).with_columns(at=at, n=pl.len().over("row").cast(pl.Int64))
    last = pl.col("at").shift(1, fill_value=-1).over("row", "word")
    size = pl.min_horizontal("n", pl.lit(window))
    begins = pl.max_horizontal(last + 1, pl.col("at") - size + 1)
    firsts = (pl.min_horizontal("at", pl.col("n") - size) - begins + 1).clip(0)
    share = firsts.sum() / ((pl.col("n") - size + 1) * size).first()
    shares = listed.group_by("row").agg(share.alias("share"))
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True), "text": texts})
    return rows.join(shares, on="row", how="left", maintain_order="left")["share"].rename(texts.name)


_VOWELS = r"[aeiouy]+"
_SILENT = (
    r"[aeiouy](?:(?:l|[^aeiouy\W\d]*[^aeiouyl\W\d])e|(?:l|[^aeiouy\W\d]*[^aeiouylsxzcgh\W\d])es"
    r"|[^aeiouy\W\d]*[^aeiouytd\W\d]ed)\b"
)


def readability(column: str = "response") -> Score:
    """Measure how easy an English text is to read, by Flesch's formula (1948): 100 is very easy, 0 very hard.

    206.835 - 1.015 · words per sentence - 84.6 · syllables per word. Plain English has 60 to 70; texts of a few words
    go far beyond both ends. Code and formulas are left out; sentences are those of `count`. Syllables are groups of
    vowels, but for a silent e: of 337,000 words in documentation, questions and answers 96.0 % get the number that the
    CMU dictionary has, and all together 1.9 % too few. Of 200 pairs of a casual and a formal answer to the same
    question the casual one comes out easier in 199.

    The formula was made for English. Null for a text without a word, and for one in which more than a tenth of the
    letters are not a to z. Other languages in these letters get a number that means nothing: put `language` before.

    >>> frame = pl.DataFrame({"response": ["The cat sat on the mat.", "Il n'y a rien.", "我们吃饭。", None]})
    >>> frame.select(readability().round(1)).to_series().to_list()
    [116.1, 118.2, None, None]
    """
    text = _prose(pl.col(column))
    prose = text.str.to_lowercase()
    number = prose.str.count_matches(r"[a-z]+(?:['’][a-z]+)*")
    syllables = prose.str.count_matches(_VOWELS) - prose.str.count_matches(_SILENT)
    english = prose.str.count_matches("[a-z]") >= 0.9 * prose.str.count_matches(r"\p{L}")
    ease = 206.835 - 1.015 * number / _sentences(text) - 84.6 * syllables / number
    return pl.when(english & (number > 0)).then(ease)


Part: TypeAlias = Literal["letters", "capitals", "digits", "symbols", "lists", "headings", "code"]
_CHARS: dict[str, tuple[str, str]] = {
    "letters": (r"\p{L}", r"\S"),
    "capitals": (r"\p{Lu}", r"\p{L}"),
    "digits": (r"\p{Nd}", r"\S"),
    "symbols": (r"[\p{S}\p{P}]", r"\S"),
}
_LINE = r"(?m)^.*\S"
_MARKED = {"lists": rf"(?m)^[ \t]*{_ITEM}[ \t]*\S", "headings": r"(?m)^ {0,3}#{1,6}[ \t]+\S"}

# A fenced block, in a list or a quotation too; one left open runs to the end of the text.
_FENCE = r"(?m)^[ \t>]*(?:```|~~~)"
_FENCED = r"(?ms)^[ \t>]*(?:```.*?(?:^[ \t>]*```[^\n]*$|\z)|~~~.*?(?:^[ \t>]*~~~[^\n]*$|\z))"
# A line of a program, of a shell or of markup, by what opens or ends it: no line of prose does so, broken off anywhere
# in a sentence either. Of what follows a command, few plain words stand in a row.
_CONDITION = r"(?:(?:not )?\w+|.*(?:[=<>]|\w[(\[.]\w|_).*|\w+ is (?:not )?None|\w+ (?:not )?in [\w.]+)"
_ARGUMENT = r" \S*[-./=:@$~*\d_'\"<>|{}\[\]](?:\w\S*|\W)?"
_ARGUMENTS = rf"(?:{_ARGUMENT}(?: [A-Za-z]+)?)*(?: #.*)?"
_COMMANDS = "sudo|pip3?|npm|conda|brew|git|docker|curl|wget|cd|mkdir|chmod|export|python3?"
_TAGS = (
    "a|b|blockquote|body|br|button|center|code|div|em|font|footer|form|h[1-6]|head|header|hr|html|i|img|label|li|main|nav"
    "|ol|p|pre|script|section|select|span|strong|style|table|td|th|title|tr|ul"
)
_CODE = [
    r"(?:async )?def \w+\s*\(.*|class \w+.*[:{]|import [\w.]+(?: as \w+)?;?|from [\w.]+ import .*",
    r"@\w[\w.]*(?:\(.*\))?|#(?:include|define|ifdef|ifndef|endif|pragma)\b.*|#!/.*",
    r"(?:public|private|protected|static) .*[;{(]|(?:export )?(?:function|func|fn) ?\w*\s*\(.*",
    r"(?:let|const|var|auto|int|char|double|float|bool|void|string) [\w*&<>]+.*[;={(].*",
    r"(?:for|if|while|switch|catch|elif|else if)\s*\(.*\)\s*\{?;?|(?:else|try|finally):|\}.*|\].?|\)[;,]?",
    rf"(?:if|elif|while) {_CONDITION}:|for (?:\w+(?:, ?\w+)*|\(.*\)) in .*:|with .* as \w+:|with [\w.]+\(.*\):",
    r"except(?: [\w.,() ]+?)?(?: as \w+)?:|return\b.*;|return [\w.]+(?:[(\[{].*)?",
    r"(?:if|elif|while|until) \[{1,2} .*|.*; (?:then|do)|fi|done|esac|;;",
    r"\((?:def[a-z-]*|setq|setf|let\*?|lambda|require|progn|cond) .*",
    r"(?i:select\b.* from \w.*|insert into .*|create table .*|update \w+ set .*)",
    # A tag that closes, has an attribute, stands alone or is HTML's own; <ann> and her words are a line of a chat.
    r"<[/!?][A-Za-z][^<>]*>.*|<[A-Za-z][\w-]*(?:\s[^<>]*)?/>.*|<[A-Za-z][\w-]*\s[^<>]*=[^<>]*>.*|<[A-Za-z][\w-]*>(?:.*</.*)?",
    rf"<(?i:{_TAGS})>.*",
    r"(?:>>>|In \[\d+\]:|C:\\.*>) ?\S.*",
    r"[$%] [a-z][^$%]*|> ?[\w.$]+(?:\(| ?<- ).*",
    rf"(?:{_COMMANDS})(?: [A-Za-z]+){{0,3}}(?:{_ARGUMENT}(?: [A-Za-z]+){{0,2}})*(?: #.*)?",
    rf"[a-z][\w./-]*(?: [\w./$-]+)? --?[A-Za-z][\w-]*(?:=\S*)?(?: [A-Za-z]+)?{_ARGUMENTS}",
    r".*\S \| (?:\w*grep|awk|sed|sort|head|tail|wc|cut|uniq|xargs)\b.*",
    r"[\w$@.*&][\w.\[\]\"'$>:-]*(?:, ?[\w.]+)* ?(?:[-+*/|&%]|<-|:)?={1,3} ?[^\s=].*|[\w.$]+ <- .*",
    r"[\w.:$>-]+\([^()]*(?:\([^()]*\)[^()]*)*\)(?:[;{]| \{|\.\w+.*)?",
    r"[\w.:$>-]+\((?:[^()]*[^()\d][^()]*|\d{2,}|)\),",  # but read(2), a page of the manual
    r"(?:[^\d\s*+-]|[*+-]\S).*(?:[=$]|\w[(\[]|<<|>>|->|::).*[^\s;];|.*\S ?\{|.*\S (?:=>|\\)|//.*|/\*.*",
]
_CODE_LINE = rf"(?m)^[ \t]*(?:{'|'.join(_CODE)})[ \t]*$"


def share(column: str = "response", *, of: Part) -> Score:
    r"""Measure the share of one kind of characters, or of lines, in a text: from 0, also for an empty text, to 1.

    - letters, digits, symbols (punctuation included): of all characters but white space;
    - capitals: of the letters;
    - lists, headings, code: of the lines that are not blank. Lists and headings as Markdown marks them, outside of
      fenced code. Code are fences and all between them, and elsewhere lines that look like it, see `has_code`.

    Raises ValueError for another kind.

    >>> frame = pl.DataFrame({"response": ["# Tea\n\n- Boil 2 l.\n- Wait.", "WHY?", None]})
    >>> frame.select(share(of="lists").round(2)).to_series().to_list()
    [0.67, 0.0, None]
    >>> frame.select(share(of="capitals")).to_series().to_list()
    [0.25, 1.0, None]
    """
    if of not in get_args(Part):
        raise ValueError(f"of is one of {', '.join(get_args(Part))}, not {of!r}")
    text = pl.col(column)
    if of in _CHARS:
        part, whole = (text.str.count_matches(pattern) for pattern in _CHARS[of])
        return _share(part, whole)
    text = voice.leave_out(text, FORMULAS)
    outside, whole = text.str.replace_all(_FENCED, ""), text.str.count_matches(_LINE)
    if of != "code":
        return _share(outside.str.count_matches(_MARKED[of]), whole)
    return _share(whole - outside.str.count_matches(_LINE) + outside.str.count_matches(_CODE_LINE), whole)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole).when(whole == 0).then(0.0)


def has_code(column: str = "response") -> Property:
    """Hold if a text has code: a fenced block, or a line that looks like one of a program, a shell or markup.

    A line does if it opens or ends as only code does: `def f(`, `import x`, `$ ls`, `x = 3`, `f(x)`, `</p>`, or a
    semicolon or brace at its end. A name in a sentence (`x`) is no code, nor is a formula, if it is marked as one.

    Measured on Stack Exchange posts, fences taken away: of 5,995 without a `<pre>` block 9 have such a line, 8 of them
    formulas that are not marked (`E = mc²`). Of 351 with such a block 68 % have one; of 14 others that were read 2 show
    a program, 12 data, tables, output or prose in such a block. Of 2,386 blocks of manuals 23 have one, 14 rightly.
    Held out: of 37 hits in comments in source 18, of 16 in Stack Exchange comments 5. False positives: a line of prose
    that begins with an assignment (x=1 does so; Honey = nectar) or a command (conda and other calls; "return it."),
    and one that is broken off behind an option (the -h) or "; do"; a prompt in ``` on one line; what stands alone on a
    line as ls(1), @ann or <list>.
    """
    text = voice.leave_out(pl.col(column), FORMULAS)
    return text.str.contains(_FENCE) | text.str.contains(_CODE_LINE)


@explains(has_code)
def has_code_where(column: str = "response") -> pl.Expr:
    """Show the first line of code, with 40 characters on either side."""
    return span(voice.leave_out(pl.col(column), FORMULAS), [_FENCE, _CODE_LINE])


# An opening asks if a subject stands behind its verb; else only where its line is no sentence: "Why: it is late.",
# "Where possible, use it.", "Should be late" and "What a day!" ask nothing.
_OPEN = r"(?i)^\W*(?:(?:hi|hello|hey|please|so|and|but|ok|okay)\b[\s,.!]*)?"
_WHAT = r"(?:(?:in|on|at|to|for|from|by|with|of|about)\s+)?(?:what|which|whom?)|how|what's|why|when|where|whose"
_VERB = r"(?:is|are|was|were|does|did|can|could|should|would|will|has|am)"
_SUBJECT = r"(?:i|you|u|we|one|they|he|she|it|there|the|an?|my|your|this|that|these|those|any\w*|some\w*|all|both)\b"
_ASKING = [
    rf"{_OPEN}(?:(?:{_WHAT})\s+(?:\w+\s+)?(?:{_VERB}|do|have)|{_VERB})(?:n['’]t)?\s+{_SUBJECT}",
    rf"{_OPEN}(?:(?:(?:in|on|at|to|for|from|by|with|of|about)\s+(?:what|which|whom?)|how|what's|why|where|which|who|what|whom"
    r"|whose|when (?:is|are|was|were|do|does|did|can|should|will))\b|"
    rf"{_VERB}\s+(?:[ac-mo-z\W]|b(?:[^e]|e(?:[^e\s]|e[^n]))|n(?:[^o]|o[^t\s])))"  # but be, been, no and not
    r"(?:[^.!:;\n]|\[\.{3}\]|\.{2,}|[.:]\w)*(?:\n|\z)",
]
_MARK = r"[?？؟]+[\"'”’»)\]*_]*(?:\s|\z|[^\x00-\x7f])|(?:吗|呢|か)。"


def question_like(column: str = "prompt") -> Property:
    """Hold if a text asks: a sentence of it ends in a question mark, or it opens with a word that asks.

    Such words are How, What, Is, Does, Can, Which, "In what"…, English only; question marks are those of any script.
    Code, formulas and quotations are left out. A request ("Explain …") is no question, nor is a bare topic.

    An opening asks if a subject follows ("How do I"), or if its line is no sentence: "Why: it is late",
    "Where possible, use it." and "Should be late" tell. Measured by reading: of 19,710 sentences of manuals 99 are
    found, of which 96 ask; of 300 prompts 72 are not found, of which none asks. Held out: in
    comments, quotations and utterances 71 of 75 hits, and 30 of 31 that ask. False positives: a clause that a semicolon
    or the end of the line breaks off ("Where x is a number"), a definition ("What one does when"), a title ("What's Up,
    Doc?"), a wish ("Would that it did"), a topic ("How to keep tea"), an exclamation ("How did she wish it!"), and
    what is left of a sentence without its quotation ("…" was the next question).
    """
    asks = _spoken(column)
    return pl.any_horizontal(asks.str.contains(pattern) for pattern in [_MARK, *_ASKING])


def _spoken(column: str) -> pl.Expr:
    text = voice.leave_out(pl.col(column), CODE | FORMULAS | QUOTES)
    return text.str.replace_all(r"\(\w*[?？]+\)(\s*\w)", "$1")  # a doubt (random?) in a sentence asks nobody


@explains(question_like)
def question_like_where(column: str = "prompt") -> pl.Expr:
    """Show the question mark, or the opening, with 40 characters on either side."""
    return span(_spoken(column), [_MARK, *_ASKING])


# UTF-8 that was read as Latin-1 or Windows-1252: the first byte of a letter as one of these, the others as signs that
# rarely or never stand behind it. Then the sign for what could not be read, and controls, lone ones of C1 too.
_C1, _RARE = r"\x{80}-\x{9f}", "‚ƒ†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ"
_BYTE = rf"[{_C1}\x{{a0}}-\x{{bf}}{_RARE}€„…‘’“”–—]"
_BROKEN = (
    rf"Ã(?:[{_C1}\x{{a0}}-\x{{bf}}{_RARE}€„‘–—]|[“”…’]\p{{Ll}})|Â[\x{{80}}-\x{{bf}}]|â€{_BYTE}?|ðŸ|ï»¿|ï¿½"
    rf"|[ÄÅ][{_C1}{_RARE}\x{{a1}}-\x{{aa}}\x{{ac}}-\x{{ba}}\x{{bc}}-\x{{bf}}]|[âã][{_C1}{_RARE}]{_BYTE}|(?:[ÐÑ]{_BYTE}\s?){{2}}|(?:[Î-Ñ×-å]{_BYTE}){{3}}"
    rf"|[ä-é][{_C1}]{_BYTE}|[ä-é]{_BYTE}[{_C1}]|(?:[à-é]{_BYTE}{{2}}){{2}}"
    rf"|[\x00-\x08\x0b\x0e-\x1f\x7f{_C1}\x{{fffd}}-\x{{ffff}}]"
)


def unicode_broken(column: str = "response") -> Property:
    """Hold if the characters of a text went wrong: read in a wrong encoding, lost, or controls that show nothing.

    Text in UTF-8 that was read as Latin-1 or Windows-1252 (`cafÃ©`, `itâ€™s`), the replacement character U+FFFD, and
    control characters, but for tab, line feed, form feed and carriage return. Other wrong encodings (Cyrillic as
    KOI8, Japanese as Shift JIS) are not noticed. `fix_unicode` mends most of it; what is lost is lost.

    Measured on 10,369 messages of programs in 52 translations: as they are, 25 are found, which all hold controls or
    misread letters; misread as Latin-1 99.9 %, as Windows-1252 97.3 % (most of the others are Dzongkha). On 2,000 more
    (ftfy's own test in brackets) 99.9 % (99.9) and 98.4 % (99.5). None of 251 posts and docstrings with letters beyond
    ASCII is found, and misread 249.
    """
    return pl.col(column).str.contains(_BROKEN)


@explains(unicode_broken)
def unicode_broken_where(column: str = "response") -> pl.Expr:
    """Show the first place, with 40 characters on either side."""
    return span(pl.col(column), [_BROKEN])


Repeats: TypeAlias = Literal[
    "lines", "line_chars", "paragraphs", "paragraph_chars", "top_2_gram", "top_3_gram", "top_4_gram",
    "duplicate_5_grams", "duplicate_6_grams", "duplicate_7_grams", "duplicate_8_grams", "duplicate_9_grams",
    "duplicate_10_grams",
]  # fmt: skip


def repetition(column: str = "response", *, of: Repeats = "duplicate_5_grams") -> Score:
    r"""Measure how much of a text repeats itself, by one of the measures of Gopher: from 0 to 1.

    - lines, paragraphs: the share of them that stood before in the text; line_chars, paragraph_chars: their share of
      its characters;
    - top_2_gram to top_4_gram: the share of the characters in the run of so many words that stands most often;
    - duplicate_5_grams to duplicate_10_grams: in runs of so many words that stood before.

    See `gopher_repetition`, which bounds all of them.

    >>> frame = pl.DataFrame({"response": ["Yes.\nYes.\nNo.", None]})
    >>> frame.select(repetition(of="lines").round(2)).to_series().to_list()
    [0.33, None]
    """
    if of not in repeats.BOUNDS:
        raise ValueError(f"of is one of {', '.join(repeats.BOUNDS)}, not {of!r}")
    dtype = pl.Struct(dict.fromkeys(repeats.BOUNDS, pl.Float64))
    return pl.col(column).map_batches(repeats.repeats, return_dtype=dtype, is_elementwise=True).struct.field(of)


class _Rule(NamedTuple):
    """A number and what it may be."""

    name: str
    value: pl.Expr
    least: float | None
    greatest: float | None

    def excess(self) -> pl.Expr:
        """Measure how near the number is to its bound: 1 at the bound, 1.1 a tenth of the bound beyond it."""
        under = [] if self.least is None else [2 - self.value / self.least]
        over = [] if self.greatest is None else [self.value / self.greatest]
        return pl.max_horizontal(*under, *over)

    def fault(self, max: float) -> pl.Expr:
        bounds = f"{self.least or 0:g} to {self.greatest:g}" if self.greatest is not None else f"{self.least:g} or more"
        shown = pl.format("{} {} (" + bounds + ")", pl.lit(self.name), self.value.round(3))
        return pl.when(self.excess() > max).then(shown)


def _check_factor(max: float) -> None:
    if max < 0:
        raise ValueError(f"max must be 0 or more, not {max}: it moves the bounds, of which 1 leaves all as they are")


def gopher_repetition(column: str = "response", *, max: float = 1.0) -> Property:
    """Hold if a text keeps Gopher's rules of repetition: it does not repeat itself much.

    The thirteen bounds of table A1 (Rae et al. 2021, arXiv 2112.11446) on what `repetition` measures: .30 of the lines
    and of the paragraphs, .20 of the characters in each; .20, .18 and .16 in the most frequent 2-gram, 3-gram and
    4-gram; .15, .14, … .10 in 5-grams to 10-grams that stood before. A bound itself is allowed. `max` moves all of
    them: 1.1 allows a tenth more of each.

    The bounds were made for web pages of 50 words or more. Code, tables and formulas repeat themselves by their nature,
    and so does a heading that is underlined (====), since each sign that stands alone is a word: of 1,577 sections of
    manuals 25 % fail, of 25 of these that were read 12 for such a line alone.

    Raises ValueError if `max` is below 0: no text could pass.
    """
    _check_factor(max)
    return gopher_repetition_excess(column) <= max


@measures(gopher_repetition)
def gopher_repetition_excess(column: str = "response") -> pl.Expr:
    """Measure the worst of the rules as a multiple of its bound."""
    return _worst_repeat(column)


@cache  # polars computes a Python function once for verdict and measure if both hold the very same expression
def _worst_repeat(column: str) -> pl.Expr:
    return pl.col(column).map_batches(_measured_repeats, return_dtype=pl.Float64, is_elementwise=True)


def _measured_repeats(texts: pl.Series) -> pl.Series:
    return repeats.repeats(texts).struct.unnest().select(_excess(_REPETITION)).to_series().alias(texts.name)


@explains(gopher_repetition)
def gopher_repetition_fault(column: str = "response", max: float = 1.0) -> pl.Expr:
    """Say which rules a text breaks."""
    show = partial(_shown_repeats, max=max)
    faults: pl.Expr = pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)
    return faults


def _shown_repeats(texts: pl.Series, max: float) -> pl.Series:
    return repeats.repeats(texts).struct.unnest().select(_faults(_REPETITION, max)).to_series().alias(texts.name)


_REPETITION = [_Rule(name, pl.col(name), None, bound) for name, bound in repeats.BOUNDS.items()]


def _excess(rules: list[_Rule]) -> pl.Expr:
    return pl.when(rules[0].value.is_not_null()).then(pl.max_horizontal(rule.excess() for rule in rules))


def _faults(rules: list[_Rule], max: float) -> pl.Expr:
    return pl.concat_str([rule.fault(max) for rule in rules], separator=", ", ignore_nulls=True)


def gopher_quality(column: str = "response", *, max: float = 1.0) -> Property:
    """Hold if a text keeps Gopher's rules of quality, made for English web pages.

    Rae et al. 2021 (arXiv 2112.11446, appendix A): 50 to 100,000 words of 3 to 10 characters on average; at most one
    `#` and one ellipsis for ten words; at most .9 of the lines open with a bullet (`•`, `-`) and .3 end in an ellipsis;
    at least .8 of the words have a letter; at least two different of the words the, be, to, of, and, that, have, with.
    As in datatrove, a sign that stands by itself is a word to the rules that count words, but not to the first two.
    `max` moves all bounds: at 1.1 each may be missed by a tenth of itself.

    Short answers, code, formulas and other languages break these rules by their nature. So do lines that are drawn of
    signs, quoted options and underlined headings: of 1,577 clean sections of manuals 81 % fail, of 200 plain answers
    4 %.

    Raises ValueError if `max` is below 0: no text could pass.
    """
    _check_factor(max)
    return gopher_quality_excess(column) <= max


@measures(gopher_quality)
def gopher_quality_excess(column: str = "response") -> pl.Expr:
    """Measure by how much of its bound the worst of the rules is missed, beyond 1: 1.2 for 40 words of 50."""
    return _worst_quality(column)


@cache
def _worst_quality(column: str) -> pl.Expr:
    return pl.col(column).map_batches(_measured_quality, return_dtype=pl.Float64, is_elementwise=True)


def _measured_quality(texts: pl.Series) -> pl.Series:
    return _counted(texts).select(_excess(_QUALITY)).to_series().alias(texts.name)


@explains(gopher_quality)
def gopher_quality_fault(column: str = "response", max: float = 1.0) -> pl.Expr:
    """Say which rules a text breaks."""
    show = partial(_shown_quality, max=max)
    faults: pl.Expr = pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)
    return faults


def _shown_quality(texts: pl.Series, max: float) -> pl.Series:
    return _counted(texts).select(_faults(_QUALITY, max)).to_series().alias(texts.name)


_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_FULL = r"\S*[\p{L}\p{N}]\S*"


def _counted(texts: pl.Series) -> pl.DataFrame:
    """Count what the rules of quality speak of; step by step, since polars would part the words for each rule again."""
    text, parts, spaced = pl.col("text"), pl.col("parts"), pl.col("spaced")
    frame = text_of(texts).to_frame("text").with_columns(parts=repeats.parts(text))
    frame = frame.with_columns(spaced=parts.list.join(" "), number=pl.max_horizontal(1, parts.list.len())).drop("parts")
    padded, signs = pl.format(" {} ", spaced), spaced.str.replace_all(_FULL, "")
    return frame.select(
        "number",
        words=spaced.str.count_matches(r"[\p{L}\p{N}]\S*"),
        chars=spaced.str.len_chars() - signs.str.len_chars(),
        letters=spaced.str.count_matches(r"\p{L}\S*"),
        stop_words=pl.sum_horizontal(padded.str.contains(f" {word} ", literal=True) for word in _STOP_WORDS),
        hashes=text.str.count_matches("#", literal=True),
        ellipses=text.str.count_matches(_ELLIPSIS),
        lines=text.str.strip_suffix("\n").str.count_matches(r"(?m)^.*$"),
        bullets=text.str.count_matches(r"(?m)^[\s]*[•-]"),
        broken=text.str.count_matches(rf"(?m)(?:{_ELLIPSIS})\s*$"),
    )


_ELLIPSIS = r"\.\.\.|…"
_LINES = pl.max_horizontal(1, "lines")
_QUALITY = [
    _Rule("words", pl.col("words"), 50, 100_000),
    _Rule("characters a word", pl.col("chars") / pl.max_horizontal(1, "words"), 3, 10),
    _Rule("# a word", pl.col("hashes") / pl.col("number"), None, 0.1),
    _Rule("ellipses a word", pl.col("ellipses") / pl.col("number"), None, 0.1),
    _Rule("lines with a bullet", pl.col("bullets") / _LINES, None, 0.9),
    _Rule("lines with an ellipsis", pl.col("broken") / _LINES, None, 0.3),
    _Rule("words with a letter", pl.col("letters") / pl.col("number"), 0.8, None),
    _Rule("common words", pl.col("stop_words"), 2, None),
]
