import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.sources.questions.loop import candidates, clean, fault
from curate.sources.questions.rouge import Pool, rouge_l, words


def texts(answer: str, **parameters: object) -> list[str]:
    given = {"cut_off": False, "min_words": 2, "max_words": 40} | parameters
    return [found.text for found in candidates(answer, **given) if found.why is None]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("1. Why do cats purr?\n2. Do fish sleep?", ["Why do cats purr?", "Do fish sleep?"], id="a list"),
        pytest.param("1) Why do cats purr?", ["Why do cats purr?"], id="numbers with a bracket"),
        pytest.param("(1) Why do cats purr?", ["Why do cats purr?"], id="numbers in brackets"),
        pytest.param("- Why do cats purr?\n* Do fish sleep?", ["Why do cats purr?", "Do fish sleep?"], id="bullets"),
        pytest.param("**1.** Why do cats purr?", ["Why do cats purr?"], id="a bold number"),
        pytest.param("* 1. Why do cats purr?", ["Why do cats purr?"], id="a bullet and a number"),
        pytest.param("Sure!\n\n1. Why do cats purr?\n\nHave fun, ok?", ["Why do cats purr?"], id="words around a list"),
        pytest.param("Why do cats purr?\nThey do.", ["Why do cats purr?"], id="no list at all"),
        pytest.param("I can't do that.", [], id="nothing"),
        pytest.param("", [], id="an empty answer"),
        pytest.param("1. My cat purrs. Is she ill?", ["My cat purrs. Is she ill?"], id="a sentence before"),
        pytest.param("1. Tell me about cats.", ["Tell me about cats."], id="a request"),
    ],
)
def test_reads_what_an_answer_lists(answer, expected):
    assert texts(answer) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('1. "Why do cats purr?"', "Why do cats purr?", id="quotation marks"),
        pytest.param("2. “Why do cats purr?”", "Why do cats purr?", id="typographic ones"),
        pytest.param("Q: Why do cats purr?", "Why do cats purr?", id="a label"),
        pytest.param("**Question 3:** Why do cats purr?", "Why do cats purr?", id="a bold label"),
        pytest.param("3. **Why do cats purr?**", "Why do cats purr?", id="all bold"),
        pytest.param("4. Why do cats purr? (Animals)", "Why do cats purr?", id="a note after it"),
        pytest.param("5. Why do   cats\tpurr?", "Why do cats purr?", id="blanks"),
        pytest.param('6. What does "purr" mean?', 'What does "purr" mean?', id="a quotation inside"),
        pytest.param("3.5 percent is enough?", "5 percent is enough?", id="a number that looks like one of a list"),
    ],
)
def test_takes_the_list_away(line, expected):
    assert clean(line) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("Why?", "too short", id="one word"),
        pytest.param("why " * 41 + "?", "too long", id="too many words"),
        pytest.param("The cat sat there.", "asks nothing", id="a statement"),
        pytest.param("Why do cats purr", "asks nothing", id="no mark at the end"),
        pytest.param("How do I get from [city] to Rome?", "has a blank to fill in", id="a blank"),
        pytest.param("What is ____ about?", "has a blank to fill in", id="a line to write on"),
        pytest.param("As an AI language model, may I ask you?", "speaks as the assistant", id="an AI"),
        pytest.param("I'm here to help, what do you need?", "speaks as the assistant", id="an assistant"),
        pytest.param("How can I assist you today?", "speaks as the assistant", id="assisting"),
        pytest.param("Which of the following is a cat?", "speaks of the list", id="the following"),
        pytest.param("Can you write 5 more questions about cats?", "speaks of the list", id="more questions"),
        pytest.param("What do you eat? What do you eat?", "repeats itself", id="twice the same"),
        pytest.param("What do they do?", "points at something unsaid", id="they"),
        pytest.param("How do you deal with it?", "points at something unsaid", id="it at the end"),
        pytest.param("Why do cats purr?", None, id="a question"),
        pytest.param("My cat is ill. What do I do with her?", None, id="her, who was named"),
        pytest.param("Does it matter when I brush my teeth?", None, id="it that stands for nothing"),
        pytest.param("Please explain offside to me.", None, id="a polite request"),
        pytest.param("I'm sorry I shouted at her, what now?", None, id="somebody who is sorry"),
        pytest.param("I'm happy at work but tired, is that odd?", None, id="somebody who is happy"),
        pytest.param("Will computers ever get bored?", None, id="about machines"),
    ],
)
def test_says_why_a_text_is_no_question(text, why):
    assert fault(text, min_words=2, max_words=40) == why


def test_the_last_one_of_an_answer_that_was_cut_off_is_none():
    answer = "1. Why do cats purr?\n2. Do fish ever sl"
    assert [found.why for found in candidates(answer, cut_off=True, min_words=2, max_words=40)] == [None, "cut off"]
    ended = answer + "eep?\n\nI hope this"
    assert texts(ended, cut_off=True) == ["Why do cats purr?", "Do fish ever sleep?"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("Why do cats purr?", "why do Cats purr", 1.0, id="capitals and marks"),
        pytest.param("a b c d", "a x c d", 0.75, id="one word of four"),
        pytest.param("a b", "b a", 0.5, id="another order"),
        pytest.param("a b", "c d", 0.0, id="nothing in common"),
        pytest.param("", "c d", 0.0, id="nothing"),
    ],
)
def test_rouge_l(one, other, expected):
    assert rouge_l(words(one), words(other)) == expected
    assert rouge_l(words(other), words(one)) == expected


short = st.lists(st.sampled_from("abcdef"), max_size=8).map(" ".join)


@settings(deadline=None)
@given(pool=st.lists(short, max_size=8), new=short, similarity=st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]))
def test_a_pool_misses_nothing_that_is_like(pool, new, similarity):
    alike = any(rouge_l(words(new), words(text)) >= similarity - 1e-9 for text in pool)
    assert Pool(similarity, pool).has_like(new) is alike
