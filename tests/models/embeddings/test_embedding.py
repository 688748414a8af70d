"""What `embed` promises whatever the model: once ever, whole or not at all, whatever the order. With a small model."""

from __future__ import annotations

import logging
import subprocess
import sys

import polars as pl
import pytest

np = pytest.importorskip("numpy", reason="embeddings need the extra `embed`")
pytest.importorskip("model2vec", reason="the small model of these tests is a model2vec one")

from curate.engine import using  # noqa: E402
from curate.models import store as chunks  # noqa: E402
from curate.models.embeddings import embed, embedded, embedding, encoder  # noqa: E402
from curate.models.store import StoreError  # noqa: E402
from tests.engines import Forgetful  # noqa: E402
from tests.models.embeddings import static_model  # noqa: E402

TEXTS = ["tea leaf", "mend tyre", "boil water kettle", "tea leaf", "patch glue pump wheel"]


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return str(static_model.write(tmp_path_factory.mktemp("static")))


@pytest.fixture
def encoded(monkeypatch):
    """Every text that a model was run on, in order."""
    records: list[str] = []
    load = encoder.load

    def watched(*args):
        loaded = load(*args)

        def run(texts, length):
            records.extend(texts)
            return loaded.run(texts, length)

        return loaded._replace(run=run)

    monkeypatch.setattr(embedding, "load", watched)
    return records


def test_vectors_are_quantised_one_for_each_text(model, tmp_path):
    vectors = embed(TEXTS, model=model, store=tmp_path)
    assert vectors.dtype == np.int16
    assert vectors.shape == (5, 8)
    assert (np.abs(np.linalg.norm(vectors.astype(float), axis=1) - 4080) < 3).all()
    assert (vectors[0] == vectors[3]).all()


@pytest.mark.parametrize(
    ("blank"),
    [pytest.param(None, id="null"), pytest.param("", id="empty"), pytest.param(" \n\t", id="white space alone")],
)
def test_a_text_without_words_is_the_zero_vector(blank, model, tmp_path):
    vectors = embed(["tea", blank, "cup"], model=model, store=tmp_path)
    assert vectors.any(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize("texts", [[], [None], [""]], ids=["no texts", "nulls only", "blanks only"])
def test_there_need_not_be_any_text(texts, model, tmp_path):
    assert embed(texts, model=model, store=tmp_path).shape == (len(texts), 8)


def test_a_series_and_a_list_are_alike(model, tmp_path):
    assert (embed(pl.Series(TEXTS), model=model, store=tmp_path) == embed(TEXTS, model=model, store=tmp_path)).all()


def test_each_text_is_embedded_once_ever(model, tmp_path, encoded):
    first = embed(TEXTS, model=model, store=tmp_path)
    assert sorted(encoded) == sorted(set(TEXTS))
    encoded.clear()
    again = embed([*reversed(TEXTS), "cup"], model=model, store=tmp_path)
    assert encoded == ["cup"]
    assert (again[:5] == first[::-1]).all()


def test_the_order_of_the_texts_does_not_move_a_vector_or_a_chunk(model, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    forwards = embed(TEXTS, model=model, store=one)
    backwards = embed(TEXTS[::-1], model=model, store=two)
    assert (forwards == backwards[::-1]).all()
    assert {f.name for f in one.rglob("*.npy")} == {f.name for f in two.rglob("*.npy")}


def test_on_several_workers_vectors_and_chunks_are_those_of_one_process(model, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "CHUNK", 2)
    one = embed(TEXTS, model=model, store=tmp_path / "one")
    engine, counts = Forgetful(2), []
    with using(engine):
        several = embed(TEXTS, model=model, store=tmp_path / "several", tell=lambda what, rows: counts.append(rows))
    assert (several == one).all()
    assert engine.calls == ["encode", "encode"]
    assert sum(counts) == len(set(TEXTS))
    files = [sorted(path.name for path in (tmp_path / name).rglob("*.npy")) for name in ("one", "several")]
    assert files[0] == files[1]


def test_another_model_has_vectors_of_its_own(model, tmp_path):
    other = str(static_model.write(tmp_path / "other", seed=1))
    vectors = [embed(TEXTS, model=name, store=tmp_path / "store") for name in (model, other, model)]
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()


def test_a_model_is_what_its_files_hold_and_not_where_they_lie(model, tmp_path, encoded):
    static_model.write(tmp_path / "copy")
    embed(TEXTS, model=model, store=tmp_path / "store")
    encoded.clear()
    embed(TEXTS, model=str(tmp_path / "copy"), store=tmp_path / "store")
    assert encoded == []


def test_a_stopped_run_goes_on_after_its_last_finished_chunk(model, tmp_path, monkeypatch, encoded):
    monkeypatch.setattr(embedding, "CHUNK", 2)
    put = chunks.put
    written: list[object] = []

    def stopped(folder, chunk):
        if len(written) == 1:
            raise KeyboardInterrupt
        put(folder, chunk)
        written.append(chunk)

    monkeypatch.setattr(chunks, "put", stopped)
    with pytest.raises(KeyboardInterrupt):
        embed(TEXTS, model=model, store=tmp_path)
    monkeypatch.setattr(chunks, "put", put)
    encoded.clear()
    whole = embed(TEXTS, model=model, store=tmp_path)
    assert encoded == ["boil water kettle", "patch glue pump wheel"], "the first two, which are shorter, were kept"
    assert (whole == embed(TEXTS, model=model, store=tmp_path / "at once")).all()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut short"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], id="one bit turned"),
    ],
)
def test_a_damaged_chunk_is_said_and_made_anew(harm, model, tmp_path, encoded, caplog):
    before = embed(TEXTS, model=model, store=tmp_path)
    (chunk,) = tmp_path.rglob("*.npy")
    chunk.write_bytes(harm(chunk.read_bytes()))
    encoded.clear()
    with caplog.at_level(logging.WARNING, "curate.models.store"):
        after = embed(TEXTS, model=model, store=tmp_path)
    assert "damaged" in caplog.text
    assert len(encoded) == 4
    assert (before == after).all()
    caplog.clear()
    embed(TEXTS, model=model, store=tmp_path)
    assert len(encoded) == 4
    assert caplog.text == ""


@pytest.mark.slow
def test_two_processes_at_once_leave_a_sound_store(model, tmp_path):
    code = (
        "import sys; from curate.models.embeddings import embed, embedding; embedding.CHUNK = 3\n"
        "texts = [f'tea {\"leaf \" * i}cup' for i in range(40)]\n"
        "print(embed(texts, model=sys.argv[1], store=__import__('pathlib').Path(sys.argv[2])).sum())"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, model, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1] != ""
    assert not list(tmp_path.rglob("*.part"))


def test_a_store_that_cannot_be_written_is_said_in_one_sentence(model, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreError, match="set CURATE_CACHE to a folder"):
        embed(TEXTS, model=model, store=file / "store")


def test_progress_counts_each_text_that_is_made(model, tmp_path):
    heard = []
    embed(TEXTS, model=model, store=tmp_path, tell=lambda what, rows: heard.append((what, rows)))
    assert {what for what, _ in heard} == {"embedding"}
    assert sum(rows for _, rows in heard) == 4


def test_a_static_model_reads_the_whole_text(model, tmp_path):
    long = "tea " * 2000 + "pump " * 4000
    result = embedded([long, "tea"], model=model, store=tmp_path)
    assert not result.cut.any()
    assert (result.vectors[0] != result.vectors[1]).any()
