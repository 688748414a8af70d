"""Who speaks in a text, and of what: of the page it stood on, in the first person, as a human or as an AI."""

from __future__ import annotations

import re
from functools import partial
from typing import Literal, TypeAlias, get_args

import polars as pl

from curate.filter import Property, explains
from curate.filters.compiled import voice
from curate.filters.compiled.voice import CODE, FORMULAS, QUOTES
from curate.filters.words.persona import AI, HUMAN, NOT_AI, NOT_REFUSED, REFUSAL, UNSAID
from curate.filters.words.regex import ascii_boundaries, holds_outside, leave_out, span
from curate.rows import text_of
from curate.thoughts import SIGNS, answers

_SAID = r"(?:mentioned|said|noted|stated|pointed out|suggested|explained|commented|posted|written)"
_SAYS = r"(?:mentioned|mentions|pointed out|points out|said|says|noted|notes|suggested|suggests|commented)"
_HAVE = r"(?:has |have )?(?:already |also |previously |correctly |rightly )?"
_OTHERS = r"(?:others?|someone else|everyone else|people (?:here )?have)"
_RATED = r"(?:accepted|existing|previous|earlier|linked|current|top|(?:top|highest|most)[- ](?:up)?voted)"
_POST = r"(?:answer|comment|post|reply|response)s?"
_GOOD = r"(?:own |excellent |great |good |nice |helpful )?"
# A user: @name, a capital (but "Let's answer" and "as I said" name nobody), or small letters and a number, as jo17.
_USER = r"(?:(?:^|[^\w/.])@\w[\w.-]*|\b(?:[A-KM-Z]\w+|L(?:[^e\W]\w*|e(?:[^t\W]\w*)?)?|[a-z]+\d+))"

_AS = r"as (?:was |has been |I |I have |we |we have )?(?:already |previously )?"
_WHERE = r"(?:the |an? |my |your |other |another |some |previous )+"
# Further down, "as mentioned" is the text's own: what stands above it then is the text itself.
_FIRST_SENTENCES = r"\A\W*(?:[^.!?\n]*[.!?\n]+\s*)?[^.!?\n]*"
_BEFORE = r"(?:above|before|earlier|previously|already|here)"

