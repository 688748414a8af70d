import json

import pytest

from tests.hosts.cases import REASONS, REFUSED, SELECTOR, expected, failed_doctests, page, rows, run_script

pytest.importorskip("pyspark", reason="pyspark is not installed: `make hosts` tests it in an environment of its own")

from curate.hosts import HostError, spark

# Two partitions, workers that Spark forks, batches of at most four rows; the steps are those of docs/pipelines.md.
SCRIPT = """
import json, os, sys
import polars as pl
from pyspark.sql import SparkSession
from tests.hosts.cases import rows

if __name__ == "__main__":
    pl.DataFrame({"n": [1]}).select(pl.col("n") + 1)  # threads of polars in this process are none of the workers'
    os.environ["PYSPARK_PYTHON"] = sys.executable
    start = SparkSession.builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 4)
    start = start.config("spark.ui.enabled", False).config("spark.driver.host", "127.0.0.1")
    start = start.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.memory", "512m")
    start = start.config("spark.sql.shuffle.partitions", 2)
    session = (start.remote("local[2]") if sys.argv[1] == "connect" else start.master("local[2]")).getOrCreate()
    frame = session.createDataFrame([(row["n"], row["text"]) for row in rows()], "n long, text string").repartition(2)
    steps = {}
    exec(sys.argv[2], steps)
    kept, counts = steps["good"](frame).collect(), steps["counts"](frame).collect()
    print(json.dumps({"kept": {row["n"]: row["text"] for row in kept}, "counts": dict(map(tuple, counts))}))
    session.stop()
"""


def test_the_examples():
    assert failed_doctests(spark) == 0


@pytest.mark.slow
@pytest.mark.parametrize("session", ["classic", "connect"])
def test_steps_in_a_row_keep_what_the_library_keeps_in_workers_of_spark(tmp_path, session):
    done = run_script(tmp_path, SCRIPT, session, page("Spark").replace('"min": 20', '"min": 6'))
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert {int(n): text for n, text in result["kept"].items()} == expected()
    assert result["counts"] == REASONS | {"null": len(rows()) - sum(REASONS.values())}


def test_a_selector_is_refused():
    with pytest.raises(HostError, match=REFUSED):
        spark.keep(SELECTOR)
