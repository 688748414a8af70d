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

from curate import apply, batched, edit, keep, select
from curate.filters import at_least, first_person, gopher_quality, length, replace_opening, strip_links, top
from curate.filters.text import prompt_from_title_or_body

GOOD = length("response", min=6) & ~length("response", min=20)
TEXTS = ["short", "long enough", None, "far too long for this property"]
COLUMNS = {"response": TEXTS, "n": [1, 2, 3, 4]}
TWICE = pd.DataFrame([["a", "b"]], columns=["response", "response"])


def test_a_text_and_a_list_of_texts():
    assert apply(GOOD, "long enough") is True
    assert keep(TEXTS, GOOD) == ["long enough"]
    assert edit("one two", replace_opening("response", old="one", new="1")) == "1 two"


def test_a_filter_over_several_columns_wants_a_table():
    with pytest.raises(TypeError, match="body, id, title"):
        apply(prompt_from_title_or_body(), "a text")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(lambda: keep(5, GOOD), "cannot apply a filter to int: give a text", id="no table"),
        pytest.param(lambda: keep([5], GOOD), "cannot apply a filter to list", id="no texts"),
        pytest.param(lambda: keep("a text", GOOD), "cannot apply a filter to str", id="one text"),
        pytest.param(lambda: apply(TEXTS, GOOD), "and list is none: write apply", id="the wrong way round"),
        pytest.param(lambda: keep(TEXTS, pl.lit(True)), "reads no column", id="no column"),
        pytest.param(lambda: batched(GOOD)(iter(TEXTS)), "a batch is a mapping of columns to lists", id="no batch"),
        pytest.param(lambda: keep(TEXTS, length), r"length is a function: call it, as length\('response'\)", id="not called"),
        pytest.param(lambda: keep(["a", 5], GOOD), "item 2 of the list is of type int", id="not only texts"),
        pytest.param(lambda: keep(TWICE, GOOD), "several columns 'response'", id="two columns of a name"),
        pytest.param(lambda: keep(pa.chunked_array([TEXTS]), GOOD), "ChunkedArray holds values and no columns", id="no columns"),
        pytest.param(lambda: keep(COLUMNS, length("n", min=1)), "^'n' holds numbers, where text is needed$", id="numbers"),
        pytest.param(lambda: keep(COLUMNS, first_person("n")), "^'n' holds numbers, where text is needed$", id="numbers for a compiled step"),
        pytest.param(lambda: keep(COLUMNS, gopher_quality("n")), "^'n' holds numbers, where text is needed$", id="numbers for a function of Python"),
        pytest.param(lambda: select(TWICE, top, n=1), "several columns 'response'", id="two columns in a pool"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_said(call, sentence):
    with pytest.raises((TypeError, LookupError), match=sentence):
        call()


def test_an_empty_list_may_be_one_of_dicts():
    both = length("prompt", min=1) & at_least("score", value=1)
    assert (keep([], both), edit([], strip_links("prompt")), select([], top, n=1)) == ([], [], [])


@pytest.mark.parametrize("kind", [dict, pl.DataFrame, pd.DataFrame, pa.table, pa.RecordBatch.from_pydict])
def test_a_function_of_a_batch_takes_any_table(kind):
    change = replace_opening("response", old="long", new="quite long")
    assert batched(GOOD)(kind(COLUMNS)) == [False, True, False, False]
    assert batched(change, "response")(kind(COLUMNS))["response"][1] == "quite long enough"
    assert batched(strip_links("turns"), "turns")(kind({"prompt": ["[a](http://b.c)"]})) == {"prompt": ["a"]}


def test_the_public_names_are_listed():
    import curate

    assert set(dir(curate)) >= {"apply", "batched", "drop", "edit", "keep", "select", "load_recipe", "run_recipe"}
    assert not {"Any", "import_module"} & set(dir(curate))
    assert curate.load_recipe("recipes/lima1k.yaml").name == curate.load_recipe(Path("recipes/lima1k.yaml")).name


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
