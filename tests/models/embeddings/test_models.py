"""How a model is found, and what is said where it is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from curate.models.embeddings import ModelError, models


def model_folder(folder, weights=b"weights"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("./not_there", "there is no folder ./not_there", id="a relative path"),
        pytest.param("/not/there/at/all", "there is no folder /not/there/at/all", id="an absolute path"),
        pytest.param("models/mine/best", "there is no folder models/mine/best", id="too many parts for a name"),
    ],
)
def test_a_path_that_is_not_there_is_not_asked_of_the_hub(name, said):
    with pytest.raises(ModelError, match=said):
        models.find(name)


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        models.find(str(tmp_path))


def test_a_name_that_cannot_be_had_is_said_in_one_sentence():
    pytest.importorskip("huggingface_hub", reason="names of the hub need the extra `embed`")
    code = (
        "from curate.models.embeddings import ModelError, models\n"
        "try: models.find('nobody-at-all/no-such-model')\n"
        "except ModelError as error: print(error)"
    )
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline)
    assert "nobody-at-all/no-such-model is no folder here and cannot be had from the hub" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_without_the_package_the_default_names_the_extra(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="curate-lm\\[embed\\]"):
        models.find(models.DEFAULT)


def test_the_digest_is_of_contents(tmp_path):
    one, same, other = (
        models.digest(model_folder(tmp_path / name, weights))
        for name, weights in (("one", b"a"), ("same", b"a"), ("other", b"b"))
    )
    assert one == same != other


@pytest.mark.parametrize(
    "name", ["README.md", "onnx/model.onnx", "openvino/model.bin", ".gitattributes", "tf_model.h5"]
)
def test_what_is_not_loaded_is_not_hashed(name, tmp_path):
    folder = model_folder(tmp_path / "model")
    before = models.digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")
    assert models.digest(folder) == before


@pytest.mark.parametrize(
    ("files", "static"),
    [
        pytest.param({"config.json": '{"model_type": "model2vec"}'}, True, id="model2vec by its type"),
        pytest.param(
            {"modules.json": '[{"type": "sentence_transformers.models.StaticEmbedding", "path": "."}]'},
            True,
            id="model2vec by its one module",
        ),
        pytest.param({"config.json": '{"model_type": "bert"}'}, False, id="a transformer"),
        pytest.param({"modules.json": "[]"}, False, id="no modules"),
        pytest.param({"config.json": "not json"}, False, id="a broken file is for the engine to tell of"),
    ],
)
def test_static_models_are_recognised(files, static, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert models.find(str(tmp_path)).static == static
