import json

import pandas as pd
import pytest

from tests.hosts.cases import (
    DROP,
    EDIT,
    KEEP,
    REASONS,
    REFUSED,
    SELECTOR,
    expected,
    failed_doctests,
    rows,
    run_page,
    run_script,
)

pytest.importorskip(
    "nemo_curator", reason="NeMo Curator is not installed: `make hosts` tests it in an environment of its own"
)

import pyarrow as pa
from nemo_curator.tasks import DocumentBatch

from curate.hosts import HostError, nemo_curator
from curate.hosts.nemo_curator import Drop, Edit, Keep

SCRIPT = """
import json
import polars as pl
from nemo_curator.backends.ray_data import RayDataExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.tasks import DocumentBatch
import pyarrow as pa
from curate.hosts.nemo_curator import Drop, Edit, Keep
from tests.hosts.cases import DROP, EDIT, KEEP, rows

if __name__ == "__main__":
    pl.DataFrame({"n": [1]}).select(pl.col("n") + 1)
    table = pa.Table.from_pylist(rows())
    batches = [DocumentBatch(dataset_name="d", data=table.slice(i, 4)) for i in range(0, len(table), 4)]
    pipeline = Pipeline(name="test", stages=[Edit(EDIT), Keep(KEEP), Drop(DROP)])
    result = pipeline.run(RayDataExecutor(), initial_tasks=batches)
    print(json.dumps([[row["n"], row["text"]] for batch in result for row in batch.to_pyarrow().to_pylist()]))
"""


@pytest.fixture(params=["arrow", "pandas"])
def batch(request):
    data = pa.Table.from_pylist(rows()) if request.param == "arrow" else pd.DataFrame(rows())
    return DocumentBatch(dataset_name="d", data=data)


def test_the_examples():
    assert failed_doctests(nemo_curator) == 0


def test_stages_in_a_row_keep_what_the_library_keeps(batch):
    kind = type(batch.data)
    for stage in (Edit(EDIT), Keep(KEEP), Drop(DROP)):
        assert stage.validate_input(batch)
        batch = stage.process(batch)
    assert isinstance(batch.data, kind)
    assert {row["n"]: row["text"] for row in batch.to_pyarrow().to_pylist()} == expected()


def test_what_is_dropped_is_counted_by_reason(batch):
    stage = Keep(KEEP)
    stage.process(batch)
    assert stage._consume_custom_metrics() == {f"dropped {reason}": count for reason, count in REASONS.items()}


@pytest.mark.slow
def test_its_workers_do_the_same(tmp_path):
    done = run_script(tmp_path, SCRIPT)
    assert done.returncode == 0, done.stderr[-3000:]
    assert dict(json.loads(done.stdout.splitlines()[-1])) == expected()


def test_a_selector_is_refused():
    with pytest.raises(HostError, match=REFUSED):
        Keep(SELECTOR)


def test_the_page(tmp_path, monkeypatch):
    batch = DocumentBatch(
        dataset_name="d",
        data=pa.table(
            {"text": ["<p>The tea should stand for a minute.</p>", "I say that the tea should stand.", "Tea."]}
        ),
    )
    for stage in run_page("NeMo Curator", tmp_path, monkeypatch)["stages"]:
        batch = stage.process(batch)
    assert batch.data["text"].to_pylist() == ["The tea should stand for a minute."]
