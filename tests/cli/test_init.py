"""From a file of one's own to a set, first try: a table of shapes, each looked at and run as a newcomer would."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import polars as pl
import pytest
import yaml

import curate
from curate.filters import length
from tests.cli.test_cli import as_json, call

WORDS = [
    "water",
    "bread",
    "garden",
    "window",
    "kettle",
    "ladder",
    "carpet",
    "engine",
    "mirror",
    "barrel",
    "blanket",
    "compass",
]
SENTENCES = [
    "Look at it in good light, since most faults can be seen.",
    "Warm water and a soft cloth are enough in most cases.",
    "Let it dry for a day before you use it again.",
    "If a part is worn, ask a shop for one of the same size.",
]


def ask(i):
    return f"How do I mend the {WORDS[i % 12]} number {i}?"


def answer(i):
    return " ".join(random.Random(i).sample(SENTENCES, 2)) + f" That was number {i}."


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def alpaca(n):
    return json.dumps([{"instruction": ask(i), "input": "", "output": answer(i)} for i in range(n)]).encode()


def sharegpt(n):
    turns = [[{"from": "human", "value": ask(i)}, {"from": "gpt", "value": answer(i)}] for i in range(n)]
    more = [{"from": "human", "value": "And then?"}, {"from": "gpt", "value": "Then it is done, and you can rest."}]
    return jsonl({"conversations": turn + (more if i % 2 else [])} for i, turn in enumerate(turns))


def messages(n):
    return jsonl(
        {"messages": [{"role": "user", "content": ask(i)}, {"role": "assistant", "content": answer(i)}]}
        for i in range(n)
    )


def pairs(n):
    return gzip.compress(jsonl({"prompt": ask(i), "chosen": answer(i), "rejected": "No idea."} for i in range(n)))


def latin(n):
    cells = [f'{i};"Was heißt ""{ask(i)}""?";"{answer(i)}\nFür 5"" Größe."' for i in range(n)]
    return ("Nr;Frage;Antwort\r\n" + "\r\n".join(cells)).encode("latin-1")


def backslash(n):
    return ("question,answer\n" + "\n".join(rf'"A \"naïve\", {ask(i)}","{answer(i)}"' for i in range(n))).encode(
        "latin-1"
    )


def nested(n):
    frame = pl.DataFrame(
        {
            "uid": [f"u{i}" for i in range(n)],
            "info": [{"question": ask(i), "lang": "en"} for i in range(n)],
            "answers": [[{"text": answer(i), "votes": i}] for i in range(n)],
        }
    )
    frame.write_parquet("pool.parquet")
    return Path("pool.parquet").read_bytes()


def texts(n):
    return jsonl({"text": answer(i)} for i in range(n))


@pytest.mark.parametrize(
    ("name", "make", "shape", "guesses", "format_"),
    [
        pytest.param("pool.json", alpaca, "Alpaca", {}, "prompt_completion", id="Alpaca"),
        pytest.param("pool.jsonl", sharegpt, "ShareGPT", {}, "messages", id="ShareGPT"),
        pytest.param("pool.jsonl", messages, "conversations as messages", {}, "prompt_completion", id="messages"),
        pytest.param("pool.jsonl.gz", pairs, "plain", {}, "preference", id="pairs, packed"),
        pytest.param(
            "pool.csv", latin, "plain",
            {"encoding": "cp1252", "columns": {"prompt": "Frage", "response": "Antwort"}},
            "prompt_completion", id="CSV in Latin-1 with quotes, line breaks and semicolons",
        ),
        pytest.param(
            "pool.csv", backslash, "plain", {"encoding": "cp1252", "escape": "\\"}, "prompt_completion",
            id="CSV with backslashes before quotes",
        ),
        pytest.param(
            "pool.parquet", nested, "plain", {"columns": {"prompt": "info.question", "response": "answers.0.text"}},
            "prompt_completion", id="nested Parquet",
        ),
        pytest.param("pool.jsonl", texts, "plain", {"columns": {"prompt": "text"}}, "prompts", id="plain texts"),
    ],
)  # fmt: skip
def test_a_file_becomes_a_set_first_try(tmp_path, monkeypatch, name, make, shape, guesses, format_):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(make(160))
    summary = as_json("init", name)
    assert summary["shape"].startswith(shape)
    assert (summary["rows"], summary["bad"], summary["read"]) == (160, 0, guesses)
    recipe = Path("pool.yaml").read_text(encoding="utf-8")
    assert sum(not line.lstrip().startswith("#") for line in recipe.splitlines()) <= 12
    call("run", "pool.yaml")
    manifest = json.loads(Path("out/pool/manifest.json").read_text())
    assert manifest["formats"] == [format_]
    assert pl.read_parquet("out/pool/train.parquet").height == yaml.safe_load(recipe)["size"] == 100


def test_a_recipe_is_the_same_each_time_and_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.jsonl").write_bytes(messages(20))
    call("init", "mine.jsonl")
    first = Path("mine.yaml").read_text()
    call("init", "mine.jsonl")
    assert Path("mine.yaml").read_text() == first
    Path("mine.yaml").write_text(first + "# mine\n")
    assert "mine.yaml exists, with another content" in call("init", "mine.jsonl", code=2)
    assert Path("mine.yaml").read_text() == first + "# mine\n"
    assert "other.yaml is written" in call("init", "mine.jsonl", "-o", "other.yaml")


def test_what_is_wrong_with_a_file_is_said_and_the_recipe_runs_all_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = [{"instruction": ask(i % 50), "input": "", "output": answer(i) if i % 10 else ""} for i in range(100)]
    Path("mine.jsonl").write_bytes(jsonl(good) + b'{"instruction": "cut\n' * 5)
    summary = as_json("init", "mine.jsonl")
    assert (summary["empty"]["response"], summary["duplicates"], summary["bad"]) == (10, 50, 5)
    assert summary["first_bad"] == "mine.jsonl, line 101"
    call("run", "mine.yaml")


def test_a_folder_and_a_saved_dataset(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
    monkeypatch.chdir(tmp_path)
    Path("pool").mkdir()
    Path("pool/a.jsonl").write_bytes(messages(30))
    assert as_json("init", "pool")["rows"] == 30
    datasets.Dataset.from_dict(
        {"question": [ask(i) for i in range(30)], "answer": [answer(i) for i in range(30)]}
    ).save_to_disk("saved")
    summary = as_json("init", "saved")
    assert (summary["source"], summary["rows"], summary["columns"]) == (
        "hf",
        30,
        {"question": "text", "answer": "text"},
    )
    for name in ("pool", "saved"):
        call("run", f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("pool.jsonl", b"", "the file is empty", id="empty"),
        pytest.param("pool.jsonl", b'{"prompt": \n', "line 1: not JSON", id="broken"),
        pytest.param("pool.csv", b"a,b\n1,2\n", "has no column 'prompt'; it has: a, b", id="no text"),
        pytest.param("pool.jsonl", b'{"prompt": " "}\n', "all of them are blank", id="blank"),
        pytest.param("pool.bin", bytes(range(256)), "is of no kind that is read", id="another kind"),
        pytest.param("pool.txt", b"A line of text.\n", "write each as a line of JSON", id="plain text"),
        pytest.param("pools.jsonl", b"{}\n", "there is no file pool.jsonl; did you mean pools.jsonl?", id="mistyped"),
        pytest.param(
            "other", b"{}\n", "looked for pool.jsonl (in the working folder), dumps/pool.jsonl", id="not there"
        ),
    ],
)
def test_a_file_that_says_nothing_is_refused_in_words(tmp_path, monkeypatch, name, content, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", "dumps")
    Path(name).write_bytes(content)
    typed = name if name.startswith("pool.") else "pool.jsonl"
    assert said in call("init", typed, code=2)
    assert not list(Path().glob("*.yaml"))


def test_a_file_is_read_as_init_sees_it(tmp_path, caplog):
    rows = [{"instruction": f"Why {n}?", "input": "", "output": f"Because of {n}."} for n in range(25_000)]
    file = tmp_path / "alpaca.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + "no record\n", encoding="utf-8")
    frame = curate.read(file)
    assert frame.select("prompt", "response").rows()[-1] == ("Why 24999?", "Because of 24999.")
    assert frame.height == frame["id"].n_unique() == 25_000
    assert "1 record cannot be read; the first, at line 25001" in caplog.text
    assert curate.keep(frame, length(max=14)).height == 100
