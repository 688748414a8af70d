import json
import re

import pytest

from tests.hosts.cases import KEEP, REASONS, REFUSED, SELECTOR, expected, failed_doctests, rows, run_page, run_script

pytest.importorskip(
    "distilabel", reason="distilabel is not installed: `make hosts` tests it in an environment of its own"
)

from curate.hosts import distilabel
from curate.hosts.distilabel import CurateKeep

SCRIPT = """
import json, sys
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from curate.hosts.distilabel import CurateDrop, CurateEdit, CurateKeep
from tests.hosts.cases import DROP, EDIT, KEEP, rows

if __name__ == "__main__":
    if sys.argv[1] == "after":
        import polars as pl

        pl.DataFrame({"n": [1]}).select(pl.col("n") + 1)
    with Pipeline(name="test", cache_dir=sys.argv[2]) as pipeline:
        load = LoadDataFromDicts(data=rows(), batch_size=4)
        steps = [CurateEdit(filters=EDIT), CurateKeep(properties=KEEP), CurateDrop(properties=DROP)]
        load >> steps[0] >> steps[1] >> steps[2]
    result = pipeline.run(use_cache=False)
    print(json.dumps([[row["n"], row["text"]] for row in result["default"]["train"]]))
"""


def test_the_examples():
    assert failed_doctests(distilabel) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("query", "works"), [("before", True), ("after", False)])
def test_a_pipeline_keeps_what_the_library_keeps_or_says_why_not(tmp_path, query, works):
    done = run_script(tmp_path, SCRIPT, query, str(tmp_path / "cache"))
    if works:
        assert done.returncode == 0, done.stderr[-3000:]
        assert dict(json.loads(done.stdout.splitlines()[-1])) == expected()
    else:
        assert done.returncode != 0
        assert "a polars filter cannot run in a worker forked" in done.stderr + done.stdout


def test_the_log_counts_what_is_dropped(caplog):
    step = CurateKeep(name="judge", properties=KEEP)
    step.load()
    with caplog.at_level("INFO"):
        [kept] = step.process(rows())
    counts = re.findall(r"judge dropped (\d+) of 18 rows: (.*)", caplog.text)
    assert {reason: int(count) for count, reason in counts} == REASONS
    assert len(kept) == len(rows()) - sum(REASONS.values())


def test_a_step_is_written_down_as_a_recipe_is():
    step = CurateKeep(name="judge", properties=KEEP)
    assert step.dump()["properties"] == KEEP
    assert step.inputs == ["text"]


def test_a_selector_is_refused():
    with pytest.raises(ValueError, match=REFUSED):
        CurateKeep(properties=SELECTOR)


def test_the_page(tmp_path, monkeypatch):
    names = run_page("distilabel", tmp_path, monkeypatch)
    batch = names["load"].data
    for step in (names["edit"], names["keep"], names["drop"]):
        step.load()
        [batch] = step.process(batch)
    assert batch == [{"generation": "The tea should stand for a minute."}]
