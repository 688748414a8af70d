"""What scores promise whatever the model: of a text alone, once ever, whatever the order. With models of two layers."""

from __future__ import annotations

import json
import math
import pickle
import time

import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="scores need the extra `transformers`")
pytest.importorskip("transformers", reason="scores need the extra `transformers`")

pytestmark = pytest.mark.model

import curate  # noqa: E402
from curate.filters import classifier, ifd, perplexity, reward  # noqa: E402
from curate.models.scores import hear, models, scoring  # noqa: E402
from curate.models.weights import ModelError  # noqa: E402
from tests.models.judges import tiny  # noqa: E402

TEXTS = ["Steep the leaves for four minutes.", "No.", "x" * 70, "Pour the water while it still boils, then wait."]
ROWS = pl.DataFrame({"prompt": ["Tea?", "Coffee?", "What is x?", "How do I begin?"], "response": TEXTS})


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {
        "causal": str(tiny.write(place / "causal", head=False)),
        "reward": str(tiny.write(place / "reward")),
        "labels": str(tiny.write(place / "labels", labels=3)),
    }


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def seen(monkeypatch):
    """The tokens of every request that a model was asked, in order."""
    requests: list[tuple[int, ...]] = []
    load = models.load

    def watched(*args):
        scorer = load(*args)

        def run(batch, shape):
            requests.extend(tuple(request.tokens) for request in batch)
            return scorer.run(batch, shape)

        return scorer._replace(run=run)

    monkeypatch.setattr(scoring, "load", watched)
    return requests


def every(folders):
    return [
        perplexity(model=folders["causal"]).alias("perplexity"),
        ifd(model=folders["causal"]).alias("ifd"),
        reward(model=folders["reward"]).alias("reward"),
        classifier(model=folders["labels"], label="LABEL_1").alias("label"),
    ]


def test_each_text_is_asked_about_once_ever(folders, seen):
    scores = ROWS.select(every(folders))
    assert len(seen) == 5 * len(TEXTS) - len(TEXTS), "the loss alone is one for perplexity and ifd"
    seen.clear()
    assert ROWS[::-1].select(every(folders)).equals(scores[::-1])
    assert pl.concat([ROWS, ROWS]).select(every(folders)).equals(pl.concat([scores, scores]))
    assert seen == []


def test_another_label_costs_nothing_and_all_add_up(folders, seen):
    names = ["LABEL_0", "LABEL_1", "LABEL_2"]
    scores = [curate.apply(classifier(model=folders["labels"], label=name), ROWS) for name in names]
    assert len(seen) == len(TEXTS)
    assert (sum(scores) - 1).abs().max() < 2e-5