# A list of patterns for each, by how fast the engine finds them.
_PRESETS: dict[str, list[list[str]]] = {
    "other_answers": [
        [
            rf"(?i:{_FIRST_SENTENCES}\b{_AS}(?:{_SAID} {_BEFORE}\b|(?:mentioned|said)(?:\W*[,:;]|\W*\z)))",
            rf"(?i:{_FIRST_SENTENCES}\bas (?:already|previously) {_SAID}\b)",
        ],
        [
            rf"(?i:\b{_AS}(?:mentioned by\b|{_SAID} (?:by|in) (?:@|(?:the |an? |some )?others?\b|another\b)))",
            rf"(?i:\b{_SAID} (?:\w+ )?in {_WHERE}(?:comment|answer|post)s?\b)",
            rf"(?i:\b{_OTHERS} (?:here )?{_HAVE}(?:answered|{_SAID})\b)",
            rf"(?i:\bas (?:already|previously) {_SAID} by\b|\bas {_SAID} before by\b)",
            r"(?i:\bas others (?:say|note|explain|suggest|point)\b|\b(?:what|like) others (?:have|said)\b)",
            r"(?i:\bother (?:\w+ )?(?:answer(?:er)?s?|posters?|repl(?:y|ies)|commenters?|comments?)\b)",
            rf"(?i:\b{_RATED} (?:\w+ )?answers?\b|\b(?:in|by|from|see|to|with) another \[?answer\b)",
            r"(?i:\b(?:one|some|many|most|all|both|any|each|several) of the (?:\w+ )?answers\b)",
            r"(?i:\b(?:see|from|per|by|read) (?:also )?(?:this|that) \[?(?:\w+ )?answer\b|\[this answer\])",
            r"(?i:\b(?:in|see|per) my (?:\w+ )?answers?\b|\ba separate answer\b)",
            r"(?i:\banswers? (?:above|below|posted)\b|\banswers here\b|\b(?:above|below) answers?\b)",
            r"\banswers? (?:from|by) \[?(?:@|[A-Z][a-z])",
            r"(?i:\b(?:in|from|see|to) (?:the|a|your|his|her|their|my) comments?\b)",
            r"(?i:\bcomments? (?:above|below)\b)",
        ],
        [
            rf"\b[Aa]s (?:user )?{_USER} {_HAVE}{_SAYS}\b",
            rf"{_USER}['’]s {_GOOD}{_POST}\b|\b[A-Z]\w*s['’] {_GOOD}{_POST}\b",
            # A line that begins with @name and goes on speaks to somebody: a decorator stands alone.
            r"(?m:^)[ \t]*@[A-Za-z][\w-]{2,}(?:['’]s\b|[.,:]?[ \t]+(?:[-–—][ \t]+)?[\w*])",
            r"(?i:\b(?:by|thanks|user) @)[A-Za-z][\w-]{2,}",
            r"[\w.,;:!?)][ \t]+@[A-Za-z][\w-]{2,}(?:[^\w.(){}@=-]|\.(?:\s|\z)|\z)",
        ],
    ],
    "site": [
        [
            r"(?i:\bstack ?exchange\b|\b(?:on|at|from) stack overflow\b)",
            r"\bStack ?[Oo]verflow\b|\bstackoverflow\b",
            r"\bMath ?Overflow\b|\bServer ?Fault\b|\bAsk ?Ubuntu\b|\bCross ?Validated\b",
            r"\b[A-Za-z]+\.SE\b|\bM?SE (?:answer|question|post|site)s?\b|(?i:\bsubreddits?\b|\bQ&A sites?\b)",
            r"(?i:\b(?:this|our|sister) (?:site|forum|board|thread|subreddit|stack)s?\b)",
            r"(?i:\b(?:up|down)[- ]?vot(?:es?|ed|ing)\b|\bmeta post\b)|\bon [Mm]eta\b",
            r"\bOPs?\b|(?i:\boriginal poster\b|\bthe asker\b)",
            r"(?i:\b(?:duplicate|closed|migrated) questions?\b|\bquestion is (?:a duplicate|off[- ]topic)\b)",
            r"(?i:\baccept (?:this|my|an|the) answer\b|\benough rep(?:utation)?\b)",
            r"(?i:\boff[- ]topic (?:here|for this)\b)",
        ]
    ],
}
# What sounds like these and points to no page: comments on a thing or in code, answers of pupils, letters between two,
# annotations, threads and boards that are machinery.
_NOTES = "block|cell|class|code|config|configuration|definition|file|function|header|line|method|module|program|script"
_MACHINERY = "daemon|identifier|id|locks?|mutex|pool|process|runs|seen|sleeps|start(?:ed|s)|stack|value|waits"
_ELSEWHERE = [
    r"(?i:['’]s? (?:\w+ )?(?:comments?|remarks?) (?:on|about|regarding|concerning|to)\b)",
    r"(?i:['’]s? (?:\w+ )?(?:repl(?:y|ies)|responses?) (?:to|of|from|in)\b)|['’]s (?:\w+ )?answer to [A-Z]\w+[.,;!)]",
    r"\b(?:Students|Pupils|People|Children|Patients|Customers|Users|Respondents|Applicants|Candidates)['’] ",
    r"\b(?:Everybody|Everyone|Here|It|Nature|One|School|That|There|Today|What|Who)['’]s ",
    rf"(?i:\bcomments? (?:above|below|in|inside|of|for|from) (?:\w+ )?(?:\w+ )?(?:{_NOTES})s?\b)",
    r"(?i:\b(?:code|source|inline|docstrings?|header) (?:or |and |\w+ in the )?comments?\b)",
    r"(?i:@[\w.]+ (?:annotation|attribute|decorator|directive|macro|modifier|parameter|rule|symbol|tag)s?\b)",
    r"(?i:\b(?:annotat|decorat|mark|prefix|tagg)ed (?:with|by|as) @[\w.]+)",
    r"@(?:param|return|returns|throws|see|since|author|deprecated|example|brief|note|media|import|property|override)\b",
    # An authority that is quoted: as Knuth noted, "…"; Ann's comment that "…".
    rf"\b[Aa]s {_USER} {_HAVE}{_SAYS}\b[^.!?\n\"“]*[\s>]+[\"“]|['’]s? comments?(?: that)?[:,]?\s+(?:>\s*)?[\"“]",
    rf"(?i:\b(?:{_MACHINERY})\b[^.\n]*\bthis thread\b|\bthis thread\b[^.\n]*\b(?:{_MACHINERY})\b)",
    r"(?i:\b(?:according to|as per|found|from|see|try) \[?this site\b)",
    r"(?i:\bthis site (?:describes|explains|gives|has|lists|mentions|pairs|says|seems|shows)\b)",
    r"(?i:\b(?:onto|on to|off|from|into|top of) (?:this|our) stack\b|\b(?:this|our) stack (?:frame|trace|pointer)\b)",
    r"(?i:\bthis board (?:has|is|runs|supports|features|uses|can)\b|\b(?:type|token) OP\b|\bOP ?=)",
]
# White space between words, and how to look for what may be a phrase; \s is too much for a quick look.
_BLANKS = "[ \t\n\r\xa0\u2009\u202f\u3000]+"
_FEW_BLANKS = r"[ \n][ \n]*"
_OTHER_BLANKS = "\t|\r|\xa0|\u2009|\u202f|\u3000"


