from collections import Counter

from curate.filters.toxicity.sentences import write

SENTENCES = write(0, 16)


def test_the_same_seed_writes_the_same_sentences():
    assert write(0, 16) == SENTENCES != write(1, 16)


def test_every_slot_is_filled():
    assert [sentence.text for sentence in SENTENCES if set("{}") & set(sentence.text)] == []


def test_no_group_is_named_more_often_in_toxic_sentences_than_in_harmless_ones():
    count = Counter((sentence.group, sentence.toxic) for sentence in SENTENCES if sentence.group)
    groups = {group for group, _ in count}
    assert len(groups) == 54
    for group in groups:
        assert 0.5 < count[group, True] / count[group, False] <= 1, group