@pytest.fixture
def threads():
    """How many threads torch has; as many as before when the test is over."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_scores_are_the_same_in_any_order_any_batch_and_on_any_threads(folders, tmp_path, monkeypatch, threads):
    results = []
    for name, order, size, number in (("a", [0, 1, 2, 3], 4, 1), ("b", [3, 1, 0, 2], 1, 1), ("c", [2, 0, 1, 3], 4, 3)):
        monkeypatch.setenv("CURATE_CACHE", str(tmp_path / name))
        threads(number)
        some = [part.select("prompt", *every(folders)) for part in ROWS[order].iter_slices(size)]
        results.append(pl.concat(some).sort("prompt"))
        assert torch.get_num_threads() == number
    assert results[0].equals(results[1])
    assert results[0].equals(results[2])


def test_a_model_that_fails_ends_the_rest_and_leaves_torch_its_threads(folders, threads, monkeypatch):
    asked, load = [], models.load

    def failing(*args):
        def run(batch, shape):
            asked.extend(batch)
            time.sleep(0.05)
            raise MemoryError("no room")

        return load(*args)._replace(run=run)

    monkeypatch.setattr(scoring, "load", failing)
    threads(2)
    with pytest.raises(Exception, match="no room"):
        pl.DataFrame({"text": [f"text {i}" for i in range(100)]}).select(perplexity("text", model=folders["causal"]))
    assert len(asked) < 100
    assert torch.get_num_threads() == 2


def as_on_a_gpu(model, limit, length):
    padded = min(-(-length // 64) * 64, limit)
    return 256 // padded, padded


def test_a_padded_batch_gives_what_a_text_alone_gives_and_neighbours_move_no_bit(folders, tmp_path, monkeypatch):
    alone = ROWS.select("prompt", *every(folders)).sort("prompt")
    monkeypatch.setattr(models, "_shape", as_on_a_gpu)
    models.load.cache_clear()
    results = []
    for name, order in (("a", [0, 1, 2, 3]), ("b", [3, 2, 1, 0]), ("c", [1])):
        monkeypatch.setenv("CURATE_CACHE", str(tmp_path / name))
        results.append(ROWS[order].select("prompt", *every(folders)).sort("prompt"))
    assert results[0].equals(results[1])
    assert results[2].equals(results[0].filter(prompt="Coffee?"))
    models.load.cache_clear()
    for name in ("perplexity", "ifd", "reward", "label"):
        assert results[0][name].to_list() == pytest.approx(alone[name].to_list(), rel=1e-5, abs=2e-5)


@pytest.mark.parametrize("blank", [None, "", " \n\t"], ids=["null", "empty", "blank"])
def test_without_a_text_there_is_no_score_and_no_question(blank, folders, seen):
    rows = pl.DataFrame({"prompt": ["Tea?", blank], "response": [blank, "No."]}, schema=ROWS.schema)
    scores = rows.select(every(folders))
    assert scores["ifd"].to_list() == scores["reward"].to_list() == [None, None]
    assert scores["perplexity"][0] is scores["label"][0] is None
    assert scores["perplexity"][1] > 0
    assert len(seen) == 2


def test_no_rows_load_no_model(folders, monkeypatch):
    monkeypatch.setattr(scoring, "load", lambda *args: pytest.fail("loaded"))
    assert ROWS[:0].select(every(folders)).height == 0


def test_what_the_model_has_no_room_for_is_counted(folders, caplog):
    rows = pl.DataFrame({"prompt": ["Why?", "y" * 600], "response": ["a" * 600, "b"]})
    scores = rows.select(every(folders))
    assert scores["ifd"].is_null().to_list() == [False, True]
    assert scores["reward"].is_null().to_list() == [True, True]
    assert "perplexity: 1 of 2 texts are read only in their beginning" in caplog.text
    assert "ifd, with the prompt: 1 of 2 texts are longer than the model takes" in caplog.text
    assert "reward: 2 of 2 texts are longer than the model takes" in caplog.text
    assert "classifier: 1 of 2 texts are read only in their beginning" in caplog.text


def test_a_text_of_one_token_that_nothing_stands_before_is_counted(folders, caplog):
    assert curate.apply(perplexity(model=folders["causal"]), ["a", "ab"])[0] is None
    assert "1 of 2 texts have no token to score" in caplog.text


def test_of_a_cut_response_the_same_tokens_are_asked_about_alone(folders, seen):
    ROWS[:1].with_columns(response=pl.lit("a" * 600)).select(ifd(model=folders["causal"]))
    behind, alone = seen
    assert len(behind) == 512
    assert behind[-len(alone) :] == alone


def test_progress_says_how_much_there_is_to_do(folders):
    heard = []
    with hear(lambda what, done, more: heard.append((what, done, more))):
        expr = perplexity(model=folders["causal"])
    ROWS.select(expr)
    assert {what for what, _, _ in heard} == {f"perplexity: {folders['causal']}"}
    assert sum(done for _, done, _ in heard) == sum(more for _, _, more in heard) == 4


def test_a_piece_of_a_chunk_that_is_whole_is_one_file(folders, cache):
    ROWS.select(perplexity(model=folders["causal"]))
    assert len(list(cache.rglob("scores/*/*.npy"))) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda f: reward(model=f["causal"]), "is no reward model", id="a head of random numbers"),
        pytest.param(lambda f: reward(model=f["labels"]), "with one label", id="a classifier for rewards"),
        pytest.param(lambda f: classifier(model=f["causal"], label="LABEL_0"), "is no text classifier", id="no head"),
        pytest.param(lambda f: perplexity(model=f["reward"]), "is no causal language model", id="no head of words"),
        pytest.param(lambda f: perplexity(model="./not/there"), "there is no folder", id="no folder"),
    ],
)
def test_a_model_of_another_kind_is_refused_in_one_sentence(make, message, folders):
    with pytest.raises(ModelError, match=message):
        ROWS.select(make(folders))


def test_a_column_of_numbers_is_said_by_its_own_name(folders):
    with pytest.raises(ValueError, match="'votes' holds numbers, where text is needed"):
        ROWS.with_columns(votes=1).select(ifd("votes", model=folders["causal"]))


def test_a_label_that_is_not_there_is_said_before_any_row_is_read(folders):
    with pytest.raises(ValueError, match="has no label 'LABEL_7'"):
        classifier(model=folders["labels"], label="LABEL_7")


def test_an_expression_with_other_weights_under_the_same_name_is_another(tmp_path):
    folder = tmp_path / "model"
    one = pickle.dumps(perplexity(model=str(tiny.write(folder, head=False))))
    assert pickle.dumps(perplexity(model=str(folder))) == one
    assert pickle.dumps(perplexity(model=str(tiny.write(folder, head=False, seed=1)))) != one


@pytest.mark.parametrize("host", ["polars", "pandas", "arrow", "datasets"])
def test_hosts_take_them_like_any_expression(host, folders):
    expected = ROWS.select(every(folders)[1]).to_series().to_list()
    rows = ROWS
    if host == "pandas":
        rows = pytest.importorskip("pandas").DataFrame(ROWS.to_dict(as_series=False))
    elif host == "arrow":
        rows = ROWS.to_arrow()
    elif host == "datasets":
        rows = pytest.importorskip("datasets").Dataset.from_dict(ROWS.to_dict(as_series=False))
    scored = curate.edit(rows, ifd(model=folders["causal"]).alias("ifd"))
    column = scored["ifd"]
    assert (column.to_pylist() if host == "arrow" else list(column)) == expected
    best = curate.keep(rows, ifd(model=folders["causal"]) >= max(expected))
    assert len(best) == 1


def test_the_perplexity_of_turns_is_their_mean(folders):
    turns = [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": TEXTS[0]}]
    turns += [{"role": "user", "content": "And?"}, {"role": "assistant", "content": TEXTS[3]}]
    one, two = curate.apply(perplexity(model=folders["causal"]), [TEXTS[0], TEXTS[3]])
    mean = curate.apply(perplexity("assistant_turns", model=folders["causal"]), pl.DataFrame({"messages": [turns]}))[0]
    assert math.isclose(mean, (one + two) / 2)


def test_what_is_asked_is_one_text():
    assert json.loads(scoring._request(["Why?", "So.", None], "Why?", "So.")) == ["Why?", "So.", None]