def mentions(
    column: str = "assistant_turns",
    phrases: list[str] = ["other_answers", "site"],  # noqa: B006  (a list, as recipes write it; never changed)
) -> Property:
    """Hold if a text mentions one of the phrases.

    LIMA drops answers that refer to other answers ("as mentioned", "stack exchange" and the like; section
    2.1). A phrase is plain text: any capitals, any white space between its words, whole words only; `*`
    stands for the rest of a word ("other answer*", "upvot*"). Code, formulas and web addresses are not looked
    into. Two names in the list stand for many phrases, gathered from real answers:

    - other_answers: as mentioned (in the first two sentences: further down it is the text's own), as others have
      said, the other answers, the accepted answer, one of the answers, Ann's answer, as Ann pointed out, in the
      comments, @ann;
    - site: Stack Exchange, Stack Overflow (in small letters only after "on": the crash is none), Math.SE,
      this site, this thread, upvotes, on meta, the OP, duplicate question.

    What sounds alike and is no page is none: comments on a thing or in code, a reply to somebody, pupils' answers,
    decorators, threads and stacks of programs, "according to this site". Of 6,976 Stack Exchange answers 7.2 %
    mention other_answers and 2.5 % site; by reading, 196 of 200 and 160 of 170 hits are right. In 12,585 sections of
    documentation 5 and 16 (before these rules 165 and 23). False positives: authorities ("as Knuth noted", unless
    a quotation follows), "the comments below" of one's own, Bob's answer in a story, a thread elsewhere or of a
    program, the original poster of a mail, variables and packages outside of code (@array, @org), an OP that is an
    operation, this stack or board that is a device. Missed: "as mentioned" of another answer further down (some 6 of
    560 hits were lost so), and "as Ann mentioned" before something in quotation marks.

    Held out, 103 of 104 hits in comments are right and half of what should be found is (not: "Physics SE", "a
    duplicate", "thanks for your answer"). In essays that discuss authors, manuals and the source of programs none of 47
    is right: ask it of answers alone.

    Raises ValueError if there are no phrases, or one is blank or looks like the name of a preset there is
    not.

    >>> import polars as pl
    >>> said = ["As mentioned by Ann, boil it.", "A stack overflow crashes it.", "I saw it on Math.SE."]
    >>> pl.DataFrame({"response": said}).select(mentions("response")).to_series().to_list()
    [True, False, True]
    >>> pl.DataFrame({"response": said}).select(mentions("response", phrases=["crash*"])).to_series().to_list()
    [False, True, False]
    """
    own, presets = _patterns(phrases)
    held = [holds_outside(column, own, CODE | FORMULAS, hints=_hints(own[0]))] if own else []
    held += [holds_outside(column, presets, CODE | FORMULAS, _ELSEWHERE)] if presets else []
    return pl.any_horizontal(held)


@explains(mentions)
def mentions_where(
    column: str = "assistant_turns",
    phrases: list[str] = ["other_answers", "site"],  # noqa: B006
) -> pl.Expr:
    """Show the first phrase found, before one of a preset, with 40 characters on either side; code there is [...]."""
    own, presets = _patterns(phrases)
    text = voice.leave_out(pl.col(column), CODE | FORMULAS)
    shown = [span(text, own)] if own else []
    shown += [span(leave_out(text, _ELSEWHERE), presets)] if presets else []
    return pl.coalesce(shown)


