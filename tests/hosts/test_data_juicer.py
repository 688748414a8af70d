import json

import pytest
import yaml

from tests.hosts.cases import KEEP, REASONS, REFUSED, SELECTOR, expected, failed_doctests, page, rows, run_script

pytest.importorskip(
    "data_juicer", reason="Data-Juicer is not installed: `make hosts` tests it in an environment of its own"
)

from curate.hosts import HostError, data_juicer

SCRIPT = """
import sys
from data_juicer.config import init_configs
from data_juicer.core import DefaultExecutor

if __name__ == "__main__":
    if sys.argv[2] == "after":
        import polars as pl

        pl.DataFrame({"n": [1]}).select(pl.col("n") + 1)
    DefaultExecutor(init_configs(["--config", sys.argv[1]])).run()
"""


def configuration(folder):
    (folder / "operators.py").write_text("import curate.hosts.data_juicer\n")
    lines = [json.dumps(row) + "\n" for row in rows() if row["text"] is not None]  # Data-Juicer itself removes these
    (folder / "rows.jsonl").write_text("".join(lines))
    block = {
        "project_name": "test",
        "dataset_path": str(folder / "rows.jsonl"),
        "export_path": str(folder / "out" / "kept.jsonl"),
        "np": 2,
        "use_cache": False,
        "keep_stats_in_res_ds": True,
        "custom_operator_paths": [str(folder / "operators.py")],
        "process": yaml.safe_load(page("Data-Juicer").replace("min: 20", "min: 6"))["process"],
    }
    (folder / "process.yaml").write_text(yaml.safe_dump(block))
    return str(folder / "process.yaml")


def test_the_examples():
    assert failed_doctests(data_juicer) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "method", "works"), [("before", "", True), ("after", "", False), ("after", "forkserver", True)]
)
def test_a_configuration_keeps_what_the_library_keeps_or_says_why_not(tmp_path, monkeypatch, query, method, works):
    monkeypatch.setenv("MP_START_METHOD", method)
    done = run_script(tmp_path, SCRIPT, configuration(tmp_path), query)
    if works:
        assert done.returncode == 0, done.stderr[-3000:]
        kept = [json.loads(line) for line in (tmp_path / "out" / "kept.jsonl").read_text().splitlines()]
        assert {row["n"]: row["text"] for row in kept} == expected()
    else:
        assert done.returncode != 0
        assert "a polars filter cannot run in a worker forked" in done.stderr + done.stdout


def test_the_stats_say_why():
    texts = [row["text"] for row in rows()]
    samples = data_juicer.Keep(filter=KEEP).compute_stats({"text": texts, "__dj__stats__": [{} for _ in texts]})
    verdicts = [stats["curate_length"] for stats in samples["__dj__stats__"]]
    assert {reason: verdicts.count(reason) for reason in set(verdicts) - {"kept"}} == REASONS


def test_a_selector_is_refused():
    with pytest.raises(HostError, match=REFUSED):
        data_juicer.Keep(filter=SELECTOR)
