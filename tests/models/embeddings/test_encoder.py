"""How texts go through a model: batches of one length, none longer than it reads; and which engine takes them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="embeddings need the extra `embed`")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from curate.models.embeddings import ModelError, encoder, openvino  # noqa: E402
from curate.models.embeddings.encoder import Encoder, Model, Refused  # noqa: E402
from curate.models.embeddings.openvino import openvino_run  # noqa: E402

LIMIT = 20


def counting(batches):
    """A model that counts words as tokens; a text's vector is its number of words, and the length it was padded to."""

    def run(texts, length):
        batches.append((len(texts), length))
        return np.array([[len(text.split()), length] for text in texts], dtype=np.float32)

    return Encoder(2, lambda texts: [len(text.split()) for text in texts], LIMIT, run)


@given(st.lists(st.integers(1, 30), max_size=120))
def test_batches_are_of_one_length_and_every_text_keeps_its_place(words):
    batches: list[tuple[int, int]] = []
    events: list[int] = []
    vectors, cut = counting(batches).encode(["tea " * n for n in words], events.append)
    assert vectors[:, 0].tolist() == words
    assert cut.tolist() == [n > LIMIT for n in words]
    assert all(size <= encoder.BATCH and (length % 8 == 0 or length == LIMIT) for size, length in batches)
    assert vectors[:, 1].tolist() == [min(-(-n // 8) * 8, LIMIT) for n in words]
    assert sum(events) == len(words)


@pytest.mark.parametrize(
    ("static", "choice", "installed", "engine"),
    [
        pytest.param(False, "auto", True, "openvino", id="OpenVINO where it is"),
        pytest.param(False, "auto", False, "torch", id="torch where it is not"),
        pytest.param(False, "torch", True, "torch", id="torch where asked for"),
        pytest.param(True, "auto", True, "static", id="a table of words needs neither"),
        pytest.param(True, "torch", True, "static", id="nor can it be asked for one"),
    ],
)
def test_the_engine_is_what_is_asked_for_and_there(static, choice, installed, engine, monkeypatch, tmp_path):
    monkeypatch.setattr(encoder, "find_spec", lambda name: installed or None)
    assert encoder.choose(Model("m", tmp_path, "0", static), choice, tmp_path) == engine


def test_openvino_asked_for_and_not_installed_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(encoder, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install"):
        encoder.choose(Model("m", tmp_path, "0", False), "openvino", tmp_path)


@pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed")
def test_a_folder_that_holds_no_model_is_said_in_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="the model here cannot be loaded: ") as error:
        encoder.load(Model("here", tmp_path, "0", False), "torch", tmp_path)
    assert "\n" not in str(error.value)


class Net:
    """As much of a sentence-transformers model as its run needs; `more` stands for what only its `encode` does."""

    max_seq_length, prompts, default_prompt_name, device = 16, {"query": "ask: "}, "query", "cpu"

    def __init__(self, more=0.0):
        self.more = more

    def tokenizer(self, texts, padding=False, max_length=None, return_tensors=None, **_):
        ids = [[len(word) for word in text.split()] for text in texts]
        if not padding:
            return {"input_ids": ids}
        torch = pytest.importorskip("torch")
        return {"input_ids": torch.tensor([(row + [0] * max_length)[:max_length] for row in ids])}

    def __call__(self, features):
        sums = features["input_ids"].sum(dim=1, keepdim=True).float()
        return {"sentence_embedding": sums * sums.new_tensor([[1.0, 2.0]])}

    def encode(self, texts, **_):
        vectors = self({"input_ids": self.tokenizer(texts, True, 16)["input_ids"]})["sentence_embedding"].numpy()
        return vectors + np.array([[0.0, self.more]], dtype=np.float32) * len(texts[0])


def test_tokens_are_counted_with_the_model_s_own_prompt():
    assert encoder.lengths(Net(), ["tea", "a cup of tea"]) == [2, 5]


@pytest.mark.parametrize(
    ("more", "second"),
    [pytest.param(0.0, 6.0, id="alike, so run in batches"), pytest.param(50.0, 156.0, id="not alike, so its encode")],
)
def test_a_model_that_does_more_than_tokenize_is_left_to_its_own_encode(more, second):
    pytest.importorskip("torch", reason="embeddings need the extra `embed`")
    assert encoder.torch_run(Net(more))(["tea"], 8).tolist() == [[3.0, second]]


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_openvino_is_imported_without_its_telemetry(tmp_path):
    code = (
        "import sys; from curate.models.embeddings import openvino; openvino._openvino()\n"
        "print(sorted(name for name in sys.modules if name.startswith('openvino_telemetry')))"
    )
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""}
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=home, cwd=root)
    assert done.stdout == "[]\n", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_a_model_that_openvino_refuses_is_tried_once_only(tmp_path, monkeypatch):
    class Odd(Net):
        def __call__(self, features):
            raise TypeError("no tensor I know")

    with pytest.raises(Refused, match="RuntimeError: "):
        openvino_run(Odd(), "openvino-1", tmp_path)
    monkeypatch.setattr(openvino, "_convert", lambda net: pytest.fail("tried twice"))
    with pytest.raises(Refused, match="RuntimeError: "):
        openvino_run(Odd(), "openvino-1", tmp_path)


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
    assert encoder.find(str(tmp_path)).static == static
