from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import curate.train
from curate.recipe.places import RecipeError
from curate.train import mixture, run
from curate.train.config import Set, read, resolve
from curate.train.findings import TrainError
from tests.train import tiny

FORM = "prompt_completion"


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Two sets whose ids are the same: 12 rows and 5."""
    folder = tmp_path_factory.mktemp("sets")
    other = [{**row, "prompt": [{"role": "user", "content": f"Say {i}."}]} for i, row in enumerate(tiny.answers(5))]
    return str(tiny.write(folder / "a.jsonl", tiny.answers(12))), str(tiny.write(folder / "b.jsonl", other))


def mix(files, *weights, rows=None, seed=0):
    return mixture.load([Set(path=p, weight=w) for p, w in zip(files, weights, strict=True)], FORM, rows, seed)


def counts(data, file):
    """Count how often each row of a set is there."""
    ids = [row.id.removeprefix(f"{file}:").partition(mixture._AGAIN)[0] for row in data.rows if row.id.startswith(file)]
    return Counter(ids)


@pytest.mark.parametrize(
    ("weights", "expected", "most"),
    [
        pytest.param((1, 1), (12, 5), (1, 1), id="every row once unless a weight says otherwise"),
        pytest.param((0.5, 1), (6, 5), (1, 1), id="half of a set"),
        pytest.param((1, 2), (12, 10), (1, 2), id="all rows twice"),
        pytest.param((1, 2.4), (12, 12), (1, 3), id="all twice and two of five a third time"),
        pytest.param((0.25, 3), (3, 15), (1, 3), id="less of the large one, more of the small one"),
    ],
)
def test_a_weight_is_how_often_the_rows_of_a_set_are_there(weights, expected, most, files):
    data = mix(files, *weights)
    each = [counts(data, file) for file in files]
    assert tuple(one.total() for one in each) == expected
    assert tuple(max(one.values()) for one in each) == most
    assert all(max(one.values()) - min(one.values()) <= 1 for one, w in zip(each, weights, strict=True) if w >= 1)
    assert len({row.id for row in data.rows}) == len(data.rows), "each copy has an id of its own"


@settings(max_examples=40, deadline=None)
@given(a=st.sampled_from([0.3, 0.5, 1, 1.5, 2]), b=st.sampled_from([0.4, 1, 2, 3]), rows=st.integers(1, 8))
def test_any_first_rows_hold_the_shares_of_the_whole(files, a, b, rows):
    whole = mix(files, a, b)
    rows = min(rows, len(whole.rows))
    some = mix(files, a, b, rows=rows)
    assert some.rows == whole.rows[:rows]
    share = counts(whole, files[0]).total() / len(whole.rows)
    assert abs(counts(some, files[0]).total() - share * rows) <= 1


def test_the_order_of_the_sets_and_of_their_rows_does_not_matter(files, tmp_path):
    from pathlib import Path

    there, back = mix(files, 0.5, 2), mix(files[::-1], 2, 0.5)
    assert (there.rows, there.sha256) == (back.rows, back.sha256)
    turned = tmp_path / "a.jsonl"
    turned.write_text("".join(reversed(Path(files[0]).read_text().splitlines(keepends=True))))
    again = mix((str(turned), files[1]), 0.5, 2)
    assert counts(again, str(turned)) == counts(there, files[0])
    assert {row.id for row in mix(files, 0.5, 2, seed=1).rows} != {row.id for row in there.rows}, "the seed does"
    assert mix(files, 0.5, 1).sha256 != there.sha256, "a weight is part of the key"


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        pytest.param([{"path": "A"}, {"path": "A", "weight": 2}], "hold the same: name it once", id="twice the same"),
        pytest.param([{"path": "A"}, {"path": "B", "weight": 0.01}], "takes none of the 5 rows of B", id="no row left"),
        pytest.param([{"path": "A"}, {"path": "C"}], "has no 'completion'", id="a set of another form"),
        pytest.param([{"path": "A"}, {"path": "gone.jsonl"}], "there is no data gone.jsonl", id="no such set"),
    ],
)
def test_sets_that_cannot_be_mixed_are_told(sets, message, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, file in zip("AB", files, strict=True):
        sets = [
            {**one, "path": one["path"].replace(name, file) if one["path"] == name else one["path"]} for one in sets
        ]
        message = message.replace(f"of {name}", f"of {file}")
    tiny.write(tmp_path / "C.jsonl", tiny.pairs(2))
    sets = [{**one, "path": "C.jsonl"} if one["path"] == "C" else one for one in sets]
    with pytest.raises(TrainError, match=message):
        mixture.load([Set(**one) for one in sets], FORM)


def test_more_rows_than_there_are_is_told(files):
    with pytest.raises(TrainError, match="30 are asked for, and the sets give 11 by their weights"):
        mix(files, 0.5, 1, rows=30)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "at data\n.*at least 1 item"),
        ([{"path": "a", "wieght": 2}], "there is no 'wieght' here; did you mean 'weight'"),
        ([{"path": "a", "weight": 0}], "should be greater than 0, not 0"),
        ([{"weight": 1}], "'path' is missing"),
    ],
)
def test_a_list_that_names_no_sets_is_told_at_its_place(data, message):
    with pytest.raises(RecipeError, match=message):
        resolve("sft", *read({"model": "m", "data": data}))


def test_held_out_prompts_are_on_one_side_and_count_once(config, files):
    sets = [{"path": files[0], "weight": 3}, {"path": files[1], "weight": 2}]
    job = run.prepare(resolve("sft", *read({**config, "data": sets, "held_out": 0.4})))
    prompts = [{str(row.record["prompt"]) for row in side.rows} for side in (job.rows, job.held_out)]
    assert not prompts[0] & prompts[1]
    assert len(job.held_out.rows) == len(prompts[1]) and len(job.rows.rows) > 2 * len(prompts[0]) - 1


def test_the_record_counts_the_rows_of_each_set(config, files, tmp_path):
    sets = [{"path": files[0], "weight": 0.5}, {"path": files[1], "weight": 2}]
    steps = {**config["trainer"], "max_steps": 2}
    result = curate.train.sft({**config, "data": sets, "rows": 8, "trainer": steps}, tmp_path / "out")
    assert [(one["path"], one["weight"], one["rows_in_file"], one["rows_in"]) for one in result["data"]["sets"]] == [
        (files[0], 0.5, 12, 3),
        (files[1], 2, 5, 5),
    ]
    assert (result["data"]["rows_in_file"], result["data"]["rows_in"]) == (17, 8)
    assert "a.jsonl and b.jsonl" in (tmp_path / "out" / "README.md").read_text()
    assert "b.jsonl" in (tmp_path / "out" / "training.html").read_text().partition("<h2")[0]
    assert curate.train.sft({**config, "data": sets[::-1], "rows": 8, "trainer": steps}, tmp_path / "out")["reused"]