def _patterns(phrases: list[str]) -> tuple[list[str], list[str]]:
    """List the pattern of the phrases, if any, and the patterns of the presets."""
    if not phrases:
        raise ValueError("mentions needs phrases to look for")
    plain = "|".join(_plain(phrase) for phrase in phrases if phrase not in _PRESETS)
    presets = [ascii_boundaries("|".join(g)) for preset in _PRESETS if preset in phrases for g in _PRESETS[preset]]
    return [plain] if plain else [], presets


def _hints(phrases: str) -> list[str]:
    r"""Look for phrases with common blanks and no \b, or for any blank of another kind if one has blanks."""
    few = phrases.replace(r"\b", "").replace(_BLANKS, _FEW_BLANKS)
    return [few, _OTHER_BLANKS] if _BLANKS in phrases else [few]


def _plain(phrase: str) -> str:
    """Write a phrase as a pattern."""
    words = phrase.split()
    if not words or set(phrase) <= set("* "):
        raise ValueError(f"a phrase is blank: {phrase!r}")
    if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", phrase):
        raise ValueError(f"there is no preset {phrase!r}: the presets are {', '.join(_PRESETS)}; a phrase has blanks")
    pattern = _BLANKS.join("".join(map(_literal, re.split("([*'])", word))) for word in words)
    # A boundary is asked for only where the phrase has a letter at its edge: "C++" and "@ann" have one side
    # free.
    start, end = (r"\b" if re.match(r"\w", edge) else "" for edge in (phrase.strip()[0], phrase.strip()[-1]))
    return f"{start}{pattern}{end}"


def _literal(part: str) -> str:
    # Only letters beyond ASCII have capitals there: of others the engine would look for K and ſ, too.
    return {"*": r"\w*", "'": "['’]", "": ""}.get(part, f"(?i{'-u' * part.isascii()}:{re.escape(part)})")


Ignored: TypeAlias = Literal["code", "quotes", "contractions", "symbols", "roman", "i/o"]
_DEFAULT: list[Ignored] = ["code", "quotes", "symbols", "roman", "i/o"]

