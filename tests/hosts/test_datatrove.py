import json

import pytest

from curate.hosts import HostError
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
    "datatrove", reason="datatrove is not installed: `make hosts` tests it in an environment of its own"
)

from datatrove.data import Document
from datatrove.pipeline.writers import JsonlWriter

from curate.hosts import datatrove
from curate.hosts.datatrove import Drop, Edit, Keep


def documents():
    return [Document(row["text"], str(row["n"]), metadata={"n": row["n"]}) for row in rows()]


def test_the_examples():
    assert failed_doctests(datatrove) == 0


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_steps_in_a_row_keep_what_the_library_keeps_for_any_batch_size(size):
    steps = [Edit(EDIT, batch_size=size), Keep(KEEP, batch_size=size), Drop(DROP, batch_size=size)]
    data = documents()
    for step in steps:
        data = step(data)
    assert {doc.metadata["n"]: doc.text for doc in data} == expected()


def test_what_is_dropped_is_counted_by_reason_and_written_with_it(tmp_path):
    writer = JsonlWriter(str(tmp_path), output_filename="${rank}.jsonl", compression=None)
    step = Keep({"length": {"column": "answer", "min": 6}}, exclusion_writer=writer)
    # datatrove's writers need a text, so what may be missing is in the metadata.
    kept = list(step(Document("A question", str(row["n"]), metadata={"answer": row["text"]}) for row in rows()))
    counts = {reason: step.stats[f"dropped_{reason}"].total for reason in REASONS}
    assert counts == REASONS
    assert step.stats["forwarded"].total == len(kept) == len(rows()) - sum(REASONS.values())
    written = [json.loads(line) for line in (tmp_path / "00000.jsonl").read_text().splitlines()]
    assert sorted(doc["metadata"]["filter_reason"] for doc in written) == sorted(
        r for r, n in REASONS.items() for _ in range(n)
    )


def test_metadata_and_turns_are_columns_too():
    talk = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "<code>x</code> is so"}]
    doc = Document("", "1", metadata={"messages": talk, "score": 3})
    [edited] = Edit({"html_to_markdown": {"column": "assistant_turns"}})([doc])
    assert edited.metadata["messages"][1]["content"] == "`x` is so"
    assert list(Keep({"at_least": {"column": "score", "value": 4}})([edited])) == []
    with pytest.raises(Exception, match="no column 'scores'"):
        list(Keep({"at_least": {"column": "scores", "value": 4}})([edited]))


def test_a_selector_is_refused():
    with pytest.raises(HostError, match=REFUSED):
        Keep(SELECTOR)


SCRIPT = """
import sys
import polars as pl
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.writers import JsonlWriter
from curate.hosts.datatrove import Keep

def read(data, rank, world_size):
    for n in range(rank * 20_000, (rank + 1) * 20_000):
        yield Document("x" * (n % 50), str(n))

if __name__ == "__main__":
    method, query, out = sys.argv[1:]
    keep = Keep({"length": {"column": "text", "min": 40}, "words": pl.col("text").str.count_matches("x") < 48})
    if query == "after":
        pl.DataFrame({"n": [1]}).select(pl.col("n") + 1)
    steps = [read, keep, JsonlWriter(out, output_filename="${rank}.jsonl", compression=None)]
    LocalPipelineExecutor(steps, tasks=2, workers=2, logging_dir=out + "/logs", start_method=method).run()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "query", "works"),
    [("spawn", "after", True), ("forkserver", "after", True), ("fork", "before", True), ("fork", "after", False)],
)
def test_its_workers_do_the_same_or_say_why_not(tmp_path, method, query, works):
    done = run_script(tmp_path, SCRIPT, method, query, str(tmp_path))
    if works:
        assert done.returncode == 0, done.stderr
        assert sum(len(file.read_text().splitlines()) for file in tmp_path.glob("*.jsonl")) == 40_000 // 50 * 8
    else:
        assert "a polars filter cannot run in a worker forked" in done.stderr


def test_the_page(tmp_path, monkeypatch):
    data = [
        Document(text, str(i))
        for i, text in enumerate(
            ["<p>The tea should stand for a minute.</p>", "I say that the tea should stand.", "Tea."]
        )
    ]
    for step in run_page("datatrove", tmp_path, monkeypatch)["steps"]:
        data = list(step(data))
    assert [doc.text for doc in data] == ["The tea should stand for a minute."]
    assert "length" in (tmp_path / "dropped" / "00000.jsonl").read_text()
