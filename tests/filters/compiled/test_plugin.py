"""What lies between polars and a step in C: each type, shape and engine, memory, errors, and the reference instead."""

from __future__ import annotations

import ctypes
import pickle
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from curate.filters import compiled
from curate.filters.compiled import step, unavailable
from tests.filters.compiled.library import NO_COMPILER, build

STEPS = Path(__file__).with_name("steps.c")
TEXTS = [
    "abc",
    "A",
    "",
    None,
    "small letters and CAPITALS?",
    "é 字 capitals stay here: 😀",
    "\0\0a?",
    "LONG AND UNCHANGED",
    "a" * 100,
]
# Each step of steps.c with its options, the reference beside it, and its type.
CASES = {
    "shout": (None, lambda text: text.encode().upper().decode(), pl.String),
    "twice": (None, lambda text: text * 2, pl.String),
    "append": ("-é, and so on", lambda text: text + "-é, and so on", pl.String),
    "asks": (None, lambda text: text.endswith("?"), pl.Boolean),
    "count_bytes": (None, lambda text: len(text.encode()), pl.UInt64),
    "list_bytes": (None, lambda text: list(text.encode()), pl.List(pl.UInt64)),
    "find": ("a", lambda text: [i for i, byte in enumerate(text.encode()) if byte == 97], pl.List(pl.UInt64)),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if NO_COMPILER:
        pytest.skip(NO_COMPILER)
    source = str(Path(compiled.FOLDER / "plugin.c"))
    return build(tmp_path_factory.mktemp("steps"), source, "-O3", "-fvisibility=hidden", f'-DCURATE_STEPS="{STEPS}"')


@pytest.fixture(autouse=True)
def library(built, monkeypatch):
    monkeypatch.delenv("CURATE_REFERENCE", raising=False)
    monkeypatch.setattr(compiled, "LIBRARY", built)
    compiled._failure.cache_clear()
    yield built
    compiled._failure.cache_clear()


def expression(name, text=None):
    options, reference, dtype = CASES[name]
    return step(name, pl.col("text") if text is None else text, reference, dtype, options)


def expected(name, texts):
    _, reference, dtype = CASES[name]
    return pl.Series("text", [None if text is None else reference(text) for text in texts], dtype=dtype)


SHAPES = {
    "one chunk": pl.Series(TEXTS),
    "empty": pl.Series([], dtype=pl.String),
    "nulls alone": pl.Series([None] * 9, dtype=pl.String),
    "no nulls": pl.Series(["a", "B", "a long one that stands in a buffer"]),
    "nothing changes": pl.Series(["", "A", None, "A LONG ONE THAT STANDS IN A BUFFER"]),
    "chunks": pl.concat([pl.Series(TEXTS), pl.Series(TEXTS[::-1]), pl.Series([], dtype=pl.String)], rechunk=False),
    "slice": pl.Series(TEXTS * 9)[13:70],
    "slice of chunks": pl.concat([pl.Series(TEXTS), pl.Series(TEXTS)], rechunk=False)[3:15],
    "gathered": pl.Series(TEXTS * 4).gather(list(range(0, 36, 3))),
    "one text in many rows": pl.select(pl.repeat("one text in many rows", 100)).to_series(),
    "many buffers": pl.concat([pl.Series([f"{i} in a buffer of its own"]) for i in range(99)], rechunk=True),
    "more than one block": pl.Series([letter * 9_000_000 for letter in "abcd"]),
}


# Python's lists of 36,000,000 numbers take a gigabyte.
TOO_LARGE = ("list_bytes", "more than one block")


@pytest.mark.parametrize(("name", "shape"), [case for case in product(CASES, SHAPES) if case != TOO_LARGE])
def test_each_shape(name, shape):
    frame = pl.DataFrame({"text": SHAPES[shape]})
    assert frame.select(expression(name)).to_series().equals(expected(name, SHAPES[shape]), check_names=True)


@pytest.mark.parametrize("name", CASES)
def test_a_column_without_type(name):
    frame = pl.DataFrame({"text": [None, None]}).select(expression(name))
    assert (frame.to_series().dtype, frame.to_series().to_list()) == (CASES[name][2], [None, None])


CONTEXTS = {
    "lazy": lambda frame, edit: frame.lazy().select(edit).collect(),
    "streaming": lambda frame, edit: frame.lazy().select(edit).collect(engine="streaming"),
    "grouped": lambda frame, edit: frame.group_by("row", maintain_order=True).agg(edit.first()),
    "over": lambda frame, edit: frame.select(edit.over("group")),
    "filter": lambda frame, edit: frame.filter(edit.is_not_null() | pl.col("text").is_null()).select(edit),
    "when": lambda frame, edit: frame.select(pl.when(pl.col("row") >= 0).then(edit)),
    "within": lambda frame, edit: frame.select(pl.struct(edit).struct.field("text")),
}  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("name", CASES)
def test_each_context(name, context):
    texts = TEXTS * 300
    rows = range(len(texts))
    frame = pl.DataFrame({"text": texts, "row": rows, "group": [row % 7 for row in rows]})
    assert CONTEXTS[context](frame, expression(name))["text"].equals(expected(name, texts))


def test_steps_stand_in_each_other_and_views_outlive_what_they_point_into():
    frame = pl.DataFrame({"text": TEXTS * 50})
    edited = frame.select(expression("append", expression("shout", expression("append"))))
    del frame
    expect = expected("append", expected("shout", expected("append", TEXTS * 50)))
    assert edited.to_series().equals(expect)
    assert edited.vstack(edited).rechunk().to_series().head(450).equals(expect)


@pytest.mark.parametrize("name", CASES)
def test_threads_share_a_step(name):
    frame, expect = pl.DataFrame({"text": TEXTS * 500}), expected(name, TEXTS * 500)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: frame.select(expression(name)).to_series(), range(32)))
    assert all(result.equals(expect) for result in results)