# Stretches of text in another voice. They go in one pass, so that of two that overlap the first to begin
# counts: a quotation mark inside code opens nothing.
_STRETCHES: dict[Ignored, int] = {"code": CODE, "quotes": QUOTES, "symbols": FORMULAS}
_RULERS = (
    "Alexander|Catherine|Charles|Christian|Constantine|Cyrus|Darius|Edward|Elizabeth|Ferdinand|Francis|Franz"
    "|Frederick|George|Gustav|Henry|James|Joseph|Justinian|Leopold|Louis|Mary|Maximilian|Mehmed|Napoleon|Nicholas"
    "|Otto|Paul|Pedro|Peter|Philip|Ptolemy|Rames?ses|Richard|Rudolf|Selim|Suleiman|Theodosius|Wilhelm|William|Xerxes"
    "|(?:Emperor|King|Pope|Queen|Sultan|Tsar) [A-Z][a-z]+"
)
_NUMBERED = (
    "Act|Algebra|Analysis|Annex|Appendix|Article|Axis|Book|Calc|Calculus|Case|Category|Chapter|Chemistry|Class|Complex"
    "|Corinthians|Course|Division|Exam|Factor|Figure|Grade|Group|Kings|Lemma|Level|Mark|Method|Model|Part|Phase|Physics"
    "|Precalculus|Scene|Schedule|Section|Series|Stage|Statistics|Step|Table|Test|Theorem|Tier|Title|Topology|Type|Unit|Vol\\.|Volume|War"
)
# Nouns that are numbered in small letters, what may follow the number, and nouns that nothing but a number follows.
_CLASSES = "algebra|calc|calculus|category|class|complex|factor|grade|group|level|part|phase|schedule|stage|tier|type"
_CLASSED = (
    "analog|antigen|bone|cancer|cell|clinical|collagen|data|device|diabetes|digital|disorder|dose|drug|element|enzyme"
    "|error|evidence|failure|fib(?:er|re)|filter|hazard|hypersensitivity|interferon|license|membrane|metal|molecule"
    "|obesity|patient|pneumocyte|protein|railroad|reaction|receptor|region|restriction|result|secretion|site|study"
    "|studies|substance|superconductor|supernova|testing|trauma|trial|tumou?r"
)
_PARTS = "annex|appendix|chapters?|scene|sections?|volumes?|vol\\."
_ALWAYS_NUMBERED = (
    "angiotensin|bipolar|chebyshev(?: type)?|collagen|mhc class|photosystem|polymerase|topoisomerase|troponin|vitamin"
)
_KEYS = "alt|cmd|command|control|ctrl|fn|meta|option|shift|super|win|windows"
_PRESSED = "hit|hitting|press|pressed|pressing|tap|tapping|typing"
# Nouns before a letter that stands for a thing, if what follows shows that nobody speaks.
_NOUNS = (
    "button|column|component|current|curve|event|functor|gate|gates|ideal|identity|image|index|inertia|integral"
    "|intensity|interval|key|letter|letters|matrix|module|operator|operators|parameter|pauli|point|pronoun|ring|row|set"
    "|subset|symbol|symbols|tensor|term|unit|variable|vector|vowel|word"
)
_BESIDE = "about|and|are|as|at|be|between|by|flowing|for|from|in|into|of|on|or|over|such|through|to|where|with"
# What a letter does, and nobody who says I.
_DOES = (
    "is|has|does|acts|appears|becomes|belongs|commutes|consists|contains|decreases|denotes|equals|flows|increases|lies"
    "|means|opens|passes|refers|represents|satisfies|stands|toggles"
)
# The capital I where it is no pronoun. Small letters ("the type I use") need something after the numeral to
# tell.
_LETTERS: dict[Ignored, str] = {
    "code": (
        r"\b[.-](?i:my)\b|[@$\\](?i:my)\b|\b(?i:my)[.-]\w|/(?i:my)/|\bmy/\w+/\w+\.\w"
        r"|(?m:(?:^|[\s(,])-I(?:[),.;:<=]|\s+(?:[A-Z<\[(]|option\b)|\s+\w*[/.\d]|\s*$))|\bmy [$@%]\w+ ?[=;,)]"
    ),
    "quotes": r"(?m:^(?:#+|\d+(?:\.\d+)+\.?) [^\n]*\?[ \t*_]*$)",
    "contractions": r"(?i:\b(?:I|we)['’](?:m|re|ve|d|ll)\b)",
    "symbols": (
        r"\bI\s*[=≈≠⊗⊕×·∘∈⊂⊆≤≥^⟩→]|\bI [<>+] \S|[=⊗⊕×·∘⟨]\s*I\b|\bI[(\[{+$₀-₉²³′]|\bI-\w|\)I\b|\bI \(\w+\), [A-Z] \("
        r"|\b[+*^]I\b|[A-Z0-9)] [+*] I\b|[A-Z0-9]/I\b|\bI/[A-Z]\b|\b[A-Z]+-I\b"
        rf"|(?i:\b(?:{_NOUNS})\s+I(?:['’]s\b|[.,;:)\]]|\s*\z|\s+(?:{_BESIDE})\b))"
        r"|(?i:\b(?:an|another|let|the) )I\b|(?i:\b(?:all|any|each|every|some) )I (?:in|of|such|with)\b"
        rf"|\bI[*_]* (?:{_DOES})\b"
        r"|\bI,\s*[B-HJ-Z]\b|\b[B-HJ-Z],\s*I,\s*(?:and\s+|or\s+)?[A-Z]\b"
        r"|\b[B-HJ-Z],\s*[B-HJ-Z],\s*(?:and\s+|or\s+)?I\b"
        rf"|\bI (?:and|or) [B-HJ-Z]\b|\b[B-HJ-Z] (?:and|or) I(?:[.,;:)]|\s+(?:{_BESIDE})\b)"
        rf"|(?i:\b(?:{_KEYS})(?: \+ |[‑–-]))I\b|(?i:\b(?:{_PRESSED})) I(?:[.,;:)]|\s+(?:again|and|in|on|or|to|twice)\b)"
    ),
    "roman": (
        rf"\b(?:{_NUMBERED}|{_RULERS})\s+I\b|(?i:\b(?:{_ALWAYS_NUMBERED})\s+)I\b"
        rf"|(?i:\b(?:{_CLASSES})-)I\b|\b(?:{_CLASSES})\s+I(?:[.,;:)]|\s+(?:(?:{_CLASSED})s?|{_BESIDE}|{_DOES}|was|course|students?)\b)"
        rf"|\b(?:{_PARTS})\s+I(?:[.,;:)\]]|\s+(?:above|below|for|of|on)\b)|\bI\.\d|[\[(]I\. [A-Z]"
        r"|\(I\)|(?m:^[ \t#*_+-]*I[.):])|\|\s*I\s*\||\b[A-Z]{3,} I[.;:)]"
        r"|\bI\s*(?:,|and|or|&|/|-{1,2}|–|to)\s*I{2,3}\b|\b[A-Z][a-z]+ I\. [A-Z][a-z]|\b[A-Z]\. I\.|\bby I\. [A-Z]"
        r"|\bI\. [A-Z]\.|\b[A-Z]\w+ I\. (?:da|de|den|der|di|du|la|van|von) "
        r"|\b[A-Z]\. [A-Z]\w+,? (?:and|&) I\. [A-Z]\w"
    ),
    "i/o": r"\bI/O\b|\bI\s?&\s?[A-Z]\b|(?:\b[A-Z]\.)+I\b|\bI\.(?:[A-Z]\.)+|\bI\.\s?[eE]\b",
}


