from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from curate import apply, batched, drop, edit, keep
from curate.filters import at_least, length, replace_opening
from curate.filters.text import prompt_from_title_or_body

GOOD = length("response", min=6) & ~length("response", min=20)
TEXTS = ["short", "long enough", None, "far too long for this property"]
COLUMNS = {"response": TEXTS, "n": [1, 2, 3, 4]}


def table(host):
    match host:
        case "polars":
            return pl.DataFrame(COLUMNS)
        case "lazy":
            return pl.LazyFrame(COLUMNS)
        case "pandas":
            return pd.DataFrame(COLUMNS, index=[10, 11, 12, 13])
        case "arrow":
            return pa.table(COLUMNS)
        case "batch":
            return pa.RecordBatch.from_pydict(COLUMNS)
        case "hf":
            return pytest.importorskip("datasets", reason="the hf extra is not installed").Dataset.from_dict(COLUMNS)


def numbers(found):
    """Take the column n out of whatever host the rows are in."""
    if isinstance(found, pl.LazyFrame):
        found = found.collect()
    column = found["n"]
    return column.to_pylist() if isinstance(column, pa.ChunkedArray | pa.Array) else list(column)


HOSTS = ["polars", "lazy", "pandas", "arrow", "batch", "hf"]


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
def test_keep_and_drop_on_any_table_a_null_in_neither(host):
    given = table(host)
    kept, dropped = keep(given, GOOD), drop(given, GOOD)
    assert type(kept) is type(given)
    assert (numbers(kept), numbers(dropped)) == ([2], [1, 4])


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
def test_edit_on_any_table(host):
    edited = edit(table(host), replace_opening("response", old="long", new="quite long"))
    texts = edited.collect()["response"] if host == "lazy" else edited["response"]
    texts = texts.to_pylist() if hasattr(texts, "to_pylist") else list(texts)
    assert texts[1] == "quite long enough"
    assert numbers(edited) == [1, 2, 3, 4]


@pytest.mark.parametrize("host", HOSTS)
def test_apply_gives_the_hosts_own_column(host):
    values = apply(length("response", min=6), table(host))
    listed = values.to_pylist() if isinstance(values, pa.Array) else list(values)
    assert [None if v is None or v is pd.NA else bool(v) for v in listed] == [False, True, None, True]


def test_pandas_keeps_its_index():
    assert list(keep(table("pandas"), GOOD).index) == [11]


def test_a_text_and_a_list_of_texts():
    assert apply(GOOD, "long enough") is True
    assert keep(TEXTS, GOOD) == ["long enough"]
    assert edit("one two", replace_opening("response", old="one", new="1")) == "1 two"


def test_a_filter_over_several_columns_wants_a_table():
    with pytest.raises(TypeError, match="body, id, title"):
        apply(prompt_from_title_or_body(), "a text")


def test_what_is_no_table_is_said():
    with pytest.raises(TypeError, match="cannot apply a filter to int"):
        keep(5, GOOD)


@pytest.mark.slow
def test_an_expression_in_a_function_of_a_batch_pickles():
    again = pickle.loads(pickle.dumps(batched(GOOD & at_least("n", 2))))
    assert again(COLUMNS) == [False, True, False, False]


def run_script(tmp_path, text):
    """Run a script as users do, with its own cache, and give up after a minute: a hang is the bug that is looked for."""
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(text))
    env = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run([sys.executable, str(file)], env=env, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_dataset_is_filtered_from_its_cache_the_second_time(tmp_path):
    done = run_script(
        tmp_path,
        """
        import json, pathlib
        pathlib.Path("rows.jsonl").write_text("".join(json.dumps({"response": "x" * n}) + "\\n" for n in range(50)))
        import datasets
        from curate import batched
        from curate.filters import length

        rows = datasets.load_dataset("json", data_files="rows.jsonl", split="train")
        calls = []
        class counted(batched):
            def __call__(self, batch):
                print("called")
                return super().__call__(batch)
        for _ in range(2):
            kept = rows.filter(counted(length("response", min=40)), batched=True)
            print("rows", len(kept))
        """.replace("rows.jsonl", str(tmp_path / "rows.jsonl")),
    )
    assert done.stdout.split("\n")[:3] == ["called", "rows 10", "rows 10"], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "function",
    [
        "batched(good)",
        "lambda b: apply(good, list(b['response']))",
        "lambda b: [bool(keep([t], good)) for t in b['response']]",
    ],
)
def test_workers_forked_after_polars_ran_give_one_clear_sentence_and_never_hang(tmp_path, function):
    # So many rows and such a filter that an unguarded worker does wait for ever: with a few, polars starts no threads.
    done = run_script(
        tmp_path,
        f"""
        import datasets
        from curate import apply, batched, keep
        from curate.filters import first_person, length

        if __name__ == "__main__":
            rows = datasets.Dataset.from_dict({{"response": ["x" * (n % 50) for n in range(20_000)]}})
            good = length("response", min=40) & ~first_person("response")
            print("rows", len(keep(rows, good)))
            try:
                print("rows", len(rows.filter({function}, batched=True, num_proc=2)))
            except RuntimeError as error:
                print(str(error).strip().splitlines()[-1])
        """,
    )
    assert "rows 4000\n" in done.stdout, done.stderr
    second = done.stdout.split("\n")[1]
    assert second == "rows 4000" or "leave out num_proc" in second, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list the threads of a process")
@pytest.mark.parametrize(
    ("before", "expected"), [("", "[True, False]"), ("apply(good, ['long'])", "leave out num_proc")]
)
def test_a_fork_is_a_danger_only_once_polars_ran(tmp_path, before, expected):
    done = run_script(
        tmp_path,
        f"""
        import os
        from curate import apply
        from curate.filters import first_person, length

        good = length("response", min=3) & ~first_person("response")
        {before}
        child = os.fork()
        if not child:
            try:
                print(apply(good, ["long", "x"]), flush=True)
            except RuntimeError as error:
                print(error, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        """,
    )
    assert expected in done.stdout, done.stdout + done.stderr
