"""The packaged topics and prompts: enough of them, all different, nothing that a held-out prompt asks."""

import itertools
import json
from pathlib import Path

import pytest

from curate.sources.questions.loop import fault
from curate.sources.questions.rouge import rouge_l, words
from curate.sources.questions.topics import parse

RECIPES = Path(__file__).parents[2] / "recipes"
TOPICS = parse((RECIPES / "topics.yaml").read_text(encoding="utf-8"))
SEEDS = [seed for topic in TOPICS for seed in topic.seeds]


def prompt(name: str) -> str:
    lines = (RECIPES / "prompts" / name).read_text(encoding="utf-8").splitlines()
    return "\n".join(itertools.dropwhile(lambda line: line.startswith("#"), lines)).strip()


def test_there_are_many_topics_in_even_groups():
    assert len(TOPICS) >= 96
    assert {topic.group for topic in TOPICS} >= {
        "travel",
        "sport",
        "music",
        "health",
        "science",
        "family",
        "everyday decisions",
    }
    assert {len(topic.seeds) for topic in TOPICS} == {2}
    assert all(topic.own for topic in TOPICS)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_is_a_question_or_a_clear_request(seed):
    assert fault(seed, min_words=4, max_words=40) is None


@pytest.mark.slow
def test_no_two_are_alike():
    assert max(rouge_l(words(a), words(b)) for a, b in itertools.combinations(SEEDS, 2)) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_none_is_like_an_authored_prompt(split):
    lines = (RECIPES / "authored" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    prompts = [json.loads(line)["prompt"] for line in lines]
    assert max(rouge_l(words(seed), words(asked)) for seed in SEEDS for asked in prompts) < 0.6


def test_the_two_styles_ask_for_the_same_length_and_the_same_honesty():
    human_like, formal = prompt("human_like.txt"), prompt("formal.txt")
    assert human_like.splitlines()[-1] == formal.splitlines()[-1] == "Write about 60 words, in one paragraph."
    for text in (human_like, formal):
        assert "You are an AI, and you never pretend to be a human" in text
    assert abs(len(human_like) - len(formal)) < 0.25 * len(human_like)


def test_the_prompt_for_questions_has_its_two_places():
    assert prompt("questions.txt").count("{topic}") == 1
    assert prompt("questions.txt").count("{count}") == 1