def first_person(
    column: str = "assistant_turns",
    *,
    words: list[str] = ["I", "my"],  # noqa: B006  (a list, as recipes write it; never changed)
    ignore: list[Ignored] = _DEFAULT,
) -> Property:
    r"""Hold if a text speaks in the first person.

    LIMA drops answers "written in the first person" that use "I" or "my" (section 2.1). "I" counts as a
    capital only (`i` is an index), but i'm and i've too; other words in any capitals, except that US and ME
    are not "us" and "me". Bring markup into markdown first (`html_to_markdown`).

    `ignore` says what is nobody's voice:

    - code: fenced and inline code, web addresses, names such as my-bucket, my $x, and options such as (-I), -I path;
    - quotes: "…", '…', “…”, «…», quoted lines (>) and headings that ask (# Can I use it? 2.1. Can I?);
    - symbols: formulas ($…$, \(…\)) and the letter as a sign: I = V/R, I(x), let I be, the current I flows, Ctrl+I;
    - roman: World War I, Elizabeth I, Type I, a type I filter, parts I and II, (I), a line that begins with I.;
    - i/o: I/O, A.I., I.e., I&Q;
    - contractions: I'm, I'd, we've. Not by default: they speak in the first person as "I am" does.

    Measured on 6,976 Stack Exchange answers: 60 % speak in the first person. Of 340 hits on a single word that were
    read 4 were wrong. 128 answers have a bare I or my and pass: 60 were read, and nobody speaks of himself in them. In
    12,585 sections of documentation 83 hits, all read, 73 right (before keys, currents and filters were known: 73 of
    114). In 815 sections of manuals 54 hits, all read, 47 right (before Perl, initials and paths of options: of 59).
    Held out: in comments and quotations 62 of 62 that were read, and none of 47 overlooked; in 8,231 sections of other
    manuals 51 of 88. False positives: a title or a nickname (I, Robot; Living My Life), a language code (my), a heading
    or a line "Q:" that asks in the reader's voice (also "2.8: Why does my …?"), rows of letters, logs and examples
    outside of code (Perl's `my ($x)`), a number before a word that is on no list ("the phase I widget"), a speech that
    is longer than its paragraph, whose quotation marks close further down.

    Raises ValueError if `words` is empty or one of them is no word.

    >>> import polars as pl
    >>> said = ["I think so.", "World War I ended.", "Run `print(I)`.", 'He said "I am".', "Oh my!", None]
    >>> pl.DataFrame({"response": said}).select(first_person("response")).to_series().to_list()
    [True, False, False, False, True, None]
    """
    judge = partial(_speaks, pattern=_spoken(words), letters=_letters(ignore))
    verdicts: pl.Expr = _heard(column, words, ignore, around=False).map_batches(
        judge, return_dtype=pl.Boolean, is_elementwise=True
    )
    return verdicts


@explains(first_person)
def first_person_where(
    column: str = "assistant_turns",
    words: list[str] = ["I", "my"],  # noqa: B006
    ignore: list[Ignored] = _DEFAULT,
) -> pl.Expr:
    """Show the first of the words with 40 characters on either side; what was ignored there is [...]."""
    return span(_without(_heard(column, words, ignore, around=True), _letters(ignore)), [_spoken(words)])


