"""The authored examples: what is in each file, and that no training text leads to a held-out prompt."""

import ast
import json
import re
from collections import Counter
from itertools import combinations, product
from pathlib import Path
from statistics import median
from typing import Any

import pytest

AUTHORED = Path(__file__).parents[2] / "recipes" / "authored"

# Too common to say what a prompt is about.
FUNCTION_WORDS = """
a about after all also am an and any are as at be been before but by can could did do does don't for from
get give had has have he help her him his how i i'd i'm i've if in into is it it's its just like make me
more my no not now of on one only or our out please she should so some than that the their them then there
they this to too up us want was we what what's when which who why will with without would write you your
"""
COMMON = frozenset(FUNCTION_WORDS.split())


def read(name: str) -> list[dict[str, Any]]:
    with (AUTHORED / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


TRAIN, DIALOGUES, DEV, TEST = (read(f"{name}.jsonl") for name in ("train", "dialogues", "dev", "test"))
TURNS = [turn for dialogue in DIALOGUES for turn in dialogue["messages"]]
ANSWERS = [row["response"] for row in TRAIN] + [t["content"] for t in TURNS if t["role"] == "assistant"]
ASKED = [row["prompt"] for row in TRAIN] + [t["content"] for t in TURNS if t["role"] == "user"]
HELD_OUT = [row["prompt"] for row in DEV + TEST]
REFUSALS = [row for row in TRAIN if row["domain"] == "safety"]


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)*", text.lower())


def runs(text: str, n: int = 8) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def likeness(one: str, other: str, ignored: frozenset[str] = frozenset()) -> float:
    """The share of words that two prompts have in common, of all the words they have (Jaccard)."""
    a, b = (set(words(text)) - ignored for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


@pytest.mark.parametrize(
    ("rows", "count", "fields"),
    [
        pytest.param(TRAIN, 80, {"prompt", "response", "domain", "license"}, id="train"),
        pytest.param(DIALOGUES, 10, {"messages", "domain", "license"}, id="dialogues"),
        pytest.param(DEV, 50, {"prompt", "domain", "license"}, id="dev"),
        pytest.param(TEST, 100, {"prompt", "domain", "sensitive", "license"}, id="test"),
    ],
)
def test_a_file_has_its_rows_with_its_fields_under_our_licence(rows, count, fields):
    assert len(rows) == count
    assert [row for row in rows if set(row) != fields or row["license"] != "Apache-2.0"] == []


@pytest.mark.parametrize("row", TRAIN + DEV + TEST, ids=lambda row: row["prompt"][:30])
def test_a_row_holds_clean_text(row):
    texts = [value for value in row.values() if isinstance(value, str)]
    assert [text for text in texts if not text or text != text.strip() or "\r" in text or "@@" in text] == []


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue["domain"])
def test_a_dialogue_alternates_and_ends_with_an_answer(dialogue):
    roles = [turn["role"] for turn in dialogue["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert 2 <= len(roles) // 2 <= 5
    assert all(turn["content"].strip() == turn["content"] != "" for turn in dialogue["messages"])


def test_train_has_thirteen_refusals_and_at_least_fifteen_kinds_of_task():
    kinds = Counter(row["domain"] for row in TRAIN)
    assert kinds["safety"] == 13
    assert len(kinds) >= 15
    assert max(count for kind, count in kinds.items() if kind != "safety") <= 5


@pytest.mark.parametrize("row", [row for row in TRAIN if row["domain"] == "safety"], ids=lambda r: r["prompt"][:30])
def test_a_refusal_says_no_at_once_and_goes_on_to_offer_something(row):
    opening, offer = " ".join(row["response"].split()[:90]), row["response"].split("\n\n", 1)[1]
    assert re.search(r"\b(?:won't|wouldn't|can't)\b", opening)
    assert len(offer.split()) >= 100


def test_thirty_test_prompts_are_sensitive():
    assert Counter(row["sensitive"] for row in TEST) == {True: 30, False: 70}


def test_answers_are_about_as_long_as_the_papers():
    """LIMA's authored answers have 334 tokens in the mean (Table 1), some 250 words."""
    lengths = [len(row["response"].split()) for row in TRAIN]
    assert 200 <= median(lengths) <= 350
    assert min(lengths) >= 60
    assert max(lengths) <= 500


def test_prompts_come_in_all_lengths():
    lengths = [len(row["prompt"].split()) for row in TRAIN]
    assert min(lengths) < 10
    assert max(lengths) > 80


def test_nothing_stands_twice():
    every = [" ".join(words(text)) for text in ASKED + ANSWERS + HELD_OUT]
    assert [text for text, count in Counter(every).items() if count > 1] == []


def test_answers_do_not_all_begin_alike():
    openings = Counter(tuple(words(answer)[:3]) for answer in ANSWERS)
    assert [opening for opening, count in openings.items() if count > 4] == []


def test_answers_never_begin_by_praising_the_question():
    praise = re.compile(r"(?:what a |that is a |that's a )?(?:great|good|excellent) question", re.IGNORECASE)
    assert [answer[:60] for answer in ANSWERS if praise.match(answer)] == []


def test_no_run_of_eight_words_of_the_training_set_is_in_a_held_out_prompt():
    learnt = {run for text in ASKED + ANSWERS for run in runs(text)}
    assert [prompt for prompt in HELD_OUT if runs(prompt) & learnt] == []


@pytest.mark.parametrize("ignored", [frozenset(), COMMON], ids=["all words", "content words"])
def test_no_held_out_prompt_is_like_one_of_train_or_of_the_other_set(ignored):
    dev, test = ([row["prompt"] for row in rows] for rows in (DEV, TEST))
    pairs = [*product(ASKED, HELD_OUT), *product(dev, test), *combinations(test, 2), *combinations(dev, 2)]
    near = [(likeness(a, b, ignored), a, b) for a, b in pairs]
    assert [pair for pair in near if pair[0] >= 0.35] == []


def test_python_in_an_answer_is_python():
    blocks = [block for answer in ANSWERS for block in re.findall(r"```python\n(.*?)```", answer, re.DOTALL)]
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_code_fences_are_closed():
    assert [answer[:60] for answer in ANSWERS if answer.count("```") % 2] == []
