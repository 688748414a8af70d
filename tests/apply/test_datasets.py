"""Hugging Face data sets: the cache hits, features and format stay, workers may be forked where that is safe."""

from __future__ import annotations

from typing import Any

import pytest

from curate import apply, edit, keep
from curate.filters import length, replace_opening, strip_links
from tests.apply.test_verbs import run_script

datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")

FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["bad", "good"]),
        "n": datasets.Value("int8"),
        "messages": datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")}),
    }
)
COLUMNS = {
    "text": ["short", "long enough", None],
    "label": [0, 1, None],
    "n": [1, 2, 3],
    "messages": [[{"role": "user", "content": "[a](http://b.c)"}], [], None],
}


def data() -> Any:
    return datasets.Dataset.from_dict(COLUMNS, features=FEATURES)


@pytest.mark.parametrize("streams", [False, True])
def test_features_stay(streams):
    rows: Any = data().to_iterable_dataset() if streams else data()
    changes = [replace_opening("text", old="long", new="quite long"), strip_links("turns")]
    for change in changes:
        assert edit(rows, change).features == FEATURES
    assert next(iter(edit(rows, changes[1])))["messages"] == [{"role": "user", "content": "a"}]
    kept = keep(rows, length("text", min=1))
    assert kept.features == FEATURES
    assert [row["label"] for row in kept] == [0, 1]
    assert edit(rows, changes[0].alias("new")).features == {**FEATURES, "new": datasets.Value("string")}


@pytest.mark.parametrize("form", ["numpy", "arrow", None])
def test_the_format_stays(form):
    rows: Any = data().with_format(form, columns=["n"]) if form else data()
    for result in (keep(rows, length("text", min=1)), edit(rows, strip_links("text"))):
        assert (result.format["type"], result.format["columns"]) == (form, rows.format["columns"])
    stream: Any = keep(data().to_iterable_dataset().with_format(form), length("text", min=1))
    assert type(next(iter(stream))) is type(next(iter(rows.with_format(form))))


def test_a_stream_whose_features_are_not_known():
    texts: Any = COLUMNS["text"]
    rows: Any = datasets.IterableDataset.from_generator(lambda: ({"text": t} for t in texts))
    assert [row["text"] for row in keep(rows, length("text", min=6))] == ["long enough"]
    assert [row["text"] for row in edit(rows, strip_links("text"))] == COLUMNS["text"]
    assert list(apply(length("text", min=6), rows)) == [False, True, None]


SECOND = """
import json, pathlib, sys
import curate
from curate.filters import length, strip_links
from datasets import load_dataset

rows = load_dataset("json", data_files=sys.argv[1] if len(sys.argv) > 1 else "ROWS", split="train")
for _ in range(2):
    kept = curate.edit(curate.keep(rows, length("response", min=40)), strip_links("response"))
folder = pathlib.Path(rows.cache_files[0]["filename"]).parent
print(len(kept), kept._fingerprint, *sorted(file.name for file in folder.glob("cache-*")))
"""


@pytest.mark.slow
def test_what_was_computed_comes_from_the_cache_in_another_process_too(tmp_path):
    import json

    lines = [json.dumps({"response": "x" * n}) for n in range(50)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    script = SECOND.replace("ROWS", str(tmp_path / "rows.jsonl"))
    first, second = run_script(tmp_path, script), run_script(tmp_path, script)
    assert first.stdout.startswith("10 "), first.stderr
    assert first.stdout == second.stdout, "another fingerprint, or another file of the cache"
    assert len(first.stdout.split()) == 4, "one file for keep, one for edit"


FORKED = """
import datasets
import polars as pl
from curate import batched, keep
from curate.filters import first_person, length

if __name__ == "__main__":
    rows = datasets.Dataset.from_dict({"response": ["x" * (n % 50) for n in range(20_000)]})
    good = batched(length("response", min=40) & ~first_person("response"))
    BEFORE
    try:
        print("rows", len(rows.filter(good, batched=True, num_proc=2)))
    except RuntimeError as error:
        print(str(error).strip().splitlines()[-1])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "runs"),
    [
        pytest.param("pass", True, id="nothing ran"),
        pytest.param("pl.DataFrame({'a': [1]})", True, id="a frame was made"),
        pytest.param("pl.Series([1, 2]).sort()", False, id="polars ran in the user's own code"),
        pytest.param("keep(['a'], length('response', min=1))", False, id="polars ran in the library"),
    ],
)
def test_workers_are_forked_unless_they_would_hang(tmp_path, before, runs):
    done = run_script(tmp_path, FORKED.replace("BEFORE", before))
    last = done.stdout.strip().split("\n")[-1]
    assert (last == "rows 4000") if runs else ("forked after polars has run in its parent" in last), (
        done.stdout + done.stderr
    )