def _heard(column: str, words: list[str], ignore: list[Ignored], *, around: bool) -> pl.Expr:
    """Leave out stretches in another voice, and what does not decide whether a word stands elsewhere."""
    kinds = sum(_STRETCHES.get(name, 0) for name in set(ignore))
    text = pl.col(column)
    listed = [line for word in words for line in _listed(word)]
    if len(listed) > 64 or not "".join(words).isascii():
        return voice.leave_out(text, kinds)
    letters = bool(_letters(ignore))
    return voice.spoken(text, kinds, listed, around=around, letters=letters, contractions="contractions" in ignore)


def _letters(ignore: list[Ignored]) -> list[str]:
    """List the patterns of letters that are no pronoun."""
    if unknown := [name for name in ignore if name not in get_args(Ignored)]:
        raise ValueError(f"ignore knows {', '.join(get_args(Ignored))}, not {unknown[0]!r}")
    return [_LETTERS[name] for name in _LETTERS if name in ignore]


def _speaks(heard: pl.Series, pattern: str, letters: list[str]) -> pl.Series:
    """Look for words in what is left of texts; most often that is one word, with no signs or numerals around it."""
    rows = (~heard.str.contains(r"\A[A-Za-z]*\z")).arg_true()
    doubtful = heard.gather(rows).to_frame("text").select(_without(pl.col("text"), letters).str.contains(pattern))
    return heard.str.contains(pattern).scatter(rows, doubtful.to_series())


def _without(text: pl.Expr, letters: list[str]) -> pl.Expr:
    """Leave letters out, one kind after the other: all patterns in one have too many states to be fast."""
    for pattern in letters:
        text = leave_out(text, [pattern])
    return text


def _spoken(words: list[str]) -> str:
    if wrong := [word for word in words if not re.fullmatch(r"\w+(?:['’ -]\w+)*", word)]:
        raise ValueError(f"words are plain words, not {wrong[0]!r}")
    if not words:
        raise ValueError("words is empty: name the words of the first person, as I and my")
    return "|".join(_word(word) for word in words)


def _word(word: str) -> str:
    if word == "I":
        return r"\bI\b|\bi['’](?:m|ve|ll|d)\b"
    if word.lower() in ("us", "me"):
        return rf"\b[{word[0].upper()}{word[0].lower()}]{word[1:].lower()}\b"
    return rf"\b(?i{'-u' * word.isascii()}:{re.escape(word)})\b"


def _listed(word: str) -> list[str]:
    """Write a word as the compiled search takes it."""
    if word == "I":
        return ["=I", *(f"=i{apostrophe}{end}" for apostrophe in "'’" for end in ("m", "ve", "ll", "d"))]
    return [f"={word.lower()}", f"={word.capitalize()}"] if word.lower() in ("us", "me") else [f"~{word.lower()}"]


def claims_human(column: str = "assistant_turns") -> Property:
    """Hold if a text claims what only a human has: a body, a childhood, a family, a job, days that were lived through.

    "When I was a kid", "my wife and I", "I ate", "my kitchen", "I love hiking", "as a mother, I", "I just finished
    reading". Taste and opinion are no such claim ("I love puns"), nor is what is denied ("I don't have a family"),
    supposed ("if I ate", "should I eat"), quoted ("…", > …) or said of others ("your wife"). The question is not looked
    at, so a story or a letter told in the first person counts as a claim. English only.

    For the honesty that arXiv 2501.05032 asks of human-like answers (ethics: say that it is an AI). Measured: of 200
    human-like answers of a Llama 3 it finds 108, of which 105 claim so by reading (wrong: a fair share of chats); of
    the 200 formal ones beside them none. In 80 answers written to claim no life it finds 3, a letter, a story and a
    sentence on grammar. Of 3,060 Stack Exchange answers, which humans wrote, 3.6 %; 44 of 45 read do claim a life. Of
    60 human-like answers that it let pass some 10 hint at one in other words ("I recommend it to friends").

    Held out, 86 of 92 hits in comments, profiles, quotations and tweets are right, and 30 of 30 in answers of a small
    model; a quarter of the claims of people is found and 30 of 54 of the model's: not "Postdoctoral researcher at …"
    without an I, nor "my job" (jobs after "I'm a" were added since). False positives: idioms ("right up my street", "in
    my eyes"), bodies that are still to be built ("my nose has not yet been built"), folders ("my home directory").

    >>> import polars as pl
    >>> said = ["When I was a kid, we had a dog.", "I'm an AI, so I have no childhood.", "Your wife may like it.", None]
    >>> pl.DataFrame({"response": said}).select(claims_human("response")).to_series().to_list()
    [True, False, False, None]
    """
    return holds_outside(column, HUMAN, CODE | QUOTES, UNSAID)


