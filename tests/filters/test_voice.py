"""Who speaks, and of what: the first person, the page around, a human, an AI, a refusal."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.filters import claims_human, first_person, mentions, refuses, says_ai
from curate.filters.voice import claims_human_where, first_person_where, mentions_where, refuses_where


def speaks(text: str, **parameters: Any) -> Any:
    return pl.DataFrame({"response": [text]}).select(first_person("response", **parameters)).item()


SPEAKING = [
    pytest.param("I think it boils.", id="I at the start"),
    pytest.param("It boils, I think.", id="I inside"),
    pytest.param("He is taller than I.", id="I before a full stop"),
    pytest.param("What I'd do is wait.", id="a contraction"),
    pytest.param("What I’d do is wait.", id="a contraction with a typographic apostrophe"),
    pytest.param("Well, i'm sure.", id="a contraction typed small"),
    pytest.param("This is my view.", id="my"),
    pytest.param("My view is this.", id="My with a capital"),
    pytest.param("MY VIEW", id="my in capitals"),
    pytest.param("*I* would not.", id="I between stars"),
    pytest.param("She and I/we tried it.", id="I before a slash that is no I/O"),
    pytest.param('The pipe is 5" wide and I cut it to 3" myself.', id="inch marks quote nothing"),
    pytest.param("It costs $5 and I paid $10.", id="prices are no formula"),
    pytest.param("The dogs' owner and I met the cats' owner.", id="plural apostrophes quote nothing"),
    pytest.param("The type I use is oak.", id="the type, which I use"),
    pytest.param("In the class I took, it was free.", id="the class, which I took"),
    pytest.param("As did I. The rest left.", id="a sentence ends with I"),
    pytest.param("Use `x`, as I do with `y`.", id="between two pieces of code"),
    pytest.param("```\nx = 1\n```\nI ran it.", id="after a code block"),
    pytest.param("> quoted\n\nI disagree.", id="after a quoted line"),
    pytest.param('"So it goes," I said.', id="after a quotation"),
    pytest.param("If x > 3 I stop.", id="a greater-than sign quotes nothing"),
    pytest.param("The current I measured was low.", id="the current, which I measured"),
    pytest.param("That is the word I used, and the set I bought.", id="the word, which I used"),
    pytest.param("The option I chose, the command I ran and the shift I worked.", id="words that name keys, too"),
    pytest.param("The phase I went through and the stage I am at.", id="the phase, which I went through"),
    pytest.param("For all I know, any I saw were red.", id="for all I know"),
    pytest.param("My wife and I are glad.", id="somebody and I are"),
    pytest.param("Plan B and I get along.", id="a capital that no variable is"),
    pytest.param("Let me say that I let it be.", id="let in other places"),
    pytest.param("Press on, I said, and I pressed on.", id="pressing on"),
    pytest.param("## Why ice floats\nI asked a chemist.", id="after a heading"),
    pytest.param("## What I learned", id="a heading that asks nothing"),
    pytest.param("- I think so.\n* I do.\n+ I will.", id="items"),
    pytest.param("I was there; I always am.", id="verbs and adverbs that end with s"),
    pytest.param("This is my. View it.", id="my before a full stop"),
    pytest.param("I pay my $5 and my 5% share to my @friend.", id="my before signs that name nothing of Perl"),
    pytest.param("The price - I think - was 3. I paid.", id="I behind a dash, and behind a figure"),
    pytest.param("That stays between you and I. However, it is so.", id="and I ends a sentence"),
    pytest.param("The section I wrote and the chapter I was given differ.", id="the section, which I wrote"),
    pytest.param("2.5 litres of it I drank.\nAnd so?", id="a line with a number that asks nothing"),
]

NOT_SPEAKING = [
    pytest.param("It boils at sea level.", id="no such word"),
    pytest.param("Let i run from 1 to n.", id="i is an index"),
    pytest.param("Mystery, army, Iowa, PIN I2C", id="parts of words"),
    pytest.param("We think it is ours.", id="we is not asked for"),
    pytest.param("Run `print(I)` first.", id="inline code"),
    pytest.param("Use ``I ` my`` here.", id="inline code with two backticks"),
    pytest.param("```python\nmy = I\n```", id="fenced code"),
    pytest.param("- step\n  ~~~\n  my $x;\n  ~~~", id="fenced code with tildes in a list"),
    pytest.param("```\nmy $x; # left open", id="a fence left open runs to the end"),
    pytest.param("See https://example.org/what-is-my-ip for it.", id="web address"),
    pytest.param("Write my $tea = 3; and then my @cups = ();", id="variables of Perl"),
    pytest.param("Say wget -I /tea,/rye or -I m4 there.", id="an option and its path"),
    pytest.param("Anna Berger I. de Souza wrote to Bo Lind I. van Dam.", id="an initial before de"),
    pytest.param("By M. Nilsson and I. Chang, first edition.", id="an initial of the second author"),
    pytest.param("x = 1.0 + 20.0 * I;", id="the imaginary unit"),
    pytest.param('People ask "how do I boil it?" often.', id="quotation marks"),
    pytest.param('A line: "how do\nI boil it?" so.', id="a quotation over a line break"),
    pytest.param("People ask “how do I boil it?” often.", id="typographic quotation marks"),
    pytest.param("The rule 'I don't know, so I ask' helps.", id="single quotation marks around an apostrophe"),
    pytest.param("> I am quoted\n> and my dog too", id="quoted lines"),
    pytest.param("- > I am quoted in a list", id="a quoted line in a list"),
    pytest.param("The sum $I + 1$ is even.", id="formula"),
    pytest.param("Let $\\mathbb{I}\\otimes U$ act, and $ I $ too.", id="formulas with blanks inside"),
    pytest.param("$$\nI = \\int f\n$$", id="displayed formula"),
    pytest.param("\\begin{align} I &= 1 \\end{align}", id="TeX environment"),
    pytest.param("By Ohm's law I = V/R.", id="I as a variable"),
    pytest.param("Apply H ⊗ I to it.", id="I as an operator"),
    pytest.param("With I(x) even, I[0] is odd.", id="I as a function and an array"),
    pytest.param("Multiply by the identity matrix I.", id="the matrix I"),
    pytest.param("The gates X, Y, and I, Z are there.", id="one capital of several"),
    pytest.param("Plot the I-V curve.", id="I-V"),
    pytest.param("After World War I, it fell.", id="World War I"),
    pytest.param("Under Elizabeth I the theatre grew.", id="a queen"),
    pytest.param("A Type I error and a type I error.", id="Type I"),
    pytest.param("Take Calculus I and Physics I first.", id="courses"),
    pytest.param("See parts I, II and I-III, or I and II.", id="I before II"),
    pytest.param("## I. Beginnings\n\nI. First\n(I) one", id="enumeration"),
    pytest.param("Michael I. Jordan wrote it.", id="a middle initial"),
    pytest.param("It waits for I/O, i.e. A.I. needs I.Q. or, I.e. wit.", id="I/O and abbreviations"),
    pytest.param("Press Ctrl + Shift + I.", id="a key among several"),
    pytest.param("Ctrl+Shift+I opens it; Cmd-Option-I and Alt-I do, too.", id="keys without blanks"),
    pytest.param("Press I to invert, or hit the I key.", id="one key"),
    pytest.param("A Chebyshev type I filter ripples.", id="a filter"),
    pytest.param("An order 8 Chebyshev type I has type I interferons.", id="a type and its plural"),
    pytest.param("The phase I trial enrolled 40.", id="a trial"),
    pytest.param("He has Bipolar I Disorder.", id="a disorder"),
    pytest.param("Photosystem I, angiotensin I and class I molecules", id="numbers in biology"),
    pytest.param("The DCT-I and the PA-I, of type-I", id="numbers behind a hyphen"),
    pytest.param("Let I be an ideal of R.", id="an ideal"),
    pytest.param("Then let I denote the set of indices.", id="a set"),
    pytest.param("If I is an interval, I contains its midpoints.", id="an interval"),
    pytest.param("Take the union for all I in the family.", id="a bound variable"),
    pytest.param("The current I flows.", id="a current"),
    pytest.param("The current I through R, where I is in amperes", id="a current through something"),
    pytest.param("The matrix **I** is the identity: (A - s*I)x = 0, A + I.", id="a matrix in bold and in sums"),
    pytest.param("The voltage V and I are in phase; I and Q are not.", id="two signals"),
    pytest.param("The letter I is a vowel; an I, the I.", id="a letter"),
    pytest.param("The modes M, I, and D", id="a letter among letters"),
    pytest.param("V. I. Arnold, by I. Devetak, and I. J. Good", id="initials"),
    pytest.param("King Umberto I ruled; Rameses I built.", id="kings"),
    pytest.param("- I: Icosahedral group\n- I. One", id="items of a list"),
    pytest.param("| I | one |", id="a cell of a table"),
    pytest.param("Isolated mode (-I) and -I INTFMT", id="an option of a command"),
    pytest.param("Set my.cnf, my-bucket, user@my, $my and my/json/file.json.", id="parts of names"),
    pytest.param("### Can I use the system's library?\n\nYes.", id="a heading that asks in the reader's voice"),
    pytest.param("See:\n5.3. How can I get it? Is it mine?\n5.4 May I?", id="headings with numbers"),
    pytest.param("See section I.8 and section I, or vol. I, chapter 2.", id="numbers of sections"),
    pytest.param("Act II, Scene I, in volumes I--III", id="numbers of scenes"),
    pytest.param("PL/I definitions of the S-C-S-I bus", id="letters of a name"),
    pytest.param("It was so [I. Berger, p. 3].", id="an initial in a bracket"),
    pytest.param("the number of -I (directory) arguments, -I<dir> and the -I option", id="an option and what it is"),
]


@pytest.mark.parametrize("text", SPEAKING)
def test_speaks(text):
    assert speaks(text) is True


@pytest.mark.parametrize("text", NOT_SPEAKING)
def test_does_not_speak(text):
    assert speaks(text) is False


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        pytest.param("Run `my`.", "code", id="code"),
        pytest.param('"I see."', "quotes", id="quotes"),
        pytest.param("I = V/R", "symbols", id="symbols"),
        pytest.param("World War I", "roman", id="roman"),
        pytest.param("I/O", "i/o", id="i/o"),
        pytest.param("I've seen it.", "contractions", id="contractions"),
    ],
)
def test_each_exception_is_a_choice(text, ignored):
    assert speaks(text, ignore=[]) is True
    assert speaks(text, ignore=[ignored]) is False


@pytest.mark.parametrize(
    ("text", "words", "holds"),
    [
        pytest.param("Tell us more.", ["us"], True, id="us"),
        pytest.param("In the US and in ME.", ["us", "me"], False, id="US and ME are no pronouns"),
        pytest.param("Ours is best.", ["ours", "we"], True, id="any of several"),
        pytest.param("In my opinion, no.", ["in my opinion"], True, id="words may come together"),
        pytest.param("C'est à moi.", ["à"], True, id="a letter outside ASCII has boundaries too"),
        pytest.param("I see.", ["my"], False, id="I only if asked for"),
    ],
)
def test_the_words_are_a_choice(text, words, holds):
    assert speaks(text, words=words) is holds


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"words": []}, "words is empty", id="no words"),
        pytest.param({"words": ["I", "m.*"]}, "not 'm.\\*'", id="a pattern is no word"),
        pytest.param({"ignore": ["quote"]}, "ignore knows code, quotes.*not 'quote'", id="unknown exception"),
    ],
)
def test_first_person_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        first_person(**parameters)


def test_the_span_of_first_person_shows_the_word_and_what_stands_around_it():
    text = "a" * 60 + " says `my` code.\nThen I\tleave " + "b" * 60
    shown = pl.DataFrame({"response": [text]}).select(first_person_where("response")).item()
    assert shown == "a" * 17 + " says [...] code. Then I leave " + "b" * 33
    assert first_person.span is first_person_where  # type: ignore[attr-defined]


def test_the_span_of_first_person_is_null_where_nobody_speaks():
    assert pl.DataFrame({"response": ["World War I"]}).select(first_person_where("response")).item() is None


def mentioned(text: str, phrases: list[str]) -> Any:
    return pl.DataFrame({"response": [text]}).select(mentions("response", phrases)).item()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As mentioned, it boils.", id="as mentioned"),
        pytest.param("as I have already mentioned", id="as I have already mentioned"),
        pytest.param("As noted above, it boils.", id="as noted above"),
        pytest.param("As others have said, no.", id="as others have said"),
        pytest.param("Someone else has already suggested tea.", id="someone else has suggested"),
        pytest.param("As Ann pointed out, no.", id="as a name pointed out"),
        pytest.param("The other two answers are wrong.", id="other answers"),
        pytest.param("See the accepted answer.", id="the accepted answer"),
        pytest.param("The most upvoted answer says so.", id="the most upvoted answer"),
        pytest.param("The answer below is right.", id="the answer below"),
        pytest.param("One of the previous answers has it.", id="one of the answers"),
        pytest.param("Ann's answer has it.", id="a name's answer"),
        pytest.param("Jonas’ excellent answer has it.", id="a name's answer, typographic"),
        pytest.param("Lee's answer has it.", id="a name that begins like Let"),
        pytest.param("Adding to [jo17's answer](https://example.org/1)", id="a user's answer, linked"),
        pytest.param("It was explained in the comments.", id="in the comments"),
        pytest.param("Thanks @ann for it.", id="a user addressed"),
        pytest.param("See this [answer](https://example.org/2).", id="see this answer"),
        pytest.param("As stated above, it boils.", id="what stands above the first sentence is another's"),
        pytest.param("Salt it. As mentioned before, it boils.", id="the second sentence"),
        pytest.param("One. Two. Three. As mentioned by Ann, no.", id="as mentioned by a name, further down"),
        pytest.param("One. Two. Three. It was already explained by others, as explained by others.", id="by others"),
        pytest.param("@ann Salt it first.", id="a line to somebody"),
        pytest.param("This is due to a hint (thanks @ann).", id="thanks in brackets"),
        pytest.param("Here is what is left. I agree with @ann.", id="a user at the end"),
        pytest.param("@ann - no, it is red.\n", id="a dash behind a user"),
        pytest.param("@ann. Good point.", id="a full stop behind a user"),
    ],
)
def test_other_answers(text):
    assert mentioned(text, ["other_answers"]) is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The answer is 42.", id="an answer to the question itself"),
        pytest.param("Let's answer this with data.", id="let's answer"),
        pytest.param("Short answer: yes.", id="short answer"),
        pytest.param("Students check their answers twice.", id="answers in an exam"),
        pytest.param("Not all keep it as well as others.", id="as well as others"),
        pytest.param("It works as stated on the label.", id="as stated elsewhere"),
        pytest.param("Write to ann@example.org.", id="a mail address"),
        pytest.param("Put `@property` above it.", id="a decorator in code"),
        pytest.param("Use\n```\n@cache\n```\nhere.", id="a decorator in a code block"),
        pytest.param("Others prefer tea.", id="others do other things"),
        pytest.param("Heat it. Stir it. As stated above, it boils.", id="what stands above is the text itself"),
        pytest.param("Heat it. Stir it. As I said before, and as already noted, it boils.", id="what I said before"),
        pytest.param("The value, as explained below, is 3.", id="what stands below"),
        pytest.param("As mentioned in the Notes section, it boils.", id="in a section of its own"),
        pytest.param("As noted in the paper and as mentioned in the documentation, no.", id="in other works"),
        pytest.param("Sheldon Brown's comments on tire replacement help.", id="comments on a thing"),
        pytest.param("Darwin's remarks about pigeons and Kant's comment on taste", id="remarks about things"),
        pytest.param("Einstein's reply to Born was short.", id="a letter"),
        pytest.param("Students' answers vary, and so do Patients' responses.", id="answers of many"),
        pytest.param("See the comments in the source file and the comment above the function.", id="comments in code"),
        pytest.param("It is decorated with @cache, the @property decorator.", id="decorators in prose"),
        pytest.param("@contextmanager\ndef f(): ...\n\n@app.route('/')\ndef g(): ...", id="decorators outside code"),
        pytest.param("@param count is the number, {@link x}, user@host, [@tiangolo](https://x.org)", id="other marks"),
        pytest.param("It issues an 'EXISTS' response.", id="a quoted word's response"),
        pytest.param('As Knuth noted in his book, "it is evil".', id="an authority that is quoted"),
        pytest.param("As Mill points out:\n\n> “Liberty is all.”", id="an authority in a block"),
        pytest.param('Mill\'s comment that "liberty is all" is old.', id="a comment that is quoted"),
    ],
)
def test_not_other_answers(text):
    assert mentioned(text, ["other_answers"]) is False


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("Ask on stack exchange.", True, id="in small letters"),
        pytest.param("This Math StackExchange post", True, id="in one word"),
        pytest.param("See Stack Overflow.", True, id="the other site"),
        pytest.param("I saw it on stack overflow.", True, id="the other site in small letters"),
        pytest.param("It is on Physics.SE.", True, id="a site's short name"),
        pytest.param("Everyone on this site knows.", True, id="this site"),
        pytest.param("Feel free to down-vote.", True, id="votes"),
        pytest.param("As the OP wrote.", True, id="OP"),
        pytest.param("Deep recursion ends in a stack overflow.", False, id="the crash"),
        pytest.param("An op amp and an operator.", False, id="op in small letters"),
        pytest.param("The vote of the parliament", False, id="another vote"),
        pytest.param("The building site is closed.", False, id="another site"),
        pytest.param("See [here](https://stackoverflow.com/q/1).", False, id="the address of a link"),
        pytest.param("The distance $|OP|$ grows.", False, id="points in a formula"),
        pytest.param("With OP = A - B the mode is normal.", False, id="a variable"),
        pytest.param("If this thread already owns the lock, it goes on.", False, id="a thread of a program"),
        pytest.param("Everyone reading this thread knows.", True, id="a thread of people"),
        pytest.param("Push it onto this stack.", False, id="a stack of a program"),
        pytest.param("This board has 40 pins.", False, id="a board of copper"),
        pytest.param("According to [this site](https://a.org), it boils.", False, id="a site that is linked to"),
    ],
)
def test_site(text, holds):
    assert mentioned(text, ["site"]) is holds


@pytest.mark.parametrize(
    ("text", "phrase", "holds"),
    [
        pytest.param("Stack  Exchange", "stack exchange", True, id="any capitals and blanks"),
        pytest.param("other\nanswer", "other answer", True, id="over a line break"),
        pytest.param("another answer", "other answer", False, id="whole words only, at the start"),
        pytest.param("other answers", "other answer", False, id="whole words only, at the end"),
        pytest.param("other answers", "other answer*", True, id="a star for the rest of a word"),
        pytest.param("Use C++ here", "c++", True, id="signs at the edge"),
        pytest.param("Don’t do it", "don't", True, id="a typographic apostrophe"),
        pytest.param("a.b", "a b", False, id="nothing but blanks between words"),
        pytest.param("axb", "a.b", False, id="a phrase is no pattern"),
        pytest.param("voilà tout", "voilà", True, id="letters outside ASCII"),
    ],
)
def test_a_phrase_of_your_own(text, phrase, holds):
    assert mentioned(text, [phrase]) is holds


@pytest.mark.parametrize(
    ("phrases", "sentence"),
    [
        pytest.param([], "needs phrases", id="none"),
        pytest.param(["  "], "blank", id="blank"),
        pytest.param(["*"], "blank", id="a star alone"),
        pytest.param(["other_answer"], "no preset 'other_answer': the presets are other_answers, site", id="misspelt"),
    ],
)
def test_mentions_refuses(phrases, sentence):
    with pytest.raises(ValueError, match=sentence):
        mentions(phrases=phrases)


def test_the_span_of_mentions():
    frame = pl.DataFrame({"response": ["Well, as mentioned by `x`, no.", "no", None]})
    assert mentions.span is mentions_where  # type: ignore[attr-defined]
    assert frame.select(mentions_where("response")).to_series().to_list() == [
        "Well, as mentioned by [...], no.",
        None,
        None,
    ]
    assert frame.select(mentions("response")).to_series().to_list() == [True, False, None]


AUTHORED = Path(__file__).parents[2] / "recipes" / "authored" / "train.jsonl"


def holds(filter_: Any, text: str | None) -> Any:
    return pl.DataFrame({"response": [text]}, schema={"response": pl.String}).select(filter_("response")).item()


CLAIMING = [
    pytest.param("I'm a senior software engineer.", id="a job"),
    pytest.param("I am an attorney, and currently I'm a part-time student.", id="two jobs"),
    pytest.param("When I was a kid, we had a tree house.", id="childhood"),
    pytest.param("I grew up by the sea.", id="growing up"),
    pytest.param("Back when I was 12, that was normal.", id="an age"),
    pytest.param("As a teenager, I hated it.", id="as a teenager, I"),
    pytest.param("That takes me back to my childhood!", id="my childhood"),
    pytest.param("My wife and I tried it.", id="a wife"),
    pytest.param("My four-year-old daughter loves it.", id="a daughter with an age"),
    pytest.param("My best friend's party was wild.", id="a best friend"),
    pytest.param("A good friend of mine does that.", id="a friend of mine"),
    pytest.param("My friends and family were nice about it.", id="friends and family"),
    pytest.param("My cat Whiskers steals socks.", id="a pet"),
    pytest.param("I ate far too much of it.", id="eating"),
    pytest.param("I actually went to a concert there.", id="an adverb between"),
    pytest.param("I’ve been to Rome twice.", id="a typographic apostrophe"),
    pytest.param("I've had my fair share of bad dates.", id="a fair share"),
    pytest.param("I just finished reading a great novel.", id="just finished reading"),
    pytest.param("I tried it out for the first time last summer.", id="last summer"),
    pytest.param("Two years ago I started pottery.", id="a time before the verb"),
    pytest.param("I usually drink it black.", id="a habit"),
    pytest.param("Sometimes I'll go for a walk to clear up.", id="a walk"),
    pytest.param("I love hiking!", id="love of what needs a body"),
    pytest.param("I'm a big fan of cooking.", id="a fan of what needs a body"),
    pytest.param("I'm such a morning person.", id="a morning person"),
    pytest.param("I'm vegetarian, so I skip it.", id="a diet"),
    pytest.param("As a nurse, I see that daily.", id="as a nurse, I"),
    pytest.param("As a human being, I feel for you.", id="as a human being, I"),
    pytest.param("I'm only human.", id="only human"),
    pytest.param("We humans forget things.", id="we humans"),
    pytest.param("My knees hurt after that.", id="a body"),
    pytest.param("It happened in my kitchen.", id="a kitchen"),
    pytest.param("In my first job, that was a rule.", id="a job"),
    pytest.param("I remember watching it live.", id="a memory"),
    pytest.param("I don't own a car, but my wife does.", id="after what is denied"),
]

NOT_CLAIMING = [
    pytest.param("I'm an AI, I don't have a body.", id="no body"),
    pytest.param("I have no wife or children of my own.", id="no family"),
    pytest.param("I've never been to Paris.", id="never"),
    pytest.param("I can't eat, so you tell me!", id="cannot"),
    pytest.param("If I ate, I would eat that.", id="if"),
    pytest.param("I'd love to go hiking one day.", id="would"),
    pytest.param("How often should I drink water? Every hour.", id="a question people ask"),
    pytest.param("Your wife and your kids may like it.", id="second person"),
    pytest.param("When you were a kid, was it different?", id="your childhood"),
    pytest.param("She grew up in Ohio. He ate it.", id="third person"),
    pytest.param('She wrote: "When I was a kid, my mother cooked."', id="quoted speech"),
    pytest.param("Tell her “I love hiking with my dog”.", id="typographic quotation"),
    pytest.param("> My wife and I had a row.\n\nThat sounds hard.", id="a quoted line"),
    pytest.param("```\nmy_house = eat(my dog)\n```", id="code"),
    pytest.param("I love puns and I think that one is great.", id="taste and opinion"),
    pytest.param("I read your message twice, and I saw that you worry.", id="reading what was asked"),
    pytest.param("I remember that you like tea.", id="what was said before"),
    pytest.param("Hello, my friend! Nice to see you.", id="my friend as a greeting"),
    pytest.param("I'm not human, but I'm curious.", id="not human"),
    pytest.param("I'm all ears!", id="an idiom"),
    pytest.param("I'm a virtual assistant and a digital teacher.", id="a job that is none"),
    pytest.param("I went through your list and found two.", id="going through a list"),
    pytest.param("Halloween is one of my favorite holidays.", id="favourite holidays"),
    pytest.param("Many people love hiking with their kids.", id="people in general"),
]


@pytest.mark.parametrize("text", CLAIMING)
def test_claims_to_be_human(text):
    assert holds(claims_human, text) is True


@pytest.mark.parametrize("text", NOT_CLAIMING)
def test_claims_nothing_human(text):
    assert holds(claims_human, text) is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As an AI, I don't eat.", id="as an AI"),
        pytest.param("As an AI language model developed to help, I cannot taste.", id="as an AI language model"),
        pytest.param("You know, I'm just a chatbot.", id="just a chatbot"),
        pytest.param("I am a large language model.", id="a large language model"),
        pytest.param("I'm an artificial intelligence.", id="artificial intelligence"),
        pytest.param("i'm an ai, so no holidays for me!", id="small letters"),
        pytest.param("For an AI like me, that's a puzzle.", id="an AI like me"),
        pytest.param("As a digital assistant, I never sleep.", id="a digital assistant"),
        pytest.param("I was trained on a lot of text.", id="trained on text"),
        pytest.param("I'm a neutral, curious and gentle AI, at your service.", id="adjectives before it"),
        pytest.param("As a tea-loving AI, I say green.", id="an AI of a kind"),
        pytest.param("That is beyond my programming.", id="its programming"),
        pytest.param("My training data ends in May.", id="where its data end"),
    ],
)
def test_says_that_an_ai_speaks(text):
    assert holds(says_ai, text) is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As an AI researcher, I read a lot.", id="an AI researcher"),
        pytest.param("I'm an AI engineer.", id="an AI engineer"),
        pytest.param("An AI wrote this poem.", id="some AI"),
        pytest.param("It runs as a computer program on a server.", id="some program"),
        pytest.param('Films love the line "As an AI, I obey".', id="a quotation"),
        pytest.param("I'm not an AI.", id="denied"),
        pytest.param("I'm a fan of AI.", id="a fan of AI"),
        pytest.param("I was trained to be a nurse.", id="trained as people are"),
        pytest.param("Press Ctrl + I. As an AI tool it helps, said Ann.", id="a tool"),
        pytest.param("I work with language models as a hobby.", id="work with models"),
        pytest.param("My programming skills grow, and I like my programming class.", id="programming as people do it"),
        pytest.param("I know that my training data is biased.", id="data that somebody trains on"),
        pytest.param("I am a computer programmer.", id="a programmer"),
        pytest.param("I am a student of robotics and AI, and a fan of the AI.", id="a student of AI"),
    ],
)
def test_does_not_say_that_an_ai_speaks(text):
    assert holds(says_ai, text) is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I can't help with that.", id="can't help"),
        pytest.param("I'm sorry, but I cannot do it.", id="sorry, but I cannot"),
        pytest.param("I’m sorry, I can’t assist you there.", id="typographic apostrophes"),
        pytest.param("Unfortunately, I am unable to provide that.", id="unfortunately"),
        pytest.param("As an AI, I cannot give medical advice.", id="as an AI"),
        pytest.param("I must respectfully decline.", id="declining"),
        pytest.param("That sounds hard. I won't write the letter, though.", id="in the second sentence"),
        pytest.param("That's not something I can help with.", id="not something I can"),
        pytest.param("This is something I can't write.", id="something I can't"),
        pytest.param("As an AI, I'm not equipped to provide that.", id="not equipped"),
        pytest.param("Sorry. I'm not capable of sharing it.", id="not capable"),
        pytest.param("I don't have the ability to answer that.", id="no ability"),
    ],
)
def test_an_answer_that_refuses(text):
    assert holds(refuses, text) is True


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param("<think>Hm.</think>I'm sorry, but I can't help with that.", True, id="a block"),
        pytest.param("A long thought. Then one more. So.\n</think>\nI can't help with that.", True, id="only its end"),
        pytest.param("[THINK]Hm.[/THINK]I can't help with that.", True, id="another mark"),
        pytest.param(
            "<|channel|>analysis<|message|>Hm. So. No.<|end|><|start|>assistant<|channel|>final<|message|>I can't help "
            "with that.",
            True,
            id="channels",
        ),
        pytest.param("<think>I can't help with that.</think>Here it is.", False, id="only the thought declines"),
        pytest.param("<think>I can't help with that.", None, id="thoughts without an answer"),
    ],
)
def test_refusals_stand_in_the_answer(text, verdict):
    assert holds(refuses, text) is verdict


def test_the_span_of_a_refusal_after_thoughts():
    text = "<think>I can't help with that.</think>I'm sorry, but I can't help with it."
    frame = pl.DataFrame({"response": [text]})
    assert frame.select(refuses_where("response")).item().startswith("I'm sorry, but I can't help")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I can't help but smile at that!", id="help but"),
        pytest.param("I can't wait to help you plan it.", id="can't wait"),
        pytest.param("I can't recommend it enough.", id="praise"),
        pytest.param("I cannot agree more.", id="agreement"),
        pytest.param("Sorry to hear that. Here is a plan.", id="sympathy"),
        pytest.param("Sure. Boil it. Salt it. I can't help with the wine.", id="a limit further down"),
        pytest.param('Say: "I can\'t help with that".', id="a quotation"),
        pytest.param("You can't help with that.", id="second person"),
        pytest.param("Slides help. This is something I can only do with slides.", id="something I can do"),
        pytest.param("I can't tell you the exact amount, but it's significant.", id="a limit of what is known"),
        pytest.param("I can't answer that for sure but I can suggest a book.", id="a limit, and a suggestion"),
        pytest.param("I can't tell you the last time it rained.", id="a manner of speaking"),
    ],
)
def test_does_not_refuse(text):
    assert holds(refuses, text) is False


def test_a_span_shows_the_claim_and_hides_nothing_around_it():
    text = "x" * 50 + ' "quoted" and my wife laughed ' + "y" * 50
    shown = pl.DataFrame({"response": [text]}).select(claims_human_where("response")).item()
    assert shown == "x" * 29 + " [...] and my wife laughed " + "y" * 31


def test_any_column_may_be_asked():
    frame = pl.DataFrame({"chosen": ["My wife laughed."], "rejected": ["As an AI, I do not laugh."]})
    said = frame.select(a=claims_human("chosen"), b=claims_human("rejected"), c=says_ai("rejected"))
    assert said.row(0) == (True, False, True)


def test_the_answers_that_the_authors_wrote_claim_no_life_but_in_letters_and_stories():
    rows = [json.loads(line) for line in AUTHORED.read_text(encoding="utf-8").splitlines()]
    frame = pl.DataFrame({"response": [row["response"] for row in rows], "domain": [row["domain"] for row in rows]})
    assert frame.select(claims_human("response").sum()).item() <= 3
    assert frame.select(says_ai("response").sum()).item() == 0
    declined = frame.filter(refuses("response"))
    assert declined.height >= 11
    assert set(declined["domain"]) == {"safety"}


def test_on_real_pairs_the_two_sides_differ_as_they_should(data):
    pairs = pl.read_ndjson(data / "human_like_pairs_sample.jsonl")
    found = pairs.select(
        life=claims_human("chosen").sum(),
        formal_life=claims_human("rejected").sum(),
        ai=says_ai("rejected").sum(),
        human_like_ai=says_ai("chosen").sum(),
    )
    assert pairs.height == 200
    life, formal_life, ai, human_like_ai = found.row(0)
    assert life >= 105
    assert formal_life == 0
    assert ai >= 175
    assert human_like_ai <= 15
