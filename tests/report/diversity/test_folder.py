"""`curate diversity OUT`: a folder's set beside draws from the rows its filters left, or alone, with a word why."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

np = pytest.importorskip("numpy", reason="diversity needs the extra `embed`")
pytest.importorskip("numba", reason="k-means is compiled")
pytest.importorskip("model2vec", reason="the small model of these tests is a model2vec one")

from curate.cache import Cache  # noqa: E402
from curate.cli.pool import diversity  # noqa: E402
from curate.report.diversity.folder import SHOWN, DiversityError, map_of, of_folder, principal_axes  # noqa: E402
from tests.models.embeddings import static_model  # noqa: E402


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return str(static_model.write(tmp_path_factory.mktemp("static")))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def out(tmp_path):
    """What a run of 12 rows leaves: 4 taken, 5 not drawn, 1 not among the farthest, 2 too short."""
    words = static_model.WORDS
    rows = pl.DataFrame(
        {
            "id": [f"{i:02}" for i in range(12)],
            "source": ["pages"] * 12,
            "domain": ["tea"] * 6 + ["wheels"] * 6,
            "prompt": [f"{words[i]} {words[(3 * i + 1) % 12]}" for i in range(12)],
        }
    )
    dropped = [None] * 4 + ["sample"] * 5 + ["farthest", "length", "length"]
    folder = tmp_path / "out"
    folder.mkdir()
    rows[:4].write_parquet(folder / "train.parquet")
    rows.drop("prompt").with_columns(dropped_by=pl.Series(dropped)).write_parquet(folder / "ledger.parquet")
    Cache(tmp_path / ".stages").at("pass-1", lambda stage: rows.write_parquet(stage / "rows-00000.parquet") or {})
    steps = [
        {"verb": "keep", "filter": "length", "label": "length", "params": {}},
        {"verb": "select", "filter": "farthest", "label": "farthest", "params": {}},
    ]
    manifest = {
        "steps": {"pages": steps, "all": []},
        "quotas": [{"source": "pages", "domain": "tea", "asked": 5, "available": 6, "taken": 4}],
        "stages": {"built": [], "reused": [], "pool": ["pass-1"]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_pool_is_what_the_filters_left(out, model):
    result = of_folder(out, model=model)
    assert (result["rows"], result["pool"], result["note"]) == (4, 10, None)
    assert {row["metric"] for row in result["metrics"]} >= {"vendi", "facility_location", "cluster_entropy"}
    assert all(len(row["random"]) == 5 for row in result["metrics"])
    assert result["domains"] == [
        {"domain": "tea", "pool": 6, "asked": 5, "taken": 4},
        {"domain": "wheels", "pool": 4, "asked": None, "taken": 0},
    ]


def test_without_its_stages_the_set_is_measured_alone(out, model):
    (out.parent / ".stages" / "pass-1").rename(out.parent / "elsewhere")
    result = of_folder(out, model=model)
    assert result["pool"] is None
    assert "run the recipe again" in result["note"]
    assert {row["metric"] for row in result["metrics"]} >= {"vendi", "pairs_above_0.9"}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        pytest.param("promt", "did you mean 'prompt'", id="a column that is not there"),
        pytest.param("number", "where text is needed", id="a column of numbers"),
    ],
)
def test_a_column_that_cannot_be_embedded_is_said(column, message, out, model):
    rows = pl.read_parquet(out / "train.parquet").with_columns(number=1)
    rows.write_parquet(out / "train.parquet")
    with pytest.raises(DiversityError, match=message):
        of_folder(out, column=column, model=model)


def test_a_column_of_other_values_is_no_column_of_vectors(out):
    with pytest.raises(DiversityError, match="'prompt' holds String, not vectors"):
        of_folder(out, vectors="prompt")


def test_an_unfinished_folder_is_said(tmp_path, model):
    with pytest.raises(DiversityError, match="not a finished output folder"):
        of_folder(tmp_path, model=model)


def test_an_empty_set_is_said(out, model):
    pl.read_parquet(out / "train.parquet").clear().write_parquet(out / "train.parquet")
    with pytest.raises(DiversityError, match="no rows"):
        of_folder(out, model=model)


def test_the_command_prints_a_table_or_data(out, model):
    table = CliRunner().invoke(diversity, [str(out), "--model", model])
    assert table.exit_code == 0, table.output
    data = CliRunner().invoke(diversity, [str(out), "--model", model, "--draws", "2", "--json"])
    result = json.loads(data.stdout)
    assert result["pool"] == 10
    assert len(result["metrics"][0]["random"]) == 2


def test_a_set_of_one_row_has_null_for_distances_in_its_data(out, model):
    pl.read_parquet(out / "train.parquet")[:1].write_parquet(out / "train.parquet")
    data = CliRunner().invoke(diversity, [str(out), "--model", model, "--json"])
    values = {row["metric"]: row["value"] for row in json.loads(data.stdout)["metrics"]}
    assert values["nearest_neighbour_distance"] is None
    assert values["vendi"] == pytest.approx(1)


RNG = np.random.default_rng(3)


def test_the_first_axis_is_where_the_rows_spread_most():
    rows = RNG.normal(size=(200, 8)) * [1, 9, 1, 1, 5, 1, 1, 1]
    flat = principal_axes(rows)
    assert flat.var(axis=0)[0] > flat.var(axis=0)[1]
    assert abs(np.corrcoef(flat[:, 0], flat[:, 1])[0, 1]) < 1e-6


def rows_of(ids):
    return pl.DataFrame({"id": ids, "domain": "tea"})


def test_points_lie_in_the_frame_and_know_what_was_chosen():
    rows = RNG.normal(size=(5_000, 4))
    result = np.array(map_of(rows, 2_000, rows_of([f"r{i}" for i in range(5_000)]))["map"])
    assert len(result) == 2 * SHOWN
    assert result[:, 2].sum() == SHOWN
    assert result[:, :2].min() >= 0
    assert result[:, :2].max() <= 1


def test_the_order_of_the_rows_does_not_matter():
    rows, ids = RNG.normal(size=(50, 4)), [f"r{i}" for i in range(50)]
    turn = RNG.permutation(50)
    one, other = map_of(rows, 0, rows_of(ids)), map_of(rows[turn], 0, rows_of([ids[i] for i in turn]))
    assert sorted(one["map"]) == sorted(other["map"]) and one["regions"] == other["regions"]


def test_rows_that_are_all_the_same():
    result = map_of([[1.0, 0.0]] * 3, 1, rows_of(["a", "b", "c"]))
    assert sorted(result["map"]) == [[0.0, 0.0, 0], [0.0, 0.0, 0], [0.0, 0.0, 1]]
    assert result["regions"] == [{"x": 0.0, "y": 0.0, "name": "tea", "pool": 1.0, "set": 1.0}]