@explains(claims_human)
def claims_human_where(column: str = "assistant_turns") -> pl.Expr:
    """Show the first claim with 40 characters on either side; what was left out there is [...]."""
    return span(leave_out(voice.leave_out(pl.col(column), CODE | QUOTES), UNSAID), HUMAN)


def says_ai(column: str = "assistant_turns") -> Property:
    """Hold if a text says that an AI speaks: "as an AI, I", "I'm just a chatbot", "I was trained on".

    Code and quotations are not looked into, and people who work with AI are none ("as an AI researcher, I"). An answer
    that only implies it ("I have no personal preferences") does not say it. English only.

    Held out: of 140 answers of a small model 25 say it, of which 15 were found, and nothing else; 21, since any words
    may stand before "AI". In 5,643 profiles of people 13 hits, 12 of them on "my programming skills" and the like,
    most of which have gone since. In 200 answers of the model to new prompts 42 of the 43 that say it, and in what bots
    of an older kind say 27 of 27 hits right, but 2 of 23 found. Missed: "in the context of a chatbot", "I am a robot",
    "As a computer I". False positives: what must not be said, without quotation marks ("don't answer I'm an AI").
    """
    return holds_outside(column, AI, CODE | QUOTES, NOT_AI)


@explains(says_ai)
def says_ai_where(column: str = "assistant_turns") -> pl.Expr:
    """Show the words with 40 characters on either side; what was left out there is [...]."""
    return span(leave_out(voice.leave_out(pl.col(column), CODE | QUOTES), NOT_AI), AI)


def refuses(column: str = "assistant_turns") -> Property:
    """Hold if a text begins by declining: "I can't help with that", "I'm sorry, but I cannot", "I won't write".

    Only the first two sentences are looked at, so that advice with a limit ("I can't give legal advice, but") further
    down is none. "I can't help but smile" and "I can't wait" decline nothing. English only. Measured: 11 of the 13
    packaged answers that decline (the others do so in words of their own) and none of the other 67; of 6,976 Stack
    Exchange answers 2, both wrongly ("I can't offer you a good example, but"). Thoughts before an answer are no part
    of it. Held out: of 140 answers of a small model 11 decline, of which 4 were found, 7 with wordings added since; of
    200 to new prompts 22, of which 12 were found (not: "as an AI, I don't have the ability to"). Made for answers of
    models: of 13 hits in comments and tweets 2 are right, the others cannot do or read something ("Apologies, I can't
    read it would seem"). False positives: a limit that opens an answer ("While I can't give a definitive answer").

    >>> import polars as pl
    >>> said = ["I'm sorry, but I can't help with that.", "I can't help but smile!", "Wait. Salt it. I can't help."]
    >>> pl.DataFrame({"response": said}).select(refuses("response")).to_series().to_list()
    [True, False, False]
    """
    verdicts: pl.Expr = pl.col(column).map_batches(_refuses, return_dtype=pl.Boolean, is_elementwise=True)
    return verdicts


def _refuses(texts: pl.Series) -> pl.Series:
    """Judge texts as they are, and once more what may be an answer with thoughts before it."""
    texts = text_of(texts)
    verdicts = _declines(texts)
    rows = (verdicts | texts.str.contains(SIGNS)).fill_null(False).arg_true()
    return verdicts.scatter(rows, _declines(answers(texts.gather(rows)))) if len(rows) else verdicts


def _declines(texts: pl.Series) -> pl.Series:
    judged = holds_outside("text", REFUSAL, CODE | QUOTES, NOT_REFUSED)
    return texts.to_frame("text").select(judged).to_series().alias(texts.name)


@explains(refuses)
def refuses_where(column: str = "assistant_turns") -> pl.Expr:
    """Show the text up to the refusal, and 40 characters after it; what was left out there is [...]."""
    answer = pl.col(column).map_batches(answers, return_dtype=pl.String, is_elementwise=True)
    return span(leave_out(voice.leave_out(answer, CODE | QUOTES), NOT_REFUSED), REFUSAL)