class Schema(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("format", "name", *"abcdefg")]


class Array(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in "abcdefghij"]


class Series(ctypes.Structure):
    _fields_ = [
        ("field", ctypes.POINTER(Schema)),
        ("arrays", ctypes.POINTER(ctypes.POINTER(Array))),
        ("length", ctypes.c_size_t),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
@pytest.mark.parametrize("name", ["shout", "asks", "count_bytes"])
def test_each_layout_of_texts_in_arrow(name, kind, built):
    """polars hands over views alone; the interface has more."""
    pa = pytest.importorskip("pyarrow")
    texts = pa.array(["left out", *TEXTS], getattr(pa, kind)())[1:]
    schema, array, output = Schema(), Array(), Series()
    texts._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
    arrays = (ctypes.POINTER(Array) * 1)(ctypes.pointer(array))
    series = Series(ctypes.pointer(schema), arrays, 1, None, None)
    function = getattr(ctypes.CDLL(str(built)), f"_polars_plugin_{name}")
    function(ctypes.byref(series), ctypes.c_size_t(1), None, ctypes.c_size_t(0), ctypes.byref(output), None)
    result = pa.Array._import_from_c(*(ctypes.addressof(p.contents) for p in (output.arrays[0], output.field)))
    del texts
    ctypes.CFUNCTYPE(None, ctypes.POINTER(Series))(output.release)(ctypes.byref(output))
    assert result.to_pylist() == expected(name, TEXTS).to_list()
    result.validate(full=True)


WRONG = {
    "numbers": (pl.Series([1]), "shout takes text, but the column 'text' holds another type"),
    "lists": (pl.Series([["a"]]), "another type"),
    "bytes": (pl.Series([b"a"]), "another type"),
    "categories": (pl.Series(["a"], dtype=pl.Categorical), "another type"),
    "no memory": (pl.Series(["a", "xyz"]), "there is no memory for shout"),
}


@pytest.mark.parametrize(("texts", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_what_is_no_text_is_an_error(engine, texts, message):
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        pl.LazyFrame({"text": texts}).select(expression("shout")).collect(engine=engine)


def test_a_wrong_number_of_columns_is_an_error():
    for name, options, message in [("shout", "x", "one column, not 2"), ("append", None, "a column and its options")]:
        with pytest.raises(pl.exceptions.ComputeError, match=message):
            pl.DataFrame({"text": ["a"]}).select(compiled._compiled(name, pl.col("text"), options))


REASONS = {
    "not built": (lambda built, folder: folder / "steps.so", "the library is not built: install a C compiler"),
    "no library": (lambda built, folder: write(folder, b"text"), "cannot load the library"),
    "out of date": (lambda built, folder: write(folder, built.read_bytes().replace(compiled.sources().encode(), b"0" * 16)), "is built from other sources: install"),
}  # fmt: skip


def write(folder, content):
    (folder / "steps.so").write_bytes(content)
    return folder / "steps.so"


@pytest.mark.parametrize(("change", "reason"), REASONS.values(), ids=REASONS)
@pytest.mark.parametrize("name", CASES)
def test_the_reference_runs_where_the_library_cannot(name, change, reason, built, tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "LIBRARY", change(built, tmp_path))
    assert reason in unavailable(name)
    for texts in (TEXTS, [None]):
        result = pl.DataFrame({"text": texts}).lazy().select(expression(name))
        assert result.collect_schema() == {"text": CASES[name][2]}
        assert result.collect().to_series().equals(expected(name, texts))
    with pytest.raises(pl.exceptions.ComputeError, match=f"{name} takes text, but the column 'text' holds Int64"):
        pl.DataFrame({"text": [1]}).select(expression(name))


def test_the_reference_runs_where_polars_speaks_otherwise(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars.plugins", None)
    assert "cannot load the library" in unavailable("shout")
    assert pl.DataFrame({"text": TEXTS}).select(expression("shout")).to_series().equals(expected("shout", TEXTS))


def test_a_variable_has_the_references_run(monkeypatch):
    assert unavailable("shout") is None
    monkeypatch.setenv("CURATE_REFERENCE", "1")
    assert unavailable("shout") == "CURATE_REFERENCE is set"
    assert (
        "steps.so" in str(compiled._compiled("shout", pl.col("text"), None)),
        "steps.so" in str(expression("shout")),
    ) == (True, False)


@pytest.mark.parametrize("name", CASES)
def test_an_expression_pickles(name):
    copy = pickle.loads(pickle.dumps(expression(name)))
    assert pl.DataFrame({"text": TEXTS}).select(copy).to_series().equals(expected(name, TEXTS))
    assert pickle.dumps(copy) == pickle.dumps(expression(name))


@pytest.mark.slow
def test_no_memory_is_lost():
    frame = pl.DataFrame({"text": ["small letters, and so on"] * 20_000 + TEXTS * 2_000})
    steps = [expression(name).alias(name) for name in CASES]
    peaks = []
    for calls in (20, 200):
        for _ in range(calls):
            frame.select(steps)
            with pytest.raises(pl.exceptions.ComputeError):
                frame.select(expression("shout", pl.lit("xx")), expression("twice"))
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[1] - peaks[0] < 30_000, peaks  # KiB; a copy lost in each call would be 200 MB


def test_an_install_with_a_compiler_has_the_library(built, monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv("CURATE_REFERENCE", raising=False)
    assert unavailable() is None, "install again: `make` does so when a C file is newer"


def test_importing_the_loader_imports_nothing_large():
    code = "import sys, curate.filters.compiled; print({'polars', 'numpy', 'numba'} & {*sys.modules} - {*before})"
    code = "import sys, curate.filters; before = {*sys.modules}\n" + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
