from collections import Counter

import pytest

from curate.filters.toxicity.sentences import write

SENTENCES = write(0, 16)


def test_the_same_seed_writes_the_same_sentences():
    assert write(0, 16) == SENTENCES != write(1, 16)


def test_every_slot_is_filled():
    assert [sentence.text for sentence in SENTENCES if set("{}") & set(sentence.text)] == []


def test_each_group_is_named_as_often_in_harmless_sentences_as_in_toxic_ones():
    count = Counter((sentence.group, sentence.toxic) for sentence in SENTENCES if sentence.group)
    groups = {group for group, _ in count}
    assert len(groups) == 54
    for group in groups:
        assert count[group, True] == pytest.approx(count[group, False], rel=0.35), group
